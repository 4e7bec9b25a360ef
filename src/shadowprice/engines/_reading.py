"""What servers say: one chunk of a reply in their fields, in our terms.

Reading is liberal: whatever field says something is read, whichever dialect the server is believed to speak. Only one
choice is read, because only one is asked for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal


class MalformedChunkError(ValueError):
    """A chunk is not what the protocol says."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one chunk says."""

    text: str = ""
    """Text of the answer."""
    thinking: str = ""
    """Reasoning text, from a field of its own."""
    piece: bool = False
    """Whether the chunk carries anything that the model wrote; at least one token then."""
    whole: bool = False
    """Whether it is a whole reply, from a server that does not stream."""
    finish: str | None = None
    """The server's word for how the reply ended."""
    tokens: int | None = None
    """Tokens of the reply so far, reasoning included, if the chunk says."""
    counted_by: Literal["usage", "timings"] | None = None
    """What said so."""
    thinking_tokens: int | None = None
    """Reasoning tokens among them, if the chunk says."""
    error: Any = None
    """What went wrong on the server, in its own form."""


def read_chunk(chunk: Any) -> Reading:
    """Read a chunk of a stream, or a whole reply.

    Raises:
        MalformedChunkError: It is neither; the message ends the sentence "The server sent ...".
    """
    if not isinstance(chunk, Mapping):
        raise MalformedChunkError(f"a JSON {type(chunk).__name__} where an object was due")
    if chunk.get("error") or chunk.get("object") == "error":
        return Reading(error=chunk.get("error") or chunk)
    choice = _first(chunk.get("choices"))
    message = choice.get("delta") or choice.get("message") or {}
    if not isinstance(message, Mapping):
        raise MalformedChunkError(f"a delta that is no object but a {type(message).__name__}")
    text, thinking = _content(message.get("content"))
    # Some servers send both names for a while, with the same text.
    thinking += _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    text += _text(message.get("refusal"))
    tokens, counted_by = _count(chunk)
    return Reading(
        text,
        thinking,
        piece=bool(text or thinking or message.get("tool_calls")),
        whole="message" in choice,
        finish=_text(choice.get("finish_reason")) or None,
        tokens=tokens,
        counted_by=counted_by,
        thinking_tokens=_thinking_tokens(_mapping(chunk.get("usage"))),
    )


def _first(choices: Any) -> Mapping[str, Any]:
    if not choices:
        return {}
    if not isinstance(choices, list) or not isinstance(choices[0], Mapping):
        raise MalformedChunkError("choices that are no list of objects")
    return choices[0]


def _content(content: Any) -> tuple[str, str]:
    """Text and reasoning text of a message's content, which is a string or a list of parts."""
    if not content:
        return "", ""
    if isinstance(content, str):
        return content, ""
    if not isinstance(content, list):
        raise MalformedChunkError(f"content that is no text but a {type(content).__name__}")
    text = thinking = ""
    for part in map(_mapping, content):
        if part.get("type") == "thinking":
            thinking += _content(part.get("thinking"))[0]
        else:
            text += _text(part.get("text"))
    return text, thinking


def _count(chunk: Mapping[str, Any]) -> tuple[int | None, Literal["usage", "timings"] | None]:
    usage = _mapping(chunk.get("usage"))
    completion = _number(usage.get("completion_tokens"))
    if completion is not None:
        total, prompt = _number(usage.get("total_tokens")), _number(usage.get("prompt_tokens"))
        if total is not None and prompt is not None:
            # Some services leave reasoning tokens out of the one and count them in the other.
            completion = max(completion, total - prompt)
        return completion, "usage"
    predicted = _number(_mapping(chunk.get("timings")).get("predicted_n"))
    return (None, None) if predicted is None else (predicted, "timings")


def _thinking_tokens(usage: Mapping[str, Any]) -> int | None:
    details = _mapping(usage.get("completion_tokens_details"))
    detailed = _number(details.get("reasoning_tokens"))
    return _number(usage.get("reasoning_tokens")) if detailed is None else detailed


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return int(value)
