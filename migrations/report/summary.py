"""The summary of a run: the model that the terminal, the page and machines tell of."""

from typing import Any, Literal

from inventory.base import Model
from migrations.evidence.chain import ChainVerdict
from migrations.evidence.seen import ProbeResult, WritesVerdict
from migrations.plan import Stage, Untouched
from migrations.report.picture import Picture
from migrations.states import Direction, UnitState

Outcome = Literal["passed", "failed", "unfinished"]


class Bar(Model):
    """A time that a unit spent in one state, in seconds since 1970."""

    state: UnitState
    begin: float
    end: float


class Stroke(Model):
    """One deed for one step, with its time in seconds since 1970."""

    step: str
    """The step's id without its unit, such as prepare/db."""
    deed: str
    stage: Stage
    passage: int
    begin: float
    end: float
    failed: str = ""
    """Why it failed; empty where it did not."""


class Felt(Model):
    """What users felt of one unit in one passage."""

    passage: int
    direction: Direction
    downtime: float | None
    """Seconds without a successful request, or of lost echoes; none where nobody looked."""
    succeeded: int
    requests_failed: int
    packets_lost: int
    probes: tuple[ProbeResult, ...]


class UnitSummary(Model):
    """One unit: what became of it, what users felt, what was checked, how long it took."""

    key: str
    name: str
    title: str
    kind: Literal["site", "link", "system", "line"]
    wave: int | None = None
    depth: int = 1
    state: UnitState
    reason: str
    bars: tuple[Bar, ...]
    strokes: tuple[Stroke, ...]
    felt: tuple[Felt, ...]
    writes: WritesVerdict | None
    """The last word on acknowledged writes; none where nobody wrote."""
    checks_passed: int
    checks_failed: int
    checks_unknown: int = 0
    """Checks that could not be made."""
    failures: tuple[str, ...]
    seconds: float | None
    """From the beginning of its first step to the end of its last in the first passage; none without any."""

    @property
    def is_wrong(self) -> bool:
        """Return whether a check failed or was not made, a write is gone, twice or unproven, or users felt too much.

        What they felt counts in the last passage: a move that was taken back and mended is judged anew.
        """
        writes = self.writes
        lost = writes is not None and bool(writes.lost or writes.doubled or writes.unanswered)
        wrong = self.checks_failed > 0 or self.checks_unknown > 0 or lost
        return wrong or any(probe.breaches for felt in self.felt[-1:] for probe in felt.probes)

    @property
    def felt_last(self) -> dict[str, Any] | None:
        """Return what users felt in the passage that was measured last, for machines; None where nobody looked."""
        if not self.felt:
            return None
        last = self.felt[-1]
        breaches = [breach.model_dump(mode="json") for probe in last.probes for breach in probe.breaches]
        return {
            "passage": last.passage,
            "direction": last.direction,
            "downtime_s": last.downtime,
            "requests_failed": last.requests_failed,
            "packets_lost": last.packets_lost,
            "breaches": breaches,
        }

    def worst(self, *directions: Direction) -> float | None:
        """Return the longest time without service in the passages of some directions; None where nobody looked."""
        seen = [felt.downtime for felt in self.felt if felt.direction in directions and felt.downtime is not None]
        return max(seen, default=None)

    def total(self, field: Literal["requests_failed", "packets_lost", "succeeded"], *directions: Direction) -> int:
        """Return a figure summed over the passages of some directions."""
        return sum(int(getattr(felt, field)) for felt in self.felt if felt.direction in directions)


class StageTime(Model):
    """One stage of a rehearsal; times in seconds since 1970."""

    name: str
    begin: float
    end: float
    failure: str


class PassageTime(Model):
    """One passage of the units, forward, back or through their commit; times in seconds since 1970."""

    number: int
    direction: Direction
    begin: float
    end: float
    is_open: bool = False
    """Whether it has not ended yet."""
    short: tuple[str, ...] = ()
    """Keys of the units that did not come to where it was to bring them."""


class RunSummary(Model):
    """A run as it is told."""

    programme: str
    title: str
    plan: str
    """Digest of the plan."""
    world: str
    outcome: Outcome
    reason: str
    begin: float
    end: float
    units: tuple[UnitSummary, ...]
    passages: tuple[PassageTime, ...]
    stages: tuple[StageTime, ...]
    untouched: tuple[Untouched, ...]
    evidence: str
    """Path of the evidence."""
    chain: ChainVerdict
    network: tuple[Picture, ...] = ()
    """Before and as the run has left it; empty where no line is in the plan."""

    def as_json(self) -> dict[str, Any]:
        """Return the object that a rehearsal ends with."""
        return {
            "plan": self.plan,
            "world": self.world,
            "outcome": self.outcome,
            "units": [_told(unit) for unit in self.units],
            "rollback": {
                "outcome": _rollback_outcome(self),
                "units": [
                    {"name": unit.name, "kind": unit.kind, **_figures(unit, (Direction.BACK,))}
                    for unit in self.units
                    if any(felt.direction is Direction.BACK for felt in unit.felt)
                ],
            },
            "evidence": self.evidence,
        }

    def as_whole_json(self) -> dict[str, Any]:
        """Return the same object with the reason, the stages and what became of users' writes."""
        told = self.as_json()
        units = [{**short, "writes": _writes(unit)} for short, unit in zip(told["units"], self.units, strict=True)]
        stages = [{"name": stage.name, "seconds": round(stage.end - stage.begin, 3)} for stage in self.stages]
        return {**told, "reason": self.reason, "units": units, "stages": stages}


def _told(unit: UnitSummary) -> dict[str, Any]:
    return {
        "name": unit.name,
        "kind": unit.kind,
        "state": unit.state,
        **_figures(unit, (Direction.FORWARD, Direction.COMMIT)),
        "checks": {
            "passed": unit.checks_passed,
            "failed": unit.checks_failed,
            **_if_any("unknown", unit.checks_unknown),
        },
        "seconds": None if unit.seconds is None else round(unit.seconds, 3),
    }


def _figures(unit: UnitSummary, directions: tuple[Direction, ...]) -> dict[str, Any]:
    return {
        "downtime_s": unit.worst(*directions),
        "requests_failed": unit.total("requests_failed", *directions),
        "packets_lost": unit.total("packets_lost", *directions),
    }


def _writes(unit: UnitSummary) -> dict[str, int] | None:
    if unit.writes is None:
        return None
    return {
        "acknowledged": unit.writes.acknowledged,
        "lost": len(unit.writes.lost),
        "doubled": len(unit.writes.doubled),
        **_if_any("unanswered", unit.writes.unanswered),
    }


def _if_any(name: str, count: int) -> dict[str, int]:
    """Return a figure that is told only where it is not zero: the third answer."""
    return {name: count} if count else {}


def _rollback_outcome(summary: RunSummary) -> str:
    """Return how the last way back came out: where units came to, and what users felt on it."""
    back = [passage for passage in summary.passages if passage.direction is Direction.BACK]
    if not back:
        return "not-tried"
    if back[-1].is_open:
        return "unfinished"
    felt = (felt for unit in summary.units for felt in unit.felt if felt.passage == back[-1].number)
    failed = any(stage.failure for stage in summary.stages if stage.name in {"back", "verify back"})
    beyond = any(probe.breaches for each in felt for probe in each.probes)
    return "failed" if failed or beyond or back[-1].short else "passed"
