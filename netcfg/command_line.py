"""The vendor's command line of a device with a shell account: the one module that knows netmiko.

Errors are those of `netcfg.ssh`, and CommandRejected where the answer to a line is one of the platform's refusals.
"""

import re
import select
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import paramiko
from netmiko.base_connection import BaseConnection
from netmiko.exceptions import NetmikoBaseException, ReadTimeout
from netmiko.ssh_dispatcher import CLASS_MAPPER

from inventory.plain import one_line
from inventory.words import _
from netcfg import ssh
from netcfg.errors import CommandRejected
from netcfg.guards.texts import data_of, pieces
from netcfg.platforms import Platform

_PIECE = 65536
_NEWLINE = re.compile(r"\r{0,3}\n\r?|\r")
"""Ends of lines as devices write them."""


class CommandLine:
    """The vendor's command line of a device; a context that closes itself."""

    def __init__(self, device: str, platform: Platform, client: ssh.Client) -> None:
        self._device = device
        self._platform = platform
        self._literal = str.maketrans(platform.commands.literal)
        self._channel = _channel_class(platform.driver)(
            host=device, username="-", device_type=platform.driver, client=client
        )
        self.hostname: str = self._channel.base_prompt
        """What the device calls itself in its prompt."""
        self.ask(platform.commands.paging)

    def ask(self, command: str, seconds: float = ssh.ANSWER_SECONDS) -> str:
        """Send a line and return the answer, without the line's echo and the prompt."""
        with ssh.translated(self._device, NetmikoBaseException):
            answer = self._channel.answer(command, seconds)
        return "\n".join(line.rstrip("\r") for line in answer.split("\n")[1:-1])

    def running(self) -> str:
        """Return the configuration that is in force."""
        return self.ask(self._platform.commands.running)

    def configure(self, commands: Sequence[str], in_time: Callable[[str], None]) -> None:
        """Type commands in configuration mode; CommandRejected at the first that is refused, those before it stand.

        `in_time` is asked before each one, and raises where it is too late.
        """
        if not commands:
            return
        self._take(self._platform.commands.configure)
        for command in commands:
            in_time(command)
            self._take(command)
        self._take(self._platform.commands.end)

    def save(self) -> None:
        """Make the running configuration the one to start with."""
        self._take(self._platform.commands.save)

    def _take(self, command: str) -> None:
        answer = self.ask(command.translate(self._literal))
        refusal = re.search(self._platform.rejected, answer, re.MULTILINE)
        if refusal is not None:
            line, reason = (self._platform.masked(text) for text in (command, one_line(refusal[0], 500)))
            raise CommandRejected(self._device, line, reason)

    def __enter__(self) -> Self:
        return self

    @property
    def alive(self) -> bool:
        """Say whether the session still answers."""
        return ssh.alive(lambda seconds: self.ask("", seconds))

    def close(self) -> None:
        """End the session."""
        self._channel.disconnect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Lean:
    """What replaces netmiko's preparations: it reads one prompt and sleeps nowhere."""

    host: str
    base_prompt: str
    RETURN: str
    remote_conn: paramiko.Channel | None
    _come = 0
    _prompt = r"^[\w.-]+[>#] ?\Z"

    def __init__(self, client: ssh.Client, **options: Any) -> None:
        self._client = client
        self._pieces = pieces()
        super().__init__(**options)

    def _build_ssh_client(self) -> ssh.Client:
        return self._client

    def special_login_handler(self, delay_factor: float = 1.0) -> None:
        """Nothing is asked before the first prompt."""

    def _try_session_preparation(self, force_data: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002
        greeting = self._read(ssh.ANSWER_SECONDS)
        self.base_prompt = greeting.splitlines()[-1].strip().rstrip(">#")
        # The name is part of it, for an answer may end like a prompt.
        self._prompt = rf"^{re.escape(self.base_prompt)}(?:\([^)\r\n]*\))?[>#] ?\Z"

    def cleanup(self, command: str = "") -> None:
        """Nothing has to be left first: closing the session ends it."""

    def answer(self, command: str, seconds: float) -> str:
        self.write_channel(command + self.RETURN)
        return self._read(seconds)

    @property
    def _conn(self) -> paramiko.Channel:
        """What is written to and read from; netmiko forgets it when a session ends."""
        if self.remote_conn is None:
            raise EOFError(_("the session broke off"))
        return self.remote_conn

    def write_channel(self, out_data: str) -> None:
        """Send what is typed, byte for byte."""
        self._conn.sendall(data_of(out_data))

    def read_channel(self) -> str:
        """Read what has come; a device that does not end is not listened to any longer.

        netmiko would leave out a character that comes in two pieces, and bytes that are no UTF-8.
        """
        come = self._conn.recv(_PIECE) if self._conn.recv_ready() else b""
        self._come += len(come)
        if self._come > ssh.MOST:
            raise ssh.TooLong
        return self._pieces.decode(come)

    def _read(self, seconds: float) -> str:
        """Wait for the prompt; netmiko would look for it in all that has come, every ten milliseconds."""
        self._come = 0
        said, limit = "", time.monotonic() + seconds
        while re.search(self._prompt, said[max(said.rfind("\n"), said.rfind("\r")) + 1 :]) is None:
            left = limit - time.monotonic()
            if left <= 0:
                raise ReadTimeout(_("no prompt came within {seconds:.0f} s").format(seconds=seconds))
            select.select([self._conn], [], [], left)
            if self._conn.closed or (self._conn.eof_received and not self._conn.recv_ready()):
                raise EOFError(_("the session broke off"))
            said += self.read_channel()
        return _NEWLINE.sub("\n", said)


def _channel_class(driver: str) -> Any:
    base: type[BaseConnection] = CLASS_MAPPER[driver]
    return type("Lean", (_Lean, base), {})
