"""Histomorphometry of a model, for scripts: `from remodel.histomorphometry import histomorphometry`."""

from remodel.model.biopsy import histomorphometry

__all__ = ["histomorphometry"]
