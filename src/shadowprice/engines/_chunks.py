"""What llama.cpp's chat stream says, chunk by chunk, as deltas with exact token counts."""

from collections.abc import Mapping
from typing import Any

from shadowprice._errors import EngineError
from shadowprice._text import Joiner
from shadowprice.engines._base import Delta, FinishReason, Request
from shadowprice.engines._confidence import Confidence, read_confidence


class ChunkReader:
    """Reads the chunks of one reply in order.

    Text waits for the next chunk that carries a count, so that every delta is exact. One delta holds several
    tokens where a character, or what may become a stop string, spans them.
    """

    def __init__(self, request: Request, context: int) -> None:
        self._request = request
        self._context = context
        self._text = ""
        self._confidence: tuple[Confidence, ...] = ()
        self._joiner = Joiner()
        self._reason: FinishReason | None = None
        self.finished = False

    def read(self, chunk: Mapping[str, Any]) -> Delta | None:
        """Turn a chunk into a delta, or into nothing if it carries no count.

        Raises:
            EngineError: The chunk reports a failure, or the context was full before the cap was reached.
        """
        if "error" in chunk:
            message = str(chunk["error"].get("message", chunk["error"])).rstrip(".")
            raise EngineError(f"Request {self._request.request_id}: llama.cpp refused it: {message}.")
        if self._request.confidence:
            self._confidence += read_confidence(chunk)
        for choice in chunk["choices"]:
            self._text += choice["delta"].get("content") or ""
            self._reason = choice["finish_reason"] or self._reason
        if usage := chunk.get("usage"):
            return self._last(usage["completion_tokens"])
        if timings := chunk.get("timings"):
            return self._delta(timings["predicted_n"])
        return None

    def _last(self, tokens: int) -> Delta:
        if self._reason == "length" and tokens < self._request.max_tokens:
            raise EngineError(
                f"Request {self._request.request_id}: its context of {self._context} tokens was full after "
                f"{tokens} of {self._request.max_tokens} tokens; raise `context` or lower the cap."
            )
        self.finished = True
        return self._delta(tokens, self._reason)

    def _delta(self, tokens: int, reason: FinishReason | None = None) -> Delta:
        text, self._text = self._joiner.join(self._text, last=self.finished), ""
        confidence, self._confidence = self._confidence, ()
        return Delta(text, tokens, reason, confidence=confidence)
