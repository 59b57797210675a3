"""Bridges and the veth pairs that plug hosts and devices into them."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Interface

from infra.twin.commands import ip
from infra.twin.layout import HostPort


@dataclass(frozen=True)
class Plug:
    """One end of a wire: an interface of a namespace on a segment."""

    segment: str
    namespace: str
    interface: str


class Wires:
    """The segments of a twin, each a bridge in the namespace of the supervisor; bridges have no address."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bridges: dict[str, str] = {}
        self._number = 0

    @property
    def segments(self) -> tuple[str, ...]:
        """The names of all segments."""
        return tuple(self._bridges)

    def make(self, segments: Iterable[str]) -> None:
        """Make bridges for segments that have none."""
        with self._lock:
            new = {segment: self._next("b") for segment in segments if segment not in self._bridges}
            ip(
                f"link add {bridge} up type bridge forward_delay 0 stp_state 0 mcast_snooping 0"
                for bridge in new.values()
            )
            self._bridges |= new

    def plug(self, plugs: Iterable[Plug]) -> None:
        """Make one wire for each plug, from its segment's bridge to its interface, which is left down."""
        with self._lock:
            lines = []
            for plug in plugs:
                end = self._next("v")
                lines += [
                    f"link add {end} type veth peer name {plug.interface} netns {plug.namespace}",
                    f"link set {end} master {self._bridges[plug.segment]} up",
                ]
            ip(lines)

    def drop(self, segment: str) -> None:
        """Remove a segment; its wires go with the namespaces that they lead to."""
        with self._lock:
            bridge = self._bridges.pop(segment, None)
            if bridge is not None:
                ip([f"link del {bridge}"])

    def set_up(self, segment: str, *, up: bool) -> None:
        """Let a segment carry frames or swallow them all; KeyError where there is none of that name."""
        ip([f"link set {self._bridges[segment]} {'up' if up else 'down'}"])

    def bridge(self, segment: str) -> str:
        """Return the name of a segment's bridge."""
        return self._bridges[segment]

    def _next(self, letter: str) -> str:
        self._number += 1
        return f"{letter}{self._number}"


def address_host(namespace: str, ports: tuple[HostPort, ...]) -> None:
    """Give a host's interfaces their addresses and routes; with several, replies leave by the one they came in."""
    lines = ["link set lo up"]
    for port in ports:
        lines += [f"addr add {port.address.with_prefixlen} dev {port.name}", f"link set {port.name} up"]
    lines.append(f"route add default via {ports[0].gateway}")
    if len(ports) > 1:
        for number, port in enumerate(ports, start=101):
            lines += [
                f"route add {port.address.network} dev {port.name} table {number}",
                f"route add default via {port.gateway} table {number}",
                f"rule add from {port.address.ip} table {number}",
            ]
    ip(lines, namespace)


def raise_links(namespace: str, interfaces: Iterable[str]) -> None:
    """Set interfaces and the loopback of a namespace up."""
    ip((f"link set {name} up" for name in ("lo", *interfaces)), namespace)


def add_dummy(namespace: str, interface: str) -> None:
    """Make an interface that is up and leads nowhere."""
    # A bridge without ports and with a carrier of its own would need one; one end of a pair keeps the other up.
    ip([f"link add {interface} type veth peer name {_other_end(interface)}"], namespace)
    ip((f"link set {name} up" for name in (interface, _other_end(interface))), namespace)


def _other_end(interface: str) -> str:
    return f"~{interface}"[:15]


def remove_link(namespace: str, interface: str) -> None:
    """Remove an interface together with its wire."""
    ip([f"link del {interface}"], namespace)


def add_address(namespace: str, interface: str, address: IPv4Interface) -> None:
    """Give one interface an address and set it up."""
    ip([f"addr replace {address} dev {interface}", f"link set {interface} up"], namespace)
