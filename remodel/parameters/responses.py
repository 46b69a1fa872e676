"""Who tells whom: each signal, the behavior it changes, and by how much."""

from dataclasses import dataclass

from remodel.parameters.fitted_sets import FITTED
from remodel.parameters.quantities import Response


@dataclass(frozen=True, kw_only=True)
class Responses:
    """Who tells whom: one row for each signal and the behavior it changes."""

    rankl: Response = Response(
        signal="estrogen activity", behavior="RANKL expression", unit="1", dose="1",
        rest=1.0, full=0.0, half=FITTED["responses.rankl.half"], power=FITTED["responses.rankl.power"], source="assumed", fitted=("half", "power"),
        defined=("rest",),
    )  # fmt: skip
    opg: Response = Response(
        signal="estrogen activity", behavior="OPG secretion", unit="1", dose="1",
        rest=1.0, full=2.0, half=0.6, source="assumed",
        limits=(0.01, 100.0),  # RANKL is read over it
        defined=("rest",),
    )  # fmt: skip
    recruitment: Response = Response(
        signal="free RANKL", behavior="osteoclast recruitment", unit="1/site/year", dose="1",
        rest=0.0, full=FITTED["responses.recruitment.full"], half=0.2, power=2.0, source="assumed", fitted=("full",),
    )  # fmt: skip
    starvation: Response = Response(
        signal="free RANKL", behavior="wear of osteoclasts", unit="1", dose="1",
        rest=7.0, full=1.0, half=0.01, power=2.0, source="assumed",
        defined=("full",),
    )  # fmt: skip
    osteoclast_wear: Response = Response(
        signal="estrogen activity", behavior="wear of osteoclasts", unit="1", dose="1",
        rest=1.0, full=FITTED["responses.osteoclast_wear.full"], half=0.6, power=3.0, source="assumed", fitted=("full",),
        defined=("rest",),
    )  # fmt: skip
    poisoning: Response = Response(
        signal="bisphosphonate swallowed", behavior="wear of osteoclasts", unit="1", dose="dose",
        rest=1.0, full=FITTED["responses.poisoning.full"], half=FITTED["responses.poisoning.half"], source="assumed", fitted=("full", "half"),
        defined=("rest",),
    )  # fmt: skip
    osteoblast_wear: Response = Response(
        signal="estrogen activity", behavior="wear of osteoblasts", unit="1", dose="1",
        rest=1.0, full=FITTED["responses.osteoblast_wear.full"], half=1.0, source="assumed", fitted=("full",),
        defined=("rest",),
    )  # fmt: skip
    apron: Response = Response(
        signal="anabolic", behavior="depth built beyond a cavity", unit="um", dose="1",
        rest=0.0, full=20.0, half=1.0, source="assumed",
    )  # fmt: skip
    overload: Response = Response(
        signal="strain", behavior="depth built beyond a cavity", unit="um", dose="1",
        rest=0.0, full=20.0, half=1.3, power=8.0, source="assumed",
    )  # fmt: skip
    lining: Response = Response(
        signal="anabolic", behavior="lining cells that begin to build", unit="1/site/year", dose="1",
        rest=0.0, full=1.0, half=1.0, source="assumed",
    )  # fmt: skip
    strain: Response = Response(
        signal="strain", behavior="life of osteoblasts", unit="1", dose="1",
        rest=0.0, full=2.0, half=1.0, power=FITTED["responses.strain.power"], source="assumed", fitted=("power",),
        defined=("half",),
    )  # fmt: skip
