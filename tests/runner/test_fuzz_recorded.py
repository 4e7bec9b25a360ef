"""Files of replies at random: read and judged, or refused in one sentence."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import strategies as st

from fuzzing import altered, damaged, fuzz
from shadowprice._errors import InputError
from shadowprice.grading import find_answer
from shadowprice.runner import Verdict, judge_again, read_recorded, write_judged

pytestmark = pytest.mark.fuzz

LINES = {
    "batch": {
        "custom_id": "a",
        "response": {"body": {"choices": [{"message": {"content": "Answer: 2"}, "finish_reason": "stop"}]}},
        "error": None,
        "shadowprice": {"answer": "2", "correct": True, "gold": "2", "grader": "number"},
    },
    "plain": {"id": 3, "reply": "Answer: 2\n", "gold": "2", "grader": "exact", "finish_reason": "length", "entry": {}},
}


def is_refused_or_judged(content: bytes, folder: Path, ending: str = "jsonl") -> None:
    path, output = folder / f"r.{ending}", folder / f"o.{ending}"
    path.write_bytes(content)
    verdicts: list[Verdict] = []
    try:
        verdicts.extend(judge_again(reply, "exact", place=True) for reply in read_recorded(path))
        write_judged(path, verdicts, output)
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert len(verdicts) == len(list(read_recorded(output)))


def test_damaged_lines(tmp_path: Path) -> None:
    whole = b"".join(json.dumps(one).encode() + b"\n" for one in LINES.values())
    fuzz(damaged({"lines": whole}), lambda content: is_refused_or_judged(content, tmp_path), examples=150)


def test_a_field_of_another_kind(tmp_path: Path) -> None:
    def check(records: list[Any]) -> None:
        is_refused_or_judged(b"".join(json.dumps(one).encode() + b"\n" for one in records), tmp_path)

    fuzz(st.lists(altered(LINES, most=2), min_size=1, max_size=2), check, examples=150)


def test_damaged_traces(tmp_path: Path) -> None:
    rows = {"query_id": ["a", "b"], "completion": ["Answer: 2", None], "gold": ["2", "3"], "correct": [True, False]}
    pyarrow.parquet.write_table(pyarrow.table(rows), tmp_path / "t.parquet")
    whole = (tmp_path / "t.parquet").read_bytes()
    fuzz(damaged({"t": whole}), lambda content: is_refused_or_judged(content, tmp_path, "parquet"), examples=100)


def test_replies_that_were_cut_anywhere() -> None:
    words = 'Answer: |The answer is |7|12.5| apples|. |**|$|\\boxed{|}|```python\n|```|{"answer": "|"|(B) '
    pieces = st.sampled_from(
        [*words.split("|"), "\n", "#### ", "<answer>", "</answer>", ", ", "<think>", "</think>", "答案是", "。"]
    )

    def check(parts: list[str]) -> None:
        text = "".join(parts)
        for kind in ("number", "choice", "math", "exact", "tests"):
            answer = find_answer(text, kind, cut=True)
            assert answer is None or 0 <= answer.start < answer.end <= len(text)

    fuzz(st.lists(pieces, max_size=20), check, examples=200)
