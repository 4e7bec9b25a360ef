"""APIs whose events say what they are in a field `type`: what OpenAI's ``/v1/responses`` and Anthropic's share."""

import json
from abc import abstractmethod
from typing import Any, Final

from shadowprice.engines import Dialect, Reading
from shadowprice.gateway._protocol import AbstractProtocol, Json, Piece

MOST_TOKENS: Final = 10**9
"""Tokens of one reply; what says more is no count."""


class TypedProtocol(AbstractProtocol):
    """One reply at a time, events with a type and no word for the end."""

    def choices(self, body: Json) -> int:
        """One."""
        del body
        return 1

    def written(self, body: Json, cap: int, dialect: Dialect, thinking: int | None) -> Json:
        """See `AbstractProtocol.written`."""
        del dialect, thinking
        return self.capped(body, cap) | {self.caps[0]: cap, "stream": True}

    def hides(self, event: Json, *, usage: bool) -> bool:
        """Nothing is asked for that the client did not ask for."""
        del event, usage
        return False

    def read(self, event: Json) -> list[Piece]:
        """See `AbstractProtocol.read`."""
        return [Piece(0, self.reading(event))]

    @abstractmethod
    def reading(self, event: Json) -> Reading:
        """What an event says of the reply."""


def count(usage: Any) -> int | None:
    """Tokens of a reply so far, by a usage in these APIs."""
    tokens = usage.get("output_tokens") if isinstance(usage, dict) else None
    return tokens if isinstance(tokens, int) and not isinstance(tokens, bool) and 0 <= tokens <= MOST_TOKENS else None


def counted(usage: Any, **more: Any) -> Reading:
    """A reading of an event that says the usage, or none."""
    tokens = count(usage)
    return Reading(tokens=tokens, counted_by=None if tokens is None else "usage", **more)


def text(value: Any) -> str:
    """A text, or an empty one."""
    return value if isinstance(value, str) else ""


def event_bytes(event: Json) -> bytes:
    """An event as these APIs write it."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
