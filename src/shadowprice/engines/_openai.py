"""Any server that speaks OpenAI's chat protocol: vLLM, SGLang, llama.cpp, Ollama, OpenAI and many more."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from shadowprice._errors import EngineError, InputError
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._base import AbstractEngine, Delta, Request
from shadowprice.engines._chat import ChatConnection
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._dialects import Dialect, build_body, get_dialect
from shadowprice.engines._doubts import Doubts
from shadowprice.engines._identify import read_counter
from shadowprice.engines._reply_reader import ReplyReader

_OVERSHOOT: Final = 4
"""Tokens that a server makes between the last piece that was read and its noticing that nobody reads on."""
_OVERSHOOT_NEARBY: Final = 2
"""The same for a server on this machine; the real llama.cpp made 1.4 on average, 16 replies at a time."""
_SETTLES: Final = 0.3
"""Seconds within which a server's metrics take in a request that was closed."""
_LOOKS: Final = 10


class OpenAIEngine(AbstractEngine):
    """A model behind an OpenAI-compatible server, streamed from ``/chat/completions``. To be used in one event loop.

    Tokens are counted by what the server reports, by the pieces that arrive, and by the fewest tokens that their text
    can be, whichever is highest, and each delta says which it was; `remarks` says where they disagree. A reply that
    goes on beyond its cap is cut here: the last delta's `tokens` then says by how much it went too far, and what was
    written beyond the cap is not handed on.

    Args:
        url: Base URL of the API, ``http://host:port/v1``; user and password in it are sent as Basic authentication.
        model: The model's name on that server.
        api_key: Sent as a bearer token; part of no message, repr or log.
        dialect: How the server wants to be asked: openai, vllm, sglang, llamacpp, ollama, or one of your own.
        timeout: Seconds for a whole reply.
        stall: Seconds to wait for the first piece of a reply, and for each next one.
        thinking_opened: The chat template opens the reasoning, so that replies have the closing tag only.
        counter: The server's metric that counts generated tokens, from `identify`, where it shows one.
        overshoot: Tokens to allow for what the server makes after a stream was closed; 4 by default, 2 on this machine.
        require_usage: Fail on replies that come without usage, instead of counting what arrived.
        confidence: The server gives log-probabilities that are real, as `probe` found, so they may be asked for.

    Raises:
        InputError: The URL, the key, the dialect or a number is not what it should be.
    """

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str | None = None,
        dialect: str | Dialect = "openai",
        timeout: float = 600.0,
        stall: float = 120.0,
        thinking_opened: bool = False,
        counter: str | None = None,
        overshoot: int | None = None,
        require_usage: bool = False,
        confidence: bool = False,
    ) -> None:
        if not model:
            raise InputError("The model has no name: give the one that the server's /v1/models lists.")
        if overshoot is not None and overshoot < 0:
            raise InputError(f"`overshoot` must be 0 or more tokens, not {overshoot}.")
        for name, value in (("timeout", timeout), ("stall", stall)):
            if not value > 0:
                raise InputError(f"`{name}` must be more than 0 seconds, not {value}.")
        self.model = model
        self.dialect = get_dialect(dialect)
        self._address = ServerAddress(url, api_key)
        self._connection = ChatConnection(self._address, timeout=timeout, stall=stall)
        self._thinking_opened = thinking_opened
        usual = _OVERSHOOT_NEARBY if self._address.local else _OVERSHOOT
        self.overshoot = usual if overshoot is None else overshoot
        self.runs_ahead = True
        self.resumes = self.dialect.resume is not None
        self.tells_confidence = confidence
        self._counter = counter
        self._require_usage = require_usage
        self._doubts = Doubts()
        self._unreadable = False
        self._closed = False

    @property
    def url(self) -> str:
        """The base URL, without user, password and query."""
        return self._address.shown

    def __repr__(self) -> str:
        return f"OpenAIEngine({self.url!r}, {self.model!r}, dialect={self.dialect.name!r})"

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Generate a reply piece by piece. Closing the generator closes the connection, on which the server stops.

        Raises:
            InputError: The dialect cannot say what the request asks for.
            EngineError: The server could not be reached, refused the request, stalled, or broke off; `retryable`,
                `retry_after` and `tokens` say whether to ask again, when, and what it has cost.
        """
        if self._closed:
            raise EngineError(f"The engine of {self.url} was closed: make a new one.")
        body = build_body(request, self.model, self.dialect)
        complaints = Complaints(self._address, f"Request {request.request_id}")
        opened = self._thinking_opened and not request.prefix
        reader = ReplyReader(request, complaints, thinking_opened=opened, require_usage=self._require_usage)
        try:
            async with aclosing(self._connection.chunks(body, complaints, reader)) as chunks:
                try:
                    async for chunk in chunks:
                        delta = reader.read(chunk.data, whole=chunk.whole)
                        if reader.cut:
                            break
                        if delta is not None:
                            yield delta
                except EngineError:
                    # A reply that has said how it ended is whole, whatever becomes of the connection.
                    if not reader.finished:
                        raise
            yield reader.end()
        finally:
            self._doubts.add(reader.doubts())

    async def total_generated(self) -> int | None:
        """The server's metric, where it shows one; it counts for everybody who asks that server."""
        if self._counter is None:
            return None
        count = await asyncio.to_thread(read_counter, self._address, self._counter)
        for _ in range(_LOOKS):
            await asyncio.sleep(_SETTLES)
            before, count = count, await asyncio.to_thread(read_counter, self._address, self._counter)
            if count == before:
                break
        self._unreadable |= count is None
        return count

    def remarks(self) -> list[str]:
        """What was odd about the counting of tokens in all replies so far; replies that were stopped are among them."""
        unreadable = [f"The server's metric {self._counter} cannot be read: what it has generated in all is unknown."]
        return [*self._doubts.sentences(), *(unreadable if self._unreadable else [])]

    async def aclose(self) -> None:
        """Close all connections; safe to call twice."""
        self._closed = True
        await self._connection.aclose()
