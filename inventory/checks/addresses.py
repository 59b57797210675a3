"""Whether prefixes lie apart and addresses lie in theirs, each used once."""

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import NamedTuple

from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.findings import Finding, Severity
from inventory.words import _

SURVEYED = ""
"""The table of prefixes as surveyed, in which departments' rooms, users and lines meet; the others are domains."""
COPY_HOST = 10
"""The host number, at a recovery site, of the host that keeps the copies."""


@dataclass(frozen=True)
class Claim:
    """A prefix that somebody uses, in the tables where it is seen."""

    place: Cursor
    prefix: IPv4Network
    tables: frozenset[str]
    shared: str = ""
    """Claims with the same word here mean the same network."""


class Net(NamedTuple):
    """A network with what tells it from one with the same prefix in another domain."""

    table: str
    prefix: IPv4Network

    def kept(self, address: IPv4Address) -> bool:
        """Return whether an address of it is its own, its gateway's or its broadcast."""
        number = int(address) - int(self.prefix.network_address)
        return self.prefix.prefixlen < 31 and (number <= 1 or number == self.prefix.num_addresses - 1)


def _net(holder: Cursor) -> Net | None:
    prefix = holder.prefix("prefix")
    return Net(f"{holder.text('domain') or SURVEYED} {prefix}", prefix) if prefix is not None else None


def _claims(index: Index) -> Iterator[Claim]:
    domains: dict[str, set[str]] = {}
    for attachment in index.parts("attachments"):
        domains.setdefault(attachment.text("device") or "", set()).add(attachment.text("domain") or "")
    rooms = (*index.parts("rooms"), *index.parts("vantages"))
    for holder in rooms:
        gateway = holder.text("gateway") or ""
        yield from _claim(holder, {SURVEYED, *domains.get(gateway, set())}, f"{gateway}/{holder.text('prefix')}")
    for line in index.parts("lines"):
        yield from _claim(line, {SURVEYED})
    inside = (
        *index.parts("site networks"),
        *index.parts("centre networks"),
        *index.parts("attachments"),
        *index.parts("backbone"),
    )
    for holder in inside:
        yield from _claim(holder, {holder.text("domain") or ""})


def _claim(holder: Cursor, tables: Iterable[str], shared: str = "") -> Iterator[Claim]:
    prefix, place = holder.prefix("prefix"), holder.at("prefix")
    if prefix is not None and place is not None:
        yield Claim(place, prefix, frozenset(tables), shared)


def overlaps(index: Index) -> Iterator[Finding]:
    """Prefixes of which one contains another in the same domain, or among rooms, users and lines."""
    claims = sorted(_claims(index), key=lambda claim: (claim.prefix.network_address, claim.prefix.prefixlen))
    joined = {frozenset(end.text() or "" for end in line.each("ends")) for line in index.parts("lines")}
    open_claims: list[Claim] = []
    for claim in claims:
        open_claims = [c for c in open_claims if c.prefix.broadcast_address >= claim.prefix.network_address]
        for other in open_claims:
            if claim.tables & other.tables and not (claim.shared and claim.shared == other.shared):
                yield _overlap(claim, other, joined)
                break
        open_claims.append(claim)


def _overlap(claim: Claim, other: Claim, joined: Set[frozenset[str]]) -> Finding:
    """Say of two claims that they overlap; two departments' addresses are a decision, due once they meet."""
    values = {"prefix": claim.prefix, "other": other.prefix}
    place = _("the other is at {place} ({field})").format(
        place=f"{other.place.file}:{other.place.spot.line}", field=other.place.field
    )
    if not (claim.shared and other.shared):
        return claim.place.finding(_("the prefix {prefix} overlaps {other}").format(**values), place)
    one, two = (each.shared.partition("/")[0] for each in (claim, other))
    meet = frozenset((one, two)) in joined or bool((claim.tables & other.tables) - {SURVEYED})
    reason = _("the same addresses are used behind {one} and {two}: {prefix} overlaps {other}")
    mend = _("{place}; decide: renumber one of them, or let its device translate (NAT), which this software does not "
             "set up yet; until then leave out the circuit of one, and the domain of its lines")  # fmt: skip
    severity = Severity.ERROR if meet else Severity.WARNING
    return claim.place.finding(reason.format(one=one, two=two, **values), mend.format(place=place), severity)


def small_links(index: Index) -> Iterator[Finding]:
    """Lines, circuits and backbone links whose prefix is not made for two ends."""
    links = (*index.parts("lines"), *index.parts("attachments"), *index.parts("backbone"))
    for link in links:
        prefix, place = link.prefix("prefix"), link.at("prefix")
        if prefix is not None and place is not None and prefix.prefixlen not in {30, 31}:
            reason = _("the prefix of a link between two devices is a /30 or a /31; here is {prefix}")
            reason = reason.format(prefix=prefix)
            yield place.finding(reason, _("such as {prefix}").format(prefix=f"{prefix.network_address}/30"))


class Addresses:
    """Takes addresses into their networks one by one, and remembers who has which."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.findings: list[Finding] = []
        self.holders: dict[tuple[str, int], tuple[Cursor, str]] = {}
        self.networks = {
            name: tuple((each, net) for each in site.each("networks") if (net := _net(each)) is not None)
            for name, site in index.named("sites").items()
        }

    def take(self, place: Cursor, address: IPv4Address, net: Net, owner: str) -> None:
        """Record who has an address of a network, or a finding where that cannot be."""
        prefix = net.prefix
        if address not in prefix:
            reason = _("the address {address} is not in {prefix}").format(address=address, prefix=prefix)
            self.findings.append(place.finding(reason, _("give it one of its network's addresses")))
        elif net.kept(address):
            reason = _("the address {address} is the network's own or its gateway's").format(address=address)
            mend = _("hosts have {first} to {last}").format(first=prefix[2], last=prefix[-2])
            self.findings.append(place.finding(reason, mend))
        else:
            self.claim(place, address, net.table, owner)

    def claim(self, place: Cursor, address: IPv4Address, network: str, owner: str) -> None:
        """Record who has an address; parts of one owner may share it."""
        first, first_owner = self.holders.setdefault((network, int(address)), (place, owner))
        if first_owner != owner:
            reason = _("the address {address} is used twice").format(address=address)
            mend = _("the other is at {place} ({field})").format(
                place=f"{first.file}:{first.spot.line}", field=first.field
            )
            self.findings.append(place.finding(reason, mend))

    def collect(self) -> list[Finding]:
        """Return a finding for every address outside its prefix, reserved or used twice."""
        for room in self.index.parts("rooms"):
            self.hosts(room, room.each("hosts"))
        for vantage in self.index.parts("vantages"):
            self.hosts(vantage, (vantage,))
        for network in self.index.parts("site networks"):
            self.member(network, "entry", _net(network), f"entry {network.text('name')}")
        self.copies()
        for system in self.index.systems:
            for component in system.each("components"):
                self.targets(system, component)
        self.centre()
        self.router_ids()
        return self.findings

    def member(self, holder: Cursor, key: str, net: Net | None, owner: str) -> None:
        """Take the address under a key into a network."""
        address, place = holder.address(key), holder.at(key)
        if address is not None and place is not None and net is not None:
            self.take(place, address, net, owner)

    def hosts(self, network: Cursor, hosts: Iterable[Cursor]) -> None:
        """Take the hosts of a room, or a user's machine."""
        net = _net(network)
        for host in hosts:
            self.member(host, "address", net, f"{host.file}:{host.spot} {host.text('name')}")

    def copies(self) -> None:
        """Take the hosts that keep the copies of paired sites."""
        paired = {site.text("recovery", "site") for site in self.index.parts("sites")}
        for name, site in self.index.named("sites").items():
            networks = tuple(site.each("networks"))
            net = _net(networks[0]) if networks else None
            if name in paired and net is not None:
                prefix = net.prefix
                if prefix.num_addresses <= COPY_HOST + 1:
                    reason = _("the network is too small: its address number {number} keeps the copies")
                    place = networks[0].at("prefix") or networks[0]
                    self.findings.append(place.finding(reason.format(number=COPY_HOST), _("make it a /24")))
                else:
                    self.claim(networks[0], prefix[COPY_HOST], net.table, f"copy {name}")

    def targets(self, system: Cursor, component: Cursor) -> None:
        """Take the addresses that a component moves to."""
        site = component.text("to", "site") or ""
        networks = self.networks.get(site)
        if networks is None:
            return
        for place in component.each("to", "addresses"):
            address = _address(place)
            if address is None:
                continue
            holding = next(((network, net) for network, net in networks if address in net.prefix), None)
            if holding is None:
                reason = _("no network of the site '{site}' has {address}").format(site=site, address=address)
                has = ", ".join(str(net.prefix) for _network, net in networks)
                self.findings.append(place.finding(reason, _("its networks are: {networks}").format(networks=has)))
                continue
            network, net = holding
            self.take(place, address, net, f"system {system.text('system')}")
            self.fits(system, component, place, network)

    def fits(self, system: Cursor, component: Cursor, place: Cursor, network: Cursor) -> None:
        """Check that a target's network is the one that the system needs."""
        wanted, has = system.text("domain"), network.text("domain")
        if wanted is not None and has is not None and wanted != has:
            reason = _("the address lies in the domain '{has}', the system in '{wanted}'")
            mend = _("take an address of a network in '{wanted}'").format(wanted=wanted)
            self.findings.append(place.finding(reason.format(has=has, wanted=wanted), mend))
        if component.at("entry") is not None and network.at("entry") is None:
            reason = _("the network '{network}' has no host for entries").format(network=network.text("name"))
            mend = _("give the network an address for it: entry: …")
            self.findings.append(component.key("entry").finding(reason, mend))

    def centre(self) -> None:
        """Check that each host of the centre has an address in every domain."""
        networks = [net for each in self.index.parts("centre networks") if (net := _net(each)) is not None]
        for host in self.index.parts("centre hosts"):
            place = host.at("number")
            number = place.node.plain if place is not None else None
            for net in networks:
                prefix = net.prefix
                if place is None or not isinstance(number, int) or not 0 < number < 255:
                    continue
                if number >= prefix.num_addresses - 1:
                    reason = _("{prefix} has no host number {number}").format(prefix=prefix, number=number)
                    self.findings.append(place.finding(reason, _("take a smaller number or a larger prefix")))
                else:
                    self.take(place, prefix[number], net, f"{host.file}:{host.spot}")

    def router_ids(self) -> None:
        """Check that each device has a router id of its own."""
        for device in self.index.parts("devices"):
            address, place = device.address("router_id"), device.at("router_id")
            if address is not None and place is not None:
                self.claim(place, address, "router_id", f"{device.file}:{device.spot}")


def _address(place: Cursor) -> IPv4Address | None:
    try:
        return IPv4Address(place.node.plain) if isinstance(place.node.plain, str) else None
    except ValueError:
        return None
