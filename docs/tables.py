"""Print the tables of the code, and of the record of speed, into the docs: `python docs/tables.py`."""

import json
import re
from pathlib import Path

from remodel.tables import api_table, drug_table, markdown, parameter_table, response_table

SPEED = Path(__file__).parent.parent / "experiments/results/speed.json"


def speed_table() -> str:
    """Return what the record of speed holds: on which machine, what was asked, what measured."""
    record = json.loads(SPEED.read_text(encoding="utf-8"))
    machine = ", ".join(f"{name} {value}" for name, value in record["machine"].items())
    rows = [
        (run["what"], run["unit"], f"{run['ask']:g} or {'more' if run['more_is_better'] else 'less'}",
         f"{run['measured']:.3g}", "yes" if run["met"] else "no")
        for run in record["runs"]
    ]  # fmt: skip
    return f"{machine}\n\n" + markdown(("what", "unit", "asked", "measured", "met"), rows)


PAGES = {
    "docs/parameters.md": ("parameters", parameter_table),
    "docs/odd.md": ("responses", response_table),
    "docs/drugs.md": ("drugs", drug_table),
    "docs/api.md": ("api", api_table),
    "experiments/README.md": ("speed", speed_table),
}


def fill(page: str, text: str) -> str:
    """Return the text of a page with its table as the code prints it."""
    name, table = PAGES[page]
    begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    filled, count = re.subn(
        pattern, lambda _: begin + table().rstrip("\n") + "\n" + end, text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError(f"{page}: {count} regions for the table {name!r}; expected 1")
    return filled


if __name__ == "__main__":
    for page in PAGES:
        path = Path(page)
        path.write_text(fill(page, path.read_text(encoding="utf-8")), encoding="utf-8")
