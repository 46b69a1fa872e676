"""The command line: parse, call, print."""

from remodel.support.interrupts import (  # first: from here on Ctrl-C is one line
    INTERRUPTED,
    is_program,
    loaded,
)

# isort: split
import argparse
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from errno import ENAMETOOLONG
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from remodel.bone.files import load_section
from remodel.bone.images import Scan, read_section
from remodel.cli.options import (
    BAD_INPUT,
    Parser,
    add_movie_options,
    add_new_options,
    add_parameters_options,
    add_reproduce_options,
    add_run_options,
    add_tissue_options,
    add_validate_options,
    add_view_options,
    base_parameters,
    open_workers,
    set_values,
)
from remodel.clinic.trial_files import built_in_trials, load_trial
from remodel.report.agreement import format_scores
from remodel.report.parameter_tables import number_table, parameter_table, response_table
from remodel.report.trial_run import (
    OUTPUTS,
    QUICK,
    QUICK_REPLICATES,
    SECTION,
    reproduce_run,
    run_job,
)
from remodel.report.trial_text import format_table
from remodel.report.validation import OUTPUTS as EVIDENCE
from remodel.report.validation import validate
from remodel.runs.ensemble import FailedRunsError
from remodel.runs.parallel import interruptible, uninterrupted
from remodel.runs.record import read_record, recorded_section
from remodel.support.console import command_line, legible, say
from remodel.support.files import open_folder, write_atomically
from remodel.support.messages import LikelyMistakeWarning, one_line, shown
from remodel.support.provenance import OtherVersionWarning
from remodel.support.version import VERSION

FAILED = 1
NO_MEMORY = "memory ran out; fewer --workers, fewer --replicates or a smaller section need less"
OWN_WARNINGS = (LikelyMistakeWarning, OtherVersionWarning)
ABOUT = "Bone remodeling in cells: published trials, run anew."


def command_view(args: argparse.Namespace) -> int:
    """Serve the viewer until it is interrupted."""
    from remodel.viewer.serve import check_extra, serve
    from remodel.viewer.start import open_scene

    wanted = {
        "lesson": args.lesson,
        "trial": args.trial,
        "section": args.section,
        "parameters": args.parameters,
        "values": set_values(args),
    }
    check_extra()
    open_scene(wanted)  # refuses what is not there before a browser opens
    serve(wanted, args.host, args.port, not args.no_browser)
    return 0


def command_validate(args: argparse.Namespace) -> int:
    """Run every built-in trial and write the evidence."""
    parameters = base_parameters(args).with_values(set_values(args, QUICK))
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
    parameters = trial.model_parameters(base_parameters(args), set_values(args, QUICK))
    replicates = args.replicates or (QUICK_REPLICATES if args.quick else 8)
    name = Path(args.trial).stem.lower() + ("-quick" if args.quick else "")
    folder = args.out or Path("results", name)
    tissue = load_section(args.tissue) if args.tissue else None
    with open_workers(args) as count:
        summary = run_job(trial, parameters, replicates, args.seed, count, folder, tissue=tissue)
    print(format_table(summary, trial, replicates))
    print(f"{folder}: {', '.join([*OUTPUTS, *([SECTION] if tissue else [])])}")
    return 0


def command_reproduce(args: argparse.Namespace) -> int:
    """Repeat a run and say whether it came out the same."""
    path = args.record / OUTPUTS[-1] if args.record.is_dir() else args.record
    record = read_record(path)
    tissue = recorded_section(record, path.with_name(SECTION))
    _, differences = reproduce_run(record, args.workers, progress=True, tissue=tissue)
    for line in differences:
        say(f"{path}: {line}")
    if not differences:
        print(f"{path}: the same to the last bit")
    return FAILED if differences else 0


def command_movie(args: argparse.Namespace) -> int:
    """Film one arm of a run."""
    from remodel.report.movies import make_movie, place_of, read_film

    asked = args.values or args.parameters
    base = base_parameters(args) if asked else None
    film = read_film(
        args.run, args.arm, args.replicate, args.frames_per_year, base, set_values(args)
    )
    path = args.out or place_of(args.run, film)
    if path.suffix != ".gif":
        raise ValueError(f"{path}: expected a name that ends in .gif")
    open_folder(path.parent)
    print(", ".join(str(file) for file in make_movie(film, path)))
    return 0


def command_tissue(args: argparse.Namespace) -> int:
    """Make a section from an image, write it, print what was segmented."""
    from remodel.report.section_report import (
        OUTPUTS,
        describe_section,
        format_structure,
        write_overview,
    )

    given = {
        "site_um": args.site_size,
        "pixel_um": args.pixel_size,
        "cortex_from": args.cortex_from,
    }
    scan = Scan(
        threshold=args.threshold, dark=args.dark_bone, turns=args.rotate // 90, mirror=args.mirror,
        **{name: value for name, value in given.items() if value is not None},
    )  # fmt: skip
    found = read_section(args.image, scan, args.mask)
    folder = args.out or Path("results", f"{args.image.stem.lower()}-section")
    table = write_overview(found, folder)
    print(describe_section(found, args.image.name))
    print(format_structure(table))
    print(f"{folder}: {', '.join(OUTPUTS)}")
    print(f"try: {command_line('run', 'atac', '--quick', '--tissue', folder / OUTPUTS[0])}")
    return 0


def command_list(_: argparse.Namespace) -> int:
    """Print the trials of the package."""
    for name in built_in_trials():
        trial = load_trial(name)
        print(f"{name}  {trial.title}\n{' ' * len(name)}  {trial.source}")
    return 0


def command_new(args: argparse.Namespace) -> int:
    """Write a commented example."""
    text = files("remodel.clinic").joinpath("example.toml").read_text(encoding="utf-8")
    if args.file.suffix != ".toml" or not str(args.file).isprintable():
        raise ValueError(f"{shown(str(args.file))}: expected a name that ends in .toml")
    if args.file.exists():
        raise ValueError(f"{args.file} is there already; choose another name")
    try:
        write_atomically(
            args.file, text.replace("remodel run THIS_FILE.toml", command_line("run", args.file))
        )
    except OSError as error:
        raise ValueError(f"{args.file}: cannot be written ({error.strerror})") from None
    print(f"{args.file} written; try: {command_line('run', args.file, '--quick')}")
    return 0


def command_parameters(args: argparse.Namespace) -> int:
    """Print numbers, all or those of a name, as a table or as TOML."""
    parameters = base_parameters(args).with_values(set_values(args))
    rows = parameters.find(args.name) if args.name else None
    if args.toml:
        print(parameters.to_toml(rows), end="")
        return 0
    print(f"{parameters.describe()}\n")
    if rows is not None:
        print(number_table(rows), end="")
        return 0
    print(parameter_table(parameters))
    print(response_table(parameters), end="")
    return 0


class Command(NamedTuple):
    """A command: what its help says, with an example and its time; its options, its work."""

    text: str
    example: str
    takes: str
    add_options: Callable[[Parser], None]
    work: Callable[[argparse.Namespace], int]


def no_options(_: Parser) -> None:
    """Add none."""


COMMANDS = {
    "run": Command(
        "Run a trial against its publication",
        "remodel run atac", "a minute on two cores; 10 s with --quick",
        add_run_options, command_run,
    ),
    "reproduce": Command(
        "Repeat a run from its record, and compare to the last bit",
        "remodel reproduce results/atac/record.json", "as long as that run",
        add_reproduce_options, command_reproduce,
    ),
    "movie": Command(
        "Film a section over the years (GIF; MP4 too if ffmpeg is there)",
        "remodel movie results/atac --arm anastrozole", "half a minute",
        add_movie_options, command_movie,
    ),
    "tissue": Command(
        "Make a section of bone from an image",
        "remodel tissue slice.png --pixel-size 8", "3 s",
        add_tissue_options, command_tissue,
    ),
    "validate": Command(
        "Compare all trials with their publications",
        "remodel validate", "4 minutes on two cores; 35 s with --quick",
        add_validate_options, command_validate,
    ),
    "list": Command(
        "List the trials that there are", "remodel list", "2 s", no_options, command_list
    ),
    "new": Command(
        "Write a commented trial file to start from", "remodel new mine.toml", "2 s",
        add_new_options, command_new,
    ),
    "parameters": Command(
        "Print every number of the model", "remodel parameters osteoclast --toml", "2 s",
        add_parameters_options, command_parameters,
    ),
    "view": Command(
        'Open the model in the browser (first: pip install "remodel[viewer]")',
        "remodel view --lesson 3", "the page is ready in 5 s; stop with Ctrl-C",
        add_view_options, command_view,
    ),
}  # fmt: skip


def make_parser() -> tuple[Parser, dict[str, Parser]]:
    """Return the parser, and that of each command."""
    top = Parser(prog="remodel", description=ABOUT, allow_abbrev=False)
    top.add_argument("--version", action="version", version=f"remodel {VERSION}")
    top.example, top.takes = "remodel run --help", "each command has help of its own"
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    parsers: dict[str, Parser] = {}
    for name, command in COMMANDS.items():
        parser = commands.add_parser(
            name, help=command.text, description=f"{command.text}.", allow_abbrev=False
        )
        command.add_options(parser)
        parser.example, parser.takes = command.example, command.takes
        parsers[name] = parser
    return top, parsers


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
        return COMMANDS[args.command].work(args)

    return guard(command)


def guard(work: Callable[[], int]) -> int:
    """Do some work and return its exit code; what goes wrong is one line on stderr."""
    asked: list[int] = []
    with legible(), notes_in_one_line():
        try:
            loaded()
            with interruptible(asked):
                code = work()
                if sys.stdout is not None:
                    sys.stdout.flush()
            return code
        except KeyboardInterrupt as stop:
            with uninterrupted():
                text = f"interrupted; {stop}" if str(stop) else "interrupted"
                return complain(text, INTERRUPTED)
        except Exception as error:  # noqa: BLE001
            if asked:  # a library may have made another error of it
                return complain("interrupted", INTERRUPTED)
            return explain(error)
        finally:
            if is_program():  # which ends now, and has nothing to lose
                with uninterrupted(for_good=True):
                    pass


def explain(error: Exception) -> int:
    """Say what went wrong and return the exit code; what nobody foresaw is raised again."""
    match error:
        case ValueError():
            return complain(str(error), BAD_INPUT)
        case BrokenPipeError():
            sys.stdout = None
            return FAILED
        case OSError():
            typed = error.errno == ENAMETOOLONG
            known = f"{error.filename or 'output'}: {error.strerror}"
            return complain(known if error.strerror else str(error), BAD_INPUT if typed else FAILED)
        case MemoryError():
            return complain(NO_MEMORY, FAILED)
        case BrokenExecutor() | FailedRunsError():
            return complain(str(error), FAILED)
    raise error


@contextmanager
def notes_in_one_line() -> Iterator[None]:
    """Print what looks like a mistake, or is of another version, as one line on stderr.

    It stops nothing.
    """

    def show(message: Warning | str, *_: object) -> None:
        say(f"remodel: note: {one_line(str(message))}")

    with warnings.catch_warnings():
        for category in OWN_WARNINGS:
            warnings.simplefilter("always", category)
        default = warnings.showwarning
        warnings.showwarning = lambda message, category, *rest: (
            show(message)
            if issubclass(category, OWN_WARNINGS)
            else default(message, category, *rest)
        )
        yield


def complain(message: str, code: int) -> int:
    """Print one line on stderr and return an exit code."""
    say(f"remodel: {one_line(message)}")
    return code


if not is_program():
    loaded()
