import json
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice.tasks import FAMILIES, Question, make_questions, read_questions, write_questions


def _write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    questions = make_questions([family.name for family in FAMILIES], count=3)
    questions.append(Question("mine", "Why\u2028so?", messages=({"role": "user", "content": "Why?"},)))
    path = tmp_path / "questions.jsonl"
    write_questions(path, questions)
    assert read_questions(path) == questions
    assert [entry.name for entry in tmp_path.iterdir()] == ["questions.jsonl"]


@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip), min_size=1))
def test_any_text_survives_a_file(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    path = tmp_path_factory.mktemp("files") / "questions.jsonl"
    questions = [Question(f"q{number}", text, gold=text) for number, text in enumerate(texts)]
    write_questions(path, questions)
    assert read_questions(path) == questions


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = _write(tmp_path, "questions.jsonl", '{"question": "Old?"}\n')
    with pytest.raises(TypeError):
        write_questions(path, [Question("a", "New?", entry={"x": object()})])
    assert [question.question for question in read_questions(path)] == ["Old?"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["questions.jsonl"]


def test_plain_lines_get_their_line_number(tmp_path: Path) -> None:
    path = _write(tmp_path, "q.jsonl", '{"question": "A?", "gold": 7}\n\n{"question": "B?", "other": 1}\n')
    assert read_questions(path) == [Question("q1", "A?", gold="7"), Question("q3", "B?")]


def test_batch_lines_keep_their_messages(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "A?"}]
    line = {
        "custom_id": "r1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"messages": messages},
    }
    path = _write(tmp_path, "batch.jsonl", json.dumps(line))
    assert read_questions(path) == [Question("r1", "A?", messages=tuple(messages))]


def test_csv_and_parquet_have_a_column_per_field(tmp_path: Path) -> None:
    comma = _write(tmp_path, "q.csv", 'question,gold\n"A,\nB?",1\nC?,\n')
    assert read_questions(comma) == [Question("q3", "A,\nB?", gold="1"), Question("q4", "C?")]
    column = tmp_path / "q.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"question": ["A?", "B?"], "gold": ["1", None]}), column)
    assert read_questions(column) == [Question("q1", "A?", gold="1"), Question("q2", "B?")]


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        ("q.jsonl", "", "no questions"),
        ("q.jsonl", "\n\n", "no questions"),
        ("q.jsonl", '{"question": "A?"}\n{"question": \n', "line 2: not JSON"),
        ("q.jsonl", "[1]", "line 1: not a JSON object"),
        ("q.jsonl", '{"gold": "7"}', "no column 'question'"),
        ("q.jsonl", '{"question": "A?"}\n{"gold": "7"}', "line 2, field 'question': missing"),
        ("q.jsonl", '{"question": " "}', "line 1, field 'question': blank"),
        ("q.jsonl", '{"question": ["A?"]}', "line 1, field 'question'"),
        ("q.jsonl", '{"question": "A?", "entry": 3}', "line 1, field 'entry'"),
        (
            "q.jsonl",
            '{"query_id": "a", "question": "A?"}\n' * 2,
            "line 2, field 'query_id': 'a' is on line 1",
        ),
        ("q.jsonl", '{"custom_id": "a", "body": {}}', "field 'body.messages': missing"),
        ("q.jsonl", '{"body": {"messages": []}}', "field 'custom_id': missing"),
        ("q.jsonl", '{"custom_id": "a", "body": {"messages": []}}', "no user message"),
        ("q.csv", "", "no questions"),
        ("q.csv", "question\n", "no questions"),
        ("q.csv", "words\nA?\n", "no column 'question'"),
        ("q.csv", "question,gold\n,7\n", "line 2, field 'question': missing"),
        ("q.csv", "question,entry\nA?,{\n", "line 2, field 'entry': not JSON"),
        ("q.csv", 'question\n"A?', "not CSV"),
        ("q.parquet", "PAR1 and no more", "is not a readable Parquet file"),
        ("q.xlsx", "A?", "'.xlsx'"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, name: str, text: str, named: str) -> None:
    _refuses(_write(tmp_path, name, text), named)


def test_truncated_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"question": ["A?"] * 100}), path)
    path.write_bytes(path.read_bytes()[:-20])
    _refuses(path, "is not a readable Parquet file")


def test_names_in_parquet_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"question": ["A?"], "id": ["a"]}), path)
    path.write_bytes(path.read_bytes().replace(b"\x18\x02id%", b"\x18\x02\xe9d%"))
    _refuses(path, "is not a readable Parquet file")


def test_other_bytes_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    _refuses(path, "no such file")
    path.write_bytes(b'{"question": "\xff"}')
    _refuses(path, "not UTF-8")


@pytest.mark.parametrize(("name", "named"), [("q.csv", "ends in .jsonl"), ("no/q.jsonl", "No such file")])
def test_bad_targets_are_refused(tmp_path: Path, name: str, named: str) -> None:
    with pytest.raises(InputError, match=named):
        write_questions(tmp_path / name, [Question("a", "A?")])


def _refuses(path: Path, named: str) -> None:
    with pytest.raises(InputError) as caught:
        read_questions(path)
    message: Any = str(caught.value)
    assert named in message
    assert str(path) in message
    assert "\n" not in message


DEEP = "[" * 100_000
NINES = "9" * 5000


@pytest.mark.parametrize(
    ("name", "text", "named"),
    [
        (
            "q.jsonl",
            f'{{"question": "A?"}}\n{{"question": "?", "gold": {NINES}}}',
            "line 2: a number in it is too long",
        ),
        ("q.jsonl", f'{{"question": {DEEP}', "line 1: JSON nested too deeply"),
        (
            "q.jsonl",
            '{"question": "A?", "entry": {"a": ' + "[" * 150 + "]" * 150 + "}}",
            "line 1: JSON nested too deeply",
        ),
        ("q.jsonl", '{"question": "A?", "question": "B?"}', "line 1, field 'question': it is there twice"),
        ("q.jsonl", '{"question": "A?", "entry": {"a": 1, "a": 2}}', "line 1, field 'a': it is there twice"),
        ("q.jsonl", '{"question": "A?", "messages": []}', "line 1, field 'messages': "),
        ("q.jsonl", '{"question": "A?", "messages": [{}]}', "line 1, field 'messages.0.role': missing"),
        ("q.jsonl", '{"question": "A?", "messages": [{"role": "user"}]}', "field 'messages.0.content': missing"),
        ("q.csv", "question,question\nA?,B?\n", "there are two columns 'question'"),
        ("q.csv", f"question,entry\nA?,{DEEP}\n", "line 2, field 'entry': JSON nested too deeply"),
        ("q.csv", "question,messages\nA?,[]\n", "line 2, field 'messages': "),
    ],
)
def test_odd_files_are_refused_in_one_line(tmp_path: Path, name: str, text: str, named: str) -> None:
    _refuses(_write(tmp_path, name, text), named)


def test_two_columns_of_one_name_in_parquet(tmp_path: Path) -> None:
    path = tmp_path / "q.parquet"
    column = pyarrow.array(["A?"])
    pyarrow.parquet.write_table(pyarrow.Table.from_arrays([column, column], names=["question", "question"]), path)
    _refuses(path, "there are two columns 'question'")


def test_columns_without_a_name_may_be_several(tmp_path: Path) -> None:
    assert [Question("q2", "A?")] == read_questions(_write(tmp_path, "q.csv", "question,,\nA?,1,2\n"))


def test_messages_may_hold_what_only_a_server_understands(tmp_path: Path) -> None:
    messages = [{"role": "user", "content": "A?", "name": "me"}]
    path = _write(tmp_path, "q.jsonl", json.dumps({"question": "A?", "messages": messages}))
    assert [Question("q1", "A?", messages=tuple(messages))] == read_questions(path)


def test_halves_of_characters_are_replaced_wherever_they_stand(tmp_path: Path) -> None:
    line = (
        '{"query_id": "\\ud83d", "question": "\\ud83d\\ude00", "gold": "\\ude00", '
        '"messages": [{"role": "user", "content": "\\ud83d"}], "entry": {"\\ud83d": ["\\ud83d"]}}'
    )
    (found,) = read_questions(_write(tmp_path, "q.jsonl", line))
    assert Question("�", "😀", "�", entry={"�": ["�"]}, messages=({"role": "user", "content": "�"},)) == found
    cell = _write(tmp_path, "q.csv", 'question,entry\nA?,"{""a"": ""\\ud83d""}"\n')
    assert {"a": "�"} == read_questions(cell)[0].entry


def test_null_says_as_much_as_nothing(tmp_path: Path) -> None:
    path = tmp_path / "q.jsonl"
    path.write_text('{"question": "Why?", "gold": null, "query_id": null, "messages": null}\n', encoding="utf-8")
    assert [("q1", "", None)] == [(one.query_id, one.gold, one.messages) for one in read_questions(path)]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("q.csv", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "is a Git LFS pointer"),
        ("q.csv", b"question,gold\nWhat, then?,7\n", "line 2: 3 cells for 2 columns: quote cells that hold a comma"),
        ("q.txt", b"What is 1+1?\nWhy, then?\n", "there is no column 'question'"),
        ("q.csv", "question\nA?\n".encode("utf-16-le"), "UTF-16 without its mark"),
        ("q.csv", b"question\nGr\xf6\xdfe?\n", "not UTF-8 text (byte 11): save it as UTF-8"),
        ("q.csv.gz", b"\x1f\x8b\x08 and no more", "cannot be read"),
        ("q.json", b'{"question": "A?"}', "an object with 0 lists in it"),
        ("q.json", b"[1]", "item 1: not a JSON object"),
        ("q.json", b'"A?"', "not a list of JSON objects"),
        ("q.xlsx", b"PK", "'.xlsx' file: save it as CSV"),
    ],
)
def test_files_that_are_something_else(tmp_path: Path, name: str, content: bytes, named: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_questions(path)
    assert named in str(caught.value)
