"""The resources of a site: a value computed from the programme, part of the plan, obeyed by the Pulumi program."""

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from inventory.base import Model
from inventory.derived.targets import TargetHost, target_hosts
from inventory.derived.wired import wired_rooms
from inventory.derived.wiring import resolver_of
from inventory.kinds import Kind
from inventory.model import Programme, Site, SiteCloud


class NetworkDeclaration(Model):
    """A network with its one subnet, its domain and the provider edge that leads out of it."""

    name: str
    domain: str
    prefix: IPv4Network
    edge: str
    resolver: IPv4Address | None = None
    """The name server that its hosts ask; the twin's cloud finds it by itself."""
    existing: str = ""
    """What the cloud calls it, where its operators have made it and lead it out themselves."""


class RuleDeclaration(Model):
    """Traffic that a security group lets in; everything else is dropped, replies and outgoing traffic pass."""

    protocol: Literal["tcp", "udp", "icmp"]
    port: int | None
    source: IPv4Network


class SecurityGroupDeclaration(Model):
    """A named set of rules."""

    name: str
    rules: tuple[RuleDeclaration, ...]


class ServerGroupDeclaration(Model):
    """Servers that must not share a hypervisor."""

    name: str
    policy: Literal["anti-affinity"] = "anti-affinity"


class ServerDeclaration(Model):
    """A host: its size and image, one port on one network, its groups."""

    name: str
    image: str
    """The release that it starts from."""
    cloud_image: str = ""
    """What the site's cloud calls the image of that release; empty: by the release's own name."""
    flavor: str = ""
    """What the site's cloud calls its size."""
    cpus: int
    memory: int
    network: str
    address: IPv4Address
    security_groups: tuple[str, ...]
    server_group: str
    floating: bool = False
    """Whether it has an address of the network outside, too."""
    volume: int = 0
    """GiB of a volume of its own for its data, which outlives it; 0: the data lies on the flavor's disk."""


class PairingDeclaration(Model):
    """The promise that one site keeps the copies of another, at most so many seconds old."""

    name: str
    primary: str
    recovery: str
    rpo: float


class SiteDeclaration(Model):
    """All resources of one site; every name is unique in its cloud and found again after a kill."""

    site: str
    networks: tuple[NetworkDeclaration, ...]
    security_groups: tuple[SecurityGroupDeclaration, ...]
    server_groups: tuple[ServerGroupDeclaration, ...]
    servers: tuple[ServerDeclaration, ...]
    pairings: tuple[PairingDeclaration, ...]
    programme: str = ""
    zone: str = ""
    """The availability zone of its servers; empty where the cloud chooses."""
    volume_type: str = ""
    """Of volumes; empty: the cloud's default."""
    hypervisors: int | None = None
    """How many its servers may be placed on, where that is known."""
    uplinks: Mapping[str, str] = {}
    """The network of the cloud that leads out of a domain, by the domain."""


EVERYWHERE = IPv4Network("0.0.0.0/0")


def _group(site: Site, role: str, rules: tuple[RuleDeclaration, ...]) -> SecurityGroupDeclaration:
    base = (
        RuleDeclaration(protocol="icmp", port=None, source=EVERYWHERE),
        RuleDeclaration(protocol="tcp", port=22, source=EVERYWHERE),
    )
    return SecurityGroupDeclaration(name=f"{site.name}-{role}", rules=base + rules)


def _entry_ports(programme: Programme, site: Site) -> tuple[int, ...]:
    ports = {
        component.entry.port
        for system in programme.systems
        for component in system.components
        if component.entry is not None and component.to is not None and component.to.site == site.name
    }
    return tuple(sorted(ports))


def _ports_back(programme: Programme, site: Site, kinds: Mapping[str, Kind]) -> tuple[int, ...]:
    """Return the ports at which the old hosts fetch what is written after the switch: those of kinds with data."""
    ports = {
        port
        for system in programme.systems
        for component in system.components
        if component.to is not None and component.to.site == site.name
        if (kind := kinds.get(component.kind)) is not None and kind.stateful
        for port in kind.checks.target.ports
        if isinstance(port, int)
    }
    return tuple(sorted(ports))


def _resolver(programme: Programme, domain: str) -> IPv4Address | None:
    try:
        return resolver_of(programme, domain)
    except LookupError:
        return None


def declare_site(programme: Programme, site: Site, kinds: Mapping[str, Kind]) -> SiteDeclaration:
    """Compute the resources of one site."""
    cloud = site.cloud or SiteCloud()
    hosts = target_hosts(programme, site.name)
    rules = _rules(programme, site, kinds)
    return SiteDeclaration(
        programme=programme.programme,
        site=site.name,
        zone=cloud.zone,
        volume_type=cloud.volume_type,
        hypervisors=cloud.hypervisors,
        uplinks={each.domain: each.network for each in cloud.uplinks},
        networks=tuple(_networks(programme, site, cloud)),
        security_groups=tuple(_group(site, role, rules[role]) for role in sorted({host.role for host in hosts})),
        server_groups=tuple(ServerGroupDeclaration(name=name) for name in sorted({host.apart for host in hosts})),
        servers=tuple(_servers(programme, site, cloud, hosts)),
        pairings=tuple(_pairings(site)),
    )


def _rules(programme: Programme, site: Site, kinds: Mapping[str, Kind]) -> dict[str, tuple[RuleDeclaration, ...]]:
    """Return whom the hosts of each role let in, beside everybody's SSH."""
    inside = tuple(RuleDeclaration(protocol="tcp", port=None, source=network.prefix) for network in site.networks)
    # The old hosts pull what is written after the switch, so that the way back stays open.
    back = _ports_back(programme, site, kinds)
    rooms = tuple(room.prefix for room in wired_rooms(programme) if room.hosts)
    sources = tuple(RuleDeclaration(protocol="tcp", port=port, source=room) for port in back for room in rooms)
    ports = _entry_ports(programme, site)
    entries = tuple(RuleDeclaration(protocol="tcp", port=port, source=EVERYWHERE) for port in ports)
    return {"component": inside + sources, "entry": entries, "copy": inside}


def _networks(programme: Programme, site: Site, cloud: SiteCloud) -> Iterator[NetworkDeclaration]:
    existing = {each.network: each.name for each in cloud.existing}
    for network in site.networks:
        yield NetworkDeclaration(
            name=network.name,
            domain=network.domain,
            prefix=network.prefix,
            edge=network.attached_to,
            resolver=_resolver(programme, network.domain),
            existing=existing.get(network.name, ""),
        )


def _servers(
    programme: Programme, site: Site, cloud: SiteCloud, hosts: Iterable[TargetHost]
) -> Iterator[ServerDeclaration]:
    flavors = {each.size: each.flavor for each in cloud.flavors}
    images = {each.release: each.image for each in cloud.images}
    sizes = {size.name: size for size in programme.sizes}
    for host in hosts:
        yield ServerDeclaration(
            name=host.name,
            image=cloud.release,
            cloud_image=images.get(cloud.release, ""),
            flavor=flavors.get(host.size, host.size),
            cpus=sizes[host.size].cpus,
            memory=sizes[host.size].memory,
            network=host.network,
            address=host.address,
            security_groups=(f"{site.name}-{host.role}",),
            server_group=host.apart,
            floating=host.name in cloud.floating,
            volume=host.volume,
        )


def _pairings(site: Site) -> Iterator[PairingDeclaration]:
    if site.recovery is not None:
        yield PairingDeclaration(
            name=f"{site.name}-{site.recovery.site}",
            primary=site.name,
            recovery=site.recovery.site,
            rpo=site.recovery.rpo,
        )
