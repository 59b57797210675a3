"""The extranet, and the lines and private networks that are consolidated into it."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from inventory.base import INTERFACE_PATTERN, Address, DnsName, Duration, Model, Name, Prefix
from inventory.model.departments import Exemption, Release


class Vantage(Model):
    """A user's machine from which probes look at services from outside."""

    name: Annotated[Name, Field(description="Its name, unique among all hosts and devices.")]
    address: Annotated[Address, Field(description="Its address.")]
    prefix: Annotated[Prefix, Field(description="The network that it is in.")]
    gateway: Annotated[Name, Field(description="The device that leads out of this network.")]


class Domain(Model):
    """A virtual private network of the extranet, such as the administrative service domain."""

    name: Annotated[Name, Field(description="Its name, unique among domains.")]
    title: Annotated[str, Field(description="What it is called.")]


class InterfaceName(Model):
    """What a device calls the interface that has an address."""

    address: Annotated[Address, Field(description="The interface's address, without its length.")]
    name: Annotated[
        str,
        Field(pattern=INTERFACE_PATTERN, description="Its name on the device, such as eth3 or bond0.110."),
    ]


class Device(Model):
    """A router of the extranet (pe), of a department (ce) or of a private network's far end (hub)."""

    name: Annotated[Name, Field(description="Its name, unique among all hosts and devices.")]
    role: Annotated[
        Literal["pe", "ce", "hub"],
        Field(description="What it is: a provider edge, a department's device, or a private network's far end."),
    ]
    platform: Annotated[Name, Field(description="What it is made of, such as frr: the name of a vendor's platform.")]
    asn: Annotated[int, Field(ge=1, le=4294967295, description="Its autonomous system number.")]
    router_id: Annotated[Address, Field(description="Its router id, an address that no other device has.")]
    interfaces: Annotated[
        tuple[InterfaceName, ...],
        Field(description="Names of its interfaces by address, where they are called otherwise than the plan would."),
    ] = ()
    operated_by: Annotated[
        str,
        Field(
            description="Who runs it, such as a carrier or a ministry, where nobody of the programme may log in to it."
        ),
    ] = ""


class Attachment(Model):
    """The access circuit from a department's or hub's device to a provider edge, for one domain."""

    device: Annotated[Name, Field(description="The department's or hub's device.")]
    edge: Annotated[Name, Field(description="The provider edge that it is connected to.")]
    domain: Annotated[Name, Field(description="The domain that the circuit belongs to.")]
    prefix: Annotated[Prefix, Field(description="A /30 or /31: the edge has its first address, the device its second.")]


class Probe(Model):
    """A look from outside, repeated all the time while a system or a line moves."""

    name: Annotated[Name, Field(description="Its name, unique in its system or line.")]
    kind: Annotated[
        Literal["write-http", "read-http", "ping"],
        Field(description="What it does: writes over HTTP, reads over HTTP, or pings."),
    ]
    vantage: Annotated[Name, Field(description="The users' machine that it looks from.")]
    target: Annotated[str, Field(description="A URL for http probes, a host's name or an address for ping.")]
    every: Annotated[Duration, Field(description="How often it looks, such as 50ms.")] = 0.05


class Line(Model):
    """A rented line between two devices: what is consolidated into the extranet."""

    name: Annotated[Name, Field(description="Its name, unique among lines.")]
    title: Annotated[str, Field(description="What its department calls it.")] = ""
    purpose: Annotated[str, Field(description="What it is used for.")] = ""
    route: Annotated[str, Field(description="Where it begins and where it ends, in words.")] = ""
    department: Annotated[Name, Field(description="The department that rents it.")]
    kind: Annotated[
        Literal["leased", "private-network", "internet-exit"],
        Field(description="What it is: a leased line, a private network's, or an internet exit."),
    ]
    ends: Annotated[tuple[Name, Name] | None, Field(description="Its devices; a line that moves has them.")] = None
    prefix: Annotated[Prefix | None, Field(description="A /30 or /31: the first end has its first address.")] = None
    domain: Annotated[Name | None, Field(description="The domain that takes its traffic over; none: it stays.")] = None
    rent: Annotated[float, Field(ge=0, description="Yuan a year.")] = 0
    golden_project: Annotated[
        str | None, Field(description="The national golden project that owns it; such a line stays untouched.")
    ] = None
    bandwidth: Annotated[float, Field(ge=0, description="Mbit/s.")] = 0
    carrier: Annotated[str, Field(description="The company it is rented from.")] = ""
    exemption: Annotated[Exemption | None, Field(description="Why it may stay for a time.")] = None
    released: Annotated[date | None, Field(description="When it was given back, if that was done by others.")] = None
    probes: Annotated[tuple[Probe, ...], Field(description="Looks from outside while it moves.")] = ()


class InternetExit(Model):
    """The extranet's own way to the internet in one domain; its default route and its NAT are its operator's."""

    domain: Annotated[Name, Field(description="The domain whose departments it serves.")]
    device: Annotated[
        Name, Field(description="The device that translates addresses and announces the default route in the domain.")
    ]
    uplink: Annotated[Name, Field(description="The line by which it reaches the internet.")]
    addresses: Annotated[
        tuple[Prefix, ...], Field(min_length=1, description="The public addresses that it translates to.")
    ]
    answers: Annotated[
        Address, Field(description="An address in the internet that answers pings: packets get through if it does.")
    ]


class Backbone(Model):
    """The extranet's own link between two provider edges, for one domain."""

    ends: Annotated[tuple[Name, Name], Field(description="The two provider edges.")]
    domain: Annotated[Name, Field(description="The domain whose traffic it carries.")]
    prefix: Annotated[Prefix, Field(description="A /30 or /31: the first end has its first address.")]


class CentreNetwork(Model):
    """The network of the extranet's centre in one domain."""

    domain: Annotated[Name, Field(description="The domain that it belongs to.")]
    prefix: Annotated[Prefix, Field(description="The addresses of the centre in this domain.")]


class CentreHost(Model):
    """A host of the centre, present in every domain under the same host number."""

    name: Annotated[Name, Field(description="Its name, unique among all hosts and devices.")]
    number: Annotated[int, Field(ge=2, le=254, description="Its address is this one of each centre network.")]
    os: Annotated[Release, Field(description="Its operating system.")] = Release.DEBIAN_12


class Centre(Model):
    """What the extranet itself offers to all its domains, such as the name service."""

    gateway: Annotated[Name, Field(description="The provider edge that holds the first address of each network.")]
    networks: Annotated[tuple[CentreNetwork, ...], Field(description="Its network in each domain.")]
    hosts: Annotated[tuple[CentreHost, ...], Field(description="Its hosts, such as the name server.")]


class Names(Model):
    """The name service whose records are moved by dynamic update (RFC 2136)."""

    zone: Annotated[DnsName, Field(description="The zone whose records move.")]
    server: Annotated[Name, Field(description="The host of the centre that answers for it.")]
    ttl: Annotated[Duration, Field(description="How long others may keep an answer, such as 1s.")]


class Network(Model):
    """The extranet and what is to be consolidated into it."""

    domains: Annotated[tuple[Domain, ...], Field(description="Its domains.")] = ()
    devices: Annotated[
        tuple[Device, ...],
        Field(description="Its routers, those of departments and those at the far ends of their lines."),
    ] = ()
    attachments: Annotated[
        tuple[Attachment, ...], Field(description="The access circuits of departments and hubs.")
    ] = ()
    lines: Annotated[tuple[Line, ...], Field(description="The rented lines that are to be consolidated into it.")] = ()
    exits: Annotated[
        tuple[InternetExit, ...], Field(description="Its own ways to the internet, one in a domain at most.")
    ] = ()
    backbone: Annotated[tuple[Backbone, ...], Field(description="Its links between provider edges.")] = ()
    vantages: Annotated[tuple[Vantage, ...], Field(description="Users' machines from which probes look.")] = ()
    centre: Annotated[Centre | None, Field(description="Nothing moves without it.")] = None
    names: Annotated[Names | None, Field(description="Nothing moves without it.")] = None
