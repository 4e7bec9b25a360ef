"""From a clearing price to a solution: refill, repair, round, and certify."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.pricing._problem import Problem
from shadowprice.pricing._solution import Solution, Status
from shadowprice.pricing.clearing import Clearing, Ladder, Narrowed, Offer, clear, narrow
from shadowprice.pricing.plans import (
    WORTH_A_REPAIR,
    Plan,
    plain_plan,
    plan_by_threshold,
    ration,
    refill,
    refill_plans,
    repair,
    whole_plan,
)

FindClearing = Callable[[Ladder, float, float | None], Clearing]

# More whole tokens than this are never spent, so that their sum fits into int64.
_MOST_TOKENS = 2.0**62
_ROUNDING = 1e-13
_RESOLUTION = 8.0 * np.finfo(float).eps


def open_market(problem: Problem, find: FindClearing, start: float | None, *, priced: bool = True) -> Solution:
    """Solve a problem with one way to find the clearing price.

    Args:
        problem: curves and budget.
        find: the clearing price of a ladder, a budget and a price to start from.
        start: an earlier price.
        priced: whether the price decides who is funded; otherwise the predicted threshold does.
    """
    n = len(problem.curve)
    floor = np.zeros(n) if problem.floor is None else problem.floor
    if not n:
        return _answer(problem, floor, status=Status.EMPTY)
    budget = problem.budget - problem.spent(floor)
    if budget < 0.0:
        return _answer(problem, np.zeros(n), status=Status.INFEASIBLE)
    if problem.integer:
        budget = min(budget, _MOST_TOKENS)
    offer = Offer.of(problem)
    if problem.integer and priced and problem.price_ceiling is None and find is clear:
        narrowed = narrow(offer, budget)
        solution = None if narrowed is None else _solve_narrowed(problem, offer, budget, narrowed)
        if solution is not None:
            return solution
    ladder = Ladder.of(offer)
    peaks = ladder.offer.spend(ladder.offer.curve.peak_tokens())
    available = budget
    if not problem.integer and len(peaks) and budget < _RESOLUTION * peaks.min():
        budget = 0.0  # below the last bits of everybody's demand there is nothing to divide
    clearing = find(ladder, budget, start) if len(ladder.offer) else Clearing(0.0, 0, 0.0, 0)
    ceiling = problem.price_ceiling
    rationed = ceiling is not None and clearing.price > ceiling
    bound = _dual_bound(ladder, clearing, available)
    if problem.integer and problem.cost is not None:
        # Sums of costs are rounded; whole tokens could not be trimmed for that without losing a whole one.
        budget = max(budget - _ROUNDING * problem.budget, 0.0)
    if rationed and ceiling is not None:
        best, at_ceiling = ration(ladder, ceiling, budget, integer=problem.integer)
        clearing = replace(at_ceiling, evaluations=clearing.evaluations + 1, path=clearing.path)
        bound = _dual_bound(ladder, clearing, problem.budget - problem.spent(floor))
    elif priced:
        best = _best_plan(ladder, clearing, budget, bound, integer=problem.integer)
    if not priced:
        best = plan_by_threshold(ladder, budget, integer=problem.integer)
    tokens = floor.copy()
    tokens[ladder.order[best.rows]] += best.tokens
    if problem.cap is not None:
        tokens = np.minimum(tokens, problem.cap)
    tokens = _trimmed(problem, tokens, floor)
    return _answer(
        problem,
        tokens,
        price=clearing.price,
        marginal_price=best.price,
        bound=bound + problem.utility(floor),
        status=_status(clearing, rationed=rationed, bought=bool((tokens > floor).any())),
        marginal=np.empty(0, dtype=np.int64) if rationed else _exchanged(ladder, clearing, best),
        evaluations=clearing.evaluations + best.evaluations,
        path=clearing.path,
    )


def _solve_narrowed(problem: Problem, offer: Offer, budget: float, narrowed: Narrowed) -> Solution | None:
    """The market of those who are undecided, and what the others get; None if it does not fit into the whole."""
    rows = narrowed.undecided
    few = offer.take(rows)
    market = Problem(few.curve, max(budget - narrowed.spent, 0.0), weight=few.weight, cost=few.cost)
    found = open_market(market, clear, math.sqrt(narrowed.low * narrowed.high))
    if found.status is not Status.OPTIMAL_WITHIN_GAP or not narrowed.low <= found.price <= narrowed.high:
        return None
    tokens, utility = narrowed.tokens, narrowed.utility
    tokens[rows] = found.tokens
    if problem.floor is not None:
        tokens += problem.floor.astype(np.int64)
    if problem.spent(tokens) > problem.budget:  # costs were added in another order, and their sums are rounded
        return None
    if offer.curve is not problem.curve:  # what is worth something without any token counts as well
        utility += problem.utility(np.zeros(len(tokens)) if problem.floor is None else problem.floor)
    return replace(
        found,
        tokens=tokens,
        utility=utility + found.utility,
        dual_bound=utility + found.dual_bound,
        marginal=rows[found.marginal],
        evaluations=narrowed.tries + found.evaluations,
    )


def _best_plan(ladder: Ladder, clearing: Clearing, budget: float, bound: float, *, integer: bool) -> Plan:
    def finished(plan: Plan) -> Plan:
        return whole_plan(ladder, plan, budget) if integer else plan

    def work_out(rows: IntArray) -> Plan | None:
        plan = refill(ladder, rows, clearing.price, budget) if rows.size else None
        return None if plan is None else finished(plan)

    plans = refill_plans(ladder, clearing, budget)
    best = finished(plans[0])
    for plan in plans[1:]:
        # Rounding hardly ever adds value, so what is worth no more before it needs no rounding.
        if integer and plan.utility > best.utility:
            best = max(best, finished(plan), key=lambda tried: tried.utility)
    if clearing.hole:
        best = repair(ladder, best, budget, bound, work_out)
    if integer and not ladder.offer.curve.unimodal and bound - best.utility > WORTH_A_REPAIR * bound:
        best = max(best, whole_plan(ladder, best, budget, anew=True), key=lambda tried: tried.utility)
    # The dual bound is what the price alone gives, and what it leaves unspent at that price.
    if integer and bound - clearing.price * clearing.hole > best.utility:
        best = max(best, finished(plain_plan(ladder, clearing)), key=lambda tried: tried.utility)
    return replace(best, evaluations=sum(plan.evaluations for plan in plans))


def _dual_bound(ladder: Ladder, clearing: Clearing, budget: float) -> float:
    """Bλ + Σ max(0, ψ(t*) − λct*) beyond the floors; a query on or below its rung has no surplus."""
    funded = ladder.offer.take(slice(0, clearing.count))
    wanted = funded.committed(clearing.price)
    surplus = funded.value(wanted) - clearing.price * funded.spend(wanted)
    return budget * clearing.price + float(np.maximum(surplus, 0.0).sum())


def _status(clearing: Clearing, *, rationed: bool, bought: bool) -> Status:
    if not clearing.converged:
        return Status.NOT_CONVERGED
    if rationed:
        return Status.RATIONED
    if clearing.price == 0.0:
        return Status.SATURATED
    return Status.OPTIMAL_WITHIN_GAP if bought else Status.BUDGET_TOO_SMALL


def _exchanged(ladder: Ladder, clearing: Clearing, best: Plan) -> IntArray:
    """Rows whose funding or tokens the price alone would not give; on the rung itself funded is as good as not."""
    funded = np.zeros(len(ladder.rungs), dtype=np.bool_)
    funded[best.rows] = True
    away = np.abs(ladder.rungs - clearing.price) > 1e-12 * clearing.price
    other = away & (funded != (ladder.rungs > clearing.price))
    other[list(best.fillers)] = True
    return np.sort(ladder.order[other])


def _trimmed(problem: Problem, tokens: FloatArray, floor: FloatArray) -> FloatArray:
    """Take rounding errors back, in place, so that what is spent in float64 is at most the budget."""
    while (over := problem.spent(tokens) - problem.budget) > 0.0:
        bought = tokens - floor if problem.cost is None else problem.cost * (tokens - floor)
        row = int(np.argmax(bought))
        if bought[row] <= 0.0:
            break
        cost = 1.0 if problem.cost is None else float(problem.cost[row])
        less = np.ceil(over / cost) if problem.integer else over / cost
        tokens[row] = max(min(tokens[row] - less, np.nextafter(tokens[row], 0.0)), floor[row])
    return tokens


def _answer(
    problem: Problem,
    tokens: FloatArray,
    *,
    status: Status,
    price: float = 0.0,
    marginal_price: float = 0.0,
    bound: float = 0.0,
    marginal: IntArray | None = None,
    evaluations: int = 0,
    path: FloatArray | None = None,
) -> Solution:
    kept = tokens.astype(np.int64) if problem.integer else tokens
    utility = problem.utility(kept)
    return Solution(
        tokens=kept,
        price=price,
        marginal_price=marginal_price,
        utility=utility,
        dual_bound=max(bound, utility),
        status=status,
        marginal=np.empty(0, dtype=np.int64) if marginal is None else marginal,
        evaluations=evaluations,
        path=np.empty((0, 2)) if path is None else path,
    )
