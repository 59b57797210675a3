"""What comes along is part of what is approved: in a real world a plan that does not say it is not begun."""

from pathlib import Path
from typing import Any

import pytest

from infra.worlds import CloudSettings, World
from inventory.kinds import load_kinds, playbooks_folder
from inventory.model import Programme
from migrations.cli.declaring import see_declared, undeclared
from migrations.cli.help import WrongUse
from migrations.ledger import Account, Ledger
from migrations.plan import Plan, Unit
from migrations.planning.planner import make_plan
from migrations.preflight.asking import Hosts
from migrations.states import UnitState
from tests.attacks.conftest import Broken

KINDS = load_kinds(playbooks_folder() / "roles")
ARCHIVE = "system:archive"
DIGEST = "5" * 64
UNIT = "/etc/systemd/system/archive.service"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZHENGHE_STATE", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def plan(programme: Programme) -> Plan:
    return make_plan(programme, KINDS)


def declaring(plan: Plan, **settings: Any) -> Plan:
    """Return a plan whose archive says what comes along with it."""

    def declared(unit: Unit) -> Unit:
        steps = []
        for step in unit.steps:
            parts = [
                part | {"settings": part["settings"] | {
                    key: value for key, value in settings.items() if (part["kind"], key) != ("files", "sha256")
                }}
                for part in step.arguments["components"]
            ]  # fmt: skip
            steps.append(step.model_copy(update={"arguments": step.arguments | {"components": parts}}))
        return unit.model_copy(update={"steps": tuple(steps)})

    units = tuple(declared(unit) if unit.key == ARCHIVE else unit for unit in plan.units)
    return plan.model_copy(update={"units": units})


def real(folder: Path, kind: str = "real", name: str = "city") -> World:
    cloud = CloudSettings(backend="twin", endpoint="none")
    return World.model_validate({"name": name, "kind": kind, "ssh_config": folder / "ssh_config", "cloud": cloud})


@pytest.mark.parametrize("kind", ["real", "twin"])
def test_a_real_world_begins_with_nothing_undeclared_whatever_it_calls_itself(
    plan: Plan, state: Path, kind: str
) -> None:
    with pytest.raises(WrongUse) as refused:
        see_declared(plan, (), Ledger(), real(state, kind))
    told = str(refused.value)
    for each in undeclared(plan.units, KINDS):
        assert f"{each.name}: settings." in told
    assert "archive/store: settings.accounts" in told
    assert "water-billing/app: settings.sha256, settings.accounts" in told
    assert "zhenghe preflight" in told
    # The ground moves without systems, and one that says it all is let through.
    see_declared(plan, [unit.key for unit in plan.units if not unit.key.startswith("system:")], Ledger(), real(state))
    see_declared(declaring(plan, sha256={}, accounts=[]), [ARCHIVE], Ledger(), real(state))
    for half in (declaring(plan, sha256={}), declaring(plan, accounts=[])):
        with pytest.raises(WrongUse):
            see_declared(half, [ARCHIVE], Ledger(), real(state))


def test_the_twin_of_this_machine_is_asked_for_nothing(plan: Plan, state: Path) -> None:
    see_declared(plan, (), Ledger(), real(state / "twins" / "city", "twin"))


def test_a_move_that_has_begun_goes_on(plan: Plan, state: Path) -> None:
    """It stands between two sides, and what its hosts agreed to is in the run already."""
    unit = next(each for each in plan.units if each.key == ARCHIVE)
    since = "2026-01-01T00:00:00Z"
    for at, refused in ((UnitState.CUTTING_OVER, False), (UnitState.WITHDRAWN, True)):
        known = {"unit": unit, "state": at, "reason": "", "since": since, "run": "r", "plan": "p"}
        ledger = Ledger(accounts={ARCHIVE: Account.model_validate(known)})
        if refused:
            with pytest.raises(WrongUse):
                see_declared(plan, [ARCHIVE], ledger, real(state))
        else:
            see_declared(plan, [ARCHIVE], ledger, real(state))


@pytest.mark.real
@pytest.mark.usefixtures("state")
def test_the_lines_to_copy_are_the_hosts_words_and_nothing_that_a_broken_host_adds(plan: Plan, broken: Broken) -> None:
    hosts = {name for each in undeclared(plan.units, KINDS) if each.arguments.system == "archive"
             for name in each.component.sources}  # fmt: skip
    for name in hosts:
        broken.host(name)

    def told(unread: dict[str, Any]) -> str:
        for name in hosts:
            broken.says(name, {"facts": {"needs": [], "running": True, "unread": unread}})
        with pytest.raises(WrongUse) as refused:
            see_declared(plan, [ARCHIVE], Ledger(), broken.world, Hosts(broken.world))
        return str(refused.value)

    said = told({"sha256": [f"{UNIT}: {DIGEST}"], "accounts": ["user archive 1203"]})
    assert f"sha256: {{{UNIT}: {DIGEST}}}" in said
    assert "accounts: [user archive 1203]" in said
    said = told({"sha256": [f"{UNIT}: {DIGEST}}}, files: [/etc/shadow"], "accounts": []})
    assert "/etc/shadow" not in said
