"""A file from a stranger runs no code and fills no memory, and is refused in one plain line."""

import io
import json
import struct
import time
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from helpers import small
from PIL import Image
from test_runs import CASES, TINY

from remodel.bone.files import load_section
from remodel.bone.images import read_section
from remodel.bone.synthetic import build_section
from remodel.clinic.trial_files import load_trial, read_trial
from remodel.model.files import load_model
from remodel.report.trial_run import reproduce_run, run_job
from remodel.runs.ensemble import run_ensemble
from remodel.runs.record import read_record, record_text
from remodel.support.archive import MOST_ARRAYS, MOST_PARTS, MOST_TEXT
from remodel.support.console import plain
from remodel.viewer.lesson_files import read_lesson

MEMORY, SECONDS = 300 << 20, 5.0  # that a file may take before it is refused
ODD_NAMES = ("../../x", "/etc/x", "<script>alert(1)</script>", "$x^$ {", "_a", "a,\"b' # | c")
ODD_TRIAL = 'name = "<b>$t^"\non_treatment = 0.1\nvisits = [0.1]\nsites = ["ctx"]\n' + "".join(
    f"[[arm]]\nname = {json.dumps(name)}\n" for name in ODD_NAMES
)
TRIAL = 'on_treatment = 1\nname = "t"\nvisits = [1]\nsites = ["ctx"]\n[[arm]]\nname = "a"\n'


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    """Return the folder of a run whose names do what they can."""
    folder = tmp_path_factory.mktemp("hostile") / "odd"
    run_job(read_trial(ODD_TRIAL, "odd.toml"), small(**TINY), 1, 5, 1, folder, progress=False)
    return folder


def refused(load, path):
    """See that a file is refused in one plain line, soon, and without much memory."""
    from resource import RUSAGE_SELF, getrusage

    before, begin = getrusage(RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(ValueError, match=path.name) as found:
        load(path)
    assert time.process_time() - begin < SECONDS
    assert (getrusage(RUSAGE_SELF).ru_maxrss - before) * 1024 < MEMORY
    message = str(found.value)
    assert message == plain(message)
    assert len(message) < 2000


def npy(kind, shape, content=b""):
    """Return an array in a file that says that it has a type and a shape."""
    head = io.BytesIO()
    about = {"descr": kind, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(head, about)
    return head.getvalue() + content


def text(content):
    """Return a record as the array that holds it."""
    return npy("|u1", (len(content),), content)


ARCHIVES = {
    "zeros": {"matrix": npy("<f8", (14_000_000,), bytes(112_000_000)), "record": text(b"{}")},
    "claims 8 GB": {"matrix": npy("<f8", (10**9,)), "record": text(b"{}")},
    "claims 80 TB": {"matrix": npy("<f8", (10**13,)), "record": text(b"{}")},
    "objects": {"matrix": npy("|O", (1,)), "record": text(b"{}")},
    "long words": {"matrix": npy("<U500000000", (1,)), "record": text(b"{}")},
    "no size": {"matrix": npy("|V0", (10**15,)), "record": text(b"{}")},
    "long record": {"record": text(b" " * (MOST_TEXT + 1))},
    "many lists": {"record": text(b"[" + b"[]," * MOST_PARTS + b"[]]")},
    "deep record": {"record": text(b"[" * 100_000 + b"]" * 100_000)},
    "long number": {"record": text(b"[" + b"9" * 1_000_000 + b"]")},
    "many arrays": {f"a{n}": npy("|u1", (0,)) for n in range(MOST_ARRAYS + 1)},
}


@pytest.mark.parametrize("load", [load_section, load_model])
@pytest.mark.parametrize("name", ARCHIVES)
def test_an_archive_that_would_fill_memory_is_refused(tmp_path, name, load):
    path = tmp_path / "x.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        for member, content in ARCHIVES[name].items():
            file.writestr(f"{member}.npy", content)
    refused(load, path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep"),
        pytest.param(b'{"a":' * 100_000, id="deep and cut short"),
        pytest.param(b"[" + b"{}," * MOST_PARTS + b"{}]", id="many tables"),
        pytest.param(b'{"format": ' + b"9" * 1_000_000 + b"}", id="long number"),
        pytest.param(b"", id="huge"),
    ],
)
def test_a_record_that_would_fill_memory_is_refused(tmp_path, content):
    path = tmp_path / "record.json"
    with path.open("wb") as file:
        file.write(content)
        if not content:
            file.truncate(10 * MOST_TEXT)
    refused(read_record, path)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs a file without end")
@pytest.mark.parametrize("load", [read_record, load_trial, load_section, read_section])
def test_a_file_without_end_is_refused(load):
    refused(load, Path("/dev/zero"))


TRIALS = {
    "long number": TRIAL.replace("= 1", f"= {'9' * 5000}", 1),
    "number beyond floats": TRIAL.replace("= 1", f"= {'9' * 400}", 1),
    "hexadecimal": TRIAL.replace("= 1", f"= 0x{'f' * 5000}", 1),
    "hexadecimal age": f"{TRIAL}[patient]\nage = 0x{'f' * 5000}\n",
    "hexadecimal visit": TRIAL.replace("[1]", f"[0x{'f' * 5000}]"),
    "deep lists": "x = " + "[" * 20_000 + "]" * 20_000,
    "deep tables": "x = " + "{a=" * 10_000 + "1" + "}" * 10_000,
    "dotted key": "a" + ".a" * 20_000 + " = 1",
    "table in table": "[a" + ".a" * 300 + "]\nb = 1",
    "list in list": TRIAL.replace("[1]", "[[1]]"),
    "long file": TRIAL + "#" * 1_000_000,
    "many arms": TRIAL + "".join(f'[[arm]]\nname = "{n}"\n' for n in range(400)),
    "many visits": TRIAL.replace("[1]", str([n / 1000 for n in range(400)])),
    "many keys": "\n".join(f"a{n} = 1" for n in range(400)),
    "long name": TRIAL.replace('"t"', f'"{"t" * 2000}"'),
    "long key": f"{'k' * 5000} = 1",
    "title of a terminal": TRIAL.replace('"a"', '"\\u001b]0;x\\u0007"'),
    "bell in a key": TRIAL + '"a\\u0007" = 1\n',
    "two lines": TRIAL.replace('"t"', '"t\\nremodel: all is well"'),
    "text that runs back": TRIAL.replace('"a"', '"a\\u202eb"'),
    "formula": TRIAL.replace('"a"', "\"=HYPERLINK('x')\""),
    "formula with a sign": TRIAL.replace('"a"', '"-1+cmd|x!A1"'),
    "formula with a call": TRIAL.replace('"a"', "\"+HYPERLINK('x')\""),
    "formula in a source": TRIAL.replace('"t"', '"t"\nsource = "@SUM(A1)"'),
}


@pytest.mark.parametrize("name", TRIALS)
def test_a_trial_file_that_does_harm_is_refused(tmp_path, name):
    (tmp_path / "x.toml").write_text(TRIALS[name])
    refused(load_trial, tmp_path / "x.toml")


def test_what_only_looks_odd_is_read():
    assert [arm.name for arm in read_trial(ODD_TRIAL, "odd.toml").arms] == [*ODD_NAMES]
    for name in ("-0.5 (SE 0.2) to 1", "+1.2", "- none", "Åse, 骨"):
        assert read_trial(TRIAL.replace('"a"', json.dumps(name, ensure_ascii=False)), "x").arms


@pytest.mark.parametrize(
    "head", ["x = " + "[" * 20_000, 'title = "\\u001b[2J"', "a = 0x" + "f" * 999]
)
def test_a_lesson_that_does_harm_is_refused(head):
    refused(lambda path: read_lesson(f"+++\n{head}\n+++\n", path.name), Path("x"))


def png(*chunks):
    """Return a PNG image of 50 x 50 pixels with further chunks."""
    image = zlib.compress((b"\0" + bytes(25) + b"\xff" * 25) * 50)
    head = struct.pack(">IIBBBBB", 50, 50, 8, 0, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", image), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in parts
    )


def tiff(*tags, following=0):
    """Return a TIFF image of 50 x 50 pixels with further tags, and where its next image is."""
    default = [(256, 3, 50), (257, 3, 50), (258, 3, 8), (262, 3, 1), (273, 4, 8), (277, 3, 1)]
    rows = sorted([*((tag, kind, 1, value) for tag, kind, value in default), *tags])
    body = b"".join(struct.pack("<HHII", *row) for row in rows)
    return struct.pack("<2sHIH", b"II", 42, 8, len(rows)) + body + struct.pack("<I", following)


def images():
    """Return images that grow, or have no end."""
    grows = zlib.compress(bytes(100_000_000), 1)
    wide = io.BytesIO()
    Image.fromarray(np.zeros((5000, 5000), np.uint8)).save(wide, "TIFF", compression="tiff_deflate")
    return {
        "text": png(*((b"zTXt", b"a\0\0" + grows) for _ in range(3))),
        "profile": png((b"iCCP", b"a\0\0" + grows), (b"tEXt", b"x" * 3)),
        "loop": tiff(following=8),
        "long tag": tiff((270, 2, 0xFFFFFFF0, 8)),
        "largest": wide.getvalue(),
    }


def test_an_image_that_would_fill_memory_is_refused(tmp_path):
    for name, content in images().items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(content)
        refused(read_section, path)


def test_a_section_has_no_more_sites_than_memory_holds():
    with pytest.raises(ValueError, match="64000000 sites; expected up to 4000000"):
        build_section(small(section__height=40, section__width=40, section__site=5), seed=1)


@pytest.mark.parametrize("value", [None, 3, -1, 1e300, "x", [], {}, [{}], {"x": []}])
def test_a_record_of_nonsense_is_refused(odd, tmp_path, value):
    whole = read_record(odd / "record.json")
    path = tmp_path / "record.json"
    for name in ("trial", "parameters", "seed", "replicates", "section"):
        path.write_text(record_text(whole | {name: value}))
        if (name, value) not in [("seed", 3), ("replicates", 3), ("section", None)]:
            with pytest.raises(ValueError):  # noqa: PT011 - of several kinds
                reproduce_run(read_record(path))


@pytest.mark.parametrize(
    "readings", [3, {"year": 3}, {"year": ["x"]}, {"year": [1], "ctx": [1, 2]}]
)
def test_a_run_of_nonsense_is_refused(tmp_path, readings):
    run_ensemble(CASES[:1], tmp_path, 1, 3)
    path = tmp_path / "0000-000.json"
    record = json.loads(path.read_text()) | {"readings": readings}
    path.write_text(record_text(record))
    with pytest.raises(ValueError, match=r"0000-000\.json: holds no run"):
        run_ensemble(CASES[:1], tmp_path, 1, 3)
