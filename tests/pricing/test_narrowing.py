"""Large markets of tables: most queries are decided by two prices, the rest is a small market."""

from typing import Any

import numpy as np
import pytest

from shadowprice.curves import Tabulated
from shadowprice.pricing import Problem, Solution, _general, solve
from shadowprice.pricing.clearing import Offer, narrow
from shadowprice.testing import assert_kkt, random_table


def wide(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> Solution:
    """The whole market at once."""
    with monkeypatch.context() as patch:
        patch.setattr(_general, "narrow", lambda offer, budget: None)
        return solve(problem)


@pytest.mark.parametrize("share", [0.02, 0.3, 0.8, 0.99])
@pytest.mark.parametrize("terms", ["plain", "weights", "costs", "floors and caps"])
def test_a_narrowed_market_is_as_good_as_the_whole(terms: str, share: float, monkeypatch: pytest.MonkeyPatch) -> None:
    n, rng = 6000, np.random.default_rng(7)
    curve = random_table(n, seed=3)
    given: dict[str, Any] = {}
    if terms == "weights":
        given["weight"] = rng.uniform(0.5, 2.0, n)
    elif terms == "costs":
        given["cost"] = rng.uniform(0.5, 2.0, n)
    elif terms == "floors and caps":
        given["floor"] = rng.integers(0, 2, n) * 60.0
        given["cap"] = np.full(n, 1500.0)
    everything = float((curve.peak_tokens() * given.get("cost", 1.0)).sum())
    problem = Problem(curve, np.floor(share * everything) + 60.0 * n * (terms == "floors and caps"), **given)
    found, whole = solve(problem), wide(problem, monkeypatch)
    assert found.status is whole.status
    assert found.price == pytest.approx(whole.price, rel=1e-9)
    assert found.utility >= whole.utility * (1.0 - 1e-6)
    assert found.utility == pytest.approx(problem.utility(found.tokens), rel=1e-12)
    assert found.dual_bound == pytest.approx(whole.dual_bound, rel=1e-9)
    assert problem.spent(found.tokens) <= problem.budget
    assert_kkt(problem, found)


def test_most_are_decided_and_all_are_counted() -> None:
    curve, budget = random_table(50_000, seed=1), 2e7
    narrowed = narrow(Offer.of(Problem(curve, budget)), budget)
    assert narrowed is not None
    assert 300 <= narrowed.undecided.size <= 2000
    assert narrowed.spent == narrowed.tokens.sum()
    assert narrowed.utility == pytest.approx(float(curve.value(narrowed.tokens)[narrowed.tokens > 0].sum()), rel=1e-12)
    assert curve.total_demand(narrowed.low) > budget
    undecided = np.zeros(len(curve), np.bool_)
    undecided[narrowed.undecided] = True
    for price in (narrowed.low, narrowed.high):
        np.testing.assert_array_equal(curve.demand(price)[~undecided], narrowed.tokens[~undecided])
    low, high = (float(curve.demand(price).sum()) for price in (narrowed.low, narrowed.high))
    assert high <= budget < low


@pytest.mark.parametrize("kind", ["alike", "few kinds", "no whole tokens", "nothing", "one point"])
def test_odd_markets_go_whole_or_narrowed_and_are_sound(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    n, rng = 5000, np.random.default_rng(0)
    grid, right = np.array([10.0, 40.0, 160.0]), np.sort(rng.random((n, 3)), axis=1)
    if kind == "alike":
        right = np.tile(right[:1], (n, 1))
    elif kind == "few kinds":
        right = right[rng.integers(0, 7, n)]
    elif kind == "no whole tokens":
        grid = grid + 0.25
    elif kind == "nothing":
        right = np.zeros((n, 3))
    elif kind == "one point":
        grid, right = grid[:1], right[:, :1]
    for share in (0.1, 0.7, 1.0):
        problem = Problem(Tabulated(grid, right), np.floor(share * n * 40.0))
        found, whole = solve(problem), wide(problem, monkeypatch)
        assert found.status is whole.status
        assert found.utility >= whole.utility * (1.0 - 1e-6)
        assert problem.spent(found.tokens) <= problem.budget
        assert_kkt(problem, found)


def test_a_few_that_are_dear_by_far_decide_alone() -> None:
    """Where hardly anybody is undecided, steps must not grow without bound."""
    right = np.sort(np.random.default_rng(0).random((5000, 3)), axis=1)
    right[0], weight = [0.5, 0.6, 0.7], np.ones(5000)
    weight[0] = 10.0
    for budget, utility in ((0, 0.0), (5, 2.5), (9, 4.5)):
        assert utility == pytest.approx(solve(Problem(Tabulated([10, 30, 70], right), budget, weight=weight)).utility)
