"""The main job: run a trial, write all that came out, keep what is finished; repeat it."""

from collections.abc import Mapping
from concurrent.futures import Executor
from math import inf
from pathlib import Path
from typing import Any

import pandas as pd

from remodel.bone.files import save_section
from remodel.bone.section import Tissue
from remodel.clinic.trial_files import build_trial
from remodel.clinic.trials import Trial
from remodel.parameters.parameters import Parameters
from remodel.runs.ensemble import Ensemble, all_finished, check_ensemble_size, make_runs
from remodel.runs.record import (
    PROVENANCE,
    as_csv,
    describe,
    locked_folder,
    record_text,
    results,
    versions_of,
    with_versions,
)
from remodel.runs.replicate import Replicate
from remodel.runs.results import summarize
from remodel.runs.scenario import Case
from remodel.runs.storage import run_path
from remodel.support.files import atomic_file, write_atomically
from remodel.support.provenance import other_versions, warn_of_others
from remodel.support.toml_table import Table

OUTPUTS = ("replicates.csv", "summary.csv", "trial.png", "sections.png", "record.json")
RUNS = "runs"  # folder of the single replicates
SECTION = "section.npz"  # beside them, where the user brought a section
QUICK = {"section.height": 2.0, "section.width": 3.0, "time.spin_up": 6.0}
QUICK_REPLICATES = 2


def run_job(
    trial: Trial,
    parameters: Parameters,
    replicates: int,
    seed: int,
    workers: int | Executor,
    folder: Path | str,
    progress: bool = True,
    tissue: Tissue | None = None,
) -> pd.DataFrame:
    """Run a trial and write table, pictures and record into a folder.

    Arguments are those of `run_trial`, and the folder. It must be new or hold the very
    same run, which then goes on where it stopped. The parameters are used as they are;
    `Trial.model_parameters` has those of the trial. A section that the user brought is
    written too, so that the folder is enough to repeat the run.

    Returns
    -------
    DataFrame
        The summary.

    Raises
    ------
    KeyboardInterrupt
        With a message that names the finished replicates.
    """
    trial.refuse_early(parameters.time.step)  # before the folder is locked
    folder = Path(folder)
    seed, replicates = check_ensemble_size(seed, replicates)
    case = Case(trial, parameters, tissue=tissue)
    provenance = describe(trial, case.parameters, seed, replicates, tissue)
    with locked_folder(folder / "record.json", provenance, provenance | {"results": None}):
        if tissue:
            save_section(tissue, folder / SECTION)
        found = run_replicates(case, folder, replicates, seed, workers, progress)
        provenance = with_versions(provenance, found.made_by)
        return write_results(all_finished(found), case, provenance, folder)


def run_replicates(
    case: Case, folder: Path, replicates: int, seed: int, workers: int | Executor, progress: bool
) -> Ensemble:
    """Run what is not there yet, and draw the sections of the first replicate."""
    from remodel.report.fonts import foresee
    from remodel.report.section_picture import plot_sections  # Matplotlib is slow to import

    foresee([case.trial.name, case.trial.title, *(arm.name for arm in case.trial.arms)])
    runs, sections = folder / RUNS, folder / "sections.png"
    if not sections.exists():  # it is drawn of the run itself
        run_path(runs, 0, 0).unlink(missing_ok=True)

    def keep_pictures(run: Replicate) -> None:
        if run.snapshots:
            with atomic_file(sections) as temporary:
                plot_sections(run.snapshots, temporary)

    try:
        return make_runs(
            [case], runs, replicates, seed, workers, progress, pictures=True, done=keep_pictures
        )
    except KeyboardInterrupt:
        names = ", ".join(str(path) for path in sorted(runs.glob("[0-9]*.json"))) or "none"
        raise KeyboardInterrupt(f"finished replicates: {names}") from None


def write_results(
    frame: pd.DataFrame, case: Case, provenance: Mapping[str, object], folder: Path
) -> pd.DataFrame:
    """Write tables, the picture of the curves and, last, the record; return the summary."""
    from remodel.report.figures import plot_trial

    trial = case.trial
    summary = summarize(frame, trial, case.parameters.fracture)
    write_atomically(folder / "replicates.csv", as_csv(frame))
    write_atomically(folder / "summary.csv", as_csv(summary))
    with atomic_file(folder / "trial.png") as temporary:
        plot_trial(frame, trial, temporary)
    write_atomically(
        folder / "record.json", record_text({**provenance, "results": results(frame, summary)})
    )
    return summary


def reproduce_run(
    record: dict[str, Any],
    workers: int | Executor = 1,
    progress: bool = False,
    tissue: Tissue | None = None,
) -> tuple[pd.DataFrame, list[str]]:
    """Repeat a run from nothing but its record.

    Parameters
    ----------
    record : dict
        As `read_record` returns it.
    workers, progress
        As for `run_trial`.
    tissue : Tissue, optional
        The section that the user had brought, as `recorded_section` returns it.

    Returns
    -------
    frame : DataFrame
        The readings of the new run.
    differences : list of str
        What is not the same to the last bit; empty if all is.

    Warns
    -----
    OtherVersionWarning
        If another version made the runs of the record.
    """
    if not record.get("results"):
        raise ValueError("the record holds no results: that run was not finished")
    trial = build_trial(Table(record["trial"], "record"))
    parameters = Parameters.from_values(record["parameters"], record["parameter_set"], trial.drugs)
    seed, replicates = record["seed"], record["replicates"]
    provenance = describe(trial, parameters, seed, replicates, tissue)
    if provenance["section"] != record["section"]:
        raise ValueError("the record names a section by its content; that one is not given")
    warn_of_others("record", versions_of(record))
    case = Case(trial, parameters, tissue=tissue)
    found = make_runs([case], None, replicates, seed, workers, progress)
    frame = all_finished(found, kept=False)
    new = results(frame, summarize(frame, trial, parameters.fracture))
    if new == record["results"]:
        return frame, []
    other = ["versions"] if any(map(other_versions, versions_of(record))) else []
    other += [
        name.replace("_", " ")
        for name in PROVENANCE
        if name != "made_by" and provenance[name] != record.get(name)
    ]
    gap = largest_gap(new["summary"], record["results"].get("summary", []))
    under = ", ".join(other) or "conditions that a record does not hold"
    return frame, [
        f"not the same; the summary differs by up to {gap:.2g}; made under other {under}"
    ]


def largest_gap(new: list[dict[str, Any]], old: list[dict[str, Any]]) -> float:
    """Return the largest difference between simulated values of two summaries."""
    if len(new) != len(old):
        return inf
    pairs = zip(new, old, strict=True)
    try:
        return max((abs(a["simulated"] - b["simulated"]) for a, b in pairs), default=0.0)
    except (KeyError, TypeError):  # of an old summary that is none
        return inf
