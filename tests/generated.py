"""Generated inputs: strategies that a tired user suggests, and how many were tried of each."""

import math
from collections import Counter
from functools import wraps

from hypothesis import given, settings
from hypothesis import strategies as st

from remodel import Parameters
from remodel.clinic.lifestyle import LIVED
from remodel.parameters.drugs import DRUGS, SHORTEST

TRIED = Counter()  # by kind; `conftest.py` prints it
FULL = 100  # `max_examples` of the profile in which as many are tried as a test says


def tried(kind, count, /, **inputs):
    """Try a test on so many generated inputs of a kind, in the profile `full`.

    The test says by `asked` how many it tries in the profile of this run; `conftest.py` fails
    it if there were fewer.
    """

    def decorate(test):
        @wraps(test)
        def counted(**values):
            TRIED[kind] += 1
            test(**values)

        scaled = count * settings().max_examples // FULL
        made = settings(max_examples=scaled)(given(**inputs)(counted))
        made.asked = (kind, scaled)
        return made

    return decorate


def refuses(act, *arguments, **named):
    """Return what an act gives, or None if it refuses its input in one line."""
    try:
        return act(*arguments, **named)
    except ValueError as error:
        message = str(error)
    assert is_one_line(message), message
    return None


def is_one_line(message, longest=1500):
    """Return whether a message is one line that says something, and not without end."""
    return len(message.splitlines()) == 1 and 10 < len(message) < longest


def is_number(value):
    """Return whether a value is a number that a float holds; true counts as one."""
    return isinstance(value, int | float) and abs(value) < 1e300 and math.isfinite(value)


ODD = st.sampled_from([
    0.0, -0.0, 5e-324, 1e-300, 1e308, -1e308, math.nan, math.inf, -math.inf, 10**400, -(10**400),
    True, None, "", "5", "nan", "٣", "1e9", "ten", [], [1.0], {},
])  # fmt: skip
ANY = st.one_of(st.floats(), st.integers(-10, 300), ODD, st.text(max_size=4))
SIGNS = st.sampled_from(
    [*"-+.,:;/\\'\"#=[]{}()%$_~^ \t\n\r\0\x1b\x85\u2028\ufeff\u2013\u2212\u0663½é日"]
)
WORDS = st.sampled_from([
    "", "0", "-0", "1", "2", "5", "0.5", "1e308", "1e309", "1e-9", "-1", "-200", "201", "nan",
    "inf", "-inf", "1_0", "0x5", "٣", "½", "1,5", "None", "true", "../..", "/", "a" * 300,
])  # fmt: skip
YEARS = st.tuples(WORDS, st.sampled_from(["-", " - ", "--", "\u2013", "", " to "]), WORDS).map(
    "".join
)
DRUG = st.sampled_from([*DRUGS, "aspirin", "Tamoxifen", ""])
COURSE = st.tuples(DRUG, st.sampled_from([" ", "  ", "\t", "\n", ""]), YEARS).map("".join)
COURSES = st.lists(st.one_of(COURSE, st.text(SIGNS, max_size=5)), max_size=4).map(",".join)


def within(row):
    """Return values of a number of the model: mostly in its range, often at an end of it."""
    low = SHORTEST if row.name.endswith(".interval") else row.low
    ends = st.sampled_from([row.low, row.high, row.value])
    whole = st.integers(math.ceil(low), math.floor(row.high))
    return st.one_of(ends, st.floats(low, row.high), whole)


ROWS = {row.name: row for row in Parameters().rows()}
SLOW = {"section.site", "section.height", "section.width", "time.step", "time.spin_up"}
NUMBERS = {name: within(row) for name, row in ROWS.items() if name not in SLOW}


def numbers_of(kind):
    """Return values for any of the numbers of a group, each within its range."""
    rows = {row.name.partition(".")[2]: row for row in kind().rows("it")}
    inside = {name: within(row) for name, row in rows.items()}
    return st.fixed_dictionaries({}, optional=inside)


LIVES = st.lists(
    st.fixed_dictionaries(
        {"year": st.floats(0, 2)},
        optional={name: st.sampled_from([0.0, 1.0]) | st.floats(0, 1) for name in LIVED},
    ),
    max_size=3,
)
VALUES = st.sampled_from([  # in a trial file
    "nan", "inf", "-inf", "1e308", "1e309", "-0.0", "-1", "0", "3", "1_000", "0xff", "9" * 400,
    "9" * 5000, "0x" + "f" * 9000, "true", "2020-01-01", "07:32:00", '""', '"x"', '" "', "'a\\b'",
    r'"a\nb"', r'"\u0000"', '"../../x"', '"/"', '"٣"', '"日本"', '"$x_{"', '"_a"', f'"{"a" * 300}"',
    '"""\na\nb"""', "[]", "[[]]", "{}", "[1, nan]", "[0, 1]", "[1, 0]", '["ctx"]', '["x", 3]',
    "{x = 1}", "[{}]", "[" * 200 + "]" * 200, "[" * 9000, "٣", "", "=", "# no", '"drug"', '"none"',
])  # fmt: skip
