"""Many runs: trials, patients and parameter values, in replicates with different seeds."""

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import BrokenExecutor, Executor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from tqdm import tqdm

from remodel.bone.section import Tissue
from remodel.clinic.trials import Trial
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import whole
from remodel.runs.measure_identity import identify
from remodel.runs.parallel import Carried, run_all
from remodel.runs.replicate import Measure, Replicate, ReplicateTask, attempt, fail
from remodel.runs.scenario import Case
from remodel.runs.storage import lock_folder, read_manifest, read_runs, write_run
from remodel.support.console import is_watched, say
from remodel.support.files import sweep
from remodel.support.messages import LikelyMistakeWarning
from remodel.support.plain_values import unblank
from remodel.support.provenance import made_by, warn_of_others
from remodel.support.random_numbers import HIGHEST_SEED

MOST_REPLICATES = 100_000


class FailedRunsError(RuntimeError):
    """Some runs ended in an error; the message names them."""


class Ensemble(NamedTuple):
    """What came out of many runs.

    Attributes
    ----------
    frame : DataFrame
        Columns: the labels of the cases, replicate, seed, arm, `model.observer.COLUMNS` and what
        was measured at visits; a row for each reading.
    failed : DataFrame
        Columns: the labels of the cases, replicate, seed, error; a row for each failed run.
    made_by : tuple of dict
        The versions that made the runs: several if one went on where another had stopped.
    """

    frame: pd.DataFrame
    failed: pd.DataFrame
    made_by: tuple[dict[str, str], ...] = ()


def run_ensemble(
    cases: Sequence[Case],
    folder: Path | str | None = None,
    replicates: int = 8,
    seed: int = 1,
    workers: int | Executor = 1,
    progress: bool = False,
    *,
    measure: Measure | None = None,
    measure_name: str = "",
    pictures: bool = False,
    done: Callable[[Replicate], None] | None = None,
) -> Ensemble:
    """Run every case in replicates; a failed run does not stop the others.

    Parameters
    ----------
    cases : sequence of Case
        What to run, such as `runs.scenario.cross` returns it.
    folder : Path or str, optional
        Where each run is written as soon as it ends. What is finished there is not run
        again; what failed is.
    replicates, seed : int
        Replicate r of every case has the seed ``seed + r``, so that cases are paired by
        common random numbers; the arms of a trial also share section and spin-up.
    workers : int or Executor
        Processes, or an executor that brings its own; the result does not depend on it.
        More than one ask nothing of a script and may get functions of a notebook; an
        executor of your own may ask for ``if __name__ == "__main__":``.
    progress : bool
        Name what fails on stderr, and show a bar there if that is a terminal. Without it
        one line there says how many runs failed, and why the first did.
    measure : callable, optional
        Called with the model on day 0 and at each visit of the trial. Returns a dict: numbers,
        True or False (kept as 1 and 0), text or arrays (a column for each value) by name.
        They are columns of the frame, in the last reading before the visit and empty
        elsewhere. Another measure is another experiment: its code counts, and so do its
        closure, its defaults, its arguments and the globals that it names.
    measure_name : str
        Stands for what of a measure cannot be told from another, such as a connection, and
        for lists, arrays and objects that it changes; give another one whenever those change.
    pictures : bool
        Take pictures of the first replicate of the first case.
    done : callable, optional
        Called with each new `Replicate` in any order, before it is written.

    Raises
    ------
    KeyboardInterrupt, ConnectionError, BrokenExecutor
        If stopped by hand, by the loss of a cluster or of a worker process; the message says
        how much is kept.
    ValueError
        If the folder holds something else or another run is at work in it, or if a measure
        cannot be told from another or not be sent to worker processes.
    OSError
        If a run cannot be written, as on a full disk.

    Warns
    -----
    OtherVersionWarning
        If another version made what is finished in the folder; it is kept.
    """
    found = make_runs(
        cases, folder, replicates, seed, workers, progress, measure=measure,
        measure_name=measure_name, pictures=pictures, done=done,
    )  # fmt: skip
    if len(found.failed) and not progress:
        total, first = len(cases) * int(replicates), found.failed["error"].iloc[0]
        say(f"remodel: {len(found.failed)} of {total} runs failed; the first: {first}")
    return found


def make_runs(
    cases: Sequence[Case],
    folder: Path | str | None,
    replicates: int,
    seed: int,
    workers: int | Executor,
    progress: bool,
    *,
    measure: Measure | None = None,
    measure_name: str = "",
    pictures: bool = False,
    done: Callable[[Replicate], None] | None = None,
) -> Ensemble:
    """Do what `run_ensemble` does, and leave it to the caller to speak of failed runs."""
    for note in dict.fromkeys(note for case in cases for note in case.trial.notes()):
        warnings.warn(note, LikelyMistakeWarning, stacklevel=3)
    folder = None if folder is None else Path(folder)
    seed, replicates = check_ensemble_size(seed, replicates)
    known = identify(measure, measure_name) if folder else ""
    carried = Carried(measure) if measure else None
    tasks = list_tasks(cases, replicates, seed, carried, pictures)
    provenance = describe_ensemble(cases, replicates, seed, known)
    with lock_folder(folder, provenance) if folder else nullcontext():
        runs = find_finished(folder, provenance) if folder else {}
        warn_of_others(folder, distinct_versions(runs.values()), stacklevel=4)
        missing = [task for task in tasks if (task.case, task.replicate) not in runs]
        bar = tqdm(
            total=len(tasks), initial=len(runs), unit="run",
            disable=not (progress and is_watched()),
        )  # fmt: skip

        def take(run: Replicate) -> None:
            run = without_clash(provenance, run)
            if run.error and progress:
                say(name_failure(provenance, run))
            if done:
                done(run)
            if folder:
                write_run(folder, provenance, run)
            runs[run.case, run.number] = replace(run, snapshots={})
            bar.update()

        try:
            with bar:
                run_all(missing, attempt, workers, take, fail)
        except (KeyboardInterrupt, ConnectionError, BrokenExecutor) as stop:
            raise type(stop)(tell_what_is_kept(str(stop), len(runs), len(tasks), folder)) from None
    return gather(provenance, runs.values())


def check_ensemble_size(seed: int, replicates: int) -> tuple[int, int]:
    """Return seed and replicates as whole numbers of Python; refuse what is none."""
    return (
        whole("seed", seed, "(no unit)", 0, HIGHEST_SEED),
        whole("replicates", replicates, "runs", 1, MOST_REPLICATES),
    )


def without_clash(provenance: Mapping[str, Any], run: Replicate) -> Replicate:
    """Return a run, or a failed one if it has a column that is named as a label is."""
    twice = [name for name in labels_of(provenance, run.case) if name in run.frame]
    if not twice:
        return run
    error = f"ValueError: {twice[0]!r} is a label of the case and a column; rename one of them"
    return replace(run, frame=pd.DataFrame(), snapshots={}, error=error)


def tell_what_is_kept(reason: str, count: int, total: int, folder: Path | None) -> str:
    """Return why the runs were stopped, how many there are, and how to go on."""
    if not count:
        kept = f"none of {total} runs was finished"
    elif folder:
        kept = f"{count} of {total} runs are kept in {folder}"
    else:
        kept = f"{count} of {total} runs were finished and are lost; a folder would keep them"
    again = ", and the same command goes on from there" if folder and count else ""
    return f"{reason}{'; ' * bool(reason)}{kept}{again}"


def find_finished(folder: Path, provenance: Mapping[str, Any]) -> dict[tuple[int, int], Replicate]:
    """Return the runs of an ensemble that ended well, by case and number."""
    sweep(folder)
    return {(run.case, run.number): run for run in read_runs(folder, provenance) if not run.error}


def list_tasks(
    cases: Sequence[Case], replicates: int, seed: int, measure: Measure | None, pictures: bool
) -> list[ReplicateTask]:
    """Return the work: first one replicate of every case, then the next."""
    for case in cases:
        case.trial.refuse_early(case.parameters.time.step)
    return [
        ReplicateTask(
            case.trial, case.parameters, replicate, seed + replicate,
            pictures and index == replicate == 0, case.tissue, index, measure,
        )
        for replicate in range(replicates)
        for index, case in enumerate(cases)
    ]  # fmt: skip


def describe_ensemble(
    cases: Sequence[Case], replicates: int, seed: int, measure: str
) -> dict[str, Any]:
    """Return all that makes an ensemble; of trials, parameters and sections, checksums.

    `measure` is what `identify` returns.
    """
    return {
        "made_by": made_by(),
        "seed": seed,
        "replicates": replicates,
        "measure": measure,
        "cases": [case.describe() for case in cases],
    }


def load_ensemble(folder: Path | str) -> Ensemble:
    """Read what is in the folder of an ensemble, finished or not.

    Warns
    -----
    OtherVersionWarning
        If another version made it.
    """
    folder = Path(folder)
    provenance = read_manifest(folder)
    runs = list(read_runs(folder, provenance))
    warn_of_others(folder, distinct_versions(runs))
    return gather(provenance, runs)


def gather(provenance: Mapping[str, Any], runs: Iterable[Replicate]) -> Ensemble:
    """Return runs, in whatever order they ended, as frames that do not depend on it."""
    frames, failed = [], []
    runs = sorted(runs, key=lambda run: (run.case, run.number))
    for run in runs:
        if run.error:
            failed.append(label(provenance, run) | {"error": run.error})
            continue
        columns = pd.DataFrame(labels_of(provenance, run.case), index=run.frame.index)
        frames.append(pd.concat([columns, run.frame], axis="columns"))
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return Ensemble(frame, pd.DataFrame(failed), distinct_versions(runs))


def distinct_versions(runs: Iterable[Replicate]) -> tuple[dict[str, str], ...]:
    """Return the versions that made some runs, each once."""
    found: list[dict[str, str]] = []
    for run in runs:
        if run.made_by not in found:
            found.append(run.made_by)
    return tuple(found)


def labels_of(provenance: Mapping[str, Any], case: int) -> dict[str, Any]:
    """Return the labels of a case."""
    return {name: unblank(value) for name, value in provenance["cases"][case]["labels"].items()}


def label(provenance: Mapping[str, Any], run: Replicate) -> dict[str, Any]:
    """Return what tells a run from the others of its ensemble."""
    return {
        **labels_of(provenance, run.case),
        "replicate": run.number,
        "seed": provenance["seed"] + run.number,
    }


def name_failure(provenance: Mapping[str, Any], run: Replicate) -> str:
    """Return one line about a run that failed."""
    named = label(provenance, run) | {"failed": run.error}
    return ", ".join(f"{name} {value}" for name, value in named.items())


def all_finished(found: Ensemble, kept: bool = True) -> pd.DataFrame:
    """Return the frame of an ensemble of which no run failed; `kept` says if it has a folder.

    Raises
    ------
    FailedRunsError
        With the first error: a mean over the others would not be of what was asked.
    """
    if len(found.failed):
        first = found.failed.iloc[0]
        others = "; the others are kept, and the same command tries again" if kept else ""
        raise FailedRunsError(
            f"failed runs: {len(found.failed)}; replicate {first['replicate']}: "
            f"{first['error']}{others}"
        )
    return found.frame


def run_trial(
    trial: Trial,
    parameters: Parameters | None = None,
    replicates: int = 8,
    seed: int = 1,
    workers: int | Executor = 1,
    progress: bool = False,
    tissue: Tissue | None = None,
) -> pd.DataFrame:
    """Run all arms of a trial in replicates and keep nothing on disk.

    Arguments are those of `Case` and `run_ensemble`.

    Returns
    -------
    DataFrame
        Columns replicate, seed, arm and `model.observer.COLUMNS`; a row for each reading.

    Warns
    -----
    LikelyMistakeWarning
        If the parameters that are given have other values than the trial asks for.
    """
    case = Case(trial, parameters or trial.model_parameters(), tissue=tissue)
    for note in trial.unheeded(case.parameters):
        warnings.warn(note, LikelyMistakeWarning, stacklevel=2)
    found = make_runs([case], None, replicates, seed, workers, progress)
    return all_finished(found, kept=False)
