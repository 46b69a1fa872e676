"""Colors and labels of pictures, in print and in the browser."""

# Okabe and Ito's colors, told apart by all kinds of color vision.
BLUE, VERMILLION, GREEN, PINK, ORANGE, SKY, YELLOW = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442",
)  # fmt: skip
BONE = ("#D9B27C", "#A07B50", "#5C4530")  # from fresh to fully mineralized
MINERAL_RANGE = (0.7, 1.0)  # fresh matrix holds the lesser, old bone the greater
CEMENT = "#3A2A1C"  # where new bone meets old
MARROW, OUTSIDE, CAVITY, REFILLED, OSTEOID = "#FBF6EA", "#FFFFFF", "#F3B79D", "#F8EEB4", YELLOW


def as_label(text: str) -> str:
    """Return text that is drawn as it is: a dollar begins no formula, an underscore hides none."""
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")
