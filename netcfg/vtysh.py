"""What vtysh's answers say, as plain values; every function is pure and named as the fact that it tells.

Whoever broke into a device answers as he likes: what is not of the shape that FRR has is not told.
"""

import json
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from netcfg.facts import Taken


def neighbour_state(answer: str, address: IPv4Address) -> str:
    """Return the state of a BGP session in BGP's words, or `absent` where the device has no such neighbour."""
    about = _fields(_json(answer).get(str(address)))
    return str(about.get("bgpState", "absent"))[:100]


def silence(answer: str, address: IPv4Address) -> tuple[float, float]:
    """Return for how many seconds a BGP neighbour was not heard, and how often it is to be heard; zeros if not told."""
    about = _fields(_json(answer).get(str(address)))
    return _number(about.get("bgpTimerLastRead")) / 1000, _number(about.get("bgpTimerKeepAliveIntervalMsecs")) / 1000


def noticed(answer: str, address: IPv4Address) -> tuple[float, str]:
    """Return within how many seconds a device notices that a BGP neighbour is dead, and by what; zero if not told."""
    about = _fields(_json(answer).get(str(address)))
    bfd = _fields(about.get("peerBfdInfo"))
    if str(bfd.get("status", "")).lower() == "up":
        return _number(bfd.get("detectMultiplier")) * _number(bfd.get("rxMinInterval")) / 1000, "BFD"
    return _number(about.get("bgpTimerHoldTimeMsecs")) / 1000, "BGP"


def room(answer: str, address: IPv4Address) -> int | None:
    """Return for how many further networks the limit of a BGP neighbour leaves room; None where it has none."""
    told = _json(answer).get(str(address), {}).get("addressFamilyInfo", {}).get("ipv4Unicast", {})
    if "prefixAllowedMax" not in told or told.get("prefixAllowedMaxWarning"):
        return None
    return int(told["prefixAllowedMax"]) - int(told.get("acceptedPrefixCounter", 0))


def known_ways(answer: str) -> tuple[str, ...]:
    """Return the next hops of all valid BGP paths for a prefix, taken or not."""
    paths = _entries(_json(answer).get("paths"))
    return tuple(str(hop["ip"]) for path in paths if path.get("valid") for hop in _hops(path) if "ip" in hop)


def routes_over(answer: str, interface: str) -> dict[str, str]:
    """Return the prefixes whose packets leave by an interface, each with the protocol that it was learnt by.

    The interface's own network is not among them.
    """
    return {
        prefix: str(route.get("protocol", ""))
        for prefix, routes in _json(answer).items()
        for route in _entries(routes)
        if str(route.get("protocol")) not in {"connected", "local"}
        and any(hop.get("interfaceName") == interface for hop in _hops(route))
    }


def next_hops(answer: str, prefix: IPv4Network) -> tuple[str, ...]:
    """Return the addresses that packets for a prefix are sent to now."""
    chosen = [route for route in _entries(_json(answer).get(str(prefix))) if route.get("selected")]
    return tuple(str(hop["ip"]) for route in chosen for hop in _hops(route) if hop.get("fib") and "ip" in hop)


def taken(answer: str) -> Taken | None:
    """Return the route that a device takes to the address it was asked about; None where it has none."""
    for routes in _json(answer).values():
        for route in _entries(routes):
            if route.get("selected"):
                hops = [hop for hop in _hops(route) if hop.get("fib")]
                told = tuple((str(hop.get("ip", "")), str(hop.get("interfaceName", ""))) for hop in hops)
                return Taken(str(route.get("prefix")), str(route.get("protocol")), told)
    return None


def _json(answer: str) -> dict[str, Any]:
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        # A device that knows nothing of the matter answers in words.
        return {}
    return _fields(value)


def _fields(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _entries(value: object) -> Iterator[dict[str, Any]]:
    return (one for one in value if isinstance(one, dict)) if isinstance(value, list) else iter(())


def _hops(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    return _entries(route.get("nexthops"))


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and 0 <= value < 2**53 else 0.0
