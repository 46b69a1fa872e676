"""What a stranger wrote is text and no more: no path, no page, no code; and nothing names the user."""

import ast
import asyncio
import zipfile
from pathlib import Path

import pytest
from helpers import small
from PIL import Image
from test_hostile import ODD_TRIAL, TRIAL, odd
from test_images import histology
from test_runs import CASES, TINY

import remodel
from remodel.bone.synthetic import build_section
from remodel.cli import commands as command
from remodel.clinic.trial_files import read_trial
from remodel.report.movies import Film, place_of
from remodel.report.trial_run import OUTPUTS, RUNS, run_job
from remodel.runs import replicate
from remodel.runs.ensemble import run_ensemble
from remodel.runs.replicate import ReplicateTask
from remodel.viewer.origin_check import OriginCheck

__all__ = ["odd"]  # a fixture


def test_no_name_is_a_path_or_a_formula(odd):
    assert {path.name for path in odd.iterdir()} == {*OUTPUTS, RUNS}
    assert list(odd.parent.iterdir()) == [odd]
    trial = read_trial(ODD_TRIAL, "odd.toml")
    task = ReplicateTask(trial, small(), 0, 1)
    for arm in trial.arms:
        assert place_of(str(odd), Film(task, arm)).resolve().parent == odd.resolve()
        assert place_of("odd.toml", Film(task, arm)).parent == Path("results")


def test_no_name_is_html(monkeypatch):
    import solara
    from solara.widgets import HTML

    from remodel.viewer.curves import draw_curves
    from remodel.viewer.panels import SectionPanel, WordsPanel, as_html
    from remodel.viewer.session import Tab

    monkeypatch.setenv("REMODEL_VIEW", "{}")
    tab, trial = Tab(), read_trial(ODD_TRIAL, "odd.toml")
    tab.set_scene(trial=trial, arm=trial.arms[2], section="small")
    for panel in (SectionPanel, WordsPanel):
        _, context = solara.render(panel(tab), handle_error=False)
        shown = "".join(str(one.unsafe_innerHTML) for one in context.find(HTML).widgets)
        assert "<script" not in shown
        assert ("&lt;script&gt;" in shown) == (panel is SectionPanel)
        context.close()
    assert "<script" not in "".join(draw_curves(tab.player.models, tab.player.scene))
    tab.close()
    text = as_html(
        "<script>x</script> a <b onclick=x>b</b>\n\n[c](javascript:x) ![d](http://e) **f**"
    )
    assert "<strong>f</strong>" in text
    assert not [bad for bad in ("<script", "<b ", "<a", "<img") if bad in text]


def test_a_link_in_a_results_folder_is_replaced_and_not_followed(odd, tmp_path):
    (tmp_path / "mine").write_text("years of work")
    for path in [odd / name for name in OUTPUTS[:4]] + [odd / RUNS / "0000-000.json"]:
        path.unlink()
        path.symlink_to(tmp_path / ("mine" if path.parent == odd else "gone"))
    run_job(read_trial(ODD_TRIAL, "odd.toml"), small(**TINY), 1, 5, 1, odd, progress=False)
    assert (tmp_path / "mine").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert not any(path.is_symlink() for path in odd.rglob("*"))


CODE = {"eval", "exec", "compile", "__import__", "system", "popen", "breakpoint"}
HARMLESS = {"re.compile", "platform.system"}
OF_ITS_OWN = {  # to processes of its own, and in its own memory; no file
    "parallel.py": {"cloudpickle"},
    "spin_up_cache.py": {"pickle"},
}
READERS = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "joblib",
    "marshal",
    "shelve",
    "yaml",
    "code",
}


def test_nothing_that_is_read_is_run():
    here = Path(remodel.__file__).parent
    scripts = [*here.rglob("*.py"), *(here.parent / "experiments").glob("*.py")]
    assert len(scripts) > 60
    for path in scripts:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [name.name for name in node.names] + [getattr(node, "module", "") or ""]
                read = READERS & {name.partition(".")[0] for name in names}
                assert read <= OF_ITS_OWN.get(path.name, set()), path
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                given = {key.arg: ast.unparse(key.value) for key in node.keywords}
                assert called.rpartition(".")[2] not in CODE or called in HARMLESS, path
                assert called != "np.load" or given["allow_pickle"] == "False", path
                assert given.get("shell", "False") == given.get("allow_pickle", "False") == "False"


@pytest.mark.parametrize(
    "local, host, origin, passed",
    [
        (True, "localhost:8765", "", True),
        (True, "127.0.0.1:8765", "http://127.0.0.1:8765", True),
        (True, "[::1]:8765", "http://[::1]:8765", True),
        (True, "localhost:8765", "http://evil.example", False),
        (True, "localhost:8765", "http://localhost:8000", False),
        (True, "localhost:8765", "null", False),
        (True, "evil.example:8765", "http://evil.example:8765", False),
        (True, "", "", False),
        (True, "[", "", False),
        (False, "class.example:8765", "http://class.example:8765", True),
        (False, "class.example:8765", "http://evil.example", False),
    ],
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_the_viewer_answers_only_its_own_page(kind, local, host, origin, passed):
    seen, sent = [], []

    async def server(scope, *_):
        seen.append(scope)

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    headers = [(b"host", host.encode())] + [(b"origin", origin.encode())] * bool(origin)
    asyncio.run(OriginCheck(server, local)({"type": kind, "headers": headers}, receive, send))
    assert (len(seen) == 1) == passed
    assert passed or sent[0] in (
        {"type": "websocket.close", "code": 1008},
        {"type": "http.response.start", "status": 403, "headers": []},
    )


def hold(path):
    """Return all that a file holds, unpacked."""
    if path.suffix == ".npz":
        with zipfile.ZipFile(path) as file:
            return b"".join(file.read(name) for name in file.namelist())
    if path.suffix in (".png", ".gif"):
        with Image.open(path) as image:
            return repr(image.info).encode() + path.read_bytes()
    return path.read_bytes()


def test_nothing_that_is_written_names_the_user(tmp_path, monkeypatch, capsys):
    home = tmp_path / "jane-doe"
    home.mkdir()
    for name in ("HOME", "USER", "LOGNAME", "USERNAME", "TMPDIR"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(home)
    monkeypatch.setattr(command, "QUICK", {"section.height": 0.6, "section.width": 1.2})
    Path("mine.toml").write_text(TRIAL.replace("= 1", "= 0.1").replace("[1]", "[0.1]"))
    Image.fromarray(histology(build_section(small(), 1))).save("slice.png")
    lines = (
        f"tissue {home}/slice.png --pixel-size 5 --out {home}/made/section",
        f"run {home}/mine.toml --quick --out {home}/made/run --tissue made/section/section.npz",
        f"movie {home}/made/run --frames-per-year 10",
    )
    for line in lines:
        assert command.main(line.split()) == 0, capsys.readouterr().err

    def fail(_):
        raise OSError(2, "No such file", f"{home}/secret/data.csv")

    monkeypatch.setattr(replicate, "run_replicate", fail)
    found = run_ensemble(CASES[:1], home / "made" / "failed", 1, 3)
    assert "'data.csv' (test_hostile_text.py, line" in found.failed["error"][0]
    written = [path for path in (home / "made").rglob("*") if path.is_file()]
    assert len(written) > 12
    secrets = (str(tmp_path), "jane-doe", str(Path(remodel.__file__).parent))
    for path in written:
        assert not [word for word in secrets if word.encode() in hold(path)], path
