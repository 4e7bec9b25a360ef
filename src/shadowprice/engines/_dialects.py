"""How servers want to be asked: one request in our terms, the JSON body in theirs.

What each field does, and which ones are dropped without a word, is in ``docs/engines.md``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shadowprice._errors import InputError, no_such
from shadowprice.engines._base import Request
from shadowprice.engines._confidence import TOP

Json = dict[str, Any]
CapField = Literal["max_tokens", "max_completion_tokens"]


@dataclass(frozen=True, slots=True)
class Dialect:
    """What tells one server's requests from another's."""

    name: str
    """What users call it."""
    software: str
    """The server's own name."""
    cap: CapField
    """The field that caps generated tokens, reasoning included."""
    think: Callable[[int], Json] | None = None
    """Fields that cap reasoning tokens; None where no field does."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields that every request carries."""
    stream_options: Mapping[str, Any] = field(default_factory=dict)
    """Options of the stream beside `include_usage`."""
    resume: Mapping[str, Any] | None = None
    """Fields that make the last message, the assistant's, the beginning of the reply; None where nothing does."""
    confidence: Mapping[str, Any] = field(default_factory=lambda: {"logprobs": True, "top_logprobs": TOP})
    """Fields that ask for log-probabilities."""
    default_temperature: bool = False
    """Leave a temperature of 1 out: it is the server's default, and some of its models refuse the field."""


DIALECTS: Final[Mapping[str, Dialect]] = {
    dialect.name: dialect
    for dialect in (
        Dialect("openai", "OpenAI", "max_completion_tokens", default_temperature=True),
        Dialect(
            "vllm",
            "vLLM",
            # Older servers know nothing else, newer ones know both.
            "max_tokens",
            # At the top level: `extra_body` in vLLM's examples is an argument of OpenAI's Python client.
            lambda tokens: {"thinking_token_budget": tokens},
            stream_options={"continuous_usage_stats": True},
            resume={"continue_final_message": True, "add_generation_prompt": False},
        ),
        Dialect(
            "sglang",
            "SGLang",
            "max_tokens",
            lambda tokens: {"custom_params": {"thinking_budget": tokens}},
            stream_options={"continuous_usage_stats": True},
            resume={"continue_final_message": True},
        ),
        Dialect(
            "llamacpp",
            "llama.cpp",
            "max_tokens",
            # Versions differ in which of the two they read.
            lambda tokens: {"thinking_budget_tokens": tokens, "reasoning_budget_tokens": tokens},
            options={"timings_per_token": True},
            resume={},
            # It refuses `logprobs` where tools are offered and the reply is streamed, and gives the same by this name.
            confidence={"n_probs": TOP},
        ),
        # `max_completion_tokens` is no field of Ollama's: it would generate without a cap.
        Dialect("ollama", "Ollama", "max_tokens"),
    )
}
"""Every dialect, by name."""


def get_dialect(dialect: str | Dialect) -> Dialect:
    """Look a dialect up.

    Raises:
        InputError: No dialect has this name.
    """
    if isinstance(dialect, Dialect):
        return dialect
    if dialect not in DIALECTS:
        raise no_such("dialect", dialect, DIALECTS)
    return DIALECTS[dialect]


def build_body(request: Request, model: str, dialect: Dialect) -> Json:
    """Write a request for a streamed reply.

    Raises:
        InputError: The dialect cannot say what the request asks for, or a number makes no sense.
    """
    if request.max_tokens < 1:
        raise InputError(f"Request {request.request_id}: its cap is {request.max_tokens} tokens; it must be 1 or more.")
    body: Json = {
        "model": model,
        "messages": request.turns,
        dialect.cap: request.max_tokens,
        "seed": request.seed,
        "stream": True,
        "stream_options": {"include_usage": True, **dialect.stream_options},
        **dialect.options,
    }
    if not (dialect.default_temperature and request.temperature == 1.0):
        body["temperature"] = request.temperature
    if request.stop:
        body["stop"] = list(request.stop)
    if request.confidence:
        body |= dialect.confidence
    if request.effort is not None:
        body["reasoning_effort"] = request.effort
    if request.prefix:
        body |= _resumed(request, dialect)
    if request.thinking_tokens is not None:
        body |= _thinking(request, request.thinking_tokens, dialect)
    return body


def _resumed(request: Request, dialect: Dialect) -> Json:
    if dialect.resume is None:
        raise InputError(
            f"Request {request.request_id}: {dialect.software} cannot go on with a text that it is given; "
            "leave `prefix` out, or use a server that can."
        )
    return dict(dialect.resume)


def _thinking(request: Request, tokens: int, dialect: Dialect) -> Json:
    if dialect.think is None:
        raise InputError(
            f"Request {request.request_id}: {dialect.software} has no field that caps reasoning tokens, "
            "and would ignore one without a word; use `effort`, or leave `thinking_tokens` out."
        )
    if tokens < 0 or (tokens > request.max_tokens and not request.prefix):
        raise InputError(
            f"Request {request.request_id}: {tokens} reasoning tokens do not fit into a cap of "
            f"{request.max_tokens} tokens, which counts them too."
        )
    return dialect.think(tokens)
