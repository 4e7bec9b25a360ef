"""Connections to one server that are kept, and what becomes of a request that one of them has lost."""

import asyncio
from collections.abc import Mapping
from typing import Final

from yarl import URL

from shadowprice._exchange import Answer, Connection, LostError
from shadowprice._http import Route, as_url

_AT_ONCE: Final = 0.1
"""Seconds within which a connection that was closed before is found to be lost; later, its server was at work."""
_IDLE: Final = 4.0
"""Seconds for which a connection is kept for the next request; many servers close theirs after five."""
_ALWAYS: Final = {"accept": "*/*", "user-agent": "shadowprice"}


class Connections:
    """Sends requests to one server over kept connections. To be used in one event loop.

    A server may close a connection that was kept just when the next request comes; llama.cpp does, often. Other kept
    ones may be closed as well, so such a request is sent once more on a new connection.

    Only finding a server has a limit of time; the rest is timed by whoever asks.

    Args:
        url: Of the server, or any page of it.
        headers: Sent with every request.
        proxy: What stands between, from `proxy_for`.

    Raises:
        ValueError: A URL is none.
    """

    def __init__(self, url: URL | str, *, headers: Mapping[str, str] | None = None, proxy: str | None = None) -> None:
        server = as_url(url) if isinstance(url, str) else url
        self._route = Route(server, None if proxy is None else as_url(proxy))
        self._headers = {"host": self._route.host, **_ALWAYS, **self._route.headers(), **_lower(headers or {})}
        self._kept: list[tuple[Connection, float]] = []
        """Those that nobody uses, and until when they are kept, by the loop's clock; the newest last."""
        self._sweeping: asyncio.Handle | None = None
        self._closed = False

    async def request(
        self, method: str, url: URL, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request; the body of its answer is yet to be read, and then given to `part`.

        Redirects are not followed.

        Args:
            method: Of HTTP.
            url: A page of this server.
            body: None for none.
            headers: Beside those of every request, in whose place they go.

        Raises:
            NoWayError: There is no way to the server.
            HttpError: The connection broke before an answer came, or what came is none.
        """
        sent = self._headers if headers is None else self._headers | _lower(headers)
        target = self._route.target(url)
        loop = asyncio.get_running_loop()
        connection = self._take(loop)
        if connection is not None:
            at_work: list[bool] = []
            # Not by a clock: a loop that was busy meanwhile hears of the loss first, and then of the time.
            timer = loop.call_later(_AT_ONCE, at_work.append, True)
            answer = connection.ask(method, target, sent, body)
            try:
                await self._heads(answer)
            except LostError:
                if answer.begun or at_work:
                    raise
            else:
                return answer
            finally:
                timer.cancel()
        connection = await self._route.open()
        answer = connection.ask(method, target, sent, body)
        await self._heads(answer)
        return answer

    def part(self, answer: Answer) -> None:
        """Be done with an answer: its connection is kept if all of it was read, and closed at once if not."""
        connection = answer.connection
        if not answer.part():
            return
        if self._closed:
            connection.abort()
            return
        self._kept.append((connection, connection.loop.time() + _IDLE))
        if self._sweeping is None:
            self._sweeping = connection.loop.call_later(_IDLE, self._sweep, connection.loop)

    async def aclose(self) -> None:
        """Close all connections that nobody uses; those in use are closed by whoever does."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for connection, _ in self._kept:
            connection.abort()
        self._kept.clear()

    async def _heads(self, answer: Answer) -> None:
        try:
            await answer.head()
        except BaseException:
            self.part(answer)
            raise

    def _take(self, loop: asyncio.AbstractEventLoop) -> Connection | None:
        now = loop.time()
        while self._kept:
            connection, until = self._kept.pop()
            if now < until and not connection.lost:
                return connection
            connection.abort()
        return None

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._sweeping = None
        now = loop.time()
        for connection, until in self._kept:
            if now >= until:
                connection.abort()
        self._kept = [(connection, until) for connection, until in self._kept if not connection.lost]
        if self._kept:
            self._sweeping = loop.call_later(self._kept[0][1] - now, self._sweep, loop)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
