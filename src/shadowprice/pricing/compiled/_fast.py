"""One market of shifted surges over raw arrays, by compiled kernels: no copies, no sort, no objects per query.

It is for markets in which nothing is out of the ordinary, and says None to all others; then the general solver
has to do. Numba is imported by the first call.
"""

import math

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.pricing._solution import Solution

LARGE = 50_000
"""From this number of queries on, plans with and without exchanges of queries have the same gap to the bound, and the
way without them takes less time (a sweep over seeds, design/decisions.md); below it, it often gives up."""

# Up to here whole tokens and their sums are exact in float64.
_MOST_BUDGET = 2.0**52


def solve_fast(
    threshold: FloatArray, alpha: FloatArray, beta: FloatArray, budget: float, *, ascending: bool = False
) -> Solution | None:
    """Spend a budget of whole tokens on shifted surges φ(t) = α(t − τ)e^(−β(t − τ)).

    Args:
        threshold: ``(n,)`` τ, tokens, at least 0.
        alpha: ``(n,)`` α, utility per token, above 0.
        beta: ``(n,)`` β, per token, above 0. All three are what `ShiftedSurge` would accept; float32 is used as it
            is.
        budget: B, tokens, finite and at least 0.
        ascending: Whether an ascending clock finds the price; its path is kept then.

    Returns:
        The solution, the same for any number of threads; or None if the market is not for this solver: the budget
        saturates everybody or funds nobody, a query cannot use its first whole token, or the result could not be
        certified.
    """
    n = threshold.size
    if not n or not 1.0 <= budget <= _MOST_BUDGET:
        return None
    columns = _alike(threshold, alpha, beta)
    found = None
    if n >= LARGE and not ascending:
        from shadowprice.pricing.compiled._large import solve_large

        found = solve_large(*columns, float(budget))
    if found is None:
        from shadowprice.pricing.compiled._small import solve_small

        found = solve_small(*columns, float(budget), ascending=ascending)
    return found if found is not None and _is_sound(found, budget) else None


def _alike(threshold: FloatArray, alpha: FloatArray, beta: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The columns as read-only, contiguous views of one type, so that kernels are compiled once for it."""
    columns = threshold, alpha, beta
    single = threshold.size >= LARGE and all(column.dtype == np.float32 for column in columns)
    kind = np.float32 if single else np.float64
    return _view(threshold, kind), _view(alpha, kind), _view(beta, kind)


def _view(column: FloatArray, kind: type[np.floating]) -> FloatArray:
    view: FloatArray = np.ascontiguousarray(column, kind).view()
    view.flags.writeable = False
    return view


def _is_sound(found: Solution, budget: float) -> bool:
    numbers = (found.price, found.marginal_price, found.utility, found.dual_bound)
    sound = all(math.isfinite(number) and number >= 0.0 for number in numbers) and found.utility > 0.0
    spent = int(found.tokens.sum())
    return sound and (spent == math.floor(budget) if found.marginal_price else spent <= budget)
