"""What a teacher takes home: a picture, the readings, the run as a trial file and a record."""

from collections.abc import Iterator
from dataclasses import replace
from math import ceil
from typing import Any

import pandas as pd
import tomli_w
from PIL import Image, ImageDraw, ImageFont

from remodel.clinic.lifestyle import year_of
from remodel.clinic.trials import LONGEST, Arm, Trial
from remodel.model.bone_model import BoneModel
from remodel.model.observer import COLUMNS
from remodel.model.snapshot import plane_of
from remodel.parameters.parameters import Parameters
from remodel.parameters.quantities import check
from remodel.report.fonts import font_file
from remodel.runs.record import as_csv, describe, record_text, results
from remodel.runs.results import summarize
from remodel.viewer.legend import KEYS
from remodel.viewer.player import Player
from remodel.viewer.section_image import as_picture, as_png, pixels_of

PIXELS = 4.0  # µm, side of a pixel in a saved picture
LINE, COLUMN = 24, 320  # pixels of a line and of a column of the key
ENDPOINTS = ("lumbar_spine", "total_hip", "trabecular_bmd", "cortical_bmd", "ctx", "p1np")


def readings(player: Player) -> pd.DataFrame:
    """Return what was read so far, in the form of `run_trial`: a row for each arm and reading."""
    frames = []
    for arm, model in zip(player.scene.arms, player.models, strict=True):
        frame = pd.DataFrame(model.meter.rows_to_now(), columns=list(COLUMNS))
        frame.insert(0, "arm", arm.name)
        frames.append(frame)
    whole = pd.concat(frames, ignore_index=True)
    whole.insert(0, "seed", player.scene.seed)
    whole.insert(0, "replicate", 0)
    return whole


def readings_csv(player: Player) -> str:
    """Return the readings as CSV."""
    return as_csv(readings(player))


def as_trial(player: Player) -> Trial:
    """Return what was done so far as a trial, which repeats it to the last bit.

    Raises
    ------
    ValueError
        If nothing has been played yet.
    """
    end = year_of(player.model.day)
    check("played time", end, "year", player.model.days / 366, LONGEST)
    arms = tuple(
        played_arm(arm, model, end)
        for arm, model in zip(player.scene.arms, player.models, strict=True)
    )
    names, trial = [arm.name for arm in arms], player.scene.trial
    rows, drugs = (trial.published, trial.drugs) if trial else ((), ())
    default = Parameters().with_drugs(drugs)
    return Trial(
        name=trial.name if trial else "played",
        title=f"As played for {end:.2f} years, on the section {player.scene.section!r}",
        source=trial.source if trial else "",
        on_treatment=end,
        off_treatment=0.0,
        visits=(*(year for year in player.scene.reading_years if year < end), end),
        sites=ENDPOINTS,
        patient=player.scene.arm.patient,
        arms=arms,
        drugs=drugs,
        parameters=player.scene.parameters.differences(default),
        published=tuple(
            row for row in rows
            if row.site in ENDPOINTS and row.arm in names and not row.against and row.year <= end
        ),
    )  # fmt: skip


def played_arm(arm: Arm, model: BoneModel, end: float) -> Arm:
    """Return an arm with all that was done up to a year, and nothing that was to come."""
    return replace(
        arm,
        courses=tuple(
            replace(course, stop=min(course.stop, end)) if course.start < course.stop else course
            for course in model.treatment.courses
            if course.start < end
        ),
        changes=tuple(change for change in model.changes if change.year < end),
    )


def trial_file(player: Player) -> str:
    """Return the run as the text of a trial file."""
    return str(tomli_w.dumps(as_trial(player).as_data()))


def record_file(player: Player) -> str:
    """Return the run as the text of a record, from which `remodel reproduce` repeats it."""
    trial, seed = as_trial(player), player.scene.seed
    provenance: dict[str, Any] = describe(trial, player.scene.parameters, seed, 1)
    frame = readings(player)
    summary = summarize(frame, trial, player.scene.parameters.fracture)
    return record_text(provenance | {"results": results(frame, summary)})


def section_picture(player: Player) -> bytes:
    """Return the sections side by side with their key, as PNG."""
    overlay = player.scene.overlay
    pictures = [
        as_picture(model, overlay, pixels_of(model.tissue, PIXELS)) for model in player.models
    ]
    width = sum(picture.width for picture in pictures)
    height = max(picture.height for picture in pictures)
    columns = max(1, pictures[0].width // COLUMN)
    lines = 2 + ceil(len(KEYS) / columns)
    sheet = Image.new("RGB", (width, height + LINE * lines), "white")
    left = 0
    for arm, picture in zip(player.scene.arms, pictures, strict=True):
        sheet.paste(picture, (left, 0))
        title = f"{arm.name}, year {player.year:.2f}"
        title += f", {plane}" if (plane := plane_of(player.model)) else ""
        write_key(sheet, left, picture.height, title, columns)
        left += picture.width
    return as_png(sheet)


def write_key(sheet: Image.Image, left: int, top: int, title: str, columns: int) -> None:
    """Write a title and what each color and mark means, in some columns."""
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=LINE - 8)
    own = font if title.isascii() else ImageFont.truetype(font_file(title), LINE - 8)
    pen.text((left + 6, top + 3), title, fill="black", font=own)
    for (x, y), key in zip(places(left, top, columns), KEYS, strict=True):
        box = [(x, y + 4), (x + 14, y + 18)]
        shape = pen.ellipse if key.round else pen.rectangle
        shape(box, fill=key.color, outline="#888888")
        pen.text((x + 20, y + 2), key.label, fill="black", font=font)


def places(left: int, top: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield where the lines of the key go."""
    for index in range(len(KEYS)):
        line, column = divmod(index, columns)
        yield left + 8 + COLUMN * column, top + LINE * (1 + line)
