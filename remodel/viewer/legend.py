"""What the colors and marks of a section mean."""

from dataclasses import dataclass

from remodel.model.cell_types import CELL_TYPES
from remodel.report.palette import BONE, CAVITY, CEMENT, MARROW, OSTEOID, REFILLED
from remodel.viewer.overlays import OVERLAYS
from remodel.viewer.section_image import RAMP


@dataclass(frozen=True)
class Key:
    """One line of a key: a color, whether its mark is round, and its meaning."""

    color: str
    label: str
    round: bool = False


KEYS = (
    *(Key(one.color, one.caption, one.round) for one in CELL_TYPES),
    Key(CAVITY, "eroded, by osteoclasts or in reversal"),
    Key(REFILLED, "still to be refilled"),
    Key(OSTEOID, "osteoid and newest bone"),
    Key(BONE[0], "young bone"),
    Key(BONE[-1], "old bone"),
    Key(CEMENT, "cement line: new bone meets old"),
    Key(MARROW, "marrow"),
)
SWATCH = "display:inline-block;width:.9em;height:.9em;margin:0 .3em -.1em 0;border:1px solid #888"


def legend_html(overlay: str) -> str:
    """Return the key as HTML, with the range of an overlay's colors."""
    keys = "".join(
        f'<span class="key"><i style="{SWATCH};background:{key.color};'
        f'border-radius:{"50%" if key.round else "0"}"></i>{key.label}</span>'
        for key in KEYS
    )
    return f'<div class="legend">{keys}{scale_html(overlay)}</div>'


def scale_html(overlay: str) -> str:
    """Return the range of an overlay's colors, if there is one."""
    if overlay not in OVERLAYS:
        return ""
    shown = OVERLAYS[overlay]
    none = " (gray: none)" if shown.absent else ""
    bar = f"background:linear-gradient(to right,{','.join(RAMP)})"
    return (
        f'<span class="key scale">{shown.label}: {shown.low:g} '
        f'<i style="display:inline-block;width:6em;height:.9em;{bar}"></i> {shown.high:g}{none}</span>'
    )
