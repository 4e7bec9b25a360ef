"""Tables of any tool, read by the names of their columns."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice import _packed
from shadowprice._errors import InputError
from shadowprice.traces import AskedQuestion, Imported, ImportSettings, import_logs

ROWS = [
    {"prompt": "1 + 1?", "output": "Answer: 2", "target": "2", "output_tokens": 7, "extra": "x"},
    {"prompt": "2 + 2?", "output": "Answer: 5", "target": "4", "output_tokens": 9, "extra": "y"},
]


def jsonl(path: Path, *records: Any) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def read(path: Path, format: str | None = None, **settings: Any) -> tuple[list[dict[str, Any]], Imported]:
    imported = import_logs([path], ImportSettings(**settings), format=format)
    rows: list[dict[str, Any]] = imported.table.to_pylist()
    return rows, imported


def refusal(path: Path, format: str | None = None, **settings: Any) -> str:
    with pytest.raises(InputError) as error:
        read(path, format, **settings)
    assert "\n" not in str(error.value)
    return str(error.value).replace(f"{path.parent}/", "")


def written(folder: Path, kind: str) -> Path:
    path = folder / f"mine.{kind}"
    if kind == "parquet":
        pq.write_table(pa.Table.from_pylist(ROWS), path)
    elif kind == "json":
        path.write_text(json.dumps(ROWS, indent=1))
    elif kind in ("csv", "tsv"):
        with path.open("w", newline="", encoding="utf-8-sig") as file:
            writer = csv.DictWriter(file, list(ROWS[0]), delimiter="\t" if kind == "tsv" else ",")
            writer.writeheader()
            writer.writerows(ROWS)
    else:
        jsonl(path, *ROWS)
    if kind == "jsonl.gz":
        path.write_bytes(gzip.compress(path.read_bytes()))
    return path


@pytest.mark.parametrize("kind", ["jsonl", "json", "csv", "tsv", "parquet", "jsonl.gz"])
def test_common_names_are_understood_in_every_kind_of_table(tmp_path: Path, kind: str) -> None:
    rows, imported = read(written(tmp_path, kind), model="m")
    assert [(row["question"], row["gold"], row["correct"], row["completion_tokens"]) for row in rows] == [
        ("1 + 1?", "2", True, 7),
        ("2 + 2?", "4", False, 9),
    ]
    assert len({row["query_id"] for row in rows}) == 2
    assert {row["dataset"] for row in rows} == {"mine"}
    assert imported.logs[0].format == "columns"
    assert imported.logs[0].notes == (
        "columns taken: question=prompt, reply=output, gold=target, tokens=output_tokens; ignored: extra "
        "(--columns takes others)",
        "there are no verdicts, so replies are graded here, as the golds ask: number for 2 (--grader takes another)",
    )


def test_columns_that_are_named_come_first_and_may_lead_into_nested_values(tmp_path: Path) -> None:
    record = {
        "q": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "1 + 1?"}],
        "response": {"choices": [{"content": "So 2.\nAnswer: 2"}]},
        "ok": "yes",
        "score": 0.0,
        "usage": {"completion_tokens": 11},
        "tier": "Easy",
        "finish_reason": "length",
    }
    columns = {"question": "q", "reply": "response.choices.0", "correct": "ok", "tokens": "usage.completion_tokens"}
    ((row,), imported) = read(jsonl(tmp_path / "a.jsonl", record), columns=columns)
    assert (row["question"], row["correct"], row["completion_tokens"], row["tier"], row["finish_reason"]) == (
        "1 + 1?",
        True,
        11,
        "easy",
        "length",
    )
    assert "ignored: score" in imported.logs[0].notes[0]


def test_a_list_of_replies_needs_a_verdict_for_each(tmp_path: Path) -> None:
    record = {"question": "1 + 1?", "responses": ["Answer: 2", "", "Answer: 3"], "correct": [True, False, False]}
    rows, imported = read(jsonl(tmp_path / "a.jsonl", record))
    assert [(row["correct"], row["sample_index"]) for row in rows] == [(True, 0), (False, 1)]
    assert imported.logs[0].skipped == {"no reply": 1}
    path = jsonl(tmp_path / "a.jsonl", record | {"correct": True})
    assert "2 with no score" in refusal(path)
    assert len(read(jsonl(path, record | {"gold": "2"}), grader="number")[0]) == 2


@pytest.mark.parametrize(
    ("record", "complaint"),
    [
        (
            {"prompt": "Q", "problem": "Q", "reply": "A", "gold": "A"},
            "the columns 'problem' and 'prompt' may each be the",
        ),
        (
            {"question": "Q", "output": "A", "response": "A"},
            "the columns 'response' and 'output' may each be the reply",
        ),
        (
            {"question": "Q", "reply": "A", "answer": "A"},
            "the column 'answer' may be the reference answer, or what was",
        ),
        ({"question": "Q", "reply": "A", "gold": "A", "tokens": -1}, "line 1, column 'tokens': not a number of tokens"),
        (
            {"question": "Q", "reply": "A", "gold": "A", "tokens": "x"},
            "line 1, column 'tokens': not a number of tokens",
        ),
        (
            {"question": "Q", "reply": "A", "gold": "A", "tier": "7"},
            "line 1: the tier '7' is none of easy, medium, hard",
        ),
    ],
)
def test_what_may_be_two_things_is_refused(tmp_path: Path, record: dict[str, Any], complaint: str) -> None:
    said = refusal(jsonl(tmp_path / "a.jsonl", record))
    assert complaint in said
    assert "--columns" in said


def test_the_roles_own_name_is_taken_before_others(tmp_path: Path) -> None:
    record = {"question": "1 + 1?", "prompt": "Solve: 1 + 1?", "reply": "Answer: 2", "output": "?", "gold": "2"}
    ((row,), _) = read(jsonl(tmp_path / "a.jsonl", record | {"tokens": 90, "completion_tokens": 8}))
    assert (row["question"], row["completion"], row["completion_tokens"]) == ("1 + 1?", "Answer: 2", 8)


def test_a_column_answer_is_what_nothing_else_can_be(tmp_path: Path) -> None:
    ((row,), _) = read(jsonl(tmp_path / "a.jsonl", {"question": "1 + 1?", "answer": "Answer: 2", "gold": "2"}))
    assert row["completion"] == "Answer: 2"
    record = {"question": "1 + 1?", "reply": "Answer: 2", "answer": "2"}
    path = jsonl(tmp_path / "a.jsonl", record)
    ((row,), _) = read(path, columns={"gold": "answer"})
    assert (row["gold"], row["correct"]) == ("2", True)
    jsonl(path, record | {"correct": False})
    ((row,), imported) = read(path)
    assert (row["gold"], row["correct"]) == (None, False)
    assert "ignored: answer" in imported.logs[0].notes[0]


def test_a_column_can_be_left_alone(tmp_path: Path) -> None:
    record = {"question": "1 + 1?", "reply": "Answer: 2", "score": 7.5, "gold": "2", "tier": "7"}
    ((row,), _) = read(jsonl(tmp_path / "a.jsonl", record), columns={"correct": "", "tier": ""})
    assert row["correct"] is True
    assert row["tier"] is None


def test_wrong_columns_are_refused(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", *ROWS)
    assert refusal(path, columns={"x": "prompt"}).startswith("--columns: there is no 'x'; choose from question, reply")
    assert refusal(path, columns={"reply": "x"}) == (
        "a.jsonl: there is no column 'x'; it has prompt, output, target, output_tokens, extra."
    )
    assert "--columns is for tables" in refusal(path, format="batch", columns={"reply": "output"})
    assert "none of its columns (a, b?) says" in refusal(jsonl(path, {"a": 1, "b\n": 2}), format="columns")
    assert "with --columns question=NAME,reply=NAME,gold=NAME" in refusal(path)


def test_questions_come_from_a_file_by_their_ids(tmp_path: Path) -> None:
    path = jsonl(tmp_path / "a.jsonl", {"id": 3, "completion": "Answer: 2"})
    assert "give the questions with --questions" in refusal(path)
    ((row,), _) = read(path, questions={"3": AskedQuestion("1 + 1?", "2")}, dataset="sums")
    assert (row["query_id"], row["question"], row["correct"]) == ("sums/3", "1 + 1?", True)


def test_a_table_names_no_graders(tmp_path: Path) -> None:
    record = {"question": "Q", "reply": "Answer: 2", "gold": "3", "grader": "python:os:system"}
    ((row,), imported) = read(jsonl(tmp_path / "a.jsonl", record))
    assert row["correct"] is False
    assert "ignored: grader" in imported.logs[0].notes[0]


@pytest.mark.parametrize("format", [None, "lm-eval", "columns", "traces"])
def test_pointers_of_git_lfs_are_named(tmp_path: Path, format: str | None) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n")
    assert refusal(path, format) == "a.jsonl is a Git LFS pointer, not the file: run git lfs pull."


def test_damaged_and_swollen_gzip_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, "jsonl.gz")
    path.write_bytes(path.read_bytes()[:-12])
    assert "cannot be read" in refusal(path, "columns")
    monkeypatch.setattr(_packed, "MAX_UNPACKED", 2**15)
    path.write_bytes(gzip.compress(json.dumps(ROWS[0]).encode() + b"\n" * 2**17))
    assert "when unpacked; split it." in refusal(path)


@pytest.mark.parametrize(
    "content", ["question,reply\na\n", "question,reply\na,b,c\n", 'question,reply\n"a,b\n', "question,reply\n\x00,\n"]
)
def test_crooked_csv_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    assert "a.csv" in refusal(tmp_path / "a.csv", "columns")
