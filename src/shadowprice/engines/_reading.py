"""What servers say: one chunk of a reply in their fields, in our terms.

Reading is liberal: whatever field says something is read, whichever dialect the server is believed to speak. Only one
choice is read, because only one is asked for.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple

MOST_TOKENS: Final = 10**9
"""Tokens of one reply; what says more is no count."""
_READ: Final = frozenset({"content", "reasoning_content", "reasoning", "refusal", "text"})
"""Fields whose text is handed on."""
_WRITTEN: Final = frozenset({"tool_calls", "function_call", "reasoning_details", "thinking_blocks", "audio"})
"""Fields whose text the model wrote, too."""
_AGAIN: Final = frozenset({"reasoning_details", "thinking_blocks"})
"""Those of them that may repeat the reasoning."""
_LABELS: Final = frozenset(
    {"role", "name", "id", "index", "type", "format", "channel", "recipient", "status", "object", "delta", "message"}
)
"""Fields that say what something is, and do not hold what was written."""
_ENDINGS: Final = frozenset(
    {"finish_reason", "native_finish_reason", "stop_reason", "matched_stop", "logprobs", "reasoning_logprobs", "error"}
    | {"content_filter_results", "content_filter_offsets", "content_filter_result"}
)
"""Fields that stand beside a piece and are about it."""
_PASSED: Final = _READ | _LABELS | _ENDINGS
"""Fields that need no second look."""
_SEALED: Final = frozenset({"data", "signature", "encrypted_content"})
"""Fields that hold bytes in letters, which are no text."""


class MalformedChunkError(ValueError):
    """A chunk is not what the protocol says."""


class Reading(NamedTuple):
    """What one chunk says."""

    text: str = ""
    """Text of the answer."""
    thinking: str = ""
    """Reasoning text, from a field of its own."""
    unread: str = ""
    """What else was written, such as the arguments of a function: counted, and not handed on."""
    piece: bool = False
    """Whether the chunk carries anything that the model wrote; at least one token then."""
    blank: bool = False
    """Whether it has a place for a piece and nothing in it, as the first and the last chunk of a stream do."""
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
    absurd: bool = False
    """Whether it says more tokens than any reply has, which is no count."""
    error: Any = None
    """What went wrong on the server, in its own form."""


def read_chunk(chunk: Any, *, whole: bool = False) -> Reading:
    """Read a chunk of a stream, or a whole reply.

    Args:
        chunk: What was sent, decoded.
        whole: It is a whole reply, which only the one who received it can tell.

    Raises:
        MalformedChunkError: It is neither; the message ends the sentence "The server sent ...".
    """
    if not isinstance(chunk, dict):
        raise MalformedChunkError(f"a JSON {type(chunk).__name__} where an object was due")
    if chunk.get("error") or chunk.get("object") == "error":
        return Reading(error=chunk.get("error") or chunk)
    usage, timings = _mapping(chunk.get("usage")), _mapping(chunk.get("timings"))
    choice = _first(chunk.get("choices"))
    if not choice:  # most say nothing but a usage
        tokens, counted_by = _count(usage, timings)
        return Reading(
            whole=whole,
            tokens=tokens,
            counted_by=counted_by,
            thinking_tokens=_thinking_tokens(usage),
            absurd=_is_absurd(usage, timings),
        )
    message = choice.get("delta") or choice.get("message") or {}
    if not isinstance(message, dict):
        raise MalformedChunkError(f"a delta that is no object but a {type(message).__name__}")
    text, thinking = _content(message.get("content"))
    # Some servers send both names for a while, with the same text.
    thinking += _text(message.get("reasoning_content")) or _text(message.get("reasoning"))
    text += _text(message.get("refusal")) + _text(choice.get("text"))
    known = message.keys() <= _PASSED and choice.keys() <= _PASSED
    unread = [] if known else [*_others(message, thinking), *_others(choice, thinking)]
    tokens, counted_by = _count(usage, timings) if usage or timings else (None, None)
    piece = bool(text or thinking or unread)
    return Reading(
        text,
        thinking,
        " ".join(filter(None, unread)) if unread else "",
        piece=piece,
        blank=not piece and any(isinstance(choice.get(name), dict) for name in ("delta", "message")),
        whole=whole,
        finish=_text(choice.get("finish_reason")) or None,
        tokens=tokens,
        counted_by=counted_by,
        thinking_tokens=_thinking_tokens(usage) if usage else None,
        absurd=_is_absurd(usage, timings) if usage or timings else False,
    )


def _first(choices: Any) -> Mapping[str, Any]:
    if not choices:
        return {}
    if not isinstance(choices, list) or not isinstance(choices[0], dict):
        raise MalformedChunkError("choices that are no list of objects")
    first: dict[str, Any] = choices[0]
    return first


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


def _others(fields: Mapping[str, Any], thinking: str) -> Iterator[str]:
    """What the fields hold that are not read: texts that the model wrote, and something empty for anything else."""
    for name, value in fields.items():
        if name in _PASSED or value is None:
            continue
        texts = list(_texts(value))
        if name not in _WRITTEN:
            yield from texts and [""]
        # Some servers send reasoning as a text and once more in parts.
        elif not (thinking and name in _AGAIN and sum(map(len, texts)) <= len(thinking)):
            yield from texts


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """Texts anywhere in a value, and something empty for a number or for bytes in letters."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key not in _LABELS or key == "name":
                yield from _texts(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, name)
    elif isinstance(value, str):
        if value:
            yield "" if name in _SEALED else value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield ""


def _count(
    usage: Mapping[str, Any], timings: Mapping[str, Any]
) -> tuple[int | None, Literal["usage", "timings"] | None]:
    completion = _number(usage.get("completion_tokens"))
    if completion is not None:
        total, prompt = _number(usage.get("total_tokens")), _number(usage.get("prompt_tokens"))
        if total is not None and prompt is not None:
            # Some services leave reasoning tokens out of the one and count them in the other.
            completion = max(completion, total - prompt)
        return completion, "usage"
    predicted = _number(timings.get("predicted_n"))
    return (None, None) if predicted is None else (predicted, "timings")


def _thinking_tokens(usage: Mapping[str, Any]) -> int | None:
    details = _mapping(usage.get("completion_tokens_details"))
    detailed = _number(details.get("reasoning_tokens"))
    return _number(usage.get("reasoning_tokens")) if detailed is None else detailed


def _is_absurd(usage: Mapping[str, Any], timings: Mapping[str, Any]) -> bool:
    said = (usage.get("completion_tokens"), usage.get("total_tokens"), timings.get("predicted_n"))
    return any(isinstance(one, int | float) and one > MOST_TOKENS for one in said)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_TOKENS:
        return None
    return math.ceil(value)
