from dataclasses import replace
from typing import Any

import pytest

from shadowprice._errors import InputError
from shadowprice.engines import DIALECTS, Request, build_body, get_dialect

REQUEST = Request("r1", ({"role": "user", "content": "Hi."},), 40, temperature=0.5, seed=3)
COMMON = {
    "model": "m",
    "messages": [{"role": "user", "content": "Hi."}],
    "seed": 3,
    "temperature": 0.5,
    "stream": True,
}
PLAIN = {"stream_options": {"include_usage": True}}
CONTINUOUS = {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("openai", {"max_completion_tokens": 40, **PLAIN}),
        ("vllm", {"max_tokens": 40, **CONTINUOUS}),
        ("sglang", {"max_tokens": 40, **CONTINUOUS}),
        ("llamacpp", {"max_tokens": 40, "timings_per_token": True, **PLAIN}),
        ("ollama", {"max_tokens": 40, **PLAIN}),
    ],
)
def test_the_body(dialect: str, fields: dict[str, Any]) -> None:
    assert COMMON | fields == build_body(REQUEST, "m", get_dialect(dialect))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    ("asked", "fields"),
    [
        ({"stop": ("END", "\n\n")}, {"stop": ["END", "\n\n"]}),
        ({"effort": "low"}, {"reasoning_effort": "low"}),
        ({"effort": "none"}, {"reasoning_effort": "none"}),
        ({"temperature": 0.0}, {"temperature": 0.0}),
        ({"seed": 2**40}, {"seed": 2**40}),
    ],
)
def test_what_all_say_alike(dialect: str, asked: dict[str, Any], fields: dict[str, Any]) -> None:
    plain = build_body(REQUEST, "m", get_dialect(dialect))
    assert plain | fields == build_body(replace(REQUEST, **asked), "m", get_dialect(dialect))


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("vllm", {"thinking_token_budget": 16}),
        ("sglang", {"custom_params": {"thinking_budget": 16}}),
        ("llamacpp", {"thinking_budget_tokens": 16, "reasoning_budget_tokens": 16}),
    ],
)
def test_caps_on_reasoning(dialect: str, fields: dict[str, Any]) -> None:
    plain = build_body(REQUEST, "m", get_dialect(dialect))
    assert plain | fields == build_body(replace(REQUEST, thinking_tokens=16), "m", get_dialect(dialect))
    for tokens in (-1, 41):
        with pytest.raises(InputError, match=rf"^Request r1: {tokens} reasoning tokens do not fit into a cap of 40"):
            build_body(replace(REQUEST, thinking_tokens=tokens), "m", get_dialect(dialect))


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
def test_a_cap_that_would_be_ignored_is_refused(dialect: str) -> None:
    with pytest.raises(InputError, match="no field that caps reasoning tokens"):
        build_body(replace(REQUEST, thinking_tokens=16), "m", get_dialect(dialect))


def test_openais_reasoning_models_refuse_a_temperature_so_the_default_is_left_out() -> None:
    body = build_body(replace(REQUEST, temperature=1.0), "m", get_dialect("openai"))
    assert "temperature" not in body
    assert 1.0 == build_body(replace(REQUEST, temperature=1.0), "m", get_dialect("vllm"))["temperature"]


def test_a_dialect_of_ones_own() -> None:
    mine = replace(get_dialect("openai"), name="mine", cap="max_tokens", options={"top_k": 1})
    body = build_body(REQUEST, "m", get_dialect(mine))
    assert (40, 1, False) == (body["max_tokens"], body["top_k"], "max_completion_tokens" in body)


def test_what_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="There is no dialect 'x'; choose from openai, vllm"):
        get_dialect("x")
    with pytest.raises(InputError, match="its cap is 0 tokens"):
        build_body(replace(REQUEST, max_tokens=0), "m", get_dialect("openai"))


@pytest.mark.parametrize(
    ("dialect", "fields"),
    [
        ("vllm", {"continue_final_message": True, "add_generation_prompt": False}),
        ("sglang", {"continue_final_message": True}),
        ("llamacpp", {}),
    ],
)
def test_going_on_with_a_text(dialect: str, fields: dict[str, Any]) -> None:
    plain = build_body(REQUEST, "m", get_dialect(dialect))
    messages = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "So"}]
    begun = build_body(replace(REQUEST, prefix="So"), "m", get_dialect(dialect))
    assert plain | fields | {"messages": messages} == begun


@pytest.mark.parametrize("dialect", ["openai", "ollama"])
def test_a_text_that_cannot_be_gone_on_with_is_refused(dialect: str) -> None:
    with pytest.raises(InputError, match=r"^Request r1: .* cannot go on with a text that it is given"):
        build_body(replace(REQUEST, prefix="So"), "m", get_dialect(dialect))
