"""Runs whose predictor knows other questions, or another model: noticed after some replies, said, and put right."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from http_server import Serve, Served, Wire
from shadowprice.beliefs import Evidence, OutcomePredictor, PredictorCard, save_predictor

Command = Callable[..., Any]
COUNT = 120
BUDGET = 3000
REFUTED = "The predictor's beliefs do not fit: of "


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Believes that four replies of five are right, after some ten tokens."""
    path = tmp_path_factory.mktemp("predictor") / "p.shadow"
    rng = np.random.default_rng(0)
    right = rng.random(200) < 0.8
    length = rng.integers(6, 15, 200)
    evidence = Evidence([f"What is {n} + 1?" for n in range(200)], range(200), length, right, length + 1, [False] * 200)
    fitted = OutcomePredictor().fit(evidence)
    outcomes = fitted.predict(["x"]).outcomes
    assert outcomes is not None
    grid = tuple(outcomes.tokens.tolist())
    card = PredictorCard("t.parquet", "m", 200, 200, "2026-01-01T00:00:00+00:00", "0.1.0", grid=grid)
    save_predictor(fitted, card, path)
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "q.jsonl"
    lines = [{"question": f"What is {n} + 2?", "gold": str(n + 2), "grader": "number"} for n in range(COUNT)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def server(serve: Serve, *, right_from: int) -> Served:
    """Adds right from a number on, and says some words first."""

    async def reply(wire: Wire) -> None:
        if not wire.path.endswith("/chat/completions"):
            await wire.answer({"data": [{"id": "m"}]})
            return
        number = int(wire.body["messages"][-1]["content"].split()[2])
        await wire.begin()
        await wire.piece(f"Let me add these. Answer: {number + 2 if number >= right_from else -1}")
        await wire.finish(usage=11)

    return serve(reply)


def run(served: Served, questions: Path, predictor: Path, *options: object) -> list[object]:
    asked = ["run", questions, "--predictor", predictor, "--policy", "index", "--budget", BUDGET, "--concurrency", "4"]
    return [*asked, "--engine", served.url, "--model", "m", "-o", questions.parent / "a.jsonl", "--json", *options]


def test_beliefs_that_do_not_fit_are_said_and_what_is_left_goes_by_what_came(
    shadowprice: Command, serve: Serve, questions: Path, predictor: Path
) -> None:
    report = questions.parent / "run.html"
    said = shadowprice(*run(server(serve, right_from=80), questions, predictor, "--report", report))
    assert 0 == said.code
    page = report.read_text(encoding="utf-8")
    assert "The predictor&#39;s beliefs did not fit: of " in page
    assert "What is told as believed below is what these questions themselves have taught since." in page
    assert 1 == said.err.count(REFUTED)
    assert "What is left of the budget is spent by what these questions teach themselves." in said.err
    assert "replies from before and " in said.err
    summary = json.loads(said.out)
    misfit = summary["misfit"]
    assert misfit["right"] < 0.5 * misfit["expected"]
    assert 10 < misfit["replies"] < 80
    assert summary["spent"] <= BUDGET
    lines = [json.loads(line) for line in (questions.parent / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert COUNT == len(lines) == len({line["custom_id"] for line in lines})
    assert "interrupted" not in {line["shadowprice"]["reason"] for line in lines}
    again = shadowprice(*run(server(serve, right_from=80), questions, predictor, "--resume"))
    assert summary["spent"] == json.loads(again.out)["spent"]


def test_beliefs_that_fit_are_not_spoken_of(
    shadowprice: Command, serve: Serve, questions: Path, predictor: Path
) -> None:
    said = shadowprice(*run(server(serve, right_from=24), questions, predictor))
    assert (0, 0) == (said.code, said.err.count(REFUTED))
    assert "misfit" not in json.loads(said.out)


def test_who_does_not_explore_is_told_and_goes_on(
    shadowprice: Command, serve: Serve, questions: Path, predictor: Path
) -> None:
    said = shadowprice(*run(server(serve, right_from=COUNT), questions, predictor, "--explore", "0"))
    assert (0, 1) == (said.code, said.err.count(REFUTED))
    assert "Without exploring (--explore 0) there is nothing else to go by" in said.err
    assert "explored" not in json.loads(said.out)


def test_questions_without_golds_refute_nothing(
    shadowprice: Command, serve: Serve, questions: Path, predictor: Path
) -> None:
    bare = [
        json.dumps({"question": json.loads(line)["question"]})
        for line in questions.read_text(encoding="utf-8").splitlines()
    ]
    questions.write_text("\n".join(bare) + "\n", encoding="utf-8")
    said = shadowprice(*run(server(serve, right_from=COUNT), questions, predictor))
    assert (0, 0) == (said.code, said.err.count(REFUTED))
