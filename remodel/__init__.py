"""Agent-based model of bone remodeling."""

from remodel.model import BoneModel
from remodel.parameters import Parameters
from remodel.patients import Patient
from remodel.therapies import Course

__all__ = ["BoneModel", "Course", "Parameters", "Patient"]
__version__ = "0.1.0"
