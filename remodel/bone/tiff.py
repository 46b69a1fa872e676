"""One gray slice from a TIFF, as the numbers that it holds.

Pillow wraps signed bytes round, leaves white-is-zero as it is beyond 8 bit, knows no 64 bit and
lets its library complain on stderr. Here the blocks of a TIFF become arrays of the very type
that its tags name.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Values = NDArray[Any]
Tags = dict[int, tuple[Any, ...]]
WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL, DESCRIPTION = 256, 257, 258, 259, 262, 266, 270
STRIPS, ORIENTATION, SAMPLES, STRIP_ROWS, STRIP_BYTES = 273, 274, 277, 278, 279
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, PREDICTOR = 282, 283, 296, 317
TILE_WIDTH, TILE_HEIGHT, TILES, TILE_BYTES, FORMAT, SUBFILE = 322, 323, 324, 325, 339, 254
USED = {
    WIDTH, HEIGHT, BITS, COMPRESSION, PHOTOMETRIC, FILL, DESCRIPTION, STRIPS, ORIENTATION, SAMPLES,
    STRIP_ROWS, STRIP_BYTES, X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT, PREDICTOR, TILE_WIDTH,
    TILE_HEIGHT, TILES, TILE_BYTES, FORMAT, SUBFILE,
}  # fmt: skip
TYPES = {  # of the entries of a tag, as `struct` writes them
    1: "B", 2: "B", 3: "H", 4: "I", 5: "II", 6: "b", 7: "B", 8: "h", 9: "i", 10: "ii", 11: "f",
    12: "d", 13: "I", 16: "Q", 17: "q", 18: "Q",
}  # fmt: skip
TEXT, RATIONAL = 2, (5, 10)
MOST_PAGES, MOST_TAGS = 10_000, 500
MOST_BYTES, MOST_ENTRIES = 16 << 20, 1 << 20  # in one tag
MOST_WASTE = 4  # tiles may hold so many times the pixels of the picture,
LARGE_TILE = 1 << 22  # or of a tile of 2048 x 2048
WHITE_IS_ZERO, BLACK_IS_ZERO = 0, 1
UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4  # sample formats
NUMBERS = {UNSIGNED: "u", SIGNED: "i", FLOAT: "f", UNDEFINED: "u"}
PLAIN, DEFLATE, LZW, PACKBITS = (1,), (8, 32946), (5,), (32773,)
COMPRESSIONS = {
    2: "CCITT", 3: "fax 3", 4: "fax 4", 5: "LZW", 6: "old JPEG", 7: "JPEG", 8: "deflate",
    32773: "PackBits", 32946: "deflate", 34712: "JPEG 2000", 34925: "LZMA", 50000: "Zstandard",
    50001: "WebP", 34887: "LERC", 33003: "JPEG 2000", 33005: "JPEG 2000",
}  # fmt: skip
DIFFERENCES, FLOAT_DIFFERENCES = 2, 3  # predictors
CUT_SHORT = "is cut short or damaged: a part of the picture is missing"


def read_tags(file: BinaryIO, size: int) -> tuple[Tags, int]:
    """Return the tags of the first slice, and how many slices there are.

    Parameters
    ----------
    file : binary file
        A TIFF or BigTIFF of either byte order.
    size : int
        Its bytes.

    Raises
    ------
    ValueError
        If it is cut short or its directories make no sense.
    """
    head = take(file, 0, 8, size)
    order = "<" if head[:2] == b"II" else ">"
    big = struct.unpack(f"{order}H", head[2:4])[0] == 43
    (place,) = struct.unpack(
        f"{order}{'Q' if big else 'I'}", take(file, 8, 8, size) if big else head[4:]
    )
    seen: set[int] = set()
    pages, first = 0, None
    while place and place not in seen and len(seen) < MOST_PAGES:
        seen.add(place)
        wanted = USED if first is None else {SUBFILE}
        tags, place = read_directory(file, place, size, order, big, wanted)
        first = tags if first is None else first
        # A smaller copy of a slice, or its mask, is no slice of its own.
        pages += not (int(tags.get(SUBFILE, (0,))[0]) & 5 and pages)
    if first is None:
        raise ValueError("holds no slice")
    if place in seen:
        raise ValueError("is damaged: its list of slices runs in a circle")
    return first, pages


def read_directory(
    file: BinaryIO, place: int, size: int, order: str, big: bool, wanted: set[int]
) -> tuple[Tags, int]:
    """Return the wanted tags of one slice, and where the next slice is (0 if nowhere)."""
    count_kind, entry, word = ("Q", 20, "Q") if big else ("H", 12, "I")
    head = struct.calcsize(f"{order}{count_kind}")
    (count,) = struct.unpack(f"{order}{count_kind}", take(file, place, head, size))
    if count > MOST_TAGS:
        raise ValueError(f"is damaged: a slice of it has {count} tags")
    inline = struct.calcsize(f"{order}{word}")
    body = take(file, place + head, count * entry, size)
    tags: Tags = {}
    for start in range(0, len(body), entry):
        tag, kind, number = struct.unpack_from(f"{order}HH{word}", body, start)
        if tag not in wanted or kind not in TYPES:
            continue
        each = TYPES[kind]
        length = struct.calcsize(f"{order}{each}") * number
        if length > MOST_BYTES or (number > MOST_ENTRIES and kind != TEXT):
            raise ValueError(f"is damaged: tag {tag} says that it is {length} bytes long")
        where = start + 4 + inline
        if length > inline:
            (far,) = struct.unpack_from(f"{order}{word}", body, where)
            raw = take(file, far, length, size)
        else:
            raw = body[where : where + length]
        if kind == TEXT:
            tags[tag] = (raw.rstrip(b"\0"),)
            continue
        values = struct.unpack(f"{order}{number * len(each)}{each[0]}", raw)
        if kind in RATIONAL:
            values = tuple(
                above / below if below else 0.0
                for above, below in zip(values[::2], values[1::2], strict=True)
            )
        tags[tag] = values
    try:
        (following,) = struct.unpack(
            f"{order}{word}", take(file, place + head + count * entry, inline, size)
        )
    except ValueError:  # some programs leave the last one out
        following = 0
    tags[0] = (order,)
    return {tag: values for tag, values in tags.items() if values}, following


def take(file: BinaryIO, place: int, count: int, size: int) -> bytes:
    """Return some bytes of a file; refuse what lies behind its end."""
    if place + count > size:
        raise ValueError(CUT_SHORT)
    file.seek(place)
    found = file.read(count)
    if len(found) < count:
        raise ValueError(CUT_SHORT)
    return found


def one(tags: Tags, tag: int, otherwise: int) -> int:
    """Return the first number of a tag."""
    return int(tags.get(tag, (otherwise,))[0])


def is_plain(tags: Tags) -> bool:
    """Return whether `read_values` reads it; of other kinds Pillow may read some."""
    return (
        one(tags, SAMPLES, 1) == 1
        and one(tags, PHOTOMETRIC, BLACK_IS_ZERO) in (WHITE_IS_ZERO, BLACK_IS_ZERO)
        and one(tags, COMPRESSION, 1) in (*PLAIN, *DEFLATE, *LZW, *PACKBITS)
        and one(tags, FILL, 1) == 1
        and sample_type(tags) is not None
    )


def sample_type(tags: Tags) -> np.dtype[Any] | None:
    """Return the type of the numbers in a TIFF, if NumPy has it."""
    bits, kind = one(tags, BITS, 1), NUMBERS.get(one(tags, FORMAT, UNSIGNED), "")
    if bits not in (8, 16, 32, 64) or not kind or (kind == "f" and bits == 8):
        return None
    return np.dtype(f"{tags[0][0]}{kind}{bits // 8}")


def describe(tags: Tags) -> str:
    """Return what kind of TIFF it is, for a message."""
    bits, samples = one(tags, BITS, 1), one(tags, SAMPLES, 1)
    kinds = {UNSIGNED: "", SIGNED: " signed", FLOAT: " float"}
    coded = one(tags, COMPRESSION, 1)
    packed = COMPRESSIONS.get(coded, f"compression {coded}") if coded != 1 else "no compression"
    channels = f"{samples} channels of " if samples > 1 else ""
    number = kinds.get(one(tags, FORMAT, UNSIGNED), " complex")
    return f"TIFF of {channels}{bits} bit{number}, {packed}"


def blocks(tags: Tags) -> Iterator[tuple[int, int, int, int, int, int]]:
    """Yield row, column, rows, columns, place and bytes of each strip or tile.

    Raises
    ------
    ValueError
        If the strips or tiles that are listed do not make the picture.
    """
    width, height = one(tags, WIDTH, 0), one(tags, HEIGHT, 0)
    tiled = TILES in tags
    places, counts = (
        tags.get(TILES if tiled else STRIPS),
        tags.get(TILE_BYTES if tiled else STRIP_BYTES),
    )
    across = one(tags, TILE_WIDTH, 0) if tiled else width
    down = one(tags, TILE_HEIGHT, 0) if tiled else min(one(tags, STRIP_ROWS, height), height)
    if not places or across < 1 or down < 1:
        raise ValueError("is damaged: its tags name no picture")
    needed = -(-height // down) * -(-width // across) * down * across
    if needed > MOST_WASTE * max(width * height, LARGE_TILE):
        raise ValueError("is damaged: its tiles are larger than its picture")
    starts = [(row, column) for row in range(0, height, down) for column in range(0, width, across)]
    if counts is None and len(places) == 1 and not tiled:
        kind = sample_type(tags)
        counts = (width * height * (kind.itemsize if kind else 0),)
    if len(places) < len(starts) or counts is None or len(counts) < len(starts):
        raise ValueError(CUT_SHORT)
    for (row, column), place, count in zip(starts, places, counts, strict=False):
        # The last strip ends with the picture; a tile is always whole.
        yield row, column, down if tiled else min(down, height - row), across, place, count


def check_extent(tags: Tags, size: int) -> None:
    """Refuse a file that ends before its picture does."""
    listed = (
        tags.get(TILES, tags.get(STRIPS, ())),
        tags.get(TILE_BYTES, tags.get(STRIP_BYTES, ())),
    )
    if any(place + count > size for place, count in zip(*listed, strict=False)):
        raise ValueError(CUT_SHORT)


def read_values(file: BinaryIO, size: int, tags: Tags) -> Values:
    """Return the numbers of the slice, shape (rows, columns), the way up that its tag says.

    Parameters
    ----------
    file : binary file
        The TIFF; `is_plain` holds for its tags, and it is no larger than memory.
    size : int
        Its bytes.
    tags : dict
        Those of `read_tags`.

    Returns
    -------
    array
        The larger the lighter: where white is zero, the numbers are turned round.

    Raises
    ------
    ValueError
        If it is cut short or damaged.
    """
    kind = sample_type(tags)
    assert kind is not None  # as is_plain says
    width, height = one(tags, WIDTH, 0), one(tags, HEIGHT, 0)
    values = np.empty((height, width), kind.newbyteorder("="))
    unpack = unpacker(one(tags, COMPRESSION, 1))
    predictor = one(tags, PREDICTOR, 1) if one(tags, COMPRESSION, 1) in (*DEFLATE, *LZW) else 1
    for row, column, rows, columns, place, count in blocks(tags):
        expected = rows * columns * kind.itemsize
        content = unpack(take(file, place, count, size), expected)
        if len(content) < expected:
            raise ValueError(CUT_SHORT)
        block = undo_predictor(content[:expected], (rows, columns), kind, predictor)
        part = values[row : row + rows, column : column + columns]
        part[:] = block[: part.shape[0], : part.shape[1]]
    if one(tags, PHOTOMETRIC, BLACK_IS_ZERO) == WHITE_IS_ZERO:
        values = turn_round(values)
    return put_upright(values, one(tags, ORIENTATION, 1))


def undo_predictor(
    content: bytes, shape: tuple[int, int], kind: np.dtype[Any], predictor: int
) -> Values:
    """Return the numbers of a block that may hold differences along its rows."""
    if predictor == FLOAT_DIFFERENCES and kind.kind == "f":
        rows, columns = shape
        parts = np.frombuffer(content, np.uint8).reshape(rows, -1).cumsum(axis=1, dtype=np.uint8)
        # The bytes of a row lie apart by their weight, the heaviest first.
        joined = parts.reshape(rows, kind.itemsize, columns).transpose(0, 2, 1)
        return np.ascontiguousarray(joined).view(kind.newbyteorder(">"))[..., 0]
    block = np.frombuffer(content, kind).reshape(shape)
    if predictor == DIFFERENCES:
        whole = np.dtype(f"u{kind.itemsize}")
        block = block.view(whole.newbyteorder(kind.byteorder)).astype(whole)
        return block.cumsum(axis=1, dtype=whole).view(kind.newbyteorder("="))
    if predictor not in (1, DIFFERENCES):
        raise ValueError(f"is a TIFF with predictor {predictor}; expected 1, 2, or 3 with floats")
    return block


def turn_round(values: Values) -> Values:
    """Return numbers of which the least was white so that the largest is."""
    if values.dtype.kind == "u":
        return np.asarray(np.iinfo(values.dtype).max - values)
    if values.dtype.kind == "i":
        return np.asarray(~values)  # the range of signed numbers, turned round
    return np.asarray(values.min() + values.max() - values)


def put_upright(values: Values, orientation: int) -> Values:
    """Return the picture the way up that the tag `Orientation` says."""
    if orientation in (5, 6, 7, 8):
        values = values.T
    flips = {2: (1,), 3: (0, 1), 4: (0,), 6: (1,), 7: (0, 1), 8: (0,)}
    return np.flip(values, flips.get(orientation, ()))


def unpacker(compression: int) -> Callable[[bytes, int], bytes]:
    """Return the function that unpacks up to so many bytes."""
    if compression in PLAIN:
        return lambda content, most: content[:most]
    if compression in DEFLATE:
        return inflate
    return unpack_lzw if compression in LZW else unpack_bits


def inflate(content: bytes, most: int) -> bytes:
    """Unpack deflate, up to so many bytes."""
    try:
        return zlib.decompressobj().decompress(content, most)
    except zlib.error:
        raise ValueError(CUT_SHORT) from None


def unpack_bits(content: bytes, most: int) -> bytes:
    """Unpack PackBits, up to so many bytes."""
    found, place = bytearray(), 0
    while place + 1 < len(content) and len(found) < most:
        length = content[place]
        if length < 128:
            found += content[place + 1 : place + 2 + length]
            place += 2 + length
        else:  # one byte, repeated
            found += content[place + 1 : place + 2] * (257 - length if length > 128 else 0)
            place += 2 if length > 128 else 1
    return bytes(found)


def unpack_lzw(content: bytes, most: int) -> bytes:
    """Unpack LZW, up to so many bytes, by the C library of TIFF: as one row of bytes."""
    count, start = 9, 8 + 2 + 9 * 12 + 4
    tags = (
        (WIDTH, 4, most), (HEIGHT, 4, 1), (BITS, 3, 8), (COMPRESSION, 3, LZW[0]),
        (PHOTOMETRIC, 3, BLACK_IS_ZERO), (STRIPS, 4, start), (SAMPLES, 3, 1), (STRIP_ROWS, 4, 1),
        (STRIP_BYTES, 4, len(content)),
    )  # fmt: skip
    head = struct.pack("<2sHIH", b"II", 42, 8, count)
    head += b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    try:
        with (
            silent(),
            Image.open(BytesIO(head + bytes(4) + content), formats=("TIFF",)) as image,
        ):
            return image.tobytes()
    except OSError:
        raise ValueError(CUT_SHORT) from None


@contextmanager
def silent() -> Iterator[None]:
    """Keep the C library of TIFF from stderr, on which it complains of damaged files."""
    saved = None
    with suppress(OSError):
        saved = os.dup(2)
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)
    try:
        yield
    finally:
        if saved is not None:
            os.dup2(saved, 2)
            os.close(saved)
