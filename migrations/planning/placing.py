"""Puts the units of a plan in order: each gets its depth by needs, its wave and its digest."""

from collections.abc import Iterable, Mapping

from inventory.words import _
from migrations.plan import Actuator, Unit, digest_of_unit

RANKS: Mapping[Actuator, int] = {Actuator.SITE: 0, Actuator.LINK: 1, Actuator.LINE: 2, Actuator.SYSTEM: 3}
"""Which kinds come first among units of one depth."""


def placed(units: list[Unit], waves: Mapping[str, int | None]) -> tuple[Unit, ...]:
    """Give units their depth by needs, their wave and their digest, and put them in order.

    The check of the inventory has refused circles, so the depth is finite; LookupError where it is not.
    """
    depths = _depths(units)
    first = _first_waves(units, waves)
    placed = (
        unit.model_copy(update={"depth": depths[unit.key], "wave": first.get(unit.key), "digest": digest_of_unit(unit)})
        for unit in units
    )
    return tuple(sorted(placed, key=lambda unit: (unit.depth, RANKS[unit.kind], unit.name)))


def _depths(units: Iterable[Unit]) -> Mapping[str, int]:
    needs = {unit.key: set(unit.needs) for unit in units}
    needed_by: dict[str, list[str]] = {}
    for key, before in needs.items():
        for need in before:
            needed_by.setdefault(need, []).append(key)
    depths: dict[str, int] = {}
    ready, depth = [key for key, before in needs.items() if not before], 1
    while ready:
        depths |= dict.fromkeys(ready, depth)
        for key in ready:
            for waiting in needed_by.get(key, ()):
                needs[waiting].discard(key)
        ready = [waiting for key in ready for waiting in needed_by.get(key, ()) if not needs[waiting]]
        ready, depth = list(dict.fromkeys(ready)), depth + 1
    if left := sorted(needs.keys() - depths.keys()):
        raise LookupError(_("units wait for each other: {units}").format(units=", ".join(left)))
    return depths


def _first_waves(units: Iterable[Unit], waves: Mapping[str, int | None]) -> dict[str, int]:
    """Return the wave of each system that has one; sites and lines go with the first system that needs them."""
    first = {key: wave for key, wave in waves.items() if wave is not None}
    for unit in units:
        wave = waves.get(unit.key)
        if wave is not None:
            first |= {need: min(wave, first.get(need, wave)) for need in unit.needs if need not in waves}
    return first
