"""What the report of a bench says in words: read off the numbers, whatever they are."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.bench import BenchResult, Cell, Forecasts, write_report
from shadowprice.bench._clauses import CLAUSES, Names
from shadowprice.bench._equal import needs, tie, tokens_for, within_reach
from shadowprice.bench._plots import _OTHERS, colours, tier_colours
from shadowprice.bench._said import abandoned_said, accuracy_said, price_said, spend_said
from shadowprice.bench._told import stories_of
from shadowprice.policies import POLICIES
from shadowprice.traces import Traces

BUDGETS = (10, 20, 40)
HOSTILE = "</blockquote><script>alert(1)</script> \u202e {{ 7 * 7 }}"


def bench(
    accuracies: Mapping[str, Sequence[float]],
    generated: Mapping[str, Sequence[float]] | None = None,
    accounting: str = "generated",
    price: float | None = 0.02,
) -> BenchResult:
    """A bench of one stream at three budgets; by default all that may be generated is."""
    rows = []
    for policy, row in accuracies.items():
        spent = (generated or {}).get(policy, BUDGETS)
        for number, (budget, right) in enumerate(zip(BUDGETS, row, strict=True)):
            paid = None if policy == "uniform" or price is None else price / 2**number
            rows.append(
                Cell(policy, "s", budget, right, right, right, budget, spent[number], 5.0, (0.0, 4.0, 60.0), paid, ())
            )
    names = tuple(accuracies)
    return BenchResult("t", accounting, ("s",), BUDGETS, names, 1, 2, (100,), tuple(rows), {}, questions=400)


def test_every_policy_is_explained_where_it_first_stands() -> None:
    assert set(POLICIES) == set(CLAUSES)
    named = Names()
    assert f"index ({CLAUSES['index']})" == named("index")
    assert ["index", "mine"] == [named("index"), named("mine")]


def test_what_the_same_share_right_takes_is_read_off_the_line_between_two_budgets() -> None:
    result = bench({"uniform": (10, 30, 50), "index": (30, 50, 50)}, {"index": (10, 16, 17)})
    assert 20.0 == tokens_for(result, "uniform", "s", 30.0)
    assert 30.0 == tokens_for(result, "uniform", "s", 40.0)
    assert 13.0 == tokens_for(result, "index", "s", 40.0)
    assert 10.0 == tokens_for(result, "index", "s", 5.0)
    assert np.isnan(tokens_for(result, "index", "s", 50.1))
    assert 37.5 == within_reach(result, "s")
    found = needs(result, "s", 50.0, ("uniform", "index"))
    assert {"index": 16.0, "uniform": 40.0} == found.tokens
    assert {"index"} == found.fewest
    # Who commits tokens pays for what is granted.
    assert 20.0 == tokens_for(replace(result, accounting="allocated"), "index", "s", 50.0)


def test_policies_with_equal_accuracies_are_compared_by_what_that_takes_them() -> None:
    result = bench({"uniform": (10, 30, 50), "expected": (20, 50, 50), "index": (30, 50, 50)}, {"index": (10, 16, 17)})
    said = "At 20 tokens per query several get the same, 50.0 %; to get there index takes 16 and expected takes 20"
    assert f"{said} tokens a query." == tie(result, "s")
    assert "" == tie(bench({"uniform": (10, 30, 50), "index": (30, 50, 60)}), "s")
    assert "" == tie(bench({"uniform": (30, 30, 50), "index": (30, 40, 60)}), "s")


@pytest.mark.usefixtures("unpainted")
def test_the_headline_compares_at_equal_accuracy_where_accuracies_are_equal(tmp_path: Path) -> None:
    result = bench({"uniform": (30, 30, 50), "index": (30.01, 30.5, 60)}, {"index": (4, 8, 16)})
    write_report([result], "c", tmp_path / "r.html")
    words = _words(tmp_path / "r.html")
    assert "4 tokens per query are what index (a price" in words
    assert "takes for 30.0 % right on s, and 10 what uniform (the same cap for every query) takes for the same" in words


def test_what_a_picture_shows_is_said_with_its_numbers() -> None:
    result = bench({"uniform": (10, 30, 50), "index": (30, 50, 50), "oracle": (60, 60, 60)})
    assert (
        "At 10 tokens per query index gets most right, 30.0 %, and uniform least, 10.0 %; at 40 all get 50.0 % right."
        == accuracy_said(result, "s")
    )
    assert (
        "With index the next right answer costs 50 tokens where there are 10 per query, and 200 where there are 40: "
        "scarce tokens are dear." == price_said(result)
    )
    assert (
        "At 10 tokens per query a right answer takes 33 tokens with index, and 100 with uniform. Lower is better."
        == spend_said(result)
    )
    assert (
        "Gets nothing: at 10 tokens per query 0 % of the easy, 4 % of the medium and 60 % of the hard; at 40 tokens "
        "per query 0 % of the easy, 4 % of the medium and 60 % of the hard." == abandoned_said(result, "index")
    )


def test_what_is_said_where_there_is_little_to_say() -> None:
    alone = bench({"oracle": (60, 60, 60)})
    assert "At 10 tokens per query the oracle gets 60.0 % right; at 40 the oracle gets 60.0 % right." == accuracy_said(
        alone, "s"
    )
    assert "Only the oracle has a price here." == price_said(alone)
    assert "Nobody but the oracle gets anything right at 10 tokens per query." == spend_said(alone)
    none = bench({"uniform": (0, 0, 50), "index": (30, 40, 50)}, price=1e-12)
    assert "; with 40 the price is 0, and everybody is served." in price_said(none)
    assert "; uniform got hardly any." in spend_said(none)


@pytest.mark.usefixtures("unpainted")
def test_what_is_really_paid_stands_first(tmp_path: Path) -> None:
    rows = {"uniform": (10.0, 30.0, 50.0)}
    results = [bench(rows, accounting="allocated"), bench(rows, accounting="generated")]
    write_report(results, "c", tmp_path / "r.html")
    words = _words(tmp_path / "r.html")
    assert words.index("What is really paid") < words.index("As the paper charges")
    assert "Accuracy against budget, generated tokens" in words


@pytest.fixture
def believed(sums: Traces) -> Forecasts:
    """Believes that short questions are right soon and that long ones hardly ever are."""
    grid = np.array([16.0, 32.0, 64.0, 128.0])
    long = np.array([len(text) > 60 for text in sums.questions])[:, None]
    right = np.where(long, [[0.0, 0.0, 0.02, 0.1]], [[0.3, 0.7, 0.8, 0.8]])
    ones = np.ones(len(right))
    return Forecasts(outcomes=Beliefs(16 * ones, 0.1 * ones, 0.1 * ones, Outcomes(grid, right, right)))


def test_one_question_is_funded_and_one_is_turned_away(sums: Traces, believed: Forecasts) -> None:
    outlined, (funded, refused) = stories_of(sums, believed, 10)
    assert outlined.startswith("All 90 questions in one market with 10 tokens each on average, planned by expected (")
    row = sums.questions.index(funded.question)
    told = dict(funded.told)
    assert len(sums.questions[row]) <= 60
    assert (
        "It was believed to be right with 70 % for about 32.0 tokens, which is 45.7 tokens for a right"
        in told["expected"]
    )
    position = int(sums.answer_tokens[sums.first[row]])
    assert f"Its recorded reply is right after {position} tokens, so in time." == told["came"]
    told = dict(refused.told)
    assert len(refused.question) > 60 or refused.question in sums.questions
    assert "the budget pays at most" in told["why"]
    assert re.search(r"recorded repl", told["missed"])


@pytest.mark.slow
def test_a_story_does_not_obey_its_question(sums: Traces, believed: Forecasts, tmp_path: Path) -> None:
    table = sums.table.set_column(
        sums.table.column_names.index("question"), "question", [[f"{text} {HOSTILE}" for text in _texts(sums)]]
    )
    write_report(
        [bench({"uniform": (10, 30, 50)})],
        "c",
        tmp_path / "r.html",
        traces=Traces(table, sums.query),
        forecasts=believed,
    )
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert 2 == html.count("&lt;/blockquote&gt;&lt;script&gt;alert(1)&lt;/script&gt; � {{ 7 * 7 }}")
    assert "<script" not in html


def _texts(traces: Traces) -> list[str]:
    return [str(text) for text in traces.table["question"].to_pylist()]


def _words(path: Path) -> str:
    html = re.sub(r"<svg.*?</svg>|<style>.*?</style>|<[^>]*>", " ", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return " ".join(html.split())


@pytest.mark.parametrize("paper", ["#ffffff", "#1b1f27"], ids=["light", "dark"])
def test_every_line_stands_out_by_day_and_by_night(paper: str) -> None:
    for colour in {*colours(POLICIES).values(), *_OTHERS, *tier_colours().values()} - {colours(["oracle"])["oracle"]}:
        assert _contrast(colour, paper) >= 3.0, colour


def _contrast(one: str, other: str) -> float:
    """As WCAG 2 has it; 3 is asked for of graphics."""

    def luminance(colour: str) -> float:
        parts = np.array([int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)])
        linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)
