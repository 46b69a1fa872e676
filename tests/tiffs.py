"""TIFF files with any tags, written by hand: what Pillow cannot write."""

import struct
import zlib

import numpy as np

NUMBERS = {"u": 1, "i": 2, "f": 3}


def pack_tag(order, big, tag, value, far, at):
    """Return the entry of a tag; what does not fit in it goes to the end of `far`."""
    if isinstance(value, bytes):
        kind, count, raw = 2, len(value) + 1, value + b"\0"
    elif isinstance(value, float):
        kind, count, raw = 5, 1, struct.pack(f"{order}II", round(value * 1_000_000), 1_000_000)
    else:
        values = value if isinstance(value, list) else [value]
        kind, count, raw = 4, len(values), struct.pack(f"{order}{len(values)}I", *values)
    room = 8 if big else 4
    if len(raw) > room:
        place = at + len(far)
        far += raw + b"\0" * (len(raw) % 2)
        raw = struct.pack(f"{order}{'Q' if big else 'I'}", place)
    return struct.pack(f"{order}HH{'Q' if big else 'I'}", tag, kind, count) + raw.ljust(room, b"\0")


def tiff_bytes(
    values, tags=None, *, order="<", big=False, deflate=False, rows=7, tile=None, pages=1
):
    """Return a TIFF of an array, in strips of some rows or in tiles, with further tags."""
    values = np.asarray(values)
    values = values.astype(values.dtype.newbyteorder(order))
    height, width = values.shape
    if tile:
        down, across = tile
        padded = np.pad(values, ((0, -height % down), (0, -width % across)))
        parts = [
            padded[row : row + down, column : column + across].tobytes()
            for row in range(0, height, down)
            for column in range(0, width, across)
        ]
    else:
        parts = [values[row : row + rows].tobytes() for row in range(0, height, rows)]
    if deflate:
        parts = [zlib.compress(part) for part in parts]
    start = 16 if big else 8
    places = [start + sum(map(len, parts[:number])) for number in range(len(parts))]
    sizes = [len(part) for part in parts]
    body = b"".join(parts)
    found = {
        256: width, 257: height, 258: 8 * values.itemsize, 259: 8 if deflate else 1, 262: 1,
        277: 1, 339: NUMBERS[values.dtype.kind],
    }  # fmt: skip
    found |= (
        {322: tile[1], 323: tile[0], 324: places, 325: sizes}
        if tile
        else {273: places, 278: rows, 279: sizes}
    )
    found |= tags or {}
    word, entry, room = ("Q", 20, 8) if big else ("I", 12, 4)
    first = start + len(body)
    length = room + len(found) * entry + room if big else 2 + len(found) * entry + 4
    directories, far, at = b"", bytearray(), first + pages * length
    for page in range(pages):
        following = first + (page + 1) * length if page + 1 < pages else 0
        entries = b"".join(pack_tag(order, big, tag, found[tag], far, at) for tag in sorted(found))
        directories += struct.pack(f"{order}{'Q' if big else 'H'}", len(found)) + entries
        directories += struct.pack(f"{order}{word}", following)
    mark = b"II" if order == "<" else b"MM"
    head = mark + (
        struct.pack(f"{order}HHHQ", 43, 8, 0, first)
        if big
        else struct.pack(f"{order}HI", 42, first)
    )
    return head + body + directories + bytes(far)
