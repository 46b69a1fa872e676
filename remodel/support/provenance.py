"""What made a number: the versions of package and libraries and, in a clone, the commit."""

import os
import platform
import subprocess
import warnings
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from remodel.support.messages import shown
from remodel.support.version import VERSION

LIBRARIES = ("mesa", "numpy", "scipy", "pandas")
PACKAGE = Path(__file__).parent.parent
PATIENCE = 10.0  # seconds that git may take
SHORT = 12  # digits of a commit


class OtherVersionWarning(UserWarning):
    """What is read was made by another version, and may differ from what this one makes."""


def made_by() -> dict[str, str]:
    """Return the versions on which a number can depend; the commit where there is one."""
    commit = commit_of(PACKAGE)
    return {
        "remodel": VERSION,
        **({"commit": commit} if commit else {}),
        "python": platform.python_version(),
        **libraries(),
    }


@cache
def libraries() -> dict[str, str]:
    """Return the versions of the libraries, read once in a process."""
    return {name: version(name) for name in LIBRARIES}


@cache
def commit_of(package: Path) -> str:
    """Return the commit of a package in a clone, or nothing where it is in none.

    Changes that are not committed are marked ``+changes``, with what tells them from others.
    """
    if not (package.parent / ".git").exists():  # as a package that was installed
        return ""
    try:
        status = git(package, "status", "--porcelain=v2", "--branch", "--untracked-files=all")
        oid, changes = "", b""
        for line in status.splitlines():
            if line.startswith(b"# branch.oid "):
                oid = line.split()[-1].decode()
            elif not line.startswith(b"#"):
                changes += line
        if changes:
            changes += git(package, "diff", "--no-ext-diff", "--no-textconv", "HEAD")
    except (OSError, subprocess.SubprocessError, ValueError):
        return ""
    if not oid.isalnum():  # there is no commit yet
        return ""
    mark = f"+changes-{sha256(changes).hexdigest()[:SHORT]}" if changes else ""
    return oid[:SHORT] + mark


def git(package: Path, command: str, *options: str) -> bytes:
    """Return what git says of a package, whatever the environment tells git."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    line = ["git", "-C", str(package), command, *options, "--", "."]
    return subprocess.run(
        line, check=True, timeout=PATIENCE, env=own | {"GIT_OPTIONAL_LOCKS": "0"},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ).stdout  # fmt: skip


def other_versions(there: object) -> str:
    """Return what something was made by in place of what is here; nothing if by the same."""
    held, here = there if isinstance(there, Mapping) else {}, made_by()
    return ", ".join(
        f"{name} {text_of(held.get(name))} in place of {text_of(here.get(name))}"
        for name in ("remodel", "commit", "python", *LIBRARIES)
        if held.get(name) != here.get(name)
    )


def text_of(version: Any) -> str:
    """Return a version as a message shows it, whatever a file holds in its place."""
    return "unknown" if version is None else shown(version).strip("'")


def warn_of_others(what: object, versions: Iterable[object], stacklevel: int = 3) -> None:
    """Warn in one line if any of what made something are other versions than those here."""
    other = next(filter(None, map(other_versions, versions)), "")
    if other:
        note = f"{what}: other versions ({other}); numbers may differ"
        warnings.warn(note, OtherVersionWarning, stacklevel)
