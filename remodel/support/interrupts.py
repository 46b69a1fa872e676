"""Ctrl-C while the program still loads: import this before anything that is slow to import.

Libraries take a second or two to load, and an interrupt among them ends in a traceback of
theirs, or in an error that hides it. Until `loaded` is called an interrupt ends the process at
once, with one line: nothing has been written yet.
"""

import os
import signal
import sys
from threading import current_thread, main_thread
from types import FrameType

INTERRUPTED = 130  # exit code
PROGRAM = ("remodel", "remodel.exe", "remodel-script.py", "remodel-script.pyw")
SIGNALS = (signal.SIGINT, signal.SIGTERM)
_before: dict[int, object] = {}
_programs: list[bool] = []


def is_program() -> bool:
    """Return whether this process is the command line or an experiment, which end with it."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    started = os.path.basename(sys.argv[0] if sys.argv else "").lower()
    named = getattr(spec, "name", "") == "remodel.__main__" or started in PROGRAM
    return named or any(_programs)


def begin(program: bool = False) -> None:
    """Take interrupts from now on, where nobody else has asked for them.

    A script that is a program of its own says so, and is left with this until its work begins.
    """
    _programs.append(program)
    if current_thread() is not main_thread():
        return
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            _before[number] = signal.signal(number, stop)


def is_worker() -> bool:
    """Return whether another process started this one to share its work, and says what happens."""
    return any("from multiprocessing" in word for word in sys.orig_argv[1:])


def stop(_number: int, _frame: FrameType | None) -> None:
    """End at once."""
    if sys.stderr is not None and not is_worker():
        os.write(2, b"remodel: interrupted\n")
    os._exit(INTERRUPTED)


def loaded() -> None:
    """Let interrupts be what they were before."""
    while _before:
        number, handler = _before.popitem()
        if signal.getsignal(number) is stop:
            signal.signal(number, handler)  # type: ignore[arg-type]


begin()
