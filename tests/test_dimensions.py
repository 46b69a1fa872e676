"""The dimension of every equation: with the units that the code declares, both sides agree.

Each equation is worked out twice, with plain numbers as the model does and with quantities of
pint that carry the declared units. Both must come to the same number in the unit of the result:
a wrong unit in a declaration, or a conversion that is missing, fails. Equations that the code
writes as scalar functions are those functions; what it does with whole arrays is written down
here once more (`TABLE`).
"""

import re
from math import exp
from types import SimpleNamespace

import pint
import pytest

from remodel import BoneModel, Parameters, Patient
from remodel.clinic import patients, pharmacokinetics
from remodel.clinic.exposure import Exposure
from remodel.clinic.pharmacokinetics import Body
from remodel.measurement.dxa import dxa_change
from remodel.measurement.histomorphometry import INDICES
from remodel.model.signals import Signals
from remodel.parameters.drugs import DRUGS, drug
from remodel.parameters.mechanisms import EstradiolSupply, Given, ReceptorLigand
from remodel.parameters.population import Population
from remodel.parameters.time_steps import YEAR

UNITS = pint.UnitRegistry()
for counted in ("dose", "pack", "drink", "site"):
    UNITS.define(f"{counted} = [{counted}]")
for fraction in ("fraction", "SD"):
    UNITS.define(f"{fraction} = []")

# A drug that has all mechanisms, so that no number is 0 and hides what it is multiplied with
WHOLE = drug("whole", half_life=5.0, interval=182.0, amount=60.0, per=7.0, suppression=0.9,
             ovarian=0.9, estradiol=50.0, serm=4.0, efficacy=0.6, concentration=11_000.0,
             bisphosphonate=0.7, anabolic=1.2, rankl=0.3, load=0.05)  # fmt: skip
PATIENT = Patient(smoking=0.8, alcohol=1.5, deficiency=0.4, exercise=2.0, age=52.0)
GROUPS = {"patient": PATIENT, "population": Population(), "drug": WHOLE} | {
    name: group for name, group in Parameters().groups().items() if not name.startswith("drugs.")
}


def rows_of(name, group):
    """Return all numbers of a group; of a drug also those that it leaves at nothing."""
    return list(group.numbers(name))


ROWS = [row for name, group in GROUPS.items() for row in rows_of(name, group)]

STATE = {  # what the equations relate to each other, in the units that the code says
    "YEAR": (YEAR, "day/year"),
    "UM": (1000.0, "µm/mm"),
    "PERCENT": (100.0, "%"),
    "chance": (0.3, "1"),
    "share": (0.6, "fraction"),
    "days": (5.0, "day"),
    "released": (40.0, "µm"),
    "bound": (0.4, "dose"),
    "level": (3000.0, "ng/mL"),
    "depot": (9000.0, "ng/mL"),
    "change": (-3.0, "%"),
    "years": (7.0, "year"),
}

TABLE = [  # equation, how it is worked out, and the unit of what comes out
    ("rows of the section", "section.height * UM / section.site", "1"),
    ("columns of the section", "section.width * UM / section.site", "1"),
    ("columns of cortex", "section.cortex * UM / section.site", "1"),
    ("BV/TV", "section.bone_volume / PERCENT", "fraction"),
    ("sites across a volume", "section.depth * UM / section.site", "1"),
    ("waves along the long axis", "section.stretch * section.height / section.wavelength", "1"),
    ("how far a wave is from the band", "(section.width / section.wavelength - 1) / section.wavelength_spread", "1"),
    ("canals", "section.height * section.cortex * section.canal_density", "1"),
    ("radius of a canal", "(section.canal_width + chance * section.canal_spread) / (2 * UM)", "mm"),
    ("unmineralized matrix as built", "exp(-section.first_age / mineral.time_constant)", "1"),
    ("steps of spin-up", "time.spin_up * YEAR / time.step", "1"),
    ("steps between renewals", "time.renewal / time.step", "1"),
    ("steps between readings", "time.reading / time.step", "1"),
    ("Weibull life of osteoclasts", "osteoclast.life * chance ** (1 / osteoclast.shape)", "day"),
    ("days of life that pass in some days", (
      "days * responses.osteoclast_apoptosis.emax * responses.rankl_withdrawal.emax * "
      "responses.toxicity.emax"
    ), "day"),
    ("restraint", "chance - osteoclast.restraint", "fraction"),
    ("a floor goes down in a step", "osteoclast.erosion * time.step", "µm"),
    ("level of a site", (
      "released + unit.reference_depth * (2 * released / unit.width) ** (2 * unit.steepness)"
    ), "µm"),
    ("osteoclasts that come to a length of surface in some days", (
      "responses.recruitment.emax / YEAR * days * share ** precursors.exponent * section.site / unit.width"
    ), "1"),
    ("RANKL under strain", "share ** strain.rankl * responses.rankl.emax", "1"),
    ("OPG of osteoblasts", "1 + osteoblast.opg * share", "1"),
    ("sites within reach of OPG", "osteoblast.opg_reach / section.site", "1"),
    ("sites within reach of a site", "precursors.reach / section.site", "1"),
    ("reversal", "chance * osteoblast.reversal * unit.reference_depth / released", "day"),
    ("Weibull osteoblast lifespan", (
      "osteoblast.life * released / unit.reference_depth * responses.osteoblast_survival.emax * chance "
      "** (1 / osteoblast.shape)"
    ), "day"),
    ("days of osteoblast lifespan that pass", (
      "days * responses.osteoblast_apoptosis.emax * (1 + habits.alcohol * patient.alcohol)"
    ), "day"),
    ("a floor comes up in a step", "osteoblast.apposition * time.step", "µm"),
    ("built beyond a cavity", "released + responses.anabolic_overfilling.emax", "µm"),
    ("anabolic signal", "drug.anabolic / responses.anabolic_overfilling.ec50", "1"),
    ("lining cells that begin on a length of surface in some days", (
      "responses.lining_activation.emax / YEAR * days * section.site / unit.width"
    ), "1"),
    ("bisphosphonate that binds", (
      "(osteoclast.bisphosphonate_capacity - bound) * (1 - exp(-drug.bisphosphonate / "
      "osteoclast.bisphosphonate_capacity))"
    ), "dose"),
    ("bisphosphonate given back", (
      "bound * (1 - 0.5 ** (time.renewal / (osteoclast.bisphosphonate_half_life * YEAR)))"
    ), "dose"),
    ("matrix without mineral", (
      "(1 - mineral.primary) * exp(-time.step / (mineral.time_constant * YEAR))"
    ), "fraction"),
    ("strain", (
      "strain.load * share / chance * (1 + habits.exercise * patient.exercise + "
      "drug.load)"
    ), "1"),
    ("sites that share the load", "strain.reach / section.site", "1"),
    ("RANKL added", "drug.rankl + habits.deficiency * patient.deficiency", "1"),
    ("estradiol left by smoking", (
      "patient.estradiol * exp(-habits.smoking * patient.smoking)"
    ), "pmol/L"),
    ("antibody eliminated", (
      "(drug.elimination + drug.vmax / (drug.km + level)) * level"
    ), "ng/mL/day"),
    ("antibody absorbed", "drug.absorption * depot", "ng/mL/day"),
    ("an injection", "depot + drug.concentration", "ng/mL"),
    ("free RANKL", (
      "(patient.rankl * responses.rankl.emax + drug.rankl)"
      " / (1 + receptor.opg_binding * responses.opg.emax + level / drug.binding)"
    ), "1"),
    ("injections in a year", "YEAR / drug.interval", "1/year"),
    ("a dose in mg a day", "drug.amount / drug.per", "mg/day"),
    ("bone ALP", "(1 - markers.alp_background) * change", "%"),
    ("scan", "1 + densitometry.{spine,hip,neck}_error / PERCENT * chance", "1"),
    ("T-score", (
      "(share * densitometry.{spine,hip,neck}_young - "
      "densitometry.{spine,hip,neck}_young) / densitometry.{spine,hip,neck}_young_sd + "
      "densitometry.reference_t_score"
    ), "SD"),
    ("DXA", (
      "densitometry.{spine,hip,neck}_trabecular * change + densitometry.spine_drift * "
      "(years - densitometry.drift_from)"
    ), "%"),
    ("fracture hazard", "exp(fracture.gradient * change)", "1"),
    ("a patient's age", "population.age + chance * population.age_spread", "year"),
    ("a patient's menopause", "population.menopause + chance * population.menopause_spread", "year"),
    ("a patient's estradiol", "population.estradiol * exp(population.estradiol_spread)", "pmol/L"),
    ("a patient's bone", "patient.bone + population.bone * exp(population.bone_spread)", "fraction"),
    ("her RANKL", "patient.rankl * exp(population.rankl_spread)", "1"),
    ("when she quits", "patient.quits + 1 / population.quitting", "year"),
    ("of patients", (
      "population.smokers + population.drinkers + population.deficient + "
      "population.active"
    ), "fraction"),
    ("cycles", "exp((patient.age - patient.menopause) / patient.transition)", "1"),
    ("estradiol made and given", (
      "patient.ovarian * (1 - drug.ovarian) + patient.estradiol * (1 - "
      "drug.suppression) + drug.estradiol"
    ), "pmol/L"),
    ("estrogen activity", (
      "(patient.estradiol / receptor.estradiol_kd + drug.efficacy * drug.serm) / "
      "(1 + drug.serm)"
    ), "1"),
    ("lag", "1 - exp(-days / receptor.lag)", "1"),
    ("level of a daily drug", "exp(-days / drug.half_life)", "1"),
    ("precursors", "exp(-days * (precursors.turnover + precursors.fusion))", "1"),
]  # fmt: skip


def quantity(value, unit):
    """Return a number in a unit as the code writes it, such as "1/mm2"."""
    return value * UNITS.Quantity(re.sub(r"(?<=[a-z])(\d)", r"**\1", unit))


def in_units(group):
    """Return a group whose numbers carry their units; it is not checked against its ranges."""
    made = object.__new__(type(group))
    vars(made).update(vars(group))
    vars(made).update(
        {row.name.removeprefix("."): quantity(row.value, row.unit) for row in rows_of("", group)}
    )
    return made


def whole_model(convert, **one):
    """Return all parameters, the numbers of each group as `convert` gives them; and what is one."""
    groups = {name: convert(group) for name, group in GROUPS.items()}
    rows = {name.partition(".")[2]: groups.pop(name) for name in list(groups) if "." in name}
    return SimpleNamespace(**groups, responses=SimpleNamespace(**rows), one=SimpleNamespace(**one))


ONE = {"day": "day", "year": "year", "percent": "%"}
PLAIN = whole_model(lambda group: group, **dict.fromkeys(ONE, 1.0))
WITH_UNITS = whole_model(in_units, **{name: quantity(1.0, unit) for name, unit in ONE.items()})


def same(plain, with_units, unit):
    """Compare a number with a quantity in a unit; raises where it is of another dimension."""
    found = UNITS.Quantity(with_units).to(quantity(1.0, unit).units).magnitude
    assert found == pytest.approx(plain, rel=1e-9), f"{with_units} is not {plain:g} {unit}"


def work_out(expression, model, state):
    """Return the value of an expression; what stands in braces is done for each in turn."""
    names = vars(model) | state | {"exp": exp}
    return eval(expression, {}, names)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_unit_can_be_read(row):
    assert quantity(row.value, row.unit).magnitude == row.value


def test_every_index_of_histomorphometry_has_a_unit_that_can_be_read():
    assert all(quantity(1.0, index.unit) for index in INDICES)


SITES = ("spine", "hip", "neck")


def spelled(expression):
    """Return an expression for each DXA site that it stands for."""
    if "{spine,hip,neck}" not in expression:
        return [expression]
    return [expression.replace("{spine,hip,neck}", site) for site in SITES]


@pytest.mark.parametrize("name, expression, unit", TABLE, ids=[name for name, *_ in TABLE])
def test_both_sides_of_an_equation_have_one_dimension(name, expression, unit):
    assert name
    numbers = {key: value for key, (value, _) in STATE.items()}
    quantities = {key: quantity(*about) for key, about in STATE.items()}
    for each in spelled(expression):
        plain = work_out(each, PLAIN, numbers)
        same(plain, work_out(each, WITH_UNITS, quantities), unit)


def test_every_number_stands_in_an_equation():
    text = " ".join(each for _, expression, _ in TABLE for each in spelled(expression))
    named = set(re.findall(r"[a-z]\w*(?:\.\w+)+", text))
    curves = {row.name for row in ROWS if row.name.startswith("responses.")}
    whole = {row.name for row in ROWS} - curves
    assert whole - named == set()
    assert {name for name in curves if name.endswith(".emax")} - named == set()
    assert named <= whole | curves


def exposure_of(model):
    return Exposure(
        estradiol=model.patient.estradiol, ovarian=model.patient.ovarian, cycling=0.4,
        serm=model.drug.serm, serm_efficacy=model.drug.efficacy, anabolic=model.drug.anabolic,
        rankl=model.drug.rankl, load=model.drug.load, expression=model.patient.rankl,
    )  # fmt: skip


def hear(model):
    """Signals of a step, as the body hears them."""
    heard = Signals(model)
    for _ in range(2):  # twice: the first begins from nothing
        heard.renew(exposure_of(model), 7.0 * model.one.day)
    return {
        name: (value, {"estradiol": "pmol/L", "recruitment": "1/site/day"}.get(name, "1"))
        for name, value in vars(heard).items()
        if name != "parameters"
    }


def respond(model):
    """Every response, in the unit of its behavior."""
    levels = {"bisphosphonate taken up": model.drug.bisphosphonate}
    found = {}
    for name, row in vars(model.responses).items():
        level = levels.get(row.signal, model.drug.anabolic)
        found[name] = (row.at(level), row.unit)
    return found


def make_estradiol(model):
    """What a patient makes of estradiol, and how she lives."""
    made = model.patient.estradiol_at(100.0 * model.one.day, model.habits)
    exposure = Exposure(estradiol=made.peripheral)
    model.patient.add_habits(exposure, model.habits)
    told = {name: (getattr(exposure, name), "1") for name in ("rankl", "load", "apoptosis")}
    return told | {
        "ovarian": (made.ovarian, "pmol/L"),
        "peripheral": (made.peripheral, "pmol/L"),
        "cycling": (made.cycling, "1"),
    }


def take_drugs(model):
    """Levels of a daily drug and of an injected one, and what they do."""
    injected, daily = Body(), Body()
    mean = injected.inject(model.drug, 1.0, pharmacokinetics.SUBSTEP)
    taken_up = SimpleNamespace(**vars(model.drug) | {"mechanisms": (), "lasting": False})
    exposure = Exposure(estradiol=model.patient.estradiol)
    given = Given(daily.take(taken_up, 0.8, 0.0, 7.0 * model.one.day), 1.0)
    for mechanism in (EstradiolSupply, ReceptorLigand):
        mechanism.act(model.drug, exposure, given)
    return {
        "mean": (mean, "ng/mL"),
        "depot": (injected.depot, "ng/mL"),
        "level": (daily.level, "1"),
        "antibody": (mean / model.drug.binding, "1"),
        "estradiol": (exposure.estradiol, "pmol/L"),
        "serm": (exposure.serm, "1"),
        "efficacy": (exposure.serm_efficacy, "fraction"),
    }


def read_rates(model):
    """What cells use in every step."""
    tissue = SimpleNamespace(matrix=SimpleNamespace(ndim=1))
    stand_in = SimpleNamespace(parameters=model, tissue=tissue)
    BoneModel.read_rates(stand_in)
    return {
        "days": (stand_in.days, "day"),
        "unmineralized_fraction": (stand_in.unmineralized_fraction, "1"),
    }


def scan(model):
    """T-scores, and DXA of each site."""
    change = {"trabecular_bmd": -5.0 * model.one.percent, "cortical_bmd": -2.0 * model.one.percent}
    found = {}
    for site in SITES:
        found[f"T {site}"] = (model.densitometry.t_score(site, 0.9, -3.0), "SD")
        found[f"bone {site}"] = (model.densitometry.bone_at(site, -2.0), "1")
        seen = dxa_change(model.densitometry, site, change, model.patient.age, 7.0 * model.one.year)
        found[f"DXA {site}"] = (seen, "%")
    return found


@pytest.mark.parametrize(
    "act", [hear, respond, make_estradiol, take_drugs, read_rates, scan], ids=lambda f: f.__name__
)
def test_a_function_of_the_model_gives_the_same_with_units(act, monkeypatch):
    plain = act(PLAIN)
    for module in (patients,):
        monkeypatch.setattr(module, "YEAR", quantity(YEAR, "day/year"))
    monkeypatch.setattr(pharmacokinetics, "SUBSTEP", quantity(pharmacokinetics.SUBSTEP, "day"))
    found = act(WITH_UNITS)
    assert list(found) == list(plain)
    for name, (value, unit) in found.items():
        same(plain[name][0], value, unit)


@pytest.mark.parametrize(
    "name, wrong", [
        ("osteoclast.erosion", "µm"), ("osteoblast.life", "year"), ("precursors.fusion", "1/year"),
        ("receptor.estradiol_kd", "pg/mL"), ("habits.smoking", "pack/day"),
        ("fracture.gradient", "1"), ("section.canal_density", "1/um2"),
    ],
)  # fmt: skip
def test_a_wrong_unit_would_be_found(name, wrong):
    """Where a unit is declared wrongly some equation of the table does not come out."""
    state = {key: quantity(*about) for key, about in STATE.items()}
    numbers = {key: value for key, (value, _) in STATE.items()}
    group, item = name.split(".")
    faulty = SimpleNamespace(**vars(WITH_UNITS))
    made = object.__new__(type(getattr(PLAIN, group)))
    value = getattr(getattr(PLAIN, group), item)
    vars(made).update(vars(getattr(WITH_UNITS, group)) | {item: quantity(value, wrong)})
    vars(faulty)[group] = made
    failed = 0
    for _, expression, unit in TABLE:
        if name in expression:
            try:
                same(
                    work_out(expression, PLAIN, numbers), work_out(expression, faulty, state), unit
                )
            except (pint.DimensionalityError, AssertionError):
                failed += 1
    assert failed


def test_the_constants_are_those_of_pint():
    assert quantity(1.0, "year").to("day").magnitude == YEAR
    assert DRUGS["zoledronate"].interval == YEAR
