"""The part of a cutover that runs beside the controller: one SSH session to each participant, all asked at once.

MoveFailed              a participant refused, and everything went back to where it was
└── SessionFailed       a participant cannot be reached, or its session ended
    └── StrangeHost     the host behind the name shows another key than the known one
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, Queue
from typing import IO, TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel

from infra.hearing import COMPLAINT, Unheard, limited, parsed, taken
from infra.ssh import strict
from infra.sudo import as_root
from inventory.plain import plain
from playbooks.agents.answers import STATES, AgentAnswer, Found
from playbooks.agents.payload import agent_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_Told = TypeVar("_Told", bound=BaseModel)
SEALING = 3.0
"""Seconds that seal, turn and resume may take at most, beyond the pause's own limit."""
OPENING = 30.0
LONGEST = 128 << 20
"""Bytes of one answer: a listing of a folder with a million files that all differ."""
AFTERWARDS = 60.0


class MoveFailed(Exception):
    """A participant refused; carries its host, what was asked, why and what to do next."""

    kind = "refused"
    turned = False
    """Whether clients are on the new side already: going back would need what has failed."""

    def __init__(self, host: str, call: str, reason: str, mend: str = "") -> None:
        super().__init__(f"{host}: {call}: {reason}")
        self.host = host
        self.call = call
        self.reason = reason
        self.mend = mend


class SessionFailed(MoveFailed):
    """A participant cannot be reached, or its session ended before it answered."""

    kind = "unreachable"


class StrangeHost(SessionFailed):
    """Whoever answers under the host's name has another key than the one that is known for it."""

    kind = "host-key"


@dataclass(frozen=True)
class Participant:
    """Who takes part in a move: an entry, or a component on one of its hosts."""

    side: str
    kind: str
    given: Mapping[str, Any]

    @property
    def host(self) -> str:
        """Return the host's name in the inventory."""
        return str(self.given["host"])

    @property
    def component(self) -> str:
        """Return the component's name."""
        return str(self.given["component"]["name"])


@dataclass
class Session:
    """One agent on one host, over the SSH client of the world."""

    participant: Participant
    process: subprocess.Popen[bytes]
    answers: Queue[AgentAnswer | Unheard | None] = field(default_factory=Queue)
    complaints: list[bytes] = field(default_factory=list)
    state: str = ""

    def __post_init__(self) -> None:
        self.hearing = threading.Thread(target=self._hear_complaints, daemon=True)

    def listen(self) -> None:
        """Collect what the agent says until it ends."""
        threading.Thread(target=self._collect, daemon=True).start()
        self.hearing.start()

    def call(self, name: str, wait: float, hold: float | None = None, /, **arguments: Any) -> Any:
        """Ask for one thing and return the answer; MoveFailed where it is refused or not answered in time."""
        line = json.dumps({"call": name, "arguments": arguments, "hold": hold}).encode() + b"\n"
        self._send(name, line)
        try:
            said = self.answers.get(timeout=wait)
        except Empty:
            raise SessionFailed(self.participant.host, name, f"no answer within {wait:g} s") from None
        if said is None:
            raise self._ended(name)
        if isinstance(said, Unheard):
            raise SessionFailed(self.participant.host, name, said.reason, "see who answers on this host, and why so")
        if said.refused is not None:
            raise MoveFailed(self.participant.host, name, said.refused, said.mend)
        return said.answer

    def opened(self) -> dict[str, Any]:
        """Ask for the state, which must be one of this side, and return it with what else was found."""
        answer = self.call("open", OPENING)
        found = dict(answer) if isinstance(answer, dict) else {}
        self.state = str(found.pop("state", ""))
        if self.state not in STATES[self.participant.side]:
            reason = f"there is no state {plain(self.state, 40)!r} of this side"
            raise MoveFailed(self.participant.host, "open", reason, "see who answers on this host, and why so")
        return {**self.read({"facts": found}, Found, "open").facts, "state": self.state}

    def read(self, answer: object, model: type[_Told], name: str) -> _Told:
        """Read what was answered to a call by a closed model; MoveFailed where it is something else."""
        try:
            return taken(answer, model)
        except Unheard as wrong:
            raise MoveFailed(self.participant.host, name, wrong.reason) from None

    def greet(self, header: bytes) -> None:
        """Send the agent's code and arguments."""
        self._send("open", header)

    def close(self) -> None:
        """End the session: the agent goes back unless it was settled."""
        with contextlib.suppress(OSError):
            _pipe(self.process.stdin).close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _send(self, name: str, line: bytes) -> None:
        try:
            _pipe(self.process.stdin).write(line)
            _pipe(self.process.stdin).flush()
        except OSError:
            raise self._ended(name) from None

    def _ended(self, name: str) -> SessionFailed:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=2)
        # What was said last may not have been heard yet.
        self.hearing.join(timeout=2)
        said = plain(b"".join(self.complaints).decode(errors="replace").strip())
        host = self.participant.host
        if "Host key verification failed" in said or "HOST IDENTIFICATION HAS CHANGED" in said:
            return StrangeHost(host, name, "its host key is not the known one", "find out who answers there")
        last = said.splitlines()[-1][:500] if said else "the session ended"
        return SessionFailed(host, name, last, "see that the host runs and SSH is let in, then run the step again")

    def _collect(self) -> None:
        stream = _pipe(self.process.stdout)
        try:
            while line := limited(stream, LONGEST):
                self.answers.put(parsed(line, AgentAnswer))
        except Unheard as wrong:
            # Who says one thing that nobody asked for is not listened to any more.
            self.answers.put(wrong)
            self.process.kill()
        self.answers.put(None)

    def _hear_complaints(self) -> None:
        kept = bytearray()
        while piece := os.read(_pipe(self.process.stderr).fileno(), COMPLAINT):
            kept += piece
            del kept[:-COMPLAINT]
            self.complaints[:] = [bytes(kept)]


class Sessions:
    """The sessions of one move, opened together and closed together."""

    def __init__(self, ssh: Sequence[str], playbooks: Path) -> None:
        self._ssh = strict(ssh)
        self._playbooks = playbooks
        self._all: list[Session] = []
        self._pool = ThreadPoolExecutor(max_workers=32)

    def __enter__(self) -> Sessions:
        return self

    def __exit__(self, *_: object) -> None:
        list(self._pool.map(Session.close, self._all))
        self._pool.shutdown()

    def open(self, participants: Iterable[Participant]) -> tuple[dict[str, Any], ...]:
        """Start an agent for each participant and have each answer `open`; return the answers in order."""
        for participant in participants:
            command = [*self._ssh, participant.host, as_root()]
            pipe = subprocess.PIPE
            # In a group of its own: an interrupt from the keyboard must not end the sessions before the coordinator.
            process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
            session = Session(participant, process)
            session.listen()
            self._all.append(session)
        return tuple(self.each(self._all, self._greet))

    def having(self, side: str) -> tuple[Session, ...]:
        """Return the sessions of one side."""
        return tuple(session for session in self._all if session.participant.side == side)

    @property
    def every(self) -> tuple[Session, ...]:
        """Return all sessions."""
        return tuple(self._all)

    def each(self, sessions: Sequence[Session], ask: Callable[[Session], Any]) -> list[Any]:
        """Ask several at once; waits for all of them before the first failure is raised."""
        asked = [self._pool.submit(ask, session) for session in sessions]
        failures = [failure for failure in (one.exception() for one in asked) if failure is not None]
        if failures:
            raise failures[0]
        return [one.result() for one in asked]

    def _greet(self, session: Session) -> dict[str, Any]:
        session.greet(agent_payload(self._playbooks, session.participant.kind, session.participant.given))
        return session.opened()


class Move:
    """A switch or a return: everything from the first pause to the last resume."""

    def __init__(
        self, sessions: Sessions, downtime: float, catch_up: float = 0.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._sessions = sessions
        self._clock = clock
        self._downtime = downtime
        self._catch_up = catch_up
        self._hold = downtime + 2 * SEALING
        self._times: dict[str, float] = {}
        self._entries = sessions.having("entry")
        self._sources = sessions.having("source")
        self._targets = sessions.having("target")

    def observed(self) -> str:
        """Return done, not-done or unknown from what the agents found when they were opened."""
        turned = {session.state for session in self._entries} <= {"to"}
        sealed = {session.state for session in self._sources} <= {"sealed"}
        promoted = {session.state for session in self._targets} <= {"promoted"}
        return "done" if turned and sealed and promoted else "not-done"

    def carry_out(self) -> dict[str, Any]:
        """Move, or finish a move that was left half way, and return how long what took in milliseconds."""
        turned = bool(self._entries) and all(session.state == "to" for session in self._entries)
        if not turned:
            self._get_ready()
            self._in_the_pause()
        with _behind_the_turn():
            if turned:
                # The entries are the truth: clients are on the target already and must not be held again.
                self._ask("promote", self._targets, SEALING)
                self._ask("settle", self._targets, SEALING)
                self._ask("seal", self._sources, SEALING)
            self._ask("after", self._sessions.every, AFTERWARDS)
        return {"ms": self._times}

    def _get_ready(self) -> None:
        limit = max(OPENING, self._catch_up)
        hold = 2 * limit + self._hold
        try:
            self._ask("abandon", self._promoted_in_vain(), limit)
            watched = self._ask_ready("watch", limit, hold, {})
            told = {
                session.participant.component: answer["doubtful"]
                for session, answer in zip(self._sessions.every, watched, strict=True)
                if answer and answer.get("doubtful")
            }
            self._ask_ready("ready", limit, hold, told)
        except MoveFailed:
            self._go_back()
            raise

    def _promoted_in_vain(self) -> list[Session]:
        """Return the targets that took writes when an earlier move died, which their sources take again since."""
        if any(session.state == "to" for session in self._entries):
            return []
        serving = {one.participant.component for one in self._sources if one.state != "sealed"}
        return [one for one in self._targets if one.state == "promoted" and one.participant.component in serving]

    def _ask_ready(self, name: str, limit: float, hold: float, told: dict[str, list[str]]) -> list[Any]:
        def ask(one: Session) -> Any:
            doubtful = told.get(one.participant.component) if one.participant.side == "target" else None
            return one.call(name, limit, hold, **({"doubtful": doubtful} if doubtful else {}))

        return self._ask_each(name, self._sessions.every, ask)

    def _in_the_pause(self) -> None:
        began = self._clock()
        try:
            self._pause(began)
            if self.halfway():
                self._ask("settle", self._targets, SEALING)
            else:
                self._copy_the_rest(began)
            self._ask("turn", self._entries, SEALING)
        except MoveFailed:
            self._go_back()
            raise
        with _behind_the_turn():
            for layer in self._layers():
                names = {session.participant.component for session in layer}
                behind = [one for one in _services(self._targets) if one.participant.component in names]
                self._ask("serve", behind, self._downtime + SEALING)
                self._ask("resume", layer, SEALING)
        self._times["pause"] = round((self._clock() - began) * 1000, 1)

    def halfway(self) -> bool:
        """Say whether an earlier move got past its last copy, so that the sources have nothing more to give."""
        sealed = all(session.state == "sealed" for session in self._sources)
        return sealed and all(session.state == "promoted" for session in self._targets)

    def _copy_the_rest(self, began: float) -> None:
        self._timed("quiet", _services(self._sources), began)
        self._timed("freeze", self._sources, began)
        positions: dict[str, dict[str, Any]] = {}
        answers = self._ask("position", self._sources, self._left(began, "position", self._sources))
        for session, answer in zip(self._sources, answers, strict=True):
            positions.setdefault(session.participant.component, {})[session.participant.host] = answer
        limit = self._left(began, "reached", self._targets)
        self._ask_each(
            "reached",
            self._targets,
            lambda one: one.call(
                "reached", limit + 1, positions=positions.get(one.participant.component, {}), limit=limit
            ),
        )
        self._ask("promote", self._targets, self._left(began, "promote", self._targets), self._hold)
        self._left(began, "seal", self._sources)
        self._ask("settle", self._targets, SEALING)
        self._ask("seal", self._sources, SEALING)

    def _pause(self, began: float) -> None:
        for layer in reversed(self._layers()):
            self._timed("pause", layer, began)

    def _layers(self) -> list[tuple[Session, ...]]:
        """Entries in the order of their components: a component's requests go through the entries before it."""
        return [(session,) for session in self._entries]

    def _timed(self, name: str, sessions: Sequence[Session], began: float) -> None:
        if not sessions:
            return
        limit = self._left(began, name, sessions)
        self._ask_each(name, sessions, lambda one: one.call(name, limit + 1, self._hold, limit=limit))

    def _ask(self, name: str, sessions: Sequence[Session], limit: float, hold: float | None = None) -> list[Any]:
        return self._ask_each(name, sessions, lambda one: one.call(name, limit, hold))

    def _ask_each(self, name: str, sessions: Sequence[Session], ask: Callable[[Session], Any]) -> list[Any]:
        if not sessions:
            return []
        began = self._clock()
        try:
            return self._sessions.each(sessions, ask)
        finally:
            spent = round((self._clock() - began) * 1000, 1)
            self._times[name] = round(self._times.get(name, 0) + spent, 1)

    def _left(self, began: float, name: str, sessions: Sequence[Session]) -> float:
        left = began + self._downtime - self._clock()
        if left <= 0:
            host = sessions[0].participant.host if sessions else ""
            raise MoveFailed(
                host, name, f"the pause has used up its {self._downtime:g} s", "raise limits.downtime, or move later"
            )
        return left

    def _go_back(self) -> None:
        if any(session.state == "to" for session in self._entries):
            # An earlier move turned this entry: what clients wrote there since must not be left behind.
            self._sessions.each(self._entries, lambda one: self._let_go(one, "resume"))
            return
        # Sources first: an entry that resumes must find a source that takes writes.
        for sessions in (self._targets, self._sources, self._entries):
            self._sessions.each(sessions, lambda one: self._let_go(one, "abandon"))

    def _let_go(self, session: Session, how: str) -> None:
        # A session that is lost goes back by itself; the failure that led here is the one to tell.
        with contextlib.suppress(MoveFailed):
            session.call(how, OPENING)


@contextlib.contextmanager
def _behind_the_turn() -> Iterator[None]:
    """Mark what fails in here: clients are on the new side by then."""
    try:
        yield
    except MoveFailed as failure:
        failure.turned = True
        raise


def _services(sessions: Sequence[Session]) -> tuple[Session, ...]:
    """Return the sessions of components that have a service of their own to end and to start."""
    return tuple(one for one in sessions if one.participant.given["component"].get("settings", {}).get("service"))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
