"""The layout of a programme's twin: a value, computed from the programme alone."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from math import ceil

from inventory.base import Model
from inventory.derived import wiring
from inventory.derived.exits import foreign_devices, leads_out
from inventory.derived.wired import centre_of, host_addresses, names_of, wired_rooms
from inventory.errors import ZhengheError
from inventory.model import CentreHost, Programme, Release

IMAGES = {Release.DEBIAN_11: "bullseye", Release.DEBIAN_12: "bookworm"}
MANAGEMENT_NETWORKS = ("192.0.2.0/24", "198.51.100.0/24", "198.18.0.0/16", "198.19.0.0/16")
"""Where devices are managed from: the first that is wide enough and that the programme does not use itself."""


class LayoutError(ZhengheError, ValueError):
    """The programme cannot be laid out as a twin; the message says what stands against it."""


class HostPort(Model):
    """One network interface of a host."""

    name: str
    segment: str
    address: IPv4Interface
    gateway: IPv4Address


class HostLayout(Model):
    """A host to boot; replies leave by the port that they are asked at."""

    name: str
    image: str
    ports: tuple[HostPort, ...]
    resolver: IPv4Address | None


class DevicePort(Model):
    """One interface of a device, in one of its VRFs or in none; the device's configuration gives it its address."""

    name: str
    segment: str
    vrf: str | None
    address: IPv4Interface


class DeviceLayout(Model):
    """A device to start."""

    name: str
    platform: str
    vrfs: tuple[str, ...]
    management: IPv4Interface
    ports: tuple[DevicePort, ...]
    translates: tuple[str, ...] = ()
    """Interfaces into the internet: what leaves there has the interface's own address (NAT)."""


class NamesLayout(Model):
    """The name service as it is before anything moves."""

    host: str
    zone: str
    ttl: int
    """Seconds."""
    address: IPv4Address
    records: tuple[tuple[str, IPv4Address], ...]


class Check(Model):
    """A path that must work before the twin is called ready: from a host to an address where SSH answers."""

    host: str
    target: IPv4Address


class TwinLayout(Model):
    """All of a twin but what its cloud makes later."""

    programme: str
    segments: tuple[str, ...]
    """Each is a bridge of its own, so that a line can fail silently: the bridge goes down and the carrier stays."""
    hosts: tuple[HostLayout, ...]
    devices: tuple[DeviceLayout, ...]
    management: IPv4Network
    names: NamesLayout
    checks: tuple[Check, ...]


def lay_out(programme: Programme) -> TwinLayout:
    """Compute the twin of a programme; LayoutError where two things in it would bear one name."""
    wires = wiring.interfaces(programme)
    hosts = tuple(_hosts(programme, wires))
    management = _management(programme, wires, hosts)
    devices = tuple(_devices(programme, wires, management))
    _refuse_twice([host.name for host in hosts] + [name for d in devices for name in (d.name, f"{d.name}-shell")])
    return TwinLayout(
        programme=programme.programme,
        segments=tuple(sorted({wire.link for wire in wires if wire.kind != "site"})),
        hosts=hosts,
        devices=devices,
        management=management,
        names=_names(programme),
        checks=tuple(_checks(programme, hosts)),
    )


def _devices(
    programme: Programme, wires: tuple[wiring.Interface, ...], management: IPv4Network
) -> Iterator[DeviceLayout]:
    foreign = foreign_devices(programme.network)
    out = {f"line:{line.name}" for line in programme.network.lines if leads_out(line, foreign)}
    for number, device in enumerate(programme.network.devices, start=1):
        own = tuple(wire for wire in wires if wire.device == device.name)
        yield DeviceLayout(
            name=device.name,
            platform=device.platform,
            vrfs=tuple(sorted({wire.vrf for wire in own if wire.vrf is not None})),
            management=IPv4Interface((management[number], management.prefixlen)),
            ports=tuple(
                DevicePort(name=wire.name, segment=wire.link, vrf=wire.vrf, address=wire.address)
                for wire in own
                if wire.kind != "site"
            ),
            translates=() if device.operated_by else tuple(wire.name for wire in own if wire.link in out),
        )


def _hosts(programme: Programme, wires: tuple[wiring.Interface, ...]) -> Iterator[HostLayout]:
    lans = {(wire.device, wire.address.network): wire.link for wire in wires if wire.kind == "lan"}
    for room in wired_rooms(programme):
        for host in room.hosts:
            port = _port("eth0", lans[room.gateway, room.prefix], host.address, room.prefix)
            yield _host(programme, host.name, host.os, room.gateway, port)
    for vantage in programme.network.vantages:
        port = _port("eth0", lans[vantage.gateway, vantage.prefix], vantage.address, vantage.prefix)
        yield _host(programme, vantage.name, Release.DEBIAN_12, vantage.gateway, port)
    for centre_host in centre_of(programme).hosts:
        yield _centre_host(programme, centre_host)


def _host(programme: Programme, name: str, release: Release, gateway: str, port: HostPort) -> HostLayout:
    domain = wiring.domain_of(programme, gateway)
    resolver = None if domain is None else wiring.resolver_of(programme, domain)
    return HostLayout(name=name, image=IMAGES[release], ports=(port,), resolver=resolver)


def _centre_host(programme: Programme, host: CentreHost) -> HostLayout:
    networks = centre_of(programme).networks
    ports = tuple(
        _port(f"eth{number}", f"centre:{network.domain}", network.prefix[host.number], network.prefix)
        for number, network in enumerate(networks)
    )
    resolver = wiring.resolver_of(programme, networks[0].domain)
    return HostLayout(name=host.name, image=IMAGES[host.os], ports=ports, resolver=resolver)


def _port(name: str, segment: str, address: IPv4Address, prefix: IPv4Network) -> HostPort:
    interface = IPv4Interface((address, prefix.prefixlen))
    return HostPort(name=name, segment=segment, address=interface, gateway=prefix[1])


def _management(
    programme: Programme, wires: tuple[wiring.Interface, ...], hosts: tuple[HostLayout, ...]
) -> IPv4Network:
    used = {wire.address.network for wire in wires} | {port.address.network for host in hosts for port in host.ports}
    for candidate in map(IPv4Network, MANAGEMENT_NETWORKS):
        wide_enough = candidate.num_addresses > len(programme.network.devices) + 2
        if wide_enough and not any(candidate.overlaps(prefix) for prefix in used):
            return candidate
    raise LayoutError(f"the programme uses each of {', '.join(MANAGEMENT_NETWORKS)}; the twin needs one for itself")


def _names(programme: Programme) -> NamesLayout:
    addresses = host_addresses(programme)
    names = names_of(programme)
    records = {
        component.entry.name: addresses[component.on[0]]
        for system in programme.systems
        for component in system.components
        if component.entry is not None and component.on[0] in addresses
    }
    return NamesLayout(
        host=names.server,
        zone=names.zone,
        ttl=ceil(names.ttl),
        address=wiring.resolver_of(programme, centre_of(programme).networks[0].domain),
        records=tuple(sorted(records.items())),
    )


def _checks(programme: Programme, hosts: tuple[HostLayout, ...]) -> Iterator[Check]:
    """Every host reaches its name server, and a line's own probes reach their targets."""
    by_name = {host.name: host.ports[0].address.ip for host in hosts}
    for host in hosts:
        if host.resolver is not None and host.name != names_of(programme).server:
            yield Check(host=host.name, target=host.resolver)
    for line in programme.network.lines:
        for probe in line.probes:
            if probe.kind == "ping":
                yield Check(host=probe.vantage, target=by_name.get(probe.target) or IPv4Address(probe.target))


def _refuse_twice(names: list[str]) -> None:
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise LayoutError(f"hosts and devices are reached by name, but these names are there twice: {', '.join(twice)}")
