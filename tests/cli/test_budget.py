"""Budgets in every unit, never more tokens than was meant, and runs whose budget is raised."""

import json
import math
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_server import Serve, Served, Wire
from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.jobs.given import read_budget
from shadowprice.ledger import Ledger

Command = Callable[..., Any]
GRID = np.array([100.0, 200.0])
# Half of the replies end by 100 tokens, all by 200, evenly between: 100 tokens in the mean.
BELIEFS = Beliefs(np.ones(4), np.ones(4), np.ones(4), Outcomes(GRID, np.full((4, 2), 0.5), np.tile([0.5, 1.0], (4, 1))))


@pytest.mark.parametrize(
    ("text", "price", "tokens"),
    [
        ("4000", None, 4000),
        ("1.5k", None, 1500),
        ("300/question", None, 1200),
        ("300 per question", None, 1200),
        ("1k/q", None, 4000),
        ("30%", None, 120),
        ("100 %", None, 400),
        ("$5", "0.4", 12_500_000),
        ("$0.001", "$3", 333),
        ("€2", "7", 285_714),
    ],
)
def test_budgets_in_tokens(text: str, price: str | None, tokens: int) -> None:
    assert tokens == read_budget(text, price).tokens(4, BELIEFS)


def test_full_cost_is_what_replies_take_that_nobody_stops() -> None:
    assert BELIEFS.outcomes is not None
    assert [100.0] * 4 == BELIEFS.outcomes.full_cost.tolist()


def test_full_cost_goes_no_further_than_replies_were_seen_to_end() -> None:
    grid = np.array([100.0, 200.0, 60_000.0])
    stuck = Outcomes(grid, np.zeros((2, 3)), np.array([[0.5, 0.5, 0.5], [0.0, 1.0, 1.0]]))
    assert [75.0 + 50.0, 100.0 + 50.0] == stuck.full_cost.tolist()
    assert [0.0] == Outcomes(grid, np.zeros((1, 3)), np.zeros((1, 3))).full_cost.tolist()


@given(st.decimals(0, 10_000, places=2), st.decimals("0.01", 1000, places=2))
def test_money_is_never_exceeded(money: Decimal, price: Decimal) -> None:
    tokens = read_budget(f"${money}", f"{price}").tokens(1)
    assert Decimal(tokens) * price / 1_000_000 <= money
    assert Decimal(tokens + 1) * price / 1_000_000 > money


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-3%",
        "0%",
        "$",
        "1e400",
        "\u0663",
        "NaN",
        "5 $",
        "inf",
        "30%%",
        "/question",
        "-1/question",
        "4000 tokens",
        "$1e9",
    ],
)
def test_what_is_no_budget_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match=r"budget|number of tokens"):
        read_budget(text, "0.4").tokens(4, BELIEFS)


@pytest.mark.parametrize(
    ("text", "price", "complaint"),
    [
        ("$5", None, "say what a million tokens cost with --price-per-million"),
        ("$5", "€0.4", "use one currency"),
        ("$5", "0", "--price-per-million is '0'"),
        ("$5", "free", "--price-per-million is 'free'"),
        ("30%", None, "give --predictor FILE"),
        ("9000000000000000/question", None, "more than 2"),
    ],
)
def test_what_is_missing_is_named(text: str, price: str | None, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        read_budget(text, price).tokens(4)


def test_a_budget_is_said_in_all_units_that_are_known() -> None:
    said = read_budget("$0.0001", "$1").said(100, 4, BELIEFS)
    assert "Budget: 100 tokens (25 a question, 25% of full cost, $0.0001)." == said
    assert "Budget: 100 tokens (25 a question)." == read_budget("100", None).said(100, 4)


@pytest.fixture
def server(serve: Serve) -> Served:
    async def reply(wire: Wire) -> None:
        if wire.path.endswith("/chat/completions"):
            await wire.begin()
            await wire.piece("Answer: 2")
            await wire.finish(usage=4)
        else:
            await wire.answer({"data": [{"id": "m"}]})

    return serve(reply)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "q.jsonl"
    lines = [{"question": f"What is {n} - {n - 2}?", "gold": "2", "grader": "number"} for n in range(2, 42)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run(server: Served, questions: Path, *options: object) -> list[object]:
    engine = ["--engine", server.url, "--model", "m", "--overshoot", "0", "--concurrency", "2", "--json"]
    return ["run", questions, *engine, "-o", questions.parent / "a.jsonl", *options]


def test_a_run_says_its_budget_and_what_it_cost(shadowprice: Command, server: Served, questions: Path) -> None:
    asked = ["--budget", "$0.004", "--price-per-million", "5", "--policy", "uniform"]
    said = shadowprice(*run(server, questions, *asked))
    assert "Budget: 800 tokens (20 a question, $0.004)." in said.err
    summary = json.loads(said.out)
    assert (800, 160, 0.0008, "$") == tuple(summary[name] for name in ("budget", "spent", "cost", "currency"))


def test_a_run_that_has_ended_is_topped_up(shadowprice: Command, server: Served, questions: Path) -> None:
    asked = ["--policy", "index", "--explore", "0"]
    first = json.loads(shadowprice(*run(server, questions, "--budget", "60", *asked)).out)
    assert first["abandoned"] > 0 < first["finished"]
    smaller = shadowprice(*run(server, questions, "--budget", "50", "--resume", *asked))
    assert (2, True) == (smaller.code, "has a budget of 60 tokens, and 50 are fewer" in smaller.err)
    said = shadowprice(*run(server, questions, "--budget", "600", "--resume", *asked))
    assert "The budget is topped up from 60 to 600 tokens" in said.err
    second = json.loads(said.out)
    assert (0, 40, 600) == (second["abandoned"], second["finished"], second["budget"])
    assert first["spent"] < second["spent"] <= 600
    lines = [json.loads(line) for line in (questions.parent / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert 40 == len({line["custom_id"] for line in lines})
    with Ledger(questions.parent / "a.jsonl.ledger", read_only=True) as books:
        assert [] == books.check()
        assert 1 == max(one.attempt for one in books.attempts())
    again = shadowprice(*run(server, questions, "--budget", "600", "--resume", *asked))
    assert ("topped up" in again.err, second["spent"]) == (False, json.loads(again.out)["spent"])


def test_full_cost_needs_a_predictor(shadowprice: Command, server: Served, questions: Path) -> None:
    said = shadowprice(*run(server, questions, "--budget", "30%"))
    assert (2, True) == (said.code, "is a share of full cost, which only a predictor of outcomes knows" in said.err)
    assert not (questions.parent / "a.jsonl.ledger").exists()


def test_math_of_shares_rounds_down() -> None:
    assert math.floor(0.333 * 400) == read_budget("33.3%", None).tokens(4, BELIEFS)


def test_an_output_that_is_written_anew_is_said(shadowprice: Command, server: Served, questions: Path) -> None:
    asked = run(server, questions, "--budget", "600", "--policy", "uniform")
    assert "written anew" not in shadowprice(*asked).err
    assert "what was paid for stays in the ledger under another name" in shadowprice(*asked).err
