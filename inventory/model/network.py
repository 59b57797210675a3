"""The extranet, and the lines and private networks that are consolidated into it."""

from datetime import date
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import DnsName, Duration, Model, Name
from inventory.model.departments import Exemption, Release


class Vantage(Model):
    """A user's machine from which probes look at services from outside."""

    name: Name
    address: IPv4Address
    prefix: IPv4Network
    gateway: Name


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
    title: Annotated[str, Field(description="What its department calls it.")] = ""
    department: Name
    kind: Literal["leased", "private-network", "internet-exit"]
    ends: Annotated[tuple[Name, Name] | None, Field(description="Its devices; a line that moves has them.")] = None
    prefix: Annotated[IPv4Network | None, Field(description="A /30: the first end has its first address.")] = None
    domain: Annotated[Name | None, Field(description="The domain that takes its traffic over; none: it stays.")] = None
    rent: Annotated[float, Field(ge=0, description="Yuan a year.")] = 0
    golden_project: Annotated[
        str | None, Field(description="The national golden project that owns it; such a line stays untouched.")
    ] = None
    bandwidth: Annotated[float, Field(ge=0, description="Mbit/s.")] = 0
    carrier: Annotated[str, Field(description="The company it is rented from.")] = ""
    exemption: Annotated[Exemption | None, Field(description="Why it may stay for a time.")] = None
    released: Annotated[date | None, Field(description="When it was given back, if that was done by others.")] = None
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

    domains: tuple[Domain, ...] = ()
    devices: tuple[Device, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    lines: tuple[Line, ...] = ()
    backbone: tuple[Backbone, ...] = ()
    vantages: tuple[Vantage, ...] = ()
    centre: Annotated[Centre | None, Field(description="Nothing moves without it.")] = None
    names: Annotated[Names | None, Field(description="Nothing moves without it.")] = None
