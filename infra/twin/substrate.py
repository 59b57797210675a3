"""What the small cloud needs of the twin below it: networks, hosts, and the rules that let traffic in."""

from ipaddress import IPv4Address, IPv4Network
from typing import Protocol

from infra.declaration import RuleDeclaration


class Substrate(Protocol):
    """The twin as its cloud sees it; every call may be repeated and then changes nothing more."""

    def make_segment(self, name: str, prefix: IPv4Network, edge: str, domain: str) -> None:
        """Make a network whose gateway, the first address, is the provider edge's interface in that domain."""

    def drop_segment(self, name: str) -> None:
        """Remove a network and its gateway interface; one that is not there is no error."""

    def start_host(  # noqa: PLR0913 -- a host is told all of itself at once
        self,
        *,
        name: str,
        image: str,
        segment: str,
        address: IPv4Address,
        prefix: IPv4Network,
        gateway: IPv4Address,
        resolver: IPv4Address | None,
        rules: tuple[RuleDeclaration, ...],
    ) -> None:
        """Boot a new host and return once it can be reached by name through the world's ssh_config."""

    def stop_host(self, name: str) -> None:
        """End a host and forget its disk; one that is not there is no error."""

    def set_rules(self, name: str, rules: tuple[RuleDeclaration, ...]) -> None:
        """Replace the rules that let traffic into a host; replies and outgoing traffic always pass."""

    def host_running(self, name: str) -> bool:
        """Say whether a host that was started here runs now."""

    def resolver(self, domain: str) -> IPv4Address | None:
        """Return the name server's address in a domain, or None where the domain has none."""
