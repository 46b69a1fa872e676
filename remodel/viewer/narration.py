"""What is happening now, in words, from the model's state."""

from math import fsum

from remodel.clinic.lifestyle import year_of
from remodel.clinic.trials import LONGEST
from remodel.model.bone_model import BoneModel
from remodel.viewer.player import Player, coming, is_to_come, runs

NAMES = {"lumbar_spine": "the spine", "total_hip": "the hip"}
STEADY = 0.05  # percent: less is no change


def say(player: Player) -> str:
    """Return a line on the patient who is played."""
    model, now = player.model, player.model.meter.now
    if not model.tissue.matrix.any():
        return f"Year {player.year:.1f}: no bone is left in this section."
    drugs = ", ".join(sorted(player.given()))
    parts = [
        f"estradiol {amount(model.signals.estradiol)} pmol/L",
        f"RANKL/OPG {say_ratio(model, 'rankl_opg')}",
        f"free RANKL {say_ratio(model, 'free_rankl')}",
        f"{now['osteoclasts']:.0f} osteoclasts against {at_baseline(model, 'osteoclasts'):.0f} at rest",
        ", ".join(say_change(now[site], name) for site, name in NAMES.items()),
    ]
    return f"Year {player.year:.1f}{f', on {drugs}' if drugs else ''}: {'; '.join(parts)}."


def amount(value: float) -> str:
    """Return a level with two digits that matter."""
    return f"{value:.0f}" if value >= 9.5 else f"{value:.1f}"


def say_ratio(model: BoneModel, signal: str) -> str:
    """Return a signal, a column of the readings, against that of day 0."""
    start, now = model.meter.rows[0][signal], model.meter.systemic()[signal]
    return f"{now / start:.1f} times day 0" if start else f"{now:.2f}"


def say_course(player: Player, drug: str) -> str:
    """Return a drug with what is planned: when it ends by itself, or when it comes."""
    now = year_of(player.model.day)
    courses = [course for course in player.model.treatment.courses if course.drug == drug]
    if drug in player.given():
        ends = max(course.stop for course in courses if runs(course, now))
        return drug if ends >= LONGEST else f"{drug}, to year {ends:g}"
    later = [course for course in courses if is_to_come(course, now)]
    if not later:
        return drug
    first = min(later, key=coming)
    return f"{drug}, if bone is low" if first.waits else f"{drug}, from year {first.start:g}"


def at_baseline(model: BoneModel, cells: str) -> float:
    """Return how many cells of a kind the years before day 0 had on average."""
    return fsum(value for name, value in model.meter.baseline.items() if name.endswith(f"_{cells}"))


def say_change(percent: float, name: str) -> str:
    """Return what a site has lost or gained."""
    if abs(percent) < STEADY:
        return f"{name} is where it was"
    return f"{name} has {'lost' if percent < 0 else 'gained'} {abs(percent):.1f} %"
