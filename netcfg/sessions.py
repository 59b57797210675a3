"""Sessions with devices over SSH: the one module that knows netmiko and paramiko.

Everything goes by the world's ssh_config: NAME is the vendor's command line, NAME-shell the account that keeps the
timer. Host keys are always checked, whatever that file says. What netmiko and paramiko raise is translated:

    DeviceUnreachable    no answer, no SSH, the session broke off, or the key is refused
    HostKeyMismatch      another host key than in known_hosts, or one that is not there
    CommandRejected      the answer to a line is one of the platform's refusals
"""

import base64
import hashlib
import logging
import re
import select
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import paramiko
from netmiko.base_connection import BaseConnection
from netmiko.exceptions import NetmikoBaseException, ReadTimeout
from netmiko.ssh_dispatcher import CLASS_MAPPER

from inventory.plain import one_line
from inventory.words import _
from netcfg.errors import CommandRejected, DeviceError, DeviceUnreachable, HostKeyMismatch
from netcfg.openssh import Way, way_to
from netcfg.platforms import Platform
from netcfg.terminals import Terminal

_LOG = "zhenghe.ssh"
# Paramiko tells of a failed handshake with a traceback; the error that is raised says the same to people.
logging.getLogger(_LOG).addHandler(logging.NullHandler())
logging.getLogger(_LOG).propagate = False

_ANSWER_SECONDS = 10.0
_ALIVE_SECONDS = 2.0
_MOST = 16 << 20
"""Bytes of one answer; the configuration of the largest provider edge has a tenth of that."""
_PIECE = 65536
_BROKEN = (OSError, EOFError, paramiko.SSHException, NetmikoBaseException)
_Result = TypeVar("_Result")
Passwords = Callable[[str], str | None]
"""Looks a device's password up, at the moment of its use."""


class Sessions:
    """Opens sessions with devices by their names in one ssh_config."""

    def __init__(self, ssh_config: Path, patience: float = 5.0, passwords: Passwords = lambda _device: None) -> None:
        """Remember the way; patience is how many seconds a device may take to answer at first.

        `passwords` is asked for a device's password each time that a session is opened; none: it knows our key.
        """
        self._config = ssh_config
        self._passwords = passwords
        self._patience = patience
        self._ways: dict[str, Way] = {}

    def command_line(self, device: str, platform: Platform) -> "CommandLine":
        """Open a device's command line."""
        client = self._open(device, device)
        with _translated(device), client.closed_on_failure():
            return CommandLine(device, platform, client)

    def terminal(self, device: str, platform: Platform) -> Terminal:
        """Open the command line of a device that has nothing else."""
        client = self._open(device, device)
        with client.closed_on_failure():
            return Terminal(device, platform, _Bytes(device, client))

    @contextmanager
    def asking(self, device: str, platform: Platform) -> Iterator["CommandLine | ShellLine | Terminal"]:
        """Open whatever a device's command line is asked by."""
        if platform.dialogue is not None:
            with self.terminal(device, platform) as terminal:
                yield terminal
        elif platform.driver:
            with self.command_line(device, platform) as line:
                yield line
        else:
            with self.shell(device) as shell:
                yield ShellLine(platform, shell)

    def shell(self, device: str) -> "Shell":
        """Open the device's account with a plain shell."""
        return Shell(device, self._open(device, f"{device}-shell"))

    def _open(self, device: str, name: str) -> "_Client":
        with _translated(device):
            options = self._way(name)
            client = _Client()
            with client.closed_on_failure():
                client.open(options, self._patience, self._passwords(device))
            return client

    def _way(self, name: str) -> "Way":
        if name not in self._ways:
            self._ways[name] = way_to(self._config, name)
        return self._ways[name]


class Shell:
    """A plain shell on a device; a context that closes itself."""

    def __init__(self, device: str, client: "_Client") -> None:
        self._device = device
        self._client = client
        self.keeper: Conversation | None = None
        """What keeps changes there, once somebody has asked for it."""

    def converse(self, arguments: Sequence[str], opening: str) -> "Conversation":
        """Start a program that answers line by line, and tell it how."""
        with _translated(self._device):
            return Conversation(self._device, self._client, shlex.join(arguments), opening)

    def ask(self, command: str, seconds: float = _ANSWER_SECONDS) -> str | None:
        """Return what a command prints, or None where it fails."""
        with _translated(self._device):
            _stdin, printed, _stderr = self._client.exec_command(command, timeout=seconds)
            answer = _heard(printed)
            return answer if printed.channel.recv_exit_status() == 0 else None

    def __enter__(self) -> Self:
        return self

    @property
    def alive(self) -> bool:
        """Say whether the session still answers."""
        return _answers(lambda: self.ask(":", _ALIVE_SECONDS))

    def close(self) -> None:
        """End the session."""
        self._client.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Conversation:
    """A program on a device that answers each line with one; it ends with the session."""

    def __init__(self, device: str, client: "_Client", command: str, opening: str) -> None:
        self._device = device
        self._sent, self._printed, self._complained = client.exec_command(command)
        self._sent.write(opening)

    def ask(self, line: str, seconds: float) -> str:
        """Return the answer to a line; DeviceUnreachable where none comes, and the program has ended."""
        with _translated(self._device):
            self._sent.channel.settimeout(seconds)
            self._sent.write(line + "\n")
            self._sent.flush()
            answer = self._printed.readline(_MOST)
            if not answer.endswith("\n"):
                why = one_line(_heard(self._complained)[-500:])
                raise DeviceUnreachable(self._device, why or _("the session broke off"))
            return str(answer)


class ShellLine:
    """The command line of a device whose shell account asks for it; the session is the shell's."""

    def __init__(self, platform: Platform, shell: Shell) -> None:
        self._platform = platform
        self._shell = shell
        self.hostname: str = (shell.ask(platform.shell.hostname) or "").strip()
        """What the device calls itself."""

    def ask(self, command: str) -> str:
        """Ask a line and return the answer; empty where it is refused."""
        return self._shell.ask(self._platform.shell.line.format(command=shlex.quote(command))) or ""

    def running(self) -> str:
        """Return the configuration that is in force."""
        return self._shell.ask(self._platform.commands.running) or ""


class _Bytes:
    """Carries what a terminal says and hears."""

    def __init__(self, device: str, client: "_Client") -> None:
        self._device = device
        self._client = client
        with _translated(device):
            # Wide, so that no line is broken; high, in case a device goes by it where it stops at a page.
            self._channel = client.invoke_shell("vt100", width=511, height=1000)

    def send(self, data: bytes) -> None:
        with _translated(self._device):
            self._channel.sendall(data)

    def heard(self, seconds: float) -> bytes:
        with _translated(self._device):
            self._channel.settimeout(seconds)
            try:
                come = self._channel.recv(_PIECE)
            except TimeoutError:
                return b""
            if not come:
                raise EOFError(_("the session broke off"))
            return come

    def close(self) -> None:
        self._client.close()


class CommandLine:
    """The vendor's command line of a device; a context that closes itself."""

    def __init__(self, device: str, platform: Platform, client: "_Client") -> None:
        self._device = device
        self._platform = platform
        self._literal = str.maketrans(platform.commands.literal)
        self._channel = _channel_class(platform.driver)(
            host=device, username="-", device_type=platform.driver, client=client
        )
        self.hostname: str = self._channel.base_prompt
        """What the device calls itself in its prompt."""
        self.ask(platform.commands.paging)

    def ask(self, command: str, seconds: float = _ANSWER_SECONDS) -> str:
        """Send a line and return the answer, without the line's echo and the prompt."""
        with _translated(self._device):
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
        return _answers(lambda: self.ask("", _ALIVE_SECONDS))

    def close(self) -> None:
        """End the session."""
        self._channel.disconnect()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Client(paramiko.SSHClient):
    """A client that is opened once, by ssh_config, and then handed to netmiko as it is."""

    _process: subprocess.Popen[bytes] | None = None

    def open(self, way: Way, patience: float, password: str | None) -> None:
        self.set_log_channel(_LOG)
        self.set_missing_host_key_policy(_Refuse())
        for path in way.known_hosts:
            self.load_system_host_keys(str(path))
        keys: Any = list(way.keys)
        super().connect(
            way.alias or way.host,
            22 if way.alias else way.port,
            username=way.user,
            key_filename=keys,
            password=password,
            sock=self._socket(way, patience),
            allow_agent=way.agent,
            look_for_keys=False,
            timeout=patience,
            banner_timeout=patience,
            auth_timeout=patience,
            channel_timeout=patience,
        )

    def connect(self, *_args: Any, **_options: Any) -> None:
        """Do nothing: netmiko asks for it, and the connection is there already."""

    def close(self) -> None:
        super().close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _socket(self, way: Way, patience: float) -> socket.socket:
        if way.command is None:
            direct = socket.create_connection((way.host, way.port), patience)
            # Small packets wait for nothing: a handshake takes 10 ms instead of 93.
            direct.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return direct
        # A real socket in place of paramiko's ProxyCommand, which reads in small pieces and leaves its process behind.
        mine, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                ("/bin/sh", "-c", f"exec {way.command}"),
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return mine


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Lets no host in that known_hosts does not have."""

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> None:
        raise _Unknown(key)


class _TooLong(paramiko.SSHException):
    def __init__(self) -> None:
        super().__init__(f"its answer is longer than {_MOST >> 20} MiB")


class _Unknown(paramiko.SSHException):
    def __init__(self, key: paramiko.PKey) -> None:
        super().__init__("unknown host key")
        self.key = key


class _Lean:
    """What replaces netmiko's preparations: it reads one prompt and sleeps nowhere."""

    host: str
    base_prompt: str
    RETURN: str
    write_channel: Callable[[str], None]
    remote_conn: paramiko.Channel
    _come = 0
    _prompt = r"^[\w.-]+[>#] ?\Z"

    def __init__(self, client: _Client, **options: Any) -> None:
        self._client = client
        super().__init__(**options)

    def _build_ssh_client(self) -> _Client:
        return self._client

    def special_login_handler(self, delay_factor: float = 1.0) -> None:
        """Nothing is asked before the first prompt."""

    def _try_session_preparation(self, force_data: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002
        greeting = self._read(_ANSWER_SECONDS)
        self.base_prompt = greeting.splitlines()[-1].strip().rstrip(">#")
        # The name is part of it, for an answer may end like a prompt.
        self._prompt = rf"^{re.escape(self.base_prompt)}(?:\([^)\r\n]*\))?[>#] ?\Z"

    def cleanup(self, command: str = "") -> None:
        """Nothing has to be left first: closing the session ends it."""

    def answer(self, command: str, seconds: float) -> str:
        self.write_channel(command + self.RETURN)
        return self._read(seconds)

    def read_channel(self) -> str:
        """Read what has come; a device that does not end is not listened to any longer."""
        come: str = super().read_channel()  # type: ignore[misc]
        self._come += len(come)
        if self._come > _MOST:
            raise _TooLong
        return come

    def _read(self, seconds: float) -> str:
        """Wait for the prompt; netmiko would look for it in all that has come, every ten milliseconds."""
        self._come = 0
        said, limit = "", time.monotonic() + seconds
        while re.search(self._prompt, said[said.rfind("\n") + 1 :]) is None:
            left = limit - time.monotonic()
            if left <= 0:
                raise ReadTimeout(_("no prompt came within {seconds:.0f} s").format(seconds=seconds))
            select.select([self.remote_conn], [], [], left)
            if self.remote_conn.closed or (self.remote_conn.eof_received and not self.remote_conn.recv_ready()):
                raise EOFError(_("the session broke off"))
            said += self.read_channel()
        return said


def _answers(ask: Callable[[], str | None]) -> bool:
    try:
        return ask() is not None
    except DeviceError:
        return False


def _heard(stream: paramiko.ChannelFile) -> str:
    said = stream.read(_MOST + 1)
    if len(said) > _MOST:
        stream.channel.close()
        raise _TooLong
    return said.decode(errors="replace")


def _channel_class(driver: str) -> Any:
    base: type[BaseConnection] = CLASS_MAPPER[driver]
    return type("Lean", (_Lean, base), {})


@contextmanager
def _translated(device: str) -> Iterator[None]:
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise HostKeyMismatch(device, _fingerprint(error.key), _fingerprint(error.expected_key)) from error
    except _Unknown as error:
        raise HostKeyMismatch(device, _fingerprint(error.key), None) from error
    except paramiko.AuthenticationException as error:
        raise DeviceUnreachable(device, f"the key is refused ({error})") from error
    except _BROKEN as error:
        reason = one_line(str(error).strip().split("\n", maxsplit=1)[0], 500) or type(error).__name__
        raise DeviceUnreachable(device, reason) from error


def _fingerprint(key: paramiko.PKey) -> str:
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"
