"""What the guards share that have nothing but a device's command line."""

import re

from inventory.words import _
from netcfg.errors import DeviceUnreachable
from netcfg.guards import Settled, Way
from netcfg.guards.lines import LinePath
from netcfg.platforms import Platform, Timed, Trial
from netcfg.reading import body, paths
from netcfg.terminals import Terminal

_ROOM = 65536
"""Bytes that must be free beside what is saved."""


class TypedDevice:
    """A device as its command line shows it."""

    def __init__(self, device: str, platform: Platform, line: Terminal, words: Trial | Timed) -> None:
        """Speak with a device by its command line."""
        self.name = device
        self.platform = platform
        self.line = line
        self._words = words

    def whole(self, command: str) -> str:
        """Return a configuration; empty where it is not shown to its last line."""
        text = self.line.take(command)
        return text if text.rstrip().endswith(f"\n{self._words.last}") else ""

    def running(self) -> set[LinePath]:
        """Return the lines in force; DeviceUnreachable where they are not shown whole."""
        text = self.whole(self.platform.commands.running)
        if not text:
            raise DeviceUnreachable(self.name, _("it does not show its whole configuration"))
        return self.lines(text)

    def lines(self, text: str) -> set[LinePath]:
        """Return the lines of a configuration."""
        return set(paths(self.platform, body(self.platform, text)))

    def full(self, startup: str) -> str:
        """Return why the disk has no room for the configuration to start with; empty where it has, or does not say."""
        found = re.search(self._words.room, self.line.take(self._words.free))
        if found is None:
            return ""
        words = {name: int(word.replace(",", "")) for name, word in found.groupdict().items()}
        free = words.get("kilobytes", 0) * 1024 + words.get("bytes", 0)
        text = _("its disk has only {free} KiB free")
        return text.format(free=free // 1024) if free < 2 * len(startup) + _ROOM else ""

    def compared(self, way: Way, running: set[LinePath], *, pending: bool) -> Settled:
        """Say by the lines in force what became of a change, and what others did; what waits for its word is open."""
        wrong = way.ours.wrong(running)
        others = tuple(sorted(way.ours.others(self.lines(way.running), running)))
        if changes(way) and not wrong:
            return Settled(outcome="returned", others=others)
        if way.ours.added <= running and not way.ours.removed & running:
            return Settled(outcome="open" if pending else "kept", others=others)
        return Settled(outcome="differs", ours=tuple(sorted(wrong)), others=others)


def changes(way: Way) -> bool:
    """Say whether a way leads to another configuration."""
    return bool(way.ours.added or way.ours.removed)
