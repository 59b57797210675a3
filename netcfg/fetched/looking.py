"""Asks devices, one after the other, where they would send a packet now; changes nothing."""

import json
from typing import Any

from inventory.derived.wiring import Interface, Wires
from inventory.model import Programme
from inventory.words import _
from netcfg.errors import ExtranetError
from netcfg.fetched.language import Language, load_language
from netcfg.fetched.ways import Hop, Place, Route
from netcfg.platforms import load_platform
from netcfg.sessions import Sessions

_MOST = 16


def look_along(programme: Programme, sessions: Sessions, start: Place, target: Place) -> Route:
    """Return the way that devices' routes send a packet; where one does not answer, it ends there with the reason."""
    wires = Wires(programme)
    hops: list[Hop] = []
    here, vrf = start.device, start.vrf
    while here != target.device and len(hops) < _MOST:
        try:
            said = _asked(programme, sessions, here, vrf, target)
        except ExtranetError as error:
            return Route(hops=tuple(hops), arrives=False, reason=str(error))
        wire = next((each for each in wires.of(here) if each.vrf == vrf and _leads(each, said)), None)
        if wire is None or wire.peer is None:
            text = _("{device} has no route to {address} by a link of the inventory")
            return Route(hops=tuple(hops), arrives=False, reason=text.format(device=here, address=target.address))
        why = _("route {prefix}, learnt by {protocol}").format(prefix=said["prefix"], protocol=said["protocol"])
        hops.append(Hop(device=here, link=wire.link, to=wire.peer, why=why))
        here, vrf = wire.peer, _other_side(wires, wire)
    arrives = here == target.device
    return Route(hops=tuple(hops), arrives=arrives, reason="" if arrives else _("it goes round in a circle"))


def _asked(programme: Programme, sessions: Sessions, device: str, vrf: str | None, target: Place) -> dict[str, Any]:
    platform = load_platform(next(each.platform for each in programme.network.devices if each.name == device))
    language = load_language(platform.name)
    command = _command(language, vrf, target) if language is not None else None
    if command is None or not platform.driver:
        return {}
    with sessions.command_line(device, platform) as line:
        return _taken(line.ask(command))


def _command(language: Language, vrf: str | None, target: Place) -> str:
    form = language.route if vrf is None else language.route_in
    return form.format(address=target.address, vrf=vrf)


def _taken(answer: str) -> dict[str, Any]:
    """Return the route that packets take, as a device tells it; empty where it tells none."""
    try:
        said = json.loads(answer)
    except ValueError:
        return {}
    for routes in said.values() if isinstance(said, dict) else ():
        for route in routes if isinstance(routes, list) else ():
            if isinstance(route, dict) and route.get("selected"):
                hops = [hop for hop in route.get("nexthops", ()) if isinstance(hop, dict) and hop.get("fib")]
                return {"prefix": str(route.get("prefix")), "protocol": str(route.get("protocol")), "hops": hops}
    return {}


def _leads(wire: Interface, said: dict[str, Any]) -> bool:
    return any(
        str(wire.peer_address) == hop.get("ip") or (wire.peer is not None and wire.name == hop.get("interfaceName"))
        for hop in said.get("hops", ())
    )


def _other_side(wires: Wires, wire: Interface) -> str | None:
    """Return the VRF in which a packet arrives at the other end of a link."""
    return next((each.vrf for each in wires.of(wire.peer or "") if each.link == wire.link), None)
