"""Print into the docs what has its home elsewhere: `python docs/tables.py`.

Tables of the code, the record of speed, and the sentence on pages whose results are of an earlier design.
"""

import json
import re
from inspect import getdoc, signature
from pathlib import Path
from pkgutil import resolve_name

import remodel
from remodel.report import parameter_tables

SPEED = Path(__file__).parent.parent / "experiments/results/speed.json"
EARLIER = (  # a page whose results are made anew is to be taken out of `PAGES`
    "**Results that this page shows or quotes are of the first design of the remodeling unit**; they "
    "are made anew when the second one is fitted to all evidence."
)
USED = {  # what one calls of a class, and what else one may import
    "BoneModel": ("give", "change", "run", "run_until", "read_at", "frame"),
    "Parameters": (
        "from_set",
        "load",
        "save",
        "with_values",
        "with_drugs",
        "values",
        "rows",
    ),
    "Readings": ("series", "change", "hazard"),
    "Trial": ("model_parameters", "with_years_off", "notes"),
}
BESIDE = (
    "drugs.drug",
    "grid.SectionGrid",
    "rest.clear",
    "histomorphometry.histomorphometry",
    "plots.plot_section",
)


def api_table() -> str:
    """Return what a script may rely on as a Markdown table; all else may change."""
    names = [f"{name}{method}" for name in remodel.__all__ for method in ("", *methods(name))]
    top = [api_row(name, f"remodel:{name}") for name in names]
    return parameter_tables.markdown(
        ("name", "what it is"), top + [api_row(x, f"remodel.{x}") for x in BESIDE]
    )


def methods(name: str) -> list[str]:
    """Return what one calls of a class, each with the dot before it."""
    return [f".{method}" for method in USED.get(name, ())]


def api_row(name: str, place: str) -> tuple[str, str]:
    """Return a name with what it takes, and the first line of what it says of itself."""
    it = resolve_name(place)
    taken = [
        f"**{item.name}" if item.kind is item.VAR_KEYWORD else item.name
        for item in signature(it).parameters.values()
        if item.name != "self"
    ]
    return f"`{name}({', '.join(taken)})`", (getdoc(it) or "").splitlines()[0]


def speed_table() -> str:
    """Return what the record of speed holds: on which machine, the criteria, and what was measured."""
    record = json.loads(SPEED.read_text(encoding="utf-8"))
    machine = ", ".join(f"{name} {value}" for name, value in record["machine"].items())
    rows = [
        (run["what"], run["unit"], f"{run['criterion']:g} or {'more' if run['more_is_better'] else 'less'}",
         f"{run['measured']:.3g}", "yes" if run["met"] else "no")
        for run in record["runs"]
    ]  # fmt: skip
    return f"{machine}\n\n" + parameter_tables.markdown(
        ("what", "unit", "criterion", "measured", "met"), rows
    )


def earlier() -> str:
    """Return the sentence that stands on pages of results of an earlier design."""
    return EARLIER


PAGES = {  # the tables of each page
    "docs/parameters.md": {
        "parameter set": parameter_tables.set_table,
        "parameters": parameter_tables.parameter_table,
        "default drug": parameter_tables.default_drug_table,
        "patient": parameter_tables.patient_table,
        "population": parameter_tables.population_table,
        "constants": parameter_tables.constant_table,
        "sources": parameter_tables.source_table,
    },
    "docs/odd.md": {"responses": parameter_tables.response_table},
    "docs/drugs.md": {
        "drugs": parameter_tables.drug_table,
        "mechanisms": parameter_tables.mechanism_table,
    },
    "docs/api.md": {"api": api_table},
    "docs/evidence.md": {"results of an earlier design": earlier},
    "experiments/README.md": {"results of an earlier design": earlier, "speed": speed_table},
}


def fill(page: str, text: str) -> str:
    """Return the text of a page with its tables as the code prints them."""
    for name, table in PAGES[page].items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        new = begin + table().rstrip("\n") + "\n" + end
        text, count = re.subn(pattern, lambda _, new=new: new, text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{page}: {count} regions for the table {name!r}; expected 1")
    return text


if __name__ == "__main__":
    for page in PAGES:
        path = Path(page)
        path.write_text(fill(page, path.read_text(encoding="utf-8")), encoding="utf-8")
