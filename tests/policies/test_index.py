import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import AbstractOutlook, Beliefs, Outcomes
from shadowprice.policies import Index, IndexResume, Terms

GRID = np.array([10.0, 20.0, 40.0, 80.0])


def outcomes(*right: list[float]) -> Outcomes:
    """Chances to be right by 10, 20, 40 and 80 tokens; replies go on to the end of the grid."""
    table = np.array(right)
    return Outcomes(GRID, table, np.zeros_like(table))


def beliefs(found: Outcomes) -> Beliefs:
    ones = np.ones(len(found))
    return Beliefs(ones, ones, ones, found)


class Disclosed(AbstractOutlook):
    """After the first step, what was believed is replaced."""

    def __init__(self, before: Outcomes, after: Outcomes) -> None:
        self.before = before
        self._after = after

    def outcomes(self, ids: IntArray, generated: IntArray) -> Outcomes:
        rows = (self._after if generated.max(initial=0) > 0 else self.before).take(ids)
        return Outcomes(GRID, np.where(GRID > generated[:, np.newaxis], rows.right, 0.0), rows.finished)


def ask(market: object, ids: list[int], generated: list[int]) -> list[int]:
    limits = market.grant(np.array(ids), np.array(generated))  # type: ignore[attr-defined]
    return [int(limit) for limit in limits]


def test_the_price_is_where_expected_spending_meets_the_budget() -> None:
    # Ten each that have 0.8 for 20 tokens, 0.8 for 40, 0.8 for 80: indices 1/25, 1/50, 1/100.
    kinds = outcomes(*[[0.0, 0.8, 0.8, 0.8]] * 10, *[[0.0, 0.0, 0.8, 0.8]] * 10, *[[0.0, 0.0, 0.0, 0.8]] * 10)
    for budget, price in ((200, 1 / 50), (599, 1 / 50), (600, 1 / 100), (1399, 1 / 100), (1400, 1 / 1400)):
        assert Index().open(beliefs(kinds), budget).price == pytest.approx(price)


def test_a_query_begins_if_its_index_is_at_least_the_price() -> None:
    three = outcomes([0.0, 0.8, 0.8, 0.8], [0.0, 0.0, 0.8, 0.8], [0.0, 0.0, 0.0, 0.8])
    market = Index().open(beliefs(three), 50)
    assert market.price == pytest.approx(0.8 / 40)
    assert [10, 10, 0] == ask(market, [0, 1, 2], [0, 0, 0])
    assert (50 - 20, 0) == (market.unreserved, market.spent)


def test_a_query_goes_on_step_by_step_and_stops_when_little_is_left_to_have() -> None:
    before = outcomes([0.0, 0.8, 0.8, 0.8], [0.0, 0.0, 0.8, 0.8])
    hopeless = outcomes([0.0, 0.01, 0.01, 0.01], [0.0, 0.0, 0.8, 0.8])
    for after, limit in ((before, 20), (hopeless, 10)):
        market = Index().open(beliefs(before), 50, outlook=Disclosed(before, after))
        assert [10] == ask(market, [0], [0])
        assert [limit] == ask(market, [0], [10])
    # Stopped for good, and what it does not use is there for others.
    assert [10] == ask(market, [0], [10])
    market.settle(np.array([0]), np.array([10]), np.array([False]))
    assert 40 == market.unreserved
    assert [10] == ask(market, [1], [0])


def test_what_running_queries_will_want_is_not_there_for_others() -> None:
    three = outcomes([0.0, 0.0, 0.0, 0.8], [0.0, 0.0, 0.8, 0.8], [0.0, 0.0, 0.6, 0.6])
    market = Index().open(beliefs(three), 100)
    assert [10] == ask(market, [0], [0])
    # It holds 10 tokens and will want 80, so there are 20 for the other two, who want 40 each.
    assert [0] == ask(market, [2], [0])
    assert market.price == pytest.approx(0.8 / 40)
    assert [10] == ask(market, [1], [0])


def test_a_limit_does_not_move_while_it_is_not_used_up() -> None:
    market = Index().open(beliefs(outcomes([0.0, 0.8, 0.8, 0.8])), 80)
    assert [10] == ask(market, [0], [0])
    assert [10] == ask(market, [0], [9])
    assert [20, 20] == ask(market, [0, 0], [10, 10])


def test_nothing_is_to_be_had_where_nothing_is_believed_to_be_right() -> None:
    for policy in (Index(), IndexResume()):
        market = policy.open(beliefs(outcomes([0.0] * 4, [0.0] * 4)), 1000)
        assert [0, 0] == ask(market, [0, 1], [0, 0])


def test_whoever_has_the_highest_index_goes_on_next() -> None:
    market = IndexResume().open(beliefs(outcomes([0.0, 0.8, 0.8, 0.8], [0.0, 0.0, 0.8, 0.8])), 60)
    assert [10, 0] == ask(market, [0, 1], [0, 0])
    assert [20, 0] == ask(market, [0, 1], [10, 0])
    assert [20, 10] == ask(market, [0, 1], [20, 0])
    assert market.price == pytest.approx(0.8 / 40)


def test_a_query_that_fell_behind_goes_on_when_it_is_the_best_again() -> None:
    before = outcomes([0.0, 0.8, 0.8, 0.8], [0.0, 0.5, 0.5, 0.5])
    doubtful = outcomes([0.0, 0.1, 0.1, 0.1], [0.0, 0.5, 0.5, 0.5])
    market = IndexResume().open(beliefs(before), 100, outlook=Disclosed(before, doubtful))
    assert [10, 0] == ask(market, [0, 1], [0, 0])
    assert [10, 10] == ask(market, [0, 1], [10, 0])
    assert [10, 20] == ask(market, [0, 1], [10, 10])
    market.settle(np.array([1]), np.array([15]), np.array([True]))
    assert [20] == ask(market, [0], [10])


def test_an_ample_market_serves_everybody_but_those_last_who_hardly_gain() -> None:
    # One right answer for 1,000 tokens is the least price; the second is worth one for 80,000.
    market = Index().open(beliefs(outcomes([0.0, 0.8, 0.8, 0.8], [0.0, 0.0, 0.0, 0.001])), 1000)
    assert market.price == pytest.approx(1 / 1000)
    assert [10, 0] == ask(market, [0, 1], [0, 0])
    market.settle(np.array([0]), np.array([10]), np.array([True]))
    assert [10] == ask(market, [1], [0])
    assert market.price == 0.0


def test_a_reply_in_a_loop_does_not_take_the_tokens_of_those_who_wait() -> None:
    # What it may still want is 0.1 right answers for 60 tokens; the other one has 0.8 for 20.
    before = outcomes([0.0, 0.8, 0.8, 0.8], [0.0, 0.7, 0.7, 0.7])
    loop = outcomes([0.0, 0.0, 0.0, 0.1], [0.0, 0.7, 0.7, 0.7])
    market = Index().open(beliefs(before), 50, outlook=Disclosed(before, loop))
    assert [10] == ask(market, [0], [0])
    assert [10] == ask(market, [0], [10])


def test_tokens_that_are_expected_to_be_used_are_not_offered_twice() -> None:
    # Both are worth it, but only one fits: the second waits although the first has used 10 tokens so far.
    market = Index().open(beliefs(outcomes([0.0, 0.0, 0.8, 0.8], [0.0, 0.0, 0.8, 0.8])), 50)
    assert [10] == ask(market, [0], [0])
    assert market.price > 0.0
    spent: FloatArray = np.array([0.0])
    for reach in (10, 20):
        (limit,) = ask(market, [0], [reach])
        spent = np.append(spent, limit)
    assert [0.0, 20.0, 40.0] == spent.tolist()


def test_the_last_tokens_are_shared_out_in_order() -> None:
    market = IndexResume().open(beliefs(outcomes([0.5, 0.5, 0.5, 0.5], [0.4, 0.4, 0.4, 0.4])), 14)
    assert [10, 0] == ask(market, [0, 1], [0, 0])
    assert [10, 4] == ask(market, [0, 1], [10, 0])
    assert [10, 4] == ask(market, [0, 1], [10, 4])
    assert 0 == market.unreserved


def test_weights_multiply_the_index() -> None:
    two = outcomes([0.0, 0.8, 0.8, 0.8], [0.0, 0.0, 0.8, 0.8])
    market = IndexResume().open(beliefs(two), 60, terms=Terms(2, weight=[1.0, 3.0]))
    assert [0, 10] == ask(market, [0, 1], [0, 0])


@pytest.mark.parametrize("policy", [Index(), IndexResume()])
def test_beliefs_without_outcomes_do_not_do(policy: Index | IndexResume) -> None:
    with pytest.raises(InputError, match=f"The policy {policy.name} needs beliefs about outcomes; fit with"):
        policy.open(Beliefs.certain(np.ones(2)), 10)


def test_fewer_at_once_keep_closer_to_the_order_of_index() -> None:
    n = 8
    worth = np.linspace(0.2, 0.9, n)
    found = outcomes(*[[share, share, share, share] for share in worth])
    for at_once, first in ((1.0, n), (0.25, 2), (0.01, 1)):
        market = IndexResume(at_once=at_once).open(beliefs(found), 1000)
        granted = ask(market, list(range(n)), [0] * n)
        assert [number >= n - first for number in range(n)] == [limit > 0 for limit in granted]
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(InputError, match="at_once must be above 0 and at most 1"):
            IndexResume(at_once=share).open(beliefs(found), 1000)


@pytest.mark.parametrize("policy", [Index(), IndexResume(at_once=1.0)])
def test_a_query_named_twice_is_granted_one_step_and_settled_once(policy: Index | IndexResume) -> None:
    market = policy.open(beliefs(outcomes([0.5] * 4, [0.5] * 4)), 100)
    assert [10, 10, 10] == ask(market, [1, 0, 1], [0, 0, 0])
    with pytest.raises(InputError, match="A query is named twice"):
        market.settle(np.array([0, 1, 0]), np.array([5, 5, 5]), np.array([True, True, True]))
    market.settle(np.array([0, 1]), np.array([5, 5]), np.array([True, True]))
    assert 10 == market.spent
