"""Agent-based model of bone remodeling."""

from remodel.support.version import VERSION

TYPE_CHECKING = False  # as `typing` has it, whose import takes longer than all of this
if TYPE_CHECKING:
    from remodel.bone.files import load_section, save_section
    from remodel.bone.images import Scan, read_section
    from remodel.clinic.courses import Course
    from remodel.clinic.lifestyle import Change
    from remodel.clinic.patients import Patient
    from remodel.clinic.trial_files import load_trial
    from remodel.clinic.trials import Trial
    from remodel.model.bone_model import BoneModel
    from remodel.model.files import load_model, save_model
    from remodel.parameters.parameters import Parameters
    from remodel.runs.ensemble import load_ensemble, run_ensemble
    from remodel.runs.results import Readings
    from remodel.runs.scenario import Case, cross

__all__ = [
    "BoneModel", "Case", "Change", "Course", "Parameters", "Patient", "Readings", "Scan", "Trial",
    "cross", "load_ensemble", "load_model", "load_section", "load_trial", "read_section",
    "run_ensemble", "save_model", "save_section",
]  # fmt: skip
__version__ = VERSION
_HOMES = {  # module of each name; imported when it is first asked for, as all are slow to load
    "bone.files": ("load_section", "save_section"),
    "bone.images": ("Scan", "read_section"),
    "clinic.courses": ("Course",),
    "clinic.lifestyle": ("Change",),
    "clinic.patients": ("Patient",),
    "clinic.trial_files": ("load_trial",),
    "clinic.trials": ("Trial",),
    "model.bone_model": ("BoneModel",),
    "model.files": ("load_model", "save_model"),
    "parameters.parameters": ("Parameters",),
    "runs.ensemble": ("load_ensemble", "run_ensemble"),
    "runs.results": ("Readings",),
    "runs.scenario": ("Case", "cross"),
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
