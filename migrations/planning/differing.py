"""Differences of two plans: units new, gone, changed (in which argument), moved to another wave, done meanwhile."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from inventory.base import Model
from inventory.words import _
from migrations.ledger import Ledger
from migrations.plan import Plan, Unit
from migrations.states import UnitState, state_word

What = Literal["new", "gone", "changed", "wave", "content", "needs", "state"]
LONGEST = 60
"""So many characters of a value are told."""


class Difference(Model):
    """One respect in which a unit differs; `before` and `after` are values as text, empty where there is none."""

    unit: str
    what: What
    field: str = ""
    """Dotted path of an argument below the step that has it first, such as prepare/db: components[0].targets."""
    before: str = ""
    after: str = ""


def difference_of(one: Plan, two: Plan, one_of: frozenset[str] | None = None) -> tuple[Difference, ...]:
    """Return what differs from one plan to another, by unit; with `one_of`, only in units of these keys."""
    old = {unit.key: unit for unit in one.units}
    new = {unit.key: unit for unit in two.units}
    keys = sorted(old.keys() | new.keys())
    return tuple(
        found for key in keys if one_of is None or key in one_of for found in between(key, old.get(key), new.get(key))
    )


def difference_from_ledger(plan: Plan, ledger: Ledger) -> tuple[Difference, ...]:
    """Return what differs from what was done in a world to a plan; what was done and is not in it is gone from it."""
    found: list[Difference] = []
    planned = {unit.key: unit for unit in plan.units}
    accounts = {account.unit.key: account for account in ledger.with_steps(ledger.accounts.values())}
    for key in sorted(planned.keys() | accounts.keys()):
        account = accounts.get(key)
        found += between(key, None if account is None else account.unit, planned.get(key))
        if account is not None:
            found.append(Difference(unit=key, what="state", after=account.state, field=account.run))
    return tuple(found)


def in_words(found: Iterable[Difference]) -> list[str]:
    """Say each difference in a sentence, in the user's language."""
    said = {
        "new": _("{unit} is new"),
        "gone": _("{unit} is gone"),
        "changed": _("{unit}: {field} was {before} and is {after}"),
        "wave": _("{unit} moves in wave {after} instead of {before}"),
        "content": _("{unit}: other files act for it (roles, platforms or programs)"),
        "needs": _("{unit}: it needed {before} and needs {after}"),
        "state": _("{unit}: {state} (run {run})"),
    }
    return [said[each.what].format(**each.model_dump(), **_state(each)) for each in found]


def _state(found: Difference) -> Mapping[str, str]:
    known = found.what == "state"
    word = state_word(found.unit.partition(":")[0], UnitState(found.after), _) if known else ""
    return {"state": word, "run": found.field}


def between(key: str, old: Unit | None, new: Unit | None) -> Iterator[Difference]:
    """Yield what differs from one unit to another of the same key; None where there is none."""
    if old is None or new is None:
        yield Difference(unit=key, what="new" if old is None else "gone")
        return
    if old.wave != new.wave:
        yield Difference(unit=key, what="wave", before=_wave(old.wave), after=_wave(new.wave))
    if old.needs != new.needs:
        yield Difference(unit=key, what="needs", before=", ".join(old.needs) or "–", after=", ".join(new.needs) or "–")
    if old.content != new.content:
        yield Difference(unit=key, what="content")
    yield from _arguments(key, old, new)


def _wave(wave: int | None) -> str:
    return "–" if wave is None else str(wave)


def _arguments(key: str, old: Unit, new: Unit) -> Iterator[Difference]:
    """Yield the arguments that differ; what several steps have in common is told once."""
    before = {step.id.partition("/")[2]: step for step in old.steps}
    after = {step.id.partition("/")[2]: step for step in new.steps}
    seen: set[tuple[str, str, str]] = set()
    for name in [*before, *(each for each in after if each not in before)]:
        one, two = before.get(name), after.get(name)
        if one is None or two is None:
            there, gone = _("there"), _("not there")
            sides = {"before": there if one else gone, "after": there if two else gone}
            yield Difference(unit=key, what="changed", field=name, **sides)
            continue
        found = [*_values("", one.arguments, two.arguments)]
        found += [("timeout", one.timeout, two.timeout)] if one.timeout != two.timeout else []
        for field, was, now in found:
            mark = (field.rpartition(".")[2], _shown(was), _shown(now))
            if mark not in seen:
                seen.add(mark)
                yield Difference(unit=key, what="changed", field=f"{name}: {field}", before=mark[1], after=mark[2])


def _values(path: str, one: Any, two: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the places in which two values differ, with both values there."""
    if isinstance(one, Mapping) and isinstance(two, Mapping):
        for name in [*one, *(each for each in two if each not in one)]:
            yield from _values(f"{path}.{name}".lstrip("."), one.get(name), two.get(name))
    elif isinstance(one, list | tuple) and isinstance(two, list | tuple) and len(one) == len(two):
        for number, (was, now) in enumerate(zip(one, two, strict=True)):
            yield from _values(f"{path}[{number}]", was, now)
    elif one != two:
        yield path, one, two


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        named = [each["name"] if isinstance(each, Mapping) and "name" in each else each for each in value]
        text = ", ".join(map(str, named))
    else:
        text = "–" if value is None else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
