"""One cheap request of a probe, and what came of it."""

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

from shadowprice._errors import RefusedError
from shadowprice.engines._chat import ChatConnection
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._confidence import Confidence, read_confidence
from shadowprice.engines._count import TokenCount
from shadowprice.engines._reading import MalformedChunkError, Reading, read_chunk

_SLACK: Final = 8
"""Tokens beyond its cap after which a reply is cut off here."""


@dataclass(slots=True)
class Observation:
    """What a server did with one request."""

    cap: int
    """Tokens that were asked for at most."""
    text: str = ""
    thinking: str = ""
    count: TokenCount = field(default_factory=TokenCount)
    """All that counts tokens."""
    finish: str | None = None
    """The server's word for how the reply ended; None if it did not, or was cut off here."""
    whole: bool = False
    """Whether the reply came in one go."""
    usage: int | None = None
    """Tokens by the server's last usage."""
    running: str | None = None
    """What counted tokens while the reply was written: usage or timings."""
    thinking_tokens: int | None = None
    """Reasoning tokens by the server's own count."""
    thought: int = 0
    """Tokens by the time of the last piece of reasoning before the answer."""
    confidence: list[Confidence] = field(default_factory=list)
    """How sure the model was of each token, as far as that is told."""
    refusal: RefusedError | None = None
    """Why there is no reply."""

    @property
    def tokens(self) -> int:
        """Tokens generated, by the highest count."""
        return self.count.tokens

    @property
    def pieces(self) -> int:
        """Chunks that carried something."""
        return self.count.pieces

    @property
    def finished(self) -> bool:
        """Part of what `Progress` asks for."""
        return self.finish is not None

    def take(self, reading: Reading) -> None:
        """Add what a chunk says."""
        self.text += reading.text
        self.thinking += reading.thinking
        self.count.take(reading)
        self.finish = reading.finish or self.finish
        self.whole |= reading.whole
        if reading.counted_by is not None and reading.piece and not reading.whole:
            self.running = reading.counted_by
        if reading.counted_by == "usage":
            self.usage = reading.tokens
        if reading.thinking and not self.text.strip():
            self.thought = self.tokens
        if reading.thinking_tokens is not None:
            self.thinking_tokens = reading.thinking_tokens


async def observe(
    connection: ChatConnection, body: dict[str, Any], cap: int, *, close_after: int | None = None
) -> Observation:
    """Send a request and watch; a reply that goes on beyond its cap, or that far, is cut off.

    Args:
        connection: To the server.
        body: The request.
        cap: Tokens that it asks for at most.
        close_after: Pieces after which to close the stream.

    Raises:
        EngineError: The server could not be reached, or what came is no reply; a refusal for good is an observation.
    """
    complaints = Complaints(connection.address, "Probing")
    seen = Observation(cap)
    try:
        async with aclosing(connection.chunks(body, complaints, seen)) as chunks:
            async for chunk in chunks:
                reading = read_chunk(chunk.data, whole=chunk.whole)
                if reading.error is not None:
                    raise complaints.failed(reading.error, seen.tokens)
                seen.take(reading)
                seen.confidence += read_confidence(chunk.data)
                if seen.pieces >= (close_after or cap + _SLACK) or (seen.tokens >= cap + _SLACK and not seen.finished):
                    break
    except MalformedChunkError as error:
        raise complaints.broken(f"the server sent {error}", seen.tokens) from error
    except RefusedError as error:
        if error.retryable:
            raise
        seen.refusal = error
    return seen
