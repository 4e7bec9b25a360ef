"""Damaged files of questions are refused in one sentence, or read; nothing else is ever raised."""

import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import strategies as st

from fuzzing import altered, damaged, fuzz
from shadowprice._errors import InputError
from shadowprice.tasks import Question, read_question_file, read_questions, settle_graders, write_questions

pytestmark = pytest.mark.fuzz

ASKED = {
    "question": {"question": "1 + 1?", "gold": "2", "grader": "number", "family": "sums", "metadata": {"a": [1]}},
    "batch": {
        "custom_id": "b",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m", "messages": [{"role": "user", "content": "Hi."}], "max_tokens": 5},
        "metadata": {"gold": "2"},
    },
    "arc": {
        "id": 7,
        "question": "Which is hot?",
        "choices": {"text": ["Ice", "Fire"], "label": ["A", "B"]},
        "answerKey": "B",
    },
    "mmlu": {"question": "Which?", "options": ["Ice", "Fire"], "answer": 1, "A": "Ice", "B": "Fire", "C": "Sea"},
    "trivia": {"question_id": 1.0, "question": "Where?", "answer": {"value": "York", "aliases": ["York UA"]}},
    "chat": {"messages": [{"role": "user", "content": "Hi."}], "solution": "So \\boxed{\\frac{1}{2}}"},
}
ENDINGS = ("jsonl", "csv", "parquet", "json", "tsv")


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("questions")
    write_questions(folder / "q.jsonl", [Question("a", "Q?", gold="2")])
    rows = {"question": ["What is 1 + 1?", "Why?"], "gold": ["2", None], "id": ["a", "b"]}
    pyarrow.parquet.write_table(pyarrow.table(rows), folder / "q.parquet")
    (folder / "q.csv").write_text('question,gold,id\n"What is 1 + 1?",2,a\n"Why, then?",,b\n')
    (folder / "q.json").write_text(json.dumps(list(ASKED.values())))
    (folder / "q.tsv").write_bytes(
        "id\tprompt\tA\tB\tC\tanswer\n1\tWhich?\tx\ty\tz\t2\n2\tWhy?\tx\ty\tz\ta\n".encode("utf-16")
    )
    with (folder / "q.jsonl").open("a") as file:
        file.writelines(json.dumps(one) + "\n" for one in ASKED.values())
    return {ending: (folder / f"q.{ending}").read_bytes() for ending in ENDINGS}


def is_refused_or_valid(content: bytes, path: Path) -> None:
    path.write_bytes(content)
    try:
        questions = settle_graders(read_question_file(path))
    except InputError as error:
        assert "\n" not in str(error)
        return
    assert questions
    assert all(isinstance(one, Question) for one in questions)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_originals_are_fine(originals: dict[str, bytes], ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"q.{ending}"
    path.write_bytes(originals[ending])
    assert len(read_questions(path)) >= 2


@pytest.mark.parametrize("ending", ENDINGS)
def test_damaged_files(originals: dict[str, bytes], ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"q.{ending}"
    fuzz(damaged({ending: originals[ending]}), lambda content: is_refused_or_valid(content, path), examples=100)


def test_a_field_of_another_kind(tmp_path: Path) -> None:
    def check(records: list[Any]) -> None:
        is_refused_or_valid(b"".join(json.dumps(one).encode() + b"\n" for one in records), tmp_path / "q.jsonl")

    fuzz(st.lists(altered(ASKED, most=2), min_size=1, max_size=2), check, examples=150)
