"""The programme: what a government has and what it must become, never how."""

from datetime import date
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any, Literal

from pydantic import Field

from inventory.base import DnsName, Duration, Model, Name, Port


class Disposition(StrEnum):
    """What becomes of a system; the words are those of the field."""

    REHOST = "rehost"
    REPLATFORM = "replatform"
    RELOCATE = "relocate"
    MERGE = "merge"
    RETIRE = "retire"
    LEAVE = "leave"


class Release(StrEnum):
    """The operating system generations that a host may run."""

    DEBIAN_11 = "debian-11"
    DEBIAN_12 = "debian-12"


class Host(Model):
    """A server that stands in a department's machine room or at the extranet's centre."""

    name: Name
    address: IPv4Address
    os: Release = Release.DEBIAN_11


class Room(Model):
    """A department's machine room: its servers, the network they share and the device that leads out of it."""

    name: Name
    area: Annotated[float, Field(gt=0, description="Floor area in square metres.")]
    prefix: IPv4Network
    gateway: Annotated[Name, Field(description="The device that holds the first address of the prefix.")]
    hosts: tuple[Host, ...] = ()


class Department(Model):
    """An owner of systems."""

    name: Name
    title: str
    rooms: tuple[Room, ...] = ()


class Vantage(Model):
    """A user's machine from which probes look at services from outside."""

    name: Name
    address: IPv4Address
    prefix: IPv4Network
    gateway: Name


class Size(Model):
    """What a host of the cloud is given."""

    name: Annotated[str, Field(pattern=r"^\d+c\d+g$")]
    cpus: Annotated[int, Field(ge=1)]
    memory: Annotated[int, Field(ge=128, description="MiB")]


class SiteNetwork(Model):
    """A network of a site, carried by one domain of the extranet and led out by one provider edge."""

    name: Name
    domain: Name
    prefix: IPv4Network
    attached_to: Annotated[Name, Field(description="The provider edge that is its gateway (first address).")]
    entry: Annotated[IPv4Address | None, Field(description="Address of the host that runs its entries.")] = None


class Recovery(Model):
    """The pairing of a site with the site that keeps its copies."""

    site: Name
    rpo: Duration


class Site(Model):
    """A government cloud, or a site for its disaster recovery."""

    name: Name
    title: str
    role: Literal["primary", "same-city", "remote-recovery"]
    networks: tuple[SiteNetwork, ...]
    recovery: Recovery | None = None


class Domain(Model):
    """A virtual private network of the extranet, such as the administrative service domain."""

    name: Name
    title: str


class Device(Model):
    """A router of the extranet (pe), of a department (ce) or of a private network's far end (hub)."""

    name: Name
    role: Literal["pe", "ce", "hub"]
    platform: Name
    asn: Annotated[int, Field(ge=1, le=4294967295)]
    router_id: IPv4Address


class Attachment(Model):
    """The access circuit from a department's or hub's device to a provider edge, for one domain."""

    device: Name
    edge: Name
    domain: Name
    prefix: Annotated[IPv4Network, Field(description="A /30: the edge has its first address, the device its second.")]


class Probe(Model):
    """A look from outside, repeated all the time while a system or a line moves."""

    name: Name
    kind: Literal["write-http", "read-http", "ping"]
    vantage: Name
    target: Annotated[str, Field(description="A URL for http probes, a host's name or an address for ping.")]
    every: Duration = 0.05


class Line(Model):
    """A rented line between two devices: what is consolidated into the extranet."""

    name: Name
    department: Name
    kind: Literal["leased", "private-network", "internet-exit"]
    ends: tuple[Name, Name]
    prefix: Annotated[IPv4Network, Field(description="A /30: the first end has its first address.")]
    domain: Annotated[Name | None, Field(description="The domain that takes its traffic over; none: it stays.")] = None
    rent: Annotated[float, Field(ge=0, description="Yuan a year.")] = 0
    golden_project: Annotated[
        str | None, Field(description="The national golden project that owns it; such a line stays untouched.")
    ] = None
    probes: tuple[Probe, ...] = ()


class Backbone(Model):
    """The extranet's own link between two provider edges, for one domain."""

    ends: tuple[Name, Name]
    domain: Name
    prefix: Annotated[IPv4Network, Field(description="A /30: the first end has its first address.")]


class CentreNetwork(Model):
    """The network of the extranet's centre in one domain."""

    domain: Name
    prefix: IPv4Network


class CentreHost(Model):
    """A host of the centre, present in every domain under the same host number."""

    name: Name
    number: Annotated[int, Field(ge=2, le=254, description="Its address is this one of each centre network.")]
    os: Release = Release.DEBIAN_12


class Centre(Model):
    """What the extranet itself offers to all its domains, such as the name service."""

    gateway: Annotated[Name, Field(description="The provider edge that holds the first address of each network.")]
    networks: tuple[CentreNetwork, ...]
    hosts: tuple[CentreHost, ...]


class Names(Model):
    """The name service whose records are moved by dynamic update (RFC 2136)."""

    zone: DnsName
    server: Name
    ttl: Duration


class Network(Model):
    """The extranet and what is to be consolidated into it."""

    domains: tuple[Domain, ...]
    devices: tuple[Device, ...]
    attachments: tuple[Attachment, ...] = ()
    lines: tuple[Line, ...] = ()
    backbone: tuple[Backbone, ...] = ()
    vantages: tuple[Vantage, ...] = ()
    centre: Centre
    names: Names


class Survey(Model):
    """What the department reported of a system."""

    function: str
    users: str = ""
    frequency: Literal["daily", "weekly", "monthly", "yearly", "never"] = "daily"
    approved_by: str = ""
    approved: date | None = None
    funding: str = ""
    network: str = ""
    running_cost: Annotated[float, Field(ge=0, description="Yuan a year.")] = 0
    last_used: date | None = None
    surveyed: Annotated[date | None, Field(description="When this was reported; idle time is counted up to it.")] = None


class Grading(Model):
    """How a system is protected: an MLPS level, or classified with only its existence recorded."""

    mlps: Annotated[int | None, Field(ge=1, le=5)] = None
    classified: bool = False


class Target(Model):
    """Where a component goes: a site, a size, and one host for each address."""

    site: Name
    size: str
    addresses: Annotated[tuple[IPv4Address, ...], Field(min_length=1)]


class Entry(Model):
    """The name and port by which clients find a component, before and after its move."""

    name: DnsName
    port: Port


class Component(Model):
    """A part of a system that one Ansible role knows how to move; the kind is the name of that role."""

    name: Name
    kind: Name
    on: Annotated[tuple[Name, ...], Field(min_length=1)]
    to: Target | None = None
    entry: Entry | None = None
    settings: Annotated[dict[str, Any], Field(default_factory=dict)]


class Limits(Model):
    """What a move may cost at the most."""

    downtime: Duration = 5.0
    data_loss: Duration = 0.0
    catch_up: Annotated[
        Duration, Field(description="How long replication may take to catch up before the move is given up.")
    ] = 120.0


class Override(Model):
    """A disposition set by hand against the rule."""

    reason: str
    date: date


class System(Model):
    """An application that supports government work: the unit of migration."""

    system: Name
    title: str
    department: Name
    survey: Survey | None = None
    grading: Grading
    domain: Name | None = None
    disposition: Disposition | None = None
    override: Override | None = None
    components: tuple[Component, ...] = ()
    depends_on: tuple[Name, ...] = ()
    limits: Limits = Limits()
    probes: tuple[Probe, ...] = ()


class Programme(Model):
    """The whole inventory as read and validated."""

    programme: Name
    title: str
    profile: str
    departments: tuple[Department, ...]
    sites: tuple[Site, ...]
    sizes: tuple[Size, ...]
    network: Network
    systems: tuple[System, ...]
