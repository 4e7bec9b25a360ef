"""A run in numbers and sentences, in every state in which it may be reported."""

import math
from dataclasses import replace

import numpy as np
import pytest

from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.jobs.given import read_budget
from shadowprice.jobs.told import Account, round_tokens
from shadowprice.jobs.told._report import sheet_of
from shadowprice.ledger import Totals
from shadowprice.policies import Terms, get_policy
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question

GRID = np.array([16.0, 32.0, 64.0])
RIGHT = np.array([[0.0, 0.8, 0.8], [0.0, 0.0, 0.1], [0.0, 0.4, 0.4]])
FINISHED = np.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0], [0.0, 0.5, 1.0]])
NAN = math.nan


def beliefs() -> Beliefs:
    ones = np.ones(3)
    return Beliefs(np.array([20.0, 60.0, 30.0]), 0.1 * ones, 0.1 * ones, Outcomes(GRID, RIGHT, FINISHED))


def account(policy: str = "index", price: float = 0.02, gold: str = "1") -> Account:
    """One right answer, one question turned away, one reply stopped; a failed attempt beside."""
    asked = [Question(f"q{number}", f"What is {number}?", gold=gold) for number in range(3)]
    results = [
        Result(asked[0], Reason.FINISHED, 32, 24, price, answer="1", correct=True if gold else None, position=20),
        Result(asked[1], Reason.ABANDONED, 0, 0, price),
        Result(asked[2], Reason.STOPPED, 16, 16, price, correct=False if gold else None, attempts=2, wasted=10),
    ]
    totals = Totals(budget=100, spent=55, reserved=0, ahead=0, overrun=0, lost=5, open=0, reasons={})
    there = [results[2], results[0], results[1]]
    return Account(results, there, totals, get_policy(policy), price, beliefs(), Terms(3))


def told(one: Account) -> str:
    """All sentences and cells of a report."""
    sheet = sheet_of(one, read_budget("100", None), {})
    tables = [cell for table in (sheet.costs, sheet.offers, sheet.bargains) for row in table.rows for cell in row]
    stories = [text for story in sheet.stories for pair in story.told for text in pair]
    facts = [text for fact in sheet.facts for text in fact]
    lines = [sheet.title, sheet.intro, sheet.nobody, sheet.compared, sheet.priced, *sheet.said, *sheet.more]
    return " | ".join([*lines, *facts, *stories, *tables])


def test_where_the_tokens_went() -> None:
    said = told(account())
    assert "1 right answer for 55 tokens" in said
    assert (
        "16 tokens (29%) went to replies that were stopped and are not right, 10 (18%) to attempts that failed." in said
    )
    assert "5 tokens were charged to replies under way when an earlier session died." in said
    assert "stopped | 1 | 0 | 16 | 29%" in said
    assert "failed attempts, further samples |  |  | 10 | 18%" in said
    assert "other (estimates, lost replies) |  |  | 5 | 9%" in said
    assert "all | 3 | 1 | 55 | 100%" in said
    assert "45 tokens | left of the budget" in said


def test_offers_are_those_that_the_policy_saw() -> None:
    """By the tokens that a reply is expected to make where it can be stopped, by those granted where not."""
    seen = account().offers
    assert seen is not None
    assert [24.0, 48.0, 28.0] == pytest.approx(seen.tokens)
    assert [0.8, 0.1, 0.4] == pytest.approx(seen.gain)
    assert [0.8 / 24, 0.1 / 48, 0.4 / 28] == pytest.approx(seen.worth)
    granted = account("expected").offers
    assert granted is not None
    assert [32.0, 64.0, 32.0] == pytest.approx(granted.tokens)
    weighted = replace(account(), terms=Terms(3, np.array([2.0, 1.0, 1.0]))).offers
    assert weighted is not None
    assert 2.0 * 0.8 / 24 == pytest.approx(weighted.worth[0])
    assert account("uniform").offers is None


def test_what_was_expected_is_what_replies_should_have_brought_for_their_tokens() -> None:
    # The stopped one ran to 16 tokens, by which nothing was expected; the other to 20, a quarter of a cell of hazard.
    first, both = account().expected
    assert 0.0 == first
    assert 0.0 < both < 3.0
    assert np.isnan(account(gold="").expected).all()


def test_what_more_tokens_would_buy() -> None:
    # 45 tokens are left, which do not reach; with 25 more the question that was turned away gets its 64.
    said = told(account())
    assert "Another 100 tokens buy about 0.1 more right answers among the 1 question that was not asked." in said
    assert "the same command with --resume and --budget 200; no reply is asked for twice." in said
    assert "25 | 0.1 | 1 | " in said


@pytest.mark.parametrize("policy", ["index", "expected", "clear-lambert", "uniform", "predictor", "tale-ep"])
@pytest.mark.parametrize("price", [0.02, 0.0, NAN])
@pytest.mark.parametrize("gold", ["1", ""])
def test_every_policy_can_be_reported(policy: str, price: float, gold: str) -> None:
    said = told(account(policy, price, gold))
    assert "nan" not in said
    assert "inf" not in said


def test_a_run_that_has_not_begun_can_be_reported() -> None:
    fresh = [Result(one.question, Reason.INTERRUPTED, 0, 0, NAN) for one in account().results]
    said = told(replace(account(), results=fresh, settled=[], totals=Totals(100, 0, 0, 0, 0, 0, 0, {}), price=NAN))
    assert "It was stopped with 3 questions open." in said
    assert "Nothing was spent." in said
    assert "Nobody was funded." in said
    assert "It is not over: 100 tokens are left, which are expected to buy about 1.2 right answers" in said
    assert "Another 100 tokens buy about 0.1 more right answers among the 3 questions" in said


@pytest.mark.parametrize(("tokens", "said"), [(0.4, 0), (7.2, 7), (99.4, 99), (175.0, 180), (12_345.0, 12_000)])
def test_what_is_offered_is_a_round_number(tokens: float, said: int) -> None:
    assert said == round_tokens(tokens)


def test_replies_that_were_stopped_are_spoken_of_where_nobody_waits() -> None:
    one = account()
    results = [result for result in one.results if result.reason is not Reason.ABANDONED]
    terms, rows = one.terms.take(np.array([0, 2])), beliefs().take([0, 2])
    done = told(replace(one, results=results, settled=results, beliefs=rows, terms=terms))
    assert (
        "45 tokens are left: 1 reply was stopped when going on was not worth its price. Replies are not begun anew, so "
        "that more tokens buy nothing here."
    ) in done


def test_replaced_beliefs_are_said() -> None:
    misfit = {"replies": 20, "right": 1, "expected": 9.6}
    intro = sheet_of(account(), read_budget("100", None), {"misfit": misfit, "relearnt": True}).intro
    assert "of 20 replies 1 were right, where 10 were expected for their tokens." in intro
    assert intro.endswith("What is told as believed below is what these questions themselves have taught since.")
