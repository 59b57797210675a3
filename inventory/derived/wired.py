"""Facts that a move needs and a survey may still lack: addresses, prefixes, lines' ends, the centre.

The check refuses an inventory in which something moves and one of these is missing; so who plans a move asks here and
gets values, and a LookupError is a fault of ours.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from inventory.base import Model
from inventory.model import Centre, Line, Names, Programme, Release


class WiredHost(Model):
    """A host with its address."""

    name: str
    address: IPv4Address
    os: Release


class WiredRoom(Model):
    """A machine room whose network and way out are known."""

    name: str
    prefix: IPv4Network
    gateway: str
    hosts: tuple[WiredHost, ...]


def wired_rooms(programme: Programme) -> Iterator[WiredRoom]:
    """Yield the machine rooms whose network is known, with those hosts that have an address."""
    for department in programme.departments:
        for room in department.rooms:
            if room.prefix is not None and room.gateway is not None:
                hosts = tuple(
                    WiredHost(name=host.name, address=host.address, os=host.os)
                    for host in room.hosts
                    if host.address is not None
                )
                yield WiredRoom(name=room.name, prefix=room.prefix, gateway=room.gateway, hosts=hosts)


def networks_behind(programme: Programme) -> dict[str, tuple[IPv4Network, ...]]:
    """Map each device to the networks behind it: machine rooms' and users', in order, each once."""
    networks: dict[str, set[IPv4Network]] = {}
    for department in programme.departments:
        for room in department.rooms:
            if room.prefix is not None and room.gateway is not None:
                networks.setdefault(room.gateway, set()).add(room.prefix)
    for vantage in programme.network.vantages:
        networks.setdefault(vantage.gateway, set()).add(vantage.prefix)
    return {device: tuple(sorted(found)) for device, found in networks.items()}


def host_addresses(programme: Programme) -> dict[str, IPv4Address]:
    """Map the hosts of all machine rooms to their addresses, where they have one."""
    return {
        host.name: host.address
        for department in programme.departments
        for room in department.rooms
        for host in room.hosts
        if host.address is not None
    }


def ends_of(line: Line) -> tuple[str, str]:
    """Return the two devices of a line; LookupError where a survey has not named them."""
    if line.ends is None:
        raise LookupError(f"line {line.name} has no ends")
    return line.ends


def prefix_of(line: Line) -> IPv4Network:
    """Return the prefix of a line; LookupError where a survey has not named it."""
    if line.prefix is None:
        raise LookupError(f"line {line.name} has no prefix")
    return line.prefix


def centre_of(programme: Programme) -> Centre:
    """Return the extranet's centre; LookupError where there is none yet."""
    if programme.network.centre is None:
        raise LookupError("the extranet has no centre")
    return programme.network.centre


def names_of(programme: Programme) -> Names:
    """Return the name service; LookupError where there is none yet."""
    if programme.network.names is None:
        raise LookupError("the extranet has no name service")
    return programme.network.names


def ends_in(prefix: IPv4Network) -> tuple[IPv4Address, IPv4Address]:
    """Return the addresses of a link's two ends, the first end's first: of a /31 all that it has."""
    first, second = (0, 1) if prefix.prefixlen == 31 else (1, 2)
    return prefix[first], prefix[second]
