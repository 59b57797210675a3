"""What a device is asked and its answers come to, in whatever words; `netcfg.answers` finds who reads those."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

Ask = Callable[[str], str | None]
"""Asks a device, and returns its answer; None where it refuses one."""


class Taken(NamedTuple):
    """The route by which packets go to an address."""

    prefix: str
    protocol: str
    hops: tuple[tuple[str, str], ...]
    """Addresses with interfaces; either may be empty."""


class Traffic(NamedTuple):
    """What went over an interface since its device was started."""

    uptime: float
    """Seconds since the start of the device."""
    packets: int
    """In both directions."""
    others: int
    """Packets out that are not IPv6, and so ask for an address (ARP) or carry something."""
    length: int
    """Bytes of those."""
    carried: int
    """IPv6 packets out, without those by which neighbours and routers are sought."""


_ARP_BYTES = 42
"""An Ethernet header and 28 bytes, counted before the frame is filled up to what a cable wants."""


def sent_between(before: Traffic, after: Traffic) -> int:
    """Return how many packets an interface sent, if any of them was more than a search for neighbours; else zero."""
    others = after.others - before.others
    asking = after.length - before.length <= _ARP_BYTES * others
    return max(0, after.carried - before.carried) + (0 if asking else max(others, 1))


@dataclass(frozen=True)
class Facts:
    """What the answers of one kind of command line say."""

    neighbour_state: Callable[[str, IPv4Address], str]
    silence: Callable[[str, IPv4Address], tuple[float, float]]
    noticed: Callable[[str, IPv4Address], tuple[float, str]]
    room: Callable[[str, IPv4Address], int | None]
    """For how many further networks the limit of a BGP neighbour leaves room; None where none is told."""
    known_ways: Callable[[str], tuple[str, ...]]
    routes_over: Callable[[str, str], dict[str, str]]
    next_hops: Callable[[str, IPv4Network], tuple[str, ...]]
    taken: Callable[[str], Taken | None]
    traffic: Callable[[str, str], Traffic]
    management: Callable[[Ask], tuple[str, str, str]]
    """Asks whence the session comes, which address it speaks to if that is told, and by what it is answered."""
    reached: Callable[[str], bool]
    """Says of the answer of a ping, which was not refused, whether anything came back."""
