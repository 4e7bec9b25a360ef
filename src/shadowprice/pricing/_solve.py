"""The one way in: a problem and the name of a solver."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from shadowprice._errors import InputError, SolveError
from shadowprice.pricing._general import open_market
from shadowprice.pricing._lambert import has_closed_form, solve_lambert, solve_plain
from shadowprice.pricing._problem import Problem
from shadowprice.pricing._solution import Solution
from shadowprice.pricing.clearing import clear, clear_by_auction, clear_by_bisection


def _solve_auction(problem: Problem, start: float | None) -> Solution:
    return solve_plain(problem, ascending=True) or open_market(problem, clear_by_auction, start)


def _solve_bisection(problem: Problem, start: float | None) -> Solution:
    return open_market(problem, clear_by_bisection, start)


def _solve_exact(problem: Problem, start: float | None) -> Solution:
    from shadowprice.pricing.exact import solve_exact

    del start  # a search over whole allocations has no use for a price
    return solve_exact(problem)


def _solve_heuristic(problem: Problem, start: float | None) -> Solution:
    return open_market(problem, clear if has_closed_form(problem) else clear_by_bisection, start, priced=False)


_SOLVERS: Mapping[str, Callable[[Problem, float | None], Solution]] = MappingProxyType(
    {
        "auction": _solve_auction,
        "bisection": _solve_bisection,
        "exact": _solve_exact,
        "heuristic": _solve_heuristic,
        "lambert": solve_lambert,
    }
)


def solve(problem: Problem, solver: str = "lambert", *, start: float | None = None, throw: bool = True) -> Solution:
    """Spend the budget where it buys the most utility.

    Args:
        problem: curves, budget, and what else restricts the tokens.
        solver: one of

            * ``"lambert"``: the closed form of the best response, the fastest; for all curves of this library.
            * ``"bisection"``: the plain reference, for any curve.
            * ``"auction"``: an ascending clock, for any curve; the solution keeps its path of prices.
            * ``"heuristic"``: by predicted threshold, cheapest first, each its peak; what prices have to beat.
            * ``"exact"``: the certified optimum in whole tokens, for small problems.
        start: an earlier price, to begin from: it saves evaluations and does not change the answer.
        throw: raise if there is no answer; otherwise the solution's status says so. A budget that buys nothing is
            not a failure: no tokens are bought and the status is `Status.BUDGET_TOO_SMALL`.

    Returns:
        The allocation, its price, and a bound on what any allocation can be worth.

    Raises:
        InputError: there is no such solver, it cannot take these curves, or the start is no price.
        SolveError: the floors cost more than the budget or the solver gave up, and ``throw`` is True.
    """
    if solver not in _SOLVERS:
        raise InputError(f"There is no solver {solver!r}; choose one of {', '.join(sorted(_SOLVERS))}.")
    if start is not None and not (np.isfinite(start) and start >= 0.0):
        raise InputError(f"A start must be a finite price, at least 0, not {start!r}.")
    solution = _SOLVERS[solver](problem, start or None)
    if throw and not solution.status.ok:
        raise SolveError(solution.status.value)
    return solution
