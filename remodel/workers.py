"""Workers: processes of this machine or of a cluster among which tasks are shared out."""

import gc
import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    as_completed,
)
from contextlib import contextmanager
from threading import Thread, current_thread, main_thread
from typing import Any, TypeVar

from remodel.origin import origin
from remodel.quantities import check

Task = TypeVar("Task")
Result = TypeVar("Result")
MOST_WORKERS = 1024
PATIENCE = 10.0  # seconds that a scheduler, and then its first worker, have to answer
LOOK = 30.0  # seconds without a result after which to look whether a worker is left
LOST = 30.0  # seconds without a worker after which a cluster is given up
KILLED = (
    "a worker process was ended from outside, as a machine does that runs out of memory; "
    "fewer --workers need less"
)


def run_all(
    tasks: Sequence[Task],
    function: Callable[[Task], Result],
    workers: int | Executor,
    done: Callable[[Result], None],
    failed: Callable[[Task, Exception], Result] | None = None,
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
    failed : callable, optional
        Returns what to hand over for a task of which only an error came back. Without it
        the first error ends all.

    Raises
    ------
    ConnectionError
        If an executor drops its tasks, as that of a cluster does whose scheduler is gone, or
        if all workers of a cluster are gone for long.
    BrokenExecutor
        If a worker process was ended from outside.
    """
    if isinstance(workers, Executor):
        collect({workers.submit(function, task): task for task in tasks}, done, failed, workers)
        return
    check("workers", workers, "processes", 1, MOST_WORKERS)
    workers = min(workers, len(tasks))
    if workers <= 1:
        for task in tasks:
            done(function(task))
        return
    with process_pool(workers) as pool:
        collect({pool.submit(function, task): task for task in tasks}, done, failed, pool)


def collect(
    waiting: dict[Future[Result], Task],
    done: Callable[[Result], None],
    failed: Callable[[Task, Exception], Result] | None,
    workers: Executor,
) -> None:
    """Hand over results as they come; at an error that ends all drop what has not begun."""
    try:
        for future in as_they_end(waiting, workers):
            task = waiting.pop(future)  # or every result stays in memory
            try:
                result = future.result()
            except CancelledError:
                raise ConnectionError("the scheduler is gone") from None
            except BrokenExecutor as error:
                raise type(error)(KILLED) from None
            except Exception as error:
                if not failed:
                    raise
                result = failed(task, error)
            done(result)
    except BaseException:
        for future in waiting:
            future.cancel()
        raise


def as_they_end(waiting: dict[Future[Result], Task], workers: Executor) -> Iterator[Future[Result]]:
    """Yield futures as they end; look now and then whether anyone is left to work on them."""
    while waiting:
        try:
            yield from as_completed(list(waiting), LOOK)
        except TimeoutError:
            check_cluster(workers)


def check_cluster(workers: Executor) -> None:
    """Refuse to wait for ever for a cluster whose workers are gone; others need no look."""
    client = getattr(workers, "_client", None)  # of Dask
    if client is None:
        return
    try:
        client.wait_for_workers(1, timeout=LOST)
    except TimeoutError:
        raise ConnectionError(
            f"the scheduler has had no worker for {LOST:g} seconds; start workers"
        ) from None


@contextmanager
def process_pool(workers: int) -> Any:
    """Open a pool of processes; on Ctrl-C or an error they end at once."""
    forks = "forkserver" in multiprocessing.get_all_start_methods()
    # Nothing is preloaded: that would be whatever of our name lies in the working directory.
    context = multiprocessing.get_context("forkserver" if forks else "spawn")
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=follow_main)
    try:
        yield pool
    except BaseException:
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def follow_main() -> None:
    """Let Ctrl-C be the business of the main process, and end when that process does.

    Without this, workers of a process that was killed wait for work for ever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def end_with(main: Any) -> None:
    """Wait for the end of the main process, then end this one at once."""
    main.join()
    os._exit(1)


@contextmanager
def interruptible() -> Iterator[None]:
    """Take a polite request to end, such as that of a batch system, for Ctrl-C."""
    ask = signal.SIGTERM
    if current_thread() is not main_thread() or signal.getsignal(ask) != signal.SIG_DFL:
        yield
        return
    signal.signal(ask, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(ask, signal.SIG_DFL)


def all_workers() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def open_cluster(address: str) -> Iterator[Executor]:
    """Open an executor on the workers of a Dask scheduler.

    Parameters
    ----------
    address : str
        Such as ``"tcp://10.0.0.5:8786"``, as the scheduler prints it.

    Raises
    ------
    ValueError
        If no scheduler or no worker answers, or if a worker would not give the numbers of
        this machine because its versions or its code are others.
    """
    try:
        from distributed import Client
    except ImportError:
        raise ValueError(
            'a scheduler needs Dask; install it with: pip install "remodel[cluster]"'
        ) from None
    # What it says of a lost scheduler are tracebacks of its own threads.
    for handler in logging.getLogger("distributed").handlers:  # all of its loggers share them
        handler.setLevel(logging.CRITICAL)
    client, problem = None, ""
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, ValueError) as error:
        problem = str(error)
    if not client:
        gc.collect()  # of a client that failed, or it ends in the thread of the next and halts it
        raise ValueError(f"scheduler = {address}: no scheduler answers there ({problem})")
    try:
        check_workers(client, address)
        yield client.get_executor(pure=False)
    finally:
        client.close(timeout=PATIENCE)


def check_workers(client: Any, address: str) -> None:
    """Refuse a cluster without workers, or with one that is not made as this process is."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ValueError(f"scheduler = {address}: no worker has come to it yet") from None
    here = origin()
    try:
        found = client.run(origin)
    except ImportError as error:
        raise ValueError(f"scheduler = {address}: a worker lacks a module ({error})") from None
    for worker, there in found.items():
        if there != here:
            raise ValueError(
                f"worker {worker} has {differences(there, here)}; install the same as here"
            )


def differences(there: Any, here: dict[str, Any]) -> str:
    """Return what a worker has in place of the versions and the code of this process."""
    other = [
        f"{name} {there['made_by'].get(name)} in place of {version}"
        for name, version in here["made_by"].items()
        if there["made_by"].get(name) != version
    ]
    return ", ".join(other or ["other code of remodel"])
