"""What arrives for one request, as deltas: counted, split into reasoning and answer, and cut at its cap."""

from typing import Any, Final

from shadowprice._text import Joiner
from shadowprice.engines._base import Delta, FinishReason, Request
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._confidence import Confidence, read_confidence
from shadowprice.engines._count import Doubt, TokenCount
from shadowprice.engines._reading import MalformedChunkError, Reading, read_chunk
from shadowprice.engines._thinking import ThinkingSplitter

_FINISHES: Final[dict[str, FinishReason]] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "stop",
    "function_call": "stop",
    "eos": "stop",
    "stop_sequence": "stop",
}
_SLACK: Final = 1
"""Tokens by which a server's count may fall short of the cap that ended a reply: some leave the last one out."""


class ReplyReader:
    """Reads the chunks of one reply in order.

    Args:
        request: What was asked.
        complaints: How to speak of it.
        thinking_opened: The chat template opens the reasoning, so that a reply has the closing tag only.
        require_usage: Refuse replies whose tokens the server does not count.
    """

    def __init__(
        self, request: Request, complaints: Complaints, *, thinking_opened: bool = False, require_usage: bool = False
    ) -> None:
        self.cut = False
        """Whether the cap is passed, so that the stream should be closed."""
        self._request = request
        self._complaints = complaints
        self._splitter = ThinkingSplitter(opened=thinking_opened)
        self._text, self._reasoning = Joiner(), Joiner()
        self._require_usage = require_usage
        self._count = TokenCount()
        self._usage_seen = False
        self._thought = 0
        """Tokens by the time of the last piece of reasoning; reasoning comes first."""
        self._answered = False
        self._thinking_tokens: int | None = None
        self._finish: str | None = None
        self._confidence: tuple[Confidence, ...] = ()

    @property
    def tokens(self) -> int:
        """Tokens generated so far."""
        return self._count.tokens

    @property
    def finished(self) -> bool:
        """Whether the server has said how the reply ended, and nothing that is needed is missing."""
        return self._finish is not None and (self._usage_seen or not self._require_usage)

    def doubts(self) -> list[Doubt]:
        """What is odd about the counts of this reply so far."""
        found = self._count.doubts()
        return [*found, "beyond"] if self.cut else found

    def read(self, chunk: Any, *, whole: bool = False) -> Delta | None:
        """Turn a chunk into a delta, or into nothing if it carries no piece of the reply.

        A piece beyond the cap is counted but not handed on, and sets `cut`.

        Args:
            chunk: What was sent, decoded.
            whole: It is the whole reply, of a server that does not stream.

        Raises:
            EngineError: The chunk reports a failure, or is not what the protocol says.
        """
        try:
            reading = read_chunk(chunk, whole=whole)
        except MalformedChunkError as error:
            raise self._complaints.broken(f"the server sent {error}", self.tokens) from error
        if reading.error is not None:
            raise self._complaints.failed(reading.error, self.tokens)
        holds = self._take_count(reading)
        self._finish = reading.finish or self._finish
        # A reply that has ended is counted by what comes last, and there is nothing left to cut.
        if self.tokens > self._request.max_tokens and not whole and (holds or self._finish is None):
            self.cut = True
            return None
        if not holds:
            return None
        if self._request.confidence:
            self._confidence = read_confidence(chunk)
        thinking, text = self._splitter.feed(reading.text) if reading.text else ("", "")
        return self._delta(text, reading.thinking + thinking)

    def end(self) -> Delta:
        """The last delta, with what was still waiting and how the reply ended.

        Raises:
            EngineError: The reply did not end, was ended by something that is neither the model nor the cap, or has no
                count.
        """
        thinking, text = self._splitter.flush()
        return self._delta(text, thinking, self._reason(), last=True)

    def _reason(self) -> FinishReason:
        if self._require_usage and not (self._usage_seen or self.cut):
            raise self._complaints.broken(
                "it reports no usage, which is required", self.tokens, advice="choose a server that counts tokens"
            )
        if self.cut:
            return "length"
        if self._finish is None:
            raise self._complaints.broken("it ended without a finish_reason", self.tokens)
        if self._finish == "content_filter":
            raise self._complaints.broken("the server filtered it", self.tokens, advice="ask something else")
        reason = _FINISHES.get(self._finish)
        if reason is None:
            raise self._complaints.failed(f"finish_reason {self._finish}", self.tokens)
        cap = self._request.max_tokens
        if reason == "length" and self._count.counted_by != "deltas" and self.tokens < cap - _SLACK:
            raise self._complaints.broken(
                f"a limit of the server's own, such as its context, ended it before its cap of {cap}",
                self.tokens,
                advice="lower the cap, or raise that limit",
            )
        return reason

    def _take_count(self, reading: Reading) -> bool:
        holds = self._count.take(reading)
        if reading.counted_by is not None:
            self._usage_seen |= reading.counted_by == "usage"
        elif reading.whole:
            raise self._complaints.broken(
                "it came whole and without usage, so that its tokens cannot be counted",
                self.tokens,
                advice="choose a server that streams",
            )
        if reading.thinking_tokens is not None:
            self._thinking_tokens = reading.thinking_tokens
        return holds

    def _delta(self, text: str, thinking: str, reason: FinishReason | None = None, *, last: bool = False) -> Delta:
        text, thinking = self._text.join(text, last=last), self._reasoning.join(thinking, last=last)
        if thinking and not self._answered:
            self._thought = self.tokens
        self._answered |= bool(text.strip())
        known, confidence = self._thinking_known() if last else None, self._confidence
        self._confidence = ()
        return Delta(text, self.tokens, reason, thinking, self._count.counted_by, known, confidence)

    def _thinking_known(self) -> int | None:
        """What the server reports, unless more was seen: vLLM counts pieces, others say 0 where they cannot tell."""
        known = max(self._thought, self._thinking_tokens or 0)
        return min(known, self.tokens) if known or self._thinking_tokens is not None else None
