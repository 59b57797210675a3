"""What is kept on a device of one change, and how the device itself is asked; runs there, beside the keeper.

This module is sent to devices with each request, so it needs nothing but Python 3.9.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcfg.guards.lines import Deed, Ours, emptying, normal, paths, typed, way_back

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netcfg.guards.lines import LinePath

Answer = dict[str, Any]
WORD = 16
"""A decision's file is as long from the beginning, so that a full disk does not keep it from being taken."""
_ROOM = 65536
"""Bytes that must be free beside what is written, where the configuration to start with is saved."""
_ROUNDS = 3
"""A line may depend on one that comes back after it."""


class Incomplete(Exception):
    """The device does not show its whole configuration."""


class Device:
    """What is asked of the device itself, by the commands of its platform."""

    def __init__(self, knowledge: Answer) -> None:
        self.knowledge = knowledge

    def running(self) -> str:
        """Return the configuration in force; Incomplete where a part of the device is silent."""
        self._all_answer()
        text = self._ask(self.knowledge["running"])
        self._all_answer()
        found = re.search(self.knowledge["header"], text)
        last = text.rstrip().rsplit("\n", 1)[-1]
        if found is None or last != self.knowledge["last"]:
            raise Incomplete(f"its configuration ends with “{last}”")
        return text[found.end() :]

    def startup(self) -> str:
        """Return the configuration that the device would start with."""
        return Path(self.knowledge["startup"]).read_text()

    def lines(self, text: str) -> set[LinePath]:
        """Return the lines of a configuration."""
        return set(paths(self.knowledge["noise"], text))

    def type(self, lines: tuple[str, ...]) -> None:
        """Configure; whether it was taken is seen in the configuration."""
        self._ask(self.knowledge["configure"], "".join(f"{line}\n" for line in lines))

    def save(self) -> None:
        """Make the configuration in force the one to start with, where there is room for it."""
        if why := self.full():
            raise OSError(why)
        self._ask(self.knowledge["save"])

    def full(self) -> str:
        """Return why the disk has no room for the configuration to start with; empty where it has."""
        startup = Path(self.knowledge["startup"])
        disk = os.statvfs(startup.parent)
        if disk.f_bavail * disk.f_frsize < 2 * startup.stat().st_size + _ROOM:
            return f"No space left on device: {startup.parent}"
        return ""

    def _ask(self, command: str, given: str = "") -> str:
        done = subprocess.run(  # noqa: S602
            command, shell=True, input=given, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False
        )
        return done.stdout

    def silent(self) -> str:
        """Return which part of the device does not answer; empty where all do."""
        for part in sorted(Path("/").glob(self.knowledge["parts"].lstrip("/"))):
            with socket.socket(socket.AF_UNIX) as door:
                if door.connect_ex(str(part)) != 0:
                    return part.stem
        return ""

    def _all_answer(self) -> None:
        if part := self.silent():
            raise Incomplete(f"{part} does not answer")


class Record:
    """What is kept of one change: what was before it, what takes it back, its timer, its decision."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept: Answer = json.loads((folder / "hold.json").read_text())
        self.device = Device(self.kept["knowledge"])
        deeds = tuple(Deed(tuple(path), command, adds) for path, command, adds in self.kept["back"])
        self.ours = Ours(_lines(self.kept["added"]), _lines(self.kept["removed"]), deeds)

    @property
    def before(self) -> set[LinePath]:
        """The lines that the device had before the change."""
        return self.device.lines((self.folder / "before.conf").read_text())

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
        pid, began = (self.folder / "timer").read_text().split()
        return started(pid) == began

    @property
    def restarted(self) -> bool:
        """Say whether the device was started anew since."""
        return bool(self.kept["machine"] != machine())

    def disarm(self) -> None:
        """End the timer."""
        if self.alive:
            os.kill(int((self.folder / "timer").read_text().split()[0]), signal.SIGKILL)

    def stand(self) -> Answer:
        """Return which lines stand differently from before the change: ours, and those of others."""
        running = self.device.lines(self.device.running())
        others = self.ours.others(self.before, running)
        return {"ours": sorted(self.ours.wrong(running)), "others": sorted(others)}

    def take_back(self) -> Answer:
        """Take our lines back, and no others; the answer is compared. Incomplete where that cannot be done now."""
        running = self.device.lines(self.device.running())
        others = self.ours.others(self.before, running)
        for attempt in range(_ROUNDS):
            due = way_back(self.ours, running, self.kept["knowledge"]["settings"])
            if not due:
                break
            if attempt > 0:
                # What the device did not let go as a whole it may let go line by line.
                due = tuple(line for deed in due for line in (*self._piecemeal(deed, running), deed))
            self.device.type(typed(due, self.kept["knowledge"]["leave"]))
            running = self.device.lines(self.device.running())
        wrong = self.ours.wrong(running) | (others ^ self.ours.others(self.before, running))
        wrong |= self._saved_too(running)
        self.decide("differs" if wrong else "returned")
        return {"outcome": self.decision, "ours": sorted(wrong), "others": sorted(others)}

    def _piecemeal(self, deed: Deed, running: set[LinePath]) -> Iterable[Deed]:
        return () if deed.adds else emptying(self.kept["knowledge"]["negation"], deed.path, running)

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


def write(file: Path, text: str) -> None:
    """Write a file so that it is there after a power cut; OSError where it is not there as it should be."""
    with file.open("w") as sink:
        sink.write(text)
        sink.flush()
        os.fsync(sink.fileno())
    if file.read_text() != text:
        raise OSError(5, "what was written reads differently", str(file))
    sync(file.parent)


def sync(folder: Path) -> None:
    """See that names of files are there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


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
