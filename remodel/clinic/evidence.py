"""The evidence that the package ships: results of trials, numbers of biology."""

import csv
from collections.abc import Iterator
from importlib.resources import files

from remodel.clinic.trials import Published
from remodel.measurement.fracture import HAZARD
from remodel.parameters.measurement import SKELETAL_SITES
from remodel.support.messages import shown
from remodel.support.toml_table import Table

EVIDENCE = {"CTX": "ctx", "P1NP": "p1np", "bone ALP": "bone_alp", "fracture hazard ratio": HAZARD}


def read_biology() -> list[dict[str, str]]:
    """Return the rows of `evidence/biology.csv`."""
    text = files("remodel.clinic").joinpath("evidence", "biology.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def read_evidence(top: Table, arms: list[str], years: float) -> Iterator[Published]:
    """Read the results up to a year that the evidence table of the package holds."""
    rows = evidence_rows()
    for table in top.tables("evidence"):
        table.only(("trial", "arms"))
        trial = table.choice("trial", dict.fromkeys(row["trial"] for row in rows))
        here = [row for row in rows if row["trial"] == trial]
        names = table.table("arms")
        names.only(dict.fromkeys(row["arm"] for row in here))
        pairs = {name: read_pair(names, name, arms) for name in names.data}
        for row in here:
            if row["arm"] in pairs and float(row["years"]) <= years:
                arm, against = pairs[row["arm"]]
                if EVIDENCE.get(row["endpoint"]) == HAZARD and not against:
                    names.refuse(row["arm"], f"{row['arm']} is a ratio; expected [arm, reference]")
                yield from as_published(row, arm, against)


def read_pair(names: Table, name: str, arms: list[str]) -> tuple[str, str]:
    """Return our arm for an arm of the evidence, and the arm it is compared with."""
    found = names.data[name]
    pair = found if isinstance(found, list) else [found]
    if len(pair) not in (1, 2) or any(arm not in arms for arm in pair):
        expected = f"an arm, or [arm, arm compared with], of {', '.join(arms)}"
        names.refuse(name, f"{name} = {shown(found)}; expected {expected}")
    return (pair[0], pair[1]) if len(pair) == 2 else (pair[0], "")


def evidence_rows() -> list[dict[str, str]]:
    """Return the rows of the evidence table that the package ships."""
    text = files("remodel.clinic").joinpath("evidence", "trials.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def as_published(row: dict[str, str], arm: str, against: str) -> Iterator[Published]:
    """Yield a row of the evidence as a published result, if the model has such a quantity."""
    endpoint, place = row["endpoint"], row["site"].replace(" ", "_")
    site = (
        place
        if endpoint.startswith("BMD") and place in SKELETAL_SITES
        else EVIDENCE.get(endpoint, "")
    )
    if site:
        yield Published(
            arm=arm,
            against=against,
            site=site,
            baseline=baseline_year(row["baseline"]),
            year=float(row["years"]),
            value=float(row["value"]),
            spread=row["spread"],
            use=row["use"],
            source=row["source"],
        )


def baseline_year(text: str) -> float:
    """Return the year that a baseline such as ``"year 5"`` names; others are the start."""
    return float(text.removeprefix("year ")) if text.startswith("year ") else 0.0
