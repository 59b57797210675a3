"""The part of a cutover that runs on a host: obeys the coordinator, and goes back by itself when it is left alone.

One process runs for each participant: an entry on its host, a component on each of its sources and targets. The
coordinator writes JSON lines, one call at a time, and reads one answer for each:

    > {"call": "freeze", "arguments": {"limit": 1.5}, "hold": 4.0}
    < {"answer": {...}, "ms": 12.5}          or    < {"refused": "why", "mend": "what to do next", "ms": 12.5}

A kind brings `roles/KIND/files/agent.py` with a class `Agent` that is a subclass of the one here. Calls, in order:

    all       open        looks, changes nothing; answers {"state": ...} with one of the states below
    all       watch       notes from when on it is told of changes; everybody has, before anybody is asked to be ready
    all       ready       slow checks, connections and what else makes the pause shorter; undone by `abandon`
    entry     pause       new requests wait, running ones end within `limit` seconds
    source    quiet       what runs ends in its own way and writes what it still has to, before anything is sealed
    source    freeze      nothing writes any more, within `limit` seconds; may be left, and is left by `abandon`
    source    position    how far the source has come: any JSON
    target    reached     ends when everything up to `positions` (one by source) is there, within `limit` seconds
    target    promote     takes writes from now on
    target    settle      no longer goes back by itself (answered here, needs nothing of a kind)
    source    seal        never takes a write again, not even after a restart
    entry     turn        what waits, and what comes, will go to the target; a restart keeps that
    target    serve       returns when it takes what the entry is about to let through
    entry     resume      what waits goes on
    all       after       what need not happen in the pause, such as replication in the other direction
    all       abandon     back to what was before pause, freeze, promote, seal or turn

States: an entry is `from` (it sends to the source) or `to`; a source is `open`, `frozen` or `sealed`; a target is
`waiting` or `promoted`. "Source" and "target" are those of this move: in a return they are swapped.

Every call may be repeated. A process that loses its coordinator, or is held longer than `hold` seconds after its ready,
pause or freeze, goes back by itself: an entry resumes to the side that it has, a source thaws, a target waits. A source
that was sealed stays so, an entry that was turned resumes to the target, a target that was settled stays promoted.

Runs under Python 3.9 with the standard library alone.
"""

from __future__ import annotations

import json
import queue
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, BinaryIO

from playbooks.agents.kit import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

SETTLING = {"entry": "turn", "source": "seal", "target": "settle"}
SETTLED = {"entry": "to", "source": "sealed", "target": "promoted"}


class Agent:
    """One participant of a cutover; a kind's own class overrides what its side has to do."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.system: str = given["system"]
        self.host: str = given["host"]
        self.side: str = given["side"]
        """entry, source or target, of this move."""
        self.direction: str = given["direction"]
        """forward, or back in a return, where sources and targets of the component are swapped."""
        self.component: dict[str, Any] = given["component"]
        self.entry: dict[str, Any] = given.get("entry") or {}
        self.limits: dict[str, float] = given["limits"]
        """Seconds."""
        self.left_alone = threading.Event()
        """Set when nobody waits for this agent's answers any more."""

    def as_surveyed(self) -> tuple[str, dict[str, Any]]:
        """Return the end that this host was in the beginning, and the component so, whichever way this move goes."""
        if self.direction != "back":
            return self.side, self.component
        swapped = {
            f"{one}{what}": self.component[f"{other}{what}"]
            for one, other in (("source", "target"), ("target", "source"))
            for what in ("s", "_addresses")
        }
        return "target" if self.side == "source" else "source", {**self.component, **swapped}

    def open(self) -> dict[str, Any]:
        """Look, and answer with the state; changes nothing."""
        raise NotImplementedError

    def watch(self) -> dict[str, Any] | None:
        """Begin to note what changes, where that makes the pause shorter."""
        return None

    def ready(self) -> dict[str, Any] | None:
        """Do beforehand what makes the pause shorter."""
        return None

    def pause(self, limit: float) -> dict[str, Any] | None:
        """Let new requests wait and running ones end, within the limit."""
        raise NotImplementedError

    def quiet(self, limit: float) -> dict[str, Any] | None:  # noqa: ARG002
        """End what runs and writes, within the limit, where it must end by itself before its folders are sealed."""
        return None

    def freeze(self, limit: float) -> dict[str, Any] | None:
        """Let nothing write any more, for as long as this agent lives."""
        raise NotImplementedError

    def position(self) -> Any:
        """Answer how far the frozen source has come."""
        return {}

    def reached(self, positions: dict[str, Any], limit: float) -> dict[str, Any] | None:
        """Return when everything up to the positions (by source host) is here."""
        raise NotImplementedError

    def promote(self) -> dict[str, Any] | None:
        """Take writes from now on."""
        raise NotImplementedError

    def serve(self) -> dict[str, Any] | None:
        """Return when what the entry lets through next is taken."""
        return None

    def settle(self) -> dict[str, Any] | None:
        """Stay promoted whatever happens to the coordinator."""
        return None

    def seal(self) -> dict[str, Any] | None:
        """Never take a write again, not even after a restart."""
        raise NotImplementedError

    def turn(self) -> dict[str, Any] | None:
        """Send everything to the target from now on, after a restart too."""
        raise NotImplementedError

    def resume(self) -> dict[str, Any] | None:
        """Let what waits go on."""
        raise NotImplementedError

    def after(self) -> dict[str, Any] | None:
        """Do what need not happen in the pause."""
        return None

    def abandon(self) -> dict[str, Any] | None:
        """Go back to what was before; may be called in any state and more than once."""
        return None

    def until(self, holds: Callable[[], bool], limit: float, otherwise: str, mend: str = "") -> None:
        """Look every few milliseconds until something holds; Refused after the limit or when left alone."""
        end = time.monotonic() + limit
        while not holds():
            if self.left_alone.is_set():
                raise Refused("the session has ended")
            if time.monotonic() > end:
                raise Refused(otherwise, mend)
            time.sleep(0.004)


class Loop:
    """Carries out one call after the other, and goes back where it must."""

    def __init__(self, agent: Agent, write: Callable[[bytes], object]) -> None:
        self._agent = agent
        self._write = write
        self._calls: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._held_until: float | None = None
        self._settled = False
        self._expired = False

    def read(self, lines: BinaryIO) -> None:
        """Take calls from a stream until it ends; runs in a thread of its own so that the end is seen at once."""
        try:
            for line in iter(lines.readline, b""):
                self._calls.put(json.loads(line))
        finally:
            self._agent.left_alone.set()
            self._calls.put(None)

    def run(self) -> None:
        """Answer calls until the session ends."""
        while True:
            try:
                call = self._calls.get(timeout=self._left())
            except queue.Empty:
                self._expired = not self._settled
                self._go_back()
                continue
            if call is None:
                self._go_back()
                return
            self._answer(call)

    def _left(self) -> float | None:
        if self._held_until is None:
            return None
        return max(0.0, self._held_until - time.monotonic())

    def _answer(self, call: dict[str, Any]) -> None:
        began = time.monotonic()
        try:
            result = {"answer": self._carry_out(call)}
        except Refused as refused:
            result = {"refused": refused.reason, "mend": refused.mend}
        except Exception as exc:  # noqa: BLE001 - the coordinator has to hear of everything, and nobody else does
            result = {"refused": f"{type(exc).__name__}: {exc}", "mend": ""}
        result["ms"] = round((time.monotonic() - began) * 1000, 1)
        try:
            self._write(json.dumps(result).encode() + b"\n")
        except OSError:
            self._agent.left_alone.set()

    def _carry_out(self, call: dict[str, Any]) -> Any:
        name = call["call"]
        side = self._agent.side
        if self._expired and name not in {"open", "abandon", "after"}:
            raise Refused(f"was held too long before {name} and has gone back by itself")
        if call.get("hold"):
            self._held_until = time.monotonic() + call["hold"]
        if name in {"abandon", "resume"}:
            self._held_until = None
        # Set before the deed: half a seal must not be undone by the loss of the session.
        if name == SETTLING[side]:
            self._settled = True
        if name == "abandon":
            self._settled = False
        found = getattr(self._agent, name)(**call.get("arguments", {}))
        if name == "open":
            # What an earlier move has settled does not go back because this one's session is lost.
            self._settled = found["state"] == SETTLED[side]
        return found

    def _go_back(self) -> None:
        if self._held_until is None:
            return
        self._held_until = None
        try:
            if not self._settled:
                self._agent.abandon()
            elif self._agent.side == "entry":
                self._agent.resume()
        except Exception as exc:  # noqa: BLE001 - there is nobody left to tell but the host's own journal
            print(f"zhenghe: {self._agent.system}: cannot go back: {exc}", file=sys.stderr)


def serve(agent: Agent) -> None:
    """Speak with the coordinator over standard input and output until it is gone."""
    output = sys.stdout.buffer

    def write(line: bytes) -> None:
        output.write(line)
        output.flush()

    # A kind's code may print; that must not get among the answers.
    sys.stdout = sys.stderr
    loop = Loop(agent, write)
    threading.Thread(target=loop.read, args=(sys.stdin.buffer,), daemon=True).start()
    loop.run()
