"""Unix sockets in front of SSH ports: each connection goes on over a socket born in a namespace of the twin."""

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from infra.streams import PIECE, Joints

Dial = Callable[[], tuple[socket.socket, tuple[str, int]]]
"""Gives an unconnected socket and the address that it has to be connected to."""
CONNECT_SECONDS = 10.0
"""A device whose management interface is shut does not even refuse."""


class Relay:
    """Plain relays, all in one thread of their own; bytes are passed on unread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._joints = Joints()
        self._servers: dict[Path, asyncio.Server] = {}
        threading.Thread(target=self._loop.run_forever, name="relay", daemon=True).start()

    def open(self, path: Path, dial: Dial) -> None:
        """Listen at a path; only root may connect."""
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(path))
        path.chmod(0o600)
        self._ask(self._open(path, listener, dial))

    def close(self, path: Path) -> None:
        """Stop listening at a path and remove it."""
        self._ask(self._close(path))
        path.unlink(missing_ok=True)

    def _ask(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _open(self, path: Path, listener: socket.socket, dial: Dial) -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await _pass_on(reader, writer, dial, self._joints)

        server = await asyncio.start_unix_server(serve, sock=listener, backlog=128, limit=PIECE)
        self._servers[path] = server

    async def _close(self, path: Path) -> None:
        server = self._servers.pop(path, None)
        if server is not None:
            server.close()


async def _pass_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, dial: Dial, joints: Joints
) -> None:
    stream, address = await asyncio.to_thread(dial)
    stream.setblocking(False)  # noqa: FBT003 -- the socket's own word
    try:
        await asyncio.wait_for(asyncio.get_running_loop().sock_connect(stream, address), CONNECT_SECONDS)
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        far_reader, far_writer = await asyncio.open_connection(sock=stream, limit=PIECE)
    except (OSError, TimeoutError):
        # A host that is down refuses; the client sees its connection closed, as from a port that nobody listens on.
        stream.close()
        writer.close()
        return
    await joints.join((reader, writer), (far_reader, far_writer))
