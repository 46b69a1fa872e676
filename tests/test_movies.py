"""A film shows the run that it says it shows, and a section that was brought can be filmed."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from helpers import silent, small, wall
from PIL import Image
from test_command import TRIAL, refused, run
from test_record import TINY, trial

from remodel.bone.files import load_section, save_section
from remodel.bone.synthetic import build_section
from remodel.model.snapshot import take_snapshot
from remodel.report import movies
from remodel.report.movies import Film, find_arm, make_movie, read_film, run_ahead
from remodel.report.section_picture import plot_section
from remodel.report.trial_run import SECTION, reproduce_run, run_job
from remodel.runs.record import read_record, record_text, recorded_section
from remodel.runs.replicate import ReplicateTask
from remodel.support.provenance import OtherVersionWarning

__all__ = ["trial"]  # a fixture
PARAMETERS = small(**TINY, time__spin_up=1.0)


@pytest.fixture(scope="module")
def brought():
    """Return a section that no seed of the runs below builds."""
    return build_section(PARAMETERS, seed=77)


@pytest.fixture(scope="module")
def folder(trial, brought, tmp_path_factory):
    """Return the folder of a finished run on a brought section."""
    folder = tmp_path_factory.mktemp("results") / "tiny"
    run_job(trial, PARAMETERS, 2, 5, 1, folder, progress=False, tissue=brought)
    return folder


def frames(path):
    """Return the pictures of a film."""
    with Image.open(path) as film:
        for number in range(film.n_frames):
            film.seek(number)
            yield np.asarray(film.convert("RGB")).astype(int)


@pytest.fixture
def seen(monkeypatch):
    """Return the sections that are drawn, in order."""
    taken = []

    def watched(model):
        taken.append(take_snapshot(model))
        return taken[-1]

    monkeypatch.setattr(movies, "take_snapshot", watched)
    return taken


def test_a_film_shows_every_moment_once_and_then_the_next(folder, tmp_path, seen):
    film = read_film(str(folder), None, 0, 8)
    written = make_movie(film, tmp_path / "film.gif", progress=False)
    assert written[0] == tmp_path / "film.gif"
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(p.name for p in written)
    assert film.years == [0, 0.125, 0.25, 0.375, 0.5]
    assert [shot.year for shot in seen[:5]] == pytest.approx(film.years, abs=0.02)
    pictures = list(frames(written[0]))
    assert len(pictures) == 5
    for first, second in pairwise(pictures):
        assert (abs(first - second).max(axis=-1) > 50).mean() > 0.001


@pytest.mark.parametrize("replicate", [0, 1])
def test_a_film_is_of_the_run_that_the_record_says(folder, tmp_path, seen, replicate):
    film = read_film(str(folder / "record.json"), "drug", replicate, 1)
    make_movie(film, tmp_path / "film.gif", progress=False)
    readings = pd.read_csv(folder / "replicates.csv")
    here = readings[(readings.arm == "drug") & (readings.replicate == replicate)]
    bone = here.trabecular_bone.iloc[-1] + here.cortical_bone.iloc[-1]
    site = (seen[-1].site_um / 1000) ** 2  # mm2
    assert seen[-1].matrix.sum() * site == pytest.approx(
        bone, rel=0.01
    )  # some steps after the reading
    again = run_ahead(movies.take_checkpoint(movies.spin_up(film.task, film.arm.patient)), film)
    assert again.trabecular_bone.to_numpy() == pytest.approx(here.trabecular_bone, rel=0, abs=0)


def test_a_film_of_a_run_of_another_version_is_warned_of(folder, tmp_path):
    for name in ("record.json", SECTION):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    record = read_record(tmp_path / "record.json") | {"made_by": {"remodel": "0.0.9"}}
    (tmp_path / "record.json").write_text(record_text(record))
    with pytest.warns(OtherVersionWarning, match=r"record\.json: other versions \(remodel 0\.0\.9"):
        film = read_film(str(tmp_path), None, 0, 8)
    assert film.task.seed == read_film(str(folder), None, 0, 8).task.seed


def test_a_film_of_a_trial_needs_no_run(trial, tmp_path, seen):
    film = Film(ReplicateTask(trial, PARAMETERS, 0, 1), find_arm(trial, "none"), 2)
    make_movie(film, tmp_path / "film.gif", progress=False)
    assert len(seen) >= 2


def test_mp4_is_written_where_ffmpeg_is_found(trial, tmp_path, monkeypatch):
    """No ffmpeg here: a stand-in tells which files would be asked of it."""
    monkeypatch.setattr(movies.FFMpegWriter, "isAvailable", lambda: True)
    shot = []

    def pretend(*arguments):
        writer, path = arguments[3:5]
        shot.append(type(writer).__name__)
        path.write_bytes(b"film")

    monkeypatch.setattr(movies, "shoot", pretend)
    film = Film(ReplicateTask(trial, PARAMETERS, 0, 1), find_arm(trial, None), 1)
    written = make_movie(film, tmp_path / "film.gif", progress=False)
    assert [path.name for path in written] == ["film.gif", "film.mp4"]
    assert shot == ["PillowWriter", "FFMpegWriter"]


@pytest.mark.parametrize("where", ["take_snapshot", "lay_out", "finish"])
def test_an_interrupted_film_leaves_nothing(trial, tmp_path, monkeypatch, where):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(movies, where, stop)
    film = Film(ReplicateTask(trial, PARAMETERS, 0, 1), find_arm(trial, None), 1)
    with pytest.raises(KeyboardInterrupt):
        make_movie(film, tmp_path / "film.gif", progress=False)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_film_is_not_encoded(trial, tmp_path, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(movies.PillowWriter, "finish", lambda _: pytest.fail("encodes for nothing"))
    monkeypatch.setattr(
        movies.PillowWriter,
        "grab_frame",
        lambda _: monkeypatch.setattr(movies, "take_snapshot", stop),
    )  # so that one picture is taken
    film = Film(ReplicateTask(trial, PARAMETERS, 0, 1), find_arm(trial, None), 1)
    with pytest.raises(KeyboardInterrupt):
        make_movie(film, tmp_path / "film.gif", progress=False)
    assert not list(tmp_path.iterdir())


def test_the_command_films_a_run_into_its_folder(folder, capsys):
    code, out, _ = run(capsys, "movie", str(folder), "--frames-per-year", "2", "--arm", "none")
    assert code == 0
    assert out.startswith(str(folder / "none.gif"))
    (folder / "none.gif").unlink()


@pytest.mark.parametrize(
    "options, expected",
    [
        ("--arm placebo", "tiny has no arm 'placebo'; it has drug, none"),
        ("--replicate 2", "replicate = 2 (of this run); expected 0 to 1"),
        ("--frames-per-year 0", "frames-per-year = 0 1/year; expected"),
        ("--out film.avi", "film.avi: expected a name that ends in .gif"),
    ],
)
def test_a_film_that_cannot_be_is_refused(folder, capsys, options, expected):
    assert expected in refused(capsys, "movie", str(folder), *options.split())


@pytest.mark.parametrize("name", ["atak", "nothing.json", "."])
def test_a_run_that_is_not_there_is_refused(name, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert ("atak" if name == "atak" else "record" if name == "." else name) in refused(
        capsys, "movie", name
    )


def test_a_run_on_a_brought_section_is_repeated_from_its_folder_alone(folder):
    record = read_record(folder / "record.json")
    tissue = recorded_section(record, folder / SECTION)
    assert reproduce_run(record, tissue=tissue)[1] == []


def test_a_brought_section_is_what_the_arms_begin_with(folder, trial, brought, tmp_path):
    run_job(trial, PARAMETERS, 2, 5, 1, tmp_path / "built", progress=False)
    mine, built = (pd.read_csv(path / "replicates.csv") for path in (folder, tmp_path / "built"))
    assert not mine.total_hip.equals(built.total_hip)
    first = mine[mine.year == 0].groupby("replicate").trabecular_bone.first()
    assert first[0] != first[1]  # random numbers differ, the section does not
    bone = brought.matrix[brought.region == 1].sum() * brought.site_volume
    assert first.to_numpy() == pytest.approx(bone, rel=0.2)


def test_workers_get_the_section_too(folder, trial, brought, tmp_path):
    run_job(trial, PARAMETERS, 2, 5, 2, tmp_path / "two", progress=False, tissue=brought)
    for name in ("replicates.csv", "record.json", SECTION):
        assert (tmp_path / "two" / name).read_bytes() == (folder / name).read_bytes(), name


def test_a_run_does_not_change_the_section_that_was_brought(brought, folder):
    assert np.array_equal(load_section(folder / SECTION).matrix, brought.matrix)
    assert np.array_equal(brought.matrix, build_section(PARAMETERS, seed=77).matrix)


def test_another_section_beside_the_record_is_refused(folder, capsys, tmp_path):
    for name in ("record.json", SECTION):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    save_section(build_section(PARAMETERS, seed=78), tmp_path / SECTION)
    assert "another section than the one" in refused(capsys, "reproduce", f"{tmp_path}/record.json")
    (tmp_path / SECTION).unlink()
    assert "section.npz: cannot be read" in refused(capsys, "reproduce", f"{tmp_path}/record.json")
    with pytest.raises(ValueError, match="names a section by its content; that one is not given"):
        reproduce_run(read_record(tmp_path / "record.json"))


def test_a_folder_of_another_section_is_refused(folder, trial):
    with pytest.raises(ValueError, match=r"another run \(other section\)"):
        run_job(trial, PARAMETERS, 2, 5, 1, folder, progress=False)


def test_run_takes_a_section_by_its_file(brought, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.toml").write_text(TRIAL)
    save_section(brought, tmp_path / "secret.npz")
    line = "run tiny.toml --quick --replicates 1 --out a --tissue"
    code, out, _ = run(capsys, *line.split(), "secret.npz")
    assert code == 0
    assert SECTION in out
    assert run(capsys, "reproduce", "a/record.json", "--workers", "1")[0] == 0
    assert "secret" not in (tmp_path / "a" / "record.json").read_text()
    (tmp_path / "bad.npz").write_bytes(b"x")
    assert "bad.npz: is no archive" in refused(capsys, *line.split(), "bad.npz")


def test_the_picture_of_a_model_shows_its_bone(tmp_path):
    fractions = []
    for width in (2, 10):
        plot_section(silent(wall(width)), tmp_path / "section.png")
        with Image.open(tmp_path / "section.png") as picture:
            red, _, blue = np.moveaxis(np.asarray(picture.convert("RGB"), dtype=float), -1, 0)
        fractions.append((red - blue > 30).mean())  # bone is brown, marrow and paper are not
    assert fractions[1] == pytest.approx(5 * fractions[0], rel=0.2)
