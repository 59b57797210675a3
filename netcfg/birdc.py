"""What BIRD's answers say, as plain values; every function is pure and named as its sister in `netcfg.vtysh`."""

import re
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from netcfg.facts import Taken

_ROUTE = re.compile(r"^(\S+)?\s+(?:unicast|blackhole|unreachable|prohibit) \[(\S+) [^\]]*\]( \*)?(?: \((\d+))?")
_HOP = re.compile(r"^\s+(?:via (\S+) on|dev) (\S+)")

_BFD = re.compile(r"^([\d.]+) +\S+ +Up +\S+ +[\d.]+ +([\d.]+)$")
"""A session of BFD: neighbour, interface, state, since when, how often it is heard, after how long it is dead."""
_DIRECT = "240"
"""The preference of interfaces' own networks, unless an operator gave them another one."""


class _Route(NamedTuple):
    """One route that BIRD tells of."""

    prefix: str
    protocol: str
    best: bool
    hops: tuple[tuple[str, str], ...]
    """Addresses with interfaces; the address is empty where packets are sent without one."""
    preference: str


def neighbour_state(answer: str, address: IPv4Address) -> str:
    """Return the state of a BGP session in BGP's words, or `absent` where the device has no such neighbour."""
    return _about(answer, address).get("BGP state", "absent")


def silence(answer: str, address: IPv4Address) -> tuple[float, float]:
    """Return for how many seconds a BGP neighbour was not heard, and how often it is to be heard; zeros if not told."""
    about = _about(answer, address)
    left, held = _timer(about.get("Hold timer", ""))
    return held - left, _timer(about.get("Keepalive timer", ""))[1]


def noticed(answer: str, address: IPv4Address) -> tuple[float, str]:
    """Return within how many seconds a device notices that a BGP neighbour is dead, and by what; zero if not told."""
    for line in answer.splitlines():
        found = _BFD.match(line)
        if found is not None and found[1] == str(address):
            return float(found[2]), "BFD"
    return _timer(_about(answer, address).get("Hold timer", ""))[1], "BGP"


def room(answer: str, address: IPv4Address) -> int | None:
    """Return for how many further networks the limit of a BGP neighbour leaves room; None where it has none."""
    about = next((part for part in _parts(answer) if _labels(part).get("Neighbor address") == str(address)), "")
    limit = re.search(r"Import limit: +(\d+)(?: \[HIT\])?\n +Action: +(?!warn)\w+", about)
    imported = re.search(r"Routes: +(\d+) imported", about)
    return int(limit[1]) - int(imported[1] if imported else 0) if limit else None


def known_ways(answer: str) -> tuple[str, ...]:
    """Return the next hops of all valid BGP paths for a prefix, taken or not."""
    return tuple(address for route in _routes(answer) for address, _interface in route.hops if address)


def routes_over(answer: str, interface: str) -> dict[str, str]:
    """Return the prefixes whose packets leave by an interface, each with the protocol that it was learnt by.

    The interface's own network is not among them.
    """
    return {
        route.prefix: route.protocol
        for route in _routes(answer)
        if route.best and route.preference != _DIRECT and any(way == interface for _address, way in route.hops)
    }


def next_hops(answer: str, prefix: IPv4Network) -> tuple[str, ...]:
    """Return the addresses that packets for a prefix are sent to now."""
    best = (route for route in _routes(answer) if route.best and route.prefix == str(prefix))
    return tuple(address for route in best for address, _interface in route.hops if address)


def taken(answer: str) -> Taken | None:
    """Return the route that BIRD takes to the address it was asked about; None where it has none."""
    best = (route for route in _routes(answer) if route.best)
    return next((Taken(route.prefix, route.protocol, route.hops) for route in best), None)


def _about(answer: str, address: IPv4Address) -> dict[str, str]:
    """Return what is told of the protocol that has a neighbour, by its labels."""
    found = (about for part in _parts(answer) if (about := _labels(part)).get("Neighbor address") == str(address))
    return next(found, {})


def _parts(answer: str) -> list[str]:
    """Return what is told of each protocol."""
    return re.split(r"\n(?=\S)", answer)


def _labels(part: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in part.splitlines() if line.startswith(" "))
    return {label.strip(): value.strip() for label, _, value in pairs}


def _timer(words: str) -> tuple[float, float]:
    """Return what is left of a timer and the whole of it, in seconds."""
    found = re.fullmatch(r"([\d.]+)/([\d.]+)", words)
    return (float(found[1]), float(found[2])) if found else (0.0, 0.0)


def _routes(answer: str) -> Iterator[_Route]:
    prefix, hops = "", list[tuple[str, str]]()
    found: re.Match[str] | None = None
    for line in (*answer.splitlines(), "end"):
        hop, route = _HOP.match(line), _ROUTE.match(line)
        if hop is not None:
            hops.append((hop[1] or "", hop[2]))
        elif route is not None or line == "end":
            if found is not None:
                yield _Route(prefix, found[2], found[3] is not None, tuple(hops), found[4] or "")
            hops, found = [], route
            prefix = prefix if route is None or route[1] is None else route[1]
