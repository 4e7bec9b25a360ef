"""Questions as people have them: the data sets and the exports that everybody knows, read without being told how."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.ipc
import pyarrow.parquet
import pytest

from shadowprice._errors import InputError
from shadowprice.tasks import Question, not_judged, read_question_file, read_questions, settle_graders


def _jsonl(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "q.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def _parquet(folder: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    path = folder / "q.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), path)
    return path


def _settled(path: Path, **how: Any) -> tuple[list[Question], list[str]]:
    """The questions with their graders, and everything that is said of them."""
    said: list[str] = []
    found = read_question_file(path, **how)
    return settle_graders(found, None, said.append), [found.sentence, *said]


GSM8K = [
    {"question": "How many eggs?", "answer": "She sells 16 - 3 = <<16-3=13>>13 eggs.\n#### 1,300"},
    {"question": "How many bolts?", "answer": "2 / 2 = 1\nSo 3.\n#### 3"},
]
MMLU = [
    {"question": "What is 1 + 1?", "subject": "algebra", "choices": ["0", "1", "2", "3"], "answer": 2},
    {"question": "Which is a fruit?", "subject": "food", "choices": ["Pear", "Car", "Dog", "Sea"], "answer": 0},
]
ARC = [
    {
        "id": "Mercury_1",
        "question": "Which is hot?",
        "choices": {"text": ["Ice", "Fire"], "label": ["A", "B"]},
        "answerKey": "B",
    },
    {
        "id": "NYSEDREGENTS_2",
        "question": "Which is cold?",
        "choices": {"text": ["Ice", "Fire"], "label": ["1", "2"]},
        "answerKey": "1",
    },
]
MATH_500 = [
    {
        "problem": "Convert the point $(0,3)$ to polar coordinates.",
        "solution": "We have $r = 3$, so $\\boxed{\\left( 3, \\frac{\\pi}{2} \\right)}$.",
        "answer": "\\left( 3, \\frac{\\pi}{2} \\right)",
        "subject": "Precalculus",
        "level": 2,
        "unique_id": "test/precalculus/807.json",
    },
    {
        "problem": "Define p.",
        "solution": "$\\boxed{p - q}$",
        "answer": "p - q",
        "subject": "A",
        "level": 1,
        "unique_id": "b",
    },
    {"problem": "Of 54?", "solution": "$\\boxed{9}$", "answer": "9", "subject": "A", "level": 1, "unique_id": "c"},
    {
        "problem": "Where?",
        "solution": "$\\boxed{(3,5)}$",
        "answer": "(3,5)",
        "subject": "A",
        "level": 1,
        "unique_id": "d",
    },
]
TRIVIA = [
    {
        "question": "Where in England was Dame Judi Dench born?",
        "question_id": "tc_3",
        "answer": {"aliases": ["Park Grove (1895)", "York UA", "York"], "value": "York", "type": "WikipediaEntity"},
    },
    {
        "question": "In which year?",
        "question_id": "tc_4",
        "answer": {"aliases": ["1945"], "value": "1945", "type": "N"},
    },
]


@pytest.mark.parametrize("write", [_jsonl, _parquet])
def test_gsm8k(tmp_path: Path, write: Any) -> None:
    questions, said = _settled(write(tmp_path, GSM8K))
    assert [("q1", "1,300", "number"), ("q2", "3", "number")] == [(q.query_id, q.gold, q.grader) for q in questions]
    assert said[0].endswith(": question, gold from `answer` (what follows #### or is in \\boxed{}).")
    assert said[1:] == ["Graders, from the golds: number for 2; --grader overrides."]


@pytest.mark.parametrize("write", [_jsonl, _parquet])
def test_mmlu(tmp_path: Path, write: Any) -> None:
    questions, said = _settled(write(tmp_path, MMLU))
    assert [("C", "choice"), ("A", "choice")] == [(one.gold, one.grader) for one in questions]
    assert ("0", "1", "2", "3") == questions[0].choices
    assert "gold from `answer` (as the letter of the choice)" in said[0]
    assert said[0].endswith("; ignored: subject.")


@pytest.mark.parametrize("write", [_jsonl, _parquet])
def test_arc(tmp_path: Path, write: Any) -> None:
    questions, _ = _settled(write(tmp_path, ARC))
    assert [("Mercury_1", "B", "choice"), ("NYSEDREGENTS_2", "A", "choice")] == [
        (one.query_id, one.gold, one.grader) for one in questions
    ]
    assert [("Ice", "Fire")] * 2 == [one.choices for one in questions]


def test_math_500(tmp_path: Path) -> None:
    questions, said = _settled(_jsonl(tmp_path, MATH_500))
    assert ["math", "math", "number", "math"] == [one.grader for one in questions]
    assert "\\left( 3, \\frac{\\pi}{2} \\right)" == questions[0].gold
    assert "test/precalculus/807.json" == questions[0].query_id
    assert "gold from `answer` (not `solution`)" in said[0]
    assert "Graders, from the golds: number for 1, math for 3; --grader overrides." == said[1]


def test_math_with_its_solutions_only(tmp_path: Path) -> None:
    rows = [{"problem": one["problem"], "solution": one["solution"]} for one in MATH_500]
    golds = [one.gold for one in read_questions(_jsonl(tmp_path, rows))]
    assert [one["answer"] for one in MATH_500] == golds


def test_trivia_qa(tmp_path: Path) -> None:
    questions, _ = _settled(_jsonl(tmp_path, TRIVIA))
    assert [("tc_3", "York", "exact"), ("tc_4", "1945", "number")] == [
        (q.query_id, q.gold, q.grader) for q in questions
    ]


def test_what_a_batch_says_beside_its_messages(tmp_path: Path) -> None:
    body = {"model": "big", "messages": [{"role": "user", "content": "1 + 1?"}], "max_tokens": 5}
    row = {
        "custom_id": "a",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": body,
        "answer": 2,
        "topic": "sums",
    }
    questions, said = _settled(_jsonl(tmp_path, [row]))
    assert [("a", "2", "number")] == [(one.query_id, one.gold, one.grader) for one in questions]
    assert said[0].endswith("ignored in the requests: model, max_tokens, topic.")


def test_chats_are_questions(tmp_path: Path) -> None:
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
    for column in ("messages", "prompt", "conversation", "input"):  # `input` in OpenAI's evals
        (found,) = read_questions(_jsonl(tmp_path, [{column: chat, "ideal": "So."}]))
        assert ("Why?", "So.", tuple(chat)) == (found.question, found.gold, found.messages)


def test_a_german_csv_with_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_bytes("Nr;Frage;Antwort\r\n1;Wie viel, in Euro?;3,5\r\n2;Größe?;1.234,5\r\n".encode("utf-8-sig"))
    with pytest.raises(
        InputError, match=r"no column 'question' .*, only Nr, Frage, Antwort: .* --columns question=NAME"
    ):
        read_questions(path)
    how = {"columns": {"question": "Frage", "gold": "Antwort", "query_id": "Nr"}}
    questions, said = _settled(path, **how)
    assert [("1", "Wie viel, in Euro?", "3,5", "number"), ("2", "Größe?", "1.234,5", "number")] == [
        (one.query_id, one.question, one.gold, one.grader) for one in questions
    ]
    assert said[0].endswith("query_id from `Nr`, question from `Frage`, gold from `Antwort`.")


def test_what_excel_exports_as_unicode_text(tmp_path: Path) -> None:
    path = tmp_path / "q.txt"
    path.write_bytes('ID\tPrompt\tAnswer\r\n7\t"Größe, ""so""?"\tja\r\n'.encode("utf-16"))
    assert [Question("7", 'Größe, "so"?', "ja")] == read_questions(path)


def test_excel_may_say_what_parts_the_cells(tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("sep=;\nquestion;gold\nA, B?;1\n", encoding="utf-8")
    assert [Question("q3", "A, B?", "1")] == read_questions(path)


@pytest.mark.parametrize("name", ["q.csv.gz", "q.jsonl.gz", "q.parquet.gz", "q.json", "q.ndjson", "q.tsv", "q.txt"])
def test_kinds_of_files(tmp_path: Path, name: str) -> None:
    rows = [{"id": 1, "prompt": "A?", "answer": 5}, {"id": 2, "prompt": "B?", "answer": 6}]
    table = "id,prompt,answer\n1,A?,5\n2,B?,6\n"
    plain = name.removesuffix(".gz")
    content = {
        "q.csv": table.encode(),
        "q.tsv": table.replace(",", "\t").encode(),
        "q.txt": table.replace(",", "|").encode(),
        "q.json": json.dumps(rows).encode(),
        "q.parquet": _parquet(tmp_path, rows).read_bytes(),
    }.get(plain) or "".join(json.dumps(row) + "\n" for row in rows).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name != plain else content)
    assert [Question("1", "A?", "5"), Question("2", "B?", "6")] == read_questions(path)


def test_numbers_as_ids_stay_as_they_are_written(tmp_path: Path) -> None:
    rows = [{"id": 1.0, "prompt": "A?"}, {"id": float("nan"), "prompt": "B?"}, {"id": 10**20, "prompt": "C?"}]
    assert ["1", "q2", "1" + "0" * 20] == [one.query_id for one in read_questions(_jsonl(tmp_path, rows))]
    column = _parquet(
        tmp_path, [{"id": 1.0, "prompt": "A?", "answer": 18.0}, {"id": None, "prompt": "B?", "answer": None}]
    )
    assert [("1", "18"), ("q2", "")] == [(one.query_id, one.gold) for one in read_questions(column)]
    cells = tmp_path / "q.csv"
    cells.write_text("id,prompt\n007,A?\n", encoding="utf-8")
    assert ["007"] == [one.query_id for one in read_questions(cells)]


def test_a_mixed_csv(tmp_path: Path) -> None:
    lines = ["id,prompt,answer,topic,source"]
    lines += [f'{number},What is {number} + {number}?,"{2 * number:,}",sums,me' for number in range(200)]
    lines += [f'{n},"Which? A) Ice B) Fire C) Sea",{"ABC"[n % 3]},choices,me' for n in range(200, 260)]
    lines += [f"{number},Simplify.,\\frac{{x}}{{{number}}},formulas,me" for number in range(260, 300)]
    path = tmp_path / "q.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    questions, said = _settled(path)
    assert ["number"] * 200 + ["choice"] * 60 + ["math"] * 40 == [one.grader for one in questions]
    assert said == [
        f"Read 300 questions from {path}: query_id from `id`, question from `prompt`, gold from `answer`; "
        "ignored: topic, source.",
        "Graders, from the golds: number for 200, choice for 60, math for 40; --grader overrides.",
    ]


def test_nothing_is_said_of_our_own_names(tmp_path: Path) -> None:
    path = _jsonl(tmp_path, [{"query_id": "a", "question": "A?", "gold": "1", "grader": "number", "value": 2}])
    assert "" == read_question_file(path, used=["value"]).sentence
    assert f"Read 1 questions from {path}: query_id, question, gold, grader; ignored: value." == (
        read_question_file(path).sentence
    )


def test_our_own_name_comes_before_all_others(tmp_path: Path) -> None:
    row = {"prompt": "no", "Question": "A?", "answer": "no", "gold": "1", "index": 9, "query_id": "a"}
    told: list[str] = []
    assert [Question("a", "A?", "1")] == read_questions(_jsonl(tmp_path, [row]), tell=told.append)
    assert "question from `Question` (not `prompt`), gold (not `answer`)" in told[0]


def test_columns_win_and_may_be_left_alone(tmp_path: Path) -> None:
    path = _jsonl(tmp_path, [{"question": "no", "q": {"text": "A?"}, "gold": "1", "id": 3, "family": "bees"}])
    columns = {"question": "q.text", "gold": "", "query_id": "", "family": ""}
    assert [Question("q1", "A?")] == read_questions(path, columns=columns)


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"question": "text"}, "there is no column 'text'; it has prompt, answer"),
        ({"reply": "answer"}, "--columns: there is no 'reply'; choose from query_id, question, gold, "),
        ({"question": ""}, "no column 'question'"),
    ],
)
def test_columns_that_are_not_there(tmp_path: Path, columns: dict[str, str], named: str) -> None:
    with pytest.raises(InputError) as caught:
        read_questions(_jsonl(tmp_path, [{"prompt": "A?", "answer": "1"}]), columns=columns)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    ("row", "named"),
    [
        ({"prompt": 5}, "line 1, field 'question' (column `prompt`): 5 is not a text"),
        ({"prompt": "A?", "answer": ["a", "b"]}, "field 'gold' (column `answer`): a list of 2 is no right answer"),
        ({"prompt": "A?", "answer": {"x": 1}}, "field 'gold' (column `answer`): an object is no right answer"),
        ({"prompt": "A?", "id": [1]}, "field 'query_id' (column `id`): [1] is neither a text nor a number"),
        ({"prompt": " ", "id": 1}, "field 'question' (column `prompt`): blank"),
        ({"prompt": "A?", "options": 3}, "field 'choices' (column `options`): not a list of choices"),
        ({"prompt": "A?", "options": [["a"]]}, "is not the text of a choice"),
        ({"prompt": "A?", "options": {"text": ["a"], "label": []}}, None),
        ({"prompt": "A?", "options": {"text": ["a"], "label": ["A", "B"]}}, "do not have as many labels"),
        ({"prompt": "A?", "options": ["a", "b"], "answer": 7}, "7 counts none of the 2 choices, counted from 0"),
    ],
)
def test_bad_values_are_refused_in_one_sentence(tmp_path: Path, row: Mapping[str, Any], named: str | None) -> None:
    path = _jsonl(tmp_path, [row])
    if named is None:
        assert 1 == len(read_questions(path))
        return
    with pytest.raises(InputError) as caught:
        read_questions(path)
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


def test_json_may_hold_the_list_under_a_name_or_be_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "q.json"
    path.write_text('{"version": 1, "data": [{"question": "A?"}]}', encoding="utf-8")
    assert [Question("q1", "A?")] == read_questions(path)
    path.write_text('{"question": "A?"}\n{"question": "B?"}\n', encoding="utf-8")
    assert [Question("q1", "A?"), Question("q2", "B?")] == read_questions(path)


def test_golds_that_a_grader_cannot_read_are_said(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": f"{number}?", "gold": gold} for number, gold in enumerate(["1", "Paris", "2", "Rome", "x", "y"])
    ]
    found = read_question_file(_jsonl(tmp_path, rows))
    with pytest.raises(InputError) as caught:
        settle_graders(found, "number")
    assert (
        "the grader 'number' cannot read 4 of 6 golds: line 2 ('Paris'), line 4 ('Rome'), line 5 ('x'), ...: correct"
        in str(caught.value)
    )
    assert ["exact"] * 6 == [one.grader for one in settle_graders(found, "exact")]


def test_questions_without_golds_are_counted(tmp_path: Path) -> None:
    said = [
        not_judged([Question(str(row), "?", gold) for row, gold in enumerate(golds)]) for golds in ("ab", "a ", "  ")
    ]
    assert [
        "",
        "1 of 2 questions have no gold and are not judged.",
        "No question has a gold, so no reply is judged.",
    ] == said


def test_a_blank_gold_is_none(tmp_path: Path) -> None:
    blank: tuple[Any, ...] = (" ", "", None, [])
    rows = [{"question": "A?", "gold": gold} for gold in blank]
    assert [""] * 4 == [one.gold for one in read_questions(_jsonl(tmp_path, rows))]


def test_graders_of_the_file_and_of_families_stay(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"question": "A?", "gold": "5", "grader": "exact"},
        {"question": "B?", "gold": "5", "entry": {"a": 1}},
        {"question": "C?", "gold": "5", "family": "plus"},
        {"question": "D?", "gold": "5"},
        {"question": "E?", "gold": "x #### 5", "grader": "exact"},
    ]
    questions, _ = _settled(_jsonl(tmp_path, rows))
    assert ["exact", "exact", "exact", "number", "exact"] == [one.grader for one in questions]
    assert "x #### 5" == questions[-1].gold


def test_solutions_that_nobody_repeats_are_said(tmp_path: Path) -> None:
    _, said = _settled(_jsonl(tmp_path, [{"question": "A?", "gold": "So it is. " * 30}]))
    assert "1 golds are longer than 200 characters, which no reply repeats, first on line 1" in said[2]


def test_without_the_extra_formulas_are_compared_as_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    questions, said = _settled(_jsonl(tmp_path, MATH_500))
    assert {"exact", "number"} == {one.grader for one in questions}
    assert "pip install 'shadowprice[math]'" in said[1]


def test_what_the_assistant_says_last_is_the_right_answer_and_is_not_sent(tmp_path: Path) -> None:
    turns = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who was the Desert Fox?"}]
    told = [*turns, {"role": "assistant", "content": " Erwin Rommel\n"}]
    (one, other), said = _settled(
        _jsonl(tmp_path, [{"messages": told}, {"messages": told, "gold": "Rommel", "grader": "exact"}])
    )
    assert ("Erwin Rommel", tuple(turns)) == (one.gold, one.messages)
    assert "Who was the Desert Fox?" == one.question
    # A reply that somebody has begun for the model goes with a right answer of its own.
    assert ("Rommel", tuple(told)) == (other.gold, other.messages)
    assert any("exact for 1" in line for line in said), said
