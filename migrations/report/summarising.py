"""Computes what a run came to, from its plan and its evidence and from nothing else."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, cast

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
from migrations.plan import Plan, Stage, Unit, digest
from migrations.report.summary import (
    Bar,
    Felt,
    Outcome,
    PassageTime,
    RunSummary,
    StageTime,
    Stroke,
    UnitSummary,
)
from migrations.states import GOALS, Direction, UnitState


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
    reader = _UnitReader(records, passages, end)
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


class _UnitReader:
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
