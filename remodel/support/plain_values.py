"""Numbers and text of NumPy as those of Python, which JSON and checksums take."""

from dataclasses import fields
from decimal import Decimal
from math import isfinite, isnan, nan
from numbers import Integral, Real
from typing import Any

import numpy as np

from remodel.support.messages import shown

PLAIN = (float, int, str, bool)


def plain(value: Any) -> Any:
    """Return a number or text of NumPy as one of Python, and all else as it is.

    Of NumPy are what `arange` and a frame hand out: neither JSON nor a checksum takes them,
    and those of 32 bits would be reckoned with in 32 bits.
    """
    if isinstance(value, np.ndarray) and value.ndim == 0:
        value = value[()]
    if isinstance(value, np.str_):
        return str(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real | Decimal) else value


def keep_plain(item: Any) -> None:
    """Make the numbers and the text of a frozen dataclass those of Python."""
    for one in fields(item):
        value = getattr(item, one.name)
        if type(value) not in PLAIN:
            object.__setattr__(item, one.name, plain(value))


def blank(value: Any) -> Any:
    """Return a value as JSON can hold it: None where there is no number, infinity by name."""
    value = plain(value)
    if not isinstance(value, float) or isfinite(value):
        return value
    return None if isnan(value) else {"number": str(value)}


def unblank(value: Any) -> Any:
    """Return the value of which `blank` made what JSON holds."""
    if value is None:
        return nan
    if isinstance(value, dict) and set(value) == {"number"}:
        return float(value["number"])
    return value


def for_json(value: Any) -> Any:
    """Return what JSON cannot hold by itself as something that it can: for `json.dumps`."""
    found = value.tolist() if isinstance(value, np.ndarray) else plain(value)
    if found is value:
        raise ValueError(f"{shown(value)} cannot be kept; expected numbers, text, lists or tables")
    return found
