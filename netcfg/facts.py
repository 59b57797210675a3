"""What a device's answers say, as plain values; every function is pure."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from typing import Any, NamedTuple

from netcfg import birdc
from netcfg.platforms import Platform
from netcfg.reading import paths

Ask = Callable[[str], str | None]
"""Asks a device, and returns its answer; None where it refuses one."""


def neighbour_state(answer: str, address: IPv4Address) -> str:
    """Return the state of a BGP session in BGP's words, or `absent` where the device has no such neighbour."""
    about = _json(answer).get(str(address), {})
    return str(about.get("bgpState", "absent"))


def silence(answer: str, address: IPv4Address) -> tuple[float, float]:
    """Return for how many seconds a BGP neighbour was not heard, and how often it is to be heard; zeros if not told."""
    about = _json(answer).get(str(address), {})
    heard, every = about.get("bgpTimerLastRead", 0), about.get("bgpTimerKeepAliveIntervalMsecs", 0)
    return heard / 1000, every / 1000


def noticed(answer: str, address: IPv4Address) -> tuple[float, str]:
    """Return within how many seconds a device notices that a BGP neighbour is dead, and by what; zero if not told."""
    about = _json(answer).get(str(address), {})
    bfd = about.get("peerBfdInfo", {})
    if str(bfd.get("status", "")).lower() == "up":
        return bfd.get("detectMultiplier", 0) * bfd.get("rxMinInterval", 0) / 1000, "BFD"
    return about.get("bgpTimerHoldTimeMsecs", 0) / 1000, "BGP"


def known_ways(answer: str) -> tuple[str, ...]:
    """Return the next hops of all valid BGP paths for a prefix, taken or not."""
    paths = _json(answer).get("paths", ())
    return tuple(hop["ip"] for path in paths if path.get("valid") for hop in path.get("nexthops", ()) if "ip" in hop)


def routes_over(answer: str, interface: str) -> dict[str, str]:
    """Return the prefixes whose packets leave by an interface, each with the protocol that it was learnt by.

    The interface's own network is not among them.
    """
    return {
        prefix: route["protocol"]
        for prefix, routes in _json(answer).items()
        for route in routes
        if route.get("protocol") not in {"connected", "local"}
        and any(hop.get("interfaceName") == interface for hop in route.get("nexthops", ()))
    }


_OF_THE_LINK = {"kernel", "ra", "bird"}
"""Who makes routes that are an interface's own, or are told by the command line."""


def kernel_routes(answer: str, interface: str) -> dict[str, str]:
    """Return the prefixes that a device's system sends over an interface, each with who has made the route."""
    found: dict[str, str] = {}
    for line in answer.splitlines():
        prefix, *words = line.split()
        pairs = dict(pairwise(words))
        maker = pairs.get("proto", "boot")
        of_link = maker in _OF_THE_LINK or prefix.startswith(("fe80:", "ff00:")) or prefix in {"multicast", "anycast"}
        if not of_link and re.search(rf"\bdev {re.escape(interface)}(?=\s|$)", line):
            found[("::/0" if ":" in line else "0.0.0.0/0") if prefix == "default" else prefix] = maker
    return found


def static_routes(platform: Platform, configuration: str, ways: Collection[str]) -> tuple[str, ...]:
    """Return the prefixes that a configuration has a static route for by one of some next hops or interfaces."""
    found = (re.match(platform.identity.static, path[-1]) for path in paths(platform, configuration))
    return tuple(_prefix(match) for match in found if match and _words(_way(match)) & set(ways))


def _words(way: str) -> set[str]:
    """Return the addresses and interfaces of a static route's way, however they are joined or quoted."""
    return set(re.split(r"[\s\"'%]+", way))


def _prefix(match: re.Match[str]) -> str:
    words = match.groupdict()
    return match[1] if "mask" not in words else str(IPv4Network(f"{words['network']}/{words['mask']}", strict=False))


def _way(match: re.Match[str]) -> str:
    return match.groupdict().get("way") or match[2]


def management_way(answer: str) -> tuple[str, str, str]:
    """Return whence a session with a device comes, which address of it that speaks to, and by what it is answered.

    The answer is that of the platform's command: SSH_CONNECTION, then the route back. LookupError where it is neither.
    """
    here, _, back = answer.partition("\n")
    words, interface = here.split(), re.search(r" dev (\S+)", back)
    if len(words) != 4 or interface is None:
        raise LookupError(answer)
    return words[0], words[2], interface[1]


def next_hops(answer: str, prefix: IPv4Network) -> tuple[str, ...]:
    """Return the addresses that packets for a prefix are sent to now."""
    chosen = [route for route in _json(answer).get(str(prefix), ()) if route.get("selected")]
    return tuple(hop["ip"] for route in chosen for hop in route.get("nexthops", ()) if hop.get("fib") and "ip" in hop)


class Taken(NamedTuple):
    """The route by which packets go to an address."""

    prefix: str
    protocol: str
    hops: tuple[tuple[str, str], ...]
    """Addresses with interfaces; either may be empty."""


def taken(answer: str) -> Taken | None:
    """Return the route that a device takes to the address it was asked about; none where it has none."""
    for routes in _json(answer).values():
        for route in routes if isinstance(routes, list) else ():
            if isinstance(route, dict) and route.get("selected"):
                hops = [hop for hop in route.get("nexthops", ()) if isinstance(hop, dict) and hop.get("fib")]
                told = tuple((str(hop.get("ip", "")), str(hop.get("interfaceName", ""))) for hop in hops)
                return Taken(str(route.get("prefix")), str(route.get("protocol")), told)
    return None


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
_ETHERNET_BYTES = 14
_SEEKING = ("Type133", "Type134", "Type135", "Type136", "Type143", "GroupMembReports", "GroupMembReductions")
"""Router and neighbour solicitations and advertisements, and reports of who listens to which of them."""


def traffic(answer: str, interface: str) -> Traffic:
    """Return what an interface has carried so far; LookupError where it is not there."""
    lines = answer.splitlines()
    found = [numbers for name, _, numbers in (line.partition(":") for line in lines) if name.strip() == interface]
    if not found:
        raise LookupError(f"no interface {interface}")
    counted = [int(number) for number in found[0].split()]
    six = {words[0]: int(words[1]) for line in lines if len(words := line.split()) == 2 and words[1].isdigit()}
    sent = _of(six, "Ip6OutRequests", "Ip6OutForwDatagrams")
    return Traffic(
        uptime=float(lines[0].split()[0]),
        packets=counted[1] + counted[9],
        others=counted[9] - sent,
        length=counted[8] - _of(six, "Ip6OutOctets") - _ETHERNET_BYTES * sent,
        carried=sent - _of(six, *(f"Icmp6Out{kind}" for kind in _SEEKING)),
    )


def sent_between(before: Traffic, after: Traffic) -> int:
    """Return how many packets an interface sent, if any of them was more than a search for neighbours; else zero."""
    others = after.others - before.others
    asking = after.length - before.length <= _ARP_BYTES * others
    return max(0, after.carried - before.carried) + (0 if asking else max(others, 1))


def _of(counted: Mapping[str, int], *names: str) -> int:
    return sum(counted.get(name, 0) for name in names)


def router_id(platform: Platform, configuration: str) -> str:
    """Return the router id that a configuration states, or `none`."""
    for line in configuration.splitlines():
        found = re.match(platform.identity.router_id, line.strip())
        if found is not None:
            return found[1]
    return "none"


@dataclass(frozen=True)
class Facts:
    """What the answers of one kind of command line say."""

    neighbour_state: Callable[[str, IPv4Address], str]
    silence: Callable[[str, IPv4Address], tuple[float, float]]
    noticed: Callable[[str, IPv4Address], tuple[float, str]]
    known_ways: Callable[[str], tuple[str, ...]]
    routes_over: Callable[[str, str], dict[str, str]]
    next_hops: Callable[[str, IPv4Network], tuple[str, ...]]
    taken: Callable[[str], Taken | None]
    traffic: Callable[[str, str], Traffic]
    management: Callable[[Ask], tuple[str, str, str]]
    """Asks whence the session comes, which address it speaks to if that is told, and by what it is answered."""
    reached: Callable[[str], bool]
    """Says of the answer of a ping, which was not refused, whether anything came back."""


def _taken_by_bird(answer: str) -> Taken | None:
    route = birdc.taken(answer)
    return None if route is None else Taken(route.prefix, route.protocol, route.hops)


def facts_of(platform: Platform) -> Facts:
    """Return what the answers of a platform's devices say."""
    # It needs what stands above.
    from netcfg.patterns import patterned  # noqa: PLC0415

    match platform.answers:
        case "patterns":
            return patterned(platform)
        case "vtysh":
            words = (neighbour_state, silence, noticed, known_ways, routes_over, next_hops, taken)
        case "birdc":
            words = (birdc.neighbour_state, birdc.silence, birdc.noticed, birdc.known_ways,
                     birdc.routes_over, birdc.next_hops, _taken_by_bird)  # fmt: skip
    # The shell account says that by itself.
    managed = platform.shell.management
    return Facts(*words, traffic, lambda ask: management_way(ask(managed) or ""), lambda _answer: True)


def _json(answer: str) -> dict[str, Any]:
    try:
        value = json.loads(answer)
    except ValueError:
        # A device that knows nothing of the matter answers in words.
        return {}
    return value if isinstance(value, dict) else {}
