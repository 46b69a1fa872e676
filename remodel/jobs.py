"""The main job: run a trial, write all that came out, keep what is finished."""

from pathlib import Path

import pandas as pd

from remodel.archive import save_section
from remodel.ensemble import Replicate, run_trial
from remodel.files import open_folder, write_whole
from remodel.parameters import Parameters
from remodel.record import as_csv, check_claim, describe, results, seal
from remodel.report import summarize
from remodel.snapshots import Snapshot
from remodel.tissue import Tissue
from remodel.trials import Trial

OUTPUTS = ("replicates.csv", "summary.csv", "trial.png", "sections.png", "record.json")
SECTION = "section.npz"  # beside them, where the user brought a section
QUICK = {"section.height": 2.0, "section.width": 3.0, "time.spin_up": 6.0}
QUICK_REPLICATES = 2


def run_job(
    trial: Trial,
    parameters: Parameters,
    replicates: int,
    seed: int,
    workers: int,
    folder: Path,
    progress: bool = True,
    tissue: Tissue | None = None,
) -> pd.DataFrame:
    """Run a trial and write table, pictures and record into a folder.

    Arguments are those of `run_trial`, and the folder. It must be new or hold the very
    same run. Each replicate is written as soon as it is finished. A section that the user
    brought is written too, so that the folder is enough to repeat the run.

    Returns
    -------
    DataFrame
        The summary.

    Raises
    ------
    KeyboardInterrupt
        With a message that names the finished replicates.
    """
    causes = describe(trial, parameters, seed, replicates, tissue)
    check_claim(folder, causes)
    open_folder(folder)
    if tissue:
        save_section(tissue, folder / SECTION)
    write_whole(folder / "record.json", seal(causes | {"results": None}))
    pictures: dict[tuple[str, float], Snapshot] = {}
    written: list[Path] = []

    def keep(replicate: Replicate) -> None:
        pictures.update(replicate.snapshots)
        written.append(write_replicate(replicate, folder))

    try:
        frame = run_trial(trial, parameters, replicates, seed, workers, progress, keep, tissue)
        return write_results(frame, trial, pictures, causes, folder)
    except KeyboardInterrupt:
        names = ", ".join(str(path) for path in sorted(written)) or "none"
        raise KeyboardInterrupt(f"finished replicates: {names}") from None


def write_replicate(replicate: Replicate, folder: Path) -> Path:
    """Write the readings of one replicate, whole or not at all."""
    path = folder / "replicates" / f"{replicate.number:03d}.csv"
    path.parent.mkdir(exist_ok=True)
    write_whole(path, as_csv(replicate.frame))
    return path


def write_results(
    frame: pd.DataFrame,
    trial: Trial,
    pictures: dict[tuple[str, float], Snapshot],
    causes: dict[str, object],
    folder: Path,
) -> pd.DataFrame:
    """Write tables, pictures and, last, the record; return the summary."""
    from remodel.plots import plot_sections, plot_trial  # Matplotlib is slow to import

    summary = summarize(frame, trial)
    write_whole(folder / "replicates.csv", as_csv(frame))
    write_whole(folder / "summary.csv", as_csv(summary))
    plot_trial(frame, trial, folder / "trial.png")
    plot_sections(pictures, folder / "sections.png")
    write_whole(folder / "record.json", seal(causes | {"results": results(frame, trial)}))
    return summary
