"""The wire: one request to ``/chat/completions``, its chunks as they come, every failure as an `EngineError`."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol, TypeVar

import aiohttp

from shadowprice._http import hang_up, is_unreachable, open_session, unread, words
from shadowprice._pages import PLAIN, PageError, check_plain, decode_json, read_body
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._events import EventReader, EventSizeError

_T = TypeVar("_T")
_GRACE: Final = 5.0
"""Seconds that a finished reply waits for its usage."""
_PARTING: Final = 0.05
"""Seconds that a stream gets to end once it has said that it is over, so that its connection can be used again."""
_LONGEST_ERROR: Final = 65_536
"""Bytes of an error's body that are read."""
_MOST_REPLY_BYTES: Final = 16 << 20
"""Bytes of a reply that comes whole."""
_MOST_EVENT_BYTES: Final = 16 << 20
_LARGE: Final = 1 << 20
"""Bytes of a request that are sent at once."""
_HEADERS: Final = {"Accept": "text/event-stream", "Content-Type": "application/json", **PLAIN}


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
        self._url = address.asked(address.endpoint("/chat/completions"))
        self._proxy = address.proxy()
        self._session: aiohttp.ClientSession | None = None
        self._once: aiohttp.ClientSession | None = None
        """For a request that a kept connection has lost: others may be closed as well, so it gets one of its own."""
        self._kept = False
        """Whether a connection may have been kept for a further request."""

    async def chunks(
        self, body: Mapping[str, Any], complaints: Complaints, progress: Progress
    ) -> AsyncGenerator[Chunk, None]:
        """The reply's chunks; a whole reply is one chunk. Closing this closes the connection.

        Raises:
            EngineError: The server could not be reached, refused, stalled, or broke off.
        """
        clock = _Clock(self._timeout, self._stall, complaints, progress)
        response = await clock.wait(self._send(json.dumps(body).encode()))
        try:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status != 200:
                raise complaints.refused(response.status, response.headers, await clock.wait(_head(response)))
            if kind == "application/json":
                content = await clock.wait(read_body(response, _MOST_REPLY_BYTES))
                yield Chunk(_decode(content.decode("utf-8", "replace"), complaints, progress), whole=True)
                return
            if kind != "text/event-stream":
                raise complaints.broken(f"it is {kind or 'of no type'}, no stream of events", 0, advice=_CHECK_URL)
            check_plain(response)
            stream = _Stream(response.content)
            while events := await clock.wait(stream.next()):
                for event in events:
                    if event == "[DONE]":
                        await stream.part()
                        return
                    yield Chunk(_decode(event, complaints, progress), whole=False)
        except PageError as error:
            raise complaints.broken(error, progress.tokens, advice="choose a server that sends less") from error
        finally:
            self._kept |= response.content.at_eof()
            hang_up(response)

    async def aclose(self) -> None:
        """Close all connections."""
        for session in (self._session, self._once):
            if session is not None:
                await session.close()

    async def _send(self, body: bytes) -> aiohttp.ClientResponse:
        if self._session is None:
            self._session = self._open(keep=True)
        try:
            return await self._post(self._session, body)
        except (aiohttp.ClientOSError, aiohttp.ClientConnectionResetError, aiohttp.ServerDisconnectedError) as error:
            if not self._kept or is_unreachable(error):
                raise
        # A server may close a connection that was kept just when the next request comes; llama.cpp does, often.
        if self._once is None:
            self._once = self._open(keep=False)
        return await self._post(self._once, body)

    def _open(self, *, keep: bool) -> aiohttp.ClientSession:
        """A session, which belongs to the loop that it is made in."""
        headers = {**_HEADERS, **self.address.headers()}
        return open_session(self.address.shown, headers=headers, proxy=self._proxy, keep=keep)

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> aiohttp.ClientResponse:
        data = body if len(body) <= _LARGE else io.BytesIO(body)
        return await session.post(self._url, data=data, allow_redirects=False)


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
        except aiohttp.ClientError as error:
            unreachable, said = is_unreachable(error), words(error)
        except EventSizeError as error:
            unreachable, said = False, str(error)
        except TimeoutError as error:
            if left <= patience:
                raise self._complaints.late(self._timeout, tokens) from error
            raise self._complaints.stalled(patience, tokens) from error
        raise self._complaints.unreachable(said) if unreachable else self._complaints.broken(said, tokens)


class _Stream:
    """The events of a stream."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content
        self._reader = EventReader(_MOST_EVENT_BYTES)
        self._failure: aiohttp.ClientError | None = None

    async def next(self) -> list[str]:
        """The data of the events that come next, all that are here; none at the end."""
        while self._failure is None:
            try:
                block = await self._content.readany()
            except aiohttp.ClientError as error:
                self._failure, block = error, unread(self._content)
            else:
                if not block:
                    return []
            if events := self._reader.feed(block):
                return events
        raise self._failure

    async def part(self) -> None:
        """Wait a moment for the end of a stream that is over."""
        if self._content.at_eof():
            return
        with suppress(TimeoutError, aiohttp.ClientError):
            async with asyncio.timeout(_PARTING):
                await self._content.readany()


async def _head(response: aiohttp.ClientResponse) -> bytes:
    """The beginning of an error's body; nothing of it where it is compressed."""
    head = bytearray()
    try:
        check_plain(response)
    except PageError:
        return b""
    async for block in response.content.iter_any():
        head += block
        if len(head) > _LONGEST_ERROR:
            break
    return bytes(head[:_LONGEST_ERROR])


def _decode(text: str, complaints: Complaints, progress: Progress) -> Any:
    try:
        return decode_json(text)
    except ValueError as error:
        raise complaints.broken(f"malformed JSON: {text[:80]!r}", progress.tokens) from error
