"""Connections of services: named components must be there, and each old word must mean one of them."""

from collections.abc import Iterator, Mapping, Sequence

from inventory.checks.decided import Decided
from inventory.derived.substitutions import ambiguous
from inventory.files.gathering import Cursor
from inventory.findings import Finding
from inventory.kinds import Kind
from inventory.model import System
from inventory.words import _


def connections(systems: Sequence[Decided], kinds: Mapping[str, Kind]) -> Iterator[Finding]:
    """Settings for substitutions that name nothing, or that are needed because a word could mean two things."""
    every = tuple(each.system for each in systems)
    known = {f"{system.system}/{part.name}" for system in every for part in system.components}
    for place, system, _rule, _decision in systems:
        listed = place.down("components")
        for number, part in enumerate(system.components):
            if part.kind in kinds and kinds[part.kind].substitutes and part.to is not None:
                where = (listed.at(number) if listed is not None else None) or place
                yield from _of_part(where, every, system, number, known)


def _of_part(
    where: Cursor, every: tuple[System, ...], system: System, number: int, known: set[str]
) -> Iterator[Finding]:
    part = system.components[number]
    settings = where.at("settings") or where
    said = part.settings.get("uses", ())
    for name in said if isinstance(said, (list, tuple)) else ():
        if name not in known:
            yield settings.key("uses").finding(_("there is no component '{word}'").format(word=name), _("correct it"))
    for word, means in ambiguous(every, system, part).items():
        told = _("'{word}' in its configuration may mean {names}, which have names of their own after the move")
        reason = told.format(word=word, names=", ".join(means))
        yield settings.key("uses").finding(reason, _("list in uses: the one that it connects to"))
