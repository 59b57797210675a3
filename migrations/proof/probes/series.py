"""What probes saw, read from their lines: pure, so that the same lines always give the same figures.

The seconds without a successful request are the longest time between the ends of two successful ones, less the pace of
the probe at that time: a request that waits and then succeeds shows as such a gap, whether or not anything failed.
While a probe was dead it saw nothing, neither good nor bad: that is told as a figure of its own.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal, NamedTuple, Self

from pydantic import Field, TypeAdapter, model_validator
from pydantic_core import PydanticCustomError

from infra.hearing import Sentence
from inventory.base import Model
from migrations.evidence.seen import Gap, ProbeResult, Window
from migrations.proof.probes.agent import CALM

BUDGET = 20.0
"""Requests a second of all probes of a series together, far from any move."""
RESTS = 10
"""So many times as seldom a probe looks there at least, as far as that is once a second."""


class Order(Model):
    """A probe as it is started: which unit of the plan it belongs to, from where it looks and at what."""

    unit: str
    """Key of the unit, such as system:archive."""
    name: str
    kind: str
    vantage: str
    target: str
    every: float
    """Seconds."""

    @property
    def key(self) -> str:
        """Return the probe's name on its vantage, where systemd and files allow only some characters."""
        return f"{self.unit}-{self.name}".replace(":", "-")


def far_from_moves(order: Order, orders: Iterable[Order]) -> float:
    """Return the seconds between two looks far from any move; echoes cost hosts little and are not counted."""
    requests = 0 if order.kind == "ping" else sum(each.kind != "ping" for each in orders)
    return min(CALM, max(min(RESTS * order.every, 1.0), requests / BUDGET))


class Line(NamedTuple):
    """One line of a probe, its time put onto the controller's clock."""

    kind: str
    time: float
    what: dict[str, Any]


class _Told(Model):
    """What a line may say (agent.py); a machine that was broken into writes others."""

    k: Literal["begun", "series", "ok", "error", "lost", "count"]
    t: float
    m: float
    at: float = 0.0
    atm: float = 0.0
    n: int = Field(0, ge=0)
    r: str = Field("", pattern=r"^[\w.:-]*$", max_length=200)
    series: str = Field("", pattern=r"^[\w.:-]*$", max_length=200)
    s: int = 0
    ms: float = Field(0.0, ge=0)
    p: float = Field(0.0, ge=0, le=CALM)
    """Seconds that were waited on purpose before the look."""
    w: float = Field(0.0, ge=0, le=CALM)
    """Seconds that are waited on purpose after it, unless something begins to move."""
    why: Sentence = ""
    sent: int = Field(0, ge=0)
    received: int = Field(0, ge=0)
    lost: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if not self.model_fields_set >= _NEEDED[self.k]:
            raise PydanticCustomError("line", "a field is missing from the line")
        return self


_NEEDED = {
    "begun": set[str](),
    "series": {"series"},
    "ok": {"ms"},
    "error": {"ms", "why"},
    "lost": {"at"},
    "count": {"sent", "ms"},
}
_READ = TypeAdapter(_Told)


def parse(text: str, offset: float) -> tuple[Line, ...]:
    """Read a probe's lines; `offset` seconds are added to its clock to get the controller's.

    ValidationError where a line is none of a probe's.
    """
    told = (_READ.validate_json(row) for row in text.split("\n") if row)
    return tuple(Line(one.k, (one.at or one.t) + offset, one.model_dump(exclude_unset=True)) for one in told)


def result(order: Order, lines: Sequence[Line], window: Window) -> ProbeResult:
    """Compute what a probe saw in a window."""
    figures = _echoes(order, lines, window) if order.kind == "ping" else _requests(order, lines, window)
    unseen = round(_unseen(lines, window), 3)
    return ProbeResult(**order.model_dump(), window=window, unseen=unseen, **figures)


def _inside(lines: Iterable[Line], window: Window) -> list[Line]:
    return [line for line in lines if window.begin <= line.time <= window.end]


def _requests(order: Order, lines: Sequence[Line], window: Window) -> dict[str, Any]:
    inside = _inside(lines, window)
    good = [line for line in inside if line.kind == "ok"]
    bad = [line for line in inside if line.kind == "error"]
    gaps = _between_successes(order, lines, window)
    return {
        "succeeded": len(good),
        "failed": len(bad),
        "lost": 0,
        "downtime": round(max((gap.seconds for gap in gaps), default=0.0), 3),
        "gaps": _worth_telling(order, gaps),
        "slowest": round(max((line.what["ms"] for line in good), default=0.0) / 1000, 4),
        "reasons": tuple(dict.fromkeys(str(line.what["why"]) for line in bad))[:10],
        "blind": not good and not bad,
    }


def _lives(lines: Sequence[Line]) -> list[list[Line]]:
    """Return the lines of each time that the probe was started."""
    lives: list[list[Line]] = []
    for line in lines:
        if line.kind == "begun" or not lives:
            lives.append([])
        lives[-1].append(line)
    return lives


def _unseen(lines: Sequence[Line], window: Window) -> float:
    """Return for how many seconds of a window no probe ran: before the first, and from each one's end to the next."""
    lives = _lives(lines)
    spans = [(window.begin, lives[0][0].time)] if lives else [(window.begin, window.end)]
    spans += [(before[-1].time, after[0].time) for before, after in pairwise(lives)]
    return sum(max(0.0, min(end, window.end) - max(begin, window.begin)) for begin, end in spans)


def _between_successes(order: Order, lines: Sequence[Line], window: Window) -> list[Gap]:
    """Return the times between successes that touch the window, the open ones at its ends included."""
    lives = _lives(lines)
    spans: list[tuple[float, float, float]] = []
    for life in lives:
        ends = [(line.time, _pace(order, line)) for line in life if line.kind == "ok"]
        # A probe that saw no success to the end of what is known has a gap that is still open.
        last = max(life[-1].time, window.end) if life is lives[-1] else life[-1].time
        moments = sorted([(life[0].time, order.every), *ends, (last, pace_after(order, life[-1]))])
        spans += ((a, b, pace) for (a, _), (b, pace) in pairwise(moments))
    touching = [(a, b - a - pace) for a, b, pace in spans if b >= window.begin and a <= window.end]
    return [Gap(begin=round(begin, 3), seconds=round(max(0.0, seconds), 3)) for begin, seconds in touching]


def _pace(order: Order, line: Line) -> float:
    """Return the seconds that passed on purpose before a look."""
    return max(order.every, float(line.what.get("p", 0.0)))


def pace_after(order: Order, line: Line) -> float:
    """Return the seconds that may pass on purpose after a line, and those before it if they were more."""
    return max(_pace(order, line), float(line.what.get("w", 0.0)))


def _worth_telling(order: Order, gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    long = [gap for gap in gaps if gap.seconds >= max(0.1, order.every)]
    return tuple(sorted(long, key=lambda gap: -gap.seconds)[:10])


def _echoes(order: Order, lines: Sequence[Line], window: Window) -> dict[str, Any]:
    counts = [line for line in lines if line.kind == "count"]
    missing = [line.time for line in lines if line.kind == "lost"]
    lost = [moment for moment in missing if window.begin <= moment <= window.end]
    inside = _inside(counts, window)
    runs = _runs(order, lost)
    return {
        "succeeded": max(0, round(_sent(counts, window.end) - _sent(counts, window.begin)) - len(lost)),
        "failed": 0,
        "lost": len(lost),
        "downtime": max((gap.seconds for gap in runs), default=0.0),
        "gaps": tuple(sorted(runs, key=lambda gap: -gap.seconds)[:10]),
        "slowest": round(max((line.what["ms"] for line in inside), default=0.0) / 1000, 4),
        "blind": not inside,
    }


def _sent(counts: Sequence[Line], moment: float) -> float:
    """Return how many echoes had been sent at a moment, between two counts in proportion; a restart counts on."""
    total, before = 0.0, None
    for line in counts:
        sent = float(line.what["sent"])
        grown = sent - before.what["sent"] if before is not None and sent >= before.what["sent"] else sent
        if line.time > moment:
            span = line.time - before.time if before is not None else 0.0
            return total + (grown * max(0.0, moment - before.time) / span if before is not None and span > 0 else 0.0)
        total, before = total + grown, line
    return total


def _runs(order: Order, lost: Sequence[float]) -> list[Gap]:
    """Join lost echoes that follow each other into the times that they span."""
    gaps: list[Gap] = []
    first = last = 0.0
    for moment in sorted(lost):
        if last and moment - last <= 5 * order.every:
            last = moment
            gaps[-1] = Gap(begin=first, seconds=round(last - first + order.every, 3))
            continue
        first = last = moment
        gaps.append(Gap(begin=first, seconds=round(order.every, 3)))
    return gaps


def acknowledged(lines: Iterable[Line]) -> tuple[str, ...]:
    """Return the references whose writes were answered with success."""
    return tuple(line.what["r"] for line in lines if line.kind == "ok" and "r" in line.what)


def prefixes(lines: Iterable[Line]) -> tuple[str, ...]:
    """Return what the references of a probe begin with, one prefix for each of its series."""
    return tuple(dict.fromkeys(str(line.what["series"]) for line in lines if "series" in line.what))
