"""The machine below the twin's cloud, as the cloud asks for it: segments, hosts and their packet filters.

SubstrateError      the machine below cannot do what the cloud asks; its message says why and what to do
"""

from ipaddress import IPv4Address, IPv4Network
from typing import Literal, Protocol

from inventory.base import Model
from inventory.errors import ZhengheError


class SubstrateError(ZhengheError):
    """A segment or a host cannot be made, changed or removed; the message ends up in the server's fault."""


class Segment(Model):
    """One bridge with its prefix, tied to a provider edge whose address there is the prefix's first one."""

    name: str
    site: str
    domain: str
    prefix: IPv4Network
    edge: str


class HostSpec(Model):
    """One host with one port; every field is needed to start it."""

    name: str
    site: str
    image: str
    cpus: int
    memory: int
    """MiB."""
    segment: str
    address: IPv4Address
    hypervisor: str


class PacketRule(Model):
    """Traffic that a host accepts; replies pass and everything else is dropped. No port means every port."""

    protocol: Literal["tcp", "udp", "icmp"]
    port: int | None = None
    source: IPv4Network


class Substrate(Protocol):
    """Everything is asked by name; names are unique here, the cloud sees to it.

    Each call may be repeated: what is already so is left as it is. Calls come from several threads at once, but
    never two for one name. Failures are raised as SubstrateError.
    """

    def make_segment(self, segment: Segment) -> None:
        """Make the segment and connect it to its edge; returns when packets can pass."""

    def drop_segment(self, name: str) -> None:
        """Remove the segment; one that is not there is no error. No host is on it any more."""

    def start_host(self, host: HostSpec, rules: tuple[PacketRule, ...]) -> None:
        """Make the host, filter its port, start it; returns when SSH answers."""

    def stop_host(self, name: str) -> None:
        """Stop the host and throw away its disk; one that is not there is no error."""

    def set_rules(self, host: str, rules: tuple[PacketRule, ...]) -> None:
        """Replace the packet filter of a running host in one piece."""

    def host_running(self, name: str) -> bool:
        """Say whether the host runs now."""
