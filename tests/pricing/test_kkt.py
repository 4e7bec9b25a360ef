"""The check must fail where something is wrong; that it passes where nothing is, the solver's tests show."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from shadowprice.curves import ShiftedSurge
from shadowprice.pricing import Problem, Solution, Status, solve
from shadowprice.testing import assert_kkt, problem_bank, random_problem

Corruption = Callable[[Problem, Solution], Solution]


def moved(problem: Problem, solution: Solution, change: dict[int, float]) -> Solution:
    """The same solution with some tokens changed and its utility recomputed: only the rest is wrong."""
    tokens = solution.tokens.copy()
    for row, by in change.items():
        tokens[row] += by
    return replace(solution, tokens=tokens, utility=problem.utility(tokens))


def rows(solution: Solution, funded: bool) -> list[int]:
    plain = np.setdiff1d(np.flatnonzero(solution.funded == funded), solution.marginal)
    return [int(row) for row in plain]


def shifted(problem: Problem, solution: Solution) -> Solution:
    first, second, *_ = rows(solution, funded=True)
    return moved(problem, solution, {first: -20, second: 20})


def robbed(problem: Problem, solution: Solution) -> Solution:
    row = rows(solution, funded=True)[0]
    return moved(problem, solution, {row: -solution.tokens[row]})


def undeserved(problem: Problem, solution: Solution) -> Solution:
    """The idle query with the least peak gets it, from all that are funded."""
    peak = np.ceil(problem.curve.demand(0.0))
    worst = np.argsort(problem.curve.reservation_price())
    row = min((row for row in rows(solution, funded=False) if row in worst[:15]), key=lambda row: peak[row])
    donors = rows(solution, funded=True)
    share = np.ceil(peak[row] / len(donors))
    return moved(problem, solution, {**dict.fromkeys(donors, -share), row: peak[row]})


def wasted(problem: Problem, solution: Solution) -> Solution:
    return moved(problem, solution, {rows(solution, funded=False)[0]: 1, rows(solution, funded=True)[0]: -1})


CORRUPTIONS: dict[str, tuple[Corruption, str]] = {
    "shape": (lambda p, s: replace(s, tokens=s.tokens[:-1]), "shape"),
    "dtype": (lambda p, s: replace(s, tokens=s.tokens.astype(np.float32)), "float32"),
    "negative": (lambda p, s: moved(p, s, {0: -1e6}), "row 0: tokens must not be negative"),
    "overspent": (lambda p, s: moved(p, s, {rows(s, True)[0]: 50}), "more than the budget"),
    "unspent": (lambda p, s: moved(p, s, {rows(s, True)[0]: -50}), "lacks tokens|tokens are left"),
    "utility": (lambda p, s: replace(s, utility=s.utility * 0.999), "utility is"),
    "bound": (lambda p, s: replace(s, dual_bound=s.dual_bound * 1.001), "dual_bound is"),
    "price too low": (lambda p, s: replace(s, price=s.price * 0.99), "dual_bound is|too low"),
    "price too high": (lambda p, s: replace(s, price=s.price * 1.01), "dual_bound is|too high"),
    "price": (lambda p, s: replace(s, price=float("nan")), "price must be finite"),
    "marginal price": (lambda p, s: replace(s, marginal_price=s.marginal_price * 1.1), "earn less than"),
    "low marginal price": (lambda p, s: replace(s, marginal_price=s.marginal_price * 0.9), "lacks tokens"),
    "marginal rows": (lambda p, s: replace(s, marginal=np.array([len(p.curve)])), "marginal rows"),
    "idle marginal": (lambda p, s: replace(s, marginal=np.array(rows(s, False)[:1])), "is not funded"),
    "status": (lambda p, s: replace(s, status=Status.SATURATED), "status does not fit"),
    "shifted": (shifted, "lacks tokens|earn less than"),
    "robbed": (robbed, "an unfunded query would pay more than the price"),
    "undeserved": (undeserved, "a funded query would not pay the price and is not marginal"),
    "wasted": (wasted, "would not pay the price|worth nothing"),
}


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_corrupted_solution_fails(name: str, integer: bool) -> None:
    corrupt, message = CORRUPTIONS[name]
    problem = random_problem(60, seed=1, integer=integer)
    solution = solve(problem)
    assert_kkt(problem, solution)
    with pytest.raises(AssertionError, match=message):
        assert_kkt(problem, corrupt(problem, solution))


@pytest.mark.parametrize("integer", [True, False])
def test_a_wrong_price_is_found_even_with_a_bound_that_fits_it(integer: bool) -> None:
    problem = random_problem(60, seed=2, integer=integer)
    solution = solve(problem)
    for factor, message in ((0.99, "too low"), (1.01, "too high")):
        price = solution.price * factor
        wanted = problem.curve.demand(price)
        surplus = problem.curve.value(wanted) - price * wanted
        bound = problem.budget * price + float(np.maximum(surplus, 0.0).sum())
        with pytest.raises(AssertionError, match=message):
            assert_kkt(problem, replace(solution, price=price, dual_bound=bound))


def test_leaving_the_hole_empty_is_found() -> None:
    """Tokens that the jump leaves over must not be lost."""
    curve = ShiftedSurge.from_peak(np.full(10, 500.0), 0.8, 0.005)
    problem = Problem(curve, 3000, integer=False)
    solution = solve(problem)
    tokens = np.where(np.arange(10) < 4, curve.reservation_tokens(), 0.0)
    utility = float(curve.value(tokens).sum())
    plain = replace(solution, tokens=tokens, utility=utility, marginal_price=solution.price)
    with pytest.raises(AssertionError, match="tokens are left that a query could use"):
        assert_kkt(problem, plain)


def test_the_message_names_row_and_numbers() -> None:
    problem = random_problem(60, seed=1)
    solution = solve(problem)
    row = rows(solution, funded=True)[0]
    with pytest.raises(AssertionError, match=rf"row {row}: .*reservation price .*, price .*; 1 such rows"):
        assert_kkt(problem, robbed(problem, solution))


FEATURES: dict[str, tuple[str, Corruption, str]] = {
    "below its floor": ("floors", lambda p, s: moved_to(p, s, int(np.argmax(p.floor > 0)), 0), "less than its floor"),  # type: ignore[operator]
    "above its cap": ("caps", lambda p, s: moved_to(p, s, 0, float(p.cap[0]) + 1.0), "more than its cap"),  # type: ignore[index]
    "overspent money": ("money", lambda p, s: moved(p, s, {rows(s, True)[0]: 5000}), "more than the budget"),
    "unweighted utility": ("weights", lambda p, s: replace(s, utility=s.utility / 2), "utility is"),
    "cheap left out": (
        "money",
        lambda p, s: moved_to(p, s, int(np.argmax(p.curve.reservation_price() / np.asarray(p.cost))), 0),
        "pay more",
    ),
    "above the ceiling": (
        "a ceiling that binds",
        lambda p, s: replace(s, price=s.price * 2),
        "rationed at|dual_bound is",
    ),
    "squeezed": ("a ceiling that binds", lambda p, s: moved(p, s, {rows(s, True)[0]: -80}), "less than it would buy"),
    "passed over": ("a ceiling that binds", lambda p, s: moved_to(p, s, rows(s, True)[0], 0), "passed over"),
    "no ration": ("a ceiling that binds", lambda p, s: replace(s, status=Status.OPTIMAL_WITHIN_GAP), "too low"),
    "too poor": ("floors, not paid", lambda p, s: replace(s, tokens=s.tokens + 1), "nobody can be funded"),
    "poor": ("floors, not paid", lambda p, s: replace(s, status=Status.SATURATED), "status does not fit floors"),
    "off its corner": (
        "tabulated, usual",
        lambda p, s: moved(p, s, {int(np.argmax(s.tokens)): -90}),
        "more surplus|are left",
    ),
}


def moved_to(problem: Problem, solution: Solution, row: int, tokens: float) -> Solution:
    return moved(problem, solution, {row: tokens - solution.tokens[row]})


@pytest.mark.parametrize("integer", [True, False])
@pytest.mark.parametrize("name", FEATURES)
def test_a_corrupted_solution_of_a_problem_with_features_fails(name: str, integer: bool) -> None:
    case, corrupt, message = FEATURES[name]
    problem = problem_bank(integer=integer)[case]
    solution = solve(problem, throw=False)
    assert_kkt(problem, solution)
    with pytest.raises(AssertionError, match=message):
        assert_kkt(problem, corrupt(problem, solution))
