"""Has doubles answer over SSH, by paramiko's server side: the engine that is there already, and licensed as it is.

(asyncssh would do as well; its EPL-2.0 asks more of those who hand it on than a part for trials is worth.)
"""

import contextlib
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import paramiko
from paramiko import common

from netcfg.doubles.device import Double, Dropped, Full, Session

_SECONDS = 10.0
_PIECE = 65536


class _Door(paramiko.ServerInterface):
    def __init__(self, key: paramiko.PKey | None, password: str | None) -> None:
        self._key = key
        self._password = password
        self.wanted = threading.Event()
        self.asked: str | None = None
        """A single line, from who wants no session."""

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002
        return ",".join(kind for kind, so in (("publickey", self._key), ("password", self._password)) if so)

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:  # noqa: ARG002
        return common.AUTH_SUCCESSFUL if key == self._key else common.AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:  # noqa: ARG002
        so = self._password is not None and password == self._password
        return common.AUTH_SUCCESSFUL if so else common.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002
        return common.OPEN_SUCCEEDED if kind == "session" else common.OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED

    def check_channel_pty_request(self, *_request: Any) -> bool:
        return True

    def check_channel_shell_request(self, channel: paramiko.Channel) -> bool:  # noqa: ARG002
        self.wanted.set()
        return True

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:  # noqa: ARG002
        self.asked = command.decode(errors="replace")
        self.wanted.set()
        return True


class Served:
    """A double that listens at a port."""

    def __init__(
        self,
        device: Double,
        host_key: paramiko.PKey,
        key: paramiko.PKey | None = None,
        password: str | None = None,
        at: tuple[str, int] = ("127.0.0.1", 0),
        ciphers: Sequence[str] = (),
    ) -> None:
        """Listen; `ciphers`: the only ones that an old device has."""
        self._device = device
        self._host_key = host_key
        self._key = key
        self._password = password
        self._ciphers = ciphers
        self._listener = socket.create_server(at)
        self._open: list[paramiko.Transport] = []
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Listen no more, and end all sessions."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(_SECONDS)
        for transport in self._open:
            transport.close()

    def _listen(self) -> None:
        while True:
            try:
                visitor, (self._device.client, _port) = self._listener.accept()
            except OSError:
                return
            visitor.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._receive, args=(visitor,), daemon=True).start()

    def _receive(self, visitor: socket.socket) -> None:
        transport = paramiko.Transport(visitor)
        self._open = [*filter(paramiko.Transport.is_active, self._open), transport]
        transport.add_server_key(self._host_key)
        if self._ciphers:
            transport.get_security_options().ciphers = tuple(self._ciphers)
        door = _Door(self._key, self._password)
        with contextlib.suppress(paramiko.SSHException, EOFError, OSError):
            transport.start_server(server=door)
            channel = transport.accept(_SECONDS)
            if channel is not None and door.wanted.wait(_SECONDS):
                self._talk(transport.get_username() or "", channel, door.asked)
        transport.close()

    def _talk(self, user: str, channel: paramiko.Channel, asked: str | None) -> None:
        try:
            session = self._device.open(user)
        except (Dropped, Full) as refusal:
            channel.sendall(f"\r\n{refusal}\r\n".encode())
            return
        try:
            if asked is not None:
                _tell(session, channel, asked)
                return
            channel.sendall(session.greeting())
            while data := channel.recv(_PIECE):
                _answer(session, channel, data)
        except Dropped:
            return
        finally:
            session.close()


def _tell(session: Session, channel: paramiko.Channel, asked: str) -> None:
    """Answer a single line, without echo, pages and prompt."""
    session.length, session.quiet = 0, True
    shown = session.feed(f"{asked}\n".encode()).replace(b"\r", b"").split(b"\n")
    channel.sendall(b"".join(line + b"\n" for line in shown[1:-1]))
    channel.send_exit_status(0)
    channel.close()
    # Whoever asked hangs up when he has heard it.
    channel.get_transport().join(_SECONDS)


def _answer(session: Session, channel: paramiko.Channel, data: bytes) -> None:
    shown = session.feed(data)
    if shown:
        channel.sendall(shown)


@contextmanager
def served(
    device: Double, host_key: paramiko.PKey, key: paramiko.PKey | None = None, password: str | None = None
) -> Iterator[Served]:
    """Serve a double as long as the context lasts."""
    listening = Served(device, host_key, key, password)
    try:
        yield listening
    finally:
        listening.close()
