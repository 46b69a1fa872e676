"""Values in messages: on one line, and not too long."""

from numbers import Number

LONGEST_SHOWN = 80  # letters of a value in a message


class LikelyMistakeWarning(UserWarning):
    """What was asked for can be done, but looks like a mistake, or is done in part only."""


def one_line(text: str) -> str:
    """Return text without the ends of lines that names and paths may hold."""
    return " ".join(text.splitlines())


def shown(value: object) -> str:
    """Return a value as a message shows it: on one line, and cut short where it is long."""
    try:
        text = str(value) if isinstance(value, Number) else repr(value)
    except (ValueError, RecursionError):  # more digits, or more nesting, than Python prints
        text = f"{type(value).__name__} too large to print"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
