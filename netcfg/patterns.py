"""What the answers of a vendor's command line say, read by the patterns of its platform; every function is pure."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from netcfg.facts import Ask, Facts, Taken, Traffic
from netcfg.platforms import FactPatterns, Platform


class _Route(NamedTuple):
    prefix: str
    protocol: str
    hop: str
    interface: str


def patterned(platform: Platform) -> Facts:
    """Return what the answers of a platform's devices say."""
    said = platform.facts
    assert said is not None
    return Facts(
        neighbour_state=partial(_state, said),
        silence=partial(_silence, said),
        noticed=partial(_noticed, said),
        room=partial(_room, said),
        known_ways=partial(_ways, said),
        routes_over=partial(_over, said),
        next_hops=partial(_hops, said),
        taken=partial(_taken, said),
        traffic=partial(_traffic, said),
        management=partial(_management, platform, said),
        reached=lambda answer: re.search(said.reached, answer) is not None,
    )


def _state(said: FactPatterns, answer: str, address: IPv4Address) -> str:
    found = re.search(said.neighbour.replace("{address}", re.escape(str(address))), answer)
    return found["state"] if found is not None else "absent"


def _silence(said: FactPatterns, answer: str, _address: IPv4Address) -> tuple[float, float]:
    found = re.search(said.silence, answer) if said.silence else None
    return (_seconds(found["heard"]), _seconds(found["every"])) if found is not None else (0.0, 0.0)


def _seconds(words: str) -> float:
    """Return seconds that are written as such, or as hours, minutes and seconds."""
    seconds = 0.0
    for part in words.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


def _noticed(said: FactPatterns, answer: str, _address: IPv4Address) -> tuple[float, str]:
    found = re.search(said.hold, answer)
    return (float(found["hold"]) if found is not None else 0.0), "BGP"


def _room(said: FactPatterns, answer: str, _address: IPv4Address) -> int | None:
    found = re.search(said.limit, answer) if said.limit else None
    return int(found["most"]) - int(found["told"]) if found is not None else None


def _ways(said: FactPatterns, answer: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found["hop"] for found in re.finditer(said.way, answer)))


def _over(said: FactPatterns, answer: str, interface: str) -> dict[str, str]:
    attached = re.compile(said.attached)
    return {
        route.prefix: route.protocol
        for route in _routes(said, answer)
        if route.interface == interface and attached.match(route.protocol) is None
    }


def _hops(said: FactPatterns, answer: str, prefix: IPv4Network) -> tuple[str, ...]:
    if said.out:
        there = re.search(rf"(?m)^ *{re.escape(str(prefix))}\b", answer) is not None
        return tuple(found["hop"] for found in re.finditer(said.out, answer) if there and found["hop"])
    return tuple(route.hop for route in _routes(said, answer) if route.prefix == str(prefix))


def _taken(said: FactPatterns, answer: str) -> Taken | None:
    if said.out:
        found = re.search(r"(?m)^ *(\d+\.\d+\.\d+\.\d+/\d+)", answer)
        out = tuple((each["hop"] or "", each["interface"]) for each in re.finditer(said.out, answer))
        # What forwards packets does not know who has told it of the route.
        return Taken(found[1], "", out) if found is not None and out else None
    routes = tuple(_routes(said, answer))
    if not routes:
        return None
    hops = tuple((route.hop, route.interface) for route in routes if route.prefix == routes[0].prefix)
    return Taken(routes[0].prefix, routes[0].protocol, hops)


def _routes(said: FactPatterns, answer: str) -> Iterator[_Route]:
    """Yield routes; further ways of the same one are told without its prefix."""
    prefix = protocol = ""
    for found in re.finditer(said.route, answer):
        prefix = found["prefix"] or prefix
        protocol = found.groupdict().get("protocol") or protocol
        yield _Route(prefix, protocol, found["hop"], found["interface"])


def _traffic(said: FactPatterns, answer: str, interface: str) -> Traffic:
    """Return what an interface has carried; LookupError where the answer does not say it.

    Only packets to one receiver are counted, which those are not by which neighbours are sought.
    """
    packets, clock = re.search(said.packets, answer), re.search(said.clock, answer)
    if packets is None or clock is None:
        raise LookupError(f"no interface {interface}")
    now = datetime.strptime(" ".join(clock.groups()), said.clock_format).replace(tzinfo=UTC)
    come, gone = int(packets["come"]), int(packets["gone"])
    return Traffic(uptime=now.timestamp(), packets=come + gone, others=0, length=0, carried=gone)


def _management(platform: Platform, said: FactPatterns, ask: Ask) -> tuple[str, str, str]:
    """Return whence the session comes and by which interface it is answered; its own address is not told."""
    found = re.search(said.client, ask(platform.shell.management) or "")
    if found is None:
        raise LookupError("it does not say whence this session comes")
    back = ask(platform.shell.route_back.format(address=found["address"])) or ""
    if said.out:
        out = next((each["interface"] for each in re.finditer(said.out, back)), "")
    else:
        out = next((route.interface for route in _routes(said, back)), "")
    if not out:
        raise LookupError(back)
    return found["address"], "", out
