"""Agent-based model of bone remodeling."""

TYPE_CHECKING = False  # as `typing` has it, whose import takes longer than all of this
if TYPE_CHECKING:
    from remodel.archive import load_section, save_section
    from remodel.cases import Case, cross
    from remodel.changes import Change
    from remodel.ensemble import load_ensemble, run_ensemble
    from remodel.images import Scan, read_section
    from remodel.model import BoneModel
    from remodel.parameters import Parameters
    from remodel.patients import Patient
    from remodel.report import Readings
    from remodel.saving import load_model, save_model
    from remodel.therapies import Course
    from remodel.trials import Trial, load_trial

__all__ = [
    "BoneModel", "Case", "Change", "Course", "Parameters", "Patient", "Readings", "Scan", "Trial",
    "cross", "load_ensemble", "load_model", "load_section", "load_trial", "read_section",
    "run_ensemble", "save_model", "save_section",
]  # fmt: skip
__version__ = "0.1.0"
_HOMES = {  # module of each name; imported when it is first asked for, as all are slow to load
    "archive": ("load_section", "save_section"),
    "cases": ("Case", "cross"),
    "changes": ("Change",),
    "ensemble": ("load_ensemble", "run_ensemble"),
    "images": ("Scan", "read_section"),
    "model": ("BoneModel",),
    "parameters": ("Parameters",),
    "patients": ("Patient",),
    "report": ("Readings",),
    "saving": ("load_model", "save_model"),
    "therapies": ("Course",),
    "trials": ("Trial", "load_trial"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    """Import what is asked for: a name of `__all__`, or a module of the package."""
    from importlib import import_module
    from importlib.util import find_spec

    if name in _HOME_OF:
        found = getattr(import_module(f"remodel.{_HOME_OF[name]}"), name)
        globals()[name] = found
        return found
    if not name.startswith("_") and find_spec(f"remodel.{name}"):
        return import_module(f"remodel.{name}")
    raise AttributeError(f"module 'remodel' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Return all names, imported or not."""
    return sorted({*globals(), *__all__} - {"TYPE_CHECKING"})
