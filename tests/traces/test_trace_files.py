import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice._errors import InputError
from shadowprice.traces import SCHEMA_VERSION, TRACE_SCHEMA, Traces, read_traces, write_traces

MakeTable = Callable[..., pa.Table]


def refusal(path: Path) -> str:
    """What is said about a file that cannot be read: one line that names the file."""
    with pytest.raises(InputError) as caught:
        read_traces(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.splitlines() == [message]
    return message.removeprefix(str(path))


def test_a_full_table_survives_a_round_trip(tmp_path: Path) -> None:
    row = {
        "query_id": "gcd/0",
        "dataset": "gcd",
        "tier": "easy",
        "model": "m",
        "protocol": "plain",
        "sample_index": 0,
        "seed": 3,
        "temperature": 0.5,
        "question": "gcd of 4 and 6?",
        "gold": "2",
        "completion": "Answer: 2",
        "answer": None,
        "correct": True,
        "completion_tokens": 5,
        "answer_tokens": 4,
        "estimate": 12,
        "estimate_tokens": 5,
        "max_tokens": 8,
        "finish_reason": "stop",
        "confidence": {name: [-0.5, None] for name in ("mean", "lowest", "entropy", "slope", "answer")},
        "schema_version": SCHEMA_VERSION,
    }
    table = pa.Table.from_pylist([row], schema=TRACE_SCHEMA)
    path = tmp_path / "t.parquet"
    write_traces(table, path)
    assert read_traces(path).table.to_pylist() == [row]
    assert ["t.parquet"] == [file.name for file in tmp_path.iterdir()]


def test_replies_are_grouped_by_question(tmp_path: Path, trace_table: MakeTable) -> None:
    path = tmp_path / "t.parquet"
    write_traces(trace_table(), path)
    traces = read_traces(path)
    assert traces.name == str(path)
    assert ["a", "b"] == traces.query_ids
    assert ["A?", "B?"] == traces.questions
    assert [0, 0, 1] == traces.query.tolist()
    assert [0, 2] == traces.first.tolist()
    assert [2, 1] == traces.samples.tolist()
    assert [10, 40, 20] == traces.answer_tokens.tolist()
    assert [30, 50, 20] == traces.completion_tokens.tolist()
    assert [True, False, False] == traces.correct.tolist()
    assert [0.5, 0.0] == traces.pass_rate.tolist()
    assert ["", ""] == traces.datasets


def test_excluded_questions_are_left_out(tmp_path: Path, trace_table: MakeTable) -> None:
    write_traces(trace_table(), tmp_path / "t.parquet")
    traces = read_traces(tmp_path / "t.parquet")
    rest = traces.without({"A?"})
    assert (["b"], [0], [20]) == (rest.query_ids, rest.query.tolist(), rest.answer_tokens.tolist())
    with pytest.raises(InputError, match=r"All questions of .* are excluded"):
        traces.without({"A?", "B?"})


def test_whole_numbers_may_be_stored_as_floats_and_extra_columns_are_dropped(
    tmp_path: Path, trace_table: MakeTable
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(trace_table(answer_tokens=[10.0, 20.0, 40.0], mood=["x", "y", "z"]), path)
    traces = read_traces(path)
    assert [10, 40, 20] == traces.answer_tokens.tolist()
    assert "mood" not in traces.table.column_names


@pytest.mark.parametrize(
    ("accuracy", "tiers"),
    [
        ({"x": 1.0}, {"x": "medium"}),
        ({"x": 0.1, "y": 0.9}, {"x": "hard", "y": "easy"}),
        ({"x": 0.5, "y": 0.0, "z": 1.0}, {"x": "medium", "y": "hard", "z": "easy"}),
    ],
)
def test_without_tiers_data_sets_are_ranked_by_accuracy(accuracy: dict[str, float], tiers: dict[str, str]) -> None:
    names = [name for name in accuracy for _ in range(10)]
    table = pa.table(
        {
            "query_id": [f"{name}/{number}" for number, name in enumerate(names)],
            "dataset": names,
            "correct": [number % 10 < 10 * accuracy[name] for number, name in enumerate(names)],
        }
    )
    assert Traces(table, np.arange(len(names))).tiers == [tiers[name] for name in names]


def test_without_tiers_and_data_sets_streams_are_mixed_from_thirds(trace_table: MakeTable) -> None:
    rows = {
        "query_id": ["a", "a", "b", "c"],
        "tier": pa.nulls(4, pa.string()),
        "correct": [True, True, False, True],
        "completion_tokens": [9, 9, 5, 20],
    }
    traces = Traces(pa.table(rows), np.array([0, 0, 1, 2]))
    assert traces.strata == ["easy", "hard", "medium"]
    assert traces.tiers == ["", "", ""]
    labelled = Traces(trace_table(tier=["hard", "hard", "easy"]), np.array([0, 0, 1]))
    assert labelled.strata == labelled.tiers


def test_given_tiers_are_kept(trace_table: MakeTable) -> None:
    table = trace_table(tier=["hard", "hard", "easy"])
    assert ["hard", "easy"] == Traces(table, np.array([0, 0, 1])).tiers


def test_an_absent_file(tmp_path: Path) -> None:
    assert ": no such file; give a Parquet file of traces, or `bundled`." == refusal(tmp_path / "none.parquet")
    assert refusal(tmp_path).startswith(": no such file")


def test_an_empty_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.touch()
    assert " is empty; record traces into it with `shadowprice record`." == refusal(path)


def test_a_file_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_traces(TRACE_SCHEMA.empty_table(), path)
    assert " holds no rows; record traces into it with `shadowprice record`." == refusal(path)


@pytest.mark.parametrize("keep", [4, 100, -8, -1])
def test_a_truncated_file(tmp_path: Path, trace_table: MakeTable, keep: int) -> None:
    path = tmp_path / "t.parquet"
    write_traces(trace_table(), path)
    path.write_bytes(path.read_bytes()[:keep])
    assert refusal(path).startswith(" is not a readable Parquet file (damaged or cut short?): ")


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("query_id,question\n" * 40)
    assert refusal(path).startswith(" is not a readable Parquet file")


def test_damage_inside_a_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    ids = [f"q{number}" for number in range(2000)]
    columns = {"query_id": ids, "question": ids, "correct": [True] * 2000}
    counts = list(range(2000))
    write_traces(pa.table(columns | {"completion_tokens": counts, "answer_tokens": counts}), path)
    content = bytearray(path.read_bytes())
    content[200:1200] = bytes(1000)
    path.write_bytes(content)
    assert refusal(path).startswith(" is not a readable Parquet file")


@pytest.mark.parametrize("column", ["query_id", "question", "correct", "completion_tokens", "answer_tokens"])
def test_a_missing_column(tmp_path: Path, trace_table: MakeTable, column: str) -> None:
    path = tmp_path / "t.parquet"
    write_traces(trace_table().drop_columns([column]), path)
    assert (
        f" lacks the column {column}; traces need query_id, question, correct, completion_tokens, answer_tokens."
        == (refusal(path))
    )


@pytest.mark.parametrize(
    ("column", "values", "complaint"),
    [
        ("answer_tokens", [1.0, math.nan, 2.0], ", row 1: answer_tokens is nan; it must be a whole number of tokens"),
        ("answer_tokens", [1, 2, -7], ", row 2: answer_tokens is -7; it must be a whole number of tokens"),
        ("answer_tokens", [0.5, 2.0, 3.0], ", row 0: answer_tokens is 0.5; it must be a whole number of tokens"),
        ("answer_tokens", [math.inf, 2.0, 3.0], ", row 0: answer_tokens is inf; it must be a whole number"),
        ("answer_tokens", ["1", "2", "3"], ": the column answer_tokens is string; it must be a number of tokens"),
        ("answer_tokens", [1, None, 3], ", row 1: answer_tokens is missing; fill it in or leave the row out."),
        ("answer_tokens", [10, 20, 51], ", row 2: answer_tokens is 51, more than its 50 completion_tokens"),
        ("completion_tokens", [30, -1, 50], ", row 1: completion_tokens is -1; it must be a whole number of tokens"),
        ("correct", [1, 0, 1], ": the column correct is int64; it must be true or false."),
        ("correct", [True, False, None], ", row 2: correct is missing"),
        ("query_id", ["a", None, "b"], ", row 1: query_id is missing"),
        ("schema_version", [1, 1, 99], " has schema version 99, this shadowprice reads up to 1: upgrade it."),
    ],
)
def test_a_value_that_cannot_be(
    tmp_path: Path, trace_table: MakeTable, column: str, values: list[Any], complaint: str
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(trace_table(**{column: values}), path)
    assert refusal(path).startswith(complaint)


def test_nothing_is_written_where_nothing_can_be(tmp_path: Path, trace_table: MakeTable) -> None:
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "none" / "t.parquet", tmp_path / "file" / "t.parquet", tmp_path):
        with pytest.raises(InputError, match=f"^Cannot write {path}: "):
            write_traces(trace_table(), path)
    assert ["file"] == [file.name for file in tmp_path.iterdir()]
    assert "mine" == (tmp_path / "file").read_text()


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("old")
    with pytest.raises(AttributeError):
        write_traces("no table", path)
    assert "old" == path.read_text()
    assert ["t.parquet"] == [file.name for file in tmp_path.iterdir()]
