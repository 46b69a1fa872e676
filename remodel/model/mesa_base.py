"""What Mesa asks of a model, done alike on every version of Mesa."""

from hashlib import blake2b
from operator import index
from secrets import randbelow
from typing import Any

import mesa
import numpy as np

from remodel.bone.section import Tissue
from remodel.model.grid import SectionGrid
from remodel.support.messages import shown
from remodel.support.random_numbers import HIGHEST_SEED

TABLE: Any = getattr(mesa.Agent, "_ids", None)  # Mesa 3.3 keeps in it each model that had an agent
LARGEST = 2**63  # of a seed: replicates count on from the highest that is asked for


def read_seed(rng: Any, seed: Any = None, section: Tissue | None = None) -> int:
    """Return the seed of a model from what Mesa or a user hands over.

    Parameters
    ----------
    rng, seed : int, NumPy integer, text of digits or None
        Two names of the same thing; text is what an `InputText` of Mesa's page gives. Where
        both are None the seed is a fresh one, from 0 to `HIGHEST_SEED`.
    section : Tissue, optional
        A section of the caller's own. In place of a fresh seed it has one that belongs to it,
        so that models on one section differ only by what is done to them.

    Raises
    ------
    ValueError
        If both are given, or it is no whole number of 0 or more.
    """
    if rng is not None and seed is not None:
        raise ValueError(f"rng = {shown(rng)} and seed = {shown(seed)}: give one of them")
    name, given = ("seed", seed) if rng is None else ("rng", rng)
    if given is None:
        return randbelow(HIGHEST_SEED + 1) if section is None else own_seed(section)
    try:
        whole = int(given) if isinstance(given, str) and given.strip().isdecimal() else index(given)
    except TypeError:
        whole = -1
    if isinstance(given, bool) or not 0 <= whole < LARGEST:
        raise ValueError(
            f"{name} = {shown(given)}; expected a whole number of 0 or more, "
            "or None for a fresh seed"
        )
    return whole


def own_seed(section: Tissue) -> int:
    """Return the seed that belongs to a section, from its bone."""
    name = blake2b(f"{section.matrix.shape} {section.site_um}".encode(), digest_size=8)
    name.update(np.ascontiguousarray(section.matrix))
    return int.from_bytes(name.digest(), "little") % (HIGHEST_SEED + 1)


class MesaModel(mesa.Model):
    """A model on a section of bone that Mesa can number, time, copy and draw.

    Attributes
    ----------
    seed : int
        Of all random numbers.
    grid : SectionGrid
        The section as Mesa's pages draw it.
    agent_id_counter : int
        Number of the next agent.
    """

    def __init__(self, rng: int) -> None:
        """Begin at step 0, without agents."""
        super().__init__(rng=rng)
        self.seed = rng
        self.grid = SectionGrid(self)
        self.agent_id_counter = 1  # as Mesa 3.5 names it

    def register_agent(self, agent: Any) -> None:
        """Take in an agent, and number it if Mesa does not number it by its model.

        Mesa 3.3 has a table for that which belongs to the class and would keep the model, with
        its section, for ever.
        """
        if TABLE is not None:
            TABLE.pop(self, None)
            agent.unique_id = self.agent_id_counter
            self.agent_id_counter += 1
        super().register_agent(agent)

    def set_clock(self, steps: int) -> None:
        """Set Mesa's own count of steps, and its time where it has one."""
        self.steps = steps
        if hasattr(self, "time"):  # Mesa 3.5, in which a step is an event in a list
            self._default_schedule.pause()
            self.time = float(steps)
            self._default_schedule.resume()
