"""SSH connections by ssh_config, with host keys always checked: the one module that knows paramiko's client side.

paramiko's errors are translated:

    DeviceUnreachable    no answer, no SSH, the connection broke off, or the key is refused
    HostKeyMismatch      another host key than in known_hosts, or one that is not there
"""

import base64
import hashlib
import logging
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import paramiko

from inventory.plain import one_line
from inventory.words import _
from netcfg.errors import DeviceError, DeviceUnreachable, HostKeyMismatch
from netcfg.guards.texts import text_of
from netcfg.openssh import Way

_LOG = "zhenghe.ssh"
# Paramiko tells of a failed handshake with a traceback; the error that is raised says the same to people.
logging.getLogger(_LOG).addHandler(logging.NullHandler())
logging.getLogger(_LOG).propagate = False

ANSWER_SECONDS = 10.0
_ALIVE_SECONDS = 2.0
MOST = 16 << 20
"""Bytes of one answer; the configuration of the largest provider edge has a tenth of that."""
_OLD_CIPHERS = ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc")
_OLD_MACS = ("hmac-md5", "hmac-sha1-96", "hmac-md5-96")
"""What paramiko would use unasked, and OpenSSH only where ssh_config permits it."""
_BROKEN = (OSError, EOFError, paramiko.SSHException)


class Client(paramiko.SSHClient):
    """A client that is opened once, by ssh_config, and then handed to netmiko as it is."""

    _process: subprocess.Popen[bytes] | None = None

    def open(self, way: Way, patience: float, password: str | None) -> None:
        """Connect; patience is how many seconds each part of that may take."""
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
            disabled_algorithms={"ciphers": _others(_OLD_CIPHERS, way.ciphers), "macs": _others(_OLD_MACS, way.macs)},
        )

    def connect(self, *_args: Any, **_options: Any) -> None:
        """Do nothing: netmiko asks for it, and the connection is there already."""

    def close(self) -> None:
        """End the connection, and the process that carried it."""
        super().close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @contextmanager
    def closed_on_failure(self) -> Iterator[None]:
        """Leave no connection behind where what is done with it fails."""
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


def _others(known: Sequence[str], permitted: Sequence[str]) -> list[str]:
    return [each for each in known if each not in permitted]


class _Refuse(paramiko.MissingHostKeyPolicy):
    """Lets no host in that known_hosts does not have."""

    def missing_host_key(self, _client: paramiko.SSHClient, _hostname: str, key: paramiko.PKey) -> None:
        raise _Unknown(key)


class TooLong(paramiko.SSHException):
    """A device says more than any answer has."""

    def __init__(self) -> None:
        super().__init__(f"its answer is longer than {MOST >> 20} MiB")


class _Unknown(paramiko.SSHException):
    def __init__(self, key: paramiko.PKey) -> None:
        super().__init__("unknown host key")
        self.key = key


def alive(ask: Callable[[float], str | None]) -> bool:
    """Say whether a session still answers, if it is asked for no longer than some seconds."""
    try:
        return ask(_ALIVE_SECONDS) is not None
    except DeviceError:
        return False


def heard(stream: paramiko.ChannelFile) -> str:
    """Return all that a stream says until it ends; TooLong where that is too much."""
    said = stream.read(MOST + 1)
    if len(said) > MOST:
        stream.channel.close()
        raise TooLong
    return text_of(said)


@contextmanager
def translated(device: str, *engine: type[Exception]) -> Iterator[None]:
    """Raise this package's errors in place of paramiko's, and of those of an engine that stands on it."""
    try:
        yield
    except paramiko.BadHostKeyException as error:
        raise HostKeyMismatch(device, _fingerprint(error.key), _fingerprint(error.expected_key)) from error
    except _Unknown as error:
        raise HostKeyMismatch(device, _fingerprint(error.key), None) from error
    except paramiko.AuthenticationException as error:
        raise DeviceUnreachable(device, f"the key is refused ({error})") from error
    except paramiko.ssh_exception.IncompatiblePeer as error:
        text = _("it offers only algorithms that nobody permitted ({why}); where it has no others, permit them for "
                 "this device alone in ssh_config: Ciphers +…, MACs +…")  # fmt: skip
        raise DeviceUnreachable(device, text.format(why=one_line(str(error), 200))) from error
    except _BROKEN + engine as error:
        reason = one_line(str(error).strip().split("\n", maxsplit=1)[0], 500) or type(error).__name__
        raise DeviceUnreachable(device, reason) from error


def _fingerprint(key: paramiko.PKey) -> str:
    digest = base64.b64encode(hashlib.sha256(key.asbytes()).digest()).decode().rstrip("=")
    return f"{key.get_name()} SHA256:{digest}"
