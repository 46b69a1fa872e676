"""What reaches the cells of a patient in one step, of the body and of drugs."""

from dataclasses import dataclass


@dataclass
class Exposure:
    """What reaches the cells in one step.

    Attributes
    ----------
    estradiol : float
        Without what the ovaries add, pmol/L.
    peripheral : float
        The part of it that the body makes itself; `Treatment.expose` adds it up in the end, pmol/L.
    ovarian, cycling : float
        What the ovaries add in a cycle in which they work, pmol/L, and the fraction of those.
    serm, serm_efficacy : float
        Level of SERMs over their dissociation constant, and their mean efficacy.
    antibody : float
        Antibody against RANKL over its dissociation constant.
    bisphosphonate : float
        Doses that bind to each exposed surface site in this step.
    anabolic, rankl, load : float
        Call for bone beyond a cavity; RANKL expression and strain that are added.
    apoptosis, expression : float
        Factors on the apoptosis rate of osteoblasts and on the RANKL expression that follows estrogen.
    """

    estradiol: float
    ovarian: float = 0.0
    cycling: float = 1.0
    serm: float = 0.0
    serm_efficacy: float = 0.0
    antibody: float = 0.0
    bisphosphonate: float = 0.0
    anabolic: float = 0.0
    rankl: float = 0.0
    load: float = 0.0
    apoptosis: float = 1.0
    expression: float = 1.0
    peripheral: float = 0.0
