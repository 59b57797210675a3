"""The units that a plan is about: a wave's or some by name, with sites and lines under them, without those done."""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from inventory.base import Model
from inventory.errors import ZhengheError
from inventory.words import _
from migrations.ledger import GIVEN_UP, Account, Ledger
from migrations.plan import STANDING, Actuator, Plan, Scope, Unit
from migrations.planning.differing import between, in_words
from migrations.planning.protecting import protect
from migrations.states import THROUGH, UnitState, state_word

CHANGES = 3
"""So many differences from what was prepared are told with a plan."""


class UnknownScope(ZhengheError, LookupError):
    """There is no such wave or unit; says which there are."""


class LeftOut(Model):
    """A unit that was asked for and is not in the plan, with the reason in the user's language."""

    unit: str
    reason: str


class Chosen(Model):
    """A plan of a scope, with what is left out of it because of what was done before, and what it stands on."""

    plan: Plan
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    """What goes on, is done anew or must come first, in the user's language."""


def choose(plan: Plan, scope: Scope, ledger: Ledger | None = None) -> Chosen:
    """Return the plan of a scope out of a whole one; UnknownScope, and HostInUse where it would harm what was done.

    Sites and lines that a system needs are taken with it; a system that it needs is only named. With a ledger,
    what was done is left out, and what another run has moved stays with that run, which has its way back.
    """
    scope = scope.model_copy(update={"units": keys_of(plan, scope.units)})
    wanted = set(_wanted(plan, scope))
    wanted |= _ground(plan, wanted)
    asked = [unit for unit in plan.units if unit.key in wanted]
    left = [] if ledger is None else list(_left_out(asked, ledger))
    out = {each.unit for each in left}
    # What was left out because it is done needs nothing any more.
    units = tuple(unit for unit in asked if unit.key not in out)
    narrowed = plan.model_copy(update={"scope": scope, "units": units})
    if ledger is not None:
        protect(narrowed, ledger)
    notes = (*_goes_on(units, ledger), *_first(narrowed, ledger))
    return Chosen(plan=narrowed, left_out=tuple(left), notes=notes)


def keys_of(plan: Plan, names: Iterable[str]) -> tuple[str, ...]:
    """Return the keys of units that are named by key or by name; UnknownScope for what is not one unit."""
    by_name: dict[str, list[str]] = {}
    for unit in plan.units:
        by_name.setdefault(unit.key, []).append(unit.key)
        by_name.setdefault(unit.name, []).append(unit.key)
    found: list[str] = []
    for name in names:
        if len(keys := by_name.get(name, ())) != 1:
            reason = _("'{unit}' is not one unit of the plan").format(unit=name)
            raise UnknownScope(f"{reason}; {_('they are: {known}').format(known=_listed(plan))}")
        found += keys
    return tuple(sorted(set(found)))


def needed_first(plan: Plan, ledger: Ledger | None) -> dict[str, tuple[str, ...]]:
    """Return for each unit of a plan the units that it needs, are not in the plan and have not come through."""
    taken = {unit.key for unit in plan.units}
    found = {}
    for unit in plan.units:
        lacking = [
            need
            for need in unit.needs
            if need not in taken and (ledger is None or ledger.state(need) not in THROUGH)
        ]  # fmt: skip
        if lacking:
            found[unit.key] = tuple(lacking)
    return found


def _listed(plan: Plan) -> str:
    shown = [unit.key for unit in plan.units[:40]]
    return ", ".join(shown) + (" …" if len(plan.units) > len(shown) else "")


def _wanted(plan: Plan, scope: Scope) -> Iterator[str]:
    if scope.units:
        yield from scope.units
    elif scope.wave is None:
        yield from (unit.key for unit in plan.units)
    else:
        # A site or line goes with whichever wave needs it, not only with the first.
        found = [unit.key for unit in plan.units if unit.kind is Actuator.SYSTEM and unit.wave == scope.wave]
        if not found:
            waves = sorted({unit.wave for unit in plan.units if unit.wave is not None})
            known = ", ".join(map(str, waves)) or _("none: give systems a wave in the inventory")
            reason = _("wave {wave} has no system that moves").format(wave=scope.wave)
            raise UnknownScope(f"{reason}; {_('waves are: {known}').format(known=known)}")
        yield from found


def _ground(plan: Plan, keys: set[str]) -> set[str]:
    return {need for unit in plan.units if unit.key in keys for need in unit.needs if not need.startswith("system:")}


def _left_out(units: Iterable[Unit], ledger: Ledger) -> Iterator[LeftOut]:
    for unit in units:
        account = ledger.accounts.get(unit.key)
        if account is None:
            continue
        if ledger.is_done(unit):
            changed = account.state in GIVEN_UP and account.unit.digest != unit.digest
            reason = _("it was committed in run {run}") if account.state in GIVEN_UP else _("run {run} has made it")
            if changed:
                reason = _("it was committed in run {run}; later changes of its move in the inventory have no effect")
            yield LeftOut(unit=unit.key, reason=reason.format(run=account.run))
        elif account.is_held and unit.kind not in STANDING:
            reason = _("{state} in run {run}, which has its way back")
            word = state_word(unit.kind, account.state, _)
            yield LeftOut(unit=unit.key, reason=reason.format(state=word, run=account.run))


def _goes_on(units: Iterable[Unit], ledger: Ledger | None) -> Iterator[str]:
    for unit in units:
        account = None if ledger is None else ledger.accounts.get(unit.key)
        if account is None or account.state in {UnitState.PLANNED, UnitState.WITHDRAWN}:
            continue
        if account.unit.digest == unit.digest:
            text = _("{unit} was prepared in run {run}: it goes on, nothing is copied again")
            yield text.format(unit=unit.key, run=account.run)
        elif unit.kind is Actuator.SITE:
            yield _("{unit} is made again as it is declared now").format(unit=unit.key)
        else:
            text = _("{unit} was prepared in run {run} and has changed since: its preparation is gone through again")
            assert ledger is not None
            yield "; ".join((text.format(unit=unit.key, run=account.run), *_changes(account, unit, ledger)))


def _changes(account: Account, unit: Unit, ledger: Ledger) -> Iterator[str]:
    """Say in what a unit differs from what was prepared; nothing where that run's plan cannot be read."""
    with suppress(OSError, ValueError, KeyError, ZhengheError):
        (before,) = ledger.with_steps((account,))
        found = in_words(between(unit.key, before.unit, unit))
        yield from (each.removeprefix(f"{unit.key}: ") for each in found[:CHANGES])
        if len(found) > CHANGES:
            yield _("and {number} more: see zhenghe diff").format(number=len(found) - CHANGES)


def _first(plan: Plan, ledger: Ledger | None) -> Iterator[str]:
    for key, needs in needed_first(plan, ledger).items():
        yield _("{unit} needs {needs}, which this plan does not move: it must have come through before").format(
            unit=key, needs=", ".join(needs)
        )
