"""Asks devices, one after the other, where they would send a packet now; changes nothing."""

from inventory.derived.wiring import Interface, Wires
from inventory.model import Programme
from inventory.words import _
from netcfg.answers import facts_of
from netcfg.errors import ExtranetError
from netcfg.facts import Taken
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
        if said is None or wire is None or wire.peer is None:
            text = _("{device} has no route to {address} by a link of the inventory")
            return Route(hops=tuple(hops), arrives=False, reason=text.format(device=here, address=target.address))
        why = _("route {prefix}, learnt by {protocol}") if said.protocol else _("route {prefix}")
        why = why.format(prefix=said.prefix, protocol=said.protocol)
        hops.append(Hop(device=here, link=wire.link, to=wire.peer, why=why))
        here, vrf = wire.peer, _other_side(wires, wire)
    arrives = here == target.device
    return Route(hops=tuple(hops), arrives=arrives, reason="" if arrives else _("it goes round in a circle"))


def _asked(programme: Programme, sessions: Sessions, device: str, vrf: str | None, target: Place) -> Taken | None:
    platform = load_platform(next(each.platform for each in programme.network.devices if each.name == device))
    language = load_language(platform.name)
    command = _command(language, vrf, target) if language is not None else ""
    if not command:
        return None
    with sessions.asking(device, platform) as line:
        return facts_of(platform).taken(line.ask(command))


def _command(language: Language, vrf: str | None, target: Place) -> str:
    form = language.route if vrf is None else language.route_in
    return form.format(address=target.address, vrf=vrf)


def _leads(wire: Interface, said: Taken | None) -> bool:
    return said is not None and any(
        str(wire.peer_address) == address or (wire.peer is not None and wire.name == interface)
        for address, interface in said.hops
    )


def _other_side(wires: Wires, wire: Interface) -> str | None:
    """Return the VRF in which a packet arrives at the other end of a link."""
    return next((each.vrf for each in wires.of(wire.peer or "") if each.link == wire.link), None)
