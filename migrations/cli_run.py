"""`zhenghe rehearse | apply | rollback | status | verify | report`: runs, seen from the command line."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from infra.twin.paths import state_root
from infra.worlds import load_world
from inventory.words import _
from migrations.cli_show import states_table, watching
from migrations.cli_twin import seeds_of, twin_name
from migrations.evidence import verify_chain
from migrations.plan import Plan
from migrations.preparing import Prepared, prepare
from migrations.run.home import RunHome, RunSettings, run_id, states_of
from migrations.run.messages import THROUGH, Direction, PassageResult, UnitState


class NoRun(Exception):
    """There is no run to speak of."""


class WrongPlan(Exception):
    """The inventory's plan is not the one that was asked for."""


def runs_folder() -> Path:
    """Return the folder of all runs."""
    return state_root() / "runs"


def rehearse_in_twin(folder: Path, twin: str, *, keep: bool, as_json: bool) -> int:
    """Rehearse an inventory's plan and tell what happened; 1 where it did not pass."""
    from infra.twin import client
    from migrations.rehearsal import Rehearsal, home_to_go_on

    prepared = prepare(folder)
    name = twin_name(twin, prepared.programme.programme)
    home = home_to_go_on(runs_folder(), prepared.plan, name)
    with watching(prepared.plan, home.evidence.records()) as (listener, tell):
        tell(_("plan {digest}").format(digest=prepared.digest))
        outcome = Rehearsal(prepared, name, home, seeds_of(folder), listener).carry_out(tell)
        if not keep:
            tell(_("stage: {name}").format(name="twin down"))
            client.down(name)
    _print_report(home, prepared, as_json=as_json)
    return 0 if outcome.passed else 1


def apply_to_world(folder: Path, digest: str, world_file: Path, *, commit: bool, as_json: bool) -> int:
    """Carry a plan out in a world, or commit what has come through; 1 where a unit did not come through."""
    prepared = prepare(folder)
    if len(digest) < 12 or not prepared.digest.startswith(digest):
        raise WrongPlan(
            _("the inventory's plan is {now}, not {asked}: look at what has changed with zhenghe plan").format(
                now=prepared.digest, asked=digest
            )
        )
    if not world_file.is_file():
        raise typer.BadParameter(_("{file} is not there").format(file=world_file))
    world = load_world(world_file)
    home = RunHome(runs_folder() / run_id(prepared.plan, world.name))
    home.create(prepared.plan, RunSettings(run=home.path.name, plan=prepared.digest, world=world_file.resolve()))
    result = _take(home, prepared.plan, Direction.COMMIT if commit else Direction.FORWARD, ())
    return _print_result(home, prepared.plan, result, as_json=as_json)


def roll_back(units: tuple[str, ...], run: str, *, as_json: bool) -> int:
    """Take units back, and those that need them before; 1 where one did not return."""
    home = chosen(run)
    plan = home.plan()
    keys = _with_dependents(plan, _keys(plan, units))
    result = _take(home, plan, Direction.BACK, keys)
    return _print_result(home, plan, result, as_json=as_json)


def show_status(run: str, *, as_json: bool) -> int:
    """Print how far a run has come, from its evidence; 1 where a unit needs somebody to look."""
    home = chosen(run)
    plan, records = home.plan(), home.evidence.records()
    states = states_of(plan, records)
    reasons = {record.unit: record.what["reason"] for record in records if record.kind == "unit-state"}
    if as_json:
        _print_json(home, plan, [{"unit": key, "state": states[key], "reason": reasons.get(key, "")} for key in states])
    else:
        Console().print(home.path.name)
        Console().print(states_table(plan, states, reasons))
    return 1 if {UnitState.HELD, UnitState.UNKNOWN} & set(states.values()) else 0


def verify_hosts(folder: Path, run: str, *, as_json: bool) -> int:
    """Check the hosts of a run's units where they are now; 1 where a check failed."""
    from migrations.proof import Proof

    home = chosen(run)
    prepared = prepare(folder)
    if prepared.digest != home.settings().plan:
        raise WrongPlan(_("the inventory's plan is not that of run {run}").format(run=home.path.name))
    checked = Proof(prepared, load_world(home.settings().world), home).check("by hand")
    if as_json:
        print(json.dumps(checked.model_dump(mode="json"), ensure_ascii=False))
        return 1 if checked.failed else 0
    console = Console()
    for unit in checked.units:
        console.print(_("{unit}: {passed} passed, {failed} failed").format(**unit.model_dump()))
        for failure in unit.failures:
            console.print(f"  {failure.host}: {failure.check}: {failure.reason}")
    console.print(str(checked.junit))
    return 1 if checked.failed else 0


def show_report(run: str, *, as_json: bool) -> int:
    """Tell what a run has proved."""
    home = chosen(run)
    verdict = verify_chain(home.evidence.path)
    _print_report(home, None, as_json=as_json)
    return 0 if verdict.outcome == "sound" else 1


def chosen(name: str) -> RunHome:
    """Return the run of a name, or the one that was worked on last; NoRun."""
    found = [path for path in runs_folder().glob("*") if (path / "run.json").is_file()]
    if name:
        found = [path for path in found if path.name == name]
    if not found:
        raise NoRun(_("there is no such run; begin one with zhenghe rehearse or zhenghe apply"))
    return RunHome(max(found, key=_last_work))


def _last_work(path: Path) -> float:
    evidence = path / "evidence.jsonl"
    return (evidence if evidence.exists() else path / "run.json").stat().st_mtime


def _take(home: RunHome, plan: Plan, direction: Direction, units: tuple[str, ...]) -> PassageResult:
    from migrations.run.runner import passages_of, running

    records = home.evidence.records()
    with watching(plan, records) as (listener, tell):
        tell(_("run {run}").format(run=home.path.name))
        passages = passages_of(records)
        if passages and direction is Direction.FORWARD:
            states = states_of(plan, records)
            if not passages[-1].is_open and all(state in THROUGH for state in states.values()):
                assert passages[-1].result is not None
                return passages[-1].result
        with running(home, listener) as runner:
            return runner.take(direction, units)


def _keys(plan: Plan, units: Iterable[str]) -> tuple[str, ...]:
    keys = []
    for asked in units:
        found = [unit.key for unit in plan.units if asked in {unit.key, unit.name}]
        if len(found) != 1:
            known = ", ".join(unit.key for unit in plan.units)
            raise typer.BadParameter(_("{unit} is not one unit of the plan: {known}").format(unit=asked, known=known))
        keys += found
    return tuple(keys)


def _with_dependents(plan: Plan, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Add the units that need one of these, however far: they go back before what they stand on."""
    taken = set(keys)
    while more := {unit.key for unit in plan.units if taken & set(unit.needs)} - taken:
        taken |= more
    return tuple(sorted(taken))


def _print_result(home: RunHome, plan: Plan, result: PassageResult, *, as_json: bool) -> int:
    good = all(not unit.reason and unit.state is not UnitState.UNKNOWN for unit in result.units)
    if as_json:
        _print_json(home, plan, [unit.model_dump(mode="json") for unit in result.units], outcome=good)
        return 0 if good else 1
    states = states_of(plan, home.evidence.records())
    console = Console()
    console.print(states_table(plan, states, {unit.unit: unit.reason for unit in result.units}))
    console.print(_("evidence: {path}").format(path=home.evidence.path), soft_wrap=True)
    return 0 if good else 1


def _print_json(home: RunHome, plan: Plan, units: list[dict[str, Any]], *, outcome: bool | None = None) -> None:
    settings = home.settings()
    whole: dict[str, Any] = {"run": settings.run, "plan": settings.plan, "world": str(settings.world)}
    if outcome is not None:
        whole["outcome"] = "passed" if outcome else "failed"
    whole |= {"programme": plan.programme, "units": units, "evidence": str(home.evidence.path)}
    print(json.dumps(whole, ensure_ascii=False))


def _print_report(home: RunHome, prepared: Prepared | None, *, as_json: bool) -> None:
    del prepared
    plan, records = home.plan(), home.evidence.records()
    states = states_of(plan, records)
    units = [{"name": unit.name, "kind": unit.kind, "state": states[unit.key]} for unit in plan.units]
    ended = [record.what["outcome"] == "passed" for record in records if record.kind == "rehearsal-ended"]
    if as_json:
        _print_json(home, plan, units, outcome=bool(ended) and ended[-1])
    else:
        Console().print(states_table(plan, states, {}))
