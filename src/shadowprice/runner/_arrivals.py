"""Reading a stream so that it can be told what has arrived already from what is still to come."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress

from shadowprice.engines import Delta

_TURNS = 8
"""Turns of the event loop that a piece takes, at most, from the socket to here; real servers' pieces took 2 to 5."""


class Arrivals:
    """The deltas of one reply.

    Args:
        stream: What an engine's `stream` gave.
    """

    def __init__(self, stream: AsyncGenerator[Delta, None]) -> None:
        self._stream = stream
        self._reading: asyncio.Task[None] | None = None
        """Reads ahead once it was asked what is here: a stream cannot be asked without waiting for it."""
        self._here: deque[Delta] = deque()
        self._news = asyncio.Event()

    async def next(self) -> Delta | None:
        """The next delta, when it comes; None at the end."""
        if self._reading is None:
            return await anext(self._stream, None)
        while not self._here:
            if self._reading.done():
                self._reading.result()  # raises what went wrong
                return None
            self._news.clear()
            await self._news.wait()
        return self._here.popleft()

    async def here(self) -> list[Delta]:
        """The deltas that have arrived; none where nothing has, or at the end."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
        for _ in range(_TURNS):
            if self._here or self._reading.done():
                break
            await asyncio.sleep(0)
        deltas = list(self._here)
        self._here.clear()
        if not deltas and self._reading.done():
            self._reading.result()  # raises what went wrong
        return deltas

    async def _read(self) -> None:
        try:
            async for delta in self._stream:
                self._here.append(delta)
                self._news.set()
        finally:
            self._news.set()

    async def aclose(self) -> None:
        """Close the stream, and wait until it is closed."""
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._reading
        await self._stream.aclose()
