"""What a site must be made of: a value computed from the programme, part of the plan, obeyed by the Pulumi program."""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from inventory.base import Model
from inventory.derived.targets import target_hosts
from inventory.derived.wired import wired_rooms
from inventory.model import Programme, Site


class NetworkDeclaration(Model):
    """A network with its one subnet, its domain and the provider edge that leads out of it."""

    name: str
    domain: str
    prefix: IPv4Network
    edge: str


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
    cpus: int
    memory: int
    network: str
    address: IPv4Address
    security_groups: tuple[str, ...]
    server_group: str


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


IMAGE = "bookworm"
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


def declare_site(programme: Programme, site: Site) -> SiteDeclaration:
    """Compute the resources of one site."""
    sizes = {size.name: size for size in programme.sizes}
    hosts = target_hosts(programme, site.name)
    domains = tuple(network.prefix for network in site.networks)
    inside = tuple(RuleDeclaration(protocol="tcp", port=None, source=prefix) for prefix in domains)
    # The old hosts pull what is written after the switch, so that the way back stays open.
    sources = tuple(
        RuleDeclaration(protocol="tcp", port=5432, source=room.prefix) for room in wired_rooms(programme) if room.hosts
    )
    ports = _entry_ports(programme, site)
    entries = tuple(RuleDeclaration(protocol="tcp", port=port, source=EVERYWHERE) for port in ports)
    rules = {"component": inside + sources, "entry": entries, "copy": inside}
    return SiteDeclaration(
        site=site.name,
        networks=tuple(
            NetworkDeclaration(name=n.name, domain=n.domain, prefix=n.prefix, edge=n.attached_to) for n in site.networks
        ),
        security_groups=tuple(_group(site, role, rules[role]) for role in sorted({host.role for host in hosts})),
        server_groups=tuple(ServerGroupDeclaration(name=name) for name in sorted({host.apart for host in hosts})),
        servers=tuple(
            ServerDeclaration(
                name=host.name,
                image=IMAGE,
                cpus=sizes[host.size].cpus,
                memory=sizes[host.size].memory,
                network=host.network,
                address=host.address,
                security_groups=(f"{site.name}-{host.role}",),
                server_group=host.apart,
            )
            for host in hosts
        ),
        pairings=()
        if site.recovery is None
        else (
            PairingDeclaration(
                name=f"{site.name}-{site.recovery.site}",
                primary=site.name,
                recovery=site.recovery.site,
                rpo=site.recovery.rpo,
            ),
        ),
    )
