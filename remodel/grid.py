"""The section as a grid of Mesa, for scripts and Mesa's page: `from remodel.grid import SectionGrid`."""

from remodel.model.grid import SectionGrid

__all__ = ["SectionGrid"]
