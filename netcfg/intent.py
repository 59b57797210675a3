"""From a line of the programme to what its devices must be configured with at each stage; acts on nothing."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from inventory.base import Model
from inventory.derived.surveyed import CIRCUIT_IN, EXTRANET
from inventory.derived.wired import ends_of
from inventory.derived.wiring import Interface, Wires
from inventory.model import Device, Line, Programme
from netcfg.errors import NoCircuit
from netcfg.platforms import load_platform

When = Literal["ahead", "after", "undone"]
WHENS: tuple[When, ...] = ("ahead", "after", "undone")


class LineStage(StrEnum):
    """How far a line has been consolidated; each is one guarded transaction over both its ends."""

    ATTACH = "attach"
    SHIFT = "shift"
    DRAIN = "drain"
    RELEASE = "release"


class Policy(Model):
    """Lines that depend on others: while any line matches the marker the first block stands, otherwise the second.

    Lines of several stages and of several rented lines share it, so it belongs to none of them.
    """

    marker: str
    present: str
    absent: str


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
    """Something that must be seen on a device: before a stage, after it, or after it was undone."""

    when: When
    device: str
    kind: Literal["neighbour-up", "neighbour-gone", "route-via", "reachable", "quiet"]
    addresses: tuple[IPv4Address, ...] = ()
    """The neighbour, the next hops of which one must be taken, or what must answer."""
    prefix: IPv4Network | None = None
    source: IPv4Address | None = None
    interface: str | None = None


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
        (LineStage.DRAIN, "cutover", "reversible"),
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

    @property
    def circuit(self) -> str:
        return self.domain.upper()

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
    return _End(
        device=device,
        wire=known.at_line(device.name, line.name),
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
            return common(after=_entries(line, end, "accept"), policies=_policies(end))
        case LineStage.SHIFT:
            return common(after=_entries(line, end, "prefer"))
        case LineStage.DRAIN:
            return common(after=(platform.block("drained", **session),))
        case LineStage.RELEASE:
            # All that hangs on the neighbour goes with it, and comes back from what was saved of the device.
            neighbour = platform.block("session", **session, peer_asn=end.peer_asn)
            return common(
                before=(platform.block("interface", **interface), neighbour),
                after=(platform.block("interface_shut", **interface),),
            )


def _entries(line: Line, end: _End, block: str) -> tuple[str, ...]:
    platform = load_platform(end.device.platform)
    return tuple(
        platform.block(block, circuit=end.circuit, number=_number(line, prefix), prefix=prefix) for prefix in end.far
    )


def _number(line: Line, prefix: IPv4Network) -> int:
    """Return a list entry's number: its own for each line and prefix, whatever other lines there are."""
    return zlib.crc32(f"{line.name} {prefix}".encode()) or 1


def _policies(end: _End) -> tuple[Policy, ...]:
    platform = load_platform(end.device.platform)
    names = {"circuit": end.circuit, "extranet": EXTRANET, "surveyed_in": CIRCUIT_IN, "asn": end.device.asn}
    addresses = [circuit.peer_address for circuit in end.circuits]
    used = [platform.block("policy_used", address=address, **names) for address in addresses]
    surveyed = [platform.block("policy_surveyed", address=address, **names) for address in addresses]
    return (
        Policy(
            marker=platform.block("policy_marker", **names),
            present="\n".join((platform.block("policy", **names), *used)),
            absent="\n".join(surveyed),
        ),
    )


_LINE_IS_UP = {
    "ahead": (LineStage.ATTACH, LineStage.SHIFT),
    "after": (LineStage.ATTACH, LineStage.SHIFT),
    "undone": (LineStage.ATTACH, LineStage.SHIFT, LineStage.DRAIN),
}
_LINE_IS_GONE = {
    "ahead": (LineStage.RELEASE,),
    "after": (LineStage.DRAIN, LineStage.RELEASE),
    "undone": (LineStage.RELEASE,),
}
_TRAFFIC_ON_CIRCUIT = {
    "ahead": (LineStage.DRAIN, LineStage.RELEASE),
    "after": (LineStage.SHIFT, LineStage.DRAIN, LineStage.RELEASE),
    "undone": (LineStage.DRAIN, LineStage.RELEASE),
}


def _checks(stage: LineStage, end: _End) -> Iterator[Check]:
    """Yield what must be seen at one end of the line before the stage, after it, and after it was undone."""
    circuits = tuple(circuit.peer_address for circuit in end.circuits if circuit.peer_address is not None)
    line = (end.line_peer,)
    for when in WHENS:
        check = partial(Check, when=when, device=end.device.name)
        for address in circuits + (line if stage in _LINE_IS_UP[when] else ()):
            yield check(kind="neighbour-up", addresses=(address,))
        if stage in _LINE_IS_GONE[when]:
            yield check(kind="neighbour-gone", addresses=line)
        way = circuits if stage in _TRAFFIC_ON_CIRCUIT[when] else line
        for prefix in end.far:
            # Ahead of a shift it may be moved at one end already, by an attempt that died.
            if when != "ahead" or way == circuits:
                yield check(kind="route-via", addresses=way, prefix=prefix)
        if end.own and end.far:
            # The device's own address in its network: the answer takes the way that users' packets take.
            yield check(kind="reachable", addresses=(end.far[0][1],), source=end.own[0][1])
    if stage is LineStage.DRAIN:
        yield Check(when="ahead", device=end.device.name, kind="quiet", interface=end.wire.name)
