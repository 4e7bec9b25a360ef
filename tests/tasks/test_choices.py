"""Choices in the shapes in which data sets hold them, and the letter of the right one."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from shadowprice._errors import InputError
from shadowprice.tasks import read_questions


def _jsonl(folder: Path, rows: Sequence[Mapping[str, Any]], name: str = "q.jsonl") -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("choices", "gold", "texts", "letter"),
    [
        ({"A": "Low", "B": "High"}, "B", ("Low", "High"), "B"),  # MedQA
        ({"A": "Low", "B": "High"}, "High", ("Low", "High"), "B"),
        ([{"label": "A", "text": "Low"}, {"label": "B", "text": "High"}], "B", ("Low", "High"), "B"),
        (["A)21", "B)21.5", "C)22"], "B", ("21", "21.5", "22"), "B"),  # AQuA-RAT
        (["London", "Paris"], "paris", ("London", "Paris"), "B"),
        (["London", "Paris"], "(b)", ("London", "Paris"), "B"),
        (["London", "Paris"], "B) Paris", ("London", "Paris"), "B"),
        ([3, 4, 5], 4, ("3", "4", "5"), "B"),  # it counts none of them, so it is one of them
        (["2", "1"], "1", ("2", "1"), "B"),
        (["a", "b"], "2", ("a", "b"), "B"),  # counted from 1, as in WinoGrande
        (["a", "b"], "1", ("a", "b"), "B"),
        (["true", "false"], False, ("true", "false"), "B"),
        ("['low' 'high']", "high", ("low", "high"), "B"),  # an array of numpy, as printed
    ],
)
def test_shapes_of_choices(tmp_path: Path, choices: Any, gold: Any, texts: tuple[str, ...], letter: str) -> None:
    (found,) = read_questions(_jsonl(tmp_path, [{"question": "?", "choices": choices, "answer": gold}]))
    assert (texts, letter) == (found.choices, found.gold)


@pytest.mark.parametrize(
    ("header", "cells"),
    [
        ("A,B,C,D", "Ice,Fire,Sea,Air"),
        ("option_a,option_b,option_c,option_d", "Ice,Fire,Sea,Air"),
        ("opa,opb,opc,opd", "Ice,Fire,Sea,Air"),
        ("Option 1,Option 2,Option 3,Option 4,Option 5", "Ice,Fire,Sea,Air,"),
        ("choices", '"[""Ice"", ""Fire"", ""Sea"", ""Air""]"'),
        ("options", "\"['Ice', 'Fire', 'Sea', 'Air']\""),
        ("options", "Ice|Fire|Sea|Air"),
        ("options", '"A) Ice\nB) Fire\nC) Sea\nD) Air"'),
    ],
)
def test_columns_of_choices(tmp_path: Path, header: str, cells: str) -> None:
    path = tmp_path / "q.csv"
    path.write_text(f"question,{header},answer\nHot?,{cells},B\n", encoding="utf-8")
    (found,) = read_questions(path)
    assert (("Ice", "Fire", "Sea", "Air"), "B") == (found.choices, found.gold)


@pytest.mark.parametrize(
    ("header", "golds", "letters"),
    [
        ("option_1,option_2,option_3", "123", "ABC"),
        ("option_1,option_2,option_3", "122", "ABB"),  # labels, although no gold is the last
        ("option_0,option_1,option_2", "012", "ABC"),
        ("option_1,option_2,option_3", "012", "ABC"),  # 0 is no label, so they count
        ("Option A,Option B,Option C", "ABC", "ABC"),
        ("Option A,Option B,Option C", ("option_b", "Option C", "A"), "BCA"),
        ("answerA,answerB,answerC", ("answerB", "answerC", "answerA"), "BCA"),
    ],
)
def test_golds_name_columns_or_count_as_these_do(
    tmp_path: Path, header: str, golds: Sequence[str], letters: str
) -> None:
    path = tmp_path / "q.csv"
    lines = [f"Hot {row}?,Ice,Fire,Sea,{gold}" for row, gold in enumerate(golds)]
    path.write_text("\n".join([f"question,{header},label", *lines]), encoding="utf-8")
    assert letters == "".join(one.gold for one in read_questions(path))


@pytest.mark.parametrize("gold", ["Rome", "-1", "F", "answerF"])
def test_a_gold_that_is_none_of_the_choices_is_refused(tmp_path: Path, gold: str) -> None:
    rows = [{"question": f"{n}?", "choices": ["Oslo", "Paris"], "answer": "A"} for n in range(3)]
    with pytest.raises(InputError) as refused:
        read_questions(_jsonl(tmp_path, [*rows, {**rows[0], "answer": gold}]))
    assert f"line 4, field 'gold' (column `answer`): '{gold}' is none of the 2 choices" in str(refused.value)
    assert "1 of 4 questions" in str(refused.value)
    found = read_questions(_jsonl(tmp_path, [{**rows[0], "answer": gold}]), columns={"choices": ""})
    assert gold == found[0].gold


def test_two_numbers_called_a_and_b_are_no_choices(tmp_path: Path) -> None:
    (found,) = read_questions(_jsonl(tmp_path, [{"question": "Sum?", "a": 1, "b": 2, "answer": 3}]))
    assert ((), "3") == (found.choices, found.gold)
