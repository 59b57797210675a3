"""Sessions with devices over SSH, by the world's ssh_config.

NAME is the vendor's command line, NAME-shell the account that keeps the timer. Errors are those of `netcfg.ssh`.
"""

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from inventory.plain import one_line
from inventory.words import _
from netcfg import ssh
from netcfg.command_line import CommandLine
from netcfg.errors import DeviceUnreachable
from netcfg.openssh import Way, way_to
from netcfg.platforms import Platform
from netcfg.terminals import Terminal

_PIECE = 65536
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

    def command_line(self, device: str, platform: Platform) -> CommandLine:
        """Open a device's command line."""
        client = self._open(device, device)
        with ssh.translated(device), client.closed_on_failure():
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

    def _open(self, device: str, name: str) -> ssh.Client:
        with ssh.translated(device):
            options = self._way(name)
            client = ssh.Client()
            with client.closed_on_failure():
                client.open(options, self._patience, self._passwords(device))
            return client

    def _way(self, name: str) -> "Way":
        if name not in self._ways:
            self._ways[name] = way_to(self._config, name)
        return self._ways[name]


class Shell:
    """A plain shell on a device; a context that closes itself."""

    def __init__(self, device: str, client: ssh.Client) -> None:
        self._device = device
        self._client = client
        self.keeper: Conversation | None = None
        """What keeps changes there, once somebody has asked for it."""

    def converse(self, arguments: Sequence[str], opening: str) -> "Conversation":
        """Start a program that answers line by line, and tell it how."""
        with ssh.translated(self._device):
            return Conversation(self._device, self._client, shlex.join(arguments), opening)

    def ask(self, command: str, seconds: float = ssh.ANSWER_SECONDS) -> str | None:
        """Return what a command prints, or None where it fails."""
        with ssh.translated(self._device):
            _stdin, printed, _stderr = self._client.exec_command(command, timeout=seconds)
            answer = ssh.heard(printed)
            return answer if printed.channel.recv_exit_status() == 0 else None

    def __enter__(self) -> Self:
        return self

    @property
    def alive(self) -> bool:
        """Say whether the session still answers."""
        return ssh.alive(lambda seconds: self.ask(":", seconds))

    def close(self) -> None:
        """End the session."""
        self._client.close()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Conversation:
    """A program on a device that answers each line with one; it ends with the session."""

    def __init__(self, device: str, client: ssh.Client, command: str, opening: str) -> None:
        self._device = device
        self._sent, self._printed, self._complained = client.exec_command(command)
        self._sent.write(opening)

    def ask(self, line: str, seconds: float) -> str:
        """Return the answer to a line; DeviceUnreachable where none comes, and the program has ended."""
        with ssh.translated(self._device):
            self._sent.channel.settimeout(seconds)
            self._sent.write(line + "\n")
            self._sent.flush()
            answer = self._printed.readline(ssh.MOST)
            if not answer.endswith("\n"):
                why = one_line(ssh.heard(self._complained)[-500:])
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

    def __init__(self, device: str, client: ssh.Client) -> None:
        self._device = device
        self._client = client
        with ssh.translated(device):
            # Wide, so that no line is broken; high, in case a device goes by it where it stops at a page.
            self._channel = client.invoke_shell("vt100", width=511, height=1000)

    def send(self, data: bytes) -> None:
        with ssh.translated(self._device):
            self._channel.sendall(data)

    def heard(self, seconds: float) -> bytes:
        with ssh.translated(self._device):
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
