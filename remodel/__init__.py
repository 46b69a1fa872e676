"""Agent-based model of bone remodeling."""

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
