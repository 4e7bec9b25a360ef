"""Every reason is checked against the curves by search, not by the formulae that made it."""

import math
import re
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.curves import AbstractCurve, ShiftedSurge, Tabulated
from shadowprice.policies import (
    UNLIKELY,
    AbstractPlanner,
    Explanation,
    Plan,
    Terms,
    Why,
    explain,
    get_policy,
    nearest,
    right_within,
    tally,
    write_plan,
)

GRID = np.array([8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
COMMITTED = ("uniform", "predictor", "clear-heuristic", "clear-auction", "clear-lambert", "expected")
PRICED = ("clear-lambert", "clear-auction", "expected")
NUMBER = r"([\d,]+(?:\.\d+)?)"


def planner(name: str) -> AbstractPlanner:
    policy = get_policy(name)
    assert isinstance(policy, AbstractPlanner)
    return policy


def believed(n: int, seed: int = 0) -> Beliefs:
    """Queries of all kinds, among them some that are hardly ever right."""
    rng = np.random.default_rng(seed)
    threshold = rng.uniform(5.0, 120.0, n)
    peak = np.where(rng.random(n) < 0.25, 0.03, rng.uniform(0.1, 0.95, n))
    right = peak[:, np.newaxis] * (1.0 - np.exp(-np.maximum(GRID - threshold[:, np.newaxis], 0.0) / 25.0))
    beta = np.full(n, 0.04)
    return Beliefs(threshold, peak * np.e * beta, beta, Outcomes(GRID, right, right))


def explained(name: str, beliefs: Beliefs, budget: int, terms: Terms | None = None) -> Explanation:
    policy, terms = planner(name), Terms(len(beliefs)) if terms is None else terms
    return explain(policy.plan(beliefs, budget, terms), policy.curve(beliefs), terms)


def best_offer(curve: AbstractCurve, row: int, floor: int = 0) -> float:
    """The least tokens per right answer beyond a floor, among all whole numbers of tokens."""
    lengths = np.arange(floor + 1, 600)
    one = curve.take([row] * len(lengths))
    held = curve.take([row]).value(np.array([floor]))[0]
    gain = one.value(lengths) - held
    with np.errstate(divide="ignore"):
        return float(np.min(np.where(gain > 0.0, (lengths - floor) / gain, np.inf)))


def figures(pattern: str, reason: str) -> list[float]:
    found = re.search(pattern, reason)
    assert found is not None, reason
    return [float(number.replace(",", "")) for number in found.groups()]


def rows_of(plan: Explanation, *whys: Why) -> list[int]:
    return [row for row, why in enumerate(plan.whys) if why in whys]


@pytest.mark.parametrize("name", COMMITTED)
@pytest.mark.parametrize("budget", [0, 7, 500, 3000, 10**6])
def test_every_query_has_a_reason_and_the_budget_is_kept(name: str, budget: int) -> None:
    plan = explained(name, believed(50), budget)
    assert plan.tokens.sum() <= budget
    assert 50 == len(plan.reasons) == len(plan.whys)
    assert [tokens == 0 for tokens in plan.tokens] == [why.abandons for why in plan.whys]
    assert [why.abandons for why in plan.whys] == [reason.startswith("abandoned: ") for reason in plan.reasons]


@pytest.mark.parametrize("name", PRICED)
def test_too_dear_says_what_the_best_offer_costs(name: str) -> None:
    beliefs = believed(60)
    plan, curve = explained(name, beliefs, 900), planner(name).curve(beliefs)
    rows = rows_of(plan, Why.TOO_DEAR)
    assert len(rows) > 10
    for row in rows:
        gain, tokens, own, limit = figures(
            rf"best offer is {NUMBER} right answers for {NUMBER} tokens, {NUMBER} tokens per right answer; "
            rf"the budget pays at most {NUMBER}$",
            plan.reasons[row],
        )
        assert own == pytest.approx(best_offer(curve, row), rel=0.01, abs=0.6)
        assert gain == pytest.approx(curve.take([row]).value(np.array([tokens]))[0], rel=0.08)
        assert limit == pytest.approx(1.0 / plan.price, abs=0.6)
        assert own > limit


def test_unlikely_says_how_likely_at_best() -> None:
    beliefs = believed(60)
    plan = explained("expected", beliefs, 900)
    rows = rows_of(plan, Why.UNLIKELY)
    assert rows
    for row in rows:
        most, own, limit = figures(
            rf"at most {NUMBER} % at any length, {NUMBER} tokens per right answer; the budget pays at most {NUMBER}$",
            plan.reasons[row],
        )
        peak = beliefs.outcomes.right[row, -1]  # type: ignore[union-attr]
        assert most == pytest.approx(100.0 * peak, abs=0.5)
        assert peak <= UNLIKELY
        assert own == pytest.approx(best_offer(planner("expected").curve(beliefs), row), rel=0.01)
        assert own > limit


def test_equal_queries_are_told_that_the_last_tokens_did_not_reach() -> None:
    curve = Tabulated(np.array([10.0]), np.full((3, 1), 0.5))
    plan = explain(Plan(np.array([10, 10, 0]), 0.05), curve)
    assert (Why.BOUGHT, Why.BOUGHT, Why.NOT_REACHED) == plan.whys
    assert (
        "abandoned: its best offer is 0.5 right answers for 10 tokens, 20 tokens per right answer; it fits the price "
        "(the budget pays at most 20), but the last tokens did not reach"
    ) == plan.reasons[2]


def test_prices_that_round_alike_are_told_apart() -> None:
    curve = Tabulated(np.array([100.0]), np.array([[0.9]]))
    plan = explain(Plan(np.array([0]), 0.0090009), curve)
    assert plan.reasons[0].endswith("111.11 tokens per right answer; the budget pays at most 111.10")


def test_a_query_without_any_hope_has_no_price() -> None:
    plan = explain(Plan(np.array([0]), 0.01), Tabulated(np.array([100.0]), np.array([[0.0]])))
    assert ("abandoned: never likely to be right: at most 0 % at any length",) == plan.reasons


@pytest.mark.parametrize("name", PRICED)
def test_what_a_funded_query_pays_is_within_the_price(name: str) -> None:
    plan = explained(name, believed(60), 900)
    rows = rows_of(plan, Why.BOUGHT)
    assert rows
    for row in rows:
        tokens, chance, own, limit = figures(
            rf"^buys {NUMBER} tokens: right with {NUMBER} %, {NUMBER} tokens per right answer; "
            rf"the budget pays at most {NUMBER}$",
            plan.reasons[row],
        )
        assert tokens == plan.tokens[row]
        assert chance == pytest.approx(100.0 * plan.expected[row], abs=0.5)
        assert own == pytest.approx(tokens / plan.expected[row], abs=0.6)
        assert own <= limit + 1


def test_what_is_guaranteed_is_not_paid_for_at_the_price() -> None:
    beliefs = believed(50)
    plan = explained("expected", beliefs, 1600, Terms(50, floor=20))
    curve = planner("expected").curve(beliefs)
    gain = plan.expected - curve.value(np.full(50, 20))
    rows = rows_of(plan, Why.BOUGHT)
    assert rows
    for row in rows:
        own, limit = figures(
            rf"\(20 of them guaranteed\): .*, {NUMBER} tokens per right answer beyond the guarantee; "
            rf"the budget pays at most {NUMBER}$",
            plan.reasons[row],
        )
        assert own == pytest.approx((plan.tokens[row] - 20) / gain[row], abs=0.6)
        assert own <= limit + 1


def test_surplus_is_value_less_price_times_tokens() -> None:
    beliefs, weight = believed(40), np.linspace(0.5, 3.0, 40)
    plan = explained("expected", beliefs, 900, Terms(40, weight))
    curve = planner("expected").curve(beliefs)
    assert plan.surplus == pytest.approx(weight * curve.value(plan.tokens) - plan.price * plan.tokens)
    assert plan.surplus[rows_of(plan, Why.BOUGHT)].min() > -1e-9


@pytest.mark.parametrize("name", COMMITTED)
def test_floors_are_kept_and_said(name: str) -> None:
    floor = np.arange(50) % 3 * 8
    plan = explained(name, believed(50), 420, Terms(50, floor=floor))
    assert (plan.tokens >= floor).all()
    assert plan.tokens.sum() <= 420
    kept = rows_of(plan, Why.GUARANTEED)
    assert kept
    assert all(plan.reasons[row].startswith(f"guaranteed floor of {floor[row]} tokens") for row in kept)
    assert [int(floor[row]) for row in kept] == plan.tokens[kept].tolist()


def test_beyond_a_floor_the_offer_is_counted_from_it() -> None:
    beliefs = believed(50)
    plan = explained("expected", beliefs, 1600, Terms(50, floor=20))
    curve = planner("expected").curve(beliefs)
    told = [row for row in rows_of(plan, Why.GUARANTEED) if "best offer" in plan.reasons[row]]
    assert told
    for row in told:
        (own,) = figures(rf"more tokens, {NUMBER} tokens per right answer", plan.reasons[row])
        assert own == pytest.approx(best_offer(curve, row, 20), rel=0.01, abs=0.6)


def test_a_floor_that_is_enough_needs_no_more() -> None:
    plan = explain(Plan(np.array([20]), 0.01), Tabulated(np.array([10.0]), np.array([[0.8]])), Terms(1, floor=20))
    assert ("guaranteed floor of 20 tokens: right with 80 %; beyond it more would not help",) == plan.reasons


def test_a_minimum_is_called_one() -> None:
    plan = explained("expected", believed(50), 900, Terms(50, minimum=5))
    assert not any(why.abandons for why in plan.whys)
    assert any(reason.startswith("guaranteed minimum of 5 tokens: ") for reason in plan.reasons)


@pytest.mark.parametrize("name", PRICED)
def test_weights_move_tokens(name: str) -> None:
    beliefs = believed(60)
    plain = explained(name, beliefs, 900)
    heavy = np.where(np.arange(60) < 30, 5.0, 1.0)
    weighted = explained(name, beliefs, 900, Terms(60, heavy))
    assert weighted.tokens[:30].sum() > plain.tokens[:30].sum()
    assert weighted.tokens[30:].sum() < plain.tokens[30:].sum()


def test_a_weight_is_in_the_reason() -> None:
    plan = explain(Plan(np.array([0]), 0.05), Tabulated(np.array([100.0]), np.array([[0.5]])), Terms(1, 4.0))
    assert plan.reasons[0].endswith("200 tokens per right answer; the budget pays at most 80 at its weight of 4")


def test_at_price_nothing_what_is_left_is_named() -> None:
    plan = explain(Plan(np.array([25, 5]), 0.0), Tabulated(np.array([10.0]), np.array([[0.5], [0.0]])))
    assert plan.reasons[0].endswith(
        "buys 25 tokens: right with 50 %; the budget pays for all that helps, "
        "and 15 of them are its part of what nobody needs"
    )
    assert (Why.BOUGHT, Why.LEFTOVER) == plan.whys


def test_more_tokens_than_help_take_nothing_away() -> None:
    curve = ShiftedSurge.from_peak([20.0], [0.8], [0.1])
    assert 0.0 < curve.value(np.array([200]))[0] < 0.01
    assert 0.8 == pytest.approx(right_within(curve, np.array([200]))[0])


def test_a_policy_without_a_price_has_no_surplus() -> None:
    plan = explained("uniform", believed(10), 100)
    assert math.isnan(plan.price)
    assert np.isnan(plan.surplus).all()
    assert {"gets 10 tokens, its share of the budget"} == {reason.split(":")[0] for reason in plan.reasons}


def test_without_beliefs_nothing_is_expected() -> None:
    plan = explain(Plan(np.array([3, 0]), math.nan), None)
    assert np.isnan(plan.expected).all()
    assert ("gets 3 tokens, its share of the budget", Why.NO_SHARE) == (plan.reasons[0], plan.whys[1])


@given(
    peaks=st.lists(st.floats(0.0, 1.0), min_size=1, max_size=12),
    budget=st.integers(0, 3000),
    floor=st.integers(0, 3),
    weight=st.floats(0.01, 100.0),
)
def test_any_plan_can_be_explained(peaks: list[float], budget: int, floor: int, weight: float) -> None:
    peak = np.array(peaks)
    right = peak[:, np.newaxis] * np.linspace(0.0, 1.0, len(GRID))
    beliefs = Beliefs(np.full(len(peak), 9.0), peak + 1e-9, np.full(len(peak), 0.1), Outcomes(GRID, right, right))
    floor = floor if floor * len(peak) <= budget else 0
    plan = explained("expected", beliefs, budget, Terms(len(peak), weight, floor))
    assert plan.tokens.sum() <= budget
    for row in range(len(peak)):
        fits = plan.best_price[row] >= plan.price and plan.best_price[row] > 1e-12
        if plan.whys[row] in (Why.UNLIKELY, Why.TOO_DEAR):
            assert not fits
        assert "nan" not in plan.reasons[row]
        assert "inf" not in plan.reasons[row]


def test_plans_of_no_queries() -> None:
    plan = explain(Plan(np.zeros(0, dtype=np.int64), 0.0), Tabulated(GRID, np.zeros((0, 6))))
    assert (0, (), ()) == (len(plan), plan.whys, plan.reasons)


def test_what_does_not_belong_together_is_refused() -> None:
    with pytest.raises(InputError, match="The plan is for 2 queries"):
        explain(Plan(np.array([1, 2]), 0.0), Tabulated(GRID, np.zeros((3, 6))))


def test_a_tally_adds_up() -> None:
    plan = explained("expected", believed(60), 900)
    groups = tally(plan, ["even" if row % 2 == 0 else "odd" for row in range(60)])
    assert ["even", "odd"] == [one.group for one in groups]
    assert 60 == sum(one.questions for one in groups)
    assert plan.tokens.sum() == sum(one.tokens for one in groups)
    assert plan.expected.sum() == pytest.approx(sum(one.expected for one in groups))
    for one in groups:
        assert one.questions == sum(one.reasons.values())
        assert one.abandoned == sum(count for why, count in one.reasons.items() if why.abandons)


def test_the_nearest_come_first() -> None:
    plan = explained("expected", believed(60), 900)
    prices = [float(plan.best_price[row]) for row in nearest(plan, Why.TOO_DEAR, 5)]
    assert 5 == len(prices)
    assert prices == sorted(prices, reverse=True)
    assert max(plan.best_price[row] for row in rows_of(plan, Why.TOO_DEAR)) == prices[0]


def test_a_plan_is_written_with_what_is_not_known_as_null(tmp_path: Path) -> None:
    path = tmp_path / "plan.parquet"
    write_plan(path, ["a", "b"], explain(Plan(np.array([3, 0]), math.nan), None))
    table = pq.read_table(path)
    assert ["query_id", "tokens", "price", "surplus", "expected", "reason", "kind"] == table.column_names
    assert {"query_id": "b", "tokens": 0, "price": None} == {
        name: table[name].to_pylist()[1] for name in ("query_id", "tokens", "price")
    }


def test_nobody_is_called_unlikely_who_is_likelier_than_one_that_is_funded() -> None:
    peak, threshold = np.array([0.02, 0.9, 0.04, 0.01]), np.array([4.0, 150.0, 150.0, 150.0])
    right = np.where(threshold[:, np.newaxis] <= GRID, peak[:, np.newaxis], 0.0)
    beta = np.full(4, 0.04)
    plan = explained("expected", Beliefs(threshold, peak * np.e * beta, beta, Outcomes(GRID, right, right)), 100)
    assert (True, [0, 0, 0]) == (plan.tokens[0] > 0, plan.tokens[1:].tolist())
    assert [Why.NOT_REACHED, Why.TOO_DEAR, Why.UNLIKELY] == list(plan.whys[1:])
