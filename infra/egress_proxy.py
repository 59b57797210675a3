"""The way out for programs that are kept in a network namespace of their own: an HTTP proxy behind a Unix socket.

`python -m infra.egress_proxy COMMAND…` runs a command that is to find such a proxy: EGRESS in its environment names
the socket, which only our own user may open. The proxy goes where the process itself may go, by way of another proxy
where its environment names one, and ends with the command.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import urllib.request
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from infra.parent_death import killed_with_parent
from infra.streams import PIECE, Joints, Stream

EGRESS = "ZHENGHE_EGRESS"
Dial = Callable[[str, int], Awaitable[Stream]]
_HEAD_SECONDS = 60.0
_HOP = (b"connection:", b"proxy-connection:", b"proxy-authorization:", b"keep-alive:")
_HTTP = 80


async def serve(place: Path, dial: Dial) -> asyncio.Server:
    """Answer at a path from now on; `dial` opens the connections."""
    joints = Joints()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                host, port, head = _asked(await reader.readuntil(b"\r\n\r\n"))
                far = await dial(host, port)
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            _refuse(writer, HTTPStatus.BAD_REQUEST)
        except (OSError, TimeoutError):
            _refuse(writer, HTTPStatus.BAD_GATEWAY)
        else:
            if head:
                far[1].write(head)
            else:
                writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await joints.join((reader, writer), far)

    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(answer, place, limit=PIECE)
    finally:
        os.umask(before)


def _asked(said: bytes) -> tuple[str, int, bytes]:
    """Return host, port and what is to be said there first; nothing where the client says it itself."""
    line, _, rest = said.partition(b"\r\n")
    method, target, version = line.split()
    if method == b"CONNECT":
        host, _, port = target.decode("ascii").rpartition(":")
        return host.strip("[]"), int(port), b""
    url = urlsplit(target.decode("ascii"))
    if url.scheme != "http" or not url.hostname:
        raise ValueError(target)
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    # One connection for each request: the next one of the client's may mean another host.
    kept = [each for each in rest.split(b"\r\n") if each and not each.lower().startswith(_HOP)]
    head = b" ".join((method, path.encode("ascii"), version))
    return url.hostname, url.port or _HTTP, b"\r\n".join((head, *kept, b"Connection: close", b"", b""))


def _refuse(writer: asyncio.StreamWriter, status: HTTPStatus) -> None:
    text = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    writer.write(text.encode())
    writer.close()


async def directly(host: str, port: int) -> Stream:
    """Open a connection from here, by way of the proxy that the environment names for the host."""
    proxy = urlsplit(urllib.request.getproxies().get("https", ""))
    if not proxy.hostname or urllib.request.proxy_bypass(f"{host}:{port}"):
        return await asyncio.open_connection(host, port, limit=PIECE)
    reader, writer = await asyncio.open_connection(proxy.hostname, proxy.port or _HTTP, limit=PIECE)
    await connected(reader, writer, host, port)
    return reader, writer


async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Have a proxy open a connection; ConnectionError where it does not."""
    place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    writer.write(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode("ascii"))
    said = await reader.readuntil(b"\r\n\r\n")
    if said.split()[1:2] != [b"200"]:
        writer.close()
        raise ConnectionError(said.partition(b"\r\n")[0].decode("ascii", "replace"))


async def _beside(command: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="zhenghe-") as folder:
        place = Path(folder, "egress")
        server = await serve(place, directly)
        environment = {**os.environ, EGRESS: str(place)}
        process = await asyncio.create_subprocess_exec(*killed_with_parent(command), env=environment)
        code = await process.wait()
        server.close()
    return code


def main() -> None:
    """Run the command of the arguments beside a proxy, and end as it ends."""
    code = asyncio.run(_beside(sys.argv[1:]))
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


if __name__ == "__main__":
    main()
