"""A stranger's CSV: commands read it, say what they took for what, and grade it as its golds ask."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

Command = Callable[..., Any]

UNIFORM = ("--policy", "uniform", "--budget", "1k")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "q.csv"
    path.write_text(
        'id,prompt,answer,topic\n1,What is 600 + 600?,"1,200",sums\n'
        "2,Which is hot? A) Ice B) Fire,B,nature\n3,Where is the Louvre?,Paris,art\n4,Why?,,art\n",
        encoding="utf-8",
    )
    return path


def test_allocate_says_which_columns_it_took(shadowprice: Command, table: Path) -> None:
    said = shadowprice("allocate", table, *UNIFORM, "--json")
    assert 0 == said.code, said.err
    assert 4 == json.loads(said.out)["questions"]
    assert said.err == (
        f"Read 4 questions from {table}: query_id from `id`, question from `prompt`, gold from `answer`; "
        "ignored: topic.\nBudget: 1,000 tokens (250 a question).\n"
    )


def test_a_column_of_weights_is_not_ignored(shadowprice: Command, tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("question,value\nA?,2\nB?,3\n", encoding="utf-8")
    said = shadowprice("allocate", path, *UNIFORM, "--weights", "value", "--json")
    assert (0, "Budget: 1,000 tokens (500 a question).\n") == (said.code, said.err)


def test_columns_settles_what_names_do_not_say(shadowprice: Command, tmp_path: Path) -> None:
    path = tmp_path / "q.csv"
    path.write_text("Nr;Frage\n1;Warum?\n", encoding="utf-8")
    said = shadowprice("allocate", path, *UNIFORM)
    assert 2 == said.code
    assert "only Nr, Frage: say which holds the questions with --columns question=NAME" in said.err
    said = shadowprice(
        "allocate", path, *UNIFORM, "--columns", "question=Frage, query_id=Nr", "-o", tmp_path / "p.jsonl"
    )
    assert 0 == said.code, said.err
    assert "1" == json.loads((tmp_path / "p.jsonl").read_text(encoding="utf-8"))["query_id"]


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ("question", "--columns: 'question' names no column; write question=NAME,gold=NAME,query_id=NAME."),
        ("question=a,question=b", "--columns: 'question' is there twice"),
        ("reply=a", "--columns: there is no 'reply'; choose from query_id, question, gold"),
        ("gold=target", "there is no column 'target'; it has id, prompt, answer, topic"),
    ],
)
def test_columns_that_cannot_be(shadowprice: Command, table: Path, columns: str, named: str) -> None:
    said = shadowprice("allocate", table, *UNIFORM, "--columns", columns)
    assert 2 == said.code
    assert named in said.err
    assert 1 == len(said.err.splitlines())


def test_columns_want_a_file(shadowprice: Command, tmp_path: Path) -> None:
    said = shadowprice("record", "easy", "--columns", "question=a", "-o", tmp_path / "t.parquet")
    assert (2, True) == (said.code, "--columns names columns of a file; 'easy' is none." in said.err)
    said = shadowprice("fit", "bundled", "--columns", "question=a")
    assert (2, True) == (said.code, "--columns names columns of the file of --exclude" in said.err)


def test_run_refuses_golds_that_the_grader_cannot_read(shadowprice: Command, table: Path, tmp_path: Path) -> None:
    said = shadowprice("run", table, *UNIFORM, "--grader", "number", "-o", tmp_path / "a.jsonl")
    assert 2 == said.code
    assert "the grader 'number' cannot read 2 of 4 golds: line 3 ('B'), line 4 ('Paris'): " in said.err
    assert not (tmp_path / "a.jsonl").exists()


@pytest.mark.model
def test_record_grades_by_what_the_golds_ask_for(
    shadowprice: Command, table: Path, smollm2: Path, tmp_path: Path
) -> None:
    assert smollm2.is_file()
    target = tmp_path / "t.parquet"
    said = shadowprice("record", table, "--samples", "1", "--max-tokens", "4", "-o", target)
    assert 0 == said.code, said.err
    assert "Graders, from the golds: number for 1, choice for 1, exact for 1; --grader overrides.\n" in said.err
    assert (
        "1 of 4 questions have no gold and are not judged.\nIn traces replies that are not judged are not" in said.err
    )
    assert ["1", "2", "3", "4"] == sorted(pq.read_table(target)["query_id"].to_pylist())
