"""What is said on stderr: lines of plain text, whoever listens, and bars if someone watches."""

import shlex
import sys

from tqdm import tqdm


def is_watched() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def say(line: str) -> None:
    """Print one line; where nobody listens the work goes on without."""
    if sys.stderr is None:
        return
    try:
        (tqdm.write if is_watched() else print)(plain(line), file=sys.stderr)
    except (OSError, ValueError):  # a pipe or file that is closed, a disk that is full
        sys.stderr = None


def plain(text: str) -> str:
    """Return text in which whatever a terminal would not print as it is, is spelled out."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def command_line(*words: object) -> str:
    """Return a command of this package as it can be pasted into a shell, whatever a name holds."""
    # A path that begins with a dash would be taken for an option.
    safe = [
        f"./{word}" if not isinstance(word, str) and str(word).startswith("-") else str(word)
        for word in words
    ]
    return shlex.join(["remodel", *safe])
