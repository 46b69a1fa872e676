"""What comes out: virtual DXA, markers of turnover, cell counts; model in, numbers out."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import fsum, inf, nan
from typing import TYPE_CHECKING

import numpy as np

from remodel.bone.section import REGIONS
from remodel.measurement.dxa import dxa_change, scan_factors
from remodel.measurement.markers import BASELINE_YEARS, MARKER_WINDOW, window_mean
from remodel.model.bmu import AT_WORK, REVERSAL
from remodel.model.cell_types import CELL_TYPES, COUNTED, SHOWS
from remodel.parameters.measurement import SKELETAL_SITES
from remodel.parameters.time_steps import YEAR

if TYPE_CHECKING:
    from remodel.model.bone_model import BoneModel

COUNTS = ("activations", *COUNTED)
SURFACES = ("surface", "eroding", "reversal", "osteoid", "eroded")
AMOUNTS = ("bone", "mineral", "resorbed", "formed")
# Days are counted from day 0 in years; estradiol is in pmol/L, BMD, DXA and markers in percent
# change, T-scores in SD, bone and mineral in mm2 of full mineral (mm3 in a volume), resorbed and
# formed in the same a year, surfaces in mm (mm2 in a volume), eroded in the same a year,
# activations per year; estrogen activity, RANKL over OPG, free RANKL (means over the surface,
# relative to what a patient without estrogen expresses) and the pool have no unit, and what is
# left are counts: of cells, cavities, or of perforations since the spin-up began.
# Rates are means since the reading before; markers are means over `MARKER_WINDOW`.
COLUMNS = (
    "year", "estradiol", "estrogen_activity", "rankl_opg", "free_rankl", "pool",
    *(f"{region}_bmd" for region in REGIONS), *SKELETAL_SITES, *(f"{skeletal_site}_t_score" for skeletal_site in SKELETAL_SITES),
    "ctx", "p1np", "bone_alp", *(one.name for one in CELL_TYPES), "perforations",
    *(f"{region}_{what}" for region in REGIONS for what in (*AMOUNTS, *SURFACES, *COUNTS)),
)  # fmt: skip


class Meter:
    """Reads the section, and relates it to what it was on day 0."""

    def __init__(self, model: BoneModel) -> None:
        """Begin without a baseline."""
        self.model = model
        self.since = model.day  # of the last reading
        self.history: list[dict[str, float]] = []
        self.baseline: dict[str, float] = {}
        self.now: dict[str, float] = {}
        self.rows: list[dict[str, float]] = []  # readings since day 0

    def read(self) -> None:
        """Take a reading, with which a new interval of rates begins.

        Before day 0 it is kept for the baseline.
        """
        model = self.model
        raw = self.look()
        model.tissue.close_books()
        model.activations.clear()
        model.eroded.clear()
        self.since = model.day
        if model.day <= 0:
            self.history.append(raw)
        self.now = self.relate(raw)
        if self.baseline:
            self.rows.append(self.now)

    def look(self) -> dict[str, float]:
        """Return amounts, counts, and rates since the last reading.

        Units are those of `COLUMNS`.
        """
        model, tissue = self.model, self.model.tissue
        years = max(model.day - self.since, model.days) / YEAR
        raw = count_by_region(model) | surfaces_by_region(model) | {"since": self.since / YEAR}
        volume = tissue.site_volume
        fields = [tissue.matrix, tissue.unmineralized, tissue.resorbed, tissue.formed]
        for region in REGIONS:
            bone, unmineralized, resorbed, formed = (
                tissue.sum_in(region, one) * volume for one in fields
            )
            raw[f"{region}_bone"] = bone
            raw[f"{region}_mineral"] = bone - unmineralized
            raw[f"{region}_resorbed"] = resorbed / years
            raw[f"{region}_formed"] = formed / years
            raw[f"{region}_eroded"] /= years
            raw[f"{region}_activations"] /= years
        return raw | {"perforations": float(model.perforations)}

    def relate(self, raw: dict[str, float]) -> dict[str, float]:
        """Return a reading with the signals, and with the changes since day 0 if there are any."""
        return raw | self.systemic() | (self.changes(raw) if self.baseline else {})

    def rows_to_now(self) -> list[dict[str, float]]:
        """Return all readings since day 0, and one of this moment; nothing changes by it."""
        if self.rows and self.rows[-1]["year"] < self.model.day / YEAR:
            return [*self.rows, self.relate(self.look())]
        return list(self.rows)

    def systemic(self) -> dict[str, float]:
        """Return the signals that reach every cell; estradiol in pmol/L, the year from day 0."""
        signals, place = self.model.signals, self.model.environment
        return {
            "year": self.model.day / YEAR,
            "estradiol": signals.estradiol,
            "estrogen_activity": signals.activity,
            "rankl_opg": place.mean(place.rankl_over_opg(signals)),
            "free_rankl": place.mean(place.free_rankl(signals)),
            "pool": signals.pool,
        }

    def last(self, days: float) -> list[dict[str, float]]:
        """Return the readings of the last days before day 0, at least one if there is any."""
        time = self.model.parameters.time
        count = round(days / max(time.reading, time.step))
        return self.history[-max(1, count) :]

    def set_baseline(self, unchanged: float = inf) -> None:
        """Take day 0 for the baseline of bone, and the time before it for that of rates.

        Parameters
        ----------
        unchanged : float
            Days before day 0 in which nothing was begun or stopped; the baseline of rates
            reaches behind them only as far as a marker does.
        """
        if not self.history or self.since < self.model.day:
            self.read()
        recent = self.last(min(BASELINE_YEARS * YEAR, max(unchanged, MARKER_WINDOW * YEAR)))
        self.baseline = {key: float(np.mean([raw[key] for raw in recent])) for key in recent[-1]}
        for key in recent[-1]:
            if key.endswith(("_bone", "_mineral")):
                self.baseline[key] = recent[-1][key]
        self.now |= self.changes(recent[-1])
        self.rows.append(self.now)

    def changes(self, raw: dict[str, float]) -> dict[str, float]:
        """Return BMD and markers as percent change from the baseline."""
        change = {f"{region}_bmd": self.percent(raw, [f"{region}_mineral"]) for region in REGIONS}
        numbers, patient = self.model.parameters.densitometry, self.model.patient
        for skeletal_site, short in SKELETAL_SITES.items():
            years = self.model.day / YEAR
            change[skeletal_site] = dxa_change(numbers, short, change, patient.age, years)
            change[f"{skeletal_site}_t_score"] = numbers.t_score(
                short, patient.bone, change[skeletal_site]
            )
        change["ctx"] = self.marker(raw, "resorbed")
        change["p1np"] = self.marker(raw, "formed")
        of_bone = 1 - self.model.parameters.markers.alp_background
        change["bone_alp"] = of_bone * self.marker(raw, "osteoblasts")
        for cells in (one.name for one in CELL_TYPES):
            change[cells] = sum(raw[f"{region}_{cells}"] for region in REGIONS)
        return change

    def lowest_t_score(self) -> float:
        """Return the lowest T-score, over the sites, of a scan with its error."""
        numbers, model = self.model.parameters.densitometry, self.model
        found = []
        for column, skeletal_site in SKELETAL_SITES.items():
            factor = float(
                scan_factors(numbers, skeletal_site, np.array([self.now["year"]]), model.seed)[0]
            )
            shown = model.patient.bone * factor
            found.append(numbers.t_score(skeletal_site, shown, self.now[column]))
        return min(found)

    def marker(self, raw: dict[str, float], what: str) -> float:
        """Return what a marker sees of a rate or a count, percent change from the baseline.

        It is the mean over `MARKER_WINDOW`, and 0 on day 0.
        """
        names = [f"{region}_{what}" for region in REGIONS]
        before = fsum(self.baseline[name] for name in names)
        if not before:
            return nan
        year = self.model.day / YEAR
        if year <= 0:
            return 0.0
        return 100 * (window_mean(chain([raw], reversed(self.rows)), year, names) / before - 1)

    def percent(self, raw: dict[str, float], names: Iterable[str]) -> float:
        """Return the change of a sum from its baseline, %; 0 where there was nothing."""
        names = list(names)
        before = fsum(self.baseline[name] for name in names)
        return 100 * (fsum(raw[name] for name in names) / before - 1) if before else 0.0


def count_by_region(model: BoneModel) -> dict[str, float]:
    """Return births, cells and units in reversal of each compartment."""
    places: dict[str, list[int]] = {
        "activations": model.activations,
        SHOWS[REVERSAL]: [unit.site for unit in model.units_in(REVERSAL)],
    }
    for one in CELL_TYPES:
        places[one.name] = [cell.site for cell in model.cells_of(one.kind)]
    labels = model.tissue.region.reshape(-1)
    counts = {}
    for what in COUNTS:
        found = np.bincount(labels[np.asarray(places[what], dtype=int)], minlength=3)
        for region, label in REGIONS.items():
            counts[f"{region}_{what}"] = float(found[label])
    return counts


def surfaces_by_region(model: BoneModel) -> dict[str, float]:
    """Return the surface of each compartment, and what of it units cover and have eroded."""
    place, labels = model.environment, model.tissue.region.reshape(-1)
    of_surface = labels[place.surface]
    found = {"surface": np.bincount(of_surface, place.area, minlength=3)}
    for name, phase in zip(SURFACES[1:4], AT_WORK, strict=True):
        sites = np.unique(model.sites_of(phase))
        found[name] = np.bincount(labels[sites], place.area_of[sites], minlength=3)
    sites = np.array([site for site, _ in model.eroded], dtype=int)
    found["eroded"] = np.bincount(
        labels[sites], np.array([area for _, area in model.eroded]), minlength=3
    )
    return {
        f"{region}_{what}": float(values[label])
        for what, values in found.items()
        for region, label in REGIONS.items()
    }
