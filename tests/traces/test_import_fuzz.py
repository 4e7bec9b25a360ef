"""Damaged logs are refused or read as far as they are whole; nothing else is ever raised."""

import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import strategies as st

from fuzzing import altered, damaged, fuzz
from shadowprice._errors import InputError
from shadowprice.traces import (
    FORMATS,
    SWEEP_SCHEMA,
    TRACE_SCHEMA,
    AskedQuestion,
    ImportSettings,
    import_logs,
    read_traces,
    write_traces,
)

DATA = Path(__file__).parent / "data"
(SAMPLES,) = DATA.glob("samples_*.jsonl")
ITEM = {
    "session_id": "a",
    "chat_history": ["Q?"],
    "output": ['{"reasoning": "…", "answer": "18"}'],
    "generator": "m",
    "configs": {"max_tokens": 64},
    "dataset": "gsm",
    "answer": "18",
}
CHOICE = {"message": {"role": "assistant", "content": "Answer: 2"}, "finish_reason": "stop"}
LINE = {
    "custom_id": "a",
    "response": {
        "status_code": 200,
        "body": {"model": "m", "choices": [CHOICE], "usage": {"completion_tokens": 3}},
    },
    "error": None,
}
THOUGHT = {"type": "thinking", "thinking": "So 2.", "signature": "x"}
CLAUDE = {
    "custom_id": "a",
    "result": {
        "type": "succeeded",
        "message": {
            "model": "m",
            "content": [THOUGHT, {"type": "text", "text": "Answer: 2"}],
            "stop_reason": "end_turn",
            "usage": {"output_tokens": 3},
        },
    },
}
CANDIDATE = {"content": {"parts": [{"text": "So 2.", "thought": True}, {"text": "Answer: 2"}]}, "finishReason": "STOP"}
GEMINI = {
    "key": "a",
    "response": {
        "candidates": [CANDIDATE],
        "usageMetadata": {"candidatesTokenCount": 3, "thoughtsTokenCount": 2},
        "modelVersion": "m",
    },
}
TABLE = {
    "prompt": [{"role": "user", "content": "1 + 1?"}],
    "responses": ["Answer: 2", "Answer: 3"],
    "correct": [1.0, 0.0],
    "output_tokens": [7, 9],
    "gold": ["2"],
    "tier": "easy",
    "finish_reason": ["stop", "length"],
    "model": "m",
    "id": 1,
}
QUESTIONS = {"a": AskedQuestion("1 + 1?", "2")}


def inspect_json() -> bytes:
    reply = {"role": "assistant", "content": [{"type": "text", "text": "Answer: 2"}]}
    sample = {
        "id": 1,
        "epoch": 1,
        "input": "1 + 1?",
        "target": ["2"],
        "messages": [reply],
        "output": {"choices": [{"message": reply, "stop_reason": "stop"}], "usage": {"output_tokens": 3}},
        "scores": {"match": {"value": "C", "answer": "2"}},
    }
    return json.dumps({"version": 2, "eval": {"task": "t", "model": "m"}, "samples": [sample, sample]}).encode()


PRO = {
    "question_id": 7,
    "question": "1 + 1?",
    "options": ["2", "3"],
    "answer": "A",
    "category": "math",
    "pred": "A",
    "response": "The answer is (A).",
}
COMPLETION = {"model_answer": "2", "full_model_response": "<answer>2</answer>", "score": 1.0}
GYM = {
    "name": "sums",
    "category": "arithmetic",
    "results": [{"question": "1 + 1?", "expected_answer": "2", "completions": [COMPLETION, COMPLETION]}],
}
WHOLE = ("inspect-json", "zeroeval", "mmlu-pro", "reasoning-gym")


def zipped() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("math_result.json", json.dumps([PRO, PRO]))
    return content.getvalue()


DETAIL = {
    "doc": {"query": "1 + 1?", "choices": ["2"], "gold_index": [0], "id": "1"},
    "metric": {"em": 1.0},
    "model_response": {"text": ["2"], "output_tokens": [[7]]},
}


def parquet(row: dict[str, Any]) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist([row, row]), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def named_format(kind: str) -> str:
    return kind if kind in FORMATS else kind.rpartition("-")[0]


@pytest.fixture(scope="module")
def originals(sums_file: Path) -> dict[str, bytes]:
    return {
        "inspect": (DATA / "inspect-sums.eval").read_bytes(),
        "inspect-json": inspect_json(),
        "lm-eval": SAMPLES.read_bytes(),
        "batch-anthropic": (json.dumps(CLAUDE) + "\n").encode() * 2,
        "batch-gemini": (json.dumps(GEMINI) + "\n").encode() * 2,
        "batch": (json.dumps(LINE) + "\n").encode() * 2,
        "zeroeval": json.dumps([ITEM, ITEM], indent=1).encode(),
        "traces": sums_file.read_bytes(),
        "mmlu-pro": json.dumps([PRO, PRO]).encode(),
        "mmlu-pro-zip": zipped(),
        "reasoning-gym": json.dumps(GYM, indent=1).encode(),
        "columns": (json.dumps(TABLE) + "\n").encode() * 2,
        "columns-csv": b"prompt,output,target,tokens\n1 + 1?,Answer: 2,2,7\n",
        "columns-parquet": parquet(TABLE),
        "lighteval": parquet(DETAIL),
        "columns-gz": gzip.compress((json.dumps(TABLE) + "\n").encode() * 2),
        "sweep": b"query_id,budget,correct,samples,question\na,64,1,2,Q?\na,128,2,2,Q?\n",
    }


KINDS = pytest.mark.parametrize(
    "kind",
    [
        *("inspect", "inspect-json", "lm-eval", "batch", "batch-anthropic", "batch-gemini", "zeroeval", "traces"),
        *("lighteval", "mmlu-pro", "mmlu-pro-zip", "reasoning-gym"),
        *("sweep", "columns", "columns-csv", "columns-parquet", "columns-gz"),
    ],
)


def is_refused_or_valid(content: bytes, folder: Path, format: str | None = None) -> None:
    path = folder / "fuzzed"
    path.write_bytes(content)
    try:
        imported = import_logs([path], ImportSettings(questions=QUESTIONS), format=format)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert imported.table.num_rows
    assert imported.table.schema == (SWEEP_SCHEMA if imported.kind == "sweep" else TRACE_SCHEMA)
    if imported.kind == "traces":
        write_traces(imported.table, folder / "t.parquet")
        read_traces(folder / "t.parquet")


@KINDS
def test_the_originals_are_fine(originals: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    path = tmp_path / "original"
    path.write_bytes(originals[kind])
    assert import_logs([path], ImportSettings(questions=QUESTIONS)).table.num_rows


@pytest.mark.fuzz
@KINDS
def test_damaged_bytes(originals: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    named = named_format(kind)

    def check(content: bytes) -> None:
        is_refused_or_valid(content, tmp_path)
        is_refused_or_valid(content, tmp_path, named)

    fuzz(damaged({kind: originals[kind]}), check, examples=60)


@pytest.mark.fuzz
@KINDS
def test_cut_short(originals: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    content = originals[kind]
    lengths = st.integers(0, len(content) - 1)
    fuzz(lengths, lambda length: is_refused_or_valid(content[:length], tmp_path), examples=60)


@pytest.mark.fuzz
@pytest.mark.parametrize(
    "kind",
    [
        "inspect-json",
        "lm-eval",
        "batch",
        "batch-anthropic",
        "batch-gemini",
        "zeroeval",
        "mmlu-pro",
        "reasoning-gym",
        "columns",
    ],
)
def test_a_field_of_another_kind(originals: dict[str, bytes], kind: str, tmp_path: Path) -> None:
    text = originals[kind].decode()
    whole = json.loads(text if kind in WHOLE else text.splitlines()[0])

    def check(record: Any) -> None:
        is_refused_or_valid(json.dumps(record).encode(), tmp_path)
        is_refused_or_valid(json.dumps(record).encode(), tmp_path, named_format(kind))

    fuzz(altered({kind: whole}), check, examples=60)
