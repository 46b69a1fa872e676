"""The section as a grid of Mesa, and Mesa's own drawing of it."""

import warnings

import mesa
import numpy as np
import pytest
import solara
from helpers import build, state_of
from matplotlib.figure import Figure
from mesa.discrete_space import OrthogonalVonNeumannGrid
from mesa.discrete_space.property_layer import PropertyLayer

from remodel.model.cells import Osteoblast, Osteoclast
from remodel.model.grid import FIELDS, SectionGrid

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # solara looks at Mesa's hooks when they are imported
    from mesa.visualization import (
        SolaraViz,
        SpaceRenderer,
        make_plot_component,
        make_space_component,
    )  # fmt: skip
    from mesa.visualization.components import AgentPortrayalStyle, PropertyLayerStyle
    from mesa.visualization.mpl_space_drawing import draw_space


@pytest.fixture
def model():
    return build("zoledronate 0-1", rng=4)


def test_it_is_a_grid_of_mesa_without_its_cells(model):
    rows, columns = model.tissue.matrix.shape
    assert isinstance(model.grid, OrthogonalVonNeumannGrid)
    assert model.grid is model.grid
    assert model.grid.dimensions == (columns, rows)
    assert (model.grid.width, model.grid.height) == (columns, rows)
    assert "_cells" not in vars(model.grid)


def test_positions_are_column_and_row(model):
    columns = model.tissue.matrix.shape[1]
    for _ in range(5):
        model.step()
        for cell in model.agents:
            column, row = cell.pos
            assert row * columns + column == cell.site
            assert type(column) is type(row) is int
    with pytest.raises(AttributeError, match="follows from its site"):
        cell.pos = (0, 0)


def test_its_agents_are_those_of_the_model(model):
    assert set(model.grid.agents) == set(model.agents)
    for cell in model.agents:
        assert cell in model.grid[cell.pos].agents


def test_layers_are_views_of_the_section_as_it_is(model):
    tissue = model.tissue
    assert list(model.grid._mesa_property_layers) == list(FIELDS)
    layers = {name: getattr(model.grid, name) for name in FIELDS}
    model.run(0.5)
    for name, layer in layers.items():
        assert isinstance(layer, PropertyLayer)
        assert layer.name == name
        assert layer.data.shape == model.grid.dimensions == layer.dimensions
        holder = model.environment if name == "strain" else tissue
        assert np.array_equal(layer.data, getattr(holder, name).T)
        own = name not in ("mineral", "strain")  # which are worked out when they are asked for
        assert np.shares_memory(layer.data, getattr(holder, name)) == own
    assert layers["bisphosphonate"].data.any()


def test_what_mesa_writes_into_a_layer_is_in_the_section(model):
    layer = model.grid.matrix
    layer.set_cells(0.25)
    assert (model.tissue.matrix == 0.25).all()
    layer.modify_cells(np.multiply, 2.0)
    assert (model.tissue.matrix == 0.5).all()
    layer.data = np.full(layer.dimensions, 1.0)
    assert model.tissue.matrix_at[0] == 1.0
    assert layer.aggregate(np.mean) == 1.0
    for worked_out in (model.grid.mineral, model.grid.strain):
        with pytest.raises(ValueError, match="read-only"):
            worked_out.data[0, 0] = 1.0


def test_single_sites_are_made_when_they_are_asked_for(model):
    cell = next(iter(model.agents))
    site = model.grid[cell.pos]
    assert site.coordinate == cell.pos
    assert not site.is_empty
    assert site.matrix == model.tissue.matrix_at[cell.site]
    sites = model.grid.all_cells
    assert len(sites) == model.tissue.matrix.size
    assert sum(len(each.agents) for each in sites) == len(model.agents)
    assert len(model.grid.empties) == len(sites) - len({cell.pos for cell in model.agents})
    with pytest.raises(KeyError, match="columns"):
        model.grid[-1, 0]
    with pytest.raises(AttributeError, match="its fields are matrix"):
        site.water  # noqa: B018
    with pytest.raises(AttributeError, match="its layers are matrix"):
        model.grid.water  # noqa: B018


def test_looking_changes_nothing(model):
    before, other = state_of(model), build("zoledronate 0-1", rng=4)
    for site in model.grid:
        assert site.strain > 0
    assert all(np.array_equal(before[name], now) for name, now in state_of(model).items())
    model.run(0.2)
    other.run(0.2)
    assert model.frame().equals(other.frame())


def draw_cell(cell):
    return AgentPortrayalStyle(color="red" if isinstance(cell, Osteoclast) else "blue", size=9)


def draw_layer(layer):
    shown = PropertyLayerStyle(colormap="bone", vmin=0, vmax=1, colorbar=False)
    return shown if layer.name == "mineral" else None


def renderer(model):
    """Return Mesa's renderer, set up as each version asks for it."""
    made = SpaceRenderer(model, backend="matplotlib")
    if hasattr(made, "setup_agents"):
        made.setup_agents(draw_cell)
        made.setup_propertylayer(draw_layer)
        made.draw_agents()
        made.draw_propertylayer()
    else:
        made.draw_agents(draw_cell)
        made.draw_propertylayer(draw_layer)
    return made


def drawn(axes, model):
    """Assert that axes show the mineral and each cell where it is."""
    (image,) = axes.images
    assert np.array_equal(image.get_array(), model.tissue.mineral)
    assert image.origin == "lower"
    dots = [tuple(map(int, at)) for each in axes.collections for at in each.get_offsets()]
    assert sorted(dots) == sorted(cell.pos for cell in model.agents)


def test_the_renderer_of_mesa_draws_it(model):
    drawn(renderer(model).canvas, model)


def test_the_drawing_of_mesa_draws_it(model):
    axes = Figure().add_subplot()
    draw_space(model.grid, draw_cell, propertylayer_portrayal=draw_layer, ax=axes, draw_grid=False)
    drawn(axes, model)


@pytest.fixture
def page():
    """Render things like a page does, and put them away."""
    open_ones = []

    def show(component):
        _, context = solara.render(component, handle_error=False)
        open_ones.append(context)
        return context

    yield show
    for context in open_ones:
        context.close()


@pytest.mark.parametrize("backend", ["matplotlib", "altair"])
def test_a_space_component_draws_it(model, page, backend):
    if backend == "altair":
        component = make_space_component(lambda _: {"color": "red"}, backend=backend)
    else:
        component = make_space_component(draw_cell, draw_layer, draw_grid=False)
    page(component(model))


def test_a_plot_component_draws_what_is_collected(model, page):
    model.step()
    component, _ = make_plot_component(["lumbar_spine", "osteoclasts"])
    page(component(model))


PARAMS = {
    "drug": {"type": "Select", "value": "none", "values": ["none", "denosumab"], "label": "Drug"},
    "estradiol": {"type": "SliderFloat", "value": 20.0, "min": 0, "max": 400, "label": "E2"},
    "age": {"type": "SliderInt", "value": 64, "min": 18, "max": 110, "step": 1, "label": "Age"},
    "seed": {"type": "InputText", "value": 42, "label": "Random Seed"},
}


@pytest.mark.parametrize("with_renderer", [True, False])
def test_the_page_of_mesa_steps_and_resets_it(page, with_renderer):
    """As its tutorial writes it; after Reset the model is the one that the sliders describe."""
    import ipyvuetify as v

    model = solara.reactive(build(rng=4))
    shown = {"renderer": renderer(model.value)} if with_renderer else {}
    space = [] if with_renderer else [make_space_component(draw_cell, draw_layer, draw_grid=False)]
    small = {"parameters": model.value.parameters}

    @solara.component
    def Root():  # noqa: N802
        with solara.AppLayout():
            SolaraViz(
                model,
                components=[*space, make_plot_component("lumbar_spine")],
                model_params=PARAMS | small,
                **shown,
            )

    context = page(Root())
    for _ in range(2):
        context.find(v.Btn, children=["Step"]).widget.click()
    assert model.value.steps == 2
    context.find(v.Slider, label="E2").widget.v_model = 200.0
    context.find(v.Slider, label="Age").widget.v_model = 70
    context.find(v.Select, label="Drug").widget.v_model = "denosumab"
    field = context.find(v.TextField, label="Random Seed").widget
    field.v_model = "7"
    field.fire_event("focusout")
    context.find(v.Btn, children=["Reset"]).widget.click()
    new = model.value
    assert (new.steps, new.seed) == (0, 7)
    assert (new.patient.estradiol, new.patient.age) == (200.0, 70.0)
    assert [course.drug for course in new.treatment.courses] == ["denosumab"]
    context.find(v.Btn, children=["Step"]).widget.click()
    assert new.steps == 1


def test_cells_stay_where_their_unit_began(model):
    """They move its floor; where in the cavity they are drawn is for pictures to say."""
    begun = {cell: (cell.pos, cell.unit.site) for cell in model.agents_by_type[Osteoblast]}
    for _ in range(10):
        model.step()
    for cell, (place, site) in begun.items():
        assert (cell.pos, cell.site) == (place, site)
    assert mesa.Agent in Osteoblast.__mro__
    assert isinstance(model.grid, SectionGrid)


def test_a_volume_is_a_grid_too():
    model = build(rng=4, section__depth=0.5, time__spin_up=0.5, section__height=0.5)
    rows, columns, depth = model.tissue.matrix.shape
    assert model.grid.dimensions == (depth, columns, rows)
    sites = model.grid.all_cells
    assert len(sites) == model.tissue.matrix.size
    assert sum(len(each.agents) for each in sites) == len(model.agents) > 0
    for cell in model.agents:
        assert cell in model.grid[cell.pos].agents
        assert model.grid[cell.pos].matrix == model.tissue.matrix_at[cell.site]
    with pytest.raises(KeyError, match="columns"):
        model.grid[0, columns, 0]
    for draw in (renderer, lambda it: draw_space(it.grid, draw_cell, ax=Figure().add_subplot())):
        with pytest.raises(ValueError, match="Mesa draws sections, not volumes"):
            draw(model)
