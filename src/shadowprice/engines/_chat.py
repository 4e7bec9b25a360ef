"""The wire: one request to ``/chat/completions``, its chunks as they come, every failure as an `EngineError`."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import aclosing
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import httpx2

from shadowprice._pages import PLAIN, PageError, check_plain, decode_json, read_body
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._complaints import Complaints

_T = TypeVar("_T")
_CONNECT: Final = 10.0
"""Seconds until a server must have taken a connection."""
_GRACE: Final = 5.0
"""Seconds that a finished reply waits for its usage."""
_LONGEST_ERROR: Final = 65_536
"""Bytes of an error's body that are read."""
_MOST_REPLY_BYTES: Final = 16 << 20
"""Bytes of a reply that comes whole."""
_MOST_EVENT_BYTES: Final = 16 << 20


class Chunk(NamedTuple):
    """What came at one time."""

    data: Any
    """Decoded from JSON."""
    whole: bool
    """Whether it is the whole reply, by its content type."""


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
    ) -> AsyncGenerator[Chunk, None]:
        """The reply's chunks; a whole reply is one chunk. Closing this closes the connection.

        Raises:
            EngineError: The server could not be reached, refused, stalled, or broke off.
        """
        clock = _Clock(self._timeout, self._stall, complaints, progress)
        url = self.address.endpoint("/chat/completions")
        request = self._client.build_request(
            "POST",
            url,
            json=body,
            headers={"Accept": "text/event-stream", **PLAIN},
            extensions=self.address.extensions(url),
        )
        response = await clock.wait(self._client.send(request, stream=True))
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status_code != 200:
                raise complaints.refused(response.status_code, response.headers, await clock.wait(_head(response)))
            if kind == "application/json":
                content = await clock.wait(read_body(response, _MOST_REPLY_BYTES))
                yield Chunk(_decode(content.decode("utf-8", "replace"), complaints, progress), whole=True)
                return
            if kind != "text/event-stream":
                raise complaints.broken(f"it is {kind or 'of no type'}, no stream of events", 0, advice=_CHECK_URL)
            check_plain(response)
            # A stream of events is UTF-8, whatever a server says; Python knows encodings that are none.
            response.encoding = "utf-8"
            async with aclosing(_events(response)) as events:
                while (event := await clock.wait(anext(events, None))) is not None and event.data != "[DONE]":
                    yield Chunk(_decode(event.data, complaints, progress), whole=False)
        except PageError as error:
            raise complaints.broken(error, progress.tokens, advice="choose a server that sends less") from error
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
    """The beginning of an error's body; nothing of it where it is compressed."""
    head = bytearray()
    try:
        check_plain(response)
    except PageError:
        return b""
    async for block in response.aiter_raw():
        head += block
        if len(head) > _LONGEST_ERROR:
            break
    return bytes(head[:_LONGEST_ERROR])


def _decode(text: str, complaints: Complaints, progress: Progress) -> Any:
    try:
        return decode_json(text)
    except ValueError as error:
        raise complaints.broken(f"malformed JSON: {text[:80]!r}", progress.tokens) from error
