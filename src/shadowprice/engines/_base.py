"""The narrow seam behind which tokens are generated."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from shadowprice.engines._confidence import Confidence

FinishReason = Literal["stop", "length"]
CountedBy = Literal["engine", "usage", "timings", "deltas"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@dataclass(frozen=True, slots=True)
class Request:
    """One question for a model, with a hard cap."""

    request_id: str
    """Unique in a run; names the request in messages and logs."""
    messages: tuple[Mapping[str, str], ...]
    """Chat messages, ``{"role": ..., "content": ...}``."""
    max_tokens: int
    """Hard cap on generated tokens, at least 1."""
    temperature: float = 0.0
    """Sampling temperature; 0 is greedy."""
    seed: int = 0
    """Seed of the sampler."""
    stop: tuple[str, ...] = field(default=())
    """Strings that end the reply."""
    thinking_tokens: int | None = None
    """Cap on the reasoning tokens among `max_tokens`, at least 0; None leaves it to the model. Reasoning in `prefix`
    counts."""
    effort: Effort | None = None
    """How hard the model shall think, for models that can be told; None leaves it to the server."""
    confidence: bool = False
    """Whether to say of each token how sure the model was, where the engine can (`AbstractEngine.tells_confidence`)."""
    prefix: str = ""
    """What the reply begins with already, for engines that can go on with a text; it is not generated again."""

    @property
    def turns(self) -> list[dict[str, str]]:
        """The messages as JSON, and after them, as the assistant's, what the reply begins with."""
        begun = [{"role": "assistant", "content": self.prefix}] if self.prefix else []
        return [*map(dict, self.messages), *begun]


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply."""

    text: str
    """Text of the answer since the last delta; may be empty."""
    tokens: int
    """Tokens generated for this reply so far, by the engine's own count."""
    finish_reason: FinishReason | None = None
    """Set on the last delta only: `stop` when the model ended, `length` when the cap did."""
    thinking: str = ""
    """Reasoning text since the last delta, where the engine tells it from the answer."""
    counted_by: CountedBy = "engine"
    """Where `tokens` comes from: the engine itself, or a server's usage, its timings, or what arrived."""
    thinking_tokens: int | None = None
    """Reasoning tokens among `tokens`, on the last delta, as far as a server tells them apart; None is not known."""
    confidence: tuple[Confidence, ...] = ()
    """How sure the model was of each token since the last delta; empty where that was not asked for or is not told."""


class AbstractEngine(ABC):
    """Where tokens are generated. An implementer writes `stream`; everything else lives above this seam.

    Closing the generator that `stream` returned (``aclose``) stops the generation as soon as the engine can.
    """

    model: str
    """Name of the model, as traces record it."""
    overshoot: int = 0
    """Tokens that may be generated after the last delta that was read, when a stream is closed."""
    runs_ahead: bool = False
    """Whether it goes on generating while nobody reads, as servers do."""
    resumes: bool = False
    """Whether it can go on with a text that a reply begins with (`Request.prefix`)."""
    tells_confidence: bool = False
    """Whether it says how sure the model was of its tokens, if asked (`Request.confidence`)."""

    @abstractmethod
    def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Generate a reply piece by piece.

        Raises:
            EngineError: The engine could not be reached or failed.
        """

    async def total_generated(self) -> int | None:
        """Tokens of all replies so far, by the count of whoever generates them; None where nobody says."""
        return None

    def remarks(self) -> list[str]:
        """What was odd about the counting of tokens in all replies so far, a sentence each, for the end of a run."""
        return []

    async def aclose(self) -> None:
        """Free what the engine holds; safe to call twice."""
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
