"""Reading a stream so that it can be told what has arrived already from what is still to come."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

from shadowprice.engines import Delta

_TURNS = 16
"""Turns of the event loop that a piece takes, at most, from the socket to here; real servers' pieces took 2 to 5."""


class Arrivals:
    """The deltas of one reply.

    Args:
        stream: What an engine's `stream` gave.
    """

    def __init__(self, stream: AsyncGenerator[Delta, None]) -> None:
        self._stream = stream
        self._coming: asyncio.Task[Delta | None] | None = None

    async def next(self) -> Delta | None:
        """The next delta, when it comes; None at the end."""
        if self._coming is None:
            return await anext(self._stream, None)
        coming = self._coming
        try:
            return await coming
        finally:
            if coming.done():
                self._coming = None

    async def here(self) -> Delta | None:
        """The next delta if it has arrived; None if it has not, or at the end."""
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._one())
        for _ in range(_TURNS):
            if self._coming.done():
                return await self.next()
            await asyncio.sleep(0)
        return None

    async def _one(self) -> Delta | None:
        return await anext(self._stream, None)

    async def aclose(self) -> None:
        """Close the stream, and wait until it is closed."""
        if self._coming is not None:
            self._coming.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._coming
            self._coming = None
        await self._stream.aclose()
