"""A PgBouncer entry in a cutover: it holds clients between two transactions, turns to the target, lets them go on.

Who loses the coordinator in a pause asks the source whether it was sealed: its answer, kept in the source’s database,
decides whether clients go on there or at the target, so that no death at any instant sends them to a fenced database.
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import psycopg2  # type: ignore[import-untyped, import-not-found, unused-ignore]
from ansible.module_utils.zhenghe_bouncer import Entry
from ansible.module_utils.zhenghe_bouncer_console import await_calm, command, name, shown

from playbooks.agents import loop
from playbooks.agents.kit import Refused

BUSY = "a transaction that goes through the entry has not ended in time"
DECIDING = 8.0
"""Seconds for a source that was frozen to thaw by itself."""


class Agent(loop.Agent):
    """The entry of one component."""

    def __init__(self, given: dict[str, Any]) -> None:
        super().__init__(given)
        self._entry = Entry(self.system, self.component, self.entry)
        self._held = contextlib.ExitStack()
        old = int(self.component["settings"].get("port", 5432))
        ports = (5432, old) if self.direction == "back" else (old, 5432)
        self._from = (str(self.component["source_addresses"][0]), ports[0])
        self._to = (str(self.component["target_addresses"][0]), ports[1])
        self._paused = False
        self._closer: Any = None
        """Ends sessions at the old side, where each client has one of its own."""

    def open(self) -> dict[str, Any]:
        """Connect to PgBouncer, and look where it sends to."""
        self._held.enter_context(self._entry.alone())
        if self._entry.sends_to() is None:
            return {"state": "from", "entry": "absent"}
        try:
            self._console = self._entry.console()
        except psycopg2.Error as exc:
            raise Refused(f"the entry does not answer: {str(exc).strip()}", f"start {self._entry.unit}") from None
        # Written down and not yet read, it is not so: clients still go the other way.
        turned = self._entry.sends_to() == self._entry.in_force(self._console) == self._to
        return {"state": "to" if turned else "from"}

    def ready(self) -> dict[str, Any]:
        """End the pause of an earlier agent that was killed."""
        if self._entry.sends_to() is None:
            raise Refused("there is no entry", "run the step front first")
        if self._is_paused():
            self.abandon()
        if self._entry.sends_to() != self._to:
            self._entry.make_ready(*self._to)
        pooling = self._entry.pooling()
        if pooling == "session":
            self._closer = self._entry.look(*self._from, self._entry.database)
        return {"pooling": pooling}

    def _is_paused(self) -> bool:
        databases = shown(self._console, "DATABASES")
        return any(one["name"] == self._entry.database and int(one["paused"]) for one in databases)

    def pause(self, limit: float) -> dict[str, Any]:
        """Hold clients; a transaction that outlasts the limit is left alone, and so is everything else."""
        self._paused = True
        deadline = time.monotonic() + limit
        waiting = _Waiting(self._entry)
        await_calm(self._console, limit / 2, self._entry.database)
        waiting.start()
        left = deadline - time.monotonic()
        try:
            self.until(lambda: self._ended(waiting), left, BUSY, "end it, or switch when it has ended")
        except Refused:
            self.resume()
            raise
        if waiting.wrong:
            self.resume()
            raise Refused(f"PgBouncer does not pause: {waiting.wrong}", f"see journalctl -u {self._entry.unit}")
        return {}

    def _ended(self, waiting: _Waiting) -> bool:
        if waiting.is_alive() and self._closer is not None:
            # Who is outside of a transaction connects anew and waits; who is inside may end it.
            command(self._closer, "SELECT closed, busy FROM zhenghe.close_idle()")
        return not waiting.is_alive()

    def turn(self) -> dict[str, Any]:
        """Send clients to the target, now and after a restart."""
        self._entry.point(self._console, *self._to)
        return {}

    def resume(self) -> dict[str, Any]:
        """Let clients go on."""
        with contextlib.suppress(psycopg2.Error):
            # It complains where nothing was paused.
            command(self._console, f"RESUME {name(self._entry.database)}")
        self._paused = False
        return {}

    def abandon(self) -> dict[str, Any]:
        """Let clients go on at the end that the source names by its own state."""
        deadline = time.monotonic() + DECIDING
        while True:
            side = self._entry.side(*self._from)
            if side in ("serving", "waiting") or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        try:
            if side == "waiting":
                self._entry.point(self._console, *self._to)
            elif side == "serving":
                self._entry.point(self._console, *self._from)
        finally:
            self.resume()
        return {}


class _Waiting(threading.Thread):
    """PAUSE answers only when every transaction has ended; somebody else has to look at the clock."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(daemon=True)
        self._entry = entry
        # Connected here: changing the user for it must not meet the other thread's.
        self._console = entry.console()
        self.wrong = ""

    def run(self) -> None:
        """Ask for the pause and wait for its answer."""
        try:
            command(self._console, f"PAUSE {name(self._entry.database)}")
        except psycopg2.Error as exc:
            self.wrong = str(exc).strip()
