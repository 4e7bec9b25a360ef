"""The narrow seam behind which tokens are generated."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

FinishReason = Literal["stop", "length"]


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


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of a reply."""

    text: str
    """Text since the last delta; may be empty."""
    tokens: int
    """Tokens generated for this reply so far, by the engine's own count."""
    finish_reason: FinishReason | None = None
    """Set on the last delta only: `stop` when the model ended, `length` when the cap did."""


class AbstractEngine(ABC):
    """Where tokens are generated. An implementer writes `stream`; everything else lives above this seam.

    Closing the generator that `stream` returned (``aclose``) stops the generation as soon as the engine can.
    """

    model: str
    """Name of the model, as traces record it."""

    @abstractmethod
    def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Generate a reply piece by piece.

        Raises:
            EngineError: The engine could not be reached or failed.
        """

    async def aclose(self) -> None:
        """Free what the engine holds; safe to call twice."""
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
