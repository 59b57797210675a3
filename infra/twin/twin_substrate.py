"""The substrate of the twin's cloud: its segments and hosts are parts of the running twin."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Interface

from infra.twin import filters
from infra.twin.errors import TwinError
from infra.twin.fleet import Fleet, Furniture, namespace_of
from infra.twin.layout import HostLayout, HostPort
from infra.twin.namespaces import NAMES
from infra.twin.substrate import HostSpec, PacketRule, Segment, SubstrateError
from infra.twin.wires import Plug, add_address, remove_link
from inventory.derived.wiring import interfaces, resolver_of
from inventory.model import Programme


class TwinSubstrate:
    """Does for the cloud what its substrate promises."""

    def __init__(self, programme: Programme, fleet: Fleet) -> None:
        self._programme = programme
        self._fleet = fleet
        self._segments: dict[str, Segment] = {}
        self._lock = threading.Lock()

    def make_segment(self, segment: Segment) -> None:
        """Make a network and give its edge the first address there; the edge's BGP announces it by itself."""
        with _translated():
            known = self._segments.get(segment.name)
            if known == segment:
                return
            if known is not None:
                raise SubstrateError(f"segment {segment.name} is there, but not as asked; drop it first")
            name, edge = _link(segment.name), namespace_of(segment.edge, segment.domain)
            if not (NAMES / edge).exists():
                raise SubstrateError(f"edge {segment.edge} has no domain {segment.domain}; see devices in network.yaml")
            interface = self._interface(segment)
            self._fleet.wires.make([name])
            self._fleet.wires.plug([Plug(name, edge, interface)])
            add_address(edge, interface, IPv4Interface((segment.prefix[1], segment.prefix.prefixlen)))
            self._segments[segment.name] = segment

    def drop_segment(self, name: str) -> None:
        """Remove a network together with its edge's interface."""
        with _translated():
            segment = self._segments.pop(name, None)
            if segment is not None:
                remove_link(namespace_of(segment.edge, segment.domain), self._interface(segment))
                self._fleet.wires.drop(_link(name))

    def start_host(self, host: HostSpec, rules: tuple[PacketRule, ...]) -> None:
        """Make a host, or start one that was stopped, with its filter in place before it has booted."""
        with _translated():
            if host.name not in self._fleet.hosts:
                self._fleet.add_host(self._layout(host), Furniture())
            filters.enforce(NAMES / host.name, rules)
            self._fleet.start(host.name)

    def stop_host(self, name: str) -> None:
        """End a host and forget its disk."""
        with _translated():
            self._fleet.drop_host(name)

    def set_rules(self, host: str, rules: tuple[PacketRule, ...]) -> None:
        """Replace the packet filter of a host."""
        with _translated():
            filters.enforce(NAMES / host, rules)

    def host_running(self, name: str) -> bool:
        """Say whether a host runs now."""
        return self._fleet.running(name)

    def _layout(self, host: HostSpec) -> HostLayout:
        segment = self._segments.get(host.segment)
        if segment is None:
            raise SubstrateError(f"host {host.name}: there is no segment {host.segment}")
        address = IPv4Interface((host.address, segment.prefix.prefixlen))
        port = HostPort(name="eth0", segment=_link(segment.name), address=address, gateway=segment.prefix[1])
        resolver = resolver_of(self._programme, segment.domain)
        return HostLayout(name=host.name, image=host.image, ports=(port,), resolver=resolver)

    def _interface(self, segment: Segment) -> str:
        for interface in interfaces(self._programme):
            if interface.link == _link(segment.name) and interface.device == segment.edge:
                return interface.name
        return f"net-{segment.name}"[:15].rstrip("-")


def _link(segment: str) -> str:
    return f"site:{segment}"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (TwinError, LookupError, OSError) as error:
        raise SubstrateError(str(error)) from error
