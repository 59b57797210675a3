"""One end of a line with what lies around it, and the blocks of configuration by which its circuit takes over."""

import re
import zlib
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from inventory.derived.exits import DEFAULT, leads_out
from inventory.derived.wired import ends_of
from inventory.derived.wiring import Interface, Wires
from inventory.model import Device, InternetExit, Line
from netcfg.errors import NoCircuit, NoExit
from netcfg.platforms import Platform, load_platform
from netcfg.steps import CircuitPolicy, Policy


@dataclass(frozen=True)
class End:
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
    alone: bool
    """The device at the other end is run by others."""
    exit: InternetExit | None
    """The extranet's own way to the internet, where a default route leads over the line."""

    @property
    def circuit(self) -> str:
        """What the circuit's lists and policies are called by."""
        return self.domain.upper()

    @property
    def circuit_peers(self) -> tuple[IPv4Address, ...]:
        """Provider edges at the device's circuits into the domain."""
        return tuple(circuit.peer_address for circuit in self.circuits if circuit.peer_address is not None)

    @property
    def line_ways(self) -> tuple[IPv4Address, ...]:
        """Where packets for the far end may go while this line carries them; with it a sister may have moved on."""
        return (self.line_peer, *self.sisters, *self.circuit_peers) if self.sisters else (self.line_peer,)

    @property
    def line_peer(self) -> IPv4Address:
        """The address at the line's other end."""
        assert self.wire.peer_address is not None
        return self.wire.peer_address


def end_at(line: Line, domain: str, mine: int, known: Wires) -> End:
    """Return one end of a line, the first or the second; NoCircuit or NoExit where its traffic has no other way."""
    ends = ends_of(line)
    device, peer = known.device(ends[mine]), known.device(ends[1 - mine])
    circuits = known.circuits(device.name, domain)
    if not circuits:
        raise NoCircuit(line.name, device.name, domain)
    way_out = known.exit(domain)
    out = leads_out(line, known.foreign)
    if out and way_out is None:
        raise NoExit(line.name, domain)
    wire = known.at_line(device.name, line.name)
    lines = (each for each in known.of(device.name) if each.kind == "line" and each.peer == peer.name)
    return End(
        sisters=tuple(each.peer_address for each in lines if each.link != wire.link and each.peer_address is not None),
        device=device,
        wire=wire,
        peer_asn=peer.asn,
        circuits=circuits,
        domain=domain,
        own=known.behind(device.name),
        # All that has no other way goes over a line into the internet.
        far=(DEFAULT,) if out else known.behind(peer.name),
        alone=peer.name in known.foreign,
        exit=way_out if out else None,
    )


def entries(line: Line, end: End, block: str) -> tuple[str, ...]:
    """Return what one line asks for."""
    platform = load_platform(end.device.platform)
    return tuple(
        platform.block(block, circuit=end.circuit, line=line.name, number=_number(prefix), **spelled(prefix))
        for prefix in end.far
    )


def shared(end: End, asked: str, granted: str) -> tuple[Policy, ...]:
    """Return the entries that are in force as long as any line asks for them."""
    platform = load_platform(end.device.platform)
    return tuple(
        Policy(
            marker=platform.block(f"{asked}_marker", circuit=end.circuit, **escaped(prefix)),
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


def escaped(prefix: IPv4Network) -> dict[str, str]:
    """Return the same words for use in patterns."""
    return {name: re.escape(word) for name, word in spelled(prefix).items()}


def _number(prefix: IPv4Network) -> int:
    """Return a list entry's number: its own for each prefix, whatever other lines there are."""
    return zlib.crc32(str(prefix).encode()) or 1


def policies(end: End) -> tuple[Policy, ...]:
    """Return our policies at the circuits, which go on with the operator's own."""
    platform = load_platform(end.device.platform)
    return tuple(_policy(platform, end, address) for address in end.circuit_peers)


def _policy(platform: Platform, end: End, address: IPv4Address) -> Policy:
    # Several circuits may have several policies of the operator's, so each has one of ours.
    number = "" if len(end.circuit_peers) == 1 else f"-{address}"
    circuit = CircuitPolicy(
        policy=platform.block("policy_name", circuit=end.circuit) + number, asn=end.device.asn, address=address
    )
    values = {"circuit": end.circuit, "policy": circuit.policy, "asn": circuit.asn, "address": address}
    marker, present = (platform.block(name, **values) for name in ("policy_marker", "policy"))
    return Policy(marker=marker, present=present, absent="", circuit=circuit)
