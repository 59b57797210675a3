"""`zhenghe rehearse | apply | rollback | status | verify | report`: runs, seen from the command line."""

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from infra.twin.paths import state_root
from infra.worlds import CloudKind, World, load_world
from inventory.kinds import Kind, load_kinds, playbooks_folder
from inventory.words import _
from migrations.cli import saying
from migrations.cli.approve import see_approved
from migrations.cli.declaring import see_declared
from migrations.cli.help import WrongUse
from migrations.cli.live import states_table, watching
from migrations.cli.programme import not_begun, programme_as_json, programme_in_words
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
from migrations.evidence.chain import Soundness
from migrations.evidence.snapshot import standings_in
from migrations.home import RunHome, RunSettings, TemporalCluster, run_id, states_of
from migrations.ledger import Ledger, ledger_of
from migrations.plan import Plan, Scope
from migrations.planning.preparing import prepare
from migrations.planning.scoping import keys_of
from migrations.preflight.asking import Hosts
from migrations.service.messages import Deed, Order, Places, words_of
from migrations.service.troubles import Looked
from migrations.service.troubles import told as told_of
from migrations.states import UnitState
from migrations.trust.witness import person, witnessed

if TYPE_CHECKING:
    from migrations.report import RunSummary
    from migrations.states import PassageResult


class NoRun(WrongUse):
    """There is no run to speak of."""

    def __init__(self, run: str, known: Iterable[str]) -> None:
        names = ", ".join(sorted(known))
        mend = _("there are: {names}").format(names=names) if names else _("begin one with zhenghe rehearse or apply")
        super().__init__(_("there is no run '{run}'").format(run=run) if run else _("there is no run yet"), mend)


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
    _print_report(home, as_json=as_json, whole=False)
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
    see_approved(home, wanted.digest, world, "commit" if commit else "apply")
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
    home = _home_of(units, run)
    world = _world_of(home)
    plan = home.plan()
    keys = keys_of(plan, units)
    may_commit(plan, keys, _ledger_of(home))
    see_approved(home, home.settings().plan, world, "commit")
    return _done(home, "commit", keys, (), as_json=as_json)


def withdraw_units(units: tuple[str, ...], run: str, *, as_json: bool) -> int:
    """Give up what was prepared for units, for all systems and lines where none is named; 1 where one did not."""
    home = _home_of(units, run)
    _world_of(home)
    plan = home.plan()
    keys = withdrawn(plan, keys_of(plan, units), _ledger_of(home))
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


def _world_of(home: RunHome) -> World:
    file = home.settings().world
    if not file.is_file():
        reason = _("the world of run {run} is gone: {file} is not there").format(run=home.path.name, file=file)
        raise WrongUse(reason, _("a rehearsal takes its twin down unless --keep is given; name another run with --run"))
    return living(load_world(file))


def roll_back(units: tuple[str, ...], run: str, *, as_json: bool) -> int:
    """Take units back, and those that need them before; 1 where one did not return or users felt too much of it."""
    home = _home_of(units, run)
    _world_of(home)
    plan = home.plan()
    asked = keys_of(plan, units)
    keys = _with_dependents(plan, asked)
    may_return(keys or [unit.key for unit in plan.units], _ledger_of(home), home.path.name)
    more = ", ".join(key for key in keys if key not in asked)
    told = (_("these need them and go back first: {units}").format(units=more),) if more else ()
    return _done(home, "rollback", keys, told, as_json=as_json)


def show_status(run: str, *, look: bool, as_json: bool) -> int:
    """Print how far a run has come and what users felt, from its evidence; 1 where a unit needs somebody to look.

    With `look` everything that was done in the run's world is looked at, and what is not as it was left is told too.
    """
    from migrations.report import felt_of, measured

    home = chosen(run)
    seen = _looked(home) if look else None
    plan = home.outline()
    standings = standings_in(home.evidence.path, plan)
    states = {key: standing.state for key, standing in standings.items()}
    reasons = {key: standing.reason for key, standing in standings.items()}
    summary, ledger = felt_of(home), _ledger_of(home)
    if as_json:
        felt = {unit.key: unit.felt_last for unit in summary.units}
        shown = [
            {"unit": key, "state": states[key], "reason": reasons.get(key, ""), "measured": felt[key]} for key in states
        ]
        programme = programme_as_json(ledger, not_begun(home, ledger))
        more: dict[str, Any] = {"programme": programme, "service": _service_as_json()}
        _print_json(home, shown, more | ({} if seen is None else {"look": seen.model_dump(mode="json")}))
    else:
        console = saying.console()
        _print_sentences(console, programme_in_words(plan.programme, ledger, not_begun(home, ledger)))
        console.print(home.path.name)
        console.print(states_table(plan, states, reasons, whole=True))
        _print_sentences(console, (*measured(summary), *_service_in_words(), *(() if seen is None else told_of(seen))))
    if broken := summary.chain.outcome is Soundness.BROKEN:
        told = _("the evidence of this run is broken ({reason}): nothing above is proved")
        saying.say(told.format(reason=summary.chain.reason), error=True)
    waiting = {UnitState.HELD, UnitState.UNKNOWN} & set(states.values())
    return 1 if broken or waiting or (seen is not None and seen.troubles) else 0


def _looked(home: RunHome) -> Looked:
    from migrations.cli.look import look

    _world_of(home)
    return look(_ledger_of(home))


def _service_as_json() -> dict[str, Any] | None:
    from migrations.service.client import service_state

    state = service_state(Places(state_root()))
    return None if state is None else state.model_dump(mode="json")


def _service_in_words() -> Iterable[str]:
    from migrations.service.client import service_state

    state = service_state(Places(state_root()))
    if state is not None:
        text = _("the service runs since {since:%Y-%m-%d %H:%M}; orders under way: {count}")
        yield text.format(since=state.since.astimezone(), count=len(state.under_way))
        yield from (f"  {each.run}: {each.deed}: {each.trouble}" for each in state.under_way if each.trouble)


def verify_hosts(run: str, *, as_json: bool) -> int:
    """Check the hosts of a run's units where they are now; 1 where a check failed."""
    from migrations.proof.proof import Proof

    home = chosen(run)
    world = _world_of(home)
    with witnessed(home, "verify"):
        checked = Proof(home, _kinds(), world).check("by hand")
    if as_json:
        saying.say(json.dumps(checked.model_dump(mode="json"), ensure_ascii=False))
        return 1 if checked.failed or checked.unknown else 0
    console = saying.console()
    for unit in checked.units:
        console.print(_("{unit}: {passed} passed, {failed} failed").format(**unit.model_dump()))
        if unit.unknown:
            console.print(_("  {unknown} not known: they could not be made").format(unknown=unit.unknown))
        for failure in (*unit.failures, *unit.unknowns):
            console.print(f"  {failure.host}: {failure.check}: {failure.reason}")
    console.print(_("JUnit: {path}").format(path=checked.junit), soft_wrap=True)
    return 1 if checked.failed or checked.unknown else 0


def show_report(run: str, *, as_json: bool) -> int:
    """Tell what a run has proved."""
    home = chosen(run)
    summary = _print_report(home, as_json=as_json)
    return 0 if summary.chain.outcome == "sound" else 1


def chosen(name: str) -> RunHome:
    """Return the run of a name, or the one that was worked on last; NoRun."""
    every = [path for path in _runs() if (path / "run.json").is_file()]
    found = [path for path in every if name in {"", path.name}]
    if not found:
        raise NoRun(name, (path.name for path in every))
    return RunHome(max(found, key=_last_work))


def _runs() -> list[Path]:
    """Return the folders of all runs; PermissionError where they are not this user's, and not silence."""
    return list(runs_folder().iterdir()) if runs_folder().exists() else []


def _last_work(path: Path) -> float:
    evidence = path / "evidence.jsonl"
    return (evidence if evidence.exists() else path / "run.json").stat().st_mtime


def _ledger_of(home: RunHome) -> Ledger:
    return ledger_of(runs_folder(), home.outline().programme, home.settings().world)


def _home_of(units: tuple[str, ...], run: str) -> RunHome:
    """Return the run of a name; without one that which moved the units last, or that which was worked on last."""
    home = chosen(run)
    if run or not units:
        return home
    accounts = _ledger_of(home).accounts.values()
    runs = {each.run for each in accounts if {each.unit.key, each.unit.name} & set(units)}
    if len(runs) > 1:
        reason = _("these units are in several runs: {runs}").format(runs=", ".join(sorted(runs)))
        raise WrongUse(reason, _("name one with --run, and the units of each by themselves"))
    return RunHome(runs_folder() / runs.pop()) if runs else home


def _with_dependents(plan: Plan, keys: tuple[str, ...]) -> tuple[str, ...]:
    """Add the units that need one of these, however far: they go back before what they stand on."""
    taken = set(keys)
    while more := {unit.key for unit in plan.units if taken & set(unit.needs)} - taken:
        taken |= more
    return tuple(sorted(taken))


def _kinds() -> Mapping[str, Kind]:
    return load_kinds(playbooks_folder() / "roles")


def _print_applied(home: RunHome, result: "PassageResult", failure: str, *, as_json: bool) -> int:
    from migrations.report import measured, summary_of, write_pages

    summary = summary_of(home)
    pages = write_pages(summary, home.path / "reports")
    if as_json:
        outcome = {"outcome": "failed" if failure else "passed", "reason": failure}
        saying.say(json.dumps({**summary.as_whole_json(), **outcome, "run": home.path.name}, ensure_ascii=False))
        return 1 if failure else 0
    console = saying.console()
    reasons = {unit.unit: unit.reason for unit in result.units}
    console.print(states_table(home.plan(), states_of(home.plan(), home.evidence.records()), reasons, whole=True))
    told = filter(None, (failure, *measured(summary)))
    _print_sentences(console, (*told, *(_("page: {path}").format(path=page) for page in pages)))
    return 1 if failure else 0


def _print_sentences(console: Console, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.print(sentence, soft_wrap=True, highlight=False)


def _print_json(home: RunHome, units: list[dict[str, Any]], more: dict[str, Any]) -> None:
    settings = home.settings()
    whole: dict[str, Any] = {"run": settings.run, "plan": settings.plan, "world": settings.kind}
    whole |= {"units": units, "evidence": str(home.evidence.path), **more}
    saying.say(json.dumps(whole, ensure_ascii=False))


def _print_report(home: RunHome, *, as_json: bool, whole: bool = True) -> "RunSummary":
    from migrations.report import print_summary, summary_of, write_pages

    summary = summary_of(home)
    pages = write_pages(summary, home.path / "reports")
    if as_json:
        saying.say(json.dumps(summary.as_whole_json() if whole else summary.as_json(), ensure_ascii=False))
        return summary
    console = saying.console()
    print_summary(console, summary)
    for page in pages:
        console.print(_("page: {path}").format(path=page), soft_wrap=True, highlight=False)
    return summary
