"""Letters in pictures: those that the default font lacks come from another, or are told once."""

import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from remodel.support.console import say
from remodel.support.messages import LONGEST_SHOWN

TOLD: set[str] = set()  # scripts of which it has been said that no font has letters
NO_GLYPH = r"Glyph \d+ |Matplotlib currently does not support"


def save_figure(figure: Any, path: Path | str, **how: Any) -> None:
    """Write a picture; letters that no font has are boxes, and one line on stderr says so."""
    fit_letters(figure)
    with quiet():
        figure.savefig(path, **how)


@contextmanager
def quiet() -> Iterator[None]:
    """Let Matplotlib not speak of the letters that a font lacks, however warnings are taken."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=NO_GLYPH)
        yield


def fit_letters(figure: Any) -> None:
    """Let each text of a figure fall back to fonts that have the letters that its own lacks."""
    from matplotlib.text import Text

    texts = [(text, tuple(text.get_fontfamily())) for text in figure.findobj(Text)]
    short = [(text, default, lacking(text.get_text(), default)) for text, default in texts]
    others = fallbacks(frozenset().union(*(letters for _, _, letters in short)))
    for text, default, letters in short:
        if letters and others:
            text.set_fontfamily([*default, *(name for name in others if name not in default)])


def foresee(texts: Iterable[str]) -> None:
    """Say which letters of some texts will be boxes in pictures, before the work begins."""
    fallbacks(frozenset().union(*(lacking(text, ("sans-serif",)) for text in texts)))


def font_file(text: str) -> str:
    """Return the file of one font for a whole text, where a picture takes no more than one."""
    from matplotlib.font_manager import FontProperties, fontManager

    families = [*fallbacks(lacking(text, ("sans-serif",))), "sans-serif"]
    return str(fontManager.findfont(FontProperties(family=families[:1])))


def lacking(text: str, families: tuple[str, ...]) -> frozenset[str]:
    """Return the letters of a text that the fonts of some families lack."""
    if text.isascii():
        return frozenset()
    return frozenset(c for c in text if not c.isascii()) - known_letters(families)


@cache
def known_letters(families: tuple[str, ...]) -> frozenset[str]:
    """Return the letters that the fonts of some families have."""
    from matplotlib.font_manager import FontProperties, fontManager, get_font

    files = [fontManager.findfont(FontProperties(family=[name])) for name in families]
    return frozenset(chr(code) for file in files for code in get_font(file).get_charmap())


@cache
def fallbacks(letters: frozenset[str]) -> tuple[str, ...]:
    """Return families of installed fonts that have some letters; say which none has."""
    if not letters:
        return ()
    left, chosen = set(letters), []
    fonts = [(name, here & letters) for name, here in installed(letters)]
    while left and fonts:
        name, here = max(fonts, key=lambda font: len(font[1] & left))
        if not here & left:
            break
        chosen.append(name)
        left -= here
    tell_missing(left)
    return tuple(chosen)


def installed(letters: Iterable[str]) -> list[tuple[str, frozenset[str]]]:
    """Return the families that are installed, each with those of the letters that it can draw."""
    from matplotlib import get_data_path
    from matplotlib.font_manager import fontManager, get_font

    ours = Path(get_data_path())  # fonts of formulas, and one of boxes
    found: dict[str, frozenset[str]] = {}
    for entry in sorted(fontManager.ttflist, key=lambda entry: (entry.name, entry.fname)):
        plain = (entry.style, entry.stretch) == ("normal", "normal")
        if not plain or entry.name in found or ours in Path(entry.fname).parents:
            continue
        try:
            font = get_font(entry.fname)
            codes = font.get_charmap()
            if font.scalable:  # one of pictures, such as of emoji, cannot be drawn at any size
                found[entry.name] = frozenset(c for c in letters if ord(c) in codes)
        except (OSError, RuntimeError):  # removed meanwhile, or damaged
            continue
    return list(found.items())


def tell_missing(letters: Iterable[str]) -> None:
    """Say once of each script, in one line, which letters will be boxes."""
    new = sorted(letter for letter in letters if script(letter) not in TOLD)
    if not new:
        return
    TOLD.update(map(script, new))
    text = "".join(new)
    shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."
    say(f"remodel: the font has no letters for {shown}; they are drawn as boxes")


def script(letter: str) -> str:
    """Return to which script a letter belongs, by the first word of its name."""
    return unicodedata.name(letter, "?").partition(" ")[0].partition("-")[0]
