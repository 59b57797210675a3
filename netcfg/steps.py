"""What a plan carries of one stage of a line: for each device what it must have, and what must be seen there."""

from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from inventory.base import Model

When = Literal["ahead", "after", "returning", "undone"]
WHENS: tuple[When, ...] = ("ahead", "after", "returning", "undone")
"""Before a stage, after it, before its undo, and after that."""


Addresses = tuple[IPv4Address, ...]
CheckKind = Literal[
    "neighbour-up",
    "neighbour-gone",
    "route-via",
    "path-known",
    "reachable",
    "nothing-else",
    "management-elsewhere",
    "quiet",
    "silent",
]


class LineStage(StrEnum):
    """How far a line has been consolidated; each is one guarded transaction over those ends that are ours."""

    ATTACH = "attach"
    SHIFT = "shift"
    DRAIN = "drain"
    RELEASE = "release"


class CircuitPolicy(Model):
    """A policy of ours at a circuit, which goes on with the operator's own as it is found on the device."""

    policy: str
    asn: int
    address: IPv4Address
    """The neighbour's at the circuit."""


class Policy(Model):
    """Lines that depend on others: while any line matches the marker the first block stands, otherwise the second.

    Lines of several stages and of several rented lines share it, so it belongs to none of them.
    """

    marker: str
    present: str
    absent: str
    circuit: CircuitPolicy | None = None
    within: str = ""
    """A pattern without which neither block stands."""


class DeviceChange(Model):
    """What one device must have before and after a stage; the way back is the two swapped."""

    device: str
    platform: str
    router_id: IPv4Address
    push: int
    """Devices are changed in this order: the far end before the near end."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()


class Check(Model):
    """Something that must be seen on a device before a stage or after it, or before its undo or after that."""

    when: When
    device: str
    kind: CheckKind
    addresses: Addresses = ()
    """The neighbour, the next hops of which one must be taken, or what must answer."""
    prefix: IPv4Network | None = None
    source: IPv4Address | None = None
    interface: str | None = None
    prefixes: tuple[IPv4Network, ...] = ()
    """What the line is known to carry; of a neighbour, what it is to tell besides."""
    seconds: float = 0.0
    packets: int = 0
    outgoing: bool = False
    """Only what the device sends counts: at the other end nobody of ours could keep it from sending."""


class LineArguments(Model):
    """All that a step needs beside the world."""

    line: str
    domain: str
    stage: LineStage
    devices: tuple[DeviceChange, ...]
    checks: tuple[Check, ...]


class LineStep(Model):
    """One step of a line's move, as the plan will carry it."""

    verb: LineStage
    stage: Literal["prepare", "cutover", "commit"]
    kind: Literal["reversible", "compensatable", "pivot"]
    arguments: LineArguments
    timeout: float
    """Seconds."""
