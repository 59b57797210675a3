"""The control socket: a caller sends one line of JSON and gets answers, one on each line, until the socket is closed.

{"call": "segment.down", "arguments": {"segment": "line:water-leased"}}
{"result": {...}}  |  {"error": {"code": 404, "message": "..."}}  |  {"progress": "..."}   more is to come
"""

import json
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from infra.hearing import Unheard, limited
from infra.twin.errors import NotRunning, Refused

MOST = 64 << 20
"""Bytes of one call or answer: whole declarations of a province are smaller."""
Answer = dict[str, Any]
Answering = Callable[[str, Mapping[str, Any]], Iterator[Answer]]
"""Yields the answers to one call; the last one has `result` or `error`."""


def serve(path: Path, answering: Answering) -> None:
    """Answer calls at a path from now on, each in a thread of its own; only root may connect."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            for answer in _answers(self.rfile.readline(MOST), answering):
                try:
                    self.wfile.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
                except OSError:
                    return  # the caller has gone; what it asked for is done nevertheless

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True
        request_queue_size = 64

    path.unlink(missing_ok=True)
    server = Server(str(path), Handler)
    path.chmod(0o600)
    threading.Thread(target=server.serve_forever, name="control", daemon=True).start()


def ask(path: Path, call: str, limit: float | None = None, **arguments: object) -> Answer:
    """Make one call and return its result; NotRunning where nobody answers, Refused where the answer is an error."""
    for answer in listen(path, call, limit, **arguments):
        if "result" in answer:
            result: Answer = answer["result"]
            return result
        if "error" in answer:
            error = answer["error"]
            raise Refused(call, int(error["code"]), str(error["message"]))
    raise NotRunning(path.parent.name)


def listen(path: Path, call: str, limit: float | None = None, **arguments: object) -> Iterator[Answer]:
    """Make one call and yield every answer to it; `limit` is the longest silence in seconds."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
        stream.settimeout(limit)
        try:
            stream.connect(str(path))
            stream.sendall(json.dumps({"call": call, "arguments": arguments}).encode() + b"\n")
            with stream.makefile("rb") as lines:
                while line := limited(lines, MOST):
                    yield json.loads(line)
        except (OSError, ValueError, Unheard) as error:
            raise NotRunning(path.parent.name) from error


def failure(code: int, message: str) -> Answer:
    """Return the answer that says that a call was refused or went wrong."""
    return {"error": {"code": code, "message": message}}


def _answers(line: bytes, answering: Answering) -> Iterator[Answer]:
    try:
        request = json.loads(line)
        call, arguments = str(request["call"]), dict(request.get("arguments", {}))
    except (ValueError, KeyError, TypeError) as error:
        yield failure(400, f"not a call: {error}")
        return
    try:
        yield from answering(call, arguments)
    except Exception as error:  # noqa: BLE001 -- whatever goes wrong is the answer: the caller must not be left waiting
        yield failure(500, f"{type(error).__name__}: {error}")
