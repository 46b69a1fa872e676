"""A measure is known by what it does: another one is told, the same one recognized anywhere."""

import functools
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from test_runs import CASES, files

import remodel
from remodel.report.validation import biopsy
from remodel.runs.ensemble import run_ensemble
from remodel.runs.measure_identity import identify

SAME, OTHER = "the same", "another"


def define(text, name="measure", **space):
    """Run some text as a notebook does, and return what it defines."""
    exec(text, space)  # noqa: S102  it is our own
    return space[name]


def closure(level):
    return lambda model: {"x": float((model.tissue.matrix > level).mean())}


def deep(level):
    inner = closure(level)
    return lambda model: inner(model)


def above(model, level=0.5, *, sign=1):
    return {"x": sign * float((model.tissue.matrix > level).mean())}


class Above:
    """Objects of a class of one's own."""

    def __init__(self, level):
        self.level = level

    def __call__(self, model):
        return above(model, self.level)

    def measure(self, model):
        return above(model, self.level)


class Slotted(Above):
    __slots__ = ("level",)


PAIRS = {  # two measures, and what they are
    "closure": (closure(0.1), closure(0.9), OTHER),
    "same closure": (closure(0.1), closure(0.1), SAME),
    "NumPy in a closure": (closure(np.arange(3)), closure(np.arange(1, 4)), OTHER),
    "same array": (closure(np.arange(3)), closure(np.arange(3)), SAME),
    "kind of number": (closure(1), closure(1.0), OTHER),
    "function in a closure": (deep(0.1), deep(0.9), OTHER),
    "partial": (functools.partial(above, level=0.1), functools.partial(above, level=0.9), OTHER),
    "same partial": (functools.partial(above, level=1), functools.partial(above, level=1), SAME),
    "order of words": (
        functools.partial(above, level=1, sign=2), functools.partial(above, sign=2, level=1), SAME,
    ),
    "object": (Above(0.1), Above(0.9), OTHER),
    "same object": (Above(0.1), Above(0.1), SAME),
    "slots": (Slotted(0.1), Slotted(0.9), OTHER),
    "bound method": (Above(0.1).measure, Above(0.9).measure, OTHER),
    "same method": (Above(0.1).measure, Above(0.1).measure, SAME),
    "method and object": (Above(0.1).measure, Above(0.1), OTHER),
}  # fmt: skip
TEXTS = {  # two texts that define a measure, and what it is
    "code": ("def measure(m): return {'x': m.day + 1}", "def measure(m): return {'x': m.day - 1}",
             OTHER),
    "constant": ("measure = lambda m: {'x': 1}", "measure = lambda m: {'x': 2}", OTHER),
    "attribute": ("measure = lambda m: {'x': m.day}", "measure = lambda m: {'x': m.tick}", OTHER),
    "comment": ("def measure(m): return {'x': 1}", "\n\n# so\ndef measure(m):\n\n    return {'x': 1}",
                SAME),
    "docstring": ("def measure(m):\n  'a'\n  return {}", "def measure(m):\n  'b'\n  return {}", SAME),
    "default": ("def measure(m, a=1): return {'x': a}", "def measure(m, a=2): return {'x': a}",
                OTHER),
    "keyword": ("def measure(m, *, a=1): return {'x': a}", "def measure(m, *, a=2): return {'x': a}",
                OTHER),
    "global": ("A = 1\ndef measure(m): return {'x': A}", "A = 2\ndef measure(m): return {'x': A}",
               OTHER),
    "unused global": ("A = 1\ndef measure(m): return {'x': 1}",
                      "A = 2\ndef measure(m): return {'x': 1}", SAME),
    "global list": ("A = [1]\ndef measure(m): return {'x': sum(A)}",
                    "A = [2]\ndef measure(m): return {'x': sum(A)}", OTHER),
    "helper": ("def f(m): return 1\ndef measure(m): return {'x': f(m)}",
               "def f(m): return 2\ndef measure(m): return {'x': f(m)}", OTHER),
    "helper of a helper": (
        "def g(): return 1\ndef f(): return g()\ndef measure(m): return {'x': f()}",
        "def g(): return 2\ndef f(): return g()\ndef measure(m): return {'x': f()}", OTHER),
    "nested function": ("def measure(m):\n  def f(): return 1\n  return {'x': f()}",
                        "def measure(m):\n  def f(): return 2\n  return {'x': f()}", OTHER),
    "global of a nested one": (
        "A = 1\ndef measure(m):\n  return {'x': [A for _ in 'a']}",
        "A = 2\ndef measure(m):\n  return {'x': [A for _ in 'a']}", OTHER),
    "class": ("class C:\n  a = 1\n  def __call__(self, m): return {'x': self.a}\nmeasure = C()",
              "class C:\n  a = 2\n  def __call__(self, m): return {'x': self.a}\nmeasure = C()", OTHER),
    "base": (("class B:\n  def f(self): return 1\nclass C(B):\n  def __call__(self, m): return"
             " {'x': self.f()}\nmeasure = C()"),
             ("class B:\n  def f(self): return 2\nclass C(B):\n  def __call__(self, m): return"
             " {'x': self.f()}\nmeasure = C()"), OTHER),
    "property": (("class C:\n  @property\n  def a(self): return 1\n  def __call__(self, m): return"
                 " {'x': self.a}\nmeasure = C()"),
                 ("class C:\n  @property\n  def a(self): return 2\n  def __call__(self, m): return"
                 " {'x': self.a}\nmeasure = C()"), OTHER),
    "class within": ("def measure(m):\n  class C:\n    a = 1\n  return {'x': C.a}",
                     "\n\n\ndef measure(m):\n  class C:\n\n    a = 1\n  return {'x': C.a}", SAME),
    "class within, changed": ("def measure(m):\n  class C:\n    a = 1\n  return {'x': C.a}",
                              "def measure(m):\n  class C:\n    a = 2\n  return {'x': C.a}", OTHER),
    "function of itself": ("def measure(m, n=2): return measure(m, n - 1) if n else {}",
                           "def measure(m, n=2): return measure(m, n - 1) if n else {}", SAME),
    "function attribute": ("def measure(m): return {'x': measure.a}\nmeasure.a = 1",
                           "def measure(m): return {'x': measure.a}\nmeasure.a = 2", OTHER),
    "pattern": ("import re\nP = re.compile('a')\ndef measure(m): return {'x': bool(P.match('a'))}",
                "import re\nP = re.compile('b')\ndef measure(m): return {'x': bool(P.match('a'))}",
                OTHER),
    "wrapped": ("from functools import cache\n@cache\ndef measure(m): return {'x': 1}",
                "from functools import cache\n@cache\ndef measure(m): return {'x': 2}", OTHER),
    "decorator": (
        ("from functools import wraps\ndef d(f):\n  @wraps(f)\n  def g(m): return f(m)\n  return g\n"
        "@d\ndef measure(m): return {'x': 1}"),
        ("from functools import wraps\ndef d(f):\n  @wraps(f)\n  def g(m): return f(m)\n  return g\n"
        "@d\ndef measure(m): return {'x': 2}"), OTHER),
    "frame": ("import pandas as pd\nT = pd.DataFrame({'a': [1]})\nmeasure = lambda m: {'x': len(T)}",
              "import pandas as pd\nT = pd.DataFrame({'a': [2]})\nmeasure = lambda m: {'x': len(T)}",
              OTHER),
    "same frame": (
        "import pandas as pd\nT = pd.DataFrame({'a': [1]})\nmeasure = lambda m: {'x': len(T)}",
        "import pandas as pd\nT = pd.DataFrame({'a': [1]})\nmeasure = lambda m: {'x': len(T)}", SAME),
}  # fmt: skip


@pytest.mark.parametrize("name", PAIRS)
def test_another_measure_is_told_and_the_same_is_not(name):
    first, second, what = PAIRS[name]
    assert (identify(first) == identify(second)) == (what == SAME)


@pytest.mark.parametrize("name", TEXTS)
def test_a_measure_of_a_cell_is_told_by_what_it_does(name):
    first, second, what = TEXTS[name]
    assert first != second or what == SAME
    keys = [identify(define(text)) for text in (first, second)]
    assert (keys[0] == keys[1]) == (what == SAME)


def test_a_helper_module_of_ones_own_is_looked_into(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    texts = {
        "as a whole": "import own_helper\ndef measure(m): return {'x': own_helper.f()}",
        "by name": "from own_helper import f\ndef measure(m): return {'x': f()}",
        "when called": "def measure(m):\n  from own_helper import f\n  return {'x': f()}",
    }
    for text in texts.values():
        keys = []
        for value in (1, 2, 1):
            (tmp_path / "own_helper.py").write_text(f"def f(): return {value}\n")
            sys.modules.pop("own_helper", None)
            keys.append(identify(define(text)))
        assert keys[0] == keys[2] != keys[1]
    sys.modules.pop("own_helper")


SCRIPT = """\
import functools, numpy as np
from remodel.runs.measure_identity import identify
LEVELS, NAMES = {"a": 1.5, "b": np.arange(3)}, {"spine", "hip", "neck", "wrist"}
class Share:
    names = frozenset(NAMES)
    def __init__(self, level): self.level = level
    def __call__(self, model, power=2):
        class Local:
            a = 1
            def f(self): self.x = self.y = 1
        return {name: self.level for name in self.names if name in {"hip", "x"} and Local.a}
def plain(model): return {"x": LEVELS["a"] + len(NAMES)}
for measure in (plain, Share(0.5), functools.partial(Share(2), power=3), lambda m: {"y": plain(m)},
                Share(1).__call__):
    print(identify(measure))
"""


def test_another_process_recognizes_a_measure(tmp_path):
    """From a file elsewhere, a pipe or -c, at other lines, and with another seed of hashes."""
    here = str(Path(remodel.__file__).parent.parent)
    (tmp_path / "one.py").write_text(SCRIPT)
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "two.py").write_text("\n# moved\n\n" + SCRIPT)
    ways = [["one.py"], ["deeper/two.py"], ["-c", SCRIPT], ["-"]]
    said = set()
    for seed, way in enumerate(ways):
        done = subprocess.run(
            [sys.executable, *way], check=True, capture_output=True, text=True, cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": here, "PYTHONHASHSEED": str(seed)}, input=SCRIPT,
        )  # fmt: skip
        said.add(done.stdout)
    [keys] = said
    assert len(set(keys.split())) == 5


def test_of_the_package_itself_the_code_counts():
    assert identify(biopsy) == identify(biopsy) != identify(lambda model: biopsy(model))


HOLDS = {
    "lock": closure(threading.Lock()),
    "file": functools.partial(above, level=sys.__stderr__),
    "generator": Above(n for n in range(3)),
    "nested": closure([{"a": threading.Lock()}]),
}


@pytest.mark.parametrize("name", HOLDS)
def test_what_cannot_be_told_asks_for_a_name(name, tmp_path):
    with pytest.raises(ValueError, match=r"^measure: .*give run_ensemble a measure_name") as error:
        run_ensemble(CASES[:1], tmp_path / "a", 1, 3, measure=HOLDS[name])
    assert "\n" not in str(error.value)
    assert " at 0x" not in str(error.value)
    assert not (tmp_path / "a").exists()
    assert identify(HOLDS[name], "a") == identify(HOLDS[name], "a") != identify(HOLDS[name], "b")


def test_a_name_stands_for_what_a_measure_holds_and_not_for_its_code():
    first, second = closure([]), closure([1])
    assert identify(first, "a") == identify(second, "a")
    assert identify(first, "a") != identify(deep([]), "a")
    assert identify(closure(0.1), "a") != identify(closure(0.9), "a")
    assert identify(above, "a") != identify(above)


def test_old_results_are_never_handed_out_as_new(tmp_path):
    folder = tmp_path / "a"
    first = run_ensemble(CASES[:1], folder, 1, 3, measure=closure(0.1))
    before = files(folder)
    for measure in (closure(0.9), functools.partial(above, level=0.1), None):
        with pytest.raises(ValueError, match=r"already holds another run \(other measure\)"):
            run_ensemble(CASES[:1], folder, 1, 3, measure=measure)
    again = run_ensemble(CASES[:1], folder, 1, 3, measure=closure(0.1))
    assert again.frame.equals(first.frame)
    assert files(folder) == before


def test_a_measure_that_counts_may_go_on_under_a_name(tmp_path):
    seen = []

    def measure(model):
        seen.append(model.day)
        return {"x": 1}

    for _ in range(2):
        run_ensemble(CASES[:1], tmp_path / "a", 1, 3, measure=measure, measure_name="counts")
    assert len(seen) == 6
