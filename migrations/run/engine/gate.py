"""Stands before an engine that asks nobody who he is: only our own user comes through.

    python gate.py SOCKET PORT COMMAND...

runs in a network namespace of its own, starts the command there, and listens at a Unix socket, where it speaks as an
HTTP proxy (CONNECT): whoever may open the socket is connected to the port in here, and nobody else has a way to it, nor
to whatever else the command listens at. Ends as the command ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import struct
import sys
from pathlib import Path

_PIECE = 256 * 1024
_LONGEST = 4096
_SET_PDEATHSIG = 1


def main(argv: list[str]) -> int:
    """Serve until the command ends, and return its status, or 128 and the number of the signal that ended it."""
    ctypes.CDLL(None).prctl(_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    # A socket's path may have a hundred bytes at most, and a run's folder may have a long one.
    os.chdir(Path(argv[0]).parent)
    Path(argv[0]).unlink(missing_ok=True)
    code = asyncio.run(_serve(Path(argv[0]), int(argv[1]), argv[2:]))
    return code if code >= 0 else 128 - code


async def _serve(place: Path, port: int, command: list[str]) -> int:
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ValueError, asyncio.IncompleteReadError):
            await _pass_on(reader, writer, port)
        writer.close()

    before = os.umask(0o177)
    server = await asyncio.start_unix_server(take, place.name, limit=_PIECE)
    os.umask(before)
    # Whatever descriptors this process was left, such as a lock, are the command's too.
    words = ["setpriv", "--pdeathsig", "KILL", "--", *command]
    process = await asyncio.create_subprocess_exec(*words, close_fds=False)
    code = await process.wait()
    server.close()
    return code


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    if _user_of(writer) != os.getuid():
        return
    head = await reader.readuntil(b"\r\n\r\n")
    if len(head) > _LONGEST or not head.startswith(b"CONNECT "):
        raise ValueError("this is no request for a connection")
    try:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port, limit=_PIECE)
    except OSError:
        writer.write(b"HTTP/1.1 503 Service Unavailable\r\n\r\n")
        await writer.drain()
        return
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    try:
        await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
    finally:
        far_writer.close()


def _user_of(writer: asyncio.StreamWriter) -> int:
    size = struct.calcsize("3i")
    return int(struct.unpack("3i", writer.get_extra_info("socket").getsockopt(1, socket.SO_PEERCRED, size))[1])


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    while piece := await source.read(_PIECE):
        sink.write(piece)
        await sink.drain()
    with contextlib.suppress(OSError):
        sink.write_eof()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
