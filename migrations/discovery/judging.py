"""Holds what was seen on hosts against the programme: pure, nothing is asked here."""

from collections.abc import Iterator, Mapping
from enum import StrEnum

from inventory.base import Model
from inventory.derived.wired import host_addresses
from inventory.model import Component, Programme, System
from inventory.words import _
from migrations.discovery.facts import Discovered, Peer


class Sort(StrEnum):
    """What kind of difference between hosts and inventory was found."""

    UNREPORTED = "unreported"
    """Something runs that no system of the inventory has."""
    DEPENDENCY = "dependency"
    """A system was seen to use another one and does not say that it depends on it."""
    STRANGER = "stranger"
    """A machine that the inventory does not have uses a system."""
    UNUSED = "unused"
    """Nothing runs on a host and nobody was connected."""
    NOT_KNOWN = "not known"
    """The host could not be looked at."""


class Discovery(Model):
    """One difference between what was seen on a host and what was reported."""

    sort: Sort
    host: str
    subject: str
    why: str


class Dependency(Model):
    """That one system was seen to use another one."""

    system: str
    needs: str
    evidence: str


def judged(
    programme: Programme, seen: Mapping[str, Discovered]
) -> tuple[tuple[Discovery, ...], tuple[Dependency, ...]]:
    """Return the differences, and the dependencies that nobody has written down, both in a lasting order."""
    survey = _Survey(programme)
    found = [
        each for host in sorted(seen) for each in (*survey.unreported(host, seen[host]), *_unused(host, seen[host]))
    ]
    pairs: dict[tuple[str, str], str] = {}
    for host in sorted(seen):
        for peer in seen[host].peers:
            evidence = _evidence(host, peer, seen[host].looks)
            for pair in survey.dependencies(host, peer):
                pairs.setdefault(pair, evidence)
            found += survey.strangers(host, peer, evidence)
    needed = tuple(Dependency(system=one, needs=other, evidence=why) for (one, other), why in sorted(pairs.items()))
    for each in needed:
        host = each.evidence.partition(":")[0]
        why = _("it uses {needs} and does not say that it depends on it ({evidence})")
        found.append(
            Discovery(
                sort=Sort.DEPENDENCY,
                host=host,
                subject=each.system,
                why=why.format(needs=each.needs, evidence=each.evidence),
            )
        )
    return tuple(dict.fromkeys(found)), needed


class _Survey:
    """What departments have reported, by host and address."""

    def __init__(self, programme: Programme) -> None:
        self._on: dict[str, list[tuple[System, Component]]] = {}
        for system in programme.systems:
            for part in () if system.grading.classified else system.components:
                for host in part.on:
                    self._on.setdefault(host, []).append((system, part))
        self._hosts = {str(address): name for name, address in host_addresses(programme).items()}
        self._known = {str(vantage.address) for vantage in programme.network.vantages}
        self._prefixes = tuple(
            [vantage.prefix for vantage in programme.network.vantages]
            + [network.prefix for site in programme.sites for network in site.networks]
        )
        self._systems = {system.system: system for system in programme.systems}

    def unreported(self, host: str, seen: Discovered) -> Iterator[Discovery]:
        """Yield what runs on a host and belongs to no component that was reported there."""
        parts = [part for _system, part in self._on.get(host, [])]
        settings = [part.settings for part in parts]
        databases = {(each.get("port", 5432), each["database"]) for each in settings if "database" in each}
        services = {each["service"] for each in settings if "service" in each}
        services |= {name for each in settings for key in ("helpers", "jobs") for name in each.get(key, ())}
        roots = [str(each["root"]).rstrip("/") for each in settings if "root" in each]
        for database in seen.databases:
            if (database.port, database.name) not in databases:
                size = f"{database.bytes / 2**20:,.0f} MiB"
                why = _("a database that no system has, {size}").format(size=size)
                yield Discovery(sort=Sort.UNREPORTED, host=host, subject=database.name, why=why)
        for service in seen.services:
            if service.name not in services and not _within(service.folder, roots):
                why = _("a service that no system has; it runs as {user}").format(user=service.user)
                yield Discovery(sort=Sort.UNREPORTED, host=host, subject=service.name, why=why)
        publishes = any(each.program == "nginx" for each in seen.listening)
        for site in seen.sites if publishes else ():
            if site.root.startswith("/") and not _within(site.root, roots):
                why = _("a web server publishes {root}, which no system has").format(root=site.root)
                yield Discovery(sort=Sort.UNREPORTED, host=host, subject=site.site, why=why)

    def dependencies(self, host: str, peer: Peer) -> Iterator[tuple[str, str]]:
        """Yield the pairs of systems, user first, that a connection shows and the inventory lacks."""
        other = self._hosts.get(peer.address)
        if other is None or other == host:
            return
        user, served = (host, other) if peer.way == "out" else (other, host)
        users = {system.system for system, _part in self._on.get(user, [])}
        serving = {system.system for system, part in self._on.get(served, []) if _listens(part, peer.port)}
        # Where several systems share a host, a connection does not say whose it is.
        if len(users) == 1 and len(serving) == 1:
            (one,), (needed,) = users, serving
            if one != needed and needed not in self._systems[one].depends_on:
                yield one, needed

    def strangers(self, host: str, peer: Peer, evidence: str) -> Iterator[Discovery]:
        """Yield who uses a system from an address that the inventory does not have."""
        if peer.way != "in" or peer.address in self._hosts or peer.address in self._known or ":" in peer.address:
            return
        served = {system.system for system, part in self._on.get(host, []) if _listens(part, peer.port)}
        for system in sorted(served):
            why = _("{address} uses it and is no machine of the inventory ({evidence})")
            text = why.format(address=peer.address, evidence=evidence)
            yield Discovery(sort=Sort.STRANGER, host=host, subject=system, why=text)


def _listens(part: Component, port: int) -> bool:
    """Return whether a component as surveyed takes connections at a port, as far as its kind tells."""
    usual = {"postgresql": 5432, "mariadb": 3306, "web": 80}
    own = int(part.settings.get("port", usual.get(part.kind, 0)))
    return port in {own, 0 if part.entry is None else part.entry.port}


def _within(folder: str, roots: list[str]) -> bool:
    return any(folder == root or folder.startswith(root + "/") for root in roots)


def _unused(host: str, seen: Discovered) -> Iterator[Discovery]:
    listening = [each for each in seen.listening if each.port != 22 and not each.address.startswith("127.")]
    if seen.looks and not (seen.services or seen.databases or seen.sites or seen.peers or listening):
        why = _("nothing runs there but the operating system, and nobody was connected in {looks} looks")
        yield Discovery(sort=Sort.UNUSED, host=host, subject=host, why=why.format(looks=seen.looks))


def _evidence(host: str, peer: Peer, looks: int) -> str:
    words = _("{host}: {way} {address} port {port}, in {count} of {looks} looks")
    way = _("from") if peer.way == "in" else _("to")
    return words.format(host=host, way=way, address=peer.address, port=peer.port, count=peer.looks, looks=looks)
