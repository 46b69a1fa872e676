"""Workers: processes of this machine or of a cluster among which tasks are shared out."""

import gc
import logging
import multiprocessing
import os
import signal
import sys
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
from copy import copy
from threading import Thread, current_thread, main_thread
from types import ModuleType
from typing import Any, TypeVar

import cloudpickle

from remodel.parameters.quantities import whole
from remodel.support.console import say
from remodel.support.interrupts import INTERRUPTED
from remodel.support.messages import one_line
from remodel.support.provenance import made_by, other_versions, warn_of_others

Task = TypeVar("Task")
Result = TypeVar("Result")
MOST_WORKERS = 1024
PATIENCE = 10.0  # seconds that a scheduler, and then its first worker, have to answer
LOOK = 30.0  # seconds without a result after which to look whether a worker is left
LOST = 30.0  # seconds without a worker after which a cluster is given up
UNKNOWN = 255  # exit code that Python's server of processes gives where it lost the real one
KILLED = (
    "a worker process was ended from outside, as a machine does that runs out of memory; "
    "fewer --workers need less"
)
FOREIGN = (
    "a worker process of the executor ended before its work was done: memory ran out, or it "
    'could not start, as without `if __name__ == "__main__":` in a script, or in a notebook; '
    "workers=2 in place of an executor asks for neither"
)
SEND = (
    "the work cannot be sent to worker processes ({error}); let a measure hold no open file, "
    "lock or connection, or run with workers=1"
)
NO_FILE = (
    "remodel: this script came through a pipe; worker processes cannot read it, and get what "
    "it hands over as it is now"
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
        Arguments of `function`; both must survive pickling unless `workers` is 1. Functions
        and classes of a script, a notebook or a prompt go to processes by their content.
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
        If a worker process ended before its work was done; the message says why.
    ValueError
        If tasks cannot be sent to worker processes.
    """
    if isinstance(workers, Executor):
        share_out(workers, tasks, function, done, failed)
        return
    workers = min(whole("workers", workers, "processes", 1, MOST_WORKERS), len(tasks))
    if workers <= 1:
        for task in tasks:
            done(function(task))
        return
    with process_pool(workers) as pool:
        share_out(pool, tasks, function, done, failed)


def share_out(
    workers: Executor,
    tasks: Sequence[Task],
    function: Callable[[Task], Result],
    done: Callable[[Result], None],
    failed: Callable[[Task, Exception], Result] | None,
) -> None:
    """Hand tasks to an executor and what comes back to `done`; say why it broke if it did."""
    try:
        waiting = {workers.submit(function, task): task for task in tasks}
        collect(waiting, done, failed, workers)
    except BrokenExecutor as error:
        reason = workers.reason() if isinstance(workers, Pool) else FOREIGN
        raise type(error)(reason) from None


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
            except BrokenExecutor:
                raise
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


class Spawned(multiprocessing.get_context("spawn").Process):  # type: ignore[misc]
    """A process that starts from nothing, and aloof of the script."""

    @staticmethod
    def _Popen(process: Any) -> Any:  # noqa: N802  a name of multiprocessing
        return aloof(multiprocessing.get_context("spawn").Process._Popen, process)


if "forkserver" in multiprocessing.get_all_start_methods():

    class Forked(multiprocessing.get_context("forkserver").Process):  # type: ignore[misc]
        """A process that a server of such forks, which is aloof of the script too."""

        @staticmethod
        def _Popen(process: Any) -> Any:  # noqa: N802
            return aloof(multiprocessing.get_context("forkserver").Process._Popen, process)


class Carried:
    """A function that goes to another process by its content, whoever sends it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        """Take a function, or whatever can be called."""
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        return self.function(*arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what another process makes the same of."""
        return unpack, (cloudpickle.dumps(self.function),)


def unpack(content: bytes) -> Carried:
    """Return a function from its content."""
    return Carried(cloudpickle.loads(content))


class Pool(ProcessPoolExecutor):
    """Processes that know nothing of the script that started them.

    They do not read it again, so that it needs no ``if __name__ == "__main__":`` and may be a
    notebook, a prompt or a pipe; what it hands over goes to them by its content.
    """

    def __init__(self, workers: int) -> None:
        """Start nothing yet: processes start with the first tasks."""
        forks = "forkserver" in multiprocessing.get_all_start_methods()
        # Nothing is preloaded: that would be whatever of our name lies in the working directory.
        context: Any = copy(multiprocessing.get_context("forkserver" if forks else "spawn"))
        context.Process = self.make_process
        self.kind: Any = Forked if forks else Spawned
        self.made: list[Any] = []
        self.begun = context.Event()
        super().__init__(
            workers, mp_context=context, initializer=follow_main, initargs=(self.begun,)
        )

    def make_process(self, *arguments: Any, **named: Any) -> Any:
        """Make a process, and remember it: how it ended tells why."""
        self.made.append(self.kind(*arguments, **named))
        return self.made[-1]

    @property
    def started(self) -> list[Any]:
        """Processes that were started."""
        return [process for process in self.made if process.pid]

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Any:
        """Send a call to a process, functions of the script and all."""
        try:
            content = cloudpickle.dumps((function, arguments, named))
        except Exception as error:  # noqa: BLE001  whatever it is, it cannot be sent
            raise ValueError(SEND.format(error=one_line(str(error)))) from None
        return super().submit(call, content)

    def reason(self) -> str:
        """Return why a process ended before its work was done."""
        for process in self.started:
            process.join(PATIENCE)
        codes = [process.exitcode or 0 for process in self.started]
        # What the pool does to the others when it has broken, and how a process ended of which the
        # server that started it knows no more, says nothing of why.
        told = (0, -signal.SIGTERM, INTERRUPTED, UNKNOWN)
        first = [code for code in codes if code not in told]
        code = first[0] if first else -signal.SIGTERM
        if code in (-signal.SIGTERM, -getattr(signal, "SIGKILL", signal.SIGTERM)):
            return KILLED
        if code < 0:
            return f"a worker process crashed ({signal.Signals(-code).name})"
        if self.begun.is_set():
            return f"a worker process ended itself with exit code {code}; workers=1 may show why"
        return (
            f"no worker process could start (exit code {code}; what it said of it is above); "
            "workers=1 needs none"
        )


def call(content: bytes) -> Any:
    """Do in a process what was sent to it."""
    function, arguments, named = cloudpickle.loads(content)
    return function(*arguments, **named)


def aloof(start: Callable[[Any], Any], process: Any) -> Any:
    """Start a process that does not read the script again and that no Ctrl-C reaches.

    A script without a guard would start the same work in it once more, and what came through a
    pipe or stands in a notebook could not be read at all.
    """
    script, signals = sys.modules["__main__"], {signal.SIGINT}
    mask = getattr(signal, "pthread_sigmask", None)
    before = mask(signal.SIG_BLOCK, signals) if mask else None
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        return start(process)
    finally:
        sys.modules["__main__"] = script
        if mask:
            mask(signal.SIG_SETMASK, before)


@contextmanager
def process_pool(workers: int) -> Iterator[Pool]:
    """Open a pool of processes; on Ctrl-C or an error they end at once."""
    if getattr(sys.modules["__main__"], "__file__", "") == "<stdin>":
        say(NO_FILE)
    pool = Pool(workers)
    try:
        yield pool
    except BaseException:
        for child in pool.started:
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def follow_main(begun: Any) -> None:
    """Let Ctrl-C be the business of the main process, and end when that process does.

    Without this, workers of a process that was killed wait for work for ever.
    """
    begun.set()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Thread(target=end_with, args=(multiprocessing.parent_process(),), daemon=True).start()


def end_with(main: Any) -> None:
    """Wait for the end of the main process, then end this one at once."""
    main.join()
    os._exit(1)


@contextmanager
def interruptible(asked: list[int] | None = None) -> Iterator[None]:
    """Take a polite request to end, such as that of a batch system, for Ctrl-C.

    Each request that comes is added to `asked`: a library that is just being loaded may make
    another error of it.
    """
    default = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    here = current_thread() is main_thread()
    taken = {ask: was for ask, was in default.items() if here and signal.getsignal(ask) == was}

    def interrupt(number: int, frame: Any) -> None:
        if asked is not None:
            asked.append(number)
        signal.default_int_handler(number, frame)

    for ask in taken:
        signal.signal(ask, interrupt)
    try:
        yield
    finally:
        for ask, was in taken.items():
            signal.signal(ask, was)


@contextmanager
def uninterrupted(for_good: bool = False) -> Iterator[None]:
    """Let a second Ctrl-C not disturb the last words after the first."""
    if current_thread() is not main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    if not for_good and before is not None:
        signal.signal(signal.SIGINT, before)


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
        If no scheduler or no worker answers, or if a worker lacks a module.

    Warns
    -----
    OtherVersionWarning
        If a worker has other versions than this process.
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
    """Refuse a cluster without workers; warn of one that has other versions than this process."""
    try:
        client.wait_for_workers(1, timeout=PATIENCE)
    except TimeoutError:
        raise ValueError(f"scheduler = {address}: no worker has come to it yet") from None
    try:
        found = client.run(made_by)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"scheduler = {address}: a worker lacks a module ({error})") from None
    for worker, there in found.items():
        if other_versions(there):
            warn_of_others(f"worker {worker}", [there])
            break
