"""The near end of the egress proxy: what runs in a network namespace of its own speaks to the cloud through it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from infra.egress_proxy import connected
from infra.streams import PIECE, Joints, Stream

LOOPBACK = "127.0.0.1"
_OURS = "127.0.0.1,localhost,::1"
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""By these all programs here find the proxy: some know the one spelling, some the other."""


class EgressClient:
    """A proxy at this namespace's loopback, which passes on to the egress proxy; ends with this process."""

    def __init__(self, egress: Path) -> None:
        self._egress = str(egress)
        self._loop = asyncio.new_event_loop()
        self._joints = Joints()
        self._servers: list[asyncio.Server] = []
        self._thread = threading.Thread(target=self._loop.run_forever, name="egress", daemon=True)
        self._thread.start()

    def open(self) -> None:
        """Listen, and have this process and those that it starts go through it."""
        port = self._listen(self._through, 0)
        for name in PROXIES:
            os.environ[name] = _OURS if name.lower() == "no_proxy" else f"http://{LOOPBACK}:{port}"

    def lend(self, ports: Iterable[int]) -> None:
        """Listen at ports of this loopback too, and pass on to the same ports of the loopback outside.

        No program asks a proxy for its own loopback.
        """
        lent: set[int] = set()
        for port in ports:
            # At once: the next one may be asked for through it.
            if port not in lent:
                self._listen(lambda port=port: self._to(port), port)  # type: ignore[misc]
                lent.add(port)

    def close(self) -> None:
        """Cut whatever is still open."""

        async def cut() -> None:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(cut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _listen(self, dial: Callable[[], Coroutine[Any, Any, Stream]], port: int) -> int:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                far = await dial()
            except (OSError, asyncio.IncompleteReadError):
                writer.close()
                return
            await self._joints.join((reader, writer), far)

        async def start() -> int:
            server = await asyncio.start_server(answer, LOOPBACK, port, limit=PIECE)
            self._servers.append(server)
            return int(server.sockets[0].getsockname()[1])

        return asyncio.run_coroutine_threadsafe(start(), self._loop).result()

    async def _through(self) -> Stream:
        return await asyncio.open_unix_connection(self._egress, limit=PIECE)

    async def _to(self, port: int) -> Stream:
        reader, writer = await self._through()
        await connected(reader, writer, LOOPBACK, port)
        return reader, writer
