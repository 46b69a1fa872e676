"""A drug of one's own, for scripts: `from remodel.drugs import drug`."""

from remodel.parameters.drugs import drug

__all__ = ["drug"]
