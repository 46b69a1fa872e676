"""The version of the package, which `pyproject.toml` and `CITATION.cff` repeat."""

VERSION = "0.1.0"
