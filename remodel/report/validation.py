"""Every built-in trial compared with its publication: what was fitted, what is predicted."""

from collections.abc import Sequence
from concurrent.futures import Executor
from pathlib import Path

import pandas as pd

from remodel.clinic.patients import Patient
from remodel.clinic.trial_files import built_in_trials, load_trial
from remodel.clinic.trials import Arm, Trial
from remodel.model.biopsy import histomorphometry
from remodel.model.bone_model import BoneModel
from remodel.parameters.parameters import Parameters
from remodel.report import evidence_page
from remodel.report.agreement import evidence_table, target_table
from remodel.runs.ensemble import all_finished, run_ensemble
from remodel.runs.record import describe, locked_folder, record_text, rows_of, with_versions
from remodel.runs.replicate import Measure
from remodel.runs.results import Readings
from remodel.runs.scenario import Case
from remodel.support.files import remove_atomically, write_atomically

FORMAT = "remodel validation, 2"
OUTPUTS = (*evidence_page.OUTPUTS, "record.json")
KEPT = "runs"  # folder of what is finished, until all is
BEFORE = "before treatment"


def validate(
    parameters: Parameters, replicates: int, seed: int, workers: int | Executor, folder: Path | str
) -> pd.DataFrame:
    """Run every built-in trial and write tables, a figure and a record into a folder.

    Arguments are those of `run_trial`, and the folder. It must be new or hold the very
    same validation; what of that is finished is not run again.

    Returns
    -------
    DataFrame
        One row for each published result.

    Raises
    ------
    KeyboardInterrupt, ConnectionError
        With a message that says how much is kept.
    FailedRunsError
        If a run failed; the others are kept.
    """
    folder = Path(folder)
    trials = [load_trial(name) for name in built_in_trials()]
    provenance = describe(trials[0], parameters, seed, replicates)
    provenance |= {"format": FORMAT, "trial": [trial.as_data() for trial in trials]}

    versions: list[dict[str, str]] = []

    def run(part: str, trials: Sequence[Trial], measure: Measure | None = None) -> pd.DataFrame:
        cases = [Case(trial, parameters, {"trial": trial.name}) for trial in trials]
        kept = folder / KEPT / part
        found = run_ensemble(cases, kept, replicates, seed, workers, True, measure=measure)
        versions.extend(found.made_by)
        return all_finished(found)

    with locked_folder(folder / "record.json", provenance, provenance | {"results": None}):
        baseline = run("baseline", [before_treatment(trials[0].patient)], biopsy)
        frame = run("trials", trials)
        readings = {
            str(name): Readings(part, parameters.fracture) for name, part in frame.groupby("trial")
        }
        table, targets = evidence_table(trials, readings), target_table(readings)
        made = f"{replicates} replicates, seed {seed}, {parameters.describe()}"
        evidence_page.write_pages(table, targets, baseline, made, folder)
        results = {"evidence": rows_of(table), "targets": rows_of(targets)}
        whole = with_versions(provenance, versions) | {"results": results}
        write_atomically(folder / "record.json", record_text(whole))
        remove_atomically(folder / KEPT)
    return table


def before_treatment(patient: Patient) -> Trial:
    """Return a trial that ends on day 0."""
    return Trial(
        name=BEFORE, title="", source="", on_treatment=0.0, off_treatment=0.0, visits=(),
        sites=(), patient=patient, arms=(Arm(name=BEFORE, patient=patient),),
    )  # fmt: skip


def biopsy(model: BoneModel) -> dict[str, float]:
    """Measure the section as a biopsy would be; columns as `report.evidence_page.baseline_lines` reads them."""
    shown = {region: histomorphometry(model, region) for _, region, _, _ in evidence_page.RANGES}
    return {
        f"{index}, {region}": shown[region][index] for index, region, _, _ in evidence_page.RANGES
    }
