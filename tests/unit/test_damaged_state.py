"""Files of state that are gone, torn, or something else than files: told in one sentence, never taken for nothing."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.worlds import BadWorld, load_world
from inventory.model import Programme
from migrations.cli import failing
from migrations.cli.help import WrongUse
from migrations.cli.wanted import ledger_in, may_begin
from migrations.evidence.chain import DamagedEvidence, Soundness
from migrations.home import RunHome, RunSettings, UnreadableRun, run_id
from migrations.ledger import Ledger, ledger_of
from migrations.plan import Actuator, Plan, Stage, Step, StepKind, Unit, digest
from migrations.planning.plan_store import DamagedPlan, KeptPlans
from migrations.states import UnitState
from migrations.trust import witness
from migrations.trust.witness import witnessed

Damage = Callable[[Path], object]
SWITCH = Step(
    id="system:a/switch", verb="switch", stage=Stage.CUTOVER, kind=StepKind.REVERSIBLE, arguments={}, timeout=9
)
PLAN = Plan(
    programme="city",
    untouched=(),
    units=(Unit(name="a", kind=Actuator.SYSTEM, needs=(), wave=1, steps=(SWITCH,)),),
)
WORLD = '{"name": "hall", "kind": "real", "ssh_config": "ssh_config", "cloud": {"backend": "twin", "endpoint": "x"}}'


def _replaced(make: Damage) -> Damage:
    def damage(file: Path) -> None:
        file.unlink()
        make(file)

    return damage


DAMAGES: dict[str, Damage] = {
    "gone": Path.unlink,
    "empty": lambda file: os.truncate(file, 0),
    "zeros": lambda file: file.write_bytes(bytes(file.stat().st_size)),
    "half": lambda file: os.truncate(file, file.stat().st_size // 2),
    "latin": lambda file: file.write_bytes(b"\xff\xfe" + file.read_bytes()),
    "folder": _replaced(Path.mkdir),
    "pipe": _replaced(os.mkfifo),
    "circle": _replaced(lambda file: file.symlink_to(file.name)),
}
damages = pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of state with a world whose programme has a system on probation."""
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    (tmp_path / "world.json").write_text(WORLD)
    return tmp_path


@pytest.fixture
def home(state: Path) -> Iterator[RunHome]:
    home = RunHome(state / "runs" / run_id(PLAN, "hall"))
    home.create(PLAN, RunSettings(run=home.path.name, plan=digest(PLAN), world=state / "world.json"))
    with witnessed(home, "apply"):
        moved = {"state": UnitState.ON_PROBATION, "reason": "", "passage": 1}
        home.evidence.append("unit-state", unit="system:a", what=moved)
    yield home
    assert all("Traceback" not in file.read_text() for file in state.glob("logs/*"))


def _ledger(state: Path) -> Ledger:
    return ledger_of(state / "runs", "city", state / "world.json")


def _mended(error: Exception, capsys: pytest.CaptureFixture[str]) -> str:
    """Return what a user is told of an error: one line."""
    assert failing.explained(error) == 2
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1
    assert "should not have happened" not in said
    return said


@damages
def test_lost_evidence_is_not_taken_for_nothing_done(state: Path, home: RunHome, damage: Damage) -> None:
    assert _ledger(state).state("system:a") is UnitState.ON_PROBATION
    damage(home.evidence.path)
    ledger = _ledger(state)
    assert list(ledger.unknown) == [home.path.name]
    # Neither another run nor a plan is begun on it, and its own one does not go on.
    with pytest.raises(WrongUse, match="does not count"):
        may_begin(PLAN, (), ledger, "city-other-hall")
    with pytest.raises(WrongUse, match="does not count"):
        ledger_in(state / "world.json")("city")
    may_begin(PLAN, (), ledger, home.path.name)
    with pytest.raises((DamagedEvidence, OSError)), witnessed(home, "apply"):
        pass


@pytest.mark.parametrize("damage", ["gone", "empty", "zeros", "half"])
def test_evidence_that_lost_signed_records_is_broken(home: RunHome, damage: str) -> None:
    assert witness.testimony(home).outcome is Soundness.SOUND
    DAMAGES[damage](home.evidence.path)
    for verdict in (witness.testimony(home), witness.recent_testimony(home)):
        assert verdict.outcome is Soundness.BROKEN
        assert "were signed" in verdict.reason


@damages
def test_a_lost_key_is_made_anew_and_the_evidence_says_so(home: RunHome, damage: Damage) -> None:
    damage(home.witness_key)
    with witnessed(home, "apply"):
        pass
    for verdict in (witness.testimony(home), witness.recent_testimony(home)):
        assert (verdict.outcome, "key" in verdict.reason) == (Soundness.OPEN, True)


@damages
def test_a_run_whose_settings_are_lost_may_have_moved_anything(state: Path, home: RunHome, damage: Damage) -> None:
    damage(home.settings_file)
    assert list(_ledger(state).unknown) == [home.path.name]
    # A rehearsal concerns nobody's world.
    home.path.rename(home.path.with_name(f"{home.path.name}.1"))
    ledger = _ledger(state)
    assert (len(ledger.left_out), dict(ledger.unknown)) == (1, {})


@damages
def test_a_run_whose_plan_is_lost_is_told_with_the_mend(
    home: RunHome, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(home.plan_file)
    with pytest.raises((UnreadableRun, OSError)) as told:
        home.plan()
    assert "put it back from a copy" in _mended(told.value, capsys)


@damages
@pytest.mark.parametrize("name", ["plan.json", "programme.json"])
def test_a_kept_plan_that_is_lost_is_planned_once_more(
    state: Path, programme: Programme, name: str, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = KeptPlans(state)
    damage(kept.keep(digest(PLAN), PLAN, programme) / name)
    if name == "plan.json" and not (state / "plans" / digest(PLAN) / name).exists():
        # Nobody can tell that it was kept.
        return
    with pytest.raises(DamagedPlan) as told:
        kept.find(digest(PLAN))
    assert "zhenghe plan" in _mended(told.value, capsys)


@damages
def test_a_world_that_is_lost_is_told_in_one_sentence(
    state: Path, damage: Damage, capsys: pytest.CaptureFixture[str]
) -> None:
    file = state / "world.json"
    damage(file)
    with pytest.raises(BadWorld) as told:
        load_world(file)
    assert str(file) in _mended(told.value, capsys)


def test_ways_that_go_round_in_a_circle_are_told_by_whoever_goes_them(state: Path) -> None:
    (state / "ssh_config").symlink_to("ssh_config")
    assert load_world(state / "world.json").ssh_config.name == "ssh_config"
