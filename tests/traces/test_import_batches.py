"""Batches of OpenAI, Anthropic and Gemini: what was counted, how it ended, and what was withheld."""

import json
from pathlib import Path
from typing import Any

import pytest

from shadowprice.traces import AskedQuestion, ImportSettings, import_logs

ASKED = {"a": AskedQuestion("A crate holds 24 jars. How many are in 3?", "72", "number")}


def lines(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def chat(message: dict[str, Any], finish: str = "stop", **usage: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", **message}, "finish_reason": finish}
    return {"custom_id": "a", "response": {"body": {"choices": [choice], "usage": usage or None}}}


def taken(*paths: Path, **settings: Any) -> tuple[list[dict[str, Any]], dict[str, int]]:
    imported = import_logs(paths, ImportSettings(**({"questions": ASKED} | settings)))
    skipped: dict[str, int] = {}
    for log in imported.logs:
        skipped |= log.skipped
    rows: list[dict[str, Any]] = imported.table.to_pylist()
    return rows, skipped


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 330, "reasoning_tokens": 300}, 310),
        (
            {
                "prompt_tokens": 20,
                "completion_tokens": 400,
                "total_tokens": 720,
                "completion_tokens_details": {"reasoning_tokens": 300},
            },
            700,
        ),
        ({"prompt_tokens": 21, "completion_tokens": 0, "total_tokens": 81, "reasoning_tokens": 60}, 60),
        ({"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 330}, 310),
        ({"prompt_tokens": 20, "completion_tokens": 10, "total_tokens": 30, "completion_tokens_details": None}, 10),
        ({"completion_tokens": 10, "reasoning_tokens": 60}, 70),
        ({"input_tokens": 5, "output_tokens": 40, "total_tokens": 45}, 40),
    ],
)
def test_reasoning_counts_wherever_a_server_counts_it(tmp_path: Path, usage: dict[str, Any], tokens: int) -> None:
    log = lines(tmp_path / "o.jsonl", chat({"content": "Answer: 72"}, **usage))
    ((row,), _) = taken(log)
    assert row["completion_tokens"] == tokens
    assert row["answer_tokens"] == tokens


def test_what_is_no_reply_is_left_out_with_a_reason(tmp_path: Path) -> None:
    call = [{"type": "function", "function": {"name": "calc", "arguments": "{}"}}]
    log = lines(
        tmp_path / "o.jsonl",
        chat({"content": ""}, "content_filter"),
        chat({"content": "Three crates"}, "content_filter"),
        chat({"content": None, "refusal": "I cannot."}),
        chat({"content": [{"type": "refusal", "refusal": "I cannot."}]}),
        chat({"content": None, "tool_calls": call}),
        chat({"content": "Let me see.", "tool_calls": call}, "tool_calls"),
        chat({"content": ""}, "length", completion_tokens=512),
        chat({"content": None}, completion_tokens=3),
    )
    rows, skipped = taken(log)
    assert skipped == {
        "a content filter ended the reply": 2,
        "the model refused to answer": 2,
        "a tool call in place of a reply": 1,
        "the reply ends in a tool call": 1,
    }
    assert [(row["completion_tokens"], row["finish_reason"]) for row in rows] == [(512, "length"), (3, "stop")]


def test_thinking_in_parts_stands_before_the_reply(tmp_path: Path) -> None:
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "Is it 48? No."}]}
    log = lines(tmp_path / "o.jsonl", chat({"content": [thinking, {"type": "text", "text": "Answer: 72"}]}))
    ((row,), _) = taken(log)
    assert row["completion"] == "<think>\nIs it 48? No.\n</think>\n\nAnswer: 72"
    assert row["answer"] == "72"


def response(*items: dict[str, Any]) -> dict[str, Any]:
    body = {"output": list(items), "usage": {"output_tokens": 90, "output_tokens_details": {"reasoning_tokens": 80}}}
    return {"custom_id": "a", "response": {"status_code": 200, "body": body}}


def test_endings_of_the_endpoint_responses(tmp_path: Path) -> None:
    said = {"type": "message", "content": [{"type": "output_text", "text": "Answer: 72"}]}
    thought = {"type": "reasoning", "encrypted_content": "zzzz", "summary": [{"type": "summary_text", "text": "3·24"}]}
    refused = {"type": "message", "content": [{"type": "refusal", "refusal": "I cannot."}]}
    log = lines(
        tmp_path / "o.jsonl",
        response(thought, said),
        response(refused),
        response(thought, {"type": "function_call", "name": "calc"}),
    )
    rows, skipped = taken(log)
    assert [row["completion"] for row in rows] == ["<think>\n3·24\n</think>\n\nAnswer: 72"]
    assert skipped == {"the model refused to answer": 1, "a tool call in place of a reply": 1}


def claude(*parts: dict[str, Any], stop: str = "end_turn") -> dict[str, Any]:
    message = {"model": "c", "content": list(parts), "stop_reason": stop, "usage": {"output_tokens": 40}}
    return {"custom_id": "a", "result": {"type": "succeeded", "message": message}}


def test_message_batches_of_anthropic(tmp_path: Path) -> None:
    text = {"type": "text", "text": "Answer: 72"}
    output = lines(
        tmp_path / "o.jsonl",
        claude({"type": "thinking", "thinking": "3*24=72", "signature": "zz"}, text),
        claude({"type": "redacted_thinking", "data": "zzzz" * 99}, text),
        claude({"type": "text", "text": "Three crates"}, stop="max_tokens"),
        claude(stop="refusal"),
        claude({"type": "tool_use", "id": "1", "name": "calc", "input": {}}, stop="tool_use"),
        {"custom_id": "a", "result": {"type": "errored", "error": {"type": "invalid_request"}}},
        {"custom_id": "a", "result": {"type": "expired"}},
    )
    asked = {"role": "user", "content": [{"type": "text", "text": "How many jars?"}]}
    request = lines(tmp_path / "i.jsonl", {"custom_id": "a", "params": {"model": "c", "messages": [asked]}})
    rows, skipped = taken(output, request)
    assert [row["completion"] for row in rows] == [
        "<think>\n3*24=72\n</think>\n\nAnswer: 72",
        "Answer: 72",
        "Three crates",
    ]
    assert [(row["completion_tokens"], row["correct"], row["finish_reason"]) for row in rows] == [
        (40, True, "stop"),
        (40, True, "stop"),
        (40, False, "length"),
    ]
    assert {row["protocol"] for row in rows} == {"anthropic-batch"}
    assert skipped == {
        "the model refused to answer": 1,
        "a tool call in place of a reply": 1,
        "the request failed": 2,
    }


def test_withheld_reasoning_is_what_the_reply_leaves_over(tmp_path: Path) -> None:
    text = {"type": "text", "text": "Answer: 72\n" + "And that is all there is to say. " * 2}
    log = lines(tmp_path / "o.jsonl", claude({"type": "redacted_thinking", "data": "zzzz" * 99}, text))
    ((row,), _) = taken(log, chars_per_token=4.0)
    written = -(-len(text["text"]) // 4)
    assert 40 - written < row["answer_tokens"] < 40


def gemini(*parts: dict[str, Any], finish: str = "STOP") -> dict[str, Any]:
    usage = {"promptTokenCount": 20, "candidatesTokenCount": 6, "thoughtsTokenCount": 50, "totalTokenCount": 76}
    candidate = {"content": {"parts": list(parts), "role": "model"}, "finishReason": finish}
    return {"key": "a", "response": {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "g"}}


def test_batches_of_gemini(tmp_path: Path) -> None:
    output = lines(
        tmp_path / "o.jsonl",
        gemini({"text": "3·24", "thought": True}, {"text": "Answer: "}, {"text": "72"}),
        gemini({"text": "Three"}, finish="MAX_TOKENS"),
        gemini(finish="SAFETY"),
        gemini({"functionCall": {"name": "calc"}}),
        {"key": "a", "response": {"promptFeedback": {"blockReason": "OTHER"}}},
        {"key": "a", "error": {"code": 3, "message": "no"}},
    )
    turn = {"role": "user", "parts": [{"text": "How many "}, {"text": "jars?"}]}
    asked = {"key": "a", "request": {"contents": [turn], "labels": {"gold": "72"}}}
    rows, skipped = taken(output, lines(tmp_path / "i.jsonl", asked), questions={})
    assert {row["question"] for row in rows} == {"How many jars?"}
    assert rows[0]["completion"] == "<think>\n3·24\n</think>\n\nAnswer: 72"
    assert [(row["completion_tokens"], row["correct"], row["finish_reason"]) for row in rows] == [
        (56, True, "stop"),
        (56, False, "length"),
    ]
    assert skipped == {
        "a content filter ended the reply": 2,
        "a tool call in place of a reply": 1,
        "the request failed": 1,
    }


def inspected(content: list[dict[str, Any]], usage: dict[str, Any] | None, stop: str = "stop") -> str:
    message = {"role": "assistant", "content": content, "source": "generate"}
    sample = {
        "id": 1,
        "input": "How many jars?",
        "target": "72",
        "messages": [message],
        "output": {"choices": [{"message": message, "stop_reason": stop}], "usage": usage},
        "scores": {"match": {"value": "C", "answer": "72"}},
    }
    return json.dumps({"version": 2, "eval": {"task": "t", "model": "m"}, "samples": [sample]})


@pytest.mark.parametrize(
    ("summary", "shown"), [("3·24", "<think>\n3·24\n</think>\n\nAnswer: 72"), (None, "Answer: 72")]
)
def test_encrypted_reasoning_in_inspect_ai_is_its_summary_or_nothing(
    tmp_path: Path, summary: str | None, shown: str
) -> None:
    secret = {"type": "reasoning", "reasoning": "gAAAA" * 500, "redacted": True, "summary": summary}
    usage = {"input_tokens": 20, "output_tokens": 200, "total_tokens": 220, "reasoning_tokens": 0}
    path = tmp_path / "a.json"
    path.write_text(inspected([secret, {"type": "text", "text": "Answer: 72"}], usage))
    ((row,), _) = taken(path)
    assert (row["completion"], row["completion_tokens"], row["answer_tokens"]) == (shown, 200, 200)
    path.write_text(inspected([secret, {"type": "text", "text": "Answer: 72"}], None))
    notes = import_logs([path]).logs[0].notes
    assert "reasoning that is neither shown nor counted is missing from estimates of tokens" in notes


def test_reasoning_that_inspect_ai_has_in_the_total_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    text = [{"type": "text", "text": "Answer: 72"}]
    path.write_text(inspected(text, {"input_tokens": 20, "output_tokens": 10, "total_tokens": 330}))
    assert taken(path)[0][0]["completion_tokens"] == 310
    cached = {"input_tokens": 20, "input_tokens_cache_read": 300, "output_tokens": 10, "total_tokens": 330}
    path.write_text(inspected(text, cached))
    assert taken(path)[0][0]["completion_tokens"] == 10


def test_a_filtered_sample_of_inspect_ai_is_left_out(tmp_path: Path) -> None:
    kept = json.loads(inspected([{"type": "text", "text": "Answer: 72"}], None))
    filtered = json.loads(inspected([{"type": "text", "text": "Three"}], None, "content_filter"))
    kept["samples"] += filtered["samples"]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(kept))
    assert taken(path)[1] == {"a content filter ended the reply": 1}
