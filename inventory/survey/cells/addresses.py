"""Addresses and networks as people write them into sheets."""

import re
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError

from inventory.survey.cells.told import Setting, Told, misread, shown
from inventory.survey.columns import Column
from inventory.survey.entries import Weight
from inventory.survey.opening.grids import Cell
from inventory.survey.text import plain
from inventory.words import _

_POINT_TO_POINT = 30
"""Networks with a longer mask have no address of their own."""
_BESIDE_ADDRESS = re.compile(r"/\d{1,2}$|:\d{1,5}$|\([^()\d]*\)$|^\w{0,6}[内外]网:?|^IP:?", re.IGNORECASE)


def address_told(cell: Cell, _column: Column, _setting: Setting) -> Told:
    """Read one address, without the length of its network, its port, or the words beside it."""
    text = plain(shown(cell))
    first, *others = [part for part in re.split(r"[、,;\s]+", text) if part] or [""]
    bare = _BESIDE_ADDRESS.sub("", first)
    try:
        address = str(IPv4Address(bare))
    except AddressValueError:
        return misread(_("one IPv4 address such as 10.11.0.10"))
    if _is_network(bare, first):
        return misread(_("the address of one server: this is that of a whole network"))
    if others:
        return Told(address, _("one address: the first one is taken"), Weight.WARNING)
    return Told(address, "" if bare == text else _("the address {address} is taken").format(address=address))


def _is_network(address: str, written: str) -> bool:
    """Tell whether an address is written with the length of its network and is that network's own."""
    length = re.search(r"/(\d{1,2})$", written)
    if length is None or int(length[1]) > _POINT_TO_POINT:
        return False
    return str(IPv4Network(f"{address}/{length[1]}", strict=False).network_address) == address


def prefix_told(cell: Cell, _column: Column, _setting: Setting) -> Told:
    """Read a network with its length or mask."""
    text = plain(shown(cell)).replace(" ", "")
    try:
        network = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        return misread(_("a network such as 10.11.0.0/24"))
    if "/" not in text:
        return misread(_("a network such as 10.11.0.0/24"))
    same = str(network.network_address) == text.split("/")[0]
    return Told(str(network), "" if same else _("the network {network} is taken").format(network=network))
