"""The boundary between an engine and a cloud: a test holds a call there, or has it refused, whatever the cloud is."""

import contextlib
import http.client
import json
import socketserver
import threading
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

from infra.twin.cloud import Cloud

# How long something may take that has to come; passing does not depend on it.
PATIENCE = 300
When = Literal["before", "after"]
ANY = "any"
DROPPED = 0
"""Instead of a status: the call is never passed on, as by a network that ends while it is under way."""


class Boundary:
    """Holds one create, or refuses some, by kind and name of what is created."""

    def __init__(self) -> None:
        self._at: tuple[When, str, str] | None = None
        self._refused: dict[tuple[str, str], list[int]] = {}
        self._reached = threading.Event()
        self._go_on = threading.Event()
        self._drops = False
        self._lost: set[tuple[str, str]] = set()
        self._until = 0
        self._under_way = 0
        self._counting = threading.Lock()
        self.calls: list[tuple[str, str]] = []
        self.tokens: set[str] = set()

    def hold(self, when: When, kind: str, name: str) -> None:
        """Hold the next create of that name before the cloud hears of it, or after it was done."""
        self._reached.clear()
        self._go_on.clear()
        self._drops = False
        self._at = (when, kind, name)

    def hold_any(self, when: When, passing: int) -> None:
        """Hold a create of whatever name, after so many have passed."""
        self.hold(when, ANY, "")
        self._until = passing

    def is_reached(self) -> bool:
        """Say whether something is held."""
        return self._reached.is_set()

    def lose(self, kind: str, name: str) -> None:
        """Lose the answer to the next create of that name: the cloud has done it, and who asked is not told."""
        self._lost.add((kind, name))

    def refuse(self, kind: str, name: str, *codes: int) -> None:
        """Answer the next creates of that name with these statuses; the cloud does not hear of them."""
        self._refused[kind, name] = list(codes)

    def wait(self) -> None:
        assert self._reached.wait(PATIENCE)

    def let_go(self, *, drop: bool = False) -> None:
        self._drops = drop
        self._go_on.set()

    @contextlib.contextmanager
    def under_way(self) -> Iterator[None]:
        """Count a call that is being answered."""
        with self._counting:
            self._under_way += 1
        try:
            yield
        finally:
            with self._counting:
                self._under_way -= 1

    def await_quiet(self) -> None:
        """Return once nothing is under way, of whoever was killed neither."""
        quiet = 0
        while quiet < 5:
            time.sleep(0.1)
            quiet = 0 if self._under_way else quiet + 1

    def before(self, kind: str, name: str) -> int | None:
        """Return a status instead of the cloud's answer, or none."""
        self.calls.append((kind, name))
        if self._held("before", kind, name) and self._drops:
            return DROPPED
        codes = self._refused.get((kind, name))
        return codes.pop(0) if codes else None

    def after(self, kind: str, name: str) -> bool:
        """Say whether the answer arrives."""
        self._held("after", kind, name)
        lost = (kind, name) in self._lost
        self._lost.discard((kind, name))
        return not lost

    def _held(self, when: When, kind: str, name: str) -> bool:
        if self._at not in {(when, kind, name), (when, ANY, "")}:
            return False
        if self._at[1] == ANY and self._until > 0:
            self._until -= 1
            return False
        self._at = None
        self._reached.set()
        assert self._go_on.wait(PATIENCE)
        return True


def at_socket(cloud: Cloud, path: Path, boundary: Boundary) -> socketserver.BaseServer:
    """Serve the twin's cloud at a Unix socket behind a boundary."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            request = json.loads(self.rfile.readline())
            verb, arguments = request["call"].removeprefix("cloud."), request["arguments"]
            kind, _, action = verb.partition(".")
            code = boundary.before(kind, arguments["name"]) if action == "create" else None
            if code == DROPPED:
                return
            answer: Any = {"error": {"code": code, "message": f"injected {code}"}}
            if code is None:
                answer = cloud.call(verb, arguments)
                if action == "create" and not boundary.after(kind, arguments["name"]):
                    return
            # Whoever asked may have been killed meanwhile.
            with contextlib.suppress(BrokenPipeError):
                self.wfile.write(json.dumps(answer).encode() + b"\n")

    class Server(socketserver.ThreadingUnixStreamServer):
        daemon_threads = True

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            with boundary.under_way():
                super().process_request_thread(request, client_address)

    return Server(str(path), Handler)


class _Passing(BaseHTTPRequestHandler):
    """Takes every method, and answers with what it is given."""

    def passed_on(self) -> None:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        # The server looks for a method of its own for each of HTTP's.
        if name.startswith("do_"):
            return self.passed_on
        raise AttributeError(name)

    def answer(self, status: int, headers: Mapping[str, str], said: bytes) -> None:
        # Whoever asked may have been killed meanwhile.
        with contextlib.suppress(OSError):
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in {"connection", "content-length", "transfer-encoding", "date", "server"}:
                    self.send_header(name, value)
            if status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(said)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


_KINDS = {
    "servers": "server", "networks": "network", "security-groups": "security_group", "os-server-groups": "server_group",
    "routers": "router", "subnets": "subnet", "ports": "port",
    "volumes": "volume",
}  # fmt: skip


def at_port(port: int, behind: int, boundary: Boundary) -> ThreadingHTTPServer:
    """Serve an API of OpenStack at a port of the loopback, as it answers at another one, behind a boundary."""

    class Handler(_Passing):
        def passed_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            wanted = _created(self.command, self.path, body)
            boundary.tokens.update(filter(None, [self.headers.get("X-Auth-Token")]))
            code = boundary.before(*wanted) if wanted else None
            if code == DROPPED:
                self.close_connection = True
            elif code is not None:
                self.answer(code, {"Content-Type": "application/json"}, _refusal(code))
            else:
                status, headers, said = _asked(behind, self.command, self.path, dict(self.headers.items()), body)
                if wanted and status < 300 and not boundary.after(*wanted):
                    self.close_connection = True
                else:
                    self.answer(status, headers, said)

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def process_request_thread(self, request: Any, client_address: Any) -> None:
            with boundary.under_way():
                super().process_request_thread(request, client_address)

    return Server(("127.0.0.1", port), Handler)


def _created(method: str, path: str, body: bytes) -> tuple[str, str] | None:
    kind = _KINDS.get(path.rstrip("/").rsplit("/", maxsplit=1)[-1])
    if method != "POST" or kind is None:
        return None
    (document,) = (value for value in json.loads(body).values() if isinstance(value, dict) and "name" in value)
    return kind, document["name"]


def _refusal(code: int) -> bytes:
    return json.dumps({"error": {"code": code, "message": f"injected {code}"}}).encode()


def _asked(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request(method, path, body or None, {**headers, "Connection": "close"})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()
