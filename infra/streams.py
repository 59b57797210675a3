"""Two streams that are joined: bytes are passed on unread, both ways, until both ends have nothing more to say."""

import asyncio

PIECE = 256 * 1024

Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Joints:
    """Joins streams; holds whoever works on it, because a loop forgets a task that waits for a stream which is gone."""

    def __init__(self) -> None:
        self._working: set[asyncio.Task[None]] = set()

    async def join(self, near: Stream, far: Stream) -> None:
        """Pass on what each end says to the other one, and close both."""
        task = asyncio.create_task(_joined(near, far))
        self._working.add(task)
        try:
            await task
        finally:
            self._working.discard(task)


async def _joined(near: Stream, far: Stream) -> None:
    await asyncio.gather(_pump(near[0], far[1]), _pump(far[0], near[1]))
    for _reader, writer in (near, far):
        writer.close()


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(PIECE):
            sink.write(piece)
            await sink.drain()
        sink.write_eof()
    except OSError:
        sink.close()
