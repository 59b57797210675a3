"""The plan, run and units that a command means, and whether it may act on them now."""

import socket
from collections.abc import Callable, Iterable
from pathlib import Path

from infra.twin.paths import state_root
from infra.worlds import World, load_world
from inventory.words import _
from migrations.cli.help import WrongUse, inventory_folder
from migrations.home import RunHome
from migrations.ledger import GIVEN_UP, NOTHING_DONE, Ledger, ledger_of
from migrations.plan import STANDING, Plan, Scope, digest_of_units
from migrations.planning.differing import difference_of, in_words
from migrations.planning.plan_store import SHORTEST, KeptPlan, KeptPlans, NoPlan
from migrations.planning.preparing import prepare
from migrations.planning.scoping import choose, needed_first
from migrations.states import state_word

SHOWN = 12
"""So many differences are told; the rest is counted."""


class WrongPlan(WrongUse):
    """The inventory's plan is not the one that was asked for."""

    def __init__(self, now: str, asked: str) -> None:
        self.now, self.asked = now, asked
        text = _("the inventory's plan is {now}, not {asked}; nothing was done")
        super().__init__(text.format(now=now, asked=asked), _("see what has changed with zhenghe plan"))


def runs_folder() -> Path:
    """Return the folder of all runs."""
    return state_root() / "runs"


def world_at(file: Path) -> World:
    """Read a world; WrongUse where there is no such file, BadWorld where it holds something else."""
    if not file.is_file():
        reason = _("{file} is not there").format(file=file)
        raise WrongUse(reason, _("give the world's file world.json; zhenghe twin up writes one"))
    return load_world(file)


def ledger_in(world_file: Path) -> Callable[[str], Ledger]:
    """Return what computes the ledger of a programme in a world; WrongUse where there is no world in the file."""
    world_at(world_file)

    def found(programme: str) -> Ledger:
        ledger = ledger_of(runs_folder(), programme, world_file)
        see_known(ledger)
        return ledger

    return found


def see_known(ledger: Ledger, run: str = "") -> None:
    """Refuse to go on where it is not known what another run has done, for it may have moved anything; WrongUse."""
    for name, reason in ledger.unknown.items():
        if name != run:
            mend = _("put its files back from a copy; if it has done nothing, move {folder} away")
            raise WrongUse(reason, mend.format(folder=ledger.folder / name))


def wanted_plan(folder: Path | None, asked: str, tell: Callable[[str], None]) -> KeptPlan:
    """Return the plan of a digest: the folder's own where it still is, otherwise the kept one.

    What the folder would plan differently now is told, and what was asked for is gone on with. NoPlan, WrongPlan.
    """
    try:
        kept = KeptPlans(state_root()).find(asked)
    except NoPlan as missing:
        if folder is None and not any(Path().glob("*.yaml")):
            mend = _("give the inventory's folder, or plan it again with zhenghe plan")
            raise WrongUse(str(missing), mend) from missing
        return _planned(folder or Path(), asked)
    if folder is None:
        return kept
    now = prepare(inventory_folder(folder))
    same_scope = choose(now.plan, kept.plan.scope).plan if _can_choose(now.plan, kept.plan.scope) else now.plan
    found = difference_of(kept.plan, same_scope, one_of=frozenset(unit.key for unit in kept.plan.units))
    if sentences := in_words(found):
        tell(_("the inventory would be planned differently now; what was asked for goes on:"))
        for sentence in sentences[:SHOWN]:
            tell(f"  {sentence}")
        if len(sentences) > SHOWN:
            tell(_("  and {number} more: see zhenghe diff").format(number=len(sentences) - SHOWN))
        return kept
    return kept.model_copy(update={"programme": now.programme})


def _can_choose(plan: Plan, scope: Scope) -> bool:
    keys = {unit.key for unit in plan.units}
    return keys.issuperset(scope.units) and (
        scope.wave is None or any(unit.wave == scope.wave and unit.key.startswith("system:") for unit in plan.units)
    )


def _planned(folder: Path, asked: str) -> KeptPlan:
    """Plan a folder, as a whole and by waves, and return the plan whose digest begins as asked; WrongPlan."""
    now = prepare(inventory_folder(folder))
    waves = sorted({unit.wave for unit in now.plan.units if unit.wave is not None and unit.key.startswith("system:")})
    for scope in (Scope(), *(Scope(wave=wave) for wave in waves)):
        plan = choose(now.plan, scope).plan
        known = digest_of_units(plan, (unit.digest for unit in plan.units))
        if len(asked) >= SHORTEST and known.startswith(asked):
            return KeptPlan.model_construct(digest=known, plan=plan, programme=now.programme)
    raise WrongPlan(now.digest, asked)


def may_begin(plan: Plan, units: Iterable[str], ledger: Ledger, run: str) -> None:
    """Refuse to move units that another run holds, or that need some which have not come through; WrongUse."""
    see_known(ledger, run)
    taken = set(units) or {unit.key for unit in plan.units}
    moving = tuple(unit for unit in plan.units if unit.key in taken)
    for account in ledger.held_elsewhere(moving, run):
        word = state_word(account.unit.kind, account.state, _)
        reason = _("{unit}: {state} (run {run})").format(unit=account.unit.key, state=word, run=account.run)
        raise WrongUse(reason, _("commit it or take it back there, or plan without it: zhenghe plan --world FILE"))
    for name in sorted({ledger.accounts[each.key].run for each in moving if each.key in ledger.accounts} - {run}):
        if RunHome(runs_folder() / name).is_busy():
            reason = _("run {run} is being carried out and has some of these units").format(run=name)
            raise WrongUse(reason, _("wait for it or stop it"))
    lacking = needed_first(plan.model_copy(update={"units": moving}), ledger)
    if lacking:
        told = "; ".join(
            _("{unit} needs {needs}").format(unit=key, needs=", ".join(needs)) for key, needs in lacking.items()
        )
        named = " ".join(f"--unit {need}" for need in sorted({need for needs in lacking.values() for need in needs}))
        reason = _("not everything that is needed has come through: {told}").format(told=told)
        raise WrongUse(reason, _("name it too, if it is in this plan: {named}").format(named=named))


def with_ground(plan: Plan, keys: Iterable[str]) -> tuple[str, ...]:
    """Add the sites and lines that units stand on."""
    taken = set(keys)
    needs = {need for unit in plan.units if unit.key in taken for need in unit.needs}
    known = {unit.key for unit in plan.units}
    return tuple(sorted(taken | {need for need in needs & known if not need.startswith("system:")}))


def may_commit(plan: Plan, units: Iterable[str], ledger: Ledger) -> None:
    """Refuse to give up the way back of units before that of the lines and systems they need; WrongUse."""
    taken = set(units)
    for unit in plan.units:
        left = [
            need
            for need in unit.needs
            # A site has no way back that could be given up.
            if need not in taken and not need.startswith("site:") and ledger.state(need) not in GIVEN_UP
        ]
        if unit.key in taken and left:
            text = _("{unit} needs {needs}, whose way back is still open").format(unit=unit.key, needs=", ".join(left))
            raise WrongUse(text, _("commit them too: zhenghe commit {units}").format(units=" ".join([*left, unit.key])))


def may_return(units: Iterable[str], ledger: Ledger, run: str) -> None:
    """Refuse to take units back before those of other runs that need them; WrongUse."""
    accounts = ledger.accounts
    moved = {key for key in units if key in accounts and accounts[key].is_held}
    for account in accounts.values():
        if account.run != run and account.is_held and moved & set(account.unit.needs):
            text = _("{unit} needs {needs} and was moved in run {run}")
            needs = ", ".join(sorted(moved & set(account.unit.needs)))
            reason = text.format(unit=account.unit.key, needs=needs, run=account.run)
            raise WrongUse(reason, _("take it back first: zhenghe rollback {unit}").format(unit=account.unit.key))


def withdrawn(plan: Plan, units: tuple[str, ...], ledger: Ledger) -> tuple[str, ...]:
    """Return the units whose preparation is given up: all but sites where none is named.

    WrongUse where one is named on which others stand that are prepared or moved.
    """
    taken = set(units) or {unit.key for unit in plan.units if unit.kind not in STANDING}
    standing = (account.unit for account in ledger.accounts.values() if account.state not in NOTHING_DONE)
    others = [unit.key for unit in standing if unit.key not in taken and taken & set(unit.needs)]
    if units and others:
        text = _("these stand on it and are prepared or moved: {units}").format(units=", ".join(sorted(others)))
        raise WrongUse(text, _("withdraw them too, or take them back first"))
    return tuple(sorted(taken))


def living(world: World) -> World:
    """Return a world that there still is; WrongUse for a twin whose supervisor was ended."""
    place = world.cloud.through or Path(world.cloud.endpoint)
    if world.kind == "twin" and place.is_socket():
        with socket.socket(socket.AF_UNIX) as control:
            try:
                control.connect(str(place))
            except OSError as exc:
                gone = _("twin {name} does not run any more: somebody has ended its supervisor")
                mend = _("zhenghe twin up builds it anew as it was surveyed; zhenghe rehearse does so by itself")
                raise WrongUse(gone.format(name=world.name), mend) from exc
    return world
