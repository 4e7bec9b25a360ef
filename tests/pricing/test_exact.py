import itertools
import math

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.curves import AbstractCurve, ShiftedSurge, Tabulated
from shadowprice.pricing import Problem, Solution, Status, solve
from shadowprice.pricing.exact import _knapsack, solve_exact
from shadowprice.testing import problem_bank, random_problem, random_surge


def assert_feasible(problem: Problem, solution: Solution) -> None:
    tokens, n = solution.tokens, len(problem.curve)
    assert tokens.shape == (n,)
    assert tokens.dtype == np.int64
    assert (tokens >= (0.0 if problem.floor is None else problem.floor)).all()
    assert (tokens <= (math.inf if problem.cap is None else problem.cap)).all()
    assert problem.spent(tokens) <= problem.budget * (1.0 + (0.0 if problem.cost is None else 1e-15))
    assert solution.utility == pytest.approx(problem.utility(tokens), rel=1e-12)
    assert solution.dual_bound >= solution.utility


def columns(problem: Problem) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    n = len(problem.curve)
    weight = np.ones(n) if problem.weight is None else problem.weight
    cost = np.ones(n) if problem.cost is None else problem.cost
    floor = np.zeros(n) if problem.floor is None else problem.floor
    cap = np.full(n, math.inf) if problem.cap is None else problem.cap
    return weight, cost, floor, np.maximum(np.minimum(cap, np.ceil(problem.curve.peak_tokens()) + 2.0), floor)


def by_milp(problem: Problem) -> float:
    """The optimum by HiGHS, with one binary variable for each whole number of tokens of each query."""
    weight, cost, floor, top = columns(problem)
    sizes = (top - floor).astype(np.int64) + 1
    owner = np.repeat(np.arange(sizes.size), sizes)
    tokens = np.concatenate([np.arange(low, low + size) for low, size in zip(floor, sizes, strict=True)])
    value = weight[owner] * problem.curve.take(owner).value(tokens)
    one_each = csr_array((np.ones(owner.size), (owner, np.arange(owner.size))))
    result = milp(
        -value,
        constraints=[
            LinearConstraint(one_each, 1, 1),
            LinearConstraint(csr_array((cost[owner] * tokens)[np.newaxis]), -math.inf, problem.budget),
        ],
        integrality=np.ones(owner.size),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    assert result.status == 0
    return float(-result.fun)


def by_enumeration(problem: Problem) -> float:
    _, _, floor, top = columns(problem)
    choices = [range(int(low), int(high) + 1) for low, high in zip(floor, top, strict=True)]
    allowed = (np.array(tokens) for tokens in itertools.product(*choices))
    return max(problem.utility(tokens) for tokens in allowed if problem.spent(tokens) <= problem.budget)


def small_curve(rng: np.random.Generator, n: int, widest: float) -> AbstractCurve:
    if rng.random() < 0.3:
        grid = np.sort(rng.choice(np.arange(1.0, 2.0 * widest), (n, 4)), axis=1) + np.arange(4)
        return Tabulated(grid, rng.uniform(0.0, 1.0, (n, 4)))
    threshold = rng.uniform(0.0, widest, n) * (rng.random(n) < 0.9)
    return ShiftedSurge.from_peak(
        threshold, rng.uniform(0.1, 1.0, n), np.exp(rng.normal(-math.log(widest / 4), 1.0, n))
    )


def small_problem(seed: int, most: int, widest: float) -> Problem:
    """A few queries with weights, costs of four kinds, floors, caps, and a budget for some of what they want."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, most + 1))
    curve = small_curve(rng, n, widest)
    kinds = (np.ones(n), rng.integers(1, 4, n), rng.choice([0.1, 0.25, 0.3], n), rng.uniform(0.2, 2.0, n))
    cost = np.asarray(kinds[seed % 4], dtype=np.float64)
    floor = rng.integers(0, 5, n) * (rng.random(n) < 0.4)
    cap = np.maximum(floor, rng.integers(3, int(2.0 * widest), n))
    wanted = float((cost * np.maximum(curve.peak_tokens() - floor, 0.0)).sum())
    # Half a thousandth off, so that no sum of costs meets the budget within HiGHS's tolerance of 1e-6.
    budget = round(float((cost * floor).sum()) + rng.uniform(0.0, 1.0) * wanted, 2) + 0.0055
    if seed % 8 == 0:
        return Problem(curve, budget)
    return Problem(curve, budget, weight=rng.uniform(0.1, 3.0, n), cost=cost, floor=floor, cap=cap)


@pytest.mark.parametrize("block", range(4))
def test_agrees_with_highs(block: int) -> None:
    for seed in range(50 * block, 50 * block + 50):
        problem = small_problem(seed, 6, 30.0)
        solution = solve_exact(problem)
        assert_feasible(problem, solution)
        assert solution.gap <= 1e-12
        assert solution.utility == pytest.approx(by_milp(problem), rel=1e-6, abs=1e-9), seed


def test_agrees_with_enumeration() -> None:
    for seed in range(60):
        problem = small_problem(1000 + seed, 3, 6.0)
        solution = solve_exact(problem)
        assert_feasible(problem, solution)
        assert solution.utility == pytest.approx(by_enumeration(problem), rel=1e-12, abs=1e-15), seed


def relative_gaps(n: int, batches: int) -> FloatArray:
    """What lambert misses of the optimum, after both were checked against each other."""
    gaps = np.empty(batches)
    for seed in range(batches):
        problem = random_problem(n, seed)
        lambert, exact = solve(problem), solve_exact(problem)
        assert_feasible(problem, exact)
        assert exact.gap <= 1e-12 * exact.utility
        assert exact.status is Status.OPTIMAL_WITHIN_GAP
        assert lambert.utility <= exact.utility * (1.0 + 1e-12)
        assert lambert.dual_bound >= exact.utility
        gaps[seed] = 1.0 - lambert.utility / exact.utility
    return gaps


@pytest.mark.parametrize(
    ("n", "batches", "most"),
    [(20, 60, 5e-3), (100, 60, 5e-4), (500, 20, 5e-5), pytest.param(500, 100, 5e-5, marks=pytest.mark.slow)],
)
def test_lambert_is_near_the_optimum_and_its_bound_above(
    n: int, batches: int, most: float, capsys: pytest.CaptureFixture[str]
) -> None:
    gaps = relative_gaps(n, batches)
    with capsys.disabled():
        print(f"\nn = {n}, {batches} batches: mean gap {gaps.mean():.3e}, largest {gaps.max():.3e}")
    assert gaps.mean() <= most


@pytest.mark.parametrize("name", problem_bank())
def test_problem_bank(name: str) -> None:
    problem = problem_bank()[name]
    lambert = solve(problem, throw=False)
    if lambert.status is Status.RATIONED:
        with pytest.raises(InputError, match="ceiling"):
            solve_exact(problem)
        return
    solution = solve_exact(problem)
    assert (solution.status is Status.INFEASIBLE) == (lambert.status is Status.INFEASIBLE)
    if solution.status is not Status.INFEASIBLE:
        assert_feasible(problem, solution)
        # Its bound is its utility, but for what it could not search through.
        assert lambert.utility <= solution.dual_bound * (1.0 + 1e-12) + 1e-15
        assert solution.utility <= lambert.dual_bound * (1.0 + 1e-12)
        # 120 costs without a common unit are more than can be searched through.
        assert solution.gap <= (1e-3 if name == "mixed, everything at once" else 1e-12) * solution.utility


@pytest.mark.parametrize("tokens_per_query", [1.0, 50.0, 900.0, 1400.0])
def test_scarce_and_ample_budgets(tokens_per_query: float) -> None:
    for seed in range(10):
        problem = random_problem(30, seed, tokens_per_query=tokens_per_query)
        exact, lambert = solve_exact(problem), solve(problem)
        assert_feasible(problem, exact)
        assert exact.gap <= 1e-12
        assert lambert.utility <= exact.utility * (1.0 + 1e-12) <= lambert.dual_bound * (1.0 + 2e-12)


def test_nobody() -> None:
    solution = solve_exact(Problem(random_surge(0, seed=0), 100))
    assert solution.status is Status.EMPTY
    assert solution.tokens.shape == (0,)


def test_one_query_gets_its_peak_or_what_there_is() -> None:
    curve = ShiftedSurge.from_peak(300.0, 0.9, 0.01)
    assert solve_exact(Problem(curve, 1000)).tokens.tolist() == [400]
    assert solve_exact(Problem(curve, 310)).tokens.tolist() == [310]
    nothing = solve_exact(Problem(curve, 300))
    assert nothing.tokens.tolist() == [0]
    assert nothing.status is Status.BUDGET_TOO_SMALL


def test_budget_of_nothing_and_beyond_all() -> None:
    curve = random_surge(20, seed=3)
    nothing, everything = solve_exact(Problem(curve, 0)), solve_exact(Problem(curve, 1e15))
    assert nothing.status is Status.BUDGET_TOO_SMALL
    assert not nothing.funded.any()
    assert everything.status is Status.SATURATED
    assert everything.price == 0.0
    assert np.abs(everything.tokens - curve.peak_tokens()).max() <= 1.0


def test_floors_beyond_the_budget_are_infeasible() -> None:
    problem = Problem(random_surge(2, seed=0), 10, floor=6)
    assert solve_exact(problem).status is Status.INFEASIBLE


def test_decimal_costs_meet_a_decimal_budget() -> None:
    # In float64, 0.1 · 3 is more than 0.3.
    solution = solve_exact(Problem(ShiftedSurge.from_peak(0.0, 1.0, 0.01), 0.3, cost=0.1))
    assert solution.tokens.tolist() == [3]


def test_marginal_rows_are_what_the_price_would_not_do() -> None:
    # Two of size 60 leave 20 of 140 to a third that is worth less per token, so the price would leave it out.
    curve = ShiftedSurge.from_peak([50.0, 50.0, 50.0, 5.0], [1.0, 1.0, 1.0, 0.05], [0.1, 0.1, 0.1, 0.1])
    solution = solve_exact(Problem(curve, 140))
    assert np.count_nonzero(solution.tokens[:3]) == 2
    assert solution.tokens[3] > 0
    assert solution.marginal.tolist() == [3]


def test_search_that_is_cut_short_returns_a_proven_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    problem = Problem(random_surge(20, seed=1), 10_000.0, cost=rng.uniform(0.5, 2.0, 20))
    full = solve_exact(problem)
    assert full.gap == 0.0
    monkeypatch.setattr(_knapsack, "_MOST_CANDIDATES", 1)
    monkeypatch.setattr(_knapsack, "_FEWEST_STATES", 1)
    short = solve_exact(problem)
    assert_feasible(problem, short)
    assert short.gap > 0.0
    assert short.utility <= full.utility <= short.dual_bound


def test_refuses_what_it_cannot_do() -> None:
    curve = random_surge(5, seed=0)
    with pytest.raises(InputError, match="whole tokens"):
        solve_exact(Problem(curve, 100.0, integer=False))
    with pytest.raises(InputError, match="too many"):
        solve_exact(Problem(ShiftedSurge.from_peak(0.0, np.ones(3), 1e-9), 1e10))
    with pytest.raises(InputError, match="ceiling"):
        solve_exact(Problem(curve, 1000.0, price_ceiling=1e-6))
