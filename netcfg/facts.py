"""What a device's answers say, as plain values; every function is pure."""

import json
import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from netcfg.platforms import Platform


def neighbour_state(answer: str, address: IPv4Address) -> str:
    """Return the state of a BGP session in BGP's words, or `absent` where the device has no such neighbour."""
    about = _json(answer).get(str(address), {})
    return str(about.get("bgpState", "absent"))


def silence(answer: str, address: IPv4Address) -> tuple[float, float]:
    """Return for how many seconds a BGP neighbour was not heard, and how often it is to be heard; zeros if not told."""
    about = _json(answer).get(str(address), {})
    heard, every = about.get("bgpTimerLastRead", 0), about.get("bgpTimerKeepAliveIntervalMsecs", 0)
    return heard / 1000, every / 1000


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


def static_routes(platform: Platform, configuration: str, ways: Collection[str]) -> tuple[str, ...]:
    """Return the prefixes that a configuration has a static route for by one of some next hops or interfaces."""
    found = (re.match(platform.identity.static, line) for line in configuration.splitlines())
    return tuple(match[1] for match in found if match and set(match[2].split()) & set(ways))


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


def packets(answer: str, interface: str) -> int:
    """Return how many packets went in and out of an interface so far; LookupError where it is not there."""
    for line in answer.splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == interface:
            counted = numbers.split()
            return int(counted[1]) + int(counted[9])
    raise LookupError(f"no interface {interface}")


def router_id(platform: Platform, configuration: str) -> str:
    """Return the router id that a configuration states, or `none`."""
    for line in configuration.splitlines():
        found = re.match(platform.identity.router_id, line.strip())
        if found is not None:
            return found[1]
    return "none"


def _json(answer: str) -> dict[str, Any]:
    try:
        value = json.loads(answer)
    except ValueError:
        # A device that knows nothing of the matter answers in words.
        return {}
    return value if isinstance(value, dict) else {}
