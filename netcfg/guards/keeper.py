"""Keeps the guard of one change on a device that has none of its own; runs there, under the shell account.

It holds the device for one change at a time, keeps what would take that change back, and does so when its timer has
run out. What returns is the difference that the change made, computed against what runs at that time: lines that
others have changed meanwhile stay as they are. One decision is taken for each change, once; a lock makes it so.

This module is sent to devices for each session, so it needs nothing but Python 3.9.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from netcfg.guards.devices import Answer, Incomplete, Refused, ReloadDevice, device_of, sync, write
from netcfg.guards.lines import Deed
from netcfg.guards.record import WORD, Record, machine, started
from netcfg.guards.texts import text_in

if TYPE_CHECKING:
    from collections.abc import Iterator

_ALIVE = "alive"
_PATIENCE = 5
_AGAIN_SECONDS = 0.5
_TIMER_AGAIN_SECONDS = 2.0


class Keeper:
    """All changes of one device."""

    def __init__(self, store: Path, request: Answer) -> None:
        self._store = store
        self._request = request
        self._label: str = request["label"]
        self._holder = store / "holder"
        self._device = device_of(request["knowledge"], store)

    def answer(self) -> Answer:
        """Do what is asked, alone."""
        self._store.mkdir(mode=0o700, exist_ok=True)
        verbs = {"look": self.look, "hold": self.hold, "push": self.push, "settle": self.settle, "save": self.save,
                 "confirm": self.confirm, "take_back": self.take_back, "release": self.release}  # fmt: skip
        with self._alone():
            return verbs[self._request["verb"]]()

    def look(self) -> Answer:
        """Return whether a change is under way, and the configuration to start with."""
        return {**self._situation(), **self._device.seen()}

    def hold(self) -> Answer:
        """Hold the device, keep what takes the change back, and start the timer."""
        now = self._situation()
        if now["is"] != "free":
            return now
        try:
            if self._device.running().strip() != self._request["running"].strip():
                return {"is": "changed"}
            self._keep()
            return {"is": "held"}
        except (OSError, Incomplete) as error:
            shutil.rmtree(self._new, ignore_errors=True)
            return {"is": "failed", "why": str(error)}

    def push(self) -> Answer:
        """Load the change on a device that takes it back by itself; its timer starts here."""
        record = self._mine()
        device = self._device
        if record is None or not record.alive or not isinstance(device, ReloadDevice):
            return {"is": "failed", "why": "the change does not hold the device any more"}
        before = text_in(record.folder / "before.conf")
        if device.running() != before or device.unloaded():
            return {"is": "rejected", "why": "another configuration was loaded, or edited, meanwhile"}
        deeds = [Deed(tuple(path), command, adds) for path, command, adds in self._request["deeds"]]
        left = int(record.kept["until"] - time.monotonic())
        try:
            device.load(before, deeds, max(1, left))
        except Refused as error:
            return {"is": "rejected", "why": str(error)}
        return {"is": "held"}

    def save(self) -> Answer:
        """Make what was confirmed the configuration to start with, unless somebody has changed that one meanwhile."""
        record = self._mine()
        if record is not None and record.decision == "kept":
            if self._device.startup() not in {text_in(record.folder / "startup.conf"), self._device.running()}:
                return {"error": "the configuration to start with was changed by somebody else meanwhile"}
            self._device.save()
        return {}

    def settle(self) -> Answer:
        """Bring a change that was left undecided to an end, if nobody but us has changed the device since."""
        record = self._record(self._request["owner"])
        if record is None or record.decision != "open":
            return {"outcome": "returned"}
        # A device with a timer of its own has taken back by itself what was lost.
        lost = {"lost": not record.alive and not record.device.own_timer, "restarted": record.restarted}
        stand = record.stand()
        if lost["lost"] and stand["ours"] and (stand["others"] or lost["restarted"]):
            return {"outcome": "left", **stand, **lost}
        return {**self._returned(record), **lost}

    def confirm(self) -> Answer:
        """Keep the change, if it has not returned yet."""
        record = self._mine()
        if record is None:
            return {"outcome": "returned"}
        if record.decision == "open" and record.alive:
            if isinstance(record.device, ReloadDevice) and not record.device.confirm():
                return {"outcome": "returned"}
            record.decide("kept")
            record.disarm()
        return {"outcome": record.decision}

    def take_back(self) -> Answer:
        """Take the change back now; what was decided before is compared with what runs."""
        record = self._mine()
        if record is None:
            return {"outcome": "untouched"}
        if record.decision == "open":
            return self._returned(record)
        stand = record.stand()
        if record.decision != "kept" and stand["ours"]:
            return record.take_back()
        return {"outcome": record.decision, **stand}

    def release(self) -> Answer:
        """Let the device go for other changes."""
        if self._mine() is not None:
            self._let_go(self._label)
        return {}

    def fire(self, token: str) -> None:
        """Do what the timer does when it has run out; it does not give up while the device does not answer."""
        while True:
            with self._alone(), suppress(Incomplete, OSError):
                record = self._record(self._label)
                if record is not None and record.kept["token"] == token and record.decision == "open":
                    record.take_back()
                    self._let_go(self._label)
                return
            time.sleep(_TIMER_AGAIN_SECONDS)

    def _returned(self, record: Record) -> Answer:
        for _ in range(_PATIENCE):
            try:
                found = record.take_back()
            except Incomplete as error:
                why = str(error)
                time.sleep(_AGAIN_SECONDS)
                continue
            # Not before: until it is done the timer is the one that does it if this process dies.
            record.disarm()
            self._let_go(record.folder.name)
            return found
        return {"outcome": "open", "why": why}

    def _situation(self) -> Answer:
        """Return whether a change holds the device.

        `busy` while another one goes on, `left` where one was never decided and nobody attends to it: it is an earlier
        attempt of this one, or its timer is lost.
        """
        record = self._record(self._holder.read_text()) if self._holder.exists() else None
        if record is None:
            return {"is": "free"}
        owner = record.folder.name
        if record.decision == "open":
            return {"is": "busy" if owner != self._label and record.alive else "left", "owner": owner}
        # Decided and still held: its run makes permanent what it confirmed, unless it died.
        pending = not record.restarted and time.monotonic() < record.kept["until"]
        return {"is": "busy" if owner != self._label and pending else "free", "owner": owner}

    def _record(self, label: str) -> Record | None:
        folder = self._store / label
        return Record(folder) if (folder / "hold.json").exists() else None

    def _mine(self) -> Record | None:
        record = self._record(self._label)
        return record if record is not None and record.kept["token"] == self._request["token"] else None

    def _let_go(self, label: str) -> None:
        if self._holder.exists() and self._holder.read_text() == label:
            self._holder.unlink()

    @property
    def _new(self) -> Path:
        return self._store / f"{self._label}.new"

    def _keep(self) -> None:
        new, folder = self._new, self._store / self._label
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        until = time.monotonic() + self._request["seconds"]
        kept = {key: self._request[key] for key in ("token", "added", "removed", "back", "knowledge")}
        write(new / "before.conf", self._request["running"])
        write(new / "startup.conf", self._device.startup())
        write(new / "hold.json", json.dumps({**kept, "machine": machine(), "until": until}))
        write(new / "decision", "open".ljust(WORD))
        shutil.rmtree(folder, ignore_errors=True)
        new.rename(folder)
        if not self._device.own_timer:
            self._start_timer(folder, until)
        write(self._store / "holder.new", self._label)
        (self._store / "holder.new").rename(self._holder)
        sync(self._store)

    def _start_timer(self, folder: Path, until: float) -> None:
        ours, its = os.pipe()
        if os.fork() == 0:
            self._be_the_timer(folder, until, its)
        os.close(its)
        with os.fdopen(ours) as sign:
            told = sign.read()
        if told != _ALIVE:
            shutil.rmtree(folder, ignore_errors=True)
            raise OSError(f"the timer did not start: {told}")

    def _be_the_timer(self, folder: Path, until: float, sign: int) -> None:
        try:
            os.setsid()
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            nothing = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nothing, stream)
            os.close(self._lock)
            try:
                write(folder / "timer", f"{os.getpid()} {started(str(os.getpid()))}")
            except OSError as error:
                os.write(sign, str(error).encode())
                return
            os.write(sign, _ALIVE.encode())
            os.close(sign)
            while (left := until - time.monotonic()) > 0:
                time.sleep(left)
            self.fire(self._request["token"])
        finally:
            os._exit(0)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._lock = os.open(self._store / ".lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(self._lock)


def main(requests: TextIO) -> None:
    """Answer requests, each a line of JSON, as long as somebody asks; each answer is one line of JSON."""
    os.umask(0o077)
    for line in requests:
        try:
            answer = Keeper(Path.home() / "zhenghe", json.loads(line)).answer()
        except (OSError, Incomplete) as error:
            answer = {"error": str(error)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
