"""What a device's answers say, as plain values; every function is pure."""

import json
import re
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from netcfg.platforms import Platform


def neighbour_state(answer: str, address: IPv4Address) -> str:
    """Return the state of a BGP session in BGP's words, or `absent` where the device has no such neighbour."""
    about = _json(answer).get(str(address), {})
    return str(about.get("bgpState", "absent"))


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
