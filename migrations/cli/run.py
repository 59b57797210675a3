"""`zhenghe rehearse | apply | commit | withdraw | rollback`: runs, carried out from the command line."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from infra.twin.paths import state_root
from infra.worlds import CloudKind
from inventory.words import _
from migrations.cli import saying
from migrations.cli.approve import acts_of, see_approved
from migrations.cli.declaring import see_declared
from migrations.cli.help import WrongUse
from migrations.cli.live import states_table, watching
from migrations.cli.report import print_report, write_pages_of
from migrations.cli.runs import ledger_here, run_of, world_of
from migrations.cli.twin import twin_name
from migrations.cli.wanted import (
    living,
    may_begin,
    may_commit,
    may_return,
    runs_folder,
    wanted_plan,
    with_ground,
    withdrawn,
    world_at,
)
from migrations.home import RunHome, RunSettings, TemporalCluster, run_id, states_of
from migrations.ledger import ledger_of
from migrations.plan import Plan, Scope
from migrations.planning.preparing import prepare
from migrations.planning.scoping import keys_of
from migrations.preflight.asking import Hosts
from migrations.service.messages import Deed, Order, Places, words_of
from migrations.trust.witness import person

if TYPE_CHECKING:
    from migrations.states import PassageResult


def rehearse_in_twin(
    folder: Path,
    twin: str,
    scope: Scope,
    faults: tuple[str, ...] = (),
    cloud: CloudKind = "twin",
    *,
    keep: bool,
    as_json: bool,
) -> int:
    """Rehearse the plan of a scope of an inventory and tell what happened; 1 where it did not pass."""
    from infra.twin import client
    from migrations.run.faults import fault_of
    from migrations.run.rehearsal import Rehearsal, home_to_go_on

    prepared = prepare(folder, scope)
    if not prepared.plan.units:
        raise WrongUse(_("the plan is empty: nothing in it moves yet"), _("'zhenghe plan' tells why of each"))
    called = prepared.programme.programme
    name = twin_name(twin, called if cloud == "twin" else f"{called[:10].rstrip('-')}-{cloud}")
    breaks = tuple(fault_of(text, prepared.plan, prepared.programme) for text in faults)
    home = home_to_go_on(runs_folder(), prepared.plan, name, breaks)
    with watching(prepared.plan, home.evidence.records()) as (listener, tell):
        tell(_("plan {digest}").format(digest=prepared.digest))
        outcome = Rehearsal(prepared, name, home, folder, listener, breaks, cloud).carry_out(tell)
        if not keep:
            tell(_("stage: {name}").format(name=_("take the twin down")))
            client.down(name)
    if as_json and outcome.reason:
        # The object that is promised has no place for it.
        saying.say(outcome.reason, error=True)
    print_report(home, as_json=as_json, whole=False)
    return 0 if outcome.passed else 1


def apply_to_world(
    folder: Path | None,
    digest: str,
    world_file: Path,
    units: tuple[str, ...],
    temporal: TemporalCluster | None = None,
    *,
    commit: bool,
    as_json: bool,
) -> int:
    """Carry a plan out in a world, or commit what has come through; 1 where a unit did not come through."""
    told: list[str] = []
    wanted = wanted_plan(folder, digest, told.append)
    plan = wanted.plan
    world = living(world_at(world_file))
    home = RunHome(runs_folder() / run_id(plan, world.name, wanted.digest))
    keys = with_ground(plan, keys_of(plan, units)) if units else ()
    ledger = ledger_of(runs_folder(), plan.programme, world_file)
    if commit:
        may_commit(plan, keys, ledger)
    else:
        may_begin(plan, keys, ledger, home.path.name)
        see_declared(plan, keys, ledger, world, Hosts(world))
    acts = () if commit else acts_of(plan, wanted.programme)
    see_approved(home, wanted.digest, world, "commit" if commit else "apply", acts=acts)
    settings = RunSettings(
        run=home.path.name, plan=wanted.digest, world=world_file.resolve(), kind=world.kind, temporal=temporal
    )
    home.create(plan, settings, wanted.programme)
    if temporal is not None and home.settings().temporal != temporal:
        reason = _("run {run} was begun with another engine").format(run=home.path.name)
        raise WrongUse(reason, _("leave --temporal out: a run stays with the engine that it was begun with"))
    return _done(home, "commit" if commit else "apply", keys, told, as_json=as_json)


def commit_units(units: tuple[str, ...], run: str, *, as_json: bool) -> int:
    """Give up the way back of units that have come through, of all where none is named; 1 where one did not."""
    home = run_of(units, run)
    world = world_of(home)
    plan = home.plan()
    keys = keys_of(plan, units)
    may_commit(plan, keys, ledger_here(home))
    see_approved(home, home.settings().plan, world, "commit")
    return _done(home, "commit", keys, (), as_json=as_json)


def withdraw_units(units: tuple[str, ...], run: str, *, as_json: bool) -> int:
    """Give up what was prepared for units, for all systems and lines where none is named; 1 where one did not."""
    home = run_of(units, run)
    world_of(home)
    plan = home.plan()
    keys = withdrawn(plan, keys_of(plan, units), ledger_here(home))
    return _done(home, "withdraw", keys, (), as_json=as_json)


def _done(home: RunHome, deed: Deed, keys: tuple[str, ...], told: Iterable[str], *, as_json: bool) -> int:
    """Have something done with units, by the service where one runs, otherwise here, and print how it came out."""
    from migrations.cli.deeds import carry_out
    from migrations.service.client import carried_by_service, service_state

    order = order_of(home, deed, keys)
    places = Places(state_root())
    with watching(home.plan(), home.evidence.records()) as (listener, tell):
        for sentence in told:
            tell(sentence)
        if service_state(places) is None:
            applied = carry_out(home, order, listener, tell)
            result, failure = applied.result, applied.failure
        else:
            tell(_("run {run}").format(run=home.path.name))
            outcome = carried_by_service(places, home, order, listener, tell)
            assert outcome.result is not None
            result, failure = outcome.result, outcome.failure
    return _print_applied(home, result, failure, as_json=as_json)


def order_of(home: RunHome, deed: Deed, keys: tuple[str, ...]) -> Order:
    """Return what this command wants done, in the name of whoever called it."""
    return Order(run=home.path.name, deed=deed, units=keys, by=person(), command=words_of(sys.argv))


def roll_back(units: tuple[str, ...], run: str, *, as_json: bool) -> int:
    """Take units back, and those that need them before; 1 where one did not return or users felt too much of it."""
    home = run_of(units, run)
    world_of(home)
    plan = home.plan()
    asked = keys_of(plan, units)
    keys = _with_dependents(plan, asked)
    may_return(keys or [unit.key for unit in plan.units], ledger_here(home), home.path.name)
    more = ", ".join(key for key in keys if key not in asked)
    told = (_("these need them and go back first: {units}").format(units=more),) if more else ()
    return _done(home, "rollback", keys, told, as_json=as_json)


def _with_dependents(plan: Plan, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Add the units that need one of these, however far: they go back before what they stand on."""
    taken = set(keys)
    while more := {unit.key for unit in plan.units if taken & set(unit.needs)} - taken:
        taken |= more
    return tuple(sorted(taken))


def _print_applied(home: RunHome, result: "PassageResult", failure: str, *, as_json: bool) -> int:
    from migrations.report import measured, summary_of

    summary = summary_of(home)
    pages = write_pages_of(home, summary)
    if as_json:
        outcome = {"outcome": "failed" if failure else "passed", "reason": failure}
        saying.say(json.dumps({**summary.as_whole_json(), **outcome, "run": home.path.name}, ensure_ascii=False))
        return 1 if failure else 0
    console = saying.console()
    reasons = {unit.unit: unit.reason for unit in result.units}
    console.print(states_table(home.plan(), states_of(home.plan(), home.evidence.records()), reasons, whole=True))
    told = filter(None, (failure, *measured(summary)))
    saying.sentences(console, (*told, *(_("page: {path}").format(path=page) for page in pages)))
    return 1 if failure else 0
