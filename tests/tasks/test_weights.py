from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice._errors import InputError
from shadowprice.tasks import read_questions, read_weights


def test_weights_of_lines(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "A?", "value": 2}\n\n{"question": "B?", "value": 0.5}\n', encoding="utf-8")
    assert [2.0, 0.5] == read_weights(path, "value").tolist()
    assert 2 == len(read_questions(path))


def test_weights_of_cells(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("question,value\nA?,2\nB?, 1e3 \n", encoding="utf-8")
    assert [2.0, 1000.0] == read_weights(path, "value").tolist()


def test_weights_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    pq.write_table(pa.table({"question": ["A?", "B?"], "value": [3, 4]}), path)
    assert [3.0, 4.0] == read_weights(path, "value").tolist()


def test_weights_of_batch_requests(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(
        '{"custom_id": "a", "value": 7, "body": {"messages": [{"role": "user", "content": "A?"}]}}\n', encoding="utf-8"
    )
    assert [7.0] == read_weights(path, "value").tolist()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ('"much"', "'much' is not a number: write a number above 0 as the weight."),
        ("true", "'True' is not a number: write a number above 0 as the weight."),
        ("[1]", "'[1]' is not a number: write a number above 0 as the weight."),
        ('"1_0"', "'1_0' is not a number: write a number above 0 as the weight."),
        ("1" + "0" * 400, "is not a number: write a number above 0 as the weight."),
        ("-1", "a weight of -1 is not a finite number above 0: correct it."),
        ("0", "a weight of 0 is not a finite number above 0: correct it."),
        ("NaN", "a weight of nan is not a finite number above 0: correct it."),
        ("1e999", "a weight of inf is not a finite number above 0: correct it."),
        ("null", "missing: give every question a number above 0 as its weight."),
    ],
)
def test_weights_that_are_none(tmp_path: Path, value: str, complaint: str) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text(f'{{"question": "A?", "value": 1}}\n{{"question": "B?", "value": {value}}}\n', encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_weights(path, "value")
    assert str(refused.value).startswith(f"{path}, line 2, field 'value': ")
    assert str(refused.value).endswith(complaint)


def test_a_field_that_no_question_has(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("query_id,question\na,A?\n", encoding="utf-8")
    with pytest.raises(InputError) as refused:
        read_weights(path, "value")
    assert (
        f"{path}, line 2, field 'value': missing, there are only query_id, question: "
        "give every question a number above 0 as its weight."
    ) == str(refused.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such file"):
        read_weights(tmp_path / "none.csv", "value")
