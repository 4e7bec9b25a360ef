"""Policies and engines of the user's own, named in the command as ``module:Class``."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shadowprice.beliefs import Beliefs

Command = Callable[..., Any]
MINE = '''
from collections.abc import AsyncGenerator
from shadowprice.engines import AbstractEngine, Delta, Request
from shadowprice.policies import AbstractPlanner, Knowledge, Plan

class First(AbstractPlanner):
    """All tokens to the first question."""
    name = "first"
    knows = Knowledge.NOTHING
    def divide(self, beliefs, budget, terms):
        tokens = terms.floor.copy()
        tokens[0] += budget - tokens.sum()
        return Plan(tokens, float("nan"))

class Parrot(AbstractEngine):
    def __init__(self, model="parrot"):
        self.model = model
    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        yield Delta("Answer: 2", 4)
        yield Delta("", 4, finish_reason="stop")

class Broken(Parrot):
    async def stream(self, request):
        yield Delta("Answer", 2)
        raise ZeroDivisionError("by nought")

parrot = Parrot("one")
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "my_code.py").write_text(MINE, encoding="utf-8")
    lines = [{"question": f"What is {n} - {n - 2}?", "gold": "2", "grader": "number"} for n in (5, 6, 7)]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "my_code", raising=False)
    return tmp_path


def run(folder: Path, *options: object) -> list[object]:
    return ["run", folder / "q.jsonl", "--budget", "100", "-o", folder / "a.jsonl", "--json", *options]


@pytest.mark.parametrize(
    ("engine", "more", "model"),
    [("Parrot", (), "parrot"), ("Parrot", ("--model", "grey"), "grey"), ("parrot", (), "one")],
)
def test_an_engine_of_ones_own_answers(
    shadowprice: Command, folder: Path, engine: str, more: tuple[str, ...], model: str
) -> None:
    said = shadowprice(*run(folder, "--engine", f"my_code:{engine}", "--policy", "uniform", *more))
    assert (0, 3, 12) == (said.code, json.loads(said.out)["right"], json.loads(said.out)["spent"])
    line = json.loads((folder / "a.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert model == line["response"]["body"]["model"]


def test_a_policy_of_ones_own_plans_and_runs(shadowprice: Command, folder: Path) -> None:
    said = shadowprice(*run(folder, "--engine", "my_code:Parrot", "--policy", "my_code:First"))
    assert (0, "first") == (said.code, json.loads(said.out)["policy"])
    planned = shadowprice("allocate", folder / "q.jsonl", "--budget", "90", "--policy", "my_code:First")
    assert 0 == planned.code


def test_what_an_engine_raises_by_mistake_is_found_again(
    shadowprice: Command, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    said = shadowprice(*run(folder, "--engine", "my_code:Broken", "--policy", "uniform"))
    assert 4 == said.code
    assert "ZeroDivisionError: by nought (my_code.py:25)" in said.err
    assert 1 == caplog.text.count("raise ZeroDivisionError")


@pytest.mark.parametrize(
    ("option", "name", "complaint"),
    [
        ("--engine", "my_code:Nobody", "The engine 'my_code:Nobody' could not be imported"),
        ("--engine", "no_such_module:X", "The engine 'no_such_module:X' could not be imported"),
        ("--engine", "my_code:First", "The engine 'my_code:First' is no AbstractEngine"),
        ("--policy", "my_code:Parrot", "The policy 'my_code:Parrot' is no AbstractPolicy"),
        ("--engine", "localhost:8000", "There is no such engine"),
    ],
)
def test_what_is_none_is_refused(shadowprice: Command, folder: Path, option: str, name: str, complaint: str) -> None:
    engine = () if option == "--engine" else ("--engine", "my_code:Parrot")
    said = shadowprice(*run(folder, *engine, option, name))
    assert (2, True) == (said.code, complaint in said.err), said.err
    assert not (folder / "a.jsonl").exists()


def test_what_the_guide_shows_works(shadowprice: Command, folder: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text(encoding="utf-8")
    shown = guide.partition("In a file `my_code.py`:\n\n```python\n")[2].partition("```")[0]
    assert "class ShortFirst" in shown
    (folder / "my_code.py").write_text(shown, encoding="utf-8")
    said = shadowprice(*run(folder, "--engine", "my_code:Echo", "--policy", "uniform"))
    assert (0, 3) == (said.code, json.loads(said.out)["finished"])
    assert 3 * 12 == json.loads(said.out)["spent"]  # words of a question and of the sentence after it
    short_first = importlib.import_module("my_code").ShortFirst()
    beliefs = Beliefs.certain(np.array([50.0, 10.0, 20.0]))
    assert [10, 20, 40] == short_first.plan(beliefs, 70).tokens.tolist()
