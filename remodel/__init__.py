"""Agent-based model of bone remodeling."""

from remodel.archive import load_section, save_section
from remodel.model import BoneModel
from remodel.parameters import Parameters
from remodel.patients import Patient
from remodel.saving import load_model, save_model
from remodel.therapies import Course

__all__ = [
    "BoneModel", "Course", "Parameters", "Patient", "load_model", "load_section", "save_model",
    "save_section",
]  # fmt: skip
__version__ = "0.1.0"
