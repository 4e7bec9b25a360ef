import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.policies import POLICIES, AbstractMarket, AbstractPlanner, Plan, PlannedMarket, Terms, get_policy


def equal(n: int) -> Beliefs:
    return Beliefs(np.full(n, 20.0), np.full(n, 0.1), np.full(n, 0.1), outcomes(np.full(n, 20.0)))


def outcomes(threshold: FloatArray) -> Outcomes:
    """Replies that are right and end some time after the threshold, or run on without a right answer."""
    grid = np.array([4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
    share = np.clip((grid - threshold[:, np.newaxis]) / 100.0, 0.0, 1.0)
    return Outcomes(grid, 0.6 * share, 0.9 * share)


def grant(market: AbstractMarket, *ids: int) -> list[int]:
    return [int(tokens) for tokens in market.grant(np.array(ids, dtype=np.int64), np.zeros(len(ids), dtype=np.int64))]


def settle(market: AbstractMarket, query: int, generated: int) -> None:
    market.settle(np.array([query]), np.array([generated]), np.array([True]))


class Counting(AbstractPlanner):
    """Divides evenly and remembers for how many queries and tokens it was asked."""

    name = "counting"

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        self.asked.append((len(beliefs), budget))
        tokens: IntArray = np.full(len(beliefs), budget // max(1, len(beliefs)), dtype=np.int64)
        return Plan(tokens, 1.0 / (budget + 1))


def test_a_grant_is_fixed_once_given() -> None:
    market = get_policy("uniform").open(equal(3), 30)
    assert [10] == grant(market, 0)
    assert [10] == grant(market, 1)
    settle(market, 1, 2)
    assert [10] == grant(market, 0)
    assert [18, 10] == grant(market, 2, 0)
    settle(market, 0, 10)
    assert [10, 10] == grant(market, 0, 1)


def test_tokens_that_came_back_are_granted_again() -> None:
    market = PlannedMarket(Counting(), equal(3), 30)
    assert [10] == grant(market, 0)
    assert (20, 0) == (market.unreserved, market.spent)
    settle(market, 0, 4)
    assert (26, 4) == (market.unreserved, market.spent)
    assert [13] == grant(market, 1)
    settle(market, 1, 0)
    assert [26] == grant(market, 2)
    settle(market, 2, 26)
    assert (0, 30) == (market.unreserved, market.spent)


def test_the_rest_is_planned_anew_when_five_percent_have_settled() -> None:
    planner = Counting()
    market = planner.open(equal(100), 1000)
    assert [10] * 10 == grant(market, *range(10))
    for query in range(4):
        settle(market, query, 5)
    grant(market, 10)
    assert [(100, 1000)] == planner.asked
    settle(market, 4, 5)
    assert [(1000 - 11 * 10 + 5 * 5) // 89] == grant(market, 11)
    assert [(100, 1000), (89, 915)] == planner.asked
    assert 1 / 916 == market.price


def test_it_is_planned_anew_at_once_when_nothing_runs() -> None:
    planner = Counting()
    market = planner.open(equal(100), 1000)
    grant(market, 0)
    settle(market, 0, 9)
    grant(market, 1)
    assert [(100, 1000), (99, 991)] == planner.asked


def test_nothing_is_planned_anew_while_nothing_came_back() -> None:
    planner = Counting()
    market = planner.open(equal(10), 100)
    for query in range(10):
        assert [10] == grant(market, query)
        settle(market, query, 10)
    assert [(10, 100)] == planner.asked


def test_a_query_is_settled_once_and_only_after_its_grant() -> None:
    market = get_policy("uniform").open(equal(2), 20)
    with pytest.raises(InputError, match="Query 0 has no open grant"):
        settle(market, 0, 0)
    grant(market, 0)
    settle(market, 0, 3)
    with pytest.raises(InputError, match="Query 0 has no open grant"):
        settle(market, 0, 3)
    assert 3 == market.spent


def test_a_query_named_twice_is_granted_and_settled_once() -> None:
    market = PlannedMarket(Counting(), equal(2), 20)
    assert [10, 10] == grant(market, 0, 0)
    assert market.unreserved == 10
    for ids, generated in (([0, 0], [1, 1]), ([0], [-1])):
        with pytest.raises(InputError, match="settle each query once"):
            market.settle(np.array(ids), np.array(generated), np.ones(len(ids), dtype=np.bool_))
    assert (10, 0) == (market.unreserved, market.spent)


def test_what_is_abandoned_has_nothing_to_settle() -> None:
    market = get_policy("uniform").open(equal(2), 1)
    assert [1, 0] == grant(market, 0, 1)
    with pytest.raises(InputError, match="Query 1 has no open grant"):
        settle(market, 1, 0)


@pytest.mark.parametrize("name", POLICIES)
def test_a_budget_below_zero_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"The budget is -5 tokens; it must be 0 or more\."):
        get_policy(name).open(equal(2), -5)


@pytest.mark.parametrize("name", POLICIES)
def test_nothing_is_granted_from_nothing(name: str) -> None:
    assert [0, 0, 0] == grant(get_policy(name).open(equal(3), 0), 0, 1, 2)


@pytest.mark.parametrize("name", POLICIES)
def test_a_market_without_queries_opens(name: str) -> None:
    assert [] == grant(get_policy(name).open(equal(0), 10))


def test_policies_are_known_by_name() -> None:
    assert [
        "uniform",
        "predictor",
        "tale-ep",
        "clear-heuristic",
        "clear-auction",
        "clear-lambert",
        "expected",
        "index",
        "index-resume",
        "oracle",
    ] == list(POLICIES)
    assert [policy.name for policy in POLICIES.values()] == list(POLICIES)
    with pytest.raises(InputError, match="There is no policy 'greedy'; choose from uniform, predictor"):
        get_policy("greedy")


@st.composite
def sessions(draw: st.DrawFn) -> tuple[str, Beliefs, int, int]:
    n = draw(st.integers(1, 25))
    threshold = np.array(draw(st.lists(st.floats(0.0, 80.0), min_size=n, max_size=n)))
    beta = draw(st.sampled_from([1.0, 0.1, 0.02]))
    beliefs = Beliefs(threshold, np.full(n, np.e * beta), np.full(n, beta), outcomes(threshold))
    return draw(st.sampled_from(list(POLICIES))), beliefs, draw(st.integers(0, 80 * n)), draw(st.integers(0, 2**32 - 1))


@settings(deadline=None, max_examples=150)
@given(session=sessions())
def test_grants_and_spending_never_exceed_the_budget(session: tuple[str, Beliefs, int, int]) -> None:
    name, beliefs, budget, seed = session
    rng = np.random.default_rng(seed)
    market = get_policy(name).open(beliefs, budget)
    held: dict[int, int] = {}
    generated: dict[int, int] = {}
    settled: dict[int, int] = {}
    for _ in range(3 * len(beliefs)):
        if held and rng.random() < 0.3:
            query = int(rng.choice(list(held)))
            reach = int(rng.integers(generated.pop(query, 0), held.pop(query) + 1))
            settled[query] = reach
            settle(market, query, reach)
        else:
            some = rng.permutation(len(beliefs))[: int(rng.integers(1, 4))]
            open_to = np.array([query for query in some if int(query) not in settled], dtype=np.int64)
            for query in open_to:
                if rng.random() < 0.7:  # else it is asked about again before it has used what it has
                    generated[int(query)] = held.get(int(query), 0)
            now = np.array([generated.get(int(query), 0) for query in open_to], dtype=np.int64)
            for query, limit in zip(open_to, market.grant(open_to, now), strict=True):
                assert limit >= held.get(int(query), 0)
                if limit:
                    held[int(query)] = int(limit)
        assert market.spent == sum(settled.values())
        assert market.unreserved == budget - sum(held.values()) - sum(settled.values())
        assert market.unreserved >= 0


@pytest.mark.parametrize("name", ["uniform", "predictor", "clear-lambert"])
def test_an_ample_market_hands_out_everything(name: str) -> None:
    beliefs = Beliefs(np.array([5.0, 30.0, 80.0]), np.full(3, 0.1), np.full(3, 0.1))
    market = get_policy(name).open(beliefs, 100_000)
    assert 100_000 == sum(grant(market, 0, 1, 2))
    assert market.price == 0.0 or math.isnan(market.price)


def test_guarantees_that_no_integer_holds_are_too_dear() -> None:
    with pytest.raises(InputError, match="18446744073709551616 tokens are guaranteed to 2048 queries"):
        Terms(2048, minimum=2**53).check(1000)


LIVE = ["uniform", "predictor", "clear-lambert", "expected", "index", "tale-ep"]


@pytest.mark.parametrize("name", LIVE)
def test_what_others_use_is_not_granted_and_what_they_give_back_is(name: str) -> None:
    market = get_policy(name).open(equal(4), 400)
    market.adjust(-350)
    everybody = np.arange(4)
    assert 50 == market.unreserved
    assert 0 < sum(grant(market, 0, 1, 2, 3)) <= 50
    market.adjust(-51)
    assert market.unreserved < 0
    assert not market.funds(everybody).any()
    market.adjust(390)
    assert market.unreserved > 300
    waiting = np.array([query for query, tokens in enumerate(grant(market, *everybody)) if not tokens])
    assert market.unreserved >= 0
    assert not waiting.size or market.price > 0.0


@pytest.mark.parametrize("name", LIVE)
def test_funds_says_who_would_be_granted_tokens_and_changes_nothing(name: str) -> None:
    market = get_policy(name).open(equal(6), 60)
    wanted = market.funds(np.arange(6))
    assert wanted.any()
    assert wanted.tolist() == market.funds(np.arange(6)).tolist()
    assert 60 == market.unreserved
    first = int(np.flatnonzero(wanted)[0])
    assert grant(market, first)[0] > 0
    assert not market.funds(np.array([first]))[0]


@pytest.mark.parametrize("name", LIVE)
def test_a_grant_that_was_taken_back_can_be_given_again(name: str) -> None:
    market = get_policy(name).open(equal(2), 100, terms=Terms(2, floor=8))
    (before,) = grant(market, 0)
    market.take_back(np.array([0]))
    assert 100 == market.unreserved
    assert 0 == market.spent
    assert before == grant(market, 0)[0]


@pytest.mark.parametrize("name", LIVE)
def test_who_is_served_elsewhere_is_forgotten(name: str) -> None:
    market = get_policy(name).open(equal(4), 400)
    held = grant(market, 0)[0]
    market.withdraw(np.array([0, 1, 2]))
    assert 400 - held == market.unreserved
    assert not market.funds(np.array([1, 2])).any()
    assert held == grant(market, 0)[0]
    assert grant(market, 3)[0] > 0


@pytest.mark.parametrize("name", LIVE)
def test_nobody_gets_beyond_their_reach(name: str) -> None:
    market = get_policy(name).open(equal(3), 10_000)
    tokens = 0
    for _ in range(200):
        (limit,) = market.grant(np.array([0]), np.array([tokens]))
        assert limit <= market.reach(np.array([0]))[0]
        if limit <= tokens:
            break
        tokens = int(limit)


def test_guarantees_that_are_no_longer_paid_for_go_as_far_as_they_can() -> None:
    for name in ("uniform", "expected", "index"):
        market = get_policy(name).open(equal(4), 100, terms=Terms(4, floor=20))
        market.adjust(-70)
        assert sum(grant(market, 0, 1, 2, 3)) <= 30
        assert market.unreserved >= 0
