"""Replies from recordings: for tests, for replaying traces and for measuring everything but the model."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass

from shadowprice._errors import EngineError, InputError
from shadowprice.engines._base import AbstractEngine, Delta, FinishReason, Request


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply, as it was recorded or made up."""

    text: str
    """All text of the reply."""
    tokens: int
    """Tokens generated for it, at least 1."""
    finish_reason: FinishReason = "stop"
    """How it ended."""

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise InputError(f"A reply has at least 1 token, not {self.tokens}.")


class ReplayEngine(AbstractEngine):
    """Replays replies; the tokens of a reply share its text evenly.

    A request whose cap is below the recording is cut there, with `length`. Temperature, seed and stop strings
    are not looked at: they acted when the reply was recorded.

    Args:
        replies: Replies by request id, or a function that answers a request.
        model: Name of the model that wrote the replies.
        step: Tokens per delta.
        delay: Seconds before every delta; with 0, other tasks still run in between.

    Raises:
        InputError: `step` is below 1 or `delay` is negative.
    """

    def __init__(
        self,
        replies: Mapping[str, Reply] | Callable[[Request], Reply],
        *,
        model: str = "replay",
        step: int = 1,
        delay: float = 0.0,
    ) -> None:
        if step < 1:
            raise InputError(f"`step` must be at least 1 token, not {step}.")
        if not delay >= 0:
            raise InputError(f"`delay` must be at least 0 seconds, not {delay}.")
        self.model = model
        self._replies = replies
        self._step = step
        self._delay = delay

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Replay a reply piece by piece.

        Raises:
            EngineError: There is no recording for the request.
        """
        async with aclosing(self._play(self._reply_to(request), request.max_tokens)) as deltas:
            async for delta in deltas:
                yield delta

    async def _play(self, reply: Reply, cap: int) -> AsyncGenerator[Delta, None]:
        last = min(reply.tokens, cap)
        begin = 0
        for tokens in [*range(self._step, last, self._step), last]:
            await asyncio.sleep(self._delay)
            end = len(reply.text) * tokens // reply.tokens
            yield Delta(reply.text[begin:end], tokens, _reason(reply, tokens, last))
            begin = end

    def _reply_to(self, request: Request) -> Reply:
        if not isinstance(self._replies, Mapping):
            return self._replies(request)
        try:
            return self._replies[request.request_id]
        except KeyError:
            raise EngineError(
                f"Request {request.request_id} is not among the {len(self._replies)} recorded replies."
            ) from None


def _reason(reply: Reply, tokens: int, last: int) -> FinishReason | None:
    if tokens < last:
        return None
    return reply.finish_reason if last == reply.tokens else "length"
