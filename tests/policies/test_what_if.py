import time

import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.policies import AbstractPlanner, Terms, budgets_around, get_policy, right_within, what_if

GRID = np.array([8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
BUDGETS = [100, 200, 400, 800, 1600, 3200, 6400, 20_000]


def planner(name: str) -> AbstractPlanner:
    policy = get_policy(name)
    assert isinstance(policy, AbstractPlanner)
    return policy


def believed(n: int, seed: int = 0) -> Beliefs:
    rng = np.random.default_rng(seed)
    threshold, peak, beta = rng.uniform(5.0, 120.0, n), rng.uniform(0.0, 0.95, n), np.full(n, 0.04)
    right = peak[:, np.newaxis] * (1.0 - np.exp(-np.maximum(GRID - threshold[:, np.newaxis], 0.0) / 25.0))
    return Beliefs(threshold, peak * np.e * beta, beta, Outcomes(GRID, right, right))


@pytest.mark.parametrize("name", ["clear-lambert", "clear-auction", "expected"])
@pytest.mark.parametrize("seed", range(3))
def test_more_tokens_buy_more_and_the_price_falls(name: str, seed: int) -> None:
    result = what_if(planner(name), believed(80, seed), BUDGETS)
    assert (result.more_right >= -1e-9).all()
    assert (np.diff(result.price) <= 0.0).all()
    assert (np.diff(result.funded) >= 0).all()


@pytest.mark.parametrize("name", ["uniform", "expected"])
def test_weighted_answers_are_worth_more_with_more_tokens(name: str) -> None:
    terms = Terms(80, np.linspace(0.2, 4.0, 80), floor=1)
    result = what_if(planner(name), believed(80), BUDGETS, terms)
    assert (np.diff(result.worth) >= -1e-9).all()
    assert (result.worth != result.expected).all()


def test_it_is_what_the_plans_are_expected_to_return() -> None:
    beliefs, policy = believed(80), planner("expected")
    result = what_if(policy, beliefs, [400, 100, 400])
    assert [100, 400] == result.budgets.tolist()
    for budget, price, expected in zip(result.budgets, result.price, result.expected, strict=True):
        plan = policy.plan(beliefs, int(budget), Terms(80))
        assert (plan.price, right_within(policy.curve(beliefs), plan.tokens).sum()) == (price, expected)
    assert [300] == result.more_tokens.tolist()
    assert result.more_right.tolist() == [result.expected[1] - result.expected[0]]


def test_a_policy_without_a_price_has_none() -> None:
    assert np.isnan(what_if(planner("uniform"), believed(8), [10, 20]).price).all()


def test_every_plan_is_counted() -> None:
    steps: list[int] = []
    what_if(planner("uniform"), believed(8), [10, 20, 20], advance=lambda: steps.append(1))
    assert 2 == len(steps)


def test_cost_grows_no_faster_than_the_queries() -> None:
    def cost(n: int) -> float:
        begun = time.process_time()
        what_if(planner("expected"), believed(n), budgets_around(20 * n, Terms(n)))
        return time.process_time() - begun

    cost(20)  # what is compiled or imported is not counted
    few = min(cost(1_000) for _ in range(3))
    assert cost(10_000) < 40 * few


@pytest.mark.parametrize(
    ("budget", "floor", "around"),
    [
        (1000, 0, [125, 250, 500, 1000, 2000, 4000, 8000]),
        (1000, 30, [500, 1000, 2000, 4000, 8000]),
        (1, 0, [1, 2, 4, 8]),
        (0, 0, [0]),
    ],
)
def test_budgets_around_one(budget: int, floor: int, around: list[int]) -> None:
    assert around == budgets_around(budget, Terms(10, floor=floor))


def test_what_is_refused() -> None:
    with pytest.raises(InputError, match="There are no budgets to compare"):
        what_if(planner("expected"), believed(8), [])
    with pytest.raises(InputError, match="80 tokens are guaranteed to 8 queries, but the budget is 10"):
        what_if(planner("expected"), believed(8), [10, 100], Terms(8, floor=10))
    with pytest.raises(InputError, match="The budget is -1 tokens"):
        what_if(planner("expected"), believed(8), [-1])
