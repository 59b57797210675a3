"""Expectations of testinfra after a move, as data: from the programme, the kinds and which units have moved."""

import re
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Literal

from inventory.base import Model
from inventory.derived.exits import foreign_devices
from inventory.derived.links import LinkedSites, linked_sites
from inventory.derived.targets import TargetHost, component_hosts, entry_hosts, network_of, target_hosts, target_names
from inventory.derived.wired import ends_in, ends_of, host_addresses, prefix_of
from inventory.kinds import Expectations, Kind
from inventory.model import Component, Line, Programme, Site, System

_PLACE = re.compile(r"(?<!\$)\{([A-Za-z_]\w*)\}")
"""A placeholder; other braces, as shells write them, are none."""
DEBIAN = "12"
"""The release that sites' hosts run."""
HOPS = 6


class Side(StrEnum):
    """Where a unit's service is looked for: where it was, or where it went."""

    SOURCE = "source"
    TARGET = "target"


class Expectation(Model):
    """One thing that must hold on one host; what it is decides which of the fields count."""

    unit: str
    """Key of the unit of the plan, such as system:archive."""
    host: str
    what: Literal["package", "running", "stopped", "listening", "closed", "resolves", "reaches", "command"]
    name: str
    """A package, a service, a DNS name, a port's number, an address and port, or a command."""
    wanted: str = ""
    """For names the address, for commands what they must print somewhere, as a regular expression."""
    unwanted: str = ""
    """For commands what they must not print, as a regular expression."""
    title: str = ""
    """What a command is about, for people."""

    @property
    def label(self) -> str:
        """Return one line for people."""
        return f"{self.host}: {self.title or f'{self.what} {self.name}'}"


def expectations(programme: Programme, kinds: Mapping[str, Kind], sides: Mapping[str, Side]) -> tuple[Expectation, ...]:
    """Return all that must hold when each unit, named by its key, has its service on the side that is given.

    A unit that is not given has no expectations; nor has a site that is not yet made. Of a system or a line on its
    source side only that users reach what they did: how it is built there was never this software's affair.
    """
    found = [*_standing(programme, sides)]
    for line in programme.network.lines:
        side = sides.get(f"line:{line.name}")
        if side is not None:
            found += _line(programme, line) if side is Side.TARGET else _line_back(programme, line)
    for system in programme.systems:
        side = sides.get(f"system:{system.system}")
        if side is not None and not system.grading.classified:
            found += _system(programme, kinds, system, side)
    return tuple(dict.fromkeys(found))


def _standing(programme: Programme, sides: Mapping[str, Side]) -> Iterator[Expectation]:
    for site in programme.sites:
        if sides.get(f"site:{site.name}") is Side.TARGET:
            yield from _site(programme, site)
    for link in linked_sites(programme):
        if sides.get(f"link:{link.name}") is Side.TARGET:
            yield from _link(link)


def _site(programme: Programme, site: Site) -> Iterator[Expectation]:
    command = ". /etc/os-release; echo $ID-$VERSION_ID"
    for host in target_hosts(programme, site.name):
        yield Expectation(
            unit=f"site:{site.name}",
            host=host.name,
            what="command",
            name=command,
            wanted=f"^debian-{DEBIAN}$",
            title=f"runs Debian {DEBIAN}",
        )
        yield Expectation(
            unit=f"site:{site.name}",
            host=host.name,
            what="command",
            name="ip -o -4 address show",
            wanted=rf"\b{str(host.address).replace('.', r'[.]')}/",
            title=f"has the address {host.address}",
        )


def _link(link: LinkedSites) -> Iterator[Expectation]:
    for here, there in link.views():
        yield Expectation(
            unit=f"link:{link.name}",
            host=here.name,
            what="reaches",
            name=f"{there.address}:22",
            title=f"reaches {there.name} at the other end",
        )


def _line(programme: Programme, line: Line) -> Iterator[Expectation]:
    """Look from outside which way traffic takes: over a circuit's edge, and over neither end of the line."""
    devices, prefix = ends_of(line), prefix_of(line)
    attached = (a for a in programme.network.attachments if a.domain == line.domain and a.device in devices)
    edges = [ends_in(each.prefix)[0] for each in attached]
    over = "|".join(str(address).replace(".", "[.]") for address in edges)
    ends = "|".join(str(address).replace(".", "[.]") for address in ends_in(prefix))
    foreign = foreign_devices(programme.network)
    theirs = {vantage.name for vantage in programme.network.vantages if vantage.gateway in foreign}
    # Until the line is drained the way back, from others' devices, is theirs to choose.
    unwanted = rf"From ({ends})\b" if foreign.isdisjoint(devices) else ""
    hosts = {name: str(address) for name, address in host_addresses(programme).items()}
    for probe in line.probes:
        if probe.kind != "ping" or probe.vantage in theirs:
            continue
        target = hosts.get(probe.target, probe.target)
        yield Expectation(
            unit=f"line:{line.name}",
            host=probe.vantage,
            what="command",
            name=f"for hop in $(seq 1 {HOPS}); do ping -n -c 1 -W 1 -t $hop -- {shlex.quote(target)} | grep From; "
            "done; true",
            wanted=rf"From ({over})\b",
            unwanted=unwanted,
            title=f"reaches {target} over the extranet",
        )


def _line_back(programme: Programme, line: Line) -> Iterator[Expectation]:
    """Look from outside whether packets come through; which way they take there is the department's affair."""
    hosts = {name: str(address) for name, address in host_addresses(programme).items()}
    for probe in (probe for probe in line.probes if probe.kind == "ping"):
        target = hosts.get(probe.target, probe.target)
        yield Expectation(
            unit=f"line:{line.name}",
            host=probe.vantage,
            what="command",
            name=f"ping -n -c 1 -W 1 -- {shlex.quote(target)}; true",
            wanted="bytes from",
            title=f"reaches {target}",
        )


def _system(programme: Programme, kinds: Mapping[str, Kind], system: System, side: Side) -> Iterator[Expectation]:
    moves = any(component.to is not None for component in system.components)
    targets = component_hosts(programme) if moves and side is Side.TARGET else {}
    for component in system.components:
        kind = kinds.get(component.kind)
        if kind is None:
            continue
        if side is Side.TARGET:
            maker = _Maker(system, component, kind)
            for host in target_names(targets, component):
                yield from maker.make(host, kind.checks.target)
            for host in component.on:
                yield from maker.make(host, kind.checks.source if moves else kind.checks.retired)
            yield from _entry(programme, kinds, system, component)
        yield from _reaches(system, component)


def _reaches(system: System, component: Component) -> Iterator[Expectation]:
    """On either side users find the service under its name."""
    for host in dict.fromkeys(probe.vantage for probe in system.probes if component.entry is not None):
        assert component.entry is not None
        name = f"{component.entry.name}:{component.entry.port}"
        yield Expectation(unit=f"system:{system.system}", host=host, what="reaches", name=name)


def _entry(
    programme: Programme, kinds: Mapping[str, Kind], system: System, component: Component
) -> Iterator[Expectation]:
    front = _front(programme, component)
    if front is None or component.entry is None:
        return
    kind = kinds.get(kinds[component.kind].entry or "")
    if kind is not None:
        yield from _Maker(system, component, kind).make(front.name, kind.checks.target)
    unit, address = f"system:{system.system}", str(front.address)
    for host in dict.fromkeys(probe.vantage for probe in system.probes):
        yield Expectation(unit=unit, host=host, what="resolves", name=component.entry.name, wanted=address)


def _front(programme: Programme, component: Component) -> TargetHost | None:
    """Return the host of a component's entry; None where it has none."""
    if component.to is None or component.entry is None:
        return None
    network = network_of(programme, component.to.site, component.to.addresses[0])
    hosts: Iterable[TargetHost] = entry_hosts(programme)
    return next((host for host in hosts if (host.site, host.network) == (component.to.site, network.name)), None)


class _Maker:
    """Fills a component's settings, or its entry's port, into what a kind expects."""

    def __init__(self, system: System, component: Component, kind: Kind) -> None:
        self._unit = f"system:{system.system}"
        properties = kind.settings.get("properties", {})
        defaults = {key: rule["default"] for key, rule in properties.items() if "default" in rule}
        # A kind's own port, where it has such a setting, is not the one at which clients find it.
        port = {} if component.entry is None else {"port": component.entry.port}
        settings = component.settings if kind.serves == "component" else {}
        words = {**port, **defaults, **settings, "system": system.system, "component": component.name}
        self._words = {key: str(value) for key, value in words.items()}

    def make(self, host: str, wanted: Expectations) -> Iterator[Expectation]:
        """Yield what must hold on one host; what needs a setting that the component has not is left out."""
        for name in self._filled(wanted.packages):
            yield Expectation(unit=self._unit, host=host, what="package", name=name)
        for name in self._filled(wanted.services):
            yield Expectation(unit=self._unit, host=host, what="running", name=name)
        for name in self._filled(wanted.stopped):
            yield Expectation(unit=self._unit, host=host, what="stopped", name=name)
        for name in self._filled(str(port) for port in wanted.ports):
            yield Expectation(unit=self._unit, host=host, what="listening", name=name)
        for name in self._filled(str(port) for port in wanted.closed):
            yield Expectation(unit=self._unit, host=host, what="closed", name=name)
        for check in wanted.commands:
            # Whatever an inventory says becomes a word of the command, and never a command.
            for run in self._filled((check.run,), shlex.quote):
                finds = next(iter(self._filled((check.finds,), re.escape)), "")
                yield Expectation(unit=self._unit, host=host, what="command", name=run, wanted=finds)

    def _filled(self, words: Iterable[str], how: Callable[[str], str] = str) -> Iterator[str]:
        for word in words:
            wanted = set(_PLACE.findall(word))
            if wanted <= self._words.keys():
                # All at once: what a value says in braces is no placeholder.
                yield _PLACE.sub(lambda found: how(self._words[found[1]]), word)
