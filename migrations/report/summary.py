"""What a run came to, computed from its plan and its evidence and from nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, cast

from inventory.base import Model
from migrations.evidence.chain import ChainVerdict, Record
from migrations.evidence.kinds import (
    PassageBegun,
    PassageEnded,
    ProbeSaw,
    RehearsalEnded,
    StageBegun,
    StageEnded,
    StepBegun,
    StepDone,
    StepFailed,
    UnitChecked,
    UnitMoved,
    WritesJudged,
)
from migrations.evidence.seen import ProbeResult, WritesVerdict
from migrations.plan import Plan, Stage, Unit, Untouched, digest
from migrations.report.picture import Picture
from migrations.states import GOALS, Direction, UnitState

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
    kind: Literal["site", "system", "line"]
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
        """Return what users felt in the passage that was measured last, for machines; none where nobody looked."""
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
        """Return the longest time without service in the passages of some directions; none where nobody looked."""
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


def summarise(
    plan: Plan,
    records: Sequence[Record],
    chain: ChainVerdict,
    *,
    world: str,
    evidence: str,
    titles: Mapping[str, str] | None = None,
) -> RunSummary:
    """Compute a run's summary; `titles` maps units' keys, and `` to the programme's own title, to names for people."""
    names = titles or {}
    stages = tuple(_stages(records))
    begin = min((records[0].time.timestamp() if records else 0.0, *(stage.begin for stage in stages)))
    end = records[-1].time.timestamp() if records else 0.0
    passages = tuple(_passages(records, end))
    reader = _Reader(records, passages, end)
    units = tuple(reader.unit(unit, names.get(unit.key, unit.name)) for unit in plan.units)
    outcome, reason = _outcome(records, units)
    return RunSummary(
        programme=plan.programme,
        title=names.get("", plan.programme),
        plan=digest(plan),
        world=world,
        outcome=outcome,
        reason=reason,
        begin=begin,
        end=end,
        units=units,
        passages=passages,
        stages=stages,
        untouched=plan.untouched,
        evidence=evidence,
        chain=chain,
    )


def _outcome(records: Sequence[Record], units: Sequence[UnitSummary]) -> tuple[Outcome, str]:
    """Return how a run came out: a rehearsal says so itself, any other run is judged by how its last passage ended."""
    ended = [end for _record, end in RehearsalEnded.among(records)]
    if ended:
        return ended[-1].outcome, ended[-1].reason
    marks = [record for record in records if record.kind in {PassageBegun.KIND, PassageEnded.KIND}]
    # A rehearsal that has begun stages and not ended goes on when it is called again.
    staged = any(record.kind in {StageBegun.KIND, StageEnded.KIND} for record in records)
    begun = [passage for _record, passage in PassageBegun.among(marks)]
    if staged or not begun or marks[-1].kind == PassageBegun.KIND:
        return "unfinished", ""
    taken = set(begun[-1].units) or {unit.key for unit in units}
    goals = GOALS[begun[-1].direction]
    wrong = [unit.key for unit in units if unit.key in taken and (unit.state not in goals or unit.is_wrong)]
    return ("failed" if wrong else "passed"), ", ".join(wrong)


def _stages(records: Iterable[Record]) -> Iterator[StageTime]:
    for _record, stage in StageEnded.among(records):
        yield StageTime(name=stage.name, begin=stage.begin, end=stage.end, failure=stage.failure)


def _passages(records: Iterable[Record], end: float) -> Iterator[PassageTime]:
    begun: dict[int, tuple[Direction, float]] = {}
    ended: dict[int, tuple[PassageEnded, float]] = {}
    for record in records:
        if (mark := PassageBegun.of(record)) is not None:
            begun.setdefault(mark.number, (mark.direction, record.time.timestamp()))
        elif (over := PassageEnded.of(record)) is not None:
            ended[over.number] = over, record.time.timestamp()
    for number, (direction, begin) in begun.items():
        closed = ended.get(number)
        yield PassageTime(
            number=number,
            direction=direction,
            begin=begin,
            end=end if closed is None else closed[1],
            is_open=closed is None,
            short=() if closed is None else tuple(_short(closed[0], direction)),
        )


def _short(ended: PassageEnded, direction: Direction) -> Iterator[str]:
    for unit in ended.result.units if ended.result is not None else ():
        if unit.state not in GOALS[direction] or unit.reason:
            yield unit.unit


class _Reader:
    """Reads what the records say of each unit."""

    def __init__(self, records: Sequence[Record], passages: Sequence[PassageTime], end: float) -> None:
        self._passages = passages
        self._end = end
        self._of: dict[str, list[Record]] = {}
        for record in records:
            self._of.setdefault(record.unit, []).append(record)

    def unit(self, unit: Unit, title: str) -> UnitSummary:
        records = self._of.get(unit.key, [])
        # A stage that was verified again, after a kill or a mend, counts as it was found last.
        checks = list({found.stage: found for _record, found in UnitChecked.among(records)}.values())
        writes = [verdict for _record, verdict in WritesJudged.among(records)]
        states = [moved for _record, moved in UnitMoved.among(records)]
        strokes = tuple(self._strokes(unit, records))
        first = min((passage.number for passage in self._passages), default=0)
        taken = [stroke for stroke in strokes if stroke.passage == first]
        return UnitSummary(
            key=unit.key,
            name=unit.name,
            title=title,
            kind=cast("Literal['site', 'system', 'line']", unit.kind.value),
            wave=unit.wave,
            depth=unit.depth,
            state=states[-1].state if states else UnitState.PLANNED,
            reason=states[-1].reason if states else "",
            bars=tuple(self._bars(records)),
            strokes=strokes,
            felt=tuple(self._felt(records)),
            writes=_joined(writes),
            checks_passed=sum(check.passed for check in checks),
            checks_failed=sum(check.failed for check in checks),
            checks_unknown=sum(check.unknown for check in checks),
            failures=tuple(
                dict.fromkeys(f"{failure.check}: {failure.reason}" for each in checks for failure in each.failures)
            ),
            seconds=max(s.end for s in taken) - min(s.begin for s in taken) if taken else None,
        )

    def _bars(self, records: Iterable[Record]) -> Iterator[Bar]:
        changes: list[tuple[UnitState, float]] = []
        for record in records:
            mark = UnitMoved.of(record) or StepBegun.of(record)
            if mark is not None and (not changes or changes[-1][0] is not mark.state):
                changes.append((mark.state, record.time.timestamp()))
        for number, (state, begin) in enumerate(changes):
            end = changes[number + 1][1] if number + 1 < len(changes) else self._end
            yield Bar(state=state, begin=begin, end=end)

    def _strokes(self, unit: Unit, records: Iterable[Record]) -> Iterator[Stroke]:
        stages = {step.id: step.stage for step in unit.steps}
        open_strokes: dict[str, Record] = {}
        for record in records:
            if record.kind == StepBegun.KIND:
                open_strokes[record.step] = record
                continue
            ended = StepDone.of(record) or StepFailed.of(record)
            if ended is not None and record.step in open_strokes:
                begun = open_strokes.pop(record.step)
                yield Stroke(
                    step=record.step.partition("/")[2] or record.step,
                    deed=ended.deed,
                    stage=stages.get(record.step, Stage.PREPARE),
                    passage=ended.passage,
                    begin=begun.time.timestamp(),
                    end=record.time.timestamp(),
                    failed=ended.reason if isinstance(ended, StepFailed) else "",
                )

    def _felt(self, records: Iterable[Record]) -> Iterator[Felt]:
        # A passage that was measured again after a kill counts as it was measured last.
        latest: dict[tuple[int, str], ProbeResult] = {}
        for _record, probe in ProbeSaw.among(records):
            latest[probe.passage, probe.name] = probe
        directions = {passage.number: passage.direction for passage in self._passages}
        for number in sorted({passage for passage, _name in latest}):
            probes = tuple(probe for (passage, _name), probe in latest.items() if passage == number)
            yield Felt(
                passage=number,
                direction=directions.get(number, Direction.FORWARD),
                downtime=max((probe.downtime for probe in probes if not probe.blind), default=None),
                succeeded=sum(probe.succeeded for probe in probes),
                requests_failed=sum(probe.failed for probe in probes),
                packets_lost=sum(probe.lost for probe in probes),
                probes=probes,
            )


def _joined(verdicts: Sequence[WritesVerdict]) -> WritesVerdict | None:
    """Join what was said of a unit's writing probes: the last word on each."""
    last = {verdict.name: verdict for verdict in verdicts}
    if not last:
        return None
    every = tuple(last.values())
    return every[-1].model_copy(
        update={
            "acknowledged": sum(verdict.acknowledged for verdict in every),
            "lost": tuple(reference for verdict in every for reference in verdict.lost),
            "doubled": tuple(reference for verdict in every for reference in verdict.doubled),
            "unanswered": sum(verdict.unanswered for verdict in every),
        }
    )
