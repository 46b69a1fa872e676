"""Dose-response relations: each signal, the behavior it changes, and by how much."""

from dataclasses import dataclass

from remodel.parameters.fitted_sets import FITTED
from remodel.parameters.quantities import Response


@dataclass(frozen=True, kw_only=True)
class Responses:
    """Dose-response relations: one row for each signal and the behavior it changes."""

    rankl: Response = Response(
        signal="estrogen activity", behavior="RANKL expression", unit="1", dose="1",
        e0=1.0, emax=0.0, ec50=FITTED["responses.rankl.ec50"], hill=FITTED["responses.rankl.hill"], source="assumed", fitted=("ec50", "hill"),
        defined=("e0",),
    )  # fmt: skip
    opg: Response = Response(
        signal="estrogen activity", behavior="OPG secretion", unit="1", dose="1",
        e0=1.0, emax=2.0, ec50=FITTED["responses.opg.ec50"], source="assumed", fitted=("ec50",),
        limits=(0.01, 100.0),  # RANKL is read over it
        defined=("e0",),
    )  # fmt: skip
    recruitment: Response = Response(
        signal="free RANKL", behavior="osteoclast recruitment", unit="1/year", dose="1",
        e0=0.0, emax=FITTED["responses.recruitment.emax"], ec50=FITTED["responses.recruitment.ec50"], hill=FITTED["responses.recruitment.hill"], source="assumed", fitted=("emax", "ec50", "hill"),
    )  # fmt: skip
    rankl_withdrawal: Response = Response(
        signal="free RANKL", behavior="osteoclast apoptosis", unit="1", dose="1",
        e0=7.0, emax=1.0, ec50=FITTED["responses.rankl_withdrawal.ec50"], hill=2.0, source="assumed", fitted=("ec50",),
        defined=("emax",),
    )  # fmt: skip
    osteoclast_apoptosis: Response = Response(
        signal="estrogen activity", behavior="osteoclast apoptosis", unit="1", dose="1",
        e0=1.0, emax=FITTED["responses.osteoclast_apoptosis.emax"], ec50=FITTED["responses.osteoclast_apoptosis.ec50"], hill=3.0, source="assumed", fitted=("emax", "ec50"),
        defined=("e0",),
    )  # fmt: skip
    toxicity: Response = Response(
        signal="bisphosphonate taken up", behavior="osteoclast apoptosis", unit="1", dose="dose",
        e0=1.0, emax=FITTED["responses.toxicity.emax"], ec50=FITTED["responses.toxicity.ec50"], source="assumed", fitted=("emax", "ec50"),
        defined=("e0",),
    )  # fmt: skip
    osteoblast_apoptosis: Response = Response(
        signal="estrogen activity", behavior="osteoblast apoptosis", unit="1", dose="1",
        e0=1.0, emax=FITTED["responses.osteoblast_apoptosis.emax"], ec50=1.0, source="assumed", fitted=("emax",),
        defined=("e0",),
    )  # fmt: skip
    anabolic_overfilling: Response = Response(
        signal="anabolic", behavior="overfilling depth", unit="µm", dose="1",
        e0=0.0, emax=20.0, ec50=1.0, source="assumed",
    )  # fmt: skip
    lining_activation: Response = Response(
        signal="anabolic", behavior="lining cell activation", unit="1/year", dose="1",
        e0=0.0, emax=1.0, ec50=1.0, source="assumed",
    )  # fmt: skip
    osteoblast_survival: Response = Response(
        signal="strain", behavior="osteoblast lifespan", unit="1", dose="1",
        e0=0.0, emax=2.0, ec50=1.0, hill=FITTED["responses.osteoblast_survival.hill"], source="assumed", fitted=("hill",),
        defined=("ec50",),
    )  # fmt: skip
