"""Whether prefixes lie apart and addresses lie in theirs, each used once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from inventory.findings import Finding
from inventory.gathering import Cursor
from inventory.rules import Index
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


def _claims(index: Index) -> Iterator[Claim]:
    domains: dict[str, set[str]] = {}
    for attachment in index.each("network", "attachments"):
        domains.setdefault(attachment.text("device") or "", set()).add(attachment.text("domain") or "")
    rooms = (*index.each("departments", "rooms"), *index.each("network", "vantages"))
    for holder in rooms:
        gateway = holder.text("gateway") or ""
        yield from _claim(holder, {SURVEYED, *domains.get(gateway, set())}, f"{gateway}/{holder.text('prefix')}")
    for line in index.lines:
        yield from _claim(line, {SURVEYED})
    inside = (
        *index.each("sites", "networks"),
        *index.each("network", "centre", "networks"),
        *index.each("network", "attachments"),
        *index.each("network", "backbone"),
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
    open_claims: list[Claim] = []
    for claim in claims:
        open_claims = [c for c in open_claims if c.prefix.broadcast_address >= claim.prefix.network_address]
        for other in open_claims:
            if claim.tables & other.tables and not (claim.shared and claim.shared == other.shared):
                where = f"{other.place.file}:{other.place.spot.line}"
                reason = _("the prefix {prefix} overlaps {other}").format(prefix=claim.prefix, other=other.prefix)
                mend = _("the other is at {place} ({field})").format(place=where, field=other.place.field)
                yield claim.place.finding(reason, mend)
                break
        open_claims.append(claim)


def small_links(index: Index) -> Iterator[Finding]:
    """Lines, circuits and backbone links whose prefix is not made for two ends."""
    links = (*index.lines, *index.each("network", "attachments"), *index.each("network", "backbone"))
    for link in links:
        prefix, place = link.prefix("prefix"), link.at("prefix")
        if prefix is not None and place is not None and prefix.prefixlen != 30:
            reason = _("the prefix of a link between two devices is a /30; here is {prefix}").format(prefix=prefix)
            yield place.finding(reason, _("such as {prefix}").format(prefix=f"{prefix.network_address}/30"))


class Addresses:
    """Takes addresses into their networks one by one, and remembers who has which."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.findings: list[Finding] = []
        self.holders: dict[tuple[str, IPv4Address], tuple[Cursor, str]] = {}

    def take(self, place: Cursor, address: IPv4Address, network: tuple[str, IPv4Network], owner: str) -> None:
        """Record who has an address of a network, or a finding where that cannot be."""
        name, prefix = network
        if address not in prefix:
            reason = _("the address {address} is not in {prefix}").format(address=address, prefix=prefix)
            self.findings.append(place.finding(reason, _("give it one of its network's addresses")))
        elif prefix.prefixlen < 31 and address in {prefix.network_address, prefix.broadcast_address, prefix[1]}:
            reason = _("the address {address} is the network's own or its gateway's").format(address=address)
            mend = _("hosts have {first} to {last}").format(first=prefix[2], last=prefix[-2])
            self.findings.append(place.finding(reason, mend))
        else:
            self.claim(place, address, name, owner)

    def claim(self, place: Cursor, address: IPv4Address, network: str, owner: str) -> None:
        """Record who has an address; parts of one owner may share it."""
        first, first_owner = self.holders.setdefault((network, address), (place, owner))
        if first_owner != owner:
            reason = _("the address {address} is used twice").format(address=address)
            mend = _("the other is at {place} ({field})").format(
                place=f"{first.file}:{first.spot.line}", field=first.field
            )
            self.findings.append(place.finding(reason, mend))

    def collect(self) -> list[Finding]:
        """Return a finding for every address outside its prefix, reserved or used twice."""
        for room in self.index.each("departments", "rooms"):
            self.hosts(room, room.each("hosts"))
        for vantage in self.index.each("network", "vantages"):
            self.hosts(vantage, (vantage,))
        for network in self.index.each("sites", "networks"):
            self.member(network, "entry", network, f"entry {network.text('name')}")
        self.copies()
        for system in self.index.systems:
            for component in system.each("components"):
                self.targets(system, component)
        self.centre()
        self.router_ids()
        return self.findings

    def member(self, holder: Cursor, key: str, network: Cursor, owner: str) -> None:
        """Take the address under a key into a network."""
        address, place, prefix = holder.address(key), holder.at(key), network.prefix("prefix")
        if address is not None and place is not None and prefix is not None:
            self.take(place, address, (_table(network, prefix), prefix), owner)

    def hosts(self, network: Cursor, hosts: Iterable[Cursor]) -> None:
        """Take the hosts of a room, or a user's machine."""
        for host in hosts:
            self.member(host, "address", network, f"{host.file}:{host.spot} {host.text('name')}")

    def copies(self) -> None:
        """Take the hosts that keep the copies of paired sites."""
        paired = {site.text("recovery", "site") for site in self.index.each("sites")}
        for name, site in self.index.sites.items():
            networks = tuple(site.each("networks"))
            prefix = networks[0].prefix("prefix") if networks else None
            if name in paired and prefix is not None:
                if prefix.num_addresses <= COPY_HOST + 1:
                    reason = _("the network is too small: its address number {number} keeps the copies")
                    place = networks[0].at("prefix") or networks[0]
                    self.findings.append(place.finding(reason.format(number=COPY_HOST), _("make it a /24")))
                else:
                    self.claim(networks[0], prefix[COPY_HOST], _table(networks[0], prefix), f"copy {name}")

    def targets(self, system: Cursor, component: Cursor) -> None:
        """Take the addresses that a component moves to."""
        site = self.index.sites.get(component.text("to", "site") or "")
        if site is None:
            return
        networks = [(n, prefix) for n in site.each("networks") if (prefix := n.prefix("prefix")) is not None]
        for place in component.each("to", "addresses"):
            address = _address(place)
            if address is None:
                continue
            holding = next(((n, prefix) for n, prefix in networks if address in prefix), None)
            if holding is None:
                reason = _("no network of the site '{site}' has {address}").format(
                    site=site.text("name"), address=address
                )
                known = _("its networks are: {networks}").format(networks=", ".join(str(p) for _n, p in networks))
                self.findings.append(place.finding(reason, known))
                continue
            network, prefix = holding
            self.take(place, address, (_table(network, prefix), prefix), f"system {system.text('system')}")
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
        networks = tuple(self.index.each("network", "centre", "networks"))
        for host in self.index.each("network", "centre", "hosts"):
            place = host.at("number")
            number = place.node.plain if place is not None else None
            for network in networks:
                prefix = network.prefix("prefix")
                if place is None or prefix is None or not isinstance(number, int) or not 0 < number < 255:
                    continue
                if number >= prefix.num_addresses - 1:
                    reason = _("{prefix} has no host number {number}").format(prefix=prefix, number=number)
                    self.findings.append(place.finding(reason, _("take a smaller number or a larger prefix")))
                else:
                    self.take(place, prefix[number], (_table(network, prefix), prefix), f"{host.file}:{host.spot}")

    def router_ids(self) -> None:
        """Check that each device has a router id of its own."""
        for device in self.index.each("network", "devices"):
            address, place = device.address("router_id"), device.at("router_id")
            if address is not None and place is not None:
                self.claim(place, address, "router_id", f"{device.file}:{device.spot}")


def _table(network: Cursor, prefix: IPv4Network) -> str:
    """Return what tells a network from one with the same prefix in another domain."""
    return f"{network.text('domain') or SURVEYED} {prefix}"


def _address(place: Cursor) -> IPv4Address | None:
    try:
        return IPv4Address(place.node.plain) if isinstance(place.node.plain, str) else None
    except ValueError:
        return None
