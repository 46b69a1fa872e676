"""Generated inputs: the same in every run, counted, and ten times as many where asked for.

`pytest --hypothesis-profile=tenfold` tries ten times as many, others each time.
"""

from tempfile import TemporaryDirectory

from generated import TRIED
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

HOME = TemporaryDirectory()
set_hypothesis_home_dir(HOME.name)  # or it leaves a folder in the tree
PATIENT = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("usual", max_examples=100, derandomize=True, **PATIENT)
settings.register_profile("tenfold", max_examples=1000, print_blob=True, **PATIENT)
settings.load_profile("usual")


def pytest_terminal_summary(terminalreporter):
    """Say how many inputs of each kind were tried."""
    if TRIED:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(TRIED.items()))
        terminalreporter.write_line(f"{sum(TRIED.values())} generated inputs: {kinds}")


def pytest_unconfigure():
    """Leave nothing behind."""
    HOME.cleanup()
