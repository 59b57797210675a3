"""What of a unit is looked at while nobody works on it, and what is seen there in words: a table for each actuator.

Only what is in force in a state is looked at: after a switch the copy that came before it is no more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from inventory.words import _
from migrations.actuators.contract import Observation, ObservedState
from migrations.plan import Actuator, Step, Unit
from migrations.service.troubles import Trouble, What
from migrations.states import UnitState

_PREPARED = ("replicate", "front")
WATCHED: Mapping[Actuator, Mapping[UnitState, tuple[str, ...]]] = {
    Actuator.SITE: dict.fromkeys((UnitState.READY, UnitState.COMMITTED), ("provision",)),
    Actuator.LINK: dict.fromkeys((UnitState.READY, UnitState.COMMITTED), ("reach",)),
    Actuator.LINE: {
        UnitState.SYNCED: ("attach",),
        UnitState.ROLLED_BACK: ("attach",),
        UnitState.ON_PROBATION: ("shift",),
        UnitState.DECOMMISSIONED: ("release",),
    },
    Actuator.SYSTEM: {
        UnitState.SYNCED: _PREPARED,
        UnitState.ROLLED_BACK: _PREPARED,
        UnitState.HELD: _PREPARED,
        UnitState.ON_PROBATION: ("front", "switch"),
        UnitState.DECOMMISSIONED: ("front",),
    },
}
"""The verbs whose effects are in force in a state; steps that were never done are passed over all the same."""
_HELD_BY = {"source": "sealed", "target": "promoted", "entry": "to"}
"""How the participants of a switch are while a system is on probation."""
HELD_BACK = 4 << 30
"""Bytes that a source may hold back for a copy before that is told: older clusters have no limit of their own."""


def watched(unit: Unit, state: UnitState, done: frozenset[str]) -> Iterator[Step]:
    """Yield the steps of a unit whose effects must be there; `done` are those that were seen done last."""
    verbs = WATCHED.get(unit.kind, {}).get(state, ())
    yield from (step for step in unit.steps if step.verb in verbs and step.id in done)


def troubles_of(run: str, unit: Unit, step: Step, seen: Observation) -> Iterator[Trouble]:
    """Yield what is not as the step left it."""
    found: Iterable[tuple[What, str]] = _not_there(unit, step, seen)
    if unit.kind is Actuator.SYSTEM and step.verb == "switch":
        found = _of_switch(seen.facts)
    elif seen.state is ObservedState.DONE:
        against = seen.facts.get("way_back")
        found = [("way back", "; ".join(map(str, against)))] if against else []
    if step.verb == "replicate" and (held := _held_back(seen.facts)) > HELD_BACK:
        text = _("its source holds back {gib} GiB for it: mend what keeps its target from reading, or withdraw it")
        found = [*found, ("held back", text.format(gib=f"{held / (1 << 30):.1f}"))]
    for what, text in found:
        yield Trouble(run=run, unit=unit.key, what=what, about=step.id, text=text)


def _not_there(unit: Unit, step: Step, seen: Observation) -> Iterator[tuple[What, str]]:
    if seen.state is ObservedState.UNKNOWN and unit.kind is not Actuator.LINE:
        yield "not known", seen.detail or _("it could not be seen")
    elif step.verb == "replicate":
        what: What = "cut off" if _is_cut_off(seen.facts) else "copy"
        yield what, _("the copy does not follow: {why}").format(why=_reason(seen.facts))
    elif unit.kind is Actuator.LINE:
        text = _("{step} is not in force on {where}")
        yield "drift", text.format(step=step.verb, where=_devices(seen.facts))
    elif unit.kind is Actuator.LINK:
        yield "drift", _("its ends do not reach each other: {what}").format(what=seen.detail)
    elif unit.kind is Actuator.SITE:
        yield "drift", _("the cloud is not as declared: {what}").format(what=_changes(seen.facts))
    else:
        yield "drift", _("{step} is not there any more").format(step=step.id.partition("/")[2])


def _of_switch(facts: Mapping[str, Any]) -> Iterator[tuple[What, str]]:
    for one in facts.get("opened", ()):
        side, state, host = one["side"], one["state"], one["host"]
        if one.get("database") == "absent" and side == "source":
            yield "way back", _("its database is not on {host} any more").format(host=host)
        elif side == "source" and state == "frozen":
            # Its fence is there, and it does not follow.
            yield "way back", _("{host}: {why}").format(host=host, why=_("the old side does not follow the new one"))
        elif side == "source" and state != _HELD_BY[side]:
            yield "drift", _("{host} takes writes again: somebody lifted its fence").format(host=host)
        elif state != _HELD_BY.get(side, state):
            text = _("{host} ({side}) is {state}: its users are not where they were moved to")
            yield "drift", text.format(host=host, side=side, state=state)
        told = str(one.get("way_back", "open"))
        if told.startswith("broken"):
            why = told.removeprefix("broken").lstrip(":; ") or _("the old side does not follow the new one")
            yield "way back", _("{host}: {why}").format(host=host, why=why)
        elif told.startswith("not known"):
            yield "not known", _("its way back: {why}").format(why=told.partition(": ")[2] or told)


def _held_back(facts: Mapping[str, Any]) -> int:
    every = [one.get("held_back") for one in facts.values() if isinstance(one, Mapping)]
    return max((size for size in every if isinstance(size, int)), default=0)


def _is_cut_off(facts: Mapping[str, Any]) -> bool:
    return any(isinstance(one, Mapping) and one.get("cut_off") is True for one in facts.values())


def _reason(facts: Mapping[str, Any]) -> str:
    found = [one for one in facts.values() if isinstance(one, Mapping)] or [facts]
    for one in found:
        if one.get("reason"):
            return str(one["reason"])
        if one.get("tables_left"):
            return _("tables left: {tables}").format(tables=", ".join(map(str, one["tables_left"][:20])))
        if one.get("bytes_behind") is not None:
            return _("{count} bytes behind").format(count=one["bytes_behind"])
    return _("see the target's log")


def _devices(facts: Mapping[str, Any]) -> str:
    devices = facts.get("devices", {})
    wrong: Sequence[str] = [
        f"{name} ({state['at']})" if state["permanent"] else _("{device} (not saved)").format(device=name)
        for name, state in sorted(devices.items())
        if state["at"] != "after" or not state["permanent"]
    ]
    return ", ".join(wrong) or _("some device")


def _changes(facts: Mapping[str, Any]) -> str:
    changes = [one for one in facts.get("changes", ()) if isinstance(one, Mapping)]
    named = [" ".join(str(value) for value in one.values() if isinstance(value, str) and value) for one in changes]
    return "; ".join(named[:10]) or _("see zhenghe apply, which makes it so")
