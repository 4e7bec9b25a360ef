"""The report of a run: what was bought, for whom, at what cost, and what the next tokens would buy."""

import json
import re
from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from http_server import Serve, Served, Wire
from shadowprice.beliefs import Evidence, OutcomePredictor, PredictorCard, save_predictor

Command = Callable[..., Any]
SHORT, LONG = 60, 30
BUDGET = 400
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\u202e{{ 7 * 7 }} & </blockquote>\x1b[31m"
ITALIC = "<i>"
ANSWER = "<b onclick=alert(3)>no</b>"


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Believes that sums are right after some ten tokens, and that proofs take hundreds and fail mostly."""
    path = tmp_path_factory.mktemp("predictor") / "p.shadow"
    rng = np.random.default_rng(0)
    texts = [f"What is {n} + 1?" if n % 2 else f"Prove at length that {n} is … {HOSTILE}" for n in range(200)]
    hard = np.arange(200) % 2 == 0
    right = rng.random(200) < np.where(hard, 0.1, 1.0)
    length = np.where(hard, rng.integers(300, 500, 200), rng.integers(8, 14, 200))
    evidence = Evidence(texts, range(200), length, right, length + 1, [False] * 200)
    fitted = OutcomePredictor(n_trees=20).fit(evidence)
    outcomes = fitted.predict(["x"]).outcomes
    assert outcomes is not None
    grid = tuple(outcomes.tokens.tolist())
    card = PredictorCard("t.parquet", "m", 200, 200, "2026-01-01T00:00:00+00:00", "0.1.0", grid=grid)
    save_predictor(fitted, card, path)
    return path


def write_questions(path: Path, *, golds: bool = True) -> Path:
    lines: list[dict[str, Any]] = [
        {"query_id": f"sum/{n}", "question": f"What is {n} + 2?", "gold": str(n + 2), "dataset": "sums"}
        for n in range(SHORT)
    ]
    lines += [
        {
            "query_id": f"proof/{n}",
            "question": f"Prove at length that {n} is … {HOSTILE}",
            "gold": "1",
            "dataset": "<i>",
        }
        for n in range(LONG)
    ]
    for line in lines:
        line |= {"grader": "number"} if golds else {}
        if not golds:
            del line["gold"]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    return write_questions(tmp_path / "q.jsonl")


@pytest.fixture
def server(serve: Serve) -> Served:
    """Adds right, but for every tenth sum; proves nothing."""

    async def reply(wire: Wire) -> None:
        if not wire.path.endswith("/chat/completions"):
            await wire.answer({"data": [{"id": "m"}]})
            return
        asked = wire.body["messages"][-1]["content"].split()
        words = ["so"] * 150
        if asked[0] == "What":
            number = int(asked[2])
            words = f"Let me add these two up at once. Answer: {ANSWER if number % 10 == 9 else number + 2}".split(" ")
        most = min(len(words), wire.body["max_tokens"])
        await wire.begin()
        for word in words[:most]:
            await wire.piece(f"{word} ")
        await wire.finish("length" if most < len(words) else "stop", usage=most)

    return serve(reply)


def run(server: Served, questions: Path, *options: object) -> list[object]:
    asked = ["run", questions, "--concurrency", "4", "--engine", server.url, "--model", "m"]
    return [*asked, "-o", questions.parent / "a.jsonl", "--report", questions.parent / "run.html", *options]


def page_of(questions: Path) -> tuple[str, str]:
    """The page, and its words without marks."""
    html = (questions.parent / "run.html").read_text(encoding="utf-8")
    return html, " ".join(re.sub(r"<svg.*?</svg>|<style>.*?</style>|<[^>]*>", " ", html, flags=re.DOTALL).split())


def test_the_report_says_what_was_bought_for_whom_and_what_more_would_buy(
    shadowprice: Command, server: Served, questions: Path, predictor: Path
) -> None:
    said = shadowprice(
        *run(server, questions, "--predictor", predictor, "--budget", BUDGET, "--price-per-million", "$2", "--json")
    )
    assert 0 == said.code, said.err
    assert f"Report written to {questions.parent / 'run.html'}." in said.err
    summary = json.loads(said.out)
    html, words = page_of(questions)
    right, spent = summary["right"], summary["spent"]
    assert 25 <= right < 54
    assert f"<h1>{right} right answers for {spent} tokens</h1>" in html
    assert f"{right} of 90 questions are right" in words
    assert f"spent: {spent / BUDGET:.0%} of the budget, ${summary['cost']:g}" in words
    assert 0 <= BUDGET - spent < 20
    assert f"{BUDGET - spent} tokens left of the budget" in words
    assert f"{spent / right:,.0f} tokens for each right answer; the price in the end pays at most" in words
    # One story each, of what came and of who was turned away.
    assert re.search(r"Funded: sum/\d+ What is \d+ \+ 2\? expected It was believed to be right with \d+ % for", words)
    assert re.search(r"came The reply took 10 tokens and ended by itself: “\d+”, which is right\.", words)
    assert re.search(r"Turned away: proof/\d+ Prove at length", words)
    assert re.search(r"price 0\.0\d+ right answers per token\. expected It was believed to be right with", words)
    assert "why It would have cost more than it returns." in words
    assert re.search(rf"sums 60 \d+ {right} ", words)
    assert re.search(r"finished \d+ \d+ [\d,]+ \d+%", words)
    compared = re.search(r"For the tokens that replies took, ([\d.]+) right answers were expected; (\d+) came", words)
    assert compared is not None
    assert right == int(compared[2])
    assert 0.6 * right < float(compared[1]) < 1.5 * right
    assert "Replies were begun at " in words
    assert 2 == html.count("<svg")
    assert re.search(r"Another \d+ tokens buy about [\d.no]+ more right answers", words)


def test_texts_from_outside_are_shown_and_do_nothing(
    shadowprice: Command, server: Served, questions: Path, predictor: Path
) -> None:
    assert 0 == shadowprice(*run(server, questions, "--predictor", predictor, "--budget", BUDGET)).code
    html, _ = page_of(questions)
    assert escape("<script>alert(1)</script><img src=x onerror=alert(2)>", quote=False) in html
    assert "{{ 7 * 7 }}" in html
    assert not re.search(r"<(script|img|i|b onclick)\b", html)
    assert not {"\u202e", "\x1b"} & set(html)
    addresses = set(re.findall(r"https?://[^\s\"'<>]*", html)) - {server.url}
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_a_run_that_has_ended_is_reported_without_asking_anything(
    shadowprice: Command, server: Served, questions: Path, predictor: Path
) -> None:
    options = ("--predictor", predictor, "--budget", BUDGET)
    assert 0 == shadowprice(*run(server, questions, *options)).code
    first, asked = page_of(questions)[1], len(server.bodies)
    (questions.parent / "run.html").unlink()
    assert 0 == shadowprice(*run(server, questions, *options, "--resume")).code
    assert asked == len(server.bodies)
    again = page_of(questions)[1]
    # What a server did otherwise than it should is said where it did it.
    for start, end in (("shadowprice:", " went to replies that"), ("What was expected", "Made by")):
        assert _part(first, start, end) == _part(again, start, end)


def _part(words: str, start: str, end: str) -> str:
    return words[words.index(start) : words.index(end)]


def test_without_right_answers_answers_are_counted(
    shadowprice: Command, server: Served, questions: Path, predictor: Path
) -> None:
    write_questions(questions, golds=False)
    said = shadowprice(*run(server, questions, "--predictor", predictor, "--budget", BUDGET, "--json"))
    assert 0 == said.code, said.err
    _, words = page_of(questions)
    answered = sum(json.loads(said.out)[name] for name in ("finished", "cut_off", "stopped"))
    assert words.startswith(f"shadowprice: {answered} answers for ")
    assert "No right answers are known, so answers are counted." in words
    assert "what to expect is not known, as no right answers are known." in words


def test_a_policy_that_believes_nothing_says_so(shadowprice: Command, server: Served, questions: Path) -> None:
    assert 0 == shadowprice(*run(server, questions, "--policy", "uniform", "--budget", 2000)).code
    html, words = page_of(questions)
    assert "at no price." in words
    assert "Nothing was believed of it: uniform does not ask what a question is worth." in words
    assert "Nobody was turned away: every question that was reached got tokens." in words
    assert "replies were cut off at the most that they could get. Replies are not begun anew" in words
    assert 1 == html.count("<svg")


def test_secrets_in_an_address_stay_out(shadowprice: Command, server: Served, questions: Path) -> None:
    asked = run(server, questions, "--policy", "uniform", "--budget", 900)
    asked[asked.index(server.url)] = server.url.replace("://", "://me:hunter2hunter2@")
    assert 0 == shadowprice(*asked).code
    html, words = page_of(questions)
    assert "hunter2" not in html
    assert "shadowprice run " in words
