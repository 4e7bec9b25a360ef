"""Is an allocation explained by its prices? The Karush-Kuhn-Tucker conditions, checked one by one.

The checks use the curve's own methods only, never a solver's, so they serve every solver and every curve.
"""

import math
from collections.abc import Iterator

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.pricing import Problem, Solution, Status

_ROUNDING = 1e-12
"""Relative error that sums of a million float64 numbers are allowed."""


def assert_kkt(problem: Problem, solution: Solution, *, rtol: float = 1e-9) -> None:
    """Check that a solution is feasible and that its prices explain it.

    * Tokens have the right shape and type, are not negative, and their sum is within the budget.
    * Utility is what the curve says, and the dual bound Bλ + Σ max(0, Sᵢ(λ)) is right and not below it.
    * The clearing price is one: demand exceeds the budget just below it and not just above it.
    * Who has a reservation price above the clearing price (and the marginal one) is funded, who has one below
      is not, except the rows in ``solution.marginal``. A query whose demand ends before its first whole
      useful token may go without.
    * No funded query is worth nothing.
    * All funded queries, except marginal ones, earn ``solution.marginal_price`` with one more token: the
      slope is equal to it, or for whole tokens the last gain is at least as large and the next at most.
    * If the price is above 0 the budget is used up, but for what nobody has a use for.
    * Utility is at least what the clearing price alone, rounded down to whole tokens, would give.

    Args:
        problem: what was to be solved.
        solution: what the solver says.
        rtol: relative tolerance on prices and on tokens.

    Raises:
        AssertionError: a condition is broken; the message says which, at which row, with numbers.
    """
    for check in (_shape, _totals, _price, _funding, _stationarity, _slackness, _baseline, _status):
        for complaint in check(problem, solution, rtol):
            raise AssertionError(f"{complaint} ({solution.status.name}, n = {len(problem.curve)})")


def _shape(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    del rtol
    tokens, n = solution.tokens, len(problem.curve)
    if tokens.shape != (n,):
        yield f"tokens have shape {tokens.shape}, not ({n},)"
    if not np.issubdtype(tokens.dtype, np.int64 if problem.integer else np.float64):
        yield f"tokens are {tokens.dtype}, but the problem has integer={problem.integer}"
    yield from _first(~np.isfinite(tokens), "tokens must be finite", tokens=tokens)
    yield from _first(tokens < 0, "tokens must not be negative", tokens=tokens)
    rows = solution.marginal
    if rows.size and not (rows.min() >= 0 and rows.max() < n and np.unique(rows).size == rows.size):
        yield f"marginal rows must be different rows of the problem, not {rows}"
    for name in ("price", "marginal_price", "utility", "dual_bound"):
        number = getattr(solution, name)
        if not (math.isfinite(number) and number >= 0.0):
            yield f"{name} must be finite and at least 0, not {number}"


def _totals(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    curve, price = problem.curve, solution.price
    spent = solution.tokens.sum()
    if spent > problem.budget * (1.0 if problem.integer else 1.0 + _ROUNDING):
        yield f"{spent} tokens are spent, more than the budget of {problem.budget}"
    utility = float(curve.value(solution.tokens).sum())
    if not _near(solution.utility, utility, rtol):
        yield f"utility is {solution.utility}, but the tokens are worth {utility}"
    wanted = curve.demand(price)
    worth = curve.value(wanted)
    bound = problem.budget * price + float(np.maximum(worth - price * wanted, 0.0).sum())
    if not _near(solution.dual_bound, bound, rtol, _ROUNDING * float(worth.sum())):
        yield f"dual_bound is {solution.dual_bound}, but at price {price} it is {bound}"
    if solution.dual_bound < solution.utility:
        yield f"dual_bound {solution.dual_bound} is below utility {solution.utility}"


def _price(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    price, budget = solution.price, problem.budget
    over = float(problem.curve.demand(price * (1.0 + rtol)).sum())
    if over > budget * (1.0 + _ROUNDING):
        yield f"price {price} is too low: just above it demand is {over}, more than the budget of {budget}"
    under = float(problem.curve.demand(price * (1.0 - rtol)).sum())
    if price > 0.0 and under < budget * (1.0 - _ROUNDING):
        yield f"price {price} is too high: just below it demand is {under}, less than the budget of {budget}"


def _funding(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    price, funded = solution.price, solution.funded
    reservation = problem.curve.reservation_price()
    numbers = {"reservation price": reservation, "price": np.full_like(reservation, price)}
    # A plan may squeeze its queries to make room for one more; then its own, higher price is what counts.
    bar = max(price, solution.marginal_price) * (1.0 + rtol)
    wronged = ~funded & (reservation > bar) & (_plain(problem, solution) > 0.0)
    yield from _first(wronged, "an unfunded query would pay more than the price", **numbers)
    undue = funded & (reservation < price * (1.0 - rtol)) & ~_marginal(solution)
    yield from _first(undue, "a funded query would not pay the price and is not marginal", **numbers)
    idle = ~funded & _marginal(solution)
    yield from _first(idle, "a marginal query is not funded", **numbers)
    waste = funded & ~(problem.curve.value(solution.tokens) > 0.0)
    yield from _first(waste, "a funded query is worth nothing", tokens=solution.tokens)


def _stationarity(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    curve, target = problem.curve, solution.marginal_price
    tokens: FloatArray = solution.tokens.astype(np.float64)
    rows = solution.funded & ~_marginal(solution)
    last: FloatArray
    following: FloatArray
    slack: FloatArray
    if problem.integer:
        here, before = curve.value(tokens), curve.value(np.maximum(tokens - 1.0, 0.0))
        last, following = here - before, curve.value(tokens + 1.0) - here
        slack = rtol * target + 8.0 * np.finfo(float).eps * here
        rows_beyond_first = rows & (before > 0.0)
    else:
        lower = tokens * (1.0 - rtol)
        last, following = curve.marginal(lower), curve.marginal(tokens * (1.0 + rtol))
        slack = np.full(tokens.shape, rtol * target)
        rows_beyond_first = rows & (curve.value(lower) > 0.0)
    numbers = {
        "tokens": tokens,
        "last gain": last,
        "next gain": following,
        "marginal price": np.full_like(last, target),
    }
    too_much = rows_beyond_first & (last < target - slack)
    yield from _first(too_much, "a query has tokens that earn less than the marginal price", **numbers)
    too_little = rows & (following > target + slack)
    yield from _first(too_little, "a query lacks tokens that would earn more than the marginal price", **numbers)


def _slackness(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    budget = math.floor(problem.budget) if problem.integer else problem.budget
    left = budget - float(solution.tokens.sum())
    if solution.price == 0.0 or left <= (0.0 if problem.integer else rtol * budget):
        return
    curve = problem.curve
    tokens: FloatArray = solution.tokens.astype(np.float64)
    peak = curve.demand(0.0)
    sizes = (np.floor(peak), np.ceil(peak)) if problem.integer else (peak,)
    base = curve.value(tokens)
    gain = np.max([curve.value(np.clip(size, tokens, tokens + left)) - base for size in sizes], axis=0)
    useful = gain > _ROUNDING * solution.dual_bound
    yield from _first(useful, f"{left} tokens are left that a query could use", tokens=tokens, gain=gain)


def _baseline(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    above = problem.curve.reservation_price() > solution.price * (1.0 + rtol)
    plain = float(_plain(problem, solution)[above].sum())
    if solution.utility < plain * (1.0 - rtol):
        yield f"utility is {solution.utility}, but the clearing price alone gives {plain}"


def _status(problem: Problem, solution: Solution, rtol: float) -> Iterator[str]:
    del rtol
    expected = {
        Status.EMPTY: not len(problem.curve),
        Status.SATURATED: solution.price == 0.0,
        Status.BUDGET_TOO_SMALL: not solution.funded.any(),
        Status.OPTIMAL_WITHIN_GAP: solution.price > 0.0 and bool(solution.funded.any()),
        Status.NOT_CONVERGED: False,
    }
    if not expected[solution.status]:
        funded = int(solution.funded.sum())
        yield f"the status does not fit price {solution.price} and {funded} funded queries"


def _plain(problem: Problem, solution: Solution) -> FloatArray:
    """What each query gets from its demand at the clearing price, rounded down to whole tokens."""
    wanted = problem.curve.demand(solution.price)
    return problem.curve.value(np.floor(wanted) if problem.integer else wanted)


def _marginal(solution: Solution) -> BoolArray:
    mask = np.zeros(solution.tokens.shape, dtype=np.bool_)
    mask[solution.marginal] = True
    return mask


def _near(left: float, right: float, rtol: float, atol: float = 0.0) -> bool:
    return math.isclose(left, right, rel_tol=max(rtol, _ROUNDING), abs_tol=atol)


def _first(broken: BoolArray, sentence: str, **numbers: FloatArray | IntArray) -> Iterator[str]:
    if broken.any():
        row = int(np.argmax(broken))
        shown = ", ".join(f"{name} {column[row]:.17g}" for name, column in numbers.items())
        yield f"row {row}: {sentence}: {shown}; {int(broken.sum())} such rows"
