"""Rules between the parts of an inventory: names that are unique, no cycles, no secrets."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.files.reading import Mapping as MappingNode
from inventory.files.reading import Node, Scalar
from inventory.findings import Finding
from inventory.secrecy import FORMS, looks_secret
from inventory.words import _N, _

UNIQUE: Mapping[str, str] = {
    "buildings": _N("buildings"),
    "departments": _N("departments"),
    "units": _N("institutions and towns"),
    "rooms": _N("machine rooms"),
    "systems": _N("systems"),
    "platforms": _N("platforms"),
    "sites": _N("sites"),
    "site networks": _N("networks of sites"),
    "sizes": _N("sizes"),
    "domains": _N("domains"),
    "lines": _N("lines"),
    "resources": _N("data resources"),
    "requests": _N("requests for data"),
}
"""Kinds whose members have names of their own in the whole inventory."""


class Within(NamedTuple):
    """That the members of a list have names of their own inside what holds the list."""

    holder: str
    key: str
    word: str


WITHIN = (
    Within("departments", "offices", _N("offices of one department")),
    Within("rooms", "assets", _N("equipment of one machine room")),
    Within("systems", "components", _N("components of one system")),
    Within("systems", "probes", _N("probes of one unit")),
    Within("lines", "probes", _N("probes of one unit")),
)


def _twice(parts: Iterable[Cursor], what: str, key: str = "name") -> Iterator[Finding]:
    seen: dict[str, Cursor] = {}
    for part in parts:
        name = part.text(key)
        if name is not None and (first := seen.setdefault(name, part)) is not part:
            yield _borne(part.at(key) or part, name, what, first)


def _borne(place: Cursor, name: str, what: str, first: Cursor) -> Finding:
    reason = _("the name '{name}' is borne by two ({what})").format(name=name, what=_(what))
    mend = _("the other is at {place}; rename one of them").format(place=f"{first.file}:{first.spot.line}")
    return place.finding(reason, mend)


def duplicates(index: Index) -> Iterator[Finding]:
    """Names that two parts bear where only one can be meant."""
    for kind, word in UNIQUE.items():
        yield from _twice(index.parts(kind), word, "system" if kind == "systems" else "name")
    for name, platform in index.named("platforms").items():
        if (system := index.named("systems").get(name)) is not None:
            yield _borne(platform.at("name") or platform, name, _N("systems and platforms"), system)
    reached = chain.from_iterable(index.parts(kind) for kind in ("hosts", "devices", "vantages", "centre hosts"))
    yield from _twice(reached, _N("hosts and devices, all reached by their names"))
    for within in WITHIN:
        for holder in index.parts(within.holder):
            yield from _twice(holder.each(within.key), within.word)
    entries = (entry for component in index.components if (entry := component.at("entry")) is not None)
    yield from _twice(entries, _N("entries"))


def cycles(index: Index) -> Iterator[Finding]:
    """Systems that need each other in a circle, and systems that each take the other's place, each circle once."""
    yield from _cycles(
        index,
        (("depends_on",),),
        _N("systems depend on each other in a circle: {circle}"),
        _N("remove one of these dependencies"),
    )
    # By rule each of them would retire because another one does its work, and in the end nobody did.
    yield from _cycles(
        index,
        (("survey", "replaceable_by"), ("into",)),
        _N("systems take each other's place in a circle: {circle}"),
        _N("name the one that stays"),
    )


def _cycles(index: Index, fields: tuple[tuple[str, ...], ...], reason: str, mend: str) -> Iterator[Finding]:
    systems = index.named("systems")
    needs = {name: [word for field in fields for word in _named(system, field)] for name, system in systems.items()}
    done: set[str] = set()
    for start in sorted(needs):
        for circle in _circles(start, needs, done):
            system = systems[circle[0]]
            places = (system.down(*field) for field in fields if circle[1] in _named(system, field))
            yield (next(places, None) or system).finding(_(reason).format(circle=" → ".join(circle)), _(mend))


def _named(system: Cursor, field: tuple[str, ...]) -> Iterator[str]:
    """Yield the names under a field, be it one or a list."""
    place = system.down(*field)
    for each in (place, *place.each()) if place is not None else ():
        if isinstance(each.node, Scalar) and isinstance(each.node.value, str):
            yield each.node.value


def _circles(start: str, needs: dict[str, list[str]], done: set[str]) -> Iterator[list[str]]:
    path: list[str] = []
    work: list[tuple[str, Iterator[str]]] = []

    def enter(name: str) -> None:
        path.append(name)
        work.append((name, iter(needs.get(name, ()))))

    if start not in done:
        enter(start)
    while work:
        name, rest = work[-1]
        following = next(rest, None)
        if following is None:
            work.pop()
            path.pop()
            done.add(name)
        elif following in path:
            yield [*path[path.index(following) :], following]
        elif following not in done and following in needs:
            enter(following)


def secrets(index: Index) -> Iterator[Finding]:
    """Values that look like passwords; they are not repeated in the finding."""
    for document in index.documents:
        for path in _secrets_below(document.node):
            place = document
            for step in path:
                place = place.at(step) or place
            mend = _("write where it is kept instead ({forms}), and change the secret").format(forms=FORMS)
            yield place.finding(_("this looks like a secret; an inventory holds none"), mend)


def _secrets_below(node: Node) -> Iterator[tuple[str | int, ...]]:
    """Yield the paths of secrets; the nodes themselves are walked, as there are very many and hardly any secret."""
    waiting: list[tuple[Node, str, tuple[str | int, ...]]] = [(node, "", ())]
    while waiting:
        node, name, path = waiting.pop()
        if isinstance(node, Scalar):
            if looks_secret(name, node.value):
                yield path
        elif isinstance(node, MappingNode):
            waiting += [(child, key, (*path, key)) for key, child in node.items.items()]
        else:
            waiting += [(child, name, (*path, number)) for number, child in enumerate(node.items)]
