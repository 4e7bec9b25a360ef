"""Every solver on every problem, and what they must agree on."""

from functools import cache
from typing import Any

import numpy as np
import pytest

from shadowprice._errors import InputError, SolveError
from shadowprice.curves import AbstractCurve, Mixed, ShiftedSurge, Tabulated
from shadowprice.pricing import Problem, Solution, Status, solve
from shadowprice.pricing.clearing import Offer
from shadowprice.pricing.clearing._descend import descend
from shadowprice.testing import assert_feasible, assert_kkt, problem_bank, random_problem, random_surge

BANK = sorted(problem_bank())
PRICED = ("lambert", "bisection", "auction")


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("name", BANK)
def test_every_solver_on_every_problem(name: str, integer: bool) -> None:
    problem = problem_bank(integer=integer)[name]
    reference = solve(problem, "lambert", throw=False)
    for solver in PRICED:
        solution = solve(problem, solver, throw=False)
        assert_kkt(problem, solution)
        assert solution.status is reference.status
        assert solution.price == pytest.approx(reference.price, rel=1e-9)
        # The certified gap is one for all: none beats another by more.
        assert solution.utility <= reference.dual_bound * (1.0 + 1e-12)
    heuristic = solve(problem, "heuristic", throw=False)
    assert_feasible(problem, heuristic)
    assert heuristic.utility <= reference.dual_bound * (1.0 + 1e-12)


@cache
def cold_start(name: str, solver: str) -> tuple[Problem, Solution]:
    problem = problem_bank(integer=False)[name]
    return problem, solve(problem, solver)


@pytest.mark.parametrize("solver", PRICED)
@pytest.mark.parametrize("factor", [0.5, 0.999, 1.0, 1.001, 2.0, 1e-9, 1e9])
def test_a_warm_start_changes_nothing_but_the_evaluations(solver: str, factor: float) -> None:
    for name in ("usual", "identical", "everything at once", "mixed", "triangular, usual", "huge budget"):
        problem, cold = cold_start(name, solver)
        warm = solve(problem, solver, start=cold.price * factor)
        assert warm.price == pytest.approx(cold.price, rel=1e-9)
        assert warm.utility == pytest.approx(cold.utility, rel=1e-6)
        assert_kkt(problem, warm)


@pytest.mark.parametrize("solver", PRICED)
def test_a_near_start_saves_evaluations(solver: str) -> None:
    problem = random_problem(5000, seed=0, integer=False)
    cold = solve(problem, solver)
    warm = solve(problem, solver, start=cold.price * 1.0001)
    assert warm.evaluations < cold.evaluations


@pytest.mark.parametrize("start", [-1.0, np.nan, np.inf])
def test_bad_starts(start: float) -> None:
    with pytest.raises(InputError, match="A start must be a finite price"):
        solve(random_problem(3, 0), start=start)


@pytest.mark.parametrize("name", ["usual", "identical", "mixed, everything at once", "many scales", "tabulated, usual"])
def test_the_clock_only_ascends_and_ends_at_the_clearing_price(name: str) -> None:
    problem = problem_bank()[name]
    price = solve(problem, "bisection").price
    auction = solve(problem, "auction")
    asked, demand = auction.path.T
    assert asked[0] == 0.0
    assert (np.diff(asked) > 0.0).all()
    assert (np.diff(demand) <= 1e-9 * demand[:-1]).all()
    spendable = problem.budget - (0.0 if problem.floor is None else problem.spent(problem.floor))
    assert (demand[:-1] > spendable).all()
    assert demand[-1] <= spendable
    assert asked[-1] == pytest.approx(price, rel=1e-6)
    assert auction.price == pytest.approx(price, rel=1e-6)
    assert solve(problem).path.shape == (0, 2)


def test_an_ample_auction_ends_where_it_begins() -> None:
    np.testing.assert_allclose(
        solve(problem_bank()["huge budget"], "auction").path,
        [[0.0, random_surge(100, seed=0).peak_tokens().sum()]],
    )


def test_the_heuristic_funds_small_thresholds_at_their_peaks() -> None:
    curve = ShiftedSurge([300.0, 100.0, 200.0, 50.0], 0.01, 0.01)
    solution = solve(Problem(curve, 650), "heuristic")
    np.testing.assert_array_equal(solution.tokens, [0, 200, 300, 150])
    squeezed = solve(Problem(curve, 600), "heuristic")
    np.testing.assert_array_equal(squeezed.tokens, [0, 200, 250, 150])
    too_late = solve(Problem(curve, 400), "heuristic")
    np.testing.assert_array_equal(too_late.tokens, [0, 200, 0, 150])


def test_prices_beat_the_heuristic() -> None:
    ratios = []
    for seed in range(20):
        problem = random_problem(100, seed)
        ratios.append(solve(problem).utility / solve(problem, "heuristic").utility)
    assert min(ratios) > 1.0


class Steps(AbstractCurve):
    """A user's own curve: one right answer at 10·(row + 1) tokens, nothing before."""

    def __init__(self, n: int) -> None:
        self.need = 10.0 * np.arange(1.0, n + 1.0)

    def __len__(self) -> int:
        return self.need.size

    def value(self, tokens):  # type: ignore[no-untyped-def]
        return np.where(np.asarray(tokens) >= self.need, 1.0, 0.0)

    def marginal(self, tokens):  # type: ignore[no-untyped-def]
        return np.zeros(self.need.size)

    def demand(self, price, floor=None, cap=None):  # type: ignore[no-untyped-def]
        lower = np.zeros(self.need.size) if floor is None else floor
        bar = self.reservation_price(floor, cap)
        return np.where((price <= bar) & (bar > 0.0), self.need, lower)

    def reservation_price(self, floor: Any = None, cap: Any = None) -> Any:
        lower = np.zeros(self.need.size) if floor is None else floor
        upper = np.inf if cap is None else cap
        to_go = self.need - lower
        return np.where((to_go > 0.0) & (self.need <= upper), 1.0 / np.maximum(to_go, 1e-9), 0.0)

    def best_within(self, tokens):  # type: ignore[no-untyped-def]
        return np.where(np.asarray(tokens) >= self.need, self.need, 0.0)

    def take(self, rows):  # type: ignore[no-untyped-def]
        taken = Steps(0)
        taken.need = self.need[rows]
        return taken


@pytest.mark.parametrize("solver", ["bisection", "auction"])
@pytest.mark.parametrize("integer", [True, False])
def test_a_curve_of_ones_own(solver: str, integer: bool) -> None:
    solution = solve(Problem(Steps(10), 65, integer=integer), solver)
    np.testing.assert_array_equal(solution.tokens[:3], [10, 20, 30])
    assert solution.utility == 3.0
    assert solution.dual_bound >= 3.0
    with pytest.raises(InputError, match=r"'lambert' is for .*, not for Steps; choose 'bisection'"):
        solve(Problem(Mixed([random_surge(2, 0), Steps(3)]), 10))


@pytest.mark.parametrize("solver", [*PRICED, "heuristic"])
def test_floors_that_cannot_be_paid(solver: str) -> None:
    problem = Problem(random_surge(5, 0), 100, floor=21)
    solution = solve(problem, solver, throw=False)
    assert solution.status is Status.INFEASIBLE
    assert not solution.tokens.any()
    assert solution.utility == solution.price == solution.dual_bound == 0.0
    with pytest.raises(SolveError, match="floors cost more than the budget"):
        solve(problem, solver)


def test_a_ceiling_serves_the_largest_surplus_per_token_first() -> None:
    curve = ShiftedSurge.from_peak([100.0, 200.0, 300.0, 400.0], 0.9, 0.01)
    problem = Problem(curve, 500, price_ceiling=1e-6)
    solution = solve(problem)
    assert solution.status is Status.RATIONED
    assert solution.price == 1e-6
    np.testing.assert_array_equal(solution.tokens, [200, 300, 0, 0])
    assert_kkt(problem, solution)
    free = solve(Problem(curve, 500))
    assert free.price > 1e-6
    assert free.utility >= solution.utility * (1.0 - 1e-15)
    assert solve(Problem(curve, 500, price_ceiling=free.price)).status is Status.OPTIMAL_WITHIN_GAP


def test_money_buys_cheap_tokens_first() -> None:
    curve = ShiftedSurge.from_peak(np.full(10, 100.0), 0.9, 0.01)
    cost = np.where(np.arange(10) < 5, 1e-6, 1e-5)
    solution = solve(Problem(curve, 1e-3, cost=cost))
    assert solution.funded[:5].all()
    assert not solution.funded[5:].any()


def test_weights_and_equal_costs_are_a_change_of_units() -> None:
    curve, plain = random_surge(40, 3), solve(Problem(random_surge(40, 3), 15_000, integer=False))
    scaled = solve(Problem(curve, 30_000, integer=False, weight=5.0, cost=2.0))
    np.testing.assert_allclose(scaled.tokens, plain.tokens, rtol=1e-9)
    assert scaled.price == pytest.approx(plain.price * 2.5, rel=1e-9)
    assert scaled.utility == pytest.approx(plain.utility * 5.0, rel=1e-9)


def test_a_floor_before_the_threshold_makes_a_query_cheaper() -> None:
    curve = ShiftedSurge.from_peak([500.0, 500.0], 0.9, 0.01)
    solution = solve(Problem(curve, 700, floor=[0, 100]))
    np.testing.assert_array_equal(solution.funded, [False, True])
    assert solution.tokens[1] == pytest.approx(600, abs=1)


@pytest.mark.parametrize("seed", range(20))
def test_the_price_of_steps_is_found_among_the_prices_where_demand_falls(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = np.cumsum(rng.uniform(0.5, 9.0, size=12))
    curve = Tabulated(grid, np.sort(rng.random((30, 12)), axis=1))
    offer = Offer.of(Problem(curve, 0.0))
    least, most = (offer.spent(offer.committed(price)) for price in (np.inf, 0.0))
    budget = rng.uniform(least, most)

    exact, many = descend(lambda price: offer.spent(offer.committed(price)) > budget, 0.01)
    for start, bracket in ((0.01, None), (exact, None), (1e-9, (0.0, 1.0)), (1.0, (np.nextafter(exact, 0.0), exact))):
        price, few = curve.least_price(budget, start, bracket)
        assert exact == price
        assert few <= many / 2


def test_some_of_the_curves_share_one_table() -> None:
    rng = np.random.default_rng(0)
    curve = Tabulated(np.cumsum(rng.uniform(0.5, 9.0, size=12)), np.sort(rng.random((30, 12)), axis=1))
    rows = rng.permutation(30)[:11]
    alone, price = Tabulated(curve.tokens[rows], curve.values[rows]), 0.02
    for some in (curve.take(rows), curve.take(slice(3, None)).take(rows[rows >= 3] - 3)):
        own = alone.take(np.isin(rows, rows[rows >= 3])) if len(some) < 11 else alone
        np.testing.assert_array_equal(own.values, some.values)
        np.testing.assert_array_equal(own.demand(price), some.demand(price))
        np.testing.assert_array_equal(own.envelope().values, some.envelope().values)
        assert own.committed_demand(price).sum() == pytest.approx(some.total_demand(price), rel=1e-14)
        before, after = some.straight(np.full(len(some), 20.5))
        np.testing.assert_array_less(before, after)
        assert ((before <= 20.5) & (after >= 20.5)).all()
