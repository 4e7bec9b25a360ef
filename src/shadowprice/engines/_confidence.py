"""How sure a model was of its tokens, from the log-probabilities that come with a piece of a reply."""

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

TOP: Final = 5
"""Likeliest tokens that are asked for beside the one that was chosen: as many as every server gives."""
LEAST: Final = -20.0
"""Log-probability that stands for all below it; some servers write −9999 where they do not know."""
_FIELDS: Final = ("logprobs", "reasoning_logprobs")
_PARTS: Final = ("reasoning_content", "content", "refusal")
"""Lists of tokens in one of the fields, in the order in which they are written."""


class Confidence(NamedTuple):
    """How sure a model was when it chose a token."""

    logprob: float
    """Log-probability of the token that was chosen, before sampling, nats, from −20 to 0."""
    entropy: float
    """Entropy of the choice, nats. What is not among the likeliest tokens counts as one, so it is a lower bound."""


def read_confidence(chunk: Any) -> tuple[Confidence, ...]:
    """What a chunk says of its tokens, in the form of chats or of completions; nothing where it says none.

    Whatever is not as it should be is passed over: a reply is not lost because of what stands beside it.
    """
    choices = _list(chunk.get("choices")) if isinstance(chunk, dict) else []
    choice = choices[0] if choices and isinstance(choices[0], dict) else {}
    return tuple(one for field in _FIELDS if isinstance(said := choice.get(field), dict) for one in _tokens(said))


def _tokens(said: dict[str, Any]) -> Iterator[Confidence]:
    for part in _PARTS:
        for token in _list(said.get(part)):
            if isinstance(token, dict):
                yield from _token(token.get("logprob"), [_logprob_of(top) for top in _list(token.get("top_logprobs"))])
    tops = _list(said.get("top_logprobs"))
    for number, chosen in enumerate(_list(said.get("token_logprobs"))):
        top = tops[number] if number < len(tops) else None
        yield from _token(chosen, list(top.values()) if isinstance(top, dict) else [])


def _token(chosen: Any, tops: list[Any]) -> Iterator[Confidence]:
    logprob = _clipped(chosen)
    if logprob is None:
        return
    known = [value for top in tops if (value := _clipped(top)) is not None] or [logprob]
    chances = [math.exp(value) for value in known]
    rest = 1.0 - sum(chances)
    entropy = -sum(chance * value for chance, value in zip(chances, known, strict=True))
    yield Confidence(logprob, entropy - rest * math.log(rest) if rest > 0.0 else entropy)


def is_real(tokens: Sequence[Confidence]) -> bool:
    """Whether these are log-probabilities of a model, and not one number that a server gives for every token.

    llama.cpp gives 0.0 for every token where it decodes speculatively, others −9999. A real model is never equally sure
    of several tokens, to the last bit.
    """
    return len({one.logprob for one in tokens}) > 1


def _clipped(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        return None
    return min(0.0, max(LEAST, float(value))) if abs(value) < 1e300 else LEAST


def _logprob_of(top: Any) -> Any:
    return top.get("logprob") if isinstance(top, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
