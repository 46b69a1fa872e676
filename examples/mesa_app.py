"""Mesa's own page on the model: sliders, Play and Reset, cells on bone, curves.

Run it with `solara run examples/mesa_app.py`; it needs the extra `viewer`. Sliders act at the next
Reset. Estradiol, age and exercise are those to which the section has come to rest, so that it is the
drug that moves the curves. The page of the package itself, `remodel view`, shows more.
"""

from mesa.visualization import Slider, SolaraViz, make_plot_component, make_space_component
from mesa.visualization.components import AgentPortrayalStyle, PropertyLayerStyle

from remodel import BoneModel
from remodel.model.cell_types import type_of

DRUGS = ["none", "anastrozole", "tamoxifen", "denosumab", "zoledronate", "teriparatide"]


def draw_cell(cell):
    """Return how a cell is drawn: in the color of its type."""
    return AgentPortrayalStyle(color=type_of(cell).color, size=6)


def draw_layer(layer):
    """Return how a field of the section is drawn: its mineral, and nothing else."""
    bone = PropertyLayerStyle(colormap="bone", vmin=0, vmax=1, colorbar=False)
    return bone if layer.name == "mineral" else None


page = SolaraViz(
    BoneModel(drug="anastrozole", rng=1),
    components=[
        make_space_component(draw_cell, draw_layer, draw_grid=False),
        make_plot_component(["lumbar_spine", "total_hip"]),  # percent change since day 0
    ],
    model_params={
        "drug": {"type": "Select", "value": "anastrozole", "values": DRUGS, "label": "Drug"},
        "estradiol": Slider("Estradiol (pmol/L)", 20, 0, 200, 5),
        "age": Slider("Age (years)", 64, 40, 90, 1),
        "exercise": Slider("Exercise (hours a week)", 0, -5, 10, 1),
        "rng": Slider("Seed", 1, 0, 20, 1),
    },
    name="Bone remodeling",
)
