"""Needs of a move that a survey may lack: targets, addresses, networks, lines' ends, the extranet's centre.

An inventory in which nothing is planned yet needs none of it. What is planned, and lacks something, is an error; what
would move by rule and has no target is only said to be not planned yet.
"""

from collections.abc import Iterable, Iterator

from inventory.checks.decided import Decided
from inventory.dispositions.decisions import MOVES, Decision
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.findings import Finding, Severity
from inventory.model import Disposition, System
from inventory.words import _


def unplanned(systems: Iterable[Decided]) -> Iterator[Finding]:
    """Systems that are to move or to merge and do not say where to: half a target is an error, none a warning."""
    for place, system, _rule, decision in systems:
        if decision.disposition in MOVES:
            yield from _aims(place, system, decision)
        elif decision.disposition is Disposition.MERGE and system.into is None:
            severity = Severity.ERROR if system.disposition is not None else Severity.WARNING
            reason = _("it merges, and nothing says into what ({rule})").format(rule=decision.reason)
            yield place.key("into").finding(reason, _("add into: and the system or platform that takes over"), severity)


def _aims(place: Cursor, system: System, decision: Decision) -> Iterator[Finding]:
    aimed = [component.to is not None for component in system.components]
    if not any(aimed):
        severity = Severity.ERROR if system.disposition is not None else Severity.WARNING
        reason = _("not planned yet: it is to move ({rule}) and no component has a target").format(rule=decision.reason)
        mend = _("add components with to: {site: …, size: …, addresses: [...]}, or a disposition such as retire")
        yield place.key("components").finding(reason, mend, severity)
        return
    if system.domain is None:
        yield place.key("domain").finding(_("a system that moves needs a domain"), _("add it"))
    for number, has in enumerate(aimed):
        if not has:
            listed = place.down("components")
            holder = (listed.at(number) if listed is not None else None) or place
            mend = _("add to: {site: …, size: …, addresses: [...]}, or a disposition such as retire")
            yield holder.key("to").finding(_("the component has no target"), mend)


def active(systems: Iterable[Decided]) -> tuple[System, ...]:
    """Return the systems on whose hosts a plan acts: those that move somewhere and those that are stopped."""
    return tuple(each.system for each in systems if _acts(each.system, each.decision.disposition))


def _acts(system: System, disposition: Disposition) -> bool:
    if disposition in MOVES:
        return any(component.to is not None for component in system.components)
    return disposition is Disposition.RETIRE and bool(system.components)


def consolidated(index: Index) -> tuple[Cursor, ...]:
    """Return the lines whose traffic a plan takes over."""
    stays = ("golden_project", "released", "exemption")
    return tuple(
        line
        for line in index.parts("lines")
        if line.text("domain") is not None and all(line.below((key,)) is None for key in stays)
    )


def unwired(index: Index, acting: Iterable[System]) -> Iterator[Finding]:
    """Hosts on which a plan acts without an address, or in a machine room whose network is not known."""
    rooms = {
        name: room
        for room in index.parts("rooms")
        for host in room.each("hosts")
        if (name := host.text("name")) is not None
    }
    told: set[tuple[int, str]] = set()
    hosts = index.named("hosts")
    # By name: what is told must not hang on the order of files.
    for system in sorted(acting, key=lambda each: each.system):
        on = {name for component in system.components for name in component.on}
        for name in sorted(on & rooms.keys() & hosts.keys()):
            room, host = rooms[name], hosts[name]
            for holder, key in ((host, "address"), (room, "prefix"), (room, "gateway")):
                if holder.below((key,)) is None and (id(holder), key) not in told:
                    told.add((id(holder), key))
                    reason = _("a plan acts on the host '{host}' for the system '{system}': '{key}' is missing").format(
                        host=name, system=system.system, key=key
                    )
                    yield holder.key(key).finding(reason, _("add it"))


def loose_lines(index: Index) -> Iterator[Finding]:
    """Lines that are to be consolidated and do not say what they connect."""
    for line in consolidated(index):
        for key in ("ends", "prefix"):
            if line.below((key,)) is None:
                reason = _("a line that a domain takes over needs '{key}'").format(key=key)
                mend = _("add it, or leave the domain out until the line is surveyed")
                yield line.key(key).finding(reason, mend)


def headless(index: Index, acting: Iterable[System]) -> Iterator[Finding]:
    """An extranet without the centre and the name service on which every move rests."""
    moving = min((system.system for system in acting), default=None)
    line = min((name for line in consolidated(index) if (name := line.text("name")) is not None), default=None)
    unit = moving or line
    if unit is None or not index.rest:
        return
    place = next((found for document in index.rest if (found := document.at("network")) is not None), index.rest[0])
    wanted = {
        "centre": _("add centre: {gateway: …, networks: [...], hosts: [...]}"),
        "names": _("add names: {zone: …, server: …, ttl: …}"),
    }
    for key, mend in wanted.items():
        if not index.parts(key):
            reason = _("'{unit}' moves, and the extranet has no '{key}'").format(unit=unit, key=key)
            yield place.key(key).finding(reason, mend)
