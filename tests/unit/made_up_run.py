"""A rehearsal of the example district that never was: its evidence, written by hand, and the summary of it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from inventory.kinds import Kind, Title
from inventory.loading import load_programme
from migrations.evidence import chain as evidence_module
from migrations.evidence.chain import Evidence, verify_chain
from migrations.plan import Plan, StepKind, Unit
from migrations.planning.planner import make_plan
from migrations.report import RunSummary, summarise, titles_of
from migrations.states import Direction, UnitState
from tests.conftest import ENTRIES, YUNHE

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC).timestamp()
TOOK = {
    "provision": 7.0, "reach": 0.4, "attach": 3.1, "shift": 4.2, "drain": 3.4, "release": 3.0, "prepare": 2.4,
    "replicate": 4.6, "front": 1.8, "lag": 0.9, "switch": 1.35, "verify": 2.1, "retire": 2.2,
}  # fmt: skip


class Clock:
    """A clock that a test sets; it stands where the evidence asks for the time."""

    def __init__(self) -> None:
        self.moment = NOON

    def now(self, zone: Any) -> datetime:
        return datetime.fromtimestamp(self.moment, zone)


class MadeUpRun:
    """Writes the evidence of a rehearsal that never was, with figures that a test knows."""

    def __init__(self, plan: Plan, path: Path, clock: Clock) -> None:
        self.plan = plan
        self.evidence = Evidence(path)
        self.clock = clock
        self.pauses: dict[str, float] = {}

    def at(self, moment: float, kind: str, unit: str = "", step: str = "", /, **what: Any) -> None:
        self.rows.append((moment, kind, unit, step, what))

    def write(self, *, failing: bool = False) -> None:
        self.rows: list[tuple[float, str, str, str, dict[str, Any]]] = []
        now = self.stage("twin", NOON, 17.5)
        now = self.stage("probes", now, 1.2)
        now = self.passage(1, Direction.FORWARD, now, "forward", pause=0.31)
        now = self.verified("verify", now, 1, failing=failing)
        now = self.passage(2, Direction.BACK, now, "back", pause=0.42)
        now = self.verified("verify back", now, 2)
        now = self.passage(3, Direction.FORWARD, now, "again", pause=0.28)
        now = self.passage(4, Direction.COMMIT, now, "commit", pause=0.0)
        now = self.verified("verify all", now, 4)
        now = self.stage("probes off", now, 0.4)
        self.at(now, "rehearsal-ended", outcome="failed" if failing else "passed", reason="2 checks" if failing else "")
        for moment, kind, unit, step, what in sorted(self.rows, key=lambda row: row[0]):
            self.clock.moment = moment
            self.evidence.append(kind, unit=unit, step=step, what=what)

    def stage(self, name: str, begin: float, seconds: float) -> float:
        self.at(begin + seconds, "stage", name=name, begin=begin, end=begin + seconds, failure="")
        return begin + seconds

    def passage(self, number: int, direction: Direction, begin: float, stage: str, *, pause: float) -> float:
        self.at(begin, "passage-begun", number=number, direction=direction, units=[])
        ends: dict[str, float] = {}
        units = self.plan.units if direction is not Direction.BACK else tuple(reversed(self.plan.units))
        for unit in units:
            after = [ends[need] for need in unit.needs if need in ends] if direction is not Direction.BACK else []
            ends[unit.key] = self.unit(number, direction, unit, max(after, default=begin) + 0.3)
        end = max(ends.values()) + 0.2
        self.at(end, "passage-ended", number=number)
        for unit in units:
            self.felt(number, unit, begin, end, ends[unit.key], pause)
        return self.stage(stage, begin, end - begin)

    def unit(self, number: int, direction: Direction, unit: Unit, now: float) -> float:
        chosen, states = self.course(direction, unit)
        for step in chosen:
            state = states.get(step.stage.value, UnitState.SEEDING)
            deed = "undo" if direction is Direction.BACK else "apply"
            what = {"deed": deed, "passage": number, "attempt": 1}
            self.at(now, "step-begun", unit.key, step.id, **what, state=state)
            now += TOOK[step.verb] * (0.6 if number == 3 else 1)
            self.at(now, "step-done", unit.key, step.id, **what, seconds=TOOK[step.verb], state="done")
        final = states["end"]
        self.at(now, "unit-state", unit.key, state=final, reason="", passage=number)
        return now

    @staticmethod
    def course(direction: Direction, unit: Unit) -> tuple[list[Any], dict[str, UnitState]]:
        cutover = [step for step in unit.steps if step.stage == "cutover"]
        if direction is Direction.BACK:
            states = {"cutover": UnitState.ROLLING_BACK, "end": UnitState.ROLLED_BACK if cutover else UnitState.READY}
            return [step for step in reversed(cutover) if step.kind is not StepKind.GATE], states
        if direction is Direction.COMMIT:
            steps = [step for step in unit.steps if step.stage == "commit"]
            end = UnitState.DECOMMISSIONED if steps else UnitState.COMMITTED
            return steps, {"commit": UnitState.COMMITTED, "end": end}
        states = {"cutover": UnitState.CUTTING_OVER, "end": UnitState.ON_PROBATION if cutover else UnitState.READY}
        return [step for step in unit.steps if step.stage != "commit"], states

    def felt(self, number: int, unit: Unit, begin: float, end: float, unit_end: float, pause: float) -> None:
        if unit.kind in {"site", "link"} or unit.name in {"identity", "notice-board"}:
            return
        line = unit.kind == "line"
        seen = 0.0 if line else pause * (0.5 if unit.name == "archive" else 1)
        switched = [
            row[0] for row in self.rows if row[3].endswith("/switch") and row[2] == unit.key and row[0] <= unit_end
        ]
        gaps = [{"begin": switched[-1] - 0.8, "seconds": seen}] if seen else []
        what = {
            "unit": unit.key, "name": "probe", "kind": "ping" if line else "write-http", "vantage": "counter-1",
            "target": "10.11.0.10", "every": 0.05, "window": {"begin": begin, "end": end},
            "succeeded": round((end - begin) * (100 if line else 20)), "failed": 0, "lost": 0, "downtime": seen,
            "gaps": gaps, "slowest": 0.2, "reasons": [], "blind": False, "passage": number,
        }  # fmt: skip
        self.at(end, "probe-result", unit.key, **what)

    def verified(self, stage: str, begin: float, number: int, *, failing: bool = False) -> float:
        for unit in self.plan.units:
            failures = [{"host": "water-app", "check": "water-app: running billing", "reason": "it does not run"}]
            bad = failing and unit.name == "water-billing"
            what = {"unit": unit.key, "passed": 6, "failed": int(bad), "failures": failures if bad else []}
            self.at(begin + 6, "verify-result", unit.key, **what, stage=stage)
            if unit.name in {"water-billing", "archive"}:
                verdict = {"unit": unit.key, "name": "pay", "acknowledged": 700 * number, "lost": [], "doubled": []}
                self.at(begin + 6.5, "writes-verdict", unit.key, **verdict, asked="list", passage=number)
        return self.stage(stage, begin, 7.1)


def _kind(name: str, entry: str | None) -> Kind:
    return Kind(name=name, title=Title(en=name, zh=name), entry=entry, settings={})


KINDS = {name: _kind(name, entry) for name, entry in ENTRIES.items()}


def made_up(folder: Path, monkeypatch: pytest.MonkeyPatch, *, failing: bool = False) -> RunSummary:
    programme = load_programme(YUNHE)
    plan = make_plan(programme, KINDS)
    clock = Clock()
    monkeypatch.setattr(evidence_module, "datetime", clock)
    path = folder / "evidence.jsonl"
    run = MadeUpRun(plan, path, clock)
    run.write(failing=failing)
    records, chain = run.evidence.records(), verify_chain(path)
    return summarise(plan, records, chain, world="twin", evidence=str(path), titles=titles_of(programme))


def unit_of(summary: RunSummary, name: str) -> Any:
    return next(unit for unit in summary.units if unit.name == name)
