"""What runs have achieved: only in the real world, only what stands at the end, only from sound evidence."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from inventory.model import Record
from migrations.evidence.chain import Evidence
from migrations.evidence.chain import Record as Seen
from migrations.evidence.kinds import UnitMoved
from migrations.home import RunHome, RunSettings
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest
from migrations.report.achievements import achieved_in, achievements_of_runs
from migrations.states import UnitState
from migrations.trust.witness import witnessed


def step(unit: str, verb: str, stage: Stage) -> Step:
    return Step(id=f"{unit}/{verb}", verb=verb, stage=stage, kind=StepKind.REVERSIBLE, arguments={}, timeout=1)


def unit(kind: Actuator, name: str, *stages: Stage) -> Unit:
    steps = tuple(step(f"{kind}:{name}", stage.value, stage) for stage in stages)
    return Unit(name=name, kind=kind, needs=(), wave=1, steps=steps)


Sight = tuple[str, str, dict[str, Any]]
MOVE = (Stage.PREPARE, Stage.CUTOVER, Stage.COMMIT)
PLAN = Plan(
    programme="yunhe",
    units=(
        unit(Actuator.SITE, "cloud-a", Stage.PREPARE),
        unit(Actuator.LINE, "leased", *MOVE),
        unit(Actuator.SYSTEM, "archive", *MOVE),
        unit(Actuator.SYSTEM, "notice-board", Stage.COMMIT),
    ),
    untouched=(),
)
PASSED: dict[str, Any] = {"unit": "u", "stage": "verify", "passed": 3, "failed": 0}


def state(name: str, unit: str) -> Sight:
    return "unit-state", unit, {"state": name, "reason": ""}


def seen(*what: Sight, time: datetime = datetime(2018, 3, 31, 15, 30, tzinfo=UTC)) -> tuple[Seen, ...]:
    return tuple(
        Seen(seq=number, time=time, kind=kind, unit=unit, what=particulars, previous="", hash="")
        for number, (kind, unit, particulars) in enumerate(what, start=1)
    )


def shown(*what: Sight) -> set[tuple[str, str]]:
    return {(each.kind, each.subject) for each in achieved_in(PLAN, seen(*what), "run")}


def test_a_unit_has_achieved_what_it_stands_at() -> None:
    assert shown() == set()
    there: tuple[Sight, ...] = (state("READY", "site:cloud-a"), ("verify-result", "site:cloud-a", PASSED))
    assert shown(*there) == {("committed", "site:cloud-a"), ("verified", "site:cloud-a")}
    probation = (state("SYNCED", "system:archive"), state("ON_PROBATION", "system:archive"))
    assert shown(*probation) == set()
    checked = (*probation, ("verify-result", "system:archive", PASSED))
    assert shown(*checked) == {("verified", "system:archive")}
    assert shown(*checked, state("COMMITTED", "system:archive")) == {
        ("verified", "system:archive"),
        ("committed", "system:archive"),
    }


def test_a_line_is_given_back_when_it_is_released_and_a_zombie_when_it_has_stopped() -> None:
    assert shown(state("ON_PROBATION", "line:leased"), state("COMMITTED", "line:leased")) == set()
    both = (state("DECOMMISSIONED", "line:leased"), state("DECOMMISSIONED", "system:notice-board"))
    assert shown(*both) == {("committed", "line:leased"), ("retired", "system:notice-board")}


def test_what_went_back_or_failed_has_achieved_nothing() -> None:
    there: tuple[Sight, ...] = (state("ON_PROBATION", "system:archive"), ("verify-result", "system:archive", PASSED))
    assert shown(*there, state("ROLLED_BACK", "system:archive")) == set()
    assert shown(*there, state("ROLLED_BACK", "system:archive"), state("ON_PROBATION", "system:archive")) == set()
    assert shown(*there, ("verify-result", "system:archive", {**PASSED, "failed": 1})) == set()
    writes = {"unit": "u", "name": "p", "acknowledged": 9, "lost": ["7"], "doubled": [], "asked": "list", "passage": 1}
    lost: Sight = ("writes-verdict", "system:archive", writes)
    assert shown(*there, lost) == set()


def test_a_day_is_counted_in_china() -> None:
    before, after = datetime(2018, 3, 31, 15, 59, tzinfo=UTC), datetime(2018, 3, 31, 16, 0, tzinfo=UTC)
    for time, day in ((before, date(2018, 3, 31)), (after, date(2018, 4, 1))):
        (record,) = achieved_in(PLAN, seen(state("COMMITTED", "system:archive"), time=time), "run")
        assert record == Record(kind="committed", subject="system:archive", date=day, note="run")


@pytest.fixture
def home(tmp_path: Path) -> RunHome:
    return a_run(tmp_path, "yunhe-1", "real")


def a_run(runs: Path, name: str, kind: str) -> RunHome:
    home = RunHome(runs / name)
    settings = {"run": name, "plan": digest(PLAN), "world": "/world.json", "kind": kind}
    home.create(PLAN, RunSettings.model_validate(settings))
    evidence = Evidence(home.evidence.path)
    with witnessed(home, "apply"):
        for word in ("ON_PROBATION", "COMMITTED"):
            evidence.write(UnitMoved(state=UnitState(word)), unit="system:archive")
    return home


def test_runs_in_the_real_world_count_and_rehearsals_do_not(home: RunHome, tmp_path: Path) -> None:
    a_run(tmp_path, "yunhe-2", "twin")
    found = achievements_of_runs(tmp_path, "yunhe")
    assert [(each.kind, each.subject, each.note) for each in found.records] == [
        ("committed", "system:archive", "yunhe-1")
    ]
    assert (found.runs, found.left_out) == (("yunhe-1",), ())
    assert achievements_of_runs(tmp_path, "another").records == ()
    assert achievements_of_runs(tmp_path / "none", "yunhe").records == ()


def test_a_run_whose_evidence_or_plan_was_changed_does_not_count_and_is_told(home: RunHome, tmp_path: Path) -> None:
    sound = home.evidence.path.read_text()
    home.evidence.path.write_text(sound.replace("ON_PROBATION", "DECOMMISSIONED"))
    changed = achievements_of_runs(tmp_path, "yunhe")
    assert (changed.records, changed.runs, len(changed.left_out)) == ((), (), 1)
    assert "yunhe-1" in changed.left_out[0]
    home.evidence.path.write_text(sound)
    assert len(achievements_of_runs(tmp_path, "yunhe").records) == 1
    plan = home.plan_file.read_text()
    for file, content in (
        (home.plan_file, plan.replace("notice-board", "notice-bored")),
        (home.plan_file, ""),
        (home.plan_file, plan),
        (home.settings_file, "{"),
    ):
        file.write_text(content)
        found = achievements_of_runs(tmp_path, "yunhe")
        assert (len(found.records), len(found.left_out)) == ((1, 0) if content == plan else (0, 1))
