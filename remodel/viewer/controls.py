"""What the teacher turns and presses."""

from collections.abc import Callable, Sequence
from typing import Any

import reacton.ipyvuetify as v
import solara
import solara.lab

from remodel.clinic.trial_files import built_in_trials
from remodel.parameters.drugs import DRUGS
from remodel.parameters.time_steps import YEAR
from remodel.viewer import downloads
from remodel.viewer.narration import say_course
from remodel.viewer.overlays import CHOICES
from remodel.viewer.player import ESTRADIOL, EXERCISE, Player
from remodel.viewer.scene import ALONE, SECTIONS, Scene, choose, trial_keys, trial_scene
from remodel.viewer.session import MONTH, SPEEDS, WEEK, Tab

NO_TRIAL = "none: one patient"
FILES: dict[str, tuple[str, Callable[[Player], str | bytes]]] = {
    "Picture": ("section.png", downloads.section_picture),
    "Data": ("readings.csv", downloads.readings_csv),
    "Trial file": ("played.toml", downloads.trial_file),
    "Record": ("record.json", downloads.record_file),
}
SWITCHES = tuple(name for name in DRUGS if name != "exercise")  # that is a slider


@solara.component
def PlayControls(tab: Tab) -> None:
    """Play, pause, one step, a month, a year, reset; speed."""
    playing, over = tab.playing.value, tab.player.finished
    tab.tick.get()
    solara.lab.use_task(tab.play, dependencies=[playing], prefer_threaded=False)
    with solara.Row(classes=["controls"], gap="6px"):
        Press("Pause" if playing else "Play", tab.toggle, over, True)
        for label, days in (("Step", WEEK), ("Month", MONTH), ("Year", YEAR)):
            Press(label, lambda days=days: tab.advance(days), playing or over)
        Press("Reset", lambda: tab.set_scene())
        solara.Select("each frame", list(SPEEDS), value=tab.speed, dense=True)


@solara.component
def Press(
    label: str, action: Callable[[], Any], disabled: bool = False, main: bool = False
) -> None:
    """Draw a button."""
    solara.Button(
        label, on_click=action, disabled=disabled, color="primary" if main else None, small=True
    )


@solara.component
def Levels(
    label: str, unit: str, levels: Sequence[float], now: float, action: Callable[[float], None]
) -> None:
    """Draw a slider over levels that are not evenly spaced, with its value in words."""
    index = min(range(len(levels)), key=lambda i: abs(levels[i] - now))
    with solara.Div(classes=["levels"]):
        solara.Text(f"{label}: {now:.0f} {unit}" if now >= 9.5 else f"{label}: {now:.2g} {unit}")
        v.Slider(
            v_model=index, on_v_model=lambda i: action(levels[int(i)]), min=0, step=1,
            max=len(levels) - 1, hide_details=True, dense=True, ticks="always",
            attributes={"aria-label": label},
        )  # fmt: skip


@solara.component
def LifeControls(tab: Tab) -> None:
    """Hold endogenous estradiol, and set exercise, during the run."""
    tab.tick.get()
    player = tab.player
    lived, model = player.lived(), player.model
    made = lived.estradiol_at(model.day, model.parameters.habits).mean
    with solara.Row(classes=["life"], gap="18px"):
        Levels(
            "Endogenous estradiol", "pmol/L", ESTRADIOL, round(made, 1),
            lambda level: tab.attempt(lambda: player.hold_estradiol(level)),
        )  # fmt: skip
        Levels(
            "Exercise", "hours a week", EXERCISE, lived.exercise,
            lambda hours: tab.attempt(lambda: player.set_exercise(hours)),
        )  # fmt: skip


@solara.component
def DrugControls(tab: Tab) -> None:
    """Give or stop each drug now."""
    tab.tick.get()
    given, trial = tab.player.given(), tab.player.scene.trial
    drugs = (*SWITCHES, *(drug.name for drug in (trial.drugs if trial else ())))
    DrugSwitches(tuple((d, d in given, say_course(tab.player, d)) for d in drugs), tab)


@solara.component
def DrugSwitches(drugs: tuple[tuple[str, bool, str], ...], tab: Tab) -> None:
    """Draw a switch for each drug: name, whether it is given, label; anew only on a change."""

    def turn(drug: str, on: bool) -> None:
        tab.attempt(lambda: (tab.player.give if on else tab.player.stop)(drug))

    solara.HTML("h3", "Drugs: on is given from now")
    with solara.Div(classes=["drugs"]):
        for drug, given, label in drugs:
            solara.Checkbox(label=label, value=given, on_value=lambda on, drug=drug: turn(drug, on))


@solara.component
def SceneControls(tab: Tab) -> None:
    """Choose trial, arm, comparator, section, seed and overlay."""
    tab.scenes.get()
    scene = tab.player.scene
    trials = [NO_TRIAL, *built_in_trials(), *([tab.file] if tab.file else [])]

    def choose_trial(name: str) -> None:
        choose("trial", name, trials)  # the browser may say anything, such as a path
        start = Scene() if name == NO_TRIAL else trial_scene(name)
        tab.set_scene(trial=start.trial, arm=start.arm, comparator=None)

    def comparator(name: str) -> None:
        tab.attempt(lambda: tab.player.show_comparator(name))
        tab.scenes.value += 1

    solara.HTML("h3", "Scene: a change starts it anew")
    now = trial_keys().get(scene.trial.name, tab.file) if scene.trial else NO_TRIAL
    solara.Select("trial", trials, value=now, on_value=choose_trial)
    if scene.trial:
        arms = {arm.name: arm for arm in scene.trial.arms}
        solara.Select(
            "arm", list(arms), value=scene.arm.name,
            on_value=lambda name: tab.set_scene(arm=arms[name], comparator=None),
        )  # fmt: skip
    solara.Select(
        "comparator (same random numbers)", scene.companions(),
        value=scene.comparator.name if scene.comparator else ALONE, on_value=comparator,
    )  # fmt: skip
    solara.Select(
        "section", list(SECTIONS), value=scene.section,
        on_value=lambda name: tab.set_scene(section=name),
    )  # fmt: skip
    solara.InputInt(
        "seed of all random numbers", scene.seed, on_value=lambda s: tab.set_scene(seed=s)
    )
    if scene.asked:
        solara.HTML("p", f"Parameters: {scene.asked}", classes=["asked"])


@solara.component
def OverlayControl(tab: Tab) -> None:
    """Choose what is laid over the section; the run goes on."""
    tab.scenes.get()

    def show_overlay(name: str) -> None:
        tab.player.show_overlay(name)
        tab.scenes.value += 1
        tab.redraw()

    solara.Select(
        "show", list(CHOICES), value=tab.player.scene.overlay, on_value=show_overlay, dense=True
    )


@solara.component
def SaveControls(tab: Tab) -> None:
    """Save picture, data, trial file and record of what was played so far."""
    tab.tick.get()
    ready = not tab.playing.value and tab.player.model.day > 0
    solara.HTML("h3", "Save" if ready else "Save: play, then pause")
    if ready:
        with solara.Div(classes=["saving"]):
            for label, (file, make) in FILES.items():
                SaveButton(label, file, make, tab.player, tab.player.model.tick)


@solara.component
def SaveButton(
    label: str, file: str, make: Callable[[Player], str | bytes], player: Player, tick: int
) -> None:
    """Draw a button for a file; what it holds is made when it is pressed."""
    data = solara.use_memo(lambda: lambda: make(player), [player.models[-1], tick])
    with solara.FileDownload(data, filename=file):
        Press(label, lambda: None)
