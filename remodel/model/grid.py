"""The section as a grid of Mesa: what `SpaceRenderer` and `make_space_component` draw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from mesa.agent import AgentSet
from mesa.discrete_space import OrthogonalVonNeumannGrid
from mesa.discrete_space.property_layer import PropertyLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from remodel.model.bone_model import BoneModel

Place = tuple[int, ...]  # column, row; in a volume with a third before them
FIELDS: Mapping[str, Callable[[Any], NDArray[Any]]] = {
    "matrix": lambda model: model.tissue.matrix,
    "mineral": lambda model: model.tissue.mineral,
    "unmineralized": lambda model: model.tissue.unmineralized,
    "cavity": lambda model: model.tissue.cavity,
    "busy": lambda model: model.tissue.busy,
    "bisphosphonate": lambda model: model.tissue.bisphosphonate,
    "strain": lambda model: model.environment.strain,
    "region": lambda model: model.tissue.region,
    "outside": lambda model: model.tissue.outside,
}
WORKED_OUT = ("mineral", "strain")  # from others; what is written into them would be lost


class Layer(PropertyLayer):
    """One field of the section, site by site, as it is now.

    Attributes
    ----------
    name : str
        A name in `FIELDS`.
    data : array
        The model's own array seen as Mesa orients it, not a copy; shape (columns, rows).
        `mineral` and `strain` alone are worked out anew each time, and cannot be written to.
    """

    def __init__(self, name: str, model: BoneModel) -> None:
        """Look at one field of a model."""
        self.name = name
        self.model = model

    @property
    def dimensions(self) -> Place:
        """Columns and rows."""
        return self.model.tissue.matrix.shape[::-1]

    @property
    def data(self) -> NDArray[Any]:
        """The field as it is now; shape (columns, rows)."""
        field = FIELDS[self.name](self.model).T
        if self.name in WORKED_OUT:
            field.flags.writeable = False
        return field

    @data.setter
    def data(self, values: Any) -> None:
        """Write into the field of the section."""
        self.data[:] = values

    _data = _mesa_data = data  # by which Mesa 3.5 and 3.3 reach it in their own methods


class Site:
    """One site, as a cell of Mesa is asked: where it is, who is there, what its fields hold."""

    __slots__ = ("agents", "coordinate", "grid")

    def __init__(self, grid: SectionGrid, coordinate: Place, agents: list[Any]) -> None:
        """Look at one site of a grid."""
        self.grid = grid
        self.coordinate = coordinate
        self.agents = agents

    @property
    def is_empty(self) -> bool:
        """Whether no cell of bone is at work there."""
        return not self.agents

    def __getattr__(self, name: str) -> Any:
        """Return what a field holds there."""
        if name not in FIELDS:
            raise AttributeError(f"a site has no {name!r}; its fields are {', '.join(FIELDS)}")
        return self.grid.layer(name).data[self.coordinate].item()


class SectionGrid(OrthogonalVonNeumannGrid):
    """A view of a model's section that Mesa takes for one of its grids.

    It holds no cell objects: sites are made when they are asked for, and layers are views of
    the model's arrays. Positions are (column, row). The rows are periodic, the columns are not.
    In a volume the third axis, periodic too, comes before them.
    (Mesa's own drawing fails on any grid that has no agents, such as one without spin-up.)

    Parameters
    ----------
    model : BoneModel
        Whose section it shows, always as it is now.

    Attributes
    ----------
    dimensions : tuple of int
        Columns and rows; `width` and `height` are these two.
    agents : AgentSet
        All agents that have a position.
    """

    def __init__(self, model: BoneModel) -> None:
        """Look at a model; Mesa's own constructor, which makes a cell for each site, is left out."""
        self.model = model
        self.torus = False  # Mesa knows only both directions or none
        self.capacity = None
        self._mesa_property_layers = {name: Layer(name, model) for name in FIELDS}

    @property
    def dimensions(self) -> Place:
        """Columns and rows."""
        return self.layer("matrix").dimensions

    @property
    def width(self) -> int:
        """Columns of a section."""
        return self.of_section()[0]

    @property
    def height(self) -> int:
        """Rows of a section."""
        return self.of_section()[1]

    def of_section(self) -> Place:
        """Return columns and rows; refuse a volume, of which Mesa asks them to draw it."""
        if len(self.dimensions) > 2:
            raise ValueError(
                "Mesa draws sections, not volumes; remodel.plots.plot_section "
                "draws the middle plane of one"
            )
        return self.dimensions

    @property
    def random(self) -> Any:
        """The model's chance, as Mesa's spaces have it."""
        return self.model.random

    @property
    def agents(self) -> Any:
        """All agents that have a position."""
        return AgentSet(self.placed(), random=self.model.random)

    @property
    def all_cells(self) -> list[Site]:
        """All sites, column by column."""
        return list(self)

    @property
    def empties(self) -> list[Site]:
        """The sites at which no cell of bone is at work."""
        return [site for site in self if site.is_empty]

    def layer(self, name: str) -> Layer:
        """Return the layer of one field."""
        found: Layer = self._mesa_property_layers[name]
        return found

    def placed(self) -> list[Any]:
        """Return the agents that have a position."""
        return [agent for agent in self.model.agents if agent.pos is not None]

    def __iter__(self) -> Iterator[Site]:
        """Yield all sites, column by column."""
        here: dict[Place, list[Any]] = {}
        for agent in self.placed():
            here.setdefault(agent.pos, []).append(agent)
        for place in product(*map(range, self.dimensions)):
            yield Site(self, place, here.get(place, []))

    def __getitem__(self, place: Place) -> Site:
        """Return the site at (column, row)."""
        counts = self.dimensions
        inside = all(0 <= at < count for at, count in zip(place, counts, strict=True))
        if not inside:
            there = f"{counts[-2]} columns and {counts[-1]} rows"
            raise KeyError(f"no site {place}; there are {there}")
        place = tuple(int(at) for at in place)
        return Site(self, place, [agent for agent in self.placed() if agent.pos == place])

    def __getattr__(self, name: str) -> Any:
        """Return a layer by its name; say what there is where Mesa's own grids have more."""
        if name not in FIELDS or name.startswith("_"):
            raise AttributeError(
                f"the grid of a section has no {name!r}; its layers are {', '.join(FIELDS)}"
            )
        return self.layer(name)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied with the model."""
        return dict(vars(self))

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take over what was copied."""
        self.__dict__.update(state)
