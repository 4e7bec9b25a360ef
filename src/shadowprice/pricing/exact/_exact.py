"""The certified optimum in whole tokens: a multiple-choice knapsack, solved by reduced dynamic programming.

At the clearing price λ each level k of a query has a *loss* r_k = max_j (v_j − λc_j) − (v_k − λc_k) ≥ 0. With
L(λ) the dual bound, an allocation is worth L(λ) − F, where

    F = Σ r + λ·(what it leaves of the budget) ≥ 0.

The best allocation has the least F, and a level that alone loses more than the F of a known allocation is in no
better one. What is left is searched from the base allocation, every query's best level at λ. Queries whose levels
have falling gains and cost the same per token are merged into one menu by sorting their gains, which loses
nothing; only those at the edge between funded and not are combined with each other.
"""

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.pricing._problem import Problem
from shadowprice.pricing._solution import Solution, Status
from shadowprice.pricing.exact._knapsack import Search, menus_of
from shadowprice.pricing.exact._menu import Levels, clearing_price, levels_of

_ROUNDING = 1e-12
# Menus are made for allocations that lose at most a guess, first this share of what the base loses; if no
# allocation is found that loses so little, the guess grows by the factor.
_FIRST_GUESS = 1e-3
_GROWTH = 4.0


def solve_exact(problem: Problem) -> Solution:
    """Find the best whole tokens and prove it: max Σ wᵢφᵢ(tᵢ) with Σ cᵢtᵢ ≤ B and floorᵢ ≤ tᵢ ≤ capᵢ.

    Certified: no allocation in whole tokens is worth more than ``dual_bound``, up to 1e-12 of it, the rounding of
    sums in float64. ``dual_bound`` is the ``utility`` itself, so that ``gap`` is 0, unless the search had to drop
    states to bound its work (as with many different costs per token that have no common unit); then it is the
    bound that was proven, and ``gap`` is what remains unknown.

    ``price`` minimises the dual over the whole tokens that the budget can buy; it is 0 if it buys all that are worth
    something. A budget that is met up to the rounding of a float64 counts as met.

    Args:
        problem: any curves. Each whole number of tokens up to their peaks is looked at, 2²⁴ in all at most.

    Returns:
        The allocation, int64 tokens.

    Raises:
        InputError: the problem does not ask for whole tokens, there are too many, or the clearing price is above
            the problem's ceiling.
    """
    if not problem.integer:
        raise InputError("The solver 'exact' is for whole tokens; state the problem with integer=True.")
    n = len(problem.curve)
    infeasible = problem.floor is not None and problem.spent(problem.floor) > problem.budget
    if not n or infeasible:
        status = Status.INFEASIBLE if infeasible else Status.EMPTY
        utility = problem.utility(np.zeros(n))
        return Solution(np.zeros(n, dtype=np.int64), 0.0, 0.0, utility, utility, status)
    levels, budget, unit = levels_of(problem)
    last = levels.start + levels.sizes - 1
    if float(levels.cost[last].sum()) <= budget:
        return _solution(levels, last, 0.0, 0.0, unit)
    price = clearing_price(levels, budget)
    if problem.price_ceiling is not None and price * unit > problem.price_ceiling:
        raise InputError(
            f"The clearing price is {price * unit:g}, above the ceiling of {problem.price_ceiling:g}: the budget would "
            "have to be rationed, and the solver 'exact' does not ration."
        )
    base, top = levels.best(price)
    loss: FloatArray = np.repeat(top, levels.sizes) - levels.surplus(price)
    slack = budget - float(levels.cost[base].sum())
    tolerance = _ROUNDING * (budget * price + float(top.sum()))
    tokens, least, gap = levels.tokens[base], price * slack, 0.0
    most = _FIRST_GUESS * least
    while least > tolerance:
        menus = menus_of(levels, loss, base, most)
        search = Search(menus, price, slack, least, tolerance) if menus else None
        if search is not None and search.least <= most:
            search.run()
        if search is not None and search.found:
            tokens, least = levels.tokens[base], search.least
            search.serve(tokens)
        if least <= most:
            gap = max(least - search.unproven, 0.0) if search else 0.0
            break
        most = min(_GROWTH * most, least)
    chosen = np.flatnonzero(levels.tokens == np.repeat(tokens, levels.sizes))
    return _solution(levels, chosen, price, gap, unit)


def _solution(levels: Levels, chosen: IntArray, price: float, gap: float, unit: float) -> Solution:
    """The solution at ``(n,)`` positions of the levels, with prices for what ``unit`` of theirs make."""
    tokens, utility = levels.tokens[chosen], float(levels.value[chosen].sum())
    funded = chosen > levels.start
    following = np.minimum(chosen + 1, levels.tokens.size - 1)
    one_more = funded & (chosen < levels.start + levels.sizes - 1) & (levels.tokens[following] == tokens + 1)
    gain = (levels.value[following] - levels.value[chosen]) / levels.each
    # At its price a query may be as good funded as not: only those that lose by what they got are marginal.
    surplus = levels.surplus(price)
    unfunded = surplus[levels.start]
    surplus[levels.start] = -np.inf
    lost = unfunded - np.maximum.reduceat(surplus, levels.start)
    rounding = _ROUNDING * levels.value[levels.start + levels.sizes - 1]
    if price == 0.0 and levels.complete:
        status = Status.SATURATED
    else:
        status = Status.OPTIMAL_WITHIN_GAP if funded.any() else Status.BUDGET_TOO_SMALL
    return Solution(
        tokens=tokens,
        price=price * unit,
        marginal_price=unit * float(gain[one_more].max(initial=0.0)),
        utility=utility,
        dual_bound=utility + gap,
        status=status,
        marginal=np.flatnonzero(np.where(funded, lost, -lost) > rounding),
    )
