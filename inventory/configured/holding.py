"""Holds what devices are configured with against the inventory, both ways.

What a device has and the inventory lacks is told at the device's line; what the inventory has and the device lacks is
told where the inventory says it. Nothing is told of a device that was never fetched but that it is not known.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path

from inventory.configured.facts import Clause, Configured, Fact, Neighbour
from inventory.configured.folder import FOLDER, facts_file, read_fetched, running_file
from inventory.configured.known import Known
from inventory.configured.unmoved import line_of, unmoved
from inventory.derived.exits import DEFAULT
from inventory.derived.wiring import MANAGEMENT, Interface
from inventory.files.gathering import Cursor
from inventory.files.parts import Index
from inventory.findings import Finding, Severity
from inventory.model import Device, Programme
from inventory.words import _

OURS = ("ZH-", "zh_")
"""What this software configures has names that begin so."""


def held(programme: Programme, index: Index, folder: Path) -> Iterator[Finding]:
    """Yield what devices have and the inventory lacks, and the other way round."""
    if not (folder / FOLDER).is_dir():
        return
    fetched = read_fetched(folder)
    yield from fetched.findings
    known = Known(programme, index)
    unsound = {finding.file for finding in fetched.findings}
    for device in programme.network.devices:
        if device.operated_by:
            # Nobody of the programme logs in there: what it is configured with is not asked.
            continue
        files = {running_file(folder, device.name), facts_file(folder, device.name)}
        if device.name in fetched.kept:
            file = running_file(folder, device.name)
            yield from _Device(known, device, fetched.kept[device.name].facts, file).findings()
        elif not unsound & files:
            reason = _("its configuration was never fetched: it is not known what it is configured with")
            mend = _("fetch it: zhenghe net fetch --world FILE")
            yield known.at("devices", device.name).finding(reason, mend, Severity.WARNING)
    for name in sorted(fetched.kept.keys() - {device.name for device in programme.network.devices}):
        reason = _("the inventory has no device '{device}'").format(device=name)
        mend = _("add it to network.devices, or remove its files")
        yield _finding(running_file(folder, name), 0, name, reason, mend)


def _finding(
    file: Path, line: int, device: str, reason: str, mend: str, severity: Severity = Severity.WARNING
) -> Finding:
    column = 1 if line else 0
    return Finding(
        file=file, line=line, column=column, field=device, reason=reason, mend=mend, severity=severity,
        rule="configured",
    )  # fmt: skip


@dataclass(frozen=True)
class _Device:
    """One device, as configured and as the inventory has it."""

    known: Known
    device: Device
    facts: Configured
    file: Path

    def findings(self) -> Iterator[Finding]:
        if not self.facts.understood:
            reason = _("the language of platform {platform} is not known: it is not known what it is configured with")
            yield self._at(None, reason.format(platform=self.facts.platform), _("compare it by hand"))
            return
        yield from self._identity()
        yield from self._surplus()
        yield from self._missing()
        if self.device.role != "pe":
            for found in unmoved(self.facts, self._wires, self.known.moving, self.known.out):
                yield self._at(found.fact, found.reason, found.mend, found.severity)

    def _at(self, fact: Fact | None, reason: str, mend: str, severity: Severity = Severity.WARNING) -> Finding:
        return _finding(self.file, fact.line if fact else 0, self.device.name, reason, mend, severity)

    @property
    def _wires(self) -> tuple[Interface, ...]:
        return tuple(self.known.wires.get(self.device.name, ()))

    @property
    def _expected(self) -> tuple[Interface, ...]:
        return tuple(wire for wire in self._wires if wire.link.removeprefix("line:") not in self.known.gone)

    def _identity(self) -> Iterator[Finding]:
        for speaker in self.facts.speakers:
            if speaker.asn != self.device.asn:
                reason = _("it speaks as AS {asn}, in the inventory it is AS {other}")
                mend = _("correct asn in network.devices")
                yield self._at(speaker, reason.format(asn=speaker.asn, other=self.device.asn), mend)
            if speaker.router_id is not None and speaker.router_id != self.device.router_id:
                reason = _("its router id is {id}, in the inventory {other}")
                mend = _("correct router_id in network.devices")
                yield self._at(speaker, reason.format(id=speaker.router_id, other=self.device.router_id), mend)
        if not self.facts.saved:
            reason = _("it runs with something else than it would start with")
            yield self._at(None, reason, _("save it on the device, or take it out there; then fetch it again"))

    def _leads_out(self, wire: Interface) -> bool:
        return wire.link.removeprefix("line:") in self.known.out

    def _surplus(self) -> Iterator[Finding]:
        yield from self._addresses()
        yield from self._neighbours()
        yield from self._announced()
        yield from self._statics()
        yield from self._policies()

    def _addresses(self) -> Iterator[Finding]:
        wanted = {wire.address: wire for wire in self._wires}
        # An interface that is shut carries nothing, whatever address it has.
        for port in self.facts.ports:
            for address in port.addresses if not port.shut else ():
                wire = wanted.get(address)
                if wire is None and not self._own(port.name, address):
                    reason = _("interface {interface} has {address}, which the inventory does not have")
                    mend = _("add its network as a room's or users' prefix with gateway: {device}, or as a line; "
                             "name it in the device's interfaces where it serves management alone")  # fmt: skip
                    yield self._at(
                        port,
                        reason.format(interface=port.name, address=address),
                        mend.format(device=self.device.name),
                    )
                elif wire is not None and wire.name != port.name:
                    reason = _("the interface with {address} is called {interface}; the plan would call it {wanted}")
                    mend = _("say so at the device: interfaces: [{{address: {ip}, name: {interface}}}]")
                    yield self._at(
                        port,
                        reason.format(address=address, interface=port.name, wanted=wire.name),
                        mend.format(ip=address.ip, interface=port.name),
                    )

    def _own(self, interface: str, address: IPv4Interface) -> bool:
        """Say whether an address is no network's: the device's own, a management interface's, or a site's."""
        return (
            interface == MANAGEMENT
            or address.ip in {each.address for each in self.device.interfaces}
            or (address.network.prefixlen == 32 and address.ip == self.device.router_id)
            or address.network in self.known.prefixes
        )

    def _neighbours(self) -> Iterator[Finding]:
        peers = {str(wire.peer_address): wire for wire in self._wires if wire.peer is not None}
        for neighbour in self.facts.neighbours:
            wire = peers.get(neighbour.peer)
            if wire is None:
                reason = _("it speaks BGP with {peer} (AS {asn}), which the inventory does not have")
                mend = _("add the line or circuit to network.yaml: what is learnt there is not known")
                yield self._at(neighbour, reason.format(peer=neighbour.peer, asn=neighbour.asn or "?"), mend)
            else:
                yield from self._neighbour(neighbour, self.known.devices[wire.peer or ""])
                yield from self._open(neighbour, wire)

    def _neighbour(self, neighbour: Neighbour, peer: Device) -> Iterator[Finding]:
        if neighbour.asn not in {"external", "", str(peer.asn)}:
            reason = _("neighbour {peer} is AS {asn}, in the inventory {device} is AS {other}")
            told = reason.format(peer=neighbour.peer, asn=neighbour.asn, device=peer.name, other=peer.asn)
            yield self._at(neighbour, told, _("correct asn in network.devices, or the device"))
        if neighbour.shut:
            reason = _("neighbour {peer} ({device}) is shut down: the inventory takes it as in use")
            mend = _("if the line was given back, say so with released: DATE; otherwise find out why")
            yield self._at(neighbour, reason.format(peer=neighbour.peer, device=peer.name), mend)

    def _open(self, neighbour: Neighbour, wire: Interface) -> Iterator[Finding]:
        """Yield what no policy decides at a department's end of a line or circuit."""
        if self.device.role == "pe":
            return
        if not neighbour.policy_out:
            reason = _("no policy decides what {peer} ({device}) is told: others' traffic may come this way")
            mend = _("let a policy announce its own networks alone")
            yield self._at(neighbour, reason.format(peer=neighbour.peer, device=wire.peer), mend)
        if wire.kind == "circuit" and not neighbour.policy_in:
            reason = _("no policy decides what is taken from {peer} ({device}) at the circuit")
            mend = _("let a policy accept the extranet's own networks")
            yield self._at(neighbour, reason.format(peer=neighbour.peer, device=wire.peer), mend)

    def _announced(self) -> Iterator[Finding]:
        for each in self.facts.announced:
            if not self._has(each.prefix):
                reason = _("it announces {prefix}, which the inventory does not have behind it: its users would be cut")
                yield self._at(each, reason.format(prefix=each.prefix), self._behind())
        for origin in self.facts.redistributed:
            if self.device.role != "pe" and origin.origin not in {"connected", "static"}:
                reason = _("it announces whatever it learns by {origin}: nobody can say which networks that are")
                mend = _("let it announce networks by name, and add them to the inventory")
                yield self._at(origin, reason.format(origin=origin.origin), mend)

    def _behind(self) -> str:
        text = _("add it as the prefix of a room or of users with gateway: {device}")
        return text.format(device=self.device.name)

    def _has(self, prefix: IPv4Network) -> bool:
        """Say whether the inventory knows that a network is behind the device, or the extranet's own."""
        behind = self.known.behind.get(self.device.name, ())
        own = (wire.address.network for wire in self._wires)
        edge = self.device.role == "pe"
        return any(prefix.subnet_of(each) for each in (*behind, *own)) or (edge and prefix in self.known.prefixes)

    def _statics(self) -> Iterator[Finding]:
        for static in self.facts.statics:
            line = line_of(static, self._wires)
            if self._has(static.prefix) or (static.prefix == DEFAULT and line in self.known.out):
                continue
            if line is not None:
                reason = _("a static route sends {prefix} over line {line}; the inventory does not have it: "
                           "it would be cut when the line is given back")  # fmt: skip
                mend = _("add the network at the line's other end, or have the route go another way")
                yield self._at(static, reason.format(prefix=static.prefix, line=line), mend)
            else:
                reason = _("a static route sends {prefix} by way of {way}; the inventory does not have it")
                told = reason.format(prefix=static.prefix, way=" ".join(static.way))
                yield self._at(static, told, _("add the network where it is, or remove the route"))

    def _policies(self) -> Iterator[Finding]:
        """Yield what the policies in use decide beyond the networks that the inventory has."""
        used = {name for each in self.facts.neighbours for name in (each.policy_in, each.policy_out) if name}
        calls = {clause.calls for clause in self.facts.clauses if clause.policy in used and clause.calls}
        lists: set[str] = set()
        for clause in self.facts.clauses:
            if clause.policy in used | calls and not clause.policy.startswith(OURS):
                lists |= set(clause.lists)
                yield from self._clause(clause)
        for entry in self.facts.entries:
            if entry.name in lists and entry.permits and not self._passes(entry.prefix):
                reason = _("list {list} lets {prefix} through, which the inventory does not have")
                mend = _("add the network where it is; until then nobody knows whom it serves")
                yield self._at(entry, reason.format(list=entry.name, prefix=entry.prefix), mend)
        for name in sorted(used - {clause.policy for clause in self.facts.clauses}):
            user = next(each for each in self.facts.neighbours if name in {each.policy_in, each.policy_out})
            reason = _("policy {policy} is used and not there: the device lets nothing through")
            yield self._at(user, reason.format(policy=name), _("define it on the device, or take it out"))

    def _passes(self, prefix: IPv4Network) -> bool:
        # By its supernets: a city has thousands of prefixes, and each device a list of them.
        lengths = range(prefix.prefixlen, -1, -1)
        return any(prefix.supernet(new_prefix=length) in self.known.prefixes for length in lengths)

    def _clause(self, clause: Clause) -> Iterator[Finding]:
        odd = [words for words in clause.matches if not any(words.endswith(name) for name in clause.lists)]
        said = [*odd, *(f"set {words}" for words in clause.sets), *([f"call {clause.calls}"] if clause.calls else [])]
        if said or not clause.permits:
            words = "; ".join(said) or "deny"
            reason = _("clause {number} of policy {policy} decides by something that the inventory does not have: "
                       "{words}")  # fmt: skip
            told = reason.format(number=clause.number, policy=clause.policy, words=words)
            yield self._at(clause, told, _("it is kept when lines move; see that it does not prefer the old line"))

    def _missing(self) -> Iterator[Finding]:
        addresses = {address for port in self.facts.ports for address in port.addresses if not port.shut}
        peers = {neighbour.peer for neighbour in self.facts.neighbours}
        for wire in self._expected:
            if wire.address not in addresses:
                reason = _("device {device} has no interface with {address}")
                yield self._lacks(self.known.of_wire(wire), reason.format(device=wire.device, address=wire.address))
            if self._leads_out(wire):
                yield from self._way_out(wire)
            elif wire.peer is not None and str(wire.peer_address) not in peers:
                reason = _("device {device} does not speak BGP with {peer} ({address})")
                told = reason.format(device=wire.device, peer=wire.peer, address=wire.peer_address)
                yield self._lacks(self.known.of_wire(wire), told)
        for prefix in self.known.behind.get(self.device.name, ()):
            if not self._announces(prefix):
                reason = _("device {device} does not announce {prefix}").format(device=self.device.name, prefix=prefix)
                yield self._lacks(self.known.of_network(self.device.name, prefix), reason)

    def _way_out(self, wire: Interface) -> Iterator[Finding]:
        """Yield that no default route of a device leads over its line into the internet."""
        if not any(each.prefix == DEFAULT and str(wire.peer_address) in each.way for each in self.facts.statics):
            reason = _("device {device} has no default route by way of {peer} ({address})")
            told = reason.format(device=wire.device, peer=wire.peer, address=wire.peer_address)
            yield self._lacks(self.known.of_wire(wire), told)

    def _lacks(self, place: Cursor, reason: str) -> Finding:
        mend = _("correct this, or the device; a line that was given back gets released: DATE")
        return place.finding(reason, mend, Severity.WARNING).model_copy(update={"rule": "configured"})

    def _announces(self, prefix: IPv4Network) -> bool:
        by_name = any(prefix.subnet_of(each.prefix) for each in self.facts.announced)
        origins = {each.origin for each in self.facts.redistributed}
        connected = any(prefix == address.network for port in self.facts.ports for address in port.addresses)
        static = any(prefix == each.prefix for each in self.facts.statics)
        return by_name or ("connected" in origins and connected) or ("static" in origins and static)
