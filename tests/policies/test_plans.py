import math

import numpy as np
import pytest

from shadowprice.beliefs import Beliefs
from shadowprice.curves import ShiftedSurge
from shadowprice.policies import AbstractPlanner, ClearLambert, Oracle, Plan, Predictor, Terms, Uniform
from shadowprice.testing import random_problem


def surges(*threshold: float, alpha: float = math.e / 10, beta: float = 0.1) -> Beliefs:
    """Queries that all peak, at a value of 1, ten tokens after their thresholds."""
    n = len(threshold)
    return Beliefs(np.array(threshold), np.full(n, alpha), np.full(n, beta))


def planned(policy: AbstractPlanner, beliefs: Beliefs, budget: int) -> Plan:
    return policy.plan(beliefs, budget, Terms(len(beliefs)))


@pytest.mark.parametrize(
    ("budget", "tokens"), [(0, [0, 0, 0]), (2, [1, 1, 0]), (9, [3, 3, 3]), (11, [4, 4, 3]), (10**12, [333333333334])]
)
def test_uniform_divides_evenly(budget: int, tokens: list[int]) -> None:
    plan = planned(Uniform(), surges(1.0, 20.0, 300.0), budget)
    assert tokens == plan.tokens.tolist()[: len(tokens)]
    assert plan.tokens.sum() == budget
    assert math.isnan(plan.price)


@pytest.mark.parametrize(
    ("threshold", "budget", "tokens"),
    [
        ((10.0, 20.0, 70.0), 100, [10, 20, 70]),
        ((10.0, 20.0, 70.0), 10, [1, 2, 7]),
        ((1.0, 1.0, 1.0), 10, [4, 3, 3]),
        ((1.0, 2.0), 1, [0, 1]),
        ((0.0, 0.0), 5, [3, 2]),
        ((0.0, 4.0), 5, [0, 5]),
    ],
)
def test_predictor_divides_in_proportion(threshold: tuple[float, ...], budget: int, tokens: list[int]) -> None:
    assert tokens == planned(Predictor(), surges(*threshold), budget).tokens.tolist()


@pytest.mark.parametrize(
    ("budget", "tokens", "price"),
    [
        (0, [0, 0, 0, 0], 1 / 2),
        (5, [0, 2, 3, 0], 1 / 10),
        (14, [0, 2, 3, 0], 1 / 10),
        (15, [10, 2, 3, 0], 0.0),
        (999, [10, 2, 3, 0], 0.0),
    ],
)
def test_oracle_buys_the_cheapest_answers(budget: int, tokens: list[int], price: float) -> None:
    plan = planned(Oracle(), Beliefs.certain(np.array([10.0, 2.0, 2.5, math.inf])), budget)
    assert (plan.tokens.tolist(), plan.price) == (tokens, price)


def test_an_answer_at_once_costs_a_token() -> None:
    assert [1, 0] == planned(Oracle(), Beliefs.certain(np.array([0.0, 3.0])), 3).tokens.tolist()


def test_clear_abandons_what_is_too_dear() -> None:
    # 20 + x and 200 + x tokens for the same answer: 40 tokens buy the first one and nothing of the second.
    plan = planned(ClearLambert(), surges(20.0, 200.0), 40)
    assert 0 == plan.tokens[1]
    assert 28 <= plan.tokens[0] <= 30
    assert 1 / 210 < plan.price < 1 / 20


def test_clear_gives_equal_queries_the_same_number_beyond_their_thresholds() -> None:
    plan = planned(ClearLambert(), surges(10.0, 20.0, 30.0), 84)
    assert 84 == plan.tokens.sum()
    assert [8, 8, 8] == (plan.tokens - np.array([10, 20, 30])).tolist()


def test_clear_spreads_what_nobody_wants() -> None:
    plan = planned(ClearLambert(), surges(10.0, 20.0), 1000)
    assert 0.0 == plan.price
    assert [495, 505] == plan.tokens.tolist()


@pytest.mark.parametrize("seed", range(3))
def test_clear_is_worth_more_than_what_it_is_measured_against(seed: int) -> None:
    problem = random_problem(40, seed, tokens_per_query=150.0)
    curve = problem.curve
    assert isinstance(curve, ShiftedSurge)
    beliefs = Beliefs(curve.threshold, curve.alpha, curve.beta)
    clear, uniform, predictor = (
        float(curve.value(planned(policy, beliefs, int(problem.budget)).tokens).sum())
        for policy in (ClearLambert(), Uniform(), Predictor())
    )
    assert clear > max(uniform, predictor)
