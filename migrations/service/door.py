"""The service's door: a Unix socket that only its own user may open; one line of JSON asks, one answers.

Absent     no service answers at the door
"""

import os
import socket
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from pydantic import TypeAdapter, ValidationError

from infra.hearing import Unheard, limited, parsed
from inventory.errors import ZhengheError
from inventory.plain import one_line
from inventory.words import _
from migrations.service.messages import Reply, Request

MOST = 4 << 20
"""Bytes of one request or reply: all units of a province, by name."""
PATIENCE = 10.0
"""Seconds in which a request has to be said and its answer heard."""
AT_ONCE = 32
"""So many are spoken with at the same time; whoever comes then waits."""
_REQUEST: TypeAdapter[Request] = TypeAdapter(Request)


class Absent(ZhengheError):
    """No service answers at the door."""


class Door:
    """The listening end; answers in threads of its own until it is closed."""

    def __init__(self, path: Path, answer: Callable[[Request, int], Reply]) -> None:
        """Listen at a path; `answer` is given a request and the process that asks."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.unlink(missing_ok=True)
        with _short(path) as place:
            before = os.umask(0o177)
            try:
                self._server = _Server(place, _handler(answer))
            finally:
                os.umask(before)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), name="door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, place: str, handler: type[socketserver.StreamRequestHandler]) -> None:
        self._room = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(place, handler)

    def verify_request(self, request: object, client_address: object) -> bool:  # noqa: ARG002
        """Leave everybody but our own user without a word."""
        return isinstance(request, socket.socket) and peer_of(request)[1] == os.getuid()

    def process_request_thread(
        self, request: "socket.socket | tuple[bytes, socket.socket]", client_address: object
    ) -> None:
        with self._room:
            super().process_request_thread(request, client_address)


def _handler(answer: Callable[[Request, int], Reply]) -> type[socketserver.StreamRequestHandler]:
    class Handler(socketserver.StreamRequestHandler):
        timeout = PATIENCE

        def handle(self) -> None:
            with suppress(OSError):
                reply = _answered(cast("BinaryIO", self.rfile), answer, peer_of(self.connection)[0])
                self.wfile.write(reply.model_dump_json().encode() + b"\n")

    return Handler


def _answered(stream: BinaryIO, answer: Callable[[Request, int], Reply], process: int) -> Reply:
    try:
        request = _REQUEST.validate_json(limited(stream, MOST))
    except (Unheard, ValidationError) as exc:
        return Reply(error=_("the service does not know this request: {why}").format(why=one_line(str(exc), 300)))
    try:
        return answer(request, process)
    except (ZhengheError, OSError) as exc:
        return Reply(error=str(exc))


def ask(path: Path, request: Request, patience: float = PATIENCE) -> Reply:
    """Ask the service behind a door; Absent where none answers, or somebody else does."""
    if not path.is_socket():
        raise Absent(_("no service runs here"))
    try:
        with socket.socket(socket.AF_UNIX) as stream, _short(path) as place:
            stream.settimeout(patience)
            stream.connect(place)
            if peer_of(stream)[1] != os.getuid():
                raise Absent(_("another user listens at {path}").format(path=path))
            stream.sendall(request.model_dump_json().encode() + b"\n")
            with stream.makefile("rb") as lines:
                return parsed(limited(lines, MOST), Reply)
    except (OSError, Unheard) as exc:
        raise Absent(_("the service does not answer: {why}").format(why=one_line(str(exc), 300))) from exc


def peer_of(stream: socket.socket) -> tuple[int, int]:
    """Return process and user at the other end, as the kernel knows them."""
    size = struct.calcsize("3i")
    process, user, _group = struct.unpack("3i", stream.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(process), int(user)


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Yield a name of a socket's path that has less than a hundred bytes, however long the path is."""
    folder = os.open(path.parent, os.O_PATH | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
