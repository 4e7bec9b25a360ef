"""The wire: one request to ``/chat/completions``, its chunks as they come, every failure as an `EngineError`."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import Any, Final, Protocol, TypeVar

import httpx2

from shadowprice._errors import EngineError
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._complaints import Complaints

_T = TypeVar("_T")
_CONNECT: Final = 10.0
"""Seconds until a server must have taken a connection."""
_GRACE: Final = 5.0
"""Seconds that a finished reply waits for its usage."""
_LONGEST_ERROR: Final = 65_536
"""Bytes of an error's body that are read."""
_MOST_EVENT_BYTES: Final = 16 << 20


class Progress(Protocol):
    """How far a reply has come, which tells what a failure has cost."""

    @property
    def tokens(self) -> int:
        """Tokens generated so far."""

    @property
    def finished(self) -> bool:
        """Whether the reply itself is complete."""


class ChatConnection:
    """Asks one server, many requests at a time. To be used in one event loop.

    Args:
        address: The server.
        timeout: Seconds for a whole reply, from the request to its end.
        stall: Seconds to wait for anything at all, be it the first piece of a reply or the next.
    """

    def __init__(self, address: ServerAddress, *, timeout: float, stall: float) -> None:
        self.address = address
        self._timeout = timeout
        self._stall = stall
        self._client = httpx2.AsyncClient(
            headers=address.headers(),
            # Reading is timed here: how long may be waited for depends on what has come already.
            timeout=httpx2.Timeout(None, connect=_CONNECT),
            limits=httpx2.Limits(max_connections=None, max_keepalive_connections=64),
            trust_env=not address.local,
        )

    async def chunks(
        self, body: Mapping[str, Any], complaints: Complaints, progress: Progress
    ) -> AsyncGenerator[Any, None]:
        """The reply's chunks, decoded from JSON; a whole reply is one chunk. Closing this closes the connection.

        Raises:
            EngineError: The server could not be reached, refused, stalled, or broke off.
        """
        clock = _Clock(self._timeout, self._stall, complaints, progress)
        url = self.address.endpoint("/chat/completions")
        request = self._client.build_request(
            "POST",
            url,
            json=body,
            headers={"Accept": "text/event-stream", "Accept-Encoding": "identity"},
            extensions=self.address.extensions(url),
        )
        response = await clock.wait(self._client.send(request, stream=True))
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status_code != 200:
                raise complaints.refused(response.status_code, response.headers, await clock.wait(_head(response)))
            if kind == "application/json":
                yield _decode((await clock.wait(response.aread())).decode("utf-8", "replace"), complaints, progress)
                return
            if kind != "text/event-stream":
                raise complaints.broken(f"it is {kind or 'of no type'}, no stream of events", 0, advice=_CHECK_URL)
            async with aclosing(_events(response)) as events:
                while (event := await clock.wait(anext(events, None))) is not None and event.data != "[DONE]":
                    yield _decode(event.data, complaints, progress)
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()


_CHECK_URL: Final = "check the URL, which usually ends in /v1"


class _Clock:
    """Waits, but not for ever, and turns what goes wrong meanwhile into errors of ours."""

    def __init__(self, timeout: float, stall: float, complaints: Complaints, progress: Progress) -> None:
        self._timeout = timeout
        self._deadline = asyncio.get_running_loop().time() + timeout
        self._stall = stall
        self._complaints = complaints
        self._progress = progress

    async def wait(self, result: Awaitable[_T]) -> _T:
        left = self._deadline - asyncio.get_running_loop().time()
        patience = min(self._stall, _GRACE) if self._progress.finished else self._stall
        tokens = self._progress.tokens
        try:
            async with asyncio.timeout(min(left, patience)):
                return await result
        except TimeoutError as error:
            if left <= patience:
                raise self._complaints.late(self._timeout, tokens) from error
            raise self._complaints.stalled(patience, tokens) from error
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError) as error:
            raise self._complaints.unreachable(error) from error
        except httpx2.RequestError as error:
            raise self._complaints.broken(error, tokens) from error


async def _events(response: httpx2.Response) -> AsyncGenerator[httpx2.ServerSentEvent, None]:
    async for event in httpx2.EventSource(response, _MOST_EVENT_BYTES):
        yield event


async def _head(response: httpx2.Response) -> bytes:
    head = b""
    async for block in response.aiter_bytes():
        head += block
        if len(head) > _LONGEST_ERROR:
            break
    return head[:_LONGEST_ERROR]


def _decode(text: str, complaints: Complaints, progress: Progress) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise _malformed(text, complaints, progress) from error


def _malformed(text: str, complaints: Complaints, progress: Progress) -> EngineError:
    return complaints.broken(f"malformed JSON: {text[:80]!r}", progress.tokens)
