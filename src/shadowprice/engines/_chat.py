"""The wire: one request to ``/chat/completions``, its chunks as they come, every failure as an `EngineError`."""

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import suppress
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from shadowprice._connections import Connections
from shadowprice._exchange import Answer, HttpError
from shadowprice._http import NoWayError
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
        headers = {**_HEADERS, **address.headers()}
        self._connections = Connections(address.shown, headers=headers, proxy=address.proxy())

    async def chunks(
        self, body: Mapping[str, Any], complaints: Complaints, progress: Progress
    ) -> AsyncGenerator[Chunk, None]:
        """The reply's chunks; a whole reply is one chunk. Closing this closes the connection.

        Raises:
            EngineError: The server could not be reached, refused, stalled, or broke off.
        """
        clock = _Clock(self._timeout, self._stall, complaints, progress)
        response = await clock.wait(self._connections.request("POST", self._url, json.dumps(body).encode()))
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
            stream = _Stream(response)
            while events := await clock.wait(stream.next()):
                for event in events:
                    if event == "[DONE]":
                        await stream.part()
                        return
                    yield Chunk(_decode(event, complaints, progress), whole=False)
        except PageError as error:
            raise complaints.broken(error, progress.tokens, advice="choose a server that sends less") from error
        finally:
            self._connections.part(response)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._connections.aclose()


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
        except NoWayError as error:
            raise self._complaints.unreachable(str(error)) from error
        except (HttpError, EventSizeError) as error:
            raise self._complaints.broken(error, tokens) from error
        except TimeoutError as error:
            if left <= patience:
                raise self._complaints.late(self._timeout, tokens) from error
            raise self._complaints.stalled(patience, tokens) from error


class _Stream:
    """The events of a stream."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._reader = EventReader(_MOST_EVENT_BYTES)

    async def next(self) -> list[str]:
        """The data of the events that come next, all that are here; none at the end."""
        while block := await self._answer.read():
            if events := self._reader.feed(block):
                return events
        return []

    async def part(self) -> None:
        """Wait a moment for the end of a stream that is over."""
        if self._answer.read_up:
            return
        with suppress(TimeoutError, HttpError):
            async with asyncio.timeout(_PARTING):
                await self._answer.read()


async def _head(response: Answer) -> bytes:
    """The beginning of an error's body; nothing of it where it is compressed."""
    head = bytearray()
    try:
        check_plain(response)
    except PageError:
        return b""
    while block := await response.read():
        head += block
        if len(head) > _LONGEST_ERROR:
            break
    return bytes(head[:_LONGEST_ERROR])


def _decode(text: str, complaints: Complaints, progress: Progress) -> Any:
    try:
        return decode_json(text)
    except ValueError as error:
        raise complaints.broken(f"malformed JSON: {text[:80]!r}", progress.tokens) from error
