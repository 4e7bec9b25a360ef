"""The closed-form solver for shifted surges (Wan et al. 2026, arXiv 2606.03092), with refill.

One price clears the market. Because demand jumps at reservation prices, it leaves tokens over; refill spends
them: hold the funded set and lower its price until the budget is met, or squeeze it to make room for one
query more, and keep what is worth most.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from shadowprice._errors import InputError
from shadowprice._types import IntArray
from shadowprice.curves import ShiftedSurge
from shadowprice.pricing._clearing import Clearing, Ladder, clear
from shadowprice.pricing._problem import Problem
from shadowprice.pricing._refill import Plan, pack, plain_plan, refill_plans, trim
from shadowprice.pricing._rounding import first_useful, round_tokens, share_out
from shadowprice.pricing._solution import Solution, Status

# More whole tokens than this are never spent, so that their sum fits into int64.
_MOST_TOKENS = 2.0**62
_MOST_ROUNDS = 1000


def solve_lambert(problem: Problem) -> Solution:
    """Solve a problem of shifted surges by the closed form; see `shadowprice.pricing.solve`."""
    curve = problem.curve
    if not isinstance(curve, ShiftedSurge):
        raise InputError(f"The solver 'lambert' is for ShiftedSurge curves, not for {type(curve).__name__}.")
    kind = np.int64 if problem.integer else np.float64
    tokens: npt.NDArray[Any] = np.zeros(len(curve), dtype=kind)
    if not len(curve):
        return Solution(tokens, 0.0, 0.0, 0.0, 0.0, Status.EMPTY)
    budget = min(problem.budget, _MOST_TOKENS) if problem.integer else problem.budget
    ladder = Ladder.of(curve)
    clearing = clear(ladder, budget)
    plans = refill_plans(ladder, clearing, budget)
    best = _best_whole(ladder, clearing, plans, math.floor(budget)) if problem.integer else plans[0]
    tokens[ladder.order[best.rows]] = best.tokens
    if not problem.integer:
        tokens = trim(tokens, curve, budget)
    funded = best.rows[best.tokens > 0]
    utility = float(curve.value(tokens).sum())
    # Queries on the rung itself are as good funded as not; only those below it are marginal.
    marginal = np.union1d(funded[ladder.rungs[funded] < clearing.price], best.fillers).astype(np.int64)
    return Solution(
        tokens=tokens,
        price=clearing.price,
        marginal_price=best.price,
        utility=utility,
        dual_bound=max(_dual_bound(ladder, clearing, budget), utility),
        status=_status(clearing, utility),
        marginal=np.sort(ladder.order[marginal]),
        evaluations=clearing.evaluations + sum(plan.evaluations for plan in plans),
    )


def _status(clearing: Clearing, utility: float) -> Status:
    if not clearing.converged:
        return Status.NOT_CONVERGED
    if clearing.price == 0.0:
        return Status.SATURATED
    return Status.OPTIMAL_WITHIN_GAP if utility > 0.0 else Status.BUDGET_TOO_SMALL


def _dual_bound(ladder: Ladder, clearing: Clearing, budget: float) -> float:
    """Bλ + Σ max(0, φ(t*) − λt*); a query on or below its rung has no surplus."""
    funded = ladder.curve.take(slice(0, clearing.count))
    wanted = funded.committed_demand(clearing.price)
    surplus = funded.value(wanted) - clearing.price * wanted
    return budget * clearing.price + float(np.maximum(surplus, 0.0).sum())


def _best_whole(ladder: Ladder, clearing: Clearing, plans: list[Plan], budget: int) -> Plan:
    """The best plan in whole tokens that is explained by its prices.

    Whom the clearing price funds with whole tokens must be funded, unless the plan has a higher price.
    """
    priced = ladder.curve.take(slice(0, clearing.count))
    reached = np.floor(priced.committed_demand(clearing.price)) >= first_useful(priced)
    best: Plan | None = None
    for plan in plans:
        # Rounding hardly ever adds value, so what is worth no more before it needs no rounding.
        if best is not None and plan.utility <= best.utility:
            break
        whole = _round(ladder, plan, budget)
        wronged = reached & (ladder.rungs[: clearing.count] > whole.price)
        wronged[whole.rows[whole.rows < clearing.count]] = False
        if not wronged.any() and (best is None or whole.utility > best.utility):
            best = whole
    return best or _round(ladder, plain_plan(ladder, clearing), budget)


def _round(ladder: Ladder, plan: Plan, budget: int) -> Plan:
    tokens = np.zeros(len(ladder.curve), dtype=np.int64)
    tokens[plan.rows] = round_tokens(
        ladder.curve.take(plan.rows), np.asarray(plan.tokens, dtype=np.float64), budget, plan.price
    )
    _fill(ladder.curve, tokens, budget)
    rows = np.flatnonzero(tokens)
    curve, held = ladder.curve.take(rows), tokens[rows]
    price = float(curve.gain(held).max(initial=0.0))
    utility = float(curve.value(held).sum())
    return replace(plan, rows=rows, tokens=held, price=price, utility=utility, fillers=())


def _fill(curve: ShiftedSurge, tokens: IntArray, budget: int) -> None:
    """Give tokens that no funded query can use to queries that had none, best utility per token first."""
    for _ in range(_MOST_ROUNDS):
        left = budget - int(tokens.sum())
        if left <= 0:
            return
        idle = np.flatnonzero((tokens == 0) & (curve.threshold < left))
        rest = curve.take(idle)
        amount = np.clip(np.rint(rest.reservation_tokens()).astype(np.int64), first_useful(rest), left)
        density = rest.value(amount) / amount
        order = np.argsort(-density, kind="stable")
        order = order[density[order] > 0.0]
        if not order.size:
            return
        chosen = order[pack(amount[order], left)]
        tokens[idle[chosen]] = amount[chosen]
        held = np.flatnonzero(tokens)
        tokens[held] = share_out(curve.take(held), tokens[held], budget)
