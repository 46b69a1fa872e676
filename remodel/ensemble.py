"""Many runs: the arms of a trial, in replicates that differ by their luck."""

import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pandas as pd
from tqdm import tqdm

from remodel.arms import Arm
from remodel.checkpoint import Checkpoint, forget, resume, take_checkpoint
from remodel.model import BoneModel
from remodel.parameters import Parameters
from remodel.patients import Patient
from remodel.quantities import check
from remodel.snapshots import Snapshot, take_snapshot
from remodel.tissue import Tissue
from remodel.trials import Trial

Task = TypeVar("Task")
Result = TypeVar("Result")
MOST_WORKERS = 1024
MOST_REPLICATES = 100_000
HIGHEST_SEED = 2**32


@dataclass(frozen=True)
class ReplicateTask:
    """One replicate of a trial: all arms, on the same section and with the same luck."""

    trial: Trial
    parameters: Parameters
    replicate: int
    seed: int
    pictures: bool = False
    tissue: Tissue | None = None  # built from the seed where none is given


@dataclass(frozen=True)
class Replicate:
    """What came out of one replicate: a tidy frame, and pictures by arm and year."""

    number: int
    frame: pd.DataFrame
    snapshots: dict[tuple[str, float], Snapshot] = field(default_factory=dict)


def run_trial(
    trial: Trial,
    parameters: Parameters | None = None,
    replicates: int = 8,
    seed: int = 1,
    workers: int | Executor = 1,
    progress: bool = False,
    done: Callable[[Replicate], None] | None = None,
    tissue: Tissue | None = None,
) -> pd.DataFrame:
    """Run all arms of a trial in replicates.

    Parameters
    ----------
    trial : Trial
        What to run.
    parameters : Parameters, optional
        Every number of the model.
    replicates, seed : int
        Replicate r has the seed ``seed + r``; its arms share section, spin-up and luck.
    workers : int or Executor
        Processes, or an executor that brings its own; the result does not depend on it.
        In a script of your own, more than one needs ``if __name__ == "__main__":``.
    progress : bool
        Show a bar on stderr if that is a terminal.
    done : callable, optional
        Called with each `Replicate` as soon as it is finished, in any order.
    tissue : Tissue, optional
        A section that all replicates begin with; each builds one of its own otherwise.

    Returns
    -------
    DataFrame
        Columns replicate, seed, arm and `measures.COLUMNS`; a row for each reading.
    """
    check("replicates", replicates, "runs", 1, MOST_REPLICATES)
    check("seed", seed, "(no unit)", 0, HIGHEST_SEED)
    parameters = parameters or Parameters()
    tasks = [
        ReplicateTask(trial, parameters, number, seed + number, number == 0, tissue)
        for number in range(replicates)
    ]
    finished: list[Replicate] = []
    hide = not (progress and sys.stderr.isatty())
    with tqdm(total=replicates, unit="replicate", desc=trial.name, disable=hide) as bar:

        def take(replicate: Replicate) -> None:
            finished.append(replicate)
            if done:
                done(replicate)
            bar.update()

        run_all(tasks, run_replicate, workers, take)
    finished.sort(key=lambda replicate: replicate.number)
    return pd.concat([replicate.frame for replicate in finished], ignore_index=True)


def run_replicate(task: ReplicateTask) -> Replicate:
    """Spin up once for each kind of patient, then run every arm from there."""
    points: dict[Patient, Checkpoint] = {}
    frames, snapshots = [], {}
    years = (0.0, task.trial.on_treatment, task.trial.years)
    for arm in task.trial.arms:
        patient = task.trial.woman(arm, task.seed)
        if patient not in points:
            model = spin_up(task, patient)
            points[patient] = take_checkpoint(model)
            forget([model])
        model = enter(points[patient], arm)
        for year in years:
            model.run_until(year)
            if task.pictures:
                snapshots[arm.name, year] = take_snapshot(model)
        readings = task.trial.observe(model.frame(), task.parameters.densitometry, task.seed)
        readings.insert(0, "arm", arm.name)
        frames.append(readings)
        forget([model])
    frame = pd.concat(frames, ignore_index=True)
    frame.insert(0, "seed", task.seed)
    frame.insert(0, "replicate", task.replicate)
    return Replicate(task.replicate, frame, snapshots)


def spin_up(task: ReplicateTask, patient: Patient) -> BoneModel:
    """Return a model at day 0, on a section of its own."""
    tissue = task.tissue.copy() if task.tissue else None
    parameters = task.parameters.with_drugs(task.trial.drugs)
    return BoneModel((), patient, parameters, tissue, task.seed)


def enter(point: Checkpoint, arm: Arm) -> BoneModel:
    """Return a model that goes on from day 0 in an arm of a trial."""
    model = resume(point, arm.courses)
    model.change(arm.changes)
    return model


def run_all(
    tasks: Sequence[Task],
    function: Callable[[Task], Result],
    workers: int | Executor,
    done: Callable[[Result], None],
) -> None:
    """Apply a function to each task; hand over each result as soon as it is there.

    Parameters
    ----------
    tasks : sequence
        Arguments of `function`; both must survive pickling unless `workers` is 1.
    workers : int or Executor
        1 runs in this process; more in processes of their own; an executor as it likes.
    done : callable
        Called here, not in a worker, in the order in which tasks end.
    """
    if isinstance(workers, Executor):
        collect((workers.submit(function, task) for task in tasks), done)
        return
    check("workers", workers, "processes", 1, MOST_WORKERS)
    workers = min(workers, len(tasks))
    if workers <= 1:
        for task in tasks:
            done(function(task))
        return
    with process_pool(workers) as pool:
        collect((pool.submit(function, task) for task in tasks), done)


def collect(futures: Iterable[Any], done: Callable[[Any], None]) -> None:
    """Hand over results as they come; at the first error drop what has not begun."""
    waiting = list(futures)
    try:
        for future in as_completed(waiting):
            done(future.result())
    except BaseException:
        for future in waiting:
            future.cancel()
        raise


@contextmanager
def process_pool(workers: int) -> Any:
    """Open a pool of processes; on Ctrl-C or an error they end at once."""
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    if forks:  # imports what every worker needs once
        context.set_forkserver_preload(["remodel.ensemble"])
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=leave_interrupts)
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def leave_interrupts() -> None:
    """Let Ctrl-C be the business of the main process, which then ends this one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def all_workers() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
