"""Chunks as servers send them (their shapes are in the sources named in docs/engines.md), and what we read in them."""

from typing import Any

import pytest

from shadowprice.engines import Reading, read_chunk
from shadowprice.engines._reading import MalformedChunkError


def chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1795621770,
        "model": "m",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }


def usage(completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": 35, "completion_tokens": completion, "total_tokens": 35 + completion, **more}


OPENAI = [
    (chunk({"role": "assistant", "content": "", "refusal": None}, usage=None), Reading(blank=True)),
    (chunk({"content": "Hi"}, usage=None), Reading("Hi", piece=True)),
    (chunk({"refusal": "I cannot"}, usage=None), Reading("I cannot", piece=True)),
    (chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}), Reading(unread="{", piece=True)),
    (chunk({}, "length", usage=None), Reading(blank=True, finish="length")),
    (
        {
            "choices": [],
            "usage": usage(40, completion_tokens_details={"reasoning_tokens": 30, "audio_tokens": 0}),
        },
        Reading(tokens=40, counted_by="usage", thinking_tokens=30),
    ),
]
VLLM = [
    (chunk({"role": "assistant", "content": ""}, usage=usage(0)), Reading(blank=True, tokens=0, counted_by="usage")),
    (
        chunk({"reasoning": "Hm"}, usage=usage(1)),
        Reading(thinking="Hm", piece=True, tokens=1, counted_by="usage"),
    ),
    (chunk({"reasoning_content": "Hm", "reasoning": "Hm"}), Reading(thinking="Hm", piece=True)),
    (
        chunk({"content": "42"}, "stop", stop_reason=None, usage=usage(9)),
        Reading("42", piece=True, finish="stop", tokens=9, counted_by="usage"),
    ),
    (
        {"choices": [], "usage": usage(9, completion_tokens_details={"reasoning_tokens": 7})},
        Reading(tokens=9, counted_by="usage", thinking_tokens=7),
    ),
    (
        {"object": "error", "message": "too long", "code": 400},
        Reading(error={"object": "error", "message": "too long", "code": 400}),
    ),
]
SGLANG = [
    (
        chunk({"role": "assistant", "content": None, "reasoning_content": "Hm", "tool_calls": None}),
        Reading(thinking="Hm", piece=True),
    ),
    (chunk({"content": None}, "abort", matched_stop=None), Reading(blank=True, finish="abort")),
    (
        {"choices": [], "usage": usage(20, prompt_tokens_details=None, reasoning_tokens=12)},
        Reading(tokens=20, counted_by="usage", thinking_tokens=12),
    ),
]
LLAMACPP = [
    (chunk({"role": "assistant", "content": None}), Reading(blank=True)),
    (
        chunk({"content": " the"}, timings={"prompt_n": 1, "predicted_n": 2, "predicted_ms": 12.416}),
        Reading(" the", piece=True, tokens=2, counted_by="timings"),
    ),
    (
        {"choices": [], "usage": usage(3), "timings": {"predicted_n": 3}},
        Reading(tokens=3, counted_by="usage"),
    ),
    (
        {"error": {"code": 400, "message": "too long", "type": "exceed_context_size_error"}},
        Reading(error={"code": 400, "message": "too long", "type": "exceed_context_size_error"}),
    ),
]
OLLAMA = [
    (chunk({"role": "assistant", "content": "", "reasoning": "Hm"}), Reading(thinking="Hm", piece=True)),
    (chunk({"role": "assistant", "content": "Hi"}), Reading("Hi", piece=True)),
    (chunk({"role": "assistant", "content": ""}, "stop"), Reading(blank=True, finish="stop")),
]
OTHERS = [
    # A message in a stream is a piece like any other, and an empty one says nothing.
    (
        {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage(2)},
        Reading("Hi", piece=True, finish="stop", tokens=2, counted_by="usage"),
    ),
    ({"choices": [{"delta": {"content": "Hi"}, "message": None}]}, Reading("Hi", piece=True)),
    ({"choices": [{"delta": {"content": "Hi"}, "message": {"content": "Hi"}}]}, Reading("Hi", piece=True)),
    # The older interface, and what is not handed on.
    ({"choices": [{"text": "Hi"}]}, Reading("Hi", piece=True)),
    (chunk({"function_call": {"name": "f", "arguments": "{}"}}), Reading(unread="f {}", piece=True)),
    (chunk({"reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]}), Reading(unread="Hm", piece=True)),
    (
        chunk({"reasoning": "Hm", "reasoning_details": [{"type": "reasoning.text", "text": "Hm", "index": 0}]}),
        Reading(thinking="Hm", piece=True),
    ),
    (chunk({"reasoning_details": [{"type": "reasoning.encrypted", "data": "QUJD"}]}), Reading(piece=True)),
    (chunk({"audio": {"id": "a1", "data": "QUJD", "transcript": "Hi"}}), Reading(unread="Hi", piece=True)),
    (chunk({"token_ids": [5]}), Reading(piece=True)),
    (chunk({"something": {"new": ["x"]}}), Reading(piece=True)),
    # Fields with nothing in them, and fields that only say what the rest is.
    (
        chunk({"role": "assistant", "channel": "analysis", "name": "AI", "audio": None, "x": [{}, ""]}),
        Reading(blank=True),
    ),
    (
        {"choices": [{"index": 0, "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}}}]},
        Reading(),
    ),
    # Reasoning tokens counted in the total only.
    (
        {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115}},
        Reading(tokens=105, counted_by="usage"),
    ),
    # Content in parts.
    (
        chunk(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                    {"type": "text", "text": "Hi"},
                ]
            }
        ),
        Reading("Hi", "Hm", piece=True),
    ),
    # Numbers that are none.
    ({"choices": None, "usage": {"completion_tokens": -1}}, Reading()),
    ({"choices": [], "usage": {"completion_tokens": float("nan")}}, Reading()),
    ({"choices": [], "usage": {"completion_tokens": float("inf")}}, Reading(absurd=True)),
    ({"choices": [], "usage": {"completion_tokens": 1e300}}, Reading(absurd=True)),
    ({"choices": [], "usage": {"completion_tokens": 2 * 10**15}}, Reading(absurd=True)),
    (
        {"choices": [], "usage": {"total_tokens": 10**4000, "completion_tokens": 5, "prompt_tokens": 1}},
        Reading(tokens=5, counted_by="usage", absurd=True),
    ),
    ({"choices": [], "timings": {"predicted_n": 10**10}}, Reading(absurd=True)),
    ({"choices": [], "usage": {"completion_tokens": "12"}}, Reading()),
    ({"choices": [], "usage": {"completion_tokens": 7.5}}, Reading(tokens=8, counted_by="usage")),
    (
        {"choices": [], "usage": {"completion_tokens": 5, "reasoning_tokens": 10**12}},
        Reading(tokens=5, counted_by="usage"),
    ),
    ({"choices": [], "usage": {"completion_tokens": True}}, Reading()),
    ({"choices": [], "usage": "none", "timings": []}, Reading()),
    ({}, Reading()),
]


@pytest.mark.parametrize(("said", "reading"), [*OPENAI, *VLLM, *SGLANG, *LLAMACPP, *OLLAMA, *OTHERS])
def test_what_is_read(said: Any, reading: Reading) -> None:
    assert reading == read_chunk(said)


def test_whether_it_is_a_whole_reply_is_told_by_the_one_who_received_it() -> None:
    said = {"choices": [{"message": {"content": "Hi"}, "finish_reason": "stop"}], "usage": usage(2)}
    reading = Reading("Hi", piece=True, whole=True, finish="stop", tokens=2, counted_by="usage")
    assert reading == read_chunk(said, whole=True)


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ([], "a JSON list where an object was due"),
        ("x", "a JSON str where an object was due"),
        (None, "a JSON NoneType where an object was due"),
        ({"choices": {"0": {}}}, "choices that are no list of objects"),
        ({"choices": ["x"]}, "choices that are no list of objects"),
        (chunk("Hi"), "a delta that is no object but a str"),
        (chunk({"content": 5}), "content that is no text but a int"),
    ],
)
def test_what_cannot_be_read(said: Any, complaint: str) -> None:
    with pytest.raises(MalformedChunkError, match=f"^{complaint}$"):
        read_chunk(said)
