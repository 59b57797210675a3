"""Serves the provider to Pulumi's engine, with refusals as sentences instead of tracebacks."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Awaitable
from typing import Any

import grpc
import grpc.aio
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2_grpc

from infra.provider.endpoint import EndpointError
from infra.provider.twin import TwinProvider

_MESSAGE_BYTES = 400 * 1024 * 1024
VERSION = "0.1.0"


class Servicer(ProviderServicer):
    """The SDK's servicer; what the cloud refuses reaches the engine as a message."""

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Create, or say why not."""
        return await _said(super().Create(request, context), context)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Read, or say why not."""
        return await _said(super().Read(request, context), context)

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Update, or say why not."""
        return await _said(super().Update(request, context), context)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Delete, or say why not."""
        return await _said(super().Delete(request, context), context)


async def _said(call: Awaitable[Any], context: Any) -> Any:
    try:
        return await call
    except Exception as error:
        # The SDK wraps what a provider raises into an exception whose message carries the traceback.
        refusal = error.__context__
        if not isinstance(refusal, EndpointError):
            raise
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(refusal))


async def _serve(engine_address: str) -> None:
    limits = [("grpc.max_receive_message_length", _MESSAGE_BYTES), ("grpc.max_send_message_length", _MESSAGE_BYTES)]
    server = grpc.aio.server(options=limits)
    servicer = Servicer([], VERSION, TwinProvider(), engine_address=engine_address)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await server.wait_for_termination()


def main(arguments: list[str]) -> int:
    """Serve the engine whose address is the last argument, until it ends this process."""
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    if not addresses:
        sys.stderr.write("pulumi-resource-zhenghe is started by Pulumi's engine, with its address as argument\n")
        return 2
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(addresses[-1]))
    return 0
