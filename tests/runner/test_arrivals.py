"""What has arrived of a stream, and what is still to come."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from shadowprice._errors import StalledError
from shadowprice.engines import Delta
from shadowprice.runner._arrivals import Arrivals


class Source:
    """A stream that is fed by a test."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Delta | Exception | None] = asyncio.Queue()
        self.closed = False

    def send(self, *items: int | Exception | None) -> None:
        for item in items:
            self.sent.put_nowait(Delta("x", item) if isinstance(item, int) else item)

    async def stream(self) -> AsyncGenerator[Delta, None]:
        try:
            while (item := await self.sent.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            self.closed = True


def counts(deltas: list[Delta]) -> list[int]:
    return [delta.tokens for delta in deltas]


async def coming(arrivals: Arrivals) -> int | None:
    delta = await arrivals.next()
    return None if delta is None else delta.tokens


def test_what_is_here_comes_at_once_and_the_rest_when_it_comes() -> None:
    async def work() -> None:
        source = Source()
        arrivals = Arrivals(source.stream())
        source.send(1, 2, 3)
        assert 1 == await coming(arrivals)
        assert [2, 3] == counts(await arrivals.here())
        assert [] == await arrivals.here()
        waiting = asyncio.ensure_future(coming(arrivals))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        source.send(4, 5)
        assert 4 == await waiting
        assert 5 == await coming(arrivals)
        source.send(6, None)
        await asyncio.sleep(0.01)
        assert [6] == counts(await arrivals.here())
        assert [] == await arrivals.here()
        assert None is await coming(arrivals)
        await arrivals.aclose()

    asyncio.run(work())


@pytest.mark.parametrize("asked", ["here", "next"])
def test_what_came_before_an_error_counts_and_then_the_error_comes(asked: str) -> None:
    async def work() -> None:
        source = Source()
        arrivals = Arrivals(source.stream())
        assert [] == await arrivals.here()
        source.send(1, 2, StalledError("It stands still."))
        await asyncio.sleep(0.01)
        if asked == "here":
            assert [1, 2] == counts(await arrivals.here())
        else:
            assert [1, 2] == [await coming(arrivals), await coming(arrivals)]
        with pytest.raises(StalledError):
            await (arrivals.here() if asked == "here" else arrivals.next())
        await arrivals.aclose()

    asyncio.run(work())


@pytest.mark.parametrize("reading_ahead", [True, False])
def test_closing_closes_the_stream_while_it_is_waited_for(reading_ahead: bool) -> None:
    async def work() -> None:
        source = Source()
        arrivals = Arrivals(source.stream())
        source.send(1)
        assert 1 == await coming(arrivals)
        if reading_ahead:
            assert [] == await arrivals.here()
        await arrivals.aclose()
        assert source.closed

    asyncio.run(work())
