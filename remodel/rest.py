"""Sections at rest that a process keeps, for scripts: `from remodel.rest import clear`."""

from remodel.model.spin_up_cache import clear

__all__ = ["clear"]
