"""The run on one page of HTML: complete in itself, fit for the screen and for paper."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from inventory.base import Model
from inventory.plain import plain
from inventory.words import words_in
from migrations.plan import Stage
from migrations.report.summary import PassageTime, RunSummary, StageTime, Stroke, UnitSummary
from migrations.report.wording import (
    FORWARD,
    KINDS,
    UNIT_KINDS,
    Say,
    clock,
    counted,
    course,
    duration,
    left_alone,
    longest_pause,
    outcome,
    reason,
    step_word,
)
from migrations.run.stages import STAGES
from migrations.states import STATES, Direction, UnitState, state_word

LEFT, RIGHT, WIDTH = 218.0, 14.0, 1060.0
"""The chart in its own units: where lanes begin, what is free behind them, the whole."""
LANE, GROUP, TOP = 26.0, 22.0, 34.0
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)


class Box(Model):
    """A rectangle of the chart with what is said when one points at it."""

    x: float
    width: float
    style: str
    hint: str = ""
    text: str = ""


class Lane(Model):
    """One unit over time."""

    y: float
    name: str
    title: str
    boxes: tuple[Box, ...]
    pauses: tuple[Box, ...]


class Heading(Model):
    """A word above some lanes."""

    y: float
    text: str


class Tick(Model):
    """A moment on the axis."""

    x: float
    text: str


class Chart(Model):
    """The whole time line."""

    width: float
    height: float
    bottom: float
    headings: tuple[Heading, ...]
    lanes: tuple[Lane, ...]
    stages: tuple[Box, ...]
    ticks: tuple[Tick, ...]


class Strip(Model):
    """The cutover of one unit in one passage, on a scale of its own kind: all strips share it."""

    name: str
    way: str
    boxes: tuple[Box, ...]
    pauses: tuple[Box, ...]
    pause: str
    whole: str


class Scale:
    """Puts moments onto the chart."""

    def __init__(self, begin: float, end: float, left: float, width: float) -> None:
        self._begin = begin
        self._span = max(end - begin, 0.001)
        self._left = left
        self._width = width

    def x(self, moment: float) -> float:
        """Return where a moment lies."""
        return round(self._left + self._width * min(1.0, max(0.0, (moment - self._begin) / self._span)), 2)

    def box(self, begin: float, end: float, style: str, hint: str = "", least: float = 0.6) -> Box:
        """Return the rectangle of a span of time; what is too short to be seen is made `least` wide."""
        x = self.x(begin)
        return Box(x=x, width=max(least, round(self.x(end) - x, 2)), style=style, hint=hint)


def _shown(value: object) -> object:
    """Write control characters out: a page can be made to read otherwise than it stands as well."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def write_page(summary: RunSummary, path: Path, language: str) -> None:
    """Write the page in a language, such as en or zh."""
    say = words_in(language)
    style = Markup((Path(__file__).parent / "page.css").read_text())  # noqa: S704 - our own file
    text = _environment(say).get_template("page.html.j2").render(
        say=say,
        language="zh-CN" if language == "zh" else language,
        style=style,
        run=summary,
        outcome=outcome(summary, say),
        reason=reason(summary, say),
        course=course(summary, say),
        counted=counted(summary),
        pause_there=longest_pause(summary.units, *FORWARD),
        pause_back=longest_pause(summary.units, Direction.BACK),
        chart=chart(summary, say),
        strips=tuple(_strips(summary, say)),
        legend=_legend(summary, say),
        rows=tuple(_rows(summary, say)),
        stages=tuple(_stage_rows(summary, say)),
        verbs=_verbs(summary, say),
        left_alone=left_alone(summary.untouched, say),
    )
    # Two commands may write it at once.
    scratch = path.with_name(f"{path.name}.{os.getpid()}")
    scratch.write_text(text)
    scratch.replace(path)


def _environment(say: Say) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_shown,
    )
    environment.filters["duration"] = partial(duration, say=say)
    environment.filters["clock"] = clock
    return environment


def chart(summary: RunSummary, say: Say) -> Chart:
    """Lay the time line out."""
    scale = Scale(summary.begin, summary.end, LEFT, WIDTH - LEFT - RIGHT)
    y = TOP + 12
    lanes: list[Lane] = []
    headings: list[Heading] = []
    for kind in KINDS:
        units = [unit for unit in summary.units if unit.kind == kind]
        if units:
            headings.append(Heading(y=y + 8, text=say(KINDS[kind])))
            y += GROUP
        for unit in units:
            lanes.append(_lane(unit, scale, y, say))
            y += LANE
        y += 6 if units else 0
    return Chart(
        width=WIDTH,
        height=y + 26,
        bottom=y,
        headings=tuple(headings),
        lanes=tuple(lanes),
        stages=tuple(_bands(summary, scale, say)),
        ticks=tuple(_ticks(summary, scale)),
    )


def _lane(unit: UnitSummary, scale: Scale, y: float, say: Say) -> Lane:
    boxes = tuple(
        scale.box(
            bar.begin,
            bar.end,
            bar.state,
            f"{unit.name}: {state_word(unit.kind, bar.state, say)}, {duration(bar.end - bar.begin, say)}",
        )
        for bar in unit.bars
        if bar.state is not UnitState.PLANNED
    )
    pauses = tuple(
        scale.box(gap.begin, gap.begin + gap.seconds, "pause", f"{probe.name}: {duration(gap.seconds, say)}", least=2.4)
        for felt in unit.felt
        for probe in felt.probes
        for gap in probe.gaps
    )
    return Lane(y=y, name=unit.name, title=unit.title if unit.title != unit.name else "", boxes=boxes, pauses=pauses)


def _bands(summary: RunSummary, scale: Scale, say: Say) -> Iterator[Box]:
    spans: tuple[StageTime | PassageTime, ...] = summary.stages or summary.passages
    for number, span in enumerate(spans):
        word = STAGES.get(span.name, span.name) if isinstance(span, StageTime) else span.direction.value
        box = scale.box(
            span.begin,
            span.end,
            "odd" if number % 2 else "even",
            f"{say(word)}: {duration(span.end - span.begin, say)}",
        )
        text = say(word)
        # Chinese letters are twice as wide; what does not fit is left to the table below.
        needed = sum(11 if ord(letter) > 0x2E80 else 6 for letter in text) + 6
        yield box.model_copy(update={"text": text if box.width >= needed else ""})


def _ticks(summary: RunSummary, scale: Scale) -> Iterator[Tick]:
    span = summary.end - summary.begin
    step = next((each for each in STEPS if span / each <= 10), STEPS[-1])
    for number in range(int(span // step) + 1):
        seconds = number * step
        hours, minutes = divmod(seconds // 60, 60)
        text = f"{hours}:{minutes:02d}:{seconds % 60:02d}" if hours else f"{minutes}:{seconds % 60:02d}"
        yield Tick(x=scale.x(summary.begin + seconds), text=text)


def _cutovers(summary: RunSummary) -> Iterator[tuple[UnitSummary, PassageTime, tuple[Stroke, ...]]]:
    """Yield each unit's cutover there and back; of several the one that users felt most, which the table tells."""
    # Of lines nobody feels anything unless packets are lost: their strips would all be the same.
    told = [unit for unit in summary.units if unit.kind != "line" or any(felt.packets_lost for felt in unit.felt)]
    for unit in told:
        for direction in (Direction.FORWARD, Direction.BACK):
            taken = [
                (passage, strokes)
                for passage in summary.passages
                if passage.direction is direction and (strokes := _cutover_in(unit, passage))
            ]
            if taken:
                passage, strokes = max(taken, key=lambda each: _pause(unit, each[0]))
                yield unit, passage, strokes


def _cutover_in(unit: UnitSummary, passage: PassageTime) -> tuple[Stroke, ...]:
    return tuple(s for s in unit.strokes if s.passage == passage.number and s.stage is Stage.CUTOVER)


def _pause(unit: UnitSummary, passage: PassageTime) -> float:
    return max((felt.downtime or 0.0 for felt in unit.felt if felt.passage == passage.number), default=0.0)


def _strips(summary: RunSummary, say: Say) -> Iterator[Strip]:
    every = tuple(_cutovers(summary))
    longest = max((strokes[-1].end - strokes[0].begin for _unit, _passage, strokes in every), default=1.0)
    for unit, passage, strokes in every:
        begin, end = strokes[0].begin, strokes[-1].end
        scale = Scale(begin, begin + longest, 0.0, 100.0)
        felt = next((felt for felt in unit.felt if felt.passage == passage.number), None)
        gaps = [gap for probe in (felt.probes if felt else ()) for gap in probe.gaps]
        yield Strip(
            name=unit.name,
            way=say("there") if passage.direction is Direction.FORWARD else say("back"),
            boxes=tuple(_step_box(scale, stroke, say) for stroke in strokes),
            pauses=tuple(
                scale.box(gap.begin, gap.begin + gap.seconds, "pause", duration(gap.seconds, say), 0.25)
                for gap in gaps
                if gap.begin + gap.seconds >= begin and gap.begin <= end
            ),
            pause=duration(felt.downtime if felt else None, say),
            whole=duration(end - begin, say),
        )


def _step_box(scale: Scale, stroke: Stroke, say: Say) -> Box:
    word = step_word(stroke.step, say)
    told = f"{word}: {duration(stroke.end - stroke.begin, say)}"
    box = scale.box(stroke.begin, stroke.end, "failed" if stroke.failed else "step", told, 0.2)
    return box.model_copy(update={"text": word})


def _legend(summary: RunSummary, say: Say) -> tuple[tuple[str, str], ...]:
    used = {bar.state for unit in summary.units for bar in unit.bars} - {UnitState.PLANNED}
    return tuple((state.value, say(STATES[state])) for state in STATES if state in used)


class Row(Model):
    """A unit in the table."""

    unit: UnitSummary
    kind: str
    state: str
    there: float | None
    back: float | None
    requests_failed: int | None
    packets_lost: int | None


def _rows(summary: RunSummary, say: Say) -> Iterator[Row]:
    every = (*FORWARD, Direction.BACK)
    for unit in summary.units:
        looked = bool(unit.felt)
        yield Row(
            unit=unit,
            kind=say(KINDS[unit.kind]),
            state=state_word(unit.kind, unit.state, say),
            there=unit.worst(*FORWARD),
            back=unit.worst(Direction.BACK),
            requests_failed=unit.total("requests_failed", *every) if looked and unit.kind == "system" else None,
            packets_lost=unit.total("packets_lost", *every) if looked and unit.kind == "line" else None,
        )


class Share(Model):
    """A stage in the table of stages."""

    name: str
    seconds: float
    share: float
    """Of the longest one, in per cent."""
    failure: str


def _stage_rows(summary: RunSummary, say: Say) -> Iterator[Share]:
    longest = max((stage.end - stage.begin for stage in summary.stages), default=1.0) or 1.0
    for stage in summary.stages:
        seconds = stage.end - stage.begin
        name = say(STAGES.get(stage.name, stage.name))
        yield Share(name=name, seconds=seconds, share=round(100 * seconds / longest, 1), failure=stage.failure)


def _verbs(summary: RunSummary, say: Say) -> tuple[Share, ...]:
    """Add up the time of steps by verb, over all units and passages; what runs at the same time counts twice."""
    times: dict[str, float] = {}
    for unit in summary.units:
        for stroke in unit.strokes:
            step = step_word(stroke.step.split("/")[0], say)
            verb = say("{kind} {step}").format(kind=say(UNIT_KINDS[unit.kind]), step=step)
            verb += f" ({say('undo')})" if stroke.deed == "undo" else ""
            times[verb] = times.get(verb, 0.0) + stroke.end - stroke.begin
    longest = max(times.values(), default=1.0) or 1.0
    ranked = sorted(times.items(), key=lambda item: -item[1])[:8]
    return tuple(Share(name=n, seconds=s, share=round(100 * s / longest, 1), failure="") for n, s in ranked)
