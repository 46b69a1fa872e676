"""The command line: parse, call, print."""

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Never

from remodel import __version__
from remodel.ensemble import HIGHEST_SEED, MOST_REPLICATES, FailedRunsError
from remodel.jobs import OUTPUTS, QUICK, QUICK_REPLICATES, run_again, run_job
from remodel.parameters import Parameters
from remodel.quantities import check
from remodel.record import read_record
from remodel.report import format_table
from remodel.tables import parameter_table, response_table
from remodel.trials import built_in_trials, load_trial
from remodel.validation import OUTPUTS as EVIDENCE
from remodel.validation import format_scores, validate
from remodel.workers import MOST_WORKERS, all_workers, open_cluster

BAD_INPUT, FAILED, INTERRUPTED = 2, 1, 130
ABOUT = "Bone remodeling in cells: reruns published trials and shows them beside the publication."


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> Never:
        """Say what is wrong and where help is."""
        self.exit(BAD_INPUT, f"{self.prog}: {message} (see {self.prog} --help)\n")

    def options(self) -> str:
        """Return the options that there are."""
        return ", ".join(name for name in self._option_string_actions if name.startswith("--"))


@dataclass(frozen=True)
class Number:
    """Reads a number of an option and compares it with its range."""

    name: str
    unit: str
    low: float
    high: float
    whole: bool = True

    def __call__(self, text: str) -> float:
        """Return the number; `argparse` prints what is wrong with it."""
        try:
            value: float = int(text) if self.whole else float(text)
            check(self.name, value, self.unit, self.low, self.high)
        except ValueError:
            whole = "whole number, " if self.whole else ""
            raise argparse.ArgumentTypeError(
                f"{self.name} = {text} {self.unit}; "
                f"expected {whole}{self.low} to {self.high} {self.unit}"
            ) from None
        return value


def workers(text: str) -> int:
    """Return a number of processes; ``all`` is one per processor."""
    if text == "all":
        return all_workers()
    return int(Number("workers", "processes (or 'all')", 1, MOST_WORKERS)(text))


def make_parser() -> tuple[Parser, dict[str, Parser]]:
    """Return the parser, and that of each command."""
    top = Parser(prog="remodel", description=ABOUT, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"remodel {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, example: str) -> Parser:
        return commands.add_parser(
            name, help=text, description=f"{text}. Example: {example}", allow_abbrev=False
        )

    run = add("run", "Run a trial", "remodel run atac (under a minute on two cores; --quick 10 s)")
    add_run_options(run)
    again = add(
        "again", "Repeat a run from its record, and compare to the last bit",
        "remodel again results/atac/record.json (as long as that run)",
    )  # fmt: skip
    again.add_argument("record", type=Path, metavar="RECORD", help="record.json of a run")
    again.add_argument("--workers", type=workers, default="all", help="processes (all)")
    held = add(
        "validate", "Hold every built-in trial against its publication",
        "remodel validate (24 replicates: 4 minutes on two cores; --quick 35 s)",
    )  # fmt: skip
    add_luck_options(held, 24)
    held.add_argument(
        "--out", type=Path, default=Path("results", "validate"), help="(results/validate)"
    )
    show = add("list", "List the trials that there are", "remodel list (2 s)")
    new = add("new", "Write a commented trial file to start from", "remodel new mine.toml (2 s)")
    new.add_argument("file", type=Path, metavar="FILE.toml", help="a file that is not there yet")
    numbers = add("parameters", "Print every number of the model", "remodel parameters (2 s)")
    names = {
        "run": run,
        "again": again,
        "validate": held,
        "list": show,
        "new": new,
        "parameters": numbers,
    }
    return top, names


def add_run_options(run: Parser) -> None:
    """Add the options of `remodel run`."""
    run.add_argument(
        "trial", metavar="TRIAL", help=f"{', '.join(built_in_trials())}, or a FILE.toml of your own"
    )
    add_luck_options(run, 8)
    run.add_argument(
        "--years-off", type=Number("years-off", "year", 0, 50, whole=False),
        help="follow-up after treatment (as the trial has it)",
    )  # fmt: skip
    run.add_argument("--out", type=Path, help="folder for the results (results/TRIAL)")


def add_luck_options(command: Parser, replicates: int) -> None:
    """Add the options of how often to run, on what section and with which luck."""
    command.add_argument(
        "--replicates", type=Number("replicates", "runs", 1, MOST_REPLICATES),
        help=f"sections, each with luck of its own ({replicates}; {QUICK_REPLICATES} with --quick)",
    )  # fmt: skip
    where = command.add_mutually_exclusive_group()
    where.add_argument(
        "--workers", type=workers, help="processes (all: one per processor; 1 with --quick)"
    )
    where.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster that does the work instead"
    )
    command.add_argument(
        "--seed",
        type=Number("seed", "(no unit)", 0, HIGHEST_SEED),
        default=1,
        help="of all luck (1)",
    )
    command.add_argument(
        "--quick", action="store_true",
        help="a try: a small section, 2 replicates, no numbers to rely on",
    )  # fmt: skip


@contextmanager
def open_workers(args: argparse.Namespace) -> Iterator[int | Executor]:
    """Open the workers that the options ask for: processes here, or those of a cluster."""
    if args.scheduler is not None:
        with open_cluster(args.scheduler) as cluster:
            yield cluster
    else:
        yield args.workers or (1 if args.quick else all_workers())


def command_validate(args: argparse.Namespace) -> int:
    """Run every built-in trial and write the evidence."""
    parameters = Parameters().with_values(QUICK if args.quick else {})
    replicates = args.replicates or (QUICK_REPLICATES if args.quick else 24)
    with open_workers(args) as count:
        table = validate(parameters, replicates, args.seed, count, args.out)
    print(format_scores(table))
    print(f"{args.out}: {', '.join(EVIDENCE)}")
    return 0


def command_run(args: argparse.Namespace) -> int:
    """Run a trial, write what came out, print the table."""
    trial = load_trial(args.trial)
    if args.years_off is not None:
        trial = trial.with_years_off(args.years_off)
    parameters = Parameters().with_values(QUICK if args.quick else {})
    replicates = args.replicates or (QUICK_REPLICATES if args.quick else 8)
    name = Path(args.trial).stem.lower() + ("-quick" if args.quick else "")
    folder = args.out or Path("results", name)
    with open_workers(args) as count:
        summary = run_job(trial, parameters, replicates, args.seed, count, folder)
    print(format_table(summary, trial, replicates))
    print(f"{folder}: {', '.join(OUTPUTS)}")
    return 0


def command_again(args: argparse.Namespace) -> int:
    """Repeat a run and say whether it came out the same."""
    _, differences = run_again(read_record(args.record), args.workers, progress=True)
    for line in differences:
        print(f"{args.record}: {line}", file=sys.stderr)
    if not differences:
        print(f"{args.record}: the same to the last bit")
    return FAILED if differences else 0


def command_list(_: argparse.Namespace) -> int:
    """Print the trials of the package."""
    for name in built_in_trials():
        trial = load_trial(name)
        print(f"{name}  {trial.title}\n{' ' * len(name)}  {trial.source}")
    return 0


def command_new(args: argparse.Namespace) -> int:
    """Write a commented example."""
    text = files("remodel").joinpath("example.toml").read_text(encoding="utf-8")
    if args.file.suffix != ".toml":
        raise ValueError(f"{args.file}: expected a name that ends in .toml")
    try:
        with args.file.open("x", encoding="utf-8") as file:
            file.write(text.replace("THIS_FILE.toml", str(args.file)))
    except FileExistsError:
        raise ValueError(f"{args.file} is there already; choose another name") from None
    except OSError as error:
        raise ValueError(f"{args.file}: cannot be written ({error.strerror})") from None
    print(f"{args.file} written; try: remodel run {args.file} --quick")
    return 0


def command_parameters(_: argparse.Namespace) -> int:
    """Print the tables of numbers."""
    print(parameter_table())
    print(response_table(), end="")
    return 0


COMMANDS = {
    "run": command_run,
    "again": command_again,
    "validate": command_validate,
    "list": command_list,
    "new": command_new,
    "parameters": command_parameters,
}


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line; an unknown option is told which there are."""
    top, commands = make_parser()
    args, unknown = top.parse_known_args(arguments)
    if unknown:
        command = commands[args.command]
        command.error(f"unknown {unknown[0]!r}; there are {command.options()}")
    return args


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0 only if all of it was done."""

    def command() -> int:
        args = parse(arguments)
        return COMMANDS[args.command](args)

    return guard(command)


def guard(work: Callable[[], int]) -> int:
    """Do some work and return its exit code; what goes wrong is one line on stderr."""
    try:
        code = work()
        sys.stdout.flush()
        return code
    except KeyboardInterrupt as stop:
        return complain(f"interrupted; {stop}" if str(stop) else "interrupted", INTERRUPTED)
    except ValueError as error:
        return complain(str(error), BAD_INPUT)
    except BrokenPipeError:
        sys.stdout = None
        return FAILED
    except (OSError, MemoryError, BrokenProcessPool, FailedRunsError) as error:
        return complain(str(error) or type(error).__name__, FAILED)


def complain(message: str, code: int) -> int:
    """Print one line on stderr and return an exit code."""
    print(f"remodel: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
