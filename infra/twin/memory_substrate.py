"""A substrate that remembers what it is asked instead of doing it, for tests of what stands above it."""

import threading
from collections.abc import Callable

from infra.twin.substrate import HostSpec, PacketRule, Segment, SubstrateError


class MemorySubstrate:
    """Keeps segments, hosts and rules in memory; `before` is called ahead of each change and may block or raise."""

    def __init__(self, before: Callable[[str, str], None] | None = None) -> None:
        self.segments: dict[str, Segment] = {}
        self.hosts: dict[str, HostSpec] = {}
        self.rules: dict[str, tuple[PacketRule, ...]] = {}
        self.stopped: set[str] = set()
        self.calls: list[tuple[str, str]] = []
        self._before = before
        self._lock = threading.Lock()

    def make_segment(self, segment: Segment) -> None:
        """Remember the segment."""
        self._announce("make_segment", segment.name)
        self.segments[segment.name] = segment

    def drop_segment(self, name: str) -> None:
        """Forget the segment; refuse while a host is on it."""
        self._announce("drop_segment", name)
        if any(host.segment == name for host in self.hosts.values()):
            raise SubstrateError(f"segment {name} has hosts")
        self.segments.pop(name, None)

    def start_host(self, host: HostSpec, rules: tuple[PacketRule, ...]) -> None:
        """Remember the host as running; refuse where its segment is missing."""
        self._announce("start_host", host.name)
        if host.segment not in self.segments:
            raise SubstrateError(f"host {host.name}: there is no segment {host.segment}")
        self.hosts[host.name] = host
        self.rules[host.name] = rules
        self.stopped.discard(host.name)

    def stop_host(self, name: str) -> None:
        """Forget the host."""
        self._announce("stop_host", name)
        self.hosts.pop(name, None)
        self.rules.pop(name, None)
        self.stopped.discard(name)

    def set_rules(self, host: str, rules: tuple[PacketRule, ...]) -> None:
        """Remember the rules of a host that is there."""
        self._announce("set_rules", host)
        if host not in self.hosts:
            raise SubstrateError(f"there is no host {host}")
        self.rules[host] = rules

    def host_running(self, name: str) -> bool:
        """Say whether the host was started and has not crashed since."""
        return name in self.hosts and name not in self.stopped

    def crash_host(self, name: str) -> None:
        """Let a host be down without anybody having asked for it."""
        self.stopped.add(name)

    def _announce(self, what: str, name: str) -> None:
        with self._lock:
            self.calls.append((what, name))
        if self._before is not None:
            self._before(what, name)
