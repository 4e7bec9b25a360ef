"""What to do with the tokens that a jump of the demand leaves over.

Just above the clearing price the funded queries want less than the budget, at the price they and the next one
want more. A plan fixes who is funded and gives them one price of their own, at which they use the whole
budget.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.curves import ShiftedSurge
from shadowprice.pricing._clearing import Clearing, Ladder, meet

_MOST_ROUNDS = 1000
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Tokens for some positions of the ladder.

    Args:
        rows: ``(m,)`` positions on the ladder.
        tokens: ``(m,)`` tokens, real or whole.
        price: what one more token would earn among them, utility per token.
        utility: expected right answers.
        evaluations: how often demand was computed.
        fillers: positions that have what was left over, at a price of their own.
    """

    rows: IntArray
    tokens: FloatArray | IntArray
    price: float
    utility: float
    evaluations: int
    fillers: tuple[int, ...] = ()


def refill_plans(ladder: Ladder, clearing: Clearing, budget: float) -> list[Plan]:
    """Real plans for each set of queries worth trying, best first; one always follows the price."""
    tried = [_refill(ladder, rows, clearing.price, budget) for rows in _funded_sets(ladder, clearing, budget)]
    if tried[0] is None:
        tried[0] = plain_plan(ladder, clearing)
    plans = [_top_up(ladder, plan, clearing.price, budget) for plan in tried if plan is not None]
    return sorted(plans, key=lambda plan: -plan.utility)  # stable: of equals the one that follows the price


def _funded_sets(ladder: Ladder, clearing: Clearing, budget: float) -> Iterator[IntArray]:
    if not clearing.jumps:
        yield np.arange(clearing.count)
        return
    hole = budget - ladder.demand(clearing.count, clearing.price)
    # On the rung itself a query is as good funded as not: take as many as fit, lower rows first.
    tied = ladder.curve.take(slice(clearing.count, ladder.at_least(clearing.price))).reservation_tokens()
    fits = int(np.searchsorted(np.cumsum(tied), hole * (1.0 + _ROUNDING), side="right"))
    count = clearing.count + fits
    hole = max(hole - float(tied[:fits].sum()), 0.0)
    funded = np.arange(count)
    yield funded
    if count == len(ladder.curve):
        return
    yield np.arange(count + 1)
    rest = ladder.curve.take(slice(count, None))
    within = rest.value(np.minimum(hole, rest.peak_tokens()))
    best = int(np.argmax(within))
    if best > 0 and within[best] > 0.0:
        yield np.append(funded, count + best)
    extra = pack(rest.reservation_tokens(), hole)
    if extra.size:
        yield np.append(funded, count + extra)


def pack(sizes: FloatArray | IntArray, room: float) -> IntArray:
    """Positions of what goes into the room if each is put in, in order, that still fits."""
    taken: list[IntArray] = []
    left = np.flatnonzero(sizes <= room)
    while left.size:
        total = np.cumsum(sizes[left])
        fits = int(np.searchsorted(total, room, side="right"))
        taken.append(left[:fits])
        room -= total[fits - 1] if fits else 0.0
        left = left[fits + 1 :]
        left = left[sizes[left] <= room]
    return np.concatenate(taken) if taken else np.empty(0, dtype=np.int64)


def _refill(ladder: Ladder, rows: IntArray, price: float, budget: float) -> Plan | None:
    """Spend the budget on these queries at one price; None if some would get nothing for it."""
    prefix = bool(rows.size) and int(rows[-1]) == rows.size - 1
    curve = ladder.curve.take(slice(0, rows.size) if prefix else rows)
    steps = 1
    tokens = curve.peak_tokens()
    if float(tokens.sum()) <= budget:
        price = 0.0
    elif float(curve.threshold.sum()) >= budget:
        return None
    else:
        price, steps, converged = meet(curve, budget, price)
        if not converged or price >= curve.alpha.min():
            return None
        tokens = curve.committed_demand(price)
        # 1 − W₀ is only good to an ε, so the surge that is widest, 1/β, carries most of what is missing.
        tokens[np.argmin(curve.beta)] += max(budget - float(tokens.sum()), 0.0)
    return _plan(rows, tokens, price, float(curve.value(tokens).sum()), steps)


def _top_up(ladder: Ladder, plan: Plan, price: float, budget: float) -> Plan:
    """While a plan's queries leave tokens over at their peaks, let in whoever makes most of them."""
    for _ in range(_MOST_ROUNDS):
        left = budget - float(plan.tokens.sum())
        idle = np.ones(len(ladder.curve), dtype=np.bool_)
        if left <= _ROUNDING * budget or plan.rows.size == idle.size:
            break
        idle[plan.rows] = False
        rest = np.flatnonzero(idle)
        curve = ladder.curve.take(rest)
        value = curve.value(np.minimum(left, curve.peak_tokens()))
        best = int(np.argmax(value))
        if value[best] <= 0.0:
            break
        rows = np.append(plan.rows, rest[best])
        wider = None if plan.fillers else _refill(ladder, rows, price, budget)
        if wider is None or wider.utility <= plan.utility:
            # At one price the newcomer would price the others out: it only gets what they leave.
            tokens = np.append(plan.tokens, min(left, curve.peak_tokens()[best]))
            fillers = (*plan.fillers, int(rest[best]))
            wider = replace(plan, rows=rows, tokens=tokens, utility=plan.utility + float(value[best]), fillers=fillers)
        plan = wider
    return plan


def plain_plan(ladder: Ladder, clearing: Clearing) -> Plan:
    """What the clearing price alone gives: the answer where rounding leaves nothing to refill."""
    curve = ladder.curve.take(slice(0, clearing.count))
    tokens = curve.committed_demand(clearing.price)
    return _plan(np.arange(clearing.count), tokens, clearing.price, float(curve.value(tokens).sum()), 1)


def _plan(rows: IntArray, tokens: FloatArray, price: float, utility: float, evaluations: int) -> Plan:
    # A price within a rounding error of α buys nothing; such a row is free to be filled up.
    some = tokens > 0.0
    if not some.all():
        rows, tokens = rows[some], tokens[some]
    return Plan(rows, tokens, price, utility, evaluations)


def trim(tokens: FloatArray, curve: ShiftedSurge, budget: float) -> FloatArray:
    """Take rounding errors back, in place, so that the sum in float64 is at most the budget."""
    while float(tokens.sum()) > budget:
        # A budget below the rounding error of the thresholds can take more than one query to meet.
        widest = int(np.argmax(np.where(tokens > 0.0, tokens - curve.threshold, -1.0)))
        tokens[widest] = 0.0
        tokens[widest] = max(budget - float(tokens.sum()), 0.0)
        while (over := float(tokens.sum()) - budget) > 0.0 and tokens[widest] > 0.0:
            tokens[widest] = max(np.nextafter(tokens[widest] - over, 0.0), 0.0)
    return tokens
