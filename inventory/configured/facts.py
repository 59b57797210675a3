"""Facts of a device's configuration, each with the line that states it; a closed model, kept as JSON.

Whoever fetches and reads configurations writes it (`netcfg.fetched`); the inventory only reads it.
"""

import re
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from pydantic import Field

from inventory.base import Model

SECRET = "<secret:{tag}>"  # noqa: S105 - what stands in a kept configuration instead of a secret
HIDDEN_SECRET = re.compile(r"<secret:([0-9a-f]{8})>")
"""Equal secrets have equal tags where they were hidden with the same key."""

BESIDE = "# The system's interfaces, which are no part of this configuration:"
"""In a kept configuration: the line behind which those are that the device does not configure itself."""


class Fact(Model):
    """Something that a configuration states."""

    line: int = Field(ge=1)
    """In the kept running configuration, counted from one."""


class Speaker(Fact):
    """A BGP speaker."""

    asn: int
    vrf: str = ""
    router_id: IPv4Address | None = None


class Port(Fact):
    """An interface with its addresses."""

    name: str
    vrf: str = ""
    addresses: tuple[IPv4Interface, ...] = ()
    shut: bool = False


class Neighbour(Fact):
    """A BGP neighbour."""

    peer: str
    """Its address, or the interface that it is found at."""
    asn: str = ""
    """A number, `external` or `internal`; empty where nothing says it."""
    vrf: str = ""
    shut: bool = False
    policy_in: str = ""
    policy_out: str = ""
    password: str = ""
    """Hidden, as everywhere in what is kept."""


class Announced(Fact):
    """A prefix that the speaker announces as its own."""

    prefix: IPv4Network
    vrf: str = ""


class Redistributed(Fact):
    """Routes of another origin that the speaker announces."""

    origin: str
    vrf: str = ""


class Static(Fact):
    """A static route."""

    prefix: IPv4Network
    way: tuple[str, ...]
    """The next hop, an interface, or the word for packets that are thrown away."""
    vrf: str = ""


class Entry(Fact):
    """An entry of a list of prefixes."""

    name: str
    permits: bool
    prefix: IPv4Network
    bounds: str = ""
    """Which lengths it fits, in the device's words; empty for the prefix alone."""


class Clause(Fact):
    """A clause of a policy."""

    policy: str
    number: int
    permits: bool
    matches: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    """The lists of prefixes that it matches."""
    sets: tuple[str, ...] = ()
    calls: str = ""


class Foreign(Fact):
    """A line that is understood as something that this software does not move."""

    kind: str
    """Such as ospf, ipv6 or vrf."""
    words: str


class Configured(Model):
    """What one device is configured with."""

    device: str
    platform: str
    digest: str
    """SHA-256 of the kept running configuration that the lines count in."""
    key: str = ""
    """By which key its secrets were hidden: the beginning of that key's SHA-256."""
    saved: bool = True
    """It would start with what it runs with."""
    understood: bool = True
    """Without knowledge of the platform's language there are no facts, which does not mean that there is nothing."""
    hostname: str = ""
    speakers: tuple[Speaker, ...] = ()
    ports: tuple[Port, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
    announced: tuple[Announced, ...] = ()
    redistributed: tuple[Redistributed, ...] = ()
    statics: tuple[Static, ...] = ()
    entries: tuple[Entry, ...] = ()
    clauses: tuple[Clause, ...] = ()
    foreign: tuple[Foreign, ...] = ()
