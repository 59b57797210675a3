"""The interfaces of each device and what they lead to, computed from the programme alone."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Literal

from inventory.base import Model
from inventory.derived.exits import foreign_devices
from inventory.derived.wired import centre_of, ends_in, names_of, networks_behind, wired_rooms
from inventory.model import Device, InternetExit, Programme

LONGEST_NAME = 15
"""Linux gives an interface no longer name than this."""
MANAGEMENT = "mgmt"
"""The interface by which a device is managed, out of band; its address is the world's, not the programme's."""

Kind = Literal["line", "circuit", "backbone", "lan", "centre", "site"]


class Interface(Model):
    """One interface of a device and the link or network that it leads to."""

    device: str
    name: str
    kind: Kind
    link: str
    """The same word at every interface on one link or network: its kind, a colon and its name."""
    vrf: str | None
    """The domain that a provider edge keeps it in; other devices have the default VRF alone."""
    address: IPv4Interface
    peer: str | None = None
    """The device at the other end, where there is exactly one."""
    peer_address: IPv4Address | None = None


def interfaces(programme: Programme) -> tuple[Interface, ...]:
    """Return the interfaces of all devices, management apart; those of site networks exist once the site does.

    They are called as the inventory says, and otherwise by what they lead to.
    """
    given = {(d.name, each.address): each.name for d in programme.network.devices for each in d.interfaces}
    taken = {(device, name) for (device, _address), name in given.items()}
    return tuple(
        draft.model_copy(update={"name": given.get(key) or _free_name(draft.device, draft.name, taken)})
        for draft in _drafts(programme)
        for key in ((draft.device, draft.address.ip),)
    )


class Wires:
    """The interfaces of a programme by their device, with devices and networks, computed once for all who ask."""

    def __init__(self, programme: Programme) -> None:
        self._of: dict[str, list[Interface]] = {}
        for interface in interfaces(programme):
            self._of.setdefault(interface.device, []).append(interface)
        self._devices = {device.name: device for device in programme.network.devices}
        self._behind = networks_behind(programme)
        self.foreign = foreign_devices(programme.network)
        self._exits = {each.domain: each for each in programme.network.exits}

    def device(self, name: str) -> Device:
        """Return a device; KeyError where there is none of the name."""
        return self._devices[name]

    def exit(self, domain: str) -> InternetExit | None:
        """Return the extranet's own way to the internet in a domain; None where it has none."""
        return self._exits.get(domain)

    def behind(self, device: str) -> tuple[IPv4Network, ...]:
        """Return the networks behind a device, as `own_networks` does."""
        return self._behind.get(device, ())

    def circuits(self, device: str, domain: str) -> tuple[Interface, ...]:
        """Return a device's interfaces on circuits of a domain."""
        return tuple(
            wire for wire in self.of(device) if wire.kind == "circuit" and wire.link.rpartition("/")[2] == domain
        )

    def of(self, device: str) -> tuple[Interface, ...]:
        """Return the interfaces of one device."""
        return tuple(self._of.get(device, ()))

    def at_line(self, device: str, line: str) -> Interface:
        """Return a device's interface on a line; LookupError where it has none."""
        for interface in self.of(device):
            if interface.link == f"line:{line}":
                return interface
        raise LookupError(f"device {device} is no end of line {line}")


def resolver_of(programme: Programme, domain: str) -> IPv4Address:
    """Return the address of the name server in a domain; LookupError where the centre has no network in it."""
    centre, names = centre_of(programme), names_of(programme)
    for network in centre.networks:
        if network.domain == domain:
            for host in centre.hosts:
                if host.name == names.server:
                    return network.prefix[host.number]
    raise LookupError(f"the centre offers no name service in domain {domain}")


def domain_of(programme: Programme, device: str) -> str | None:
    """Return the domain that a device's first circuit leads to, or None for one without a circuit."""
    for attachment in programme.network.attachments:
        if attachment.device == device:
            return attachment.domain
    return None


def _drafts(programme: Programme) -> Iterator[Interface]:
    yield from _links(programme)
    yield from _lans(programme)


def _links(programme: Programme) -> Iterator[Interface]:
    network = programme.network
    edges = {device.name for device in network.devices if device.role == "pe"}
    for line in network.lines:
        if line.ends is None or line.prefix is None:
            continue
        vrfs = tuple(line.domain if end in edges else None for end in line.ends)
        yield from _pair("line", line.name, line.ends, (f"line-{line.name}",) * 2, vrfs, line.prefix)
    for attachment in network.attachments:
        ends = (attachment.edge, attachment.device)
        names = (f"to-{attachment.device}", f"acc-{attachment.domain}")
        link = f"{attachment.device}/{attachment.domain}"
        yield from _pair("circuit", link, ends, names, (attachment.domain, None), attachment.prefix)
    for backbone in network.backbone:
        link = "/".join((*backbone.ends, backbone.domain))
        names = (f"bb-{backbone.domain}",) * 2
        yield from _pair("backbone", link, backbone.ends, names, (backbone.domain,) * 2, backbone.prefix)


def _pair(
    kind: Kind,
    link: str,
    ends: tuple[str, str],
    names: tuple[str, str],
    vrfs: tuple[str | None, ...],
    prefix: IPv4Network,
) -> Iterator[Interface]:
    addresses = ends_in(prefix)
    for mine, other in ((0, 1), (1, 0)):
        yield Interface(
            device=ends[mine],
            name=names[mine],
            kind=kind,
            link=f"{kind}:{link}",
            vrf=vrfs[mine],
            address=IPv4Interface((addresses[mine], prefix.prefixlen)),
            peer=ends[other],
            peer_address=addresses[other],
        )


def _lans(programme: Programme) -> Iterator[Interface]:
    network = programme.network
    rooms = {(room.gateway, room.prefix): room.name for room in wired_rooms(programme)}
    # Users' machines behind one device and in one prefix share a network; it bears the first one's name.
    users: dict[tuple[str, IPv4Network], str] = {}
    for vantage in network.vantages:
        users.setdefault((vantage.gateway, vantage.prefix), vantage.name)
    for (device, prefix), name in (rooms | users).items():
        yield _gateway("lan", name, device, "lan", None, prefix)
    for centre in network.centre.networks if network.centre is not None else ():
        gateway = centre_of(programme).gateway
        yield _gateway("centre", centre.domain, gateway, f"centre-{centre.domain}", centre.domain, centre.prefix)
    for site in programme.sites:
        for each in site.networks:
            yield _gateway("site", each.name, each.attached_to, f"net-{each.name}", each.domain, each.prefix)


def _gateway(kind: Kind, link: str, device: str, name: str, vrf: str | None, prefix: IPv4Network) -> Interface:
    address = IPv4Interface((prefix[1], prefix.prefixlen))
    return Interface(device=device, name=name, kind=kind, link=f"{kind}:{link}", vrf=vrf, address=address)


def _free_name(device: str, wanted: str, taken: set[tuple[str, str]]) -> str:
    """Cut a name to what Linux allows; where that is taken on the device, end it with a number instead."""
    name, number = wanted[:LONGEST_NAME].rstrip("-"), 1
    while (device, name) in taken:
        number += 1
        name = f"{wanted[: LONGEST_NAME - len(str(number))].rstrip('-')}{number}"
    taken.add((device, name))
    return name
