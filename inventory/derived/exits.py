"""Ways to the internet: which lines a default route leads over, and the extranet's own exit in a domain."""

from collections.abc import Set
from ipaddress import IPv4Network

from inventory.model import Line, Network

DEFAULT = IPv4Network("0.0.0.0/0")
MOVES_DEFAULT = frozenset({"frr", "ios"})
"""The platforms on which a default route is moved; `netcfg/platforms/` has the words for it."""


def foreign_devices(network: Network) -> frozenset[str]:
    """Return the devices that others run: nobody of the programme logs in there."""
    return frozenset(device.name for device in network.devices if device.operated_by)


def leads_out(line: Line, foreign: Set[str]) -> bool:
    """Say whether a line is an internet exit whose far end is a carrier's: a default route leads over it, no BGP."""
    return line.kind == "internet-exit" and line.ends is not None and not foreign.isdisjoint(line.ends)


def link_leads_out(network: Network, link: str) -> bool:
    """Say whether a link, such as `line:NAME`, is a line into the internet."""
    foreign = foreign_devices(network)
    return any(f"line:{line.name}" == link and leads_out(line, foreign) for line in network.lines)


def own_ends(line: Line, foreign: Set[str]) -> tuple[str, ...]:
    """Return the ends of a line that are the programme's to change, the near end first."""
    return tuple(end for end in line.ends or () if end not in foreign)


def uplinks(network: Network) -> frozenset[str]:
    """Return the lines by which the extranet's own exits reach the internet: no department's lines."""
    return frozenset(each.uplink for each in network.exits)
