"""Files written atomically, and folders that one run at a time writes into."""

import os
import re
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

LOCK = ".lock"
LONGEST_NAME = 120  # bytes; a disk takes 255, and a name beside it is longer
RESERVED = {"con", "prn", "aux", "nul", *(f"{x}{n}" for x in ("com", "lpt") for n in range(10))}
TOKEN = 8  # bytes in the name of a file that is not complete yet


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file, text in UTF-8, so that no one ever sees half of it."""
    with atomic_file(path) as temporary:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)


def file_names(names: Sequence[str]) -> dict[str, str]:
    """Return a name of a file for each of some names, and another for each, whatever the disk.

    A disk may hold capitals and small letters, or two ways to write an accent, for the same. Of
    names that come to the same, all but the first bear a number.
    """
    found: dict[str, str] = {}
    wanted = {name: slug(name) for name in names}
    taken = set(wanted.values())
    held: set[str] = set()
    for name, text in wanted.items():
        place, number = text, 2
        while place in held or (number > 2 and place in taken):
            place, number = f"{text}-{number}", number + 1
        held.add(place)
        found[name] = place
    return found


def slug(name: str) -> str:
    """Return a name as letters and digits with hyphens between, short enough for any disk."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = re.sub(r"\W+", "-", folded).strip("-")
    while len(text.encode(errors="replace")) > LONGEST_NAME:
        text = text[:-1].rstrip("-")
    return f"{text}-1" if text in RESERVED else text or "unnamed"  # Windows keeps some


def read_bytes(path: Path, most: int) -> bytes:
    """Read a file of at most so many bytes.

    Raises
    ------
    ValueError
        If it holds more, of which no more is read.
    OSError
        If it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise ValueError(f"it is larger than {most} bytes")
    return content


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Give a temporary name next to a path to write to; the file takes its place once it is complete.

    Raises
    ------
    OSError
        If it cannot be written; it names the path, and what was there is still there.
    """
    # Nobody can guess the name and lay a link there; the suffix is kept.
    temporary = path.with_name(f".{token_hex(TOKEN)}.{path.name}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())  # or a power cut can leave the name and no content
        os.replace(temporary, path)
    except OSError as error:
        if error.errno:
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def remove_atomically(folder: Path) -> None:
    """Remove a folder so that no one ever sees half of it under its name."""
    temporary = folder.with_name(f".{token_hex(TOKEN)}.{folder.name}")
    folder.rename(temporary)
    if temporary.is_symlink():
        temporary.unlink()
    else:
        shutil.rmtree(temporary)


def sweep(folder: Path) -> None:
    """Remove what a process that was killed left half-written; of a folder that is one's own."""
    for left in folder.glob(f".{'[0-9a-f]' * 2 * TOKEN}.*"):
        left.unlink(missing_ok=True)


def open_folder(folder: Path) -> None:
    """Make a folder and see that files can be written into it.

    Raises
    ------
    ValueError
        If they cannot.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / ".writable", "")
        (folder / ".writable").unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(
            f"{folder}: cannot be written ({error.strerror}); choose another --out"
        ) from None


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Keep every other run out of a folder as long as this one writes into it.

    The system drops the lock with the process that holds it, however that ends. Where it has
    no locks, as on some network disks, nobody is kept out.

    Raises
    ------
    ValueError
        If another run is at work in the folder.
    """
    from filelock import FileLock, Timeout  # slow to import

    busy = ValueError(
        f"{folder}: another run is at work in it; wait until it ends, or choose another --out"
    )
    file = folder / LOCK
    # A file that stands for a lock would stay behind a process that is killed.
    lock = FileLock(file, timeout=0, fallback_to_soft=False)
    try:
        lock.acquire()
    except (Timeout, PermissionError):
        raise busy from None
    except OSError:
        pass
    try:
        if lock.is_locked and not file.exists():  # who held it was just leaving
            raise busy
        yield
    finally:
        with suppress(OSError):
            file.unlink(missing_ok=True)
        lock.release()
