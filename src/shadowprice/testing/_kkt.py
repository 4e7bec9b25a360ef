"""Is an allocation explained by its prices? The Karush-Kuhn-Tucker conditions, checked one by one.

The checks use the problem's and the curve's own methods only, never a solver's, so they serve every solver and
every curve.
"""

import math
from collections.abc import Iterator

import numpy as np

from shadowprice._types import BoolArray, FloatArray
from shadowprice.pricing import Problem, Solution, Status
from shadowprice.testing._market import Market, first_row

_ROUNDING = 1e-12
"""Relative error that sums of a million float64 numbers are allowed."""


def assert_kkt(problem: Problem, solution: Solution, *, rtol: float = 1e-9) -> None:
    """Check that a solution is feasible and that its prices explain it.

    * Everything that `assert_feasible` checks.
    * The market price is the clearing price: demand exceeds the budget just below it and not just above it. Where
      a price ceiling is lower, it is the ceiling, and demand exceeds the budget there.
    * Whose reservation price is above the market price buys beyond its floor, whose is below does not; exactly the
      rows in ``solution.marginal`` may do otherwise, and where the curves are concave those that buy what was left.
    * Nobody pays for tokens that are worth nothing.
    * All who buy, except marginal ones, earn ``solution.marginal_price`` with one more unit of the budget: the slope
      is equal to it, or for whole tokens the last gain is at least as large and the next at most. (If whole tokens
      differ in cost, the last ones may have filled a rest too small for dearer ones.) Where curves are not concave,
      no other amount that is funded at all has more surplus at that price.
    * If the price is above 0 the budget is used up, but for what nobody has a use for.
    * Utility is at least what the clearing price alone, rounded down to whole tokens, would give.
    * Under a binding ceiling nobody who buys has less than his demand at the ceiling, and who would pay it and buys
      nothing had no room behind those with more surplus per unit of the budget.

    Args:
        problem: what was to be solved.
        solution: what the solver says.
        rtol: relative tolerance on prices and on tokens.

    Raises:
        AssertionError: a condition is broken; the message says which, at which row, with numbers.
    """
    assert_feasible(problem, solution, rtol=rtol)
    if solution.status is Status.INFEASIBLE:
        return
    market = Market(problem)
    rationed = solution.status is Status.RATIONED
    checks = (_rations,) if rationed else (_price, _funding, _stationarity, _slackness, _baseline)
    for check in (*checks, _status):
        for complaint in check(market, solution, rtol):
            raise AssertionError(f"{complaint} ({solution.status.name}, n = {len(problem.curve)})")


def assert_feasible(problem: Problem, solution: Solution, *, rtol: float = 1e-9) -> None:
    """Check what holds for every solver, with prices or without.

    * Tokens have the right shape and type and lie between floor and cap; together they cost at most the budget.
    * Utility is what the curve says, and the dual bound is what it is at the solution's price, and not below it.
    * If not even the floors can be paid, the status says so and all tokens are 0.

    Args:
        problem: what was to be solved.
        solution: what the solver says.
        rtol: relative tolerance on utility and bound.

    Raises:
        AssertionError: a condition is broken; the message says which, at which row, with numbers.
    """
    for check in (_shape, _totals):
        for complaint in check(Market(problem), solution, rtol):
            raise AssertionError(f"{complaint} ({solution.status.name}, n = {len(problem.curve)})")


def _shape(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    del rtol
    tokens, n, integer = solution.tokens, len(market), market.problem.integer
    if tokens.shape != (n,):
        yield f"tokens have shape {tokens.shape}, not ({n},)"
    if not np.issubdtype(tokens.dtype, np.int64 if integer else np.float64):
        yield f"tokens are {tokens.dtype}, but the problem has integer={integer}"
    yield from first_row(~np.isfinite(tokens), "tokens must be finite", tokens=tokens)
    yield from first_row(tokens < 0, "tokens must not be negative", tokens=tokens)
    rows = solution.marginal
    if rows.size and not (rows.min() >= 0 and rows.max() < n and np.unique(rows).size == rows.size):
        yield f"marginal rows must be different rows of the problem, not {rows}"
    for name in ("price", "marginal_price", "utility", "dual_bound"):
        number = getattr(solution, name)
        if not (math.isfinite(number) and number >= 0.0):
            yield f"{name} must be finite and at least 0, not {number}"


def _totals(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    problem, price, tokens = market.problem, solution.price, solution.tokens
    poor = problem.spent(market.floor) > problem.budget
    if poor != (solution.status is Status.INFEASIBLE):
        yield f"the status does not fit floors that cost {problem.spent(market.floor)} of a budget of {problem.budget}"
    if poor:
        yield from first_row(tokens > 0, "nobody can be funded where the floors cannot", tokens=tokens)
        return
    yield from first_row(tokens < market.floor, "a query has less than its floor", tokens=tokens, floor=market.floor)
    yield from first_row(tokens > market.cap, "a query has more than its cap", tokens=tokens, cap=market.cap)
    spent = problem.spent(tokens)
    if spent > problem.budget:
        yield f"{spent} is spent, more than the budget of {problem.budget}"
    utility = problem.utility(tokens)
    if not _near(solution.utility, utility, rtol):
        yield f"utility is {solution.utility}, but the tokens are worth {utility}"
    wanted = market.demand(price)
    worth = market.worth(wanted)
    surplus = worth - market.worth(market.floor) - price * market.cost * (wanted - market.floor)
    bound = market.budget * price + problem.utility(market.floor) + float(np.maximum(surplus, 0.0).sum())
    if not _near(solution.dual_bound, bound, rtol, _ROUNDING * float(worth.sum())):
        yield f"dual_bound is {solution.dual_bound}, but at price {price} it is {bound}"
    if solution.dual_bound < solution.utility:
        yield f"dual_bound {solution.dual_bound} is below utility {solution.utility}"


def _price(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    price, budget, ceiling = solution.price, market.budget, market.problem.price_ceiling
    if ceiling is not None and price > ceiling:
        yield f"price {price} is above the ceiling of {ceiling}"
    rounding = _ROUNDING * market.problem.budget
    over = market.spending(market.demand(price * (1.0 + rtol)))
    if over > budget + rounding:
        yield f"price {price} is too low: just above it demand is {over}, more than the budget of {budget}"
    under = market.spending(market.demand(price * (1.0 - rtol)))
    if price > 0.0 and under < budget - rounding:
        yield f"price {price} is too high: just below it demand is {under}, less than the budget of {budget}"


def _funding(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    price, reservation = solution.price, market.reservation_price()
    buys, marginal = solution.tokens > market.floor, _marginal(solution)
    numbers = {"reservation price": reservation, "price": np.full_like(reservation, price)}
    would, would_not = reservation > price * (1.0 + rtol), reservation < price * (1.0 - rtol)
    reached = market.worth(market.whole(market.demand(price))) > market.worth(market.floor)
    wronged = ~buys & would & reached & ~marginal
    yield from first_row(wronged, "an unfunded query would pay more than the price", **numbers)
    undue = buys & would_not & ~marginal
    yield from first_row(undue, "a funded query would not pay the price and is not marginal", **numbers)
    idle = marginal & ~buys & would_not
    yield from first_row(idle, "a marginal query is not funded", **numbers)
    if market.curve.unimodal and market.problem.integer:
        plain = marginal & ((buys & would) | (~buys & would_not))
        yield from first_row(plain, "a marginal query is funded as the price alone would have it", **numbers)
    waste = buys & ~(market.worth(solution.tokens) > market.worth(market.floor))
    yield from first_row(waste, "a funded query is worth nothing", tokens=solution.tokens)


def _stationarity(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    target, tokens = solution.marginal_price, solution.tokens.astype(np.float64)
    rows = (tokens > market.floor) & ~_marginal(solution)
    lookback = np.ceil(market.cost.max(initial=1.0) / market.cost) if market.problem.integer else np.zeros(len(market))
    if not market.curve.unimodal:
        yield from _global_stationarity(market, solution, rows, rtol, lookback)
        return
    base = market.worth(market.floor)
    last: FloatArray
    following: FloatArray
    slack: FloatArray
    if market.problem.integer:
        before = np.maximum(tokens - lookback, market.floor)
        last, following = market.gain(before), market.gain(tokens)
        slack = rtol * target + 16.0 * np.finfo(float).eps * market.worth(tokens) / market.cost
        capped = tokens + 1.0 > market.cap
    else:
        before = np.maximum(tokens * (1.0 - rtol), market.floor)
        last, following = market.slope(before), market.slope(tokens * (1.0 + rtol))
        slack = np.full(tokens.shape, rtol * target)
        capped = tokens * (1.0 + rtol) >= market.cap
    numbers = {
        "tokens": tokens,
        "last gain": last,
        "next gain": following,
        "marginal price": np.full_like(last, target),
    }
    too_much = rows & (market.worth(before) > base) & (last < target - slack)
    yield from first_row(too_much, "a query has tokens that earn less than the marginal price", **numbers)
    too_little = rows & ~capped & (following > target + slack)
    yield from first_row(too_little, "a query lacks tokens that would earn more than the marginal price", **numbers)


def _global_stationarity(
    market: Market, solution: Solution, rows: BoolArray, rtol: float, lookback: FloatArray
) -> Iterator[str]:
    target, tokens = solution.marginal_price, solution.tokens.astype(np.float64)
    best = market.committed(target)
    if market.problem.integer:
        sizes = np.stack([np.floor(best), np.minimum(np.ceil(best), market.cap)])
        surplus = [market.worth(size) - target * market.cost * size for size in sizes]
        best = np.where(surplus[1] > surplus[0], sizes[1], sizes[0])
    worth = market.worth(best)
    held, wanted = market.worth(tokens) - target * market.cost * tokens, worth - target * market.cost * best
    near = np.abs(market.gain(tokens)) + np.abs(market.gain(np.maximum(tokens - 1.0, market.floor)))
    # Whole tokens are rounded down from corners between two of them.
    slack = 4.0 * rtol * worth + (lookback * (near + 2.0 * target) * market.cost if market.problem.integer else 0.0)
    numbers = {"tokens": tokens, "surplus": held, "best tokens": best, "best surplus": wanted}
    worse = rows & (held < wanted - slack)
    yield from first_row(worse, "other tokens have more surplus at the marginal price", **numbers)


def _slackness(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    problem = market.problem
    tokens = solution.tokens.astype(np.float64)
    left = problem.budget - problem.spent(tokens)
    left -= _ROUNDING * problem.budget if problem.cost is not None else 0.0
    if solution.price == 0.0 or left <= (0.0 if problem.integer else rtol * problem.budget):
        return
    limit = market.whole(np.minimum(tokens + left / market.cost, market.cap))
    best = market.curve.best_within(limit)
    sizes = (np.floor(best), np.ceil(best)) if problem.integer else (best,)
    base = market.worth(tokens)
    gain = np.max([market.worth(np.clip(size, tokens, np.maximum(limit, tokens))) - base for size in sizes], axis=0)
    # What is left must be more than the last bits of a query's own demand τ + (1 − W₀)/β.
    resolved = left / market.cost > 8.0 * np.finfo(float).eps * market.curve.peak_tokens()
    useful = resolved & (gain > _ROUNDING * solution.dual_bound)
    yield from first_row(useful, f"{left} tokens are left that a query could use", tokens=tokens, gain=gain)


def _baseline(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    above = market.reservation_price() > solution.price * (1.0 + rtol)
    plain = market.problem.utility(np.where(above, market.whole(market.demand(solution.price)), market.floor))
    if solution.utility < plain * (1.0 - rtol):
        yield f"utility is {solution.utility}, but the clearing price alone gives {plain}"


def _rations(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    ceiling, budget = market.problem.price_ceiling, market.budget
    if ceiling is None or solution.price != ceiling:
        yield f"the market is rationed at price {solution.price}, but the ceiling is {ceiling}"
        return
    under = market.spending(market.demand(ceiling * (1.0 - rtol)))
    if under < budget * (1.0 - _ROUNDING):
        yield f"at the ceiling demand is {under}, less than the budget of {budget}: nothing is to be rationed"
    wanted, buys = market.whole(market.demand(ceiling)), solution.tokens > market.floor
    reservation = market.reservation_price()
    numbers = {"tokens": solution.tokens, "wanted": wanted, "reservation price": reservation}
    undue = buys & (reservation < ceiling * (1.0 - rtol))
    yield from first_row(undue, "a funded query would not pay the ceiling", **numbers)
    squeezed = buys & (solution.tokens < wanted * (1.0 - rtol))
    yield from first_row(squeezed, "a funded query has less than it would buy at the ceiling", **numbers)
    size = market.cost * (wanted - market.floor)
    gain = market.worth(wanted) - market.worth(market.floor)
    density = np.divide(gain, size, out=np.zeros(len(market)), where=size > 0.0)
    order = np.argsort(-density, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(np.where(buys, size, 0.0)[order])])
    ahead = before[np.searchsorted(-density[order], -density * (1.0 - 1e-9), side="right")]
    skipped = ~buys & (gain > 0.0) & (reservation > ceiling * (1.0 + rtol))
    skipped &= ahead + size <= budget * (1.0 - _ROUNDING)
    yield from first_row(skipped, "a query was passed over that had room", **numbers)


def _status(market: Market, solution: Solution, rtol: float) -> Iterator[str]:
    del rtol
    buys = bool((solution.tokens > market.floor).any())
    expected = {
        Status.EMPTY: not len(market),
        Status.SATURATED: len(market) > 0 and solution.price == 0.0,
        Status.BUDGET_TOO_SMALL: solution.price > 0.0 and not buys,
        Status.OPTIMAL_WITHIN_GAP: solution.price > 0.0 and buys,
        Status.RATIONED: solution.price > 0.0,
        Status.INFEASIBLE: False,
        Status.NOT_CONVERGED: False,
    }
    if not expected[solution.status]:
        yield f"the status does not fit price {solution.price} and {int(solution.funded.sum())} funded queries"


def _marginal(solution: Solution) -> BoolArray:
    mask = np.zeros(solution.tokens.shape, dtype=np.bool_)
    mask[solution.marginal] = True
    return mask


def _near(left: float, right: float, rtol: float, atol: float = 0.0) -> bool:
    return math.isclose(left, right, rel_tol=max(rtol, _ROUNDING), abs_tol=atol)
