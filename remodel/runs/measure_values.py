"""What a `measure` returns, as a frame can hold it on disk and in memory alike."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from remodel.support.messages import shown
from remodel.support.plain_values import plain

MOST_VALUES = 1000  # columns of one name
EXACT = 2**53  # beyond, a float is not every whole number


def take_values(measure: Callable[[Any], Any], model: Any) -> dict[str, float | str]:
    """Call a measure and return what it found: a number or a text by name.

    True and False become 1 and 0, None becomes not a number, so that a column has one kind and
    a mean over replicates is a fraction. An array or a list becomes a column for each of its
    values, such as ``depth[0]`` or ``map[0,2]``.

    Raises
    ------
    ValueError
        With one line that names what cannot be kept.
    """
    found = measure(model)
    if not (isinstance(found, Mapping) or hasattr(found, "keys")):
        raise ValueError(f"measure returned {shown(found)}; expected values by name, a dict")
    kept: dict[str, float | str] = {}
    for key in found.keys():  # noqa: SIM118  a Series iterates over its values
        for name, value in columns(name_of(key), found[key]):
            if name in kept:
                raise ValueError(f"measure: {name!r} is there twice; expected a name for each")
            kept[name] = value
    return kept


def name_of(key: object) -> str:
    """Return the name of a column: text, or a number as text."""
    key = plain(key)
    if not isinstance(key, str | int | float):
        raise ValueError(  # noqa: TRY004  as of all input
            f"measure: the key {shown(key)} is no name; expected text or a number"
        )
    return str(key)


def columns(name: str, value: object) -> Iterator[tuple[str, float | str]]:
    """Yield the columns of what was measured under one name."""
    values = as_array(name, value)
    if values.ndim:
        if not 0 < values.size <= MOST_VALUES:
            raise ValueError(
                f"measure: {name!r} holds {values.size} values; expected 1 to {MOST_VALUES}"
            )
        for index in np.ndindex(values.shape):
            yield f"{name}[{','.join(map(str, index))}]", single(name, values[index])
    else:
        yield name, single(name, values[()])


def as_array(name: str, value: object) -> NDArray[Any]:
    """Return one value or several as an array; of no dimension if there is one."""
    if isinstance(value, list | tuple):
        try:
            return np.array(value, dtype=object)
        except ValueError:  # lists of several lengths
            raise ValueError(f"measure: {name!r} = {shown(value)}; expected one shape") from None
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        return np.asarray(value)
    alone = np.empty((), dtype=object)
    alone[()] = value
    return alone


def single(name: str, value: object) -> float | str:
    """Return one value that was measured, or refuse it in one line."""
    value = plain(value)
    if value is None:
        return float("nan")
    if isinstance(value, str):
        if not value.isascii() and value != value.encode(errors="replace").decode():
            raise ValueError(f"measure: {name!r} = {shown(value)} is no text; expected UTF-8")
        return value
    if not isinstance(value, float | int):
        raise ValueError(  # noqa: TRY004
            f"measure: {name!r} = {shown(value)} cannot be kept; "
            "expected numbers, True or False, or text"
        )
    if isinstance(value, int) and abs(value) > EXACT:
        raise ValueError(f"measure: {name!r} = {shown(value)}; expected at most 2**53, or text")
    return float(value)
