"""A woman: her age and the estradiol that she makes."""

from dataclasses import dataclass

from remodel.quantities import Group, par


@dataclass(frozen=True, kw_only=True)
class Patient(Group):
    """A postmenopausal woman at the start of observation."""

    age: float = par(64.0, "year", "age at day 0", low=18, high=110, source="assumed")
    estradiol: float = par(
        20.0, "pmol/L", "estradiol without treatment", low=0, high=10_000, source="C021"
    )

    def estradiol_at(self, day: float) -> float:
        """Return the estradiol that she makes on a day, pmol/L."""
        return self.estradiol
