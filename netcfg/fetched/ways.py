"""Which way a packet goes through lines and circuits, computed from the inventory and what devices are configured with.

It is computed hop by hop as the devices would decide: a static route first, then the line to the device that has the
network, then the circuit. Where nothing leads on, that is the answer: nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network

from inventory.base import Model
from inventory.configured.facts import Configured
from inventory.derived.exits import leads_out
from inventory.derived.wiring import Interface, Wires
from inventory.model import Line, Programme
from inventory.words import _

USUAL = 100
"""The preference of what no policy says anything about."""
_MOST = 16
"""So many devices no packet of an extranet passes."""


class Place(Model):
    """A host, a users' machine, a device or an address, with the device that its network hangs on."""

    name: str
    address: IPv4Address
    device: str
    prefix: IPv4Network
    vrf: str | None = None
    extranet: bool = False
    """It is the extranet's own: of its centre or of a site."""


class Hop(Model):
    """A packet leaves a device by a link."""

    device: str
    link: str
    to: str
    why: str


class Route(Model):
    """The way of a packet: the devices in order, and why it ends where it does not arrive."""

    hops: tuple[Hop, ...]
    arrives: bool
    reason: str = ""

    @property
    def devices(self) -> tuple[str, ...]:
        """Return the devices that the packet passes."""
        return tuple(dict.fromkeys((*(hop.device for hop in self.hops), *(hop.to for hop in self.hops))))


def place_of(programme: Programme, word: str) -> Place | None:
    """Return what a name or an address means; None where the inventory has nothing of it."""
    names = {
        **{host.name: host.address for d in programme.departments for room in d.rooms for host in room.hosts},
        **{vantage.name: vantage.address for vantage in programme.network.vantages},
    }
    address = names.get(word)
    wires = Wires(programme)
    if address is None and any(device.name == word for device in programme.network.devices):
        own = [wire for wire in wires.of(word) if wire.peer is None] or list(wires.of(word))
        address = own[0].address.ip if own else None
    if address is None:
        try:
            address = IPv4Address(word)
        except ValueError:
            return None
    found = [
        wire
        for device in programme.network.devices
        for wire in wires.of(device.name)
        if wire.peer is None and address in wire.address.network
    ]
    if not found:
        return None
    wire = max(found, key=lambda each: each.address.network.prefixlen)
    return Place(
        name=word,
        address=address,
        device=wire.device,
        prefix=wire.address.network,
        vrf=wire.vrf,
        extranet=wire.kind in {"centre", "site"},
    )


def preference_of(facts: Configured, policy: str, prefix: IPv4Network, depth: int = 0) -> int | None:
    """Return the preference that a policy gives a prefix; None where it lets it not through, or nobody can say."""
    for clause in sorted((each for each in facts.clauses if each.policy == policy), key=lambda each: each.number):
        if len(clause.matches) != len(clause.lists) or not all(_lists(facts, name, prefix) for name in clause.lists):
            continue
        if not clause.permits or depth > _MOST:
            return None
        called = preference_of(facts, clause.calls, prefix, depth + 1) if clause.calls else USUAL
        said = (words.split()[-1] for words in clause.sets if words.startswith("local-preference "))
        own = next((int(word) for word in said if word.isdigit()), None)
        return own if own is not None and called is not None else called
    return None


def _lists(facts: Configured, name: str, prefix: IPv4Network) -> bool:
    """Say whether a list lets a prefix through: by an entry for it, or for all within a wider one."""
    for entry in facts.entries:
        if entry.name == name and (entry.prefix == prefix or (entry.bounds and prefix.subnet_of(entry.prefix))):
            return entry.permits
    return False


@dataclass(frozen=True)
class Extranet:
    """The links of a programme, with what its devices are configured with, at one time."""

    programme: Programme
    facts: Mapping[str, Configured]
    moved: frozenset[str] = frozenset()
    """Lines whose traffic the extranet carries."""
    wires: Wires = field(init=False)

    def __post_init__(self) -> None:
        """Compute the links once."""
        object.__setattr__(self, "wires", Wires(self.programme))

    def route(self, start: Place, target: Place) -> Route:
        """Return the way of a packet from one place to another."""
        hops: list[Hop] = []
        here = start.device
        while here != target.device:
            if len(hops) >= _MOST:
                return Route(hops=tuple(hops), arrives=False, reason=_("it goes round in a circle"))
            found = self._next(here, target, hops[-1].link if hops else "")
            if isinstance(found, str):
                return Route(hops=tuple(hops), arrives=False, reason=found)
            hops.append(found)
            here = found.to
        return Route(hops=tuple(hops), arrives=True)

    def _next(self, here: str, target: Place, came: str) -> Hop | str:
        return (
            self._static(here, target)
            or self._circuit(here, target, preferred=True)
            or self._line(here, target)
            or self._circuit(here, target)
            or self._edge(here, target, came)
            or _("{device} knows no way to {prefix}").format(device=here, prefix=target.prefix)
        )

    def _static(self, here: str, target: Place) -> Hop | str | None:
        known = self.facts.get(here)
        routes = [each for each in known.statics if target.address in each.prefix] if known is not None else []
        # What is more particular than the network itself is taken before it, and a static route before a learnt one.
        best = max(routes, key=lambda each: each.prefix.prefixlen, default=None)
        if best is None or best.prefix.prefixlen < target.prefix.prefixlen:
            return None
        way = set(best.way)
        for wire in self.wires.of(here):
            if wire.peer is not None and {wire.name, str(wire.peer_address)} & way:
                return self._hop(wire, _("static route {prefix}").format(prefix=best.prefix))
        text = _("a static route of {device} sends it by way of {way}, which the inventory does not have")
        return text.format(device=here, way=" ".join(best.way))

    def _line(self, here: str, target: Place) -> Hop | None:
        for wire in self.wires.of(here):
            if wire.kind == "line" and wire.peer == target.device and self._carries(wire):
                return self._hop(wire, _("line {line}").format(line=wire.link.partition(":")[2]))
        return None

    def _carries(self, wire: Interface) -> bool:
        line = self._line_of(wire)
        if line is None or line.released is not None or line.name in self.moved:
            return False
        if leads_out(line, self.wires.foreign):
            # A default route leads over it, and no BGP is spoken.
            return True
        for device, address in ((wire.device, wire.peer_address), (wire.peer or "", wire.address.ip)):
            known = self.facts.get(device)
            if known is not None and not any(n.peer == str(address) and not n.shut for n in known.neighbours):
                return False
        return True

    def _line_of(self, wire: Interface) -> Line | None:
        name = wire.link.partition(":")[2]
        return next((line for line in self.programme.network.lines if line.name == name), None)

    def _circuit(self, here: str, target: Place, *, preferred: bool = False) -> Hop | None:
        """Return the hop into the extranet, where the device accepts from there what the target has.

        `preferred`: only where its own policy prefers that to what it learns over lines.
        """
        domains = {target.vrf} if target.extranet else self._taken_over(here, target.device)
        for wire in self.wires.of(here):
            domain = wire.link.rpartition("/")[2]
            if wire.kind != "circuit" or wire.vrf is not None:
                continue
            preference = self._preference(here, wire, target.prefix)
            taken = domain in domains or preference is not None
            if (preference or 0) > USUAL if preferred else taken:
                return self._hop(wire, _("circuit of domain {domain}").format(domain=domain))
        return None

    def _preference(self, here: str, wire: Interface, prefix: IPv4Network) -> int | None:
        """Return with which preference a device takes a prefix over a circuit; None where not, as far as known."""
        known = self.facts.get(here)
        for neighbour in known.neighbours if known is not None else ():
            if neighbour.peer == str(wire.peer_address) and neighbour.policy_in and not neighbour.shut:
                assert known is not None
                return preference_of(known, neighbour.policy_in, prefix)
        return None

    def _taken_over(self, one: str, other: str) -> set[str | None]:
        return {
            line.domain
            for line in self.programme.network.lines
            if line.ends is not None and set(line.ends) == {one, other} and line.name in self.moved
        }

    def _edge(self, here: str, target: Place, came: str) -> Hop | None:
        """Return a provider edge's hop: to the device itself, or over the backbone to the edge that has it."""
        domain = came.rpartition("/")[2] if came else target.vrf
        way_out = self.wires.exit(domain or "")
        beyond = () if way_out is None or target.extranet else (way_out.device,)
        hops = (self._towards(here, device, domain) for device in (target.device, *beyond))
        return next((hop for hop in hops if hop is not None), None)

    def _towards(self, here: str, device: str, domain: str | None) -> Hop | None:
        for wire in self.wires.of(here):
            if wire.kind == "circuit" and wire.vrf == domain and wire.peer == device:
                return self._hop(wire, _("circuit of domain {domain}").format(domain=domain))
        first = self._over_backbone(here, device, domain)
        return None if first is None else self._hop(first, _("backbone of domain {domain}").format(domain=domain))

    def _over_backbone(self, here: str, target: str, domain: str | None) -> Interface | None:
        """Return the first link of a shortest way over the backbone to an edge at which the target is."""
        seen, waiting = {here}, [(here, None)]  # type: tuple[set[str], list[tuple[str, Interface | None]]]
        while waiting:
            device, first = waiting.pop(0)
            wires = [wire for wire in self.wires.of(device) if wire.vrf == domain and wire.peer is not None]
            at_hand = device == target or any(wire.kind == "circuit" and wire.peer == target for wire in wires)
            if first is not None and at_hand:
                return first
            for wire in wires:
                if wire.kind == "backbone" and wire.peer not in seen:
                    seen.add(str(wire.peer))
                    waiting.append((str(wire.peer), first or wire))
        return None

    @staticmethod
    def _hop(wire: Interface, why: str) -> Hop:
        return Hop(device=wire.device, link=wire.link, to=str(wire.peer), why=why)
