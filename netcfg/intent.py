"""From a line of the programme to what its devices must be configured with at each stage; acts on nothing."""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from inventory.base import Model
from inventory.derived.wired import ends_of
from inventory.derived.wiring import Interface, Wires
from inventory.model import Device, Line, Programme
from netcfg.errors import NoCircuit
from netcfg.platforms import Platform, load_platform

When = Literal["ahead", "after", "returning", "undone"]
WHENS: tuple[When, ...] = ("ahead", "after", "returning", "undone")
"""Before a stage, after it, before its undo, and after that."""


Addresses = tuple[IPv4Address, ...]
CheckKind = Literal[
    "neighbour-up",
    "neighbour-gone",
    "route-via",
    "path-known",
    "reachable",
    "nothing-else",
    "management-elsewhere",
    "quiet",
    "silent",
]


class LineStage(StrEnum):
    """How far a line has been consolidated; each is one guarded transaction over both its ends."""

    ATTACH = "attach"
    SHIFT = "shift"
    DRAIN = "drain"
    RELEASE = "release"


class CircuitPolicy(Model):
    """A policy of ours at a circuit, which goes on with the operator's own as it is found on the device."""

    policy: str
    asn: int
    address: IPv4Address
    """The neighbour's at the circuit."""


class Policy(Model):
    """Lines that depend on others: while any line matches the marker the first block stands, otherwise the second.

    Lines of several stages and of several rented lines share it, so it belongs to none of them.
    """

    marker: str
    present: str
    absent: str
    circuit: CircuitPolicy | None = None


class DeviceChange(Model):
    """What one device must have before and after a stage; the way back is the two swapped."""

    device: str
    platform: str
    router_id: IPv4Address
    push: int
    """Devices are changed in this order: the far end before the near end."""
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    policies: tuple[Policy, ...] = ()


class Check(Model):
    """Something that must be seen on a device before a stage or after it, or before its undo or after that."""

    when: When
    device: str
    kind: CheckKind
    addresses: Addresses = ()
    """The neighbour, the next hops of which one must be taken, or what must answer."""
    prefix: IPv4Network | None = None
    source: IPv4Address | None = None
    interface: str | None = None
    prefixes: tuple[IPv4Network, ...] = ()
    """What the line is known to carry."""
    seconds: float = 0.0
    packets: int = 0


class LineArguments(Model):
    """All that a step needs beside the world."""

    line: str
    domain: str
    stage: LineStage
    devices: tuple[DeviceChange, ...]
    checks: tuple[Check, ...]


class LineStep(Model):
    """One step of a line's move, as the plan will carry it."""

    verb: LineStage
    stage: Literal["prepare", "cutover", "commit"]
    kind: Literal["reversible", "compensatable", "pivot"]
    arguments: LineArguments
    timeout: float
    """Seconds."""


def line_steps(programme: Programme, line: Line, wires: Wires | None = None) -> tuple[LineStep, ...]:
    """Compute the steps that move a line's traffic into its domain and give the line back, in order.

    `wires` are those of the programme, given where steps of many lines are computed. No steps for a line that stays:
    one without a domain, or one that a national golden project owns. NoCircuit where an end has no way into the domain.
    """
    if line.domain is None or line.golden_project is not None:
        return ()
    domain = line.domain
    known = wires or Wires(programme)
    ends = tuple(_end(line, domain, mine, known) for mine in (1, 0))
    stages: tuple[tuple[LineStage, Literal["prepare", "cutover", "commit"], Literal["reversible", "pivot"]], ...] = (
        (LineStage.ATTACH, "prepare", "reversible"),
        (LineStage.SHIFT, "cutover", "reversible"),
        # On probation the line stays up as the second way: a circuit that dies falls back to it by itself.
        (LineStage.DRAIN, "commit", "reversible"),
        (LineStage.RELEASE, "commit", "pivot"),
    )
    return tuple(
        LineStep(verb=verb, stage=stage, kind=kind, arguments=_arguments(line, domain, verb, ends), timeout=300.0)
        for verb, stage, kind in stages
    )


@dataclass(frozen=True)
class _End:
    """One end of a line with what lies around it."""

    device: Device
    wire: Interface
    peer_asn: int
    circuits: tuple[Interface, ...]
    domain: str
    own: tuple[IPv4Network, ...]
    far: tuple[IPv4Network, ...]
    sisters: tuple[IPv4Address, ...]
    """Far ends of other lines between the same two devices: traffic may take any of them."""

    @property
    def circuit(self) -> str:
        return self.domain.upper()

    @property
    def circuit_peers(self) -> tuple[IPv4Address, ...]:
        return tuple(circuit.peer_address for circuit in self.circuits if circuit.peer_address is not None)

    @property
    def line_ways(self) -> tuple[IPv4Address, ...]:
        """Where packets for the far end may go while this line carries them; with it a sister may have moved on."""
        return (self.line_peer, *self.sisters, *self.circuit_peers) if self.sisters else (self.line_peer,)

    @property
    def line_peer(self) -> IPv4Address:
        assert self.wire.peer_address is not None
        return self.wire.peer_address


def _end(line: Line, domain: str, mine: int, known: Wires) -> _End:
    ends = ends_of(line)
    device, peer = known.device(ends[mine]), known.device(ends[1 - mine])
    circuits = known.circuits(device.name, domain)
    if not circuits:
        raise NoCircuit(line.name, device.name, domain)
    wire = known.at_line(device.name, line.name)
    lines = (each for each in known.of(device.name) if each.kind == "line" and each.peer == peer.name)
    return _End(
        sisters=tuple(each.peer_address for each in lines if each.link != wire.link and each.peer_address is not None),
        device=device,
        wire=wire,
        peer_asn=peer.asn,
        circuits=circuits,
        domain=domain,
        own=known.behind(device.name),
        far=known.behind(peer.name),
    )


def _arguments(line: Line, domain: str, stage: LineStage, ends: tuple[_End, ...]) -> LineArguments:
    return LineArguments(
        line=line.name,
        domain=domain,
        stage=stage,
        devices=tuple(_change(line, stage, end, push) for push, end in enumerate(ends)),
        checks=tuple(check for end in ends for check in _checks(stage, end)),
    )


def _change(line: Line, stage: LineStage, end: _End, push: int) -> DeviceChange:
    platform = load_platform(end.device.platform)
    common = partial(
        DeviceChange,
        device=end.device.name,
        platform=platform.name,
        router_id=end.device.router_id,
        push=push,
    )
    session = {"asn": end.device.asn, "address": end.line_peer}
    interface = {"interface": end.wire.name, "own": end.wire.address}
    match stage:
        case LineStage.ATTACH:
            policies = (*_shared(end, "accept", "accepted"), *_policies(end))
            return common(after=_entries(line, end, "accept"), policies=policies)
        case LineStage.SHIFT:
            return common(after=_entries(line, end, "prefer"), policies=_shared(end, "prefer", "preferred"))
        case LineStage.DRAIN:
            return common(after=(platform.block("drained", **session),))
        case LineStage.RELEASE:
            # All that hangs on the neighbour goes with it, and comes back from what was saved of the device.
            neighbour = platform.block("session", **session, peer_asn=end.peer_asn)
            before = (platform.block("interface", **interface), neighbour, platform.block("drained", **session))
            after = (platform.block("interface_shut", **interface),)
            # Not every platform configures interfaces.
            return common(before=tuple(filter(None, before)), after=tuple(filter(None, after)))


def _entries(line: Line, end: _End, block: str) -> tuple[str, ...]:
    """Return what one line asks for."""
    platform = load_platform(end.device.platform)
    return tuple(
        platform.block(block, circuit=end.circuit, line=line.name, number=_number(prefix), **spelled(prefix))
        for prefix in end.far
    )


def _shared(end: _End, asked: str, granted: str) -> tuple[Policy, ...]:
    """Return the entries that are in force as long as any line asks for them."""
    platform = load_platform(end.device.platform)
    return tuple(
        Policy(
            marker=platform.block(f"{asked}_marker", circuit=end.circuit, **_escaped(prefix)),
            present=platform.block(granted, circuit=end.circuit, number=_number(prefix), **spelled(prefix)),
            absent="",
        )
        for prefix in end.far
    )


def spelled(prefix: IPv4Network) -> dict[str, str]:
    """Return a prefix in the ways in which platforms write one."""
    return {
        "prefix": str(prefix),
        "network": str(prefix.network_address),
        "length": str(prefix.prefixlen),
        "mask": str(prefix.netmask),
    }


def _escaped(prefix: IPv4Network) -> dict[str, str]:
    return {name: re.escape(word) for name, word in spelled(prefix).items()}


def _number(prefix: IPv4Network) -> int:
    """Return a list entry's number: its own for each prefix, whatever other lines there are."""
    return zlib.crc32(str(prefix).encode()) or 1


def _policies(end: _End) -> tuple[Policy, ...]:
    platform = load_platform(end.device.platform)
    return tuple(_policy(platform, end, address) for address in end.circuit_peers)


def _policy(platform: Platform, end: _End, address: IPv4Address) -> Policy:
    # Several circuits may have several policies of the operator's, so each has one of ours.
    number = "" if len(end.circuit_peers) == 1 else f"-{address}"
    circuit = CircuitPolicy(
        policy=platform.block("policy_name", circuit=end.circuit) + number, asn=end.device.asn, address=address
    )
    values = {"circuit": end.circuit, "policy": circuit.policy, "asn": circuit.asn, "address": address}
    marker, present = (platform.block(name, **values) for name in ("policy_marker", "policy"))
    return Policy(marker=marker, present=present, absent="", circuit=circuit)


_LINE_IS_UP: Mapping[When, tuple[LineStage, ...]] = {
    "ahead": (LineStage.ATTACH, LineStage.SHIFT),
    "after": (LineStage.ATTACH, LineStage.SHIFT),
    # Who goes back to the line has to find it alive.
    "returning": (LineStage.ATTACH, LineStage.SHIFT),
    "undone": (LineStage.ATTACH, LineStage.SHIFT, LineStage.DRAIN),
}
_LINE_IS_GONE: Mapping[When, tuple[LineStage, ...]] = {
    "ahead": (LineStage.RELEASE,),
    "after": (LineStage.DRAIN, LineStage.RELEASE),
    "returning": (),
    "undone": (LineStage.RELEASE,),
}
_TRAFFIC_ON_CIRCUIT: Mapping[When, tuple[LineStage, ...]] = {
    "ahead": (LineStage.DRAIN, LineStage.RELEASE),
    "after": (LineStage.SHIFT, LineStage.DRAIN, LineStage.RELEASE),
    "returning": (),
    "undone": (LineStage.DRAIN, LineStage.RELEASE),
}


def _checks(stage: LineStage, end: _End) -> Iterator[Check]:
    """Yield what must be seen at one end of the line before the stage and after it, and around its undo."""
    line = (end.line_peer,)
    for when in WHENS:
        check = partial(Check, when=when, device=end.device.name)
        # Who goes back needs the circuit only where it carries the traffic.
        circuits = () if when == "returning" else end.circuit_peers
        for address in circuits + (line if stage in _LINE_IS_UP[when] else ()):
            yield check(kind="neighbour-up", addresses=(address,))
        if stage in _LINE_IS_GONE[when]:
            yield check(kind="neighbour-gone", addresses=line)
        yield from (check(kind=kind, addresses=way, prefix=prefix)
                    for kind, way in _ways(when, stage, end) for prefix in end.far)  # fmt: skip
        if end.own and end.far and when != "returning":
            # The device's own address in its network: the answer takes the way that users' packets take.
            yield check(kind="reachable", addresses=(end.far[0][1],), source=end.own[0][1])
    yield from _nothing_is_cut(stage, end)


def _ways(when: When, stage: LineStage, end: _End) -> Iterator[tuple[Literal["route-via", "path-known"], Addresses]]:
    """Yield which way packets must go for the far end's networks, or could go."""
    on_circuit = stage in _TRAFFIC_ON_CIRCUIT[when]
    if when in {"after", "undone"} or (when == "ahead" and on_circuit):
        yield "route-via", end.circuit_peers if on_circuit else end.line_ways
    # Ahead of a shift one end may have been moved already, by an attempt that died.
    if when == "ahead" and stage is LineStage.SHIFT:
        yield "path-known", end.circuit_peers
    if when == "returning" and stage in _LINE_IS_UP[when]:
        yield "path-known", (end.line_peer,)


def _nothing_is_cut(stage: LineStage, end: _End) -> Iterator[Check]:
    """Yield what must be so that nobody is cut of whom the inventory knows nothing."""
    check = partial(Check, device=end.device.name, interface=end.wire.name)
    if end.wire.address is not None:
        here = end.wire.address.ip
        yield check(when="ahead", kind="management-elsewhere", source=here, prefixes=end.far)
        if stage in _LINE_IS_UP["returning"]:
            yield check(when="returning", kind="reachable", addresses=(end.line_peer,), source=here)
    if stage is not LineStage.ATTACH:
        ways = (end.line_peer, *end.circuit_peers)
        yield check(when="ahead", kind="nothing-else", addresses=ways, prefixes=end.far)
    if stage is LineStage.DRAIN:
        # A BGP session alone sends a few, with BFD more; one user who pings every 10 ms makes a hundred.
        yield check(when="ahead", kind="quiet", seconds=0.5, packets=20)
    if stage is LineStage.RELEASE:
        yield check(when="ahead", kind="silent", seconds=10.0)
