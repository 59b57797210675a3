"""What is kept on a device of one change, and how the device itself is asked; runs there, beside the keeper.

This module is sent to devices for each session, so it needs nothing but Python 3.9.
"""

from __future__ import annotations

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from netcfg.guards.devices import Answer, device_of
from netcfg.guards.lines import Deed, Ours, normal, way_back
from netcfg.guards.texts import text_in

if TYPE_CHECKING:
    from netcfg.guards.lines import LinePath

WORD = 16
"""A decision's file is as long from the beginning, so that a full disk does not keep it from being taken."""
_ROUNDS = 3
"""A line may depend on one that comes back after it."""


class Record:
    """What is kept of one change: what was before it, what takes it back, its timer, its decision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: Answer = json.loads((folder / "hold.json").read_text())
        self.device = device_of(self.kept["knowledge"], folder.parent)
        deeds = tuple(Deed(tuple(path), command, adds) for path, command, adds in self.kept["back"])
        self.ours = Ours(_lines(self.kept["added"]), _lines(self.kept["removed"]), deeds)

    @property
    def before(self) -> set[LinePath]:
        """The lines that the device had before the change."""
        return self.device.lines(text_in(self.folder / "before.conf"))

    @property
    def decision(self) -> str:
        """`open`, `kept`, `returned` or `differs`."""
        return (self.folder / "decision").read_text().strip()

    def decide(self, word: str) -> None:
        """Write the decision over the earlier one, which needs no room on the disk."""
        with (self.folder / "decision").open("r+") as file:
            file.write(word.ljust(WORD))
            file.flush()
            os.fsync(file.fileno())

    @property
    def alive(self) -> bool:
        """Say whether the timer runs."""
        if self.device.own_timer:
            return not self.restarted and time.monotonic() < self.kept["until"]
        pid, began = (self.folder / "timer").read_text().split()
        return started(pid) == began

    @property
    def restarted(self) -> bool:
        """Say whether the device was started anew since."""
        return bool(self.kept["machine"] != machine())

    def disarm(self) -> None:
        """End the timer."""
        if self.alive and not self.device.own_timer:
            os.kill(int((self.folder / "timer").read_text().split()[0]), signal.SIGKILL)

    def stand(self) -> Answer:
        """Return which lines stand differently from before the change: ours, and those of others."""
        running = self.device.lines(self.device.running())
        others = self.ours.others(self.before, running)
        return {"ours": sorted(self.ours.wrong(running)), "others": sorted(others)}

    def take_back(self) -> Answer:
        """Take our lines back, and no others; the answer is compared. Incomplete where that cannot be done now."""
        self.device.undo()
        running = self.device.lines(self.device.running())
        others = self.ours.others(self.before, running)
        for attempt in range(_ROUNDS):
            knowledge = self.kept["knowledge"]
            due = way_back(self.ours, running, knowledge["settings"], knowledge.get("dependents", ()))
            if not due:
                break
            self.device.put(due, piecemeal=running if attempt > 0 else None)
            running = self.device.lines(self.device.running())
        wrong = self.ours.wrong(running) | (others ^ self.ours.others(self.before, running))
        wrong |= self._saved_too(running)
        self.decide("differs" if wrong else "returned")
        return {"outcome": self.decision, "ours": sorted(wrong), "others": sorted(others)}

    def _saved_too(self, running: set[LinePath]) -> set[LinePath]:
        """Make permanent that our lines are gone, where somebody saved while they were there; return what is left."""
        left = self._left_in_startup(running)
        if left and not self._unsaved(running) - self.ours.added - self.ours.removed:
            with suppress(OSError):
                self.device.save()
            left = self._left_in_startup(running)
        return left

    def _left_in_startup(self, running: set[LinePath]) -> set[LinePath]:
        return self._unsaved(running) & (self.ours.added | self.ours.removed)

    def _unsaved(self, running: set[LinePath]) -> set[LinePath]:
        ambient = self.kept["knowledge"]["ambient"]
        return normal(running, ambient) ^ normal(self.device.lines(self.device.startup()), ambient)


def _lines(lines: list[list[str]]) -> frozenset[LinePath]:
    return frozenset(tuple(path) for path in lines)


def started(pid: str) -> str:
    """Return when a process began, in ticks since the start of the machine; empty where it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def machine() -> str:
    """Return what is another one after every start of the device."""
    return f"{Path('/proc/sys/kernel/random/boot_id').read_text().strip()} {started('1')}"
