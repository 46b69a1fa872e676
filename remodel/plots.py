"""Pictures of a model, for scripts: `from remodel.plots import plot_section`."""

from remodel.report.section_picture import plot_section

__all__ = ["plot_section"]
