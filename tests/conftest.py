"""Which tests run, and how many inputs are generated.

`pytest` runs what is neither slow nor in a browser, with a fifth of the inputs. All of it, as
`.ci/run` does: `pytest -m "" --hypothesis-profile=full`. Inputs are the same in every run, but
for `--hypothesis-profile=tenfold`, which tries ten times as many, others each time.
"""

from collections import Counter
from tempfile import TemporaryDirectory

import pytest
from generated import TRIED
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

HOME = TemporaryDirectory()
set_hypothesis_home_dir(HOME.name)  # or it leaves a folder in the tree
PATIENT = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("fifth", max_examples=20, derandomize=True, **PATIENT)
settings.register_profile("full", max_examples=100, derandomize=True, **PATIENT)
settings.register_profile("tenfold", max_examples=1000, print_blob=True, **PATIENT)
settings.load_profile("fifth")
ALL_TRIED = Counter()  # in this process and in the workers of pytest-xdist


def pytest_collection_modifyitems(items):
    """Mark every test of generated inputs, however it asks for them."""
    for item in items:
        if getattr(item.function, "is_hypothesis_test", False):
            item.add_marker(pytest.mark.fuzz)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Fail a test that tried fewer inputs than it asks for: a filter may have eaten them."""
    asked = getattr(item.function, "asked", None)
    before = Counter(TRIED)
    yield
    if asked:
        kind, count = asked
        tried = TRIED[kind] - before[kind]
        assert tried >= count, f"{tried} inputs of kind {kind!r} were tried; expected {count}"


def pytest_sessionfinish(session):
    """Hand on what a worker has tried."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["tried"] = dict(TRIED)
    ALL_TRIED.update(TRIED)


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """Give each worker of pytest-xdist whole files while it can: their tests share what is built."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":
        config.option.dist = "worksteal"


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    """Add up what a worker has tried."""
    ALL_TRIED.update(getattr(node, "workeroutput", {}).get("tried", {}))


def pytest_terminal_summary(terminalreporter):
    """Say how many inputs of each kind were tried."""
    if ALL_TRIED:
        kinds = ", ".join(f"{kind} {count}" for kind, count in sorted(ALL_TRIED.items()))
        terminalreporter.write_line(f"{ALL_TRIED.total()} generated inputs: {kinds}")


def pytest_unconfigure():
    """Leave nothing behind."""
    HOME.cleanup()
