"""What is said: lines of plain text, whoever listens, and bars if someone watches."""

import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from tqdm import tqdm


def is_watched() -> bool:
    """Return whether stderr is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def say(line: str) -> None:
    """Print one line on stderr; where nobody listens the work goes on without."""
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
    line = ["remodel", *safe]
    return subprocess.list2cmdline(line) if sys.platform == "win32" else shlex.join(line)


@contextmanager
def legible() -> Iterator[None]:
    """Have stdout and stderr print something else for a letter that they cannot print.

    The code page of a pipe or a file knows some letters only; of a table, all but those is
    printed, where else none of it would be.
    """
    changed = []
    for stream, instead in ((sys.stdout, "replace"), (sys.stderr, "backslashreplace")):
        before, code = getattr(stream, "errors", None), getattr(stream, "encoding", None) or ""
        fails = before == "strict" or (before == "surrogateescape" and code[:3].lower() != "utf")
        if fails and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=instead)
            changed.append((stream, before))
    try:
        yield
    finally:
        for stream, before in changed:
            with suppress(OSError, ValueError):  # closed meanwhile
                stream.reconfigure(errors=before)
