"""Systems that can be read, each with what becomes of it, decided once for all checks."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from inventory.dispositions.decisions import Decision, rule_for, settled
from inventory.files.gathering import Cursor
from inventory.kinds import Kind
from inventory.model import System


class Decided(NamedTuple):
    """A system, where it is written, what the rule makes of it, and what becomes of it."""

    place: Cursor
    system: System
    rule: Decision
    decision: Decision


def decided(systems: Iterable[tuple[Cursor, System]], kinds: Mapping[str, Kind]) -> tuple[Decided, ...]:
    """Return the systems with what becomes of them; those that are classified are left out: nothing becomes of them."""
    found = []
    for place, system in systems:
        if not system.grading.classified:
            rule = rule_for(system, kinds)
            found.append(Decided(place, system, rule, settled(system, rule)))
    return tuple(found)
