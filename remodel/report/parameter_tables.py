"""Tables of every number, in Markdown, printed from the code."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from inspect import getdoc

from remodel.clinic.evidence import read_biology
from remodel.clinic.patients import Patient
from remodel.parameters import fitted_sets
from remodel.parameters.drugs import Drug, every_row
from remodel.parameters.fitted_sets import DEFAULT_SET, FOLDER, built_in_sets
from remodel.parameters.mechanisms import MECHANISMS
from remodel.parameters.parameters import Parameters
from remodel.parameters.population import Population
from remodel.parameters.quantities import CALIBRATED, MEASURED, Response, Row

CONSTANTS = (  # numbers that are no parameters: name, unit, meaning, basis
    (
        "bone.section.HALF",
        "site",
        "matrix and cavity from which on a site counts as bone",
        "design",
    ),
    (
        "bone.section.SMOOTHING",
        "µm",
        "to each side, over which surface is smoothed for its direction",
        "design",
    ),
    ("bone.blocks.WIDEST", "µm", "block of sites for means over a far reach", "design"),
    (
        "bone.pit_shape.WINDOW",
        "fraction",
        "of the width of a unit, how far it can reach to each side",
        "design",
    ),
    (
        "bone.synthetic.APART",
        "fraction",
        "of the mean spacing of canals, which they keep from each other",
        "assumed",
    ),
    (
        "bone.synthetic.JOINING",
        "fraction",
        "of the mean slope of the random field, which joins trabeculae at nodes",
        "assumed",
    ),
    ("model.environment.LEAST", "1", "strain beneath which RANKL rises no further", "assumed"),
    (
        "clinic.pharmacokinetics.SUBSTEP",
        "day",
        "part of a step by which an antibody comes and goes",
        "design",
    ),
    ("bone.synthetic.MARGIN", "mm", "shown beyond the periosteum", "design"),
    (
        "bone.segmentation.CORTEX_FROM",
        "µm",
        "local thickness from which compact bone is cortex",
        "assumed",
    ),
    ("bone.segmentation.PORE", "mm2", "less is a pore of compact bone, more is marrow", "assumed"),
    ("bone.segmentation.LEAST", "squares", "least cortex, in squares of that thickness", "assumed"),
    (
        "bone.segmentation.PLATE",
        "widths",
        "least length of a cortex beside a corner outside",
        "assumed",
    ),
    (
        "bone.segmentation.CROPPED",
        "fraction",
        "of a side along which a cropped cortex lies",
        "assumed",
    ),
    (
        "measurement.markers.BASELINE_YEARS",
        "year",
        "before day 0, over which rates are averaged",
        "design",
    ),
    (
        "measurement.markers.MARKER_WINDOW",
        "year",
        "before a reading, over which a marker is averaged",
        "design",
    ),
    (
        "parameters.measurement.LEAST_SIGNIFICANT",
        "%",
        "least change of one person beyond error",
        "assumed",
    ),
    ("report.agreement.ACCEPTANCE", "points", "root mean square error of BMD, at most", "design"),
    (
        "report.agreement.CLEAR",
        "points",
        "published change beyond which its sign must agree",
        "design",
    ),
)


def parameter_table(parameters: Parameters | None = None) -> str:
    """Return every number of the model as a Markdown table."""
    return number_table((parameters or Parameters()).rows())


def set_table() -> str:
    """Return the sets of fitted numbers that the package ships as a Markdown table."""
    rows = []
    for label in built_in_sets():
        about = fitted_sets.set_table(label).words("about", "")
        default = " (default)" if label == DEFAULT_SET else ""
        rows.append((f"`{label}`{default}", f"`remodel/parameters/{FOLDER}/{label}.toml`", about))
    return markdown(("set", "file", "what it is"), rows)


def patient_table() -> str:
    """Return the numbers of the reference patient as a Markdown table."""
    return number_table(Patient().rows("patient"))


def population_table() -> str:
    """Return the distributions from which patients are drawn as a Markdown table."""
    return number_table(Population().rows("population"))


def default_drug_table() -> str:
    """Return what holds of every drug that does not say otherwise as a Markdown table."""
    return number_table(default_drug())


def default_drug() -> Iterator[Row]:
    """Yield the numbers of a drug that says nothing but its name, if they are not zero."""
    return (row for row in every_row(Drug(name="any"), "drug") if row.value)


def number_table(rows: Iterable[Row]) -> str:
    """Return numbers with all that is known about each as a Markdown table."""
    return markdown(
        ("name", "value", "unit", "range", "meaning", "basis", "source"),
        [
            (f"`{r.name}`", f"{r.value:g}", r.unit, f"{r.low:g} to {r.high:g}", r.meaning, r.basis,
             r.source if r.basis == MEASURED else "")
            for r in rows
        ],
    )  # fmt: skip


def constant_table() -> str:
    """Return the numbers that are no parameters as a Markdown table."""
    return markdown(
        ("name", "value", "unit", "meaning", "basis"),
        [
            (f"`{name}`", shown(find_constant(name)), unit, meaning, basis)
            for name, unit, meaning, basis in CONSTANTS
        ],
    )


def find_constant(name: str) -> float | Mapping[str, float]:
    """Return a constant by the name of its module and its own."""
    module, _, item = name.rpartition(".")
    found: float | Mapping[str, float] = getattr(import_module(f"remodel.{module}"), item)
    return found


def shown(value: float | Mapping[str, float]) -> str:
    """Return a constant as text: a number, or one for each name."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name.replace('_', ' ')} {one:g}" for name, one in value.items())
    return f"{value:g}"


def source_table() -> str:
    """Return the rows of the evidence that numbers of the model rest on as a Markdown table."""
    cited = {row.source for row in every_number() if row.basis == MEASURED}
    names = ("id", "quantity", "value", "range", "unit", "source", "confidence")
    rows = [row for row in read_biology() if row["id"] in cited]
    return markdown(names, [[row[name] for name in names] for row in rows])


def every_number() -> Iterator[Row]:
    """Yield the numbers of the model, of the reference patient, of a population and of any drug."""
    yield from Parameters().rows()
    yield from Patient().rows("patient")
    yield from Population().rows("population")
    yield from default_drug()


def response_table(parameters: Parameters | None = None) -> str:
    """Return the dose-response relations as a Markdown table: a signal and the behavior it changes."""
    responses = (parameters or Parameters()).responses
    return markdown(
        ("row", "signal", "behavior", "E0", "Emax", "unit", "EC50", "Hill", "basis"),
        [
            (f"`{name}`", c.signal, c.behavior, f"{c.e0:g}", f"{c.emax:g}", c.unit, f"{c.ec50:g}",
             f"{c.hill:g}", basis(c))
            for name, c in vars(responses).items()
        ],
    )  # fmt: skip


def basis(one: Response | Drug) -> str:
    """Return what the numbers of a row rest on: which are fitted, and what the others."""
    units = ("it.amount", "it.per")  # which say what a dose is, not what it does
    rows = [row for row in one.rows("it") if row.source != CALIBRATED and row.name not in units]
    others = ", ".join(dict.fromkeys(row.source for row in rows))
    if not one.fitted:
        return others
    fitted = f"{CALIBRATED}: {', '.join(one.fitted)}"
    return f"{fitted}; others {others}" if others else fitted


def drug_table(parameters: Parameters | None = None) -> str:
    """Return the drugs as a Markdown table: how each is given, and what it changes."""
    drugs = (parameters or Parameters()).drugs
    return markdown(
        ("drug", "given", "half-life, days", "what it changes, at the standard dose", "basis"),
        [
            (f"`{name}`", how_given(one), half_life(one), changes(one), basis(one))
            for name, one in drugs.items()
        ],
    )


def mechanism_table() -> str:
    """Return what a drug can do as a Markdown table: the mechanisms, and their numbers."""
    return markdown(
        ("mechanism", "what it does", "its numbers"),
        [
            (f"`{kind.__name__}`", (getdoc(kind) or "").splitlines()[0],
             ", ".join(f"`{item.name}`" for item in fields(kind)))
            for kind in MECHANISMS
        ],
    )  # fmt: skip


def how_given(one: Drug) -> str:
    """Return how often a drug is given."""
    if one.lasting:
        return "once, for good"
    amount = f"{one.amount:g} mg " if one.amount else ""
    if one.interval:
        return f"{amount}every {one.interval:g} days"
    return f"{amount}{'daily' if one.per == 1 else f'in {one.per:g} days'}"


def half_life(one: Drug) -> str:
    """Return the half-life of a drug in days, where its level follows from it."""
    followed = not (one.lasting or one.concentration or one.bisphosphonate)
    return f"{one.half_life:g}" if followed else ""


def changes(one: Drug) -> str:
    """Return the numbers of a drug that are not those of doing nothing."""
    rows = {row.name.partition(".")[2]: row for row in one.rows("it")}
    how = ("half_life", "interval", "amount", "per")
    shown = [row for name, row in rows.items() if name not in how]
    units = ["" if row.unit in ("1", "fraction") else f" {row.unit}" for row in shown]
    return "; ".join(
        f"{row.meaning}: {row.value:g}{unit}" for row, unit in zip(shown, units, strict=True)
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table, its columns aligned for reading as text."""
    lines = [list(head), *(list(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [[cell.ljust(w) for cell, w in zip(line, widths, strict=True)] for line in lines]
    padded.insert(1, ["-" * width for width in widths])
    return "".join(f"| {' | '.join(line)} |\n" for line in padded)
