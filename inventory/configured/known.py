"""The inventory's word on devices, with the places where it stands."""

from ipaddress import IPv4Network

from inventory.derived.exits import foreign_devices, leads_out
from inventory.derived.wired import networks_behind
from inventory.derived.wiring import Interface, interfaces
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.model import Programme

PLACES = {"line": "lines", "circuit": "attachments", "backbone": "backbone", "centre": "centre networks"}


class Known:
    """The inventory's devices with their wires, what is behind them, and where each of it is written."""

    def __init__(self, programme: Programme, index: Index) -> None:
        self.programme = programme
        self.index = index
        self.wires: dict[str, list[Interface]] = {}
        for wire in interfaces(programme):
            if wire.kind != "site":
                self.wires.setdefault(wire.device, []).append(wire)
        self.behind = networks_behind(programme)
        self.devices = {device.name: device for device in programme.network.devices}
        self.prefixes = {wire.address.network for wires in self.wires.values() for wire in wires}
        self.prefixes |= {network.prefix for site in programme.sites for network in site.networks}
        self.prefixes |= {prefix for networks in self.behind.values() for prefix in networks}
        foreign = foreign_devices(programme.network)
        self.out = {line.name for line in programme.network.lines if leads_out(line, foreign)}
        """Lines into the internet: a default route leads there, and no BGP is spoken."""
        # What was given back is neither missed nor too much.
        self.gone = {line.name for line in programme.network.lines if line.released is not None}
        self.moving = {
            line.name
            for line in programme.network.lines
            if line.domain is not None and line.golden_project is None and line.released is None
        }

    def at(self, kind: str, name: str) -> Cursor:
        """Return where a part of some kind is written."""
        return self.index.named(kind).get(name) or self._whole()

    def of_wire(self, wire: Interface) -> Cursor:
        """Return where the inventory says that a device has an interface."""
        name = wire.link.partition(":")[2]
        if wire.kind == "circuit":
            device, _slash, domain = name.rpartition("/")
            return self._attachment(device, domain)
        if wire.kind == "lan":
            rooms = self.index.named("rooms")
            return rooms[name] if name in rooms else self.at("vantages", name)
        if wire.kind == "backbone":
            return self._holding("backbone", wire.address.network)
        if wire.kind == "centre":
            return self._holding("centre networks", wire.address.network)
        return self.at(PLACES[wire.kind], name)

    def of_network(self, device: str, prefix: IPv4Network) -> Cursor:
        """Return where the inventory says that a network is behind a device."""
        for kind in ("rooms", "vantages"):
            for part in self.index.parts(kind):
                if part.text("gateway") == device and part.prefix("prefix") == prefix:
                    return part
        return self.at("devices", device)

    def _attachment(self, device: str, domain: str) -> Cursor:
        found = (
            each
            for each in self.index.parts("attachments")
            if each.text("device") == device and each.text("domain") == domain
        )
        return next(found, self._whole())

    def _holding(self, kind: str, prefix: IPv4Network) -> Cursor:
        return next((each for each in self.index.parts(kind) if each.prefix("prefix") == prefix), self._whole())

    def _whole(self) -> Cursor:
        return next(each for each in self.index.rest if each.at("network") is not None)
