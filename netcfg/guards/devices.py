"""How a guard asks the device that it runs on, by the commands of its platform.

This module is sent to devices for each session, so it needs nothing but Python 3.9.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netcfg.guards.lines import emptying, paths, typed
from netcfg.guards.statements import edited, statement_paths
from netcfg.guards.texts import data_of, text_in, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netcfg.guards.lines import Deed, LinePath

Answer = dict[str, Any]
_ROOM = 65536
"""Bytes that must be free beside what is written, where the configuration to start with is saved."""
_RELOAD_SECONDS = 10.0
_AGAIN_SECONDS = 0.05
_JITTER = 0.003
"""Seconds by which the same time may be told differently: it is computed anew each time from what has passed since."""
_DIGITS = 3
_STAMP = 256
"""Characters."""


class Incomplete(Exception):
    """The device does not show its whole configuration, or does not do what it was told."""


class Refused(Exception):
    """The device did not take a configuration; nothing has changed."""


class Device:
    """A device that is configured by typing; a keeper's process is the timer."""

    own_timer = False

    def __init__(self, knowledge: Answer, store: Path) -> None:
        """Remember the platform's knowledge; the store is where changes are kept."""
        self.knowledge = knowledge
        self.store = store

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

    def seen(self) -> Answer:
        """Return what a look shows of the device."""
        return {"startup": self.startup(), "silent": self.silent(), "full": self.full()}

    def startup(self) -> str:
        """Return the configuration that the device would start with; empty where it has none."""
        return text_in(self._start) if self._start.exists() else ""

    def lines(self, text: str) -> set[LinePath]:
        """Return the lines of a configuration."""
        return set(paths(self.knowledge["noise"], text))

    def undo(self) -> None:
        """Take back at once what was loaded and not confirmed, where the device can."""

    def put(self, due: Sequence[Deed], *, piecemeal: Iterable[LinePath] | None = None) -> None:
        """Configure; whether it was taken is seen in the configuration.

        What the device did not let go as a whole it may let go line by line, where the lines are given.
        """
        deeds: Iterable[Deed] = due
        if piecemeal is not None:
            no, running = self.knowledge["negation"], tuple(piecemeal)
            deeds = [each for deed in due
                     for each in (*(() if deed.adds else emptying(no, deed.path, running)), deed)]  # fmt: skip
        self._ask(self.knowledge["configure"], "".join(f"{line}\n" for line in typed(deeds, self.knowledge["leave"])))

    def save(self) -> None:
        """Make the configuration in force the one to start with, where there is room for it."""
        if why := self.full():
            raise OSError(why)
        self._ask(self.knowledge["save"])

    def full(self) -> str:
        """Return why the configuration to start with could not be saved; empty where it could."""
        if not self._start.exists():
            return f"No such file: {self._start}"
        disk = os.statvfs(self._start.parent)
        if disk.f_flag & os.ST_RDONLY:
            return f"Read-only file system: {self._start.parent}"
        if disk.f_bavail * disk.f_frsize < 2 * self._start.stat().st_size + _ROOM:
            return f"No space left on device: {self._start.parent}"
        return ""

    def silent(self) -> str:
        """Return which part of the device does not answer; empty where all do."""
        for part in sorted(Path("/").glob(self.knowledge["parts"].lstrip("/"))):
            with socket.socket(socket.AF_UNIX) as door:
                if door.connect_ex(str(part)) != 0:
                    return part.stem
        return ""

    @property
    def _start(self) -> Path:
        return Path(self.knowledge["startup"])

    def _ask(self, command: str, given: str = "") -> str:
        done = subprocess.run(  # noqa: S602
            command, shell=True, input=data_of(given), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False
        )
        return text_of(done.stdout)

    def _all_answer(self) -> None:
        if part := self.silent():
            raise Incomplete(f"{part} does not answer")


class ReloadDevice(Device):
    """A device that loads a whole file and takes it back by itself unless it is told in time that it may stay.

    A change is loaded from a candidate beside the file to start with, which is replaced when the change is saved. Each
    configuration in force has the time when it was loaded, by which it is known which of the two that is.
    """

    own_timer = True

    def running(self) -> str:
        """Return the configuration in force; Incomplete where the device does not answer."""
        return text_in(self._candidate if self._ours() else self._start)

    def seen(self) -> Answer:
        """Return what a look shows of the device; a file that was changed since it was loaded is told."""
        seen = super().seen()
        if not seen["silent"]:
            try:
                seen.update(running=self.running(), unloaded=self.unloaded())
            except Incomplete as error:
                seen["strange"] = str(error)
        return seen

    def unloaded(self) -> bool:
        """Say whether somebody has edited the file to start with since the device has read it last."""
        return not self._ours() and self._start.stat().st_mtime > self._status()["loaded"] + _JITTER

    def lines(self, text: str) -> set[LinePath]:
        """Return the lines of a configuration."""
        return set(statement_paths(text))

    def load(self, text: str, deeds: Sequence[Deed], seconds: int) -> None:
        """Load a text with lines taken away and added, to return after some seconds; Refused where it is not taken."""
        stamp = {"before": self._loaded(), "loaded": None, "until": time.monotonic() + seconds}
        self._stamp.unlink(missing_ok=True)
        self._write(self._candidate, edited(text, deeds, self.knowledge["last"]))
        # Beforehand, and as long as it will be: a full disk then keeps nobody from telling what is in force.
        write(self._stamp, json.dumps(stamp).ljust(_STAMP))
        answer = self._ask(self.knowledge["load"].format(file=self._candidate, seconds=seconds))
        if re.search(self.knowledge["taken"], answer, re.MULTILINE) is None:
            self._candidate.unlink()
            raise Refused((answer.strip() or "no answer").rsplit("\n", 1)[-1])
        with self._stamp.open("r+") as file:
            file.write(json.dumps(stamp | {"loaded": self._loaded()}).ljust(_STAMP))
        # Whoever loads another one from here on has a time that is told from this one's.
        time.sleep(2 * _JITTER)

    def confirm(self) -> bool:
        """Have what was loaded stay; False where it has returned already."""
        if not self._ours():
            return False
        self._ask(self.knowledge["confirm"])
        return self._ours()

    def undo(self) -> None:
        """Take back at once what was loaded and not confirmed."""
        if self._ours():
            self._ask(self.knowledge["undo"])
            if self._ours():
                raise Incomplete("it does not go back to the configuration before")
        self._candidate.unlink(missing_ok=True)

    def put(self, due: Sequence[Deed], *, piecemeal: Iterable[LinePath] | None = None) -> None:  # noqa: ARG002
        """Edit the file to start with and load it, unless it has something that its owner has not loaded."""
        if not self.unloaded():
            self._write(self._start, edited(self.startup(), due, self.knowledge["last"]))
            self._ask(self.knowledge["reload"])
            self._loaded()

    def save(self) -> None:
        """Make what was loaded the configuration to start with."""
        if self._ours():
            # It keeps the time when it was written, which is before it was loaded.
            self._candidate.rename(self._start)
            sync(self._start.parent)

    @property
    def _candidate(self) -> Path:
        return self._start.with_name(f"{self._start.name}.zhenghe")

    @property
    def _stamp(self) -> Path:
        return self.store / "loaded.json"

    def _ours(self) -> bool:
        """Say whether what is in force was loaded from the candidate."""
        if not self._candidate.exists() or not self._stamp.exists():
            return False
        stamp, loaded = json.loads(self._stamp.read_text()), self._loaded()
        before = abs(loaded - stamp["before"]) < _JITTER
        if stamp["loaded"] is None and not before and time.monotonic() < stamp["until"]:
            raise Incomplete("whoever loaded a change there died; it is not known before its timer has run out "
                             "which configuration is in force")  # fmt: skip
        return stamp["loaded"] is not None and abs(loaded - stamp["loaded"]) < _JITTER

    def _loaded(self) -> float:
        """Return how many seconds after its start the device loaded what is in force, whatever clocks are set to."""
        status = self._status()
        return status["loaded"] - status["started"]

    def _status(self) -> dict[str, float]:
        """Return when the device started and loaded what is in force, once nothing else is on its way."""
        limit = time.monotonic() + _RELOAD_SECONDS
        while True:
            answer = self._ask(self.knowledge["status"])
            found = {name: re.search(self.knowledge[name], answer, re.MULTILINE) for name in ("started", "loaded")}
            if re.search(self.knowledge["busy"], answer, re.MULTILINE) is None:
                return {name: self._time(match[1] if match else "") for name, match in found.items()}
            if time.monotonic() > limit:
                raise Incomplete("it is still busy with another configuration")
            time.sleep(_AGAIN_SECONDS)

    def _time(self, words: str) -> float:
        """Return a time in seconds; a device that writes no parts of seconds cannot tell configurations apart."""
        whole, _, part = words.partition(".")
        try:
            seconds = time.mktime(time.strptime(whole, self.knowledge["clock"]))
            return seconds + int(part[:_DIGITS].ljust(_DIGITS, "x")) / 10.0**_DIGITS
        except ValueError as error:
            raise Incomplete(f"it writes times in another way: {words or 'none'}") from error

    def _write(self, file: Path, text: str) -> None:
        """Write a file whole or not at all, which may be read by whom the file to start with may be read by."""
        like, new = self._start.stat(), file.with_name(f"{file.name}.new")
        with suppress(FileNotFoundError):
            new.unlink()
        write(new, text)
        with suppress(PermissionError):
            os.chown(new, -1, like.st_gid)
        new.chmod(like.st_mode & 0o777)
        new.rename(file)
        sync(file.parent)


def device_of(knowledge: Answer, store: Path) -> Device:
    """Return the device as its platform is changed: by typing, or by loading a file."""
    return ReloadDevice(knowledge, store) if knowledge["kind"] == "loaded" else Device(knowledge, store)


def write(file: Path, text: str) -> None:
    """Write a file so that it is there after a power cut; OSError where it is not there as it should be."""
    with file.open("wb") as sink:
        sink.write(data_of(text))
        sink.flush()
        os.fsync(sink.fileno())
    if text_in(file) != text:
        raise OSError(5, "what was written reads differently", str(file))
    sync(file.parent)


def sync(folder: Path) -> None:
    """See that names of files are there after a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
