"""One session for each host and run: what stays there (`resident.py`) is asked for one verb after the other.

Whoever carries steps out keeps the sessions, in threads of his own; Ansible's processes come and go, and ask him over a
Unix socket in a folder of his. Two verbs at once on one host have two sessions. A session is used again only where its
host answers within the patience that a new connection would have, and has said nothing that nobody asked for; else a
new one is begun. All of them end with who keeps them, and what a verb is doing then on a host goes on to its end.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import select
import socket
import subprocess
import threading
import time
from typing import IO, TYPE_CHECKING, Any

from infra.hearing import COMPLAINT, MOST, Unheard, too_long
from infra.ssh import PATIENCE
from infra.sudo import as_root
from inventory.plain import plain
from playbooks.agents.payload import resident_payload

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_NOBODY = b'{"status": 255, "complained": "whoever keeps the sessions with hosts has ended"}'
IDLE = 60.0
"""Seconds after which a session that nobody needs is ended."""


class _Ended(Exception):
    """A session has ended before it answered."""


class _Session:
    """One resident on one host, over a connection of its own."""

    def __init__(self, reached: Sequence[str], environment: Mapping[str, str], greeting: bytes) -> None:
        self._process = subprocess.Popen(
            [*reached, as_root()],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._known: set[str] = set()
        self._left = b""
        self._complained = bytearray()
        self._complaining = threading.Thread(target=self._hear_complaints, daemon=True)
        self._complaining.start()
        self.used = time.monotonic()
        self._send(greeting)

    def answer(self, header: Mapping[str, Any]) -> bytes:
        """Have a verb carried out and return what the host says of it; _Ended, Unheard."""
        modules = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in header["modules"].items()}
        texts = {modules[name]: text for name, text in header["modules"].items() if modules[name] not in self._known}
        self._send(json.dumps({"texts": texts, "modules": modules, "given": header["given"]}).encode() + b"\n")
        self._known |= texts.keys()
        # Whatever a login says before it is not the answer.
        heard = 0
        while not (line := self._line(MOST - heard)).startswith(b"{"):
            heard += len(line) + 1
        self.used = time.monotonic()
        return line

    def is_there(self) -> bool:
        """Say whether the host answers, and whether it has said nothing else meanwhile."""
        if self._left or select.select([self._stdout], [], [], 0)[0]:
            return False
        self._send(b"\n")
        return bool(select.select([self._stdout], [], [], PATIENCE)[0]) and os.read(self._stdout, 2) == b"\n"

    def ended(self) -> tuple[int, str]:
        """Return the status and the last words of a client that says nothing more."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)
        # What was said last may not have been heard yet.
        self._complaining.join(2)
        status = self.end()
        return status, plain(bytes(self._complained).decode(errors="replace").strip())

    def end(self) -> int:
        """End the session at once, whatever is said or done in it, and return the client's status."""
        self._process.kill()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                _pipe(stream).close()
        return self._process.wait()

    @property
    def _stdout(self) -> int:
        return _pipe(self._process.stdout).fileno()

    def _send(self, line: bytes) -> None:
        # Who does not listen any more has said why.
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).write(line)
            _pipe(self._process.stdin).flush()

    def _line(self, most: int) -> bytes:
        while True:
            line, newline, rest = self._left.partition(b"\n")
            if len(line) > most:
                raise Unheard(too_long(MOST))
            if newline:
                self._left = rest
                return line
            piece = os.read(self._stdout, 1 << 16)
            if not piece:
                raise _Ended
            self._left += piece

    def _hear_complaints(self) -> None:
        stream = _pipe(self._process.stderr)
        while piece := os.read(stream.fileno(), COMPLAINT):
            self._complained += piece
            del self._complained[:-COMPLAINT]
        stream.close()


class Residents:
    """Keeps the sessions of one run with all hosts; they end with its process, or when it is closed."""

    def __init__(
        self,
        client: Callable[[], Sequence[str]],
        playbooks: Path,
        environment: Callable[[], Mapping[str, str]] = lambda: os.environ,
    ) -> None:
        """`client` returns the SSH client's command of a world as it is now, `playbooks` has what is sent to hosts.

        A session belongs to its client: what somebody changes in a world's file counts for the next verb.
        `environment` is what the client is started in.
        """
        self._client, self._playbooks, self._environment = client, playbooks, environment
        self._idle: dict[tuple[str, ...], list[_Session]] = {}
        """Sessions that nobody uses, by their client's command with the host."""
        self._changing = threading.Lock()
        self._clearing = False

    @contextlib.contextmanager
    def listening(self, place: Path) -> Iterator[None]:
        """Take requests at a socket, in a folder that is our user's alone, until the block ends."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
            listener.bind(str(place))
            listener.listen(64)
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
            try:
                yield
            finally:
                # Wakes who waits for the next request.
                listener.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """End the sessions that are idle."""
        for session in self._taken(lambda _session: True):
            session.end()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                asker = listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._answer, args=(asker,), daemon=True).start()

    def _answer(self, asker: socket.socket) -> None:
        # Whoever asked may have been killed meanwhile.
        with asker, contextlib.suppress(OSError), asker.makefile("rwb") as stream:
            request = json.loads(stream.readline())
            stream.write(json.dumps(self._asked(request["host"], request["header"])).encode() + b"\n")

    def _asked(self, host: str, header: Mapping[str, Any]) -> dict[str, Any]:
        reached = (*self._client(), host)
        session = self._session(reached)
        try:
            said = session.answer(header)
        except _Ended:
            status, complained = session.ended()
            return {"status": status, "complained": complained}
        except Unheard as wrong:
            session.end()
            return {"unheard": wrong.reason}
        with self._changing:
            self._idle.setdefault(reached, []).append(session)
            begins, self._clearing = not self._clearing, True
        if begins:
            threading.Thread(target=self._clear, daemon=True).start()
        return {"said": said.decode(errors="replace")}

    def _clear(self) -> None:
        """End the sessions that nobody needs, until none is left."""
        while True:
            time.sleep(IDLE / 4)
            for old in self._taken(lambda each: each.used < time.monotonic() - IDLE):
                old.end()
            with self._changing:
                if not self._idle:
                    self._clearing = False
                    return

    def _session(self, reached: tuple[str, ...]) -> _Session:
        """Return a session with a host that nobody uses: one of before if it is still there, else a new one."""
        while True:
            with self._changing:
                idle = self._idle.get(reached)
                session = idle.pop() if idle else None
            if session is None:
                return _Session(reached, self._environment(), resident_payload(self._playbooks))
            if session.is_there():
                return session
            session.end()

    def _taken(self, wanted: Callable[[_Session], bool]) -> list[_Session]:
        """Take idle sessions out of their list."""
        with self._changing:
            found = [session for idle in self._idle.values() for session in idle if wanted(session)]
            left = {key: [one for one in idle if one not in found] for key, idle in self._idle.items()}
            self._idle = {key: idle for key, idle in left.items() if idle}
        return found


def asked(place: str, host: str, header: Mapping[str, Any]) -> dict[str, Any]:
    """Have who keeps the sessions ask a host; return what it said, or how the session ended, or why it is not heard."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as keeper:
        keeper.connect(place)
        with keeper.makefile("rwb") as stream:
            stream.write(json.dumps({"host": host, "header": header}).encode() + b"\n")
            stream.flush()
            answer: dict[str, Any] = json.loads(stream.readline() or _NOBODY)
            return answer


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
