"""Sections at rest: the same spin-up is done once in a process."""

import os
import sys
from collections import OrderedDict
from hashlib import blake2b
from io import BytesIO
from pickle import Pickler as PlainPickler
from pickle import PicklingError
from pickle import Unpickler as PlainUnpickler
from threading import Lock, RLock
from typing import TYPE_CHECKING, Any, NamedTuple

from remodel.model.mesa_base import MesaModel

if TYPE_CHECKING:
    from remodel.model.bone_model import BoneModel

MOST_STATES = 8
MOST_SITES = 250_000  # of a section whose rest is kept: about ten megabytes
OF_MESA = frozenset(vars(MesaModel(rng=0)))
SHARED = ("parameters", "patient")  # never changed, and the caller's own


class Code:
    """Functions, classes and numbers of the package as they stood at one moment.

    Who replaces one of them, as in a test or a notebook, has asked for another spin-up. They
    are compared by identity, and held, so that no other can take the place of one that is gone.
    """

    def __init__(self) -> None:
        """Gather what is there now."""
        names = [name for name in sorted(sys.modules) if is_ours(name)]
        values = [value for name in names for value in parts_of(sys.modules[name])]
        kinds = [value for value in values if isinstance(value, type) and is_ours(value.__module__)]
        self.parts = [*values, *(part for kind in kinds for part in parts_of(kind))]

    def __eq__(self, other: object) -> bool:
        """Return whether all is still the same."""
        return (
            isinstance(other, Code)
            and len(self.parts) == len(other.parts)
            and all(one is two for one, two in zip(self.parts, other.parts, strict=True))
        )

    def __hash__(self) -> int:
        """Return a number that is equal for equal ones."""
        return hash(tuple(map(id, self.parts)))


def is_ours(module: str) -> bool:
    """Return whether a module, by its name, may have a say in a spin-up."""
    return module.startswith("remodel.") and not module.startswith("remodel.viewer")


def parts_of(owner: object) -> list[object]:
    """Return what a module or a class holds, without what Python itself adds in time."""
    held = vars(owner).items()
    return [value for name, value in held if callable(value) or not name.startswith("__")]


class Key(NamedTuple):
    """What the outcome of a spin-up depends on."""

    start: bytes  # digest of the model before it
    code: Code


class Rest:
    """The outcome of a spin-up, which one at a time may work out."""

    def __init__(self) -> None:
        """Begin without it."""
        self.lock = RLock()
        self.state: bytes | None = None


KEPT: OrderedDict[Key, Rest] = OrderedDict()
TABLE = Lock()


def clear() -> None:
    """Forget all sections at rest."""
    global TABLE
    TABLE = Lock()
    KEPT.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=clear)


def come_to_rest(model: "BoneModel") -> None:
    """Spin up a model, or give it the state in which the same spin-up once ended.

    The same is one that began from an equal model: patient, parameters, section and seed. What
    is kept are bytes, a few megabytes for each of the last eight: nothing of the caller's
    lives on, and no run can change it. A model whose class is the user's own, one that cannot
    be pickled and one on a huge section are spun up each time.
    """
    rest = find(model)
    if rest is None:
        model.spin_up()
        return
    with rest.lock:
        if rest.state is None:
            model.spin_up()
            rest.state = dump(model, outcome(model))
        else:
            adopt(model, rest.state)


def find(model: "BoneModel") -> Rest | None:
    """Return the place of a spin-up among those that are kept, if it can be kept."""
    own = type(model).__module__ == "remodel.model.bone_model"
    if not own or model.tissue.matrix.size > MOST_SITES:
        return None
    try:
        start = [dump(None, [getattr(model, name) for name in SHARED]), dump(model, outcome(model))]
    except (PicklingError, TypeError, AttributeError):
        return None
    key = Key(blake2b(b"".join(start)).digest(), Code())
    with TABLE:
        rest = KEPT.setdefault(key, Rest())
        KEPT.move_to_end(key)
        while len(KEPT) > MOST_STATES:
            KEPT.popitem(last=False)
    return rest


def outcome(model: "BoneModel") -> dict[str, Any]:
    """Return all that a run changes in a model."""
    own = {k: v for k, v in vars(model).items() if k not in OF_MESA and k not in SHARED}
    return {
        "own": own,
        "agents": list(model.agents),
        "next": model.agent_id_counter,
        "running": model.running,
        "uniform": (model.random.getstate(), model.rng.bit_generator.state),
    }


def adopt(model: "BoneModel", state: bytes) -> None:
    """Let a model go on from a state."""
    found = load(model, state)
    for name, value in found["own"].items():
        setattr(model, name, value)
    for agent in found["agents"]:
        number = agent.unique_id
        model.register_agent(agent)
        agent.unique_id = number
    model.agent_id_counter = found["next"]
    model.running = found["running"]
    uniform, bits = found["uniform"]
    model.random.setstate(uniform)
    model.rng.bit_generator.state = bits


def dump(model: Any, thing: Any) -> bytes:
    """Return a thing as bytes; the model, and what it shares with others, are only named."""
    apart = {id(model): "model"} if model is not None else {}
    apart |= {id(getattr(model, name)): name for name in SHARED if model is not None}

    class Pickler(PlainPickler):
        def persistent_id(self, it: Any) -> str | None:
            return apart.get(id(it))

    file = BytesIO()
    Pickler(file, protocol=5).dump(thing)
    return file.getvalue()


def load(model: Any, state: bytes) -> Any:
    """Return the thing that bytes hold, for another model."""

    class Unpickler(PlainUnpickler):
        def persistent_load(self, name: str) -> Any:
            return model if name == "model" else getattr(model, name)

    return Unpickler(BytesIO(state)).load()
