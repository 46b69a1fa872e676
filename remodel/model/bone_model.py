"""BoneModel: the wiring of tissue, cells and signals, and the order of a step."""

import warnings
from collections.abc import Iterable
from functools import partial
from math import ceil, floor, inf, log
from typing import Any, TypeVar

import mesa
import numpy as np
import pandas as pd

from remodel.bone.pit_shape import build_on, cover, crumbs, dig, has_bone_beneath, supported
from remodel.bone.section import Tissue
from remodel.bone.synthetic import build_section
from remodel.clinic.courses import Course, Treatment, parse_courses, run_in_years
from remodel.clinic.exposure import Exposure
from remodel.clinic.keywords import choose_courses, choose_patient
from remodel.clinic.lifestyle import Change, patient_on
from remodel.clinic.patients import Patient, refuse_age, refuse_youth
from remodel.model.bmu import (
    AT_WORK,
    BMU,
    EMPTY,
    FILLED,
    FORMATION,
    PERFORATED,
    RESORPTION,
    REVERSAL,
    UNFILLED,
    Moment,
    after,
)
from remodel.model.cells import Cell, Osteoblast, Osteoclast, draw_lifespan
from remodel.model.environment import LocalEnvironment
from remodel.model.mesa_base import MesaModel, read_seed
from remodel.model.observer import COLUMNS, Meter
from remodel.model.signals import Signals
from remodel.model.spin_up_cache import come_to_rest
from remodel.parameters.drugs import find_drug
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.parameters.time_steps import LONGEST_RUN, YEAR, visit_tick
from remodel.support.arrays import Floats, Ints
from remodel.support.messages import LikelyMistakeWarning
from remodel.support.random_numbers import arrivals, draw, draws

AnyCell = TypeVar("AnyCell", bound=Cell)
TOLERANCE = 1e-6  # of an interval: beyond any rounding, far below a step

STEP = (
    "treat",
    "renew_environment",
    "recruit_osteoclasts",
    "resorb",
    "recruit_osteoblasts",
    "activate_lining_cells",
    "form",
    "mineralize",
)


def last_reading(model: "BoneModel", name: str) -> float:
    """Return one column of the last reading."""
    return model.meter.now[name]


def reporters() -> dict[str, Any]:
    """Return what a collector asks of a model at each step: the last reading, and the seed.

    None is a lambda, which could not be pickled.
    """
    return {name: partial(last_reading, name=name) for name in COLUMNS} | {"seed": "seed"}


def warn_of_doses(courses: Iterable[Course], parameters: Parameters) -> None:
    """Warn whoever calls the caller of doses and intervals that look like mistakes."""
    for course in courses:
        for note in course.notes(find_drug(course.drug, parameters.drugs)):
            warnings.warn(note, LikelyMistakeWarning, stacklevel=3)


class BoneModel(MesaModel):
    """A section of bone, the cells upon it and the signals that they answer to.

    Unless `spin_up` is False, building the model also runs its spin-up, so that day 0 finds
    cells and mineral at rest under the patient's own estradiol. Courses that start before
    day 0 are a run-in: the patient lives through it after the spin-up, and day 0, to which age, T-score
    and baseline belong, comes after it.

    Parameters
    ----------
    courses : sequence of Course, or str
        Drugs given, unknown ones refused; text such as ``"anastrozole 0-5"`` is in years.
    patient : Patient
        Age (years), estradiol (pmol/L), bone and habits.
    parameters : Parameters
        Every number of the model.
    tissue : Tissue, optional
        A section to use instead of the one that `parameters` and `rng` build; the model
        works on a copy.
    rng : int, optional
        Seed of all random numbers. None takes a fresh one, or with a `tissue` of one's own the one that
        belongs to that section; the attribute `seed` tells which.
    spin_up : bool
        False begins on the section as it is built, without cells. There is no rate then to
        compare markers with: they are not-a-number.
    run_in : float, optional
        Stop after the spin-up, this many years before day 0; `begin` then gives courses
        and goes on to day 0. Without it the model goes on at once.
    estradiol, age, exercise : float, optional
        In place of `patient`: estradiol made outside the ovaries (pmol/L), age at day 0
        (years), impact exercise (hours a week), as in `Patient`.
    drug : str, optional
        In place of `courses`: a drug given from day 0 on; ``"none"`` for none.
    seed : int, optional
        Another name of `rng`, which Mesa's own tools use.

    Attributes
    ----------
    day : float
        Days since the start of observation; negative in spin-up and run-in.
    units : list of BMU
        The BMUs at work; `units_in` has those of one phase.
    visits : set of int
        Steps at whose end there is a reading beside those of the calendar; set them with
        `read_at`.
    seed : int
        From which the run can be repeated.
    grid : SectionGrid
        The section as Mesa's pages draw it.
    datacollector : mesa.DataCollector
        One row each step; columns in `remodel.model.observer.COLUMNS`, and the seed.

    Examples
    --------
    >>> model = BoneModel(courses="anastrozole 0-5", rng=1)
    >>> model.run(years=7)
    >>> frame = model.frame()
    """

    def __init__(
        self,
        courses: Iterable[Course] | str = (),
        patient: Patient | None = None,
        parameters: Parameters | None = None,
        tissue: Tissue | None = None,
        rng: int | None = None,
        *,
        spin_up: bool = True,
        run_in: float | None = None,
        estradiol: float | None = None,
        age: float | None = None,
        exercise: float | None = None,
        drug: str | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__(rng=read_seed(rng, seed, tissue))
        self.parameters = parameters = parameters or Parameters()
        self.patient = choose_patient(patient, estradiol=estradiol, age=age, exercise=exercise)
        self.changes: tuple[Change, ...] = ()
        self.tissue = (
            tissue.copy() if tissue else build_section(parameters, self.seed, self.patient.bone)
        )
        self.read_rates()
        courses = choose_courses(courses, drug)
        Treatment(courses, parameters.drugs)  # refuses an unknown drug before the spin-up
        warn_of_doses(courses, parameters)
        before = parameters.time.spin_up if spin_up else 0.0
        years = run_in_years(courses) if run_in is None else run_in
        refuse_youth(self.patient.age, years)
        self.run_in = self.run_in_steps(years)
        self.tick = -self.steps_in(before) - self.run_in
        self.visits: set[int] = set()
        self.treatment = Treatment((), parameters.drugs)
        self.signals = Signals(parameters)
        self.environment = LocalEnvironment(parameters, self.tissue)
        self.settle()
        self.units_by_phase: dict[str, dict[BMU, None]] = {phase: {} for phase in AT_WORK}
        self.activations: list[int] = []  # sites of osteoclasts born since the last reading
        self.eroded: list[tuple[int, float]] = []  # where and how much surface, mm, since then
        self.perforations = 0
        self.until = 0.0  # year to which it was told to run
        self.meter = Meter(self)
        self.datacollector = self.new_collector()
        if spin_up:
            come_to_rest(self)
        if run_in is None:
            self.begin(courses)

    def new_collector(self) -> mesa.DataCollector:
        """Return an empty collector of the last reading."""
        return mesa.DataCollector(reporters())

    def read_rates(self) -> None:
        """Work out what cells use in every step."""
        p = self.parameters
        self.days = p.time.step
        self.cover = cover(p.unit, self.tissue.matrix.ndim)
        self.unmineralized_fraction = 1 - p.mineral.primary

    @property
    def day(self) -> float:
        """Days since the start of observation."""
        return self.tick * self.days

    def expose(self) -> Exposure:
        """Return what reaches the cells in this step, and advance the drugs."""
        habits, day = self.parameters.habits, self.day + 0.5 * self.days
        patient = patient_on(day, self.patient, self.changes)
        exposure = self.treatment.expose(*patient.estradiol_at(day, habits), self.day, self.days)
        patient.add_habits(exposure, habits)
        return exposure

    def steps_in(self, years: float) -> int:
        """Return how many whole steps come nearest to some years."""
        return round(years * YEAR / self.days)

    def run_in_steps(self, years: float) -> int:
        """Return how many whole steps hold all of a run-in, its first day too."""
        return ceil(years * YEAR / self.days - TOLERANCE)

    def give(self, courses: Iterable[Course] | str) -> None:
        """Set the courses in place of the old ones; what is in the body of those stays.

        Raises
        ------
        ValueError
            If a course lasts no time, or begins before day 0 and before what has been simulated.
        """
        given = parse_courses(courses) if isinstance(courses, str) else tuple(courses)
        warn_of_doses(given, self.parameters)
        self.prescribe(given)

    def prescribe(self, courses: Iterable[Course]) -> None:
        """Set the courses, as `give` does, without a word on doses."""
        given, drugs = tuple(courses), self.parameters.drugs
        known = {(course.drug, course.start) for course in self.treatment.courses}
        for course in given:
            course.refuse_empty(find_drug(course.drug, drugs))
            lived = (course.drug, course.start) in known or course.waits or course.start >= 0
            if not lived and self.run_in_steps(-course.start) > -self.tick:
                raise ValueError(
                    f"{course.drug}: start = {course.start:g} year; this model has gone on to "
                    f"year {self.day / YEAR:g}: give a run-in when it is built"
                )
        quits = self.patient.quits
        taken = [course.taken_until(quits, find_drug(course.drug, drugs)) for course in given]
        self.treatment.prescribe(
            course
            for course, asked in zip(taken, given, strict=True)
            if course.stop > course.start or course == asked
        )
        if self.tick == 0:
            self.visit()

    def change(self, changes: Iterable[Change]) -> None:
        """Change estradiol or habits from certain years on, in place of older changes."""
        self.changes = tuple(sorted(changes, key=lambda change: change.year))

    def spin_up(self) -> None:
        """Run without treatment until day 0, or until the run-in begins."""
        while self.tick < -self.run_in:
            self.advance()  # Mesa's clock stands still until day 0

    def begin(self, courses: Iterable[Course] | str) -> None:
        """Give the courses, live through those of before day 0, and go on from there."""
        courses = parse_courses(courses) if isinstance(courses, str) else courses
        if self.tick < 0:
            self.prescribe(courses)
            while self.tick < 0:
                self.advance()
            self.observe()
            self.visit()
        else:
            if not self.meter.rows:
                self.observe()
            self.prescribe(courses)

    def observe(self) -> None:
        """Take the state on day 0 for the baseline."""
        self.set_clock(0)  # Mesa's own; that of `batch_run` begins on day 0
        self.meter.set_baseline(self.days_unchanged())
        self.datacollector.collect(self)

    def days_unchanged(self) -> float:
        """Return for how many days before day 0 the treatment has been the same."""
        courses = self.treatment.courses
        moments = [year for c in courses for year in (c.start, c.stop) if year < 0 and not c.waits]
        return -max(moments) * YEAR if moments else inf

    def read_at(self, years: Iterable[float]) -> None:
        """Have a reading taken at visits, in years from day 0, beside those of the calendar."""
        self.visits = {self.visit_tick(year) for year in years}

    def visit_tick(self, year: float) -> int:
        """Return the step at whose end a visit in a year is."""
        return visit_tick(year, self.days)

    def run(self, years: float) -> None:
        """Step for some years; `run(5)` and `run(2)` end where `run(7)` does."""
        check("run", years, "year", 0, LONGEST_RUN)
        self.run_until(self.until + years)

    def run_until(self, year: float) -> None:
        """Step to the end of a year, counted from day 0, to the nearest step."""
        check("run until", year, "year", 0, LONGEST_RUN)
        refuse_age(self.patient.age, year)
        while self.day + 0.5 * self.days <= year * YEAR:
            self.step()
        self.until = max(self.until, year)

    def run_to_visit(self, year: float) -> None:
        """Step to the visit in a year; what is read there is asked for with `read_at`."""
        while self.tick < self.visit_tick(year):
            self.step()
        self.until = max(self.until, year)

    def frame(self) -> pd.DataFrame:
        """Return a row for each reading since day 0; columns in `model.observer.COLUMNS`."""
        return pd.DataFrame(self.meter.rows, columns=list(COLUMNS))

    def step(self) -> None:
        """Advance one step, which Mesa counts."""
        self.advance()

    def advance(self) -> None:
        """Advance one step: processes in the order of `STEP`, the clock, what is read then."""
        for process in STEP:
            getattr(self, process)()
        self.tick += 1
        self.measure()

    def cells_of(self, kind: type[AnyCell]) -> list[AnyCell]:
        """Return the cells of a type, oldest first."""
        return list(self.agents_by_type.get(kind, ()))

    @property
    def units(self) -> list[BMU]:
        """The BMUs at work, phase after phase."""
        return [unit for phase in AT_WORK for unit in self.units_by_phase[phase]]

    def units_in(self, phase: str) -> list[BMU]:
        """Return the units in a phase of `model.bmu.AT_WORK`, in the order in which they came to it."""
        return list(self.units_by_phase[phase])

    def begin_unit(self, site: int, opening: int, phase: str, days: float) -> BMU:
        """Return a new unit that begins with a phase, some days into this step."""
        number = self.tissue.pits.open()
        unit = BMU(site, opening, number, phase, self.day + days)
        self.units_by_phase[phase][unit] = None
        return unit

    def pass_on(self, unit: BMU, phase: str, days: float) -> None:
        """Let a unit come to its next phase some days into this step."""
        del self.units_by_phase[unit.phase][unit]
        unit.enter(phase, self.day + days)
        self.units_by_phase[phase][unit] = None

    def close(self, unit: BMU, end: str, days: float) -> None:
        """Let a unit end some days into this step: what it has not filled stays open."""
        pits = self.tissue.pits
        self.abandon(pits.rows_of(unit.number))
        pits.close(unit.number)
        del self.units_by_phase[unit.phase][unit]
        unit.enter(end, self.day + days)
        self.clear_crumbs(unit)

    def abandon(self, rows: Ints) -> None:
        """Let units leave some rows of the table of pits, and their sites as they are."""
        pits = self.tissue.pits
        self.tissue.free(pits.site[rows[pits.claimed[rows]]])
        pits.drop(rows)

    def clear_crumbs(self, unit: BMU) -> None:
        """Resorb what a unit has left of bone that hangs on nothing, smaller than its pit."""
        sites = crumbs(self.tissue, unit.site, self.parameters.unit)
        if len(sites):
            amounts = self.tissue.matrix.reshape(-1)[sites]
            some = amounts > 0.0
            self.tissue.resorb(sites[some], amounts[some])
            self.tissue.free(sites)

    def treat(self) -> None:
        """Therapies and the patient's own course set the systemic signals."""
        exposure = self.expose()
        before = self.signals.of_rankl()
        self.signals.renew(exposure, self.days)
        if self.signals.of_rankl() != before:
            self.drive = self.recruitment_drive()
        self.signals.use_precursors(self.environment.mean(self.drive), self.days)
        if exposure.bisphosphonate:
            capacity = self.parameters.osteoclast.bisphosphonate_capacity
            place = self.environment
            self.tissue.bind_drug(place.surface, place.faces, exposure.bisphosphonate, capacity)

    def settle(self) -> None:
        """Come to rest under signals that have always been there."""
        self.signals.settle(self.expose())
        self.drive = self.recruitment_drive()
        self.signals.use_precursors(self.environment.mean(self.drive), inf)

    def recruitment_drive(self) -> Floats:
        """Return how often a year free RANKL would have each part of the surface resorbed."""
        free = self.environment.free_rankl(self.signals)
        return np.asarray(self.parameters.responses.recruitment.at(free))

    def renew_environment(self) -> None:
        """From time to time, measure the surface and its local environment anew."""
        time = self.parameters.time
        if self.falls_due(time.renewal):
            self.environment.renew(self.tissue, self.sites_of(FORMATION))
            self.drive = self.recruitment_drive()
            if self.tissue.drug_given:
                half_life = self.parameters.osteoclast.bisphosphonate_half_life * YEAR
                gone = 1 - 0.5 ** (time.renewal / half_life)
                self.tissue.release_drug(self.environment.surface, gone)

    def sites_of(self, phase: str) -> Ints:
        """Return the sites at which units of a phase have something to do, or will have."""
        pits = self.tissue.pits
        at_work = np.zeros(len(pits.floor), dtype=bool)
        at_work[[unit.number for unit in self.units_by_phase[phase]]] = True
        beyond = at_work & (pits.floor < 0.0)
        unit = pits.unit[: pits.count]
        left = (pits.gone[: pits.count] > 0.0) | beyond[unit]
        return pits.site[: pits.count][left & at_work[unit] & pits.claimed[: pits.count]]

    def recruit_osteoclasts(self) -> None:
        """Osteoclasts come to quiescent surface where precursors, RANKL and chance allow."""
        place = self.environment
        rate = self.drive * place.supply * place.area * (self.signals.pool / self.cover / YEAR)
        uniform = draws(self.seed, "osteoclast recruitment", self.tick, place.surface)
        met, moments = arrivals(uniform, rate, self.days)
        for site, moment in zip(place.surface[met].tolist(), moments.tolist(), strict=True):
            self.attach_osteoclast(site, moment)

    def attach_osteoclast(self, site: int, days: float) -> None:
        """Let one osteoclast begin, unless the site has come to be at work or covered.

        Some days of this step have gone by then.
        """
        openings = self.tissue.open_beside(site)
        if not openings or not self.tissue.can_enter(site):
            return
        turn = draw(self.seed, "osteoclast direction", self.tick, site)
        uniform = draw(self.seed, "osteoclast life", self.tick, site)
        numbers = self.parameters.osteoclast
        life = draw_lifespan(numbers.life, numbers.shape, uniform)
        opening = openings[int(turn * len(openings)) % len(openings)]
        self.start_osteoclast(site, opening, life, days)
        self.activations.append(site)

    def start_osteoclast(self, site: int, opening: int, life: float, days: float) -> Osteoclast:
        """Return a new osteoclast and its new unit; `days` of this step have gone by then."""
        unit = self.begin_unit(site, opening, RESORPTION, days)
        layout = dig(self.tissue, site, opening, self.parameters.unit)
        restraint = self.parameters.osteoclast.restraint
        if restraint and draw(self.seed, "osteoclast restraint", self.tick, site) <= restraint:
            layout = layout.only(has_bone_beneath(self.tissue, layout.beneath, whole=True))
        if not len(layout.sites):
            layout = dig(self.tissue, site, opening, self.parameters.unit)
        self.tissue.pits.add(unit.number, layout)
        unit.bottom = float(layout.ends.max())
        return Osteoclast(self, unit, life, Moment(self.tick, days))

    def move_floors(self, units: list[BMU]) -> None:
        """Let the tissue follow the floors of some units."""
        pits = self.tissue.pits
        for unit in units:
            pits.floor[unit.number] = unit.floor
        self.tissue.move_floors(self.unmineralized_fraction)
        for unit in units:
            unit.resorbed = pits.unit_resorbed.item(unit.number)
            unit.formed = pits.unit_formed.item(unit.number)

    def resorb(self) -> None:
        """Osteoclasts resorb, move on and die."""
        cells = self.cells_of(Osteoclast)
        if not cells:
            return
        if self.tissue.drug_given:
            self.look_ahead(cells)
        sites = np.array([cell.site for cell in cells])
        near = self.environment.free_rankl_near(sites, self.signals).tolist()
        for cell, free_rankl in zip(cells, near, strict=True):
            cell.resorb(self.days, free_rankl)
        self.move_floors([cell.unit for cell in cells])
        if self.tissue.drug_given:
            per_unit = self.tissue.site_face / self.cover
            for cell in cells:
                cell.taken_up = self.tissue.pits.uptake.item(cell.unit.number) * per_unit
        for cell in cells:
            if cell.ended is not None:
                self.begin_reversal(cell.unit, cell.ended)

    def look_ahead(self, cells: list[Osteoclast]) -> None:
        """Let osteoclasts feel the bisphosphonate in the bone that a step of theirs would resorb."""
        pits, distance = self.tissue.pits, self.days * self.parameters.osteoclast.erosion
        for cell in cells:
            pits.floor[cell.unit.number] = cell.unit.floor + distance
        drug = pits.drug_ahead(self.tissue)
        for cell in cells:
            cell.ahead = drug.item(cell.unit.number) * self.tissue.site_face / self.cover

    def begin_reversal(self, unit: BMU, days: float) -> None:
        """Let a unit whose osteoclast died some days into this step wait for osteoblasts.

        The deeper it came, and the more was released there, the sooner they come.
        """
        pits = self.tissue.pits
        rows = pits.rows_of(unit.number)
        if not unit.resorbed:
            self.close(unit, EMPTY, days)
            return
        self.abandon(rows[~pits.claimed[rows]])
        self.eroded.append((unit.site, self.surface_eroded(unit)))
        numbers = self.parameters.osteoblast
        uniform = draw(self.seed, "reversal", self.tick, unit.site)
        called = unit.depth / self.parameters.unit.reference_depth
        wait = days - log(uniform) * numbers.reversal / called
        unit.osteoblasts_due = after(self.tick, wait, self.days)
        self.pass_on(unit, REVERSAL, days)

    def surface_eroded(self, unit: BMU) -> float:
        """Return the surface through which a unit has resorbed, mm, or in a volume mm2."""
        pits = self.tissue.pits
        rows = pits.rows_of(unit.number)
        sites = pits.site[rows[pits.gone[rows] > 0.0]]
        return float(self.environment.area_of[sites].sum())

    def recruit_osteoblasts(self) -> None:
        """Osteoblasts settle in units whose reversal is over, where there is bone beneath them."""
        for unit in self.units_in(REVERSAL):
            due = unit.osteoblasts_due
            if due is None or due.step > self.tick:
                continue
            self.leave_perforated(unit)
            if len(self.tissue.pits.rows_of(unit.number)):
                self.pass_on(unit, FORMATION, due.days)
                self.attach_osteoblast(
                    unit, unit.depth / self.parameters.unit.reference_depth, due.days
                )
            else:
                self.close(unit, PERFORATED, due.days)

    def leave_perforated(self, unit: BMU) -> None:
        """Give up the columns of a unit beneath which no bone is left."""
        pits = self.tissue.pits
        rows = pits.rows_of(unit.number)
        kept = supported(self.tissue, pits.site[rows], pits.beneath[rows], pits.gone[rows])
        if not kept.all():
            unit.perforated = True
            self.perforations += 1
            self.abandon(rows[~kept])
            self.clear_crumbs(unit)

    def attach_osteoblast(self, unit: BMU, called: float, days: float) -> None:
        """Let osteoblasts begin; where strain is high they live longer.

        What they can do is in proportion to what called them: the depth of the cavity, over
        that of a reference cavity. Some days of this step have gone by then.
        """
        numbers, site = self.parameters.osteoblast, unit.site
        rows = self.parameters.responses
        strain = self.environment.strain_near(site) * self.signals.load
        uniform = draw(self.seed, "osteoblast life", self.tick, site)
        life = draw_lifespan(
            numbers.life * called * rows.osteoblast_survival.at(strain), numbers.shape, uniform
        )
        beyond = rows.anabolic_overfilling.at(self.signals.anabolic)
        if beyond:
            self.extend(unit, beyond)
        Osteoblast(self, unit, life, Moment(self.tick, days))

    def extend(self, unit: BMU, beyond: float) -> None:
        """Keep room for a unit to build beyond the surface on which it began, um."""
        pits = self.tissue.pits
        own = pits.site[pits.rows_of(unit.number)]
        layout, room = build_on(self.tissue, unit.site, self.parameters.unit, beyond, own)
        if len(layout.sites):
            planned = 1.0 - layout.gone_at(-beyond)
            self.tissue.occupy(layout.sites, room * planned)
            pits.add(unit.number, layout, room)
            unit.top = -beyond

    def activate_lining_cells(self) -> None:
        """Lining cells build on quiescent surface, without resorption, where called to."""
        rate = self.parameters.responses.lining_activation.at(self.signals.anabolic) / YEAR
        if not rate:
            return
        place = self.environment
        uniform = draws(self.seed, "lining cells", self.tick, place.surface)
        met, moments = arrivals(uniform, rate * place.area / self.cover, self.days)
        for site, moment in zip(place.surface[met].tolist(), moments.tolist(), strict=True):
            openings = self.tissue.open_beside(site)
            if openings and self.tissue.can_enter(site):
                unit = self.begin_unit(site, openings[0], FORMATION, moment)
                self.attach_osteoblast(unit, 1.0, self.days + (moment - self.days))

    def form(self) -> None:
        """Osteoblasts form bone, finish or die."""
        cells = self.cells_of(Osteoblast)
        if not cells:
            return
        for cell in cells:
            cell.form(self.days)
        self.move_floors([cell.unit for cell in cells])
        for cell in cells:
            if cell.ended is not None:
                done = cell.unit.floor <= cell.unit.top
                self.close(cell.unit, FILLED if done else UNFILLED, cell.ended)

    def mineralize(self) -> None:
        """Matrix takes up mineral."""
        self.tissue.mineralize(self.days, self.parameters.mineral.time_constant * YEAR)

    def measure(self) -> None:
        """At each reading, measure the section as it is at the end of a step.

        The collector has a row for each step, as Mesa expects: it repeats the last reading.
        """
        if self.falls_due(self.parameters.time.reading) or self.tick in self.visits:
            self.meter.read()
        if self.tick > 0:
            self.datacollector.collect(self)
            if self.falls_due(YEAR):
                self.visit()

    def visit(self) -> None:
        """Scan the patient if a course waits for low bone."""
        if any(course.waits for course in self.treatment.courses):
            self.treatment.scan(self.day / YEAR, self.meter.lowest_t_score())

    def falls_due(self, interval: float) -> bool:
        """Return whether what is done at each interval, in days, falls into the last step."""
        return self.times_due(self.tick, interval) != self.times_due(self.tick - 1, interval)

    def times_due(self, tick: int, interval: float) -> int:
        """Return how many whole intervals, in days, have passed by the end of a step.

        With a tolerance: 60 steps of 1.4 days are 84 days, whatever their product is in
        floating point.
        """
        return floor(tick * self.days / interval + TOLERANCE)
