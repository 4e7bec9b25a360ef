"""What to do with the tokens that a jump of the demand leaves over.

Just above the clearing price the funded queries want less than the budget, at the price they and the next one
want more. A plan fixes who is funded and gives them one price of their own, at which they use the whole
budget.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.pricing.clearing import Clearing, Ladder, Offer, meet

MOST_ROUNDS = 1000
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Tokens for some positions of the ladder.

    Args:
        rows: ``(m,)`` positions on the ladder.
        tokens: ``(m,)`` tokens beyond the floors, real or whole.
        price: what one more unit of the budget would earn among them.
        utility: expected right answers beyond those of the floors.
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
    tried = [refill(ladder, rows, clearing.price, budget) for rows in _funded_sets(ladder, clearing)]
    plans = [plan for plan in tried if plan is not None]
    if tried[0] is None:
        plans.insert(0, top_up(ladder, plain_plan(ladder, clearing), clearing.price, budget))
    elif clearing.hole and not ladder.offer.curve.unimodal:
        # One price for all would rather climb a flat step than let in somebody whose own first step does not fit.
        plans.append(top_up(ladder, plain_plan(ladder, clearing), clearing.price, budget))
    return sorted(plans, key=lambda plan: -plan.utility)  # stable: of equals the one that follows the price


def _funded_sets(ladder: Ladder, clearing: Clearing) -> Iterator[IntArray]:
    if not clearing.hole:
        yield np.arange(clearing.count)
        return
    hole = clearing.hole
    # On the rung itself a query is as good funded as not: take as many as fit, lower rows first.
    tied = ladder.offer.take(slice(clearing.count, ladder.at_least(clearing.price)))
    needs = tied.spend(tied.curve.reservation_tokens())
    fits = int(np.searchsorted(np.cumsum(needs), hole * (1.0 + _ROUNDING), side="right"))
    count = clearing.count + fits
    hole = max(hole - float(needs[:fits].sum()), 0.0)
    funded = np.arange(count)
    yield funded
    if count == len(ladder.offer):
        return
    yield np.arange(count + 1)
    rest = ladder.offer.take(slice(count, None))
    within = rest.value(rest.curve.best_within(rest.affordable(hole)))
    best = int(np.argmax(within))
    if best > 0 and within[best] > 0.0:
        yield np.append(funded, count + best)
    extra = pack(rest.spend(rest.curve.reservation_tokens()), hole)
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


def refill(ladder: Ladder, rows: IntArray, price: float, budget: float) -> Plan | None:
    """Spend the budget on these queries at one price, what they leave on others; None if some would get nothing."""
    plan = _at_one_price(ladder, rows, price, budget)
    return None if plan is None else top_up(ladder, plan, price, budget)


def _at_one_price(ladder: Ladder, rows: IntArray, price: float, budget: float) -> Plan | None:
    # The rows rise, so that the last one tells whether they are the ladder's first ones.
    prefix = bool(rows.size) and int(rows[-1]) == rows.size - 1
    offer = ladder.offer.take(slice(0, rows.size) if prefix else rows)
    steps = 1
    fillers: tuple[int, ...] = ()
    tokens: FloatArray = offer.curve.peak_tokens()
    if offer.spent(tokens) <= budget:
        price = 0.0
    else:
        least, fewest = offer.curve.least_tokens(), offer.committed(np.inf)
        needed = offer.spent(fewest)
        if needed > budget or (needed == budget and (fewest <= least).any()):
            return None
        if needed == budget:  # there is nothing that a price would have to divide
            return _plan(ladder, rows, fewest, price, float(offer.value(fewest).sum()), steps)
        price, steps, converged = meet(offer, budget, price)
        tokens = offer.committed(price)
        if not converged or (offer.committed(price * (1.0 - _ROUNDING)) <= least).any():
            return None
        tokens, partial = _spend_the_rest(offer, tokens, price, budget)
        fillers = tuple(int(row) for row in rows[partial])
    return _plan(ladder, rows, tokens, price, float(offer.value(tokens).sum()), steps, fillers)


def _spend_the_rest(offer: Offer, tokens: FloatArray, price: float, budget: float) -> tuple[FloatArray, IntArray]:
    """What demand leaves of the budget at its own price, because it falls there in steps or is rounded.

    Who is on a step at this price climbs it, lower rows first; the last one in part. Where its curve is not
    concave, part of a step may be worth less than none of it: then it takes as much as is worth most, and is named.
    """
    left = budget - offer.spent(tokens)
    if left > _ROUNDING * budget:
        step = np.maximum(offer.committed(price * (1.0 - _ROUNDING)) - tokens, 0.0)
        before = np.cumsum(offer.spend(step)) - offer.spend(step)
        climbed = np.clip(offer.affordable(left) - (before if offer.cost is None else before / offer.cost), 0.0, step)
        tokens = tokens + climbed
        if not offer.curve.unimodal:
            partial = np.flatnonzero((climbed > 0.0) & (climbed < step))
            tokens[partial] = offer.take(partial).curve.best_within(tokens[partial])
            return tokens, partial
        left = budget - offer.spent(tokens)
    if left > 0.0 and offer.curve.unimodal:
        # 1 − W₀ is only good to an ε, so the surge that is widest carries most of what is missing.
        peak = offer.curve.peak_tokens()
        widest = int(np.argmax(offer.spend(peak - tokens)))
        tokens[widest] = min(tokens[widest] + float(offer.affordable(left)[widest]), peak[widest])
    return tokens, np.empty(0, dtype=np.int64)


def top_up(ladder: Ladder, plan: Plan, price: float, budget: float) -> Plan:
    """While a plan's queries leave tokens over at their peaks, let in whoever makes most of them."""
    for _ in range(MOST_ROUNDS):
        left = budget - ladder.offer.take(plan.rows).spent(plan.tokens)
        idle = np.ones(len(ladder.offer), dtype=np.bool_)
        if left <= _ROUNDING * budget or plan.rows.size == idle.size:
            break
        idle[plan.rows] = False
        rest = np.flatnonzero(idle)
        offer = ladder.offer.take(rest)
        amount = offer.curve.best_within(offer.affordable(left))
        value = offer.value(amount)
        best = int(np.argmax(value))
        if value[best] <= 0.0:
            break
        rows = np.append(plan.rows, rest[best])
        wider = None if plan.fillers else _at_one_price(ladder, np.sort(rows), price, budget)
        if wider is None or wider.utility <= plan.utility:
            # At one price the newcomer would price the others out: it only gets what they leave.
            tokens = np.append(plan.tokens, amount[best])
            fillers = (*plan.fillers, int(rest[best]))
            wider = replace(plan, rows=rows, tokens=tokens, utility=plan.utility + float(value[best]), fillers=fillers)
        plan = wider
    return plan if ladder.offer.curve.unimodal else _stretched(ladder, plan, budget)


def _stretched(ladder: Ladder, plan: Plan, budget: float) -> Plan:
    tokens = np.zeros(len(ladder.offer))
    tokens[plan.rows] = plan.tokens
    got = stretch(ladder.offer, tokens, budget, integer=False)
    rows = np.flatnonzero(tokens)
    utility = float(ladder.offer.take(rows).value(tokens[rows]).sum())
    fillers = tuple(sorted({*plan.fillers, *got}))
    return replace(plan, rows=rows, tokens=tokens[rows], utility=utility, fillers=fillers)


def stretch(offer: Offer, tokens: FloatArray, budget: float, *, integer: bool) -> set[int]:
    """Give what is left, in place, to whoever makes most of it until nobody makes anything; return who got some.

    Needed where curves are not concave: somebody who would not pay for a step may yet use part of it.
    """
    got: set[int] = set()
    for _ in range(MOST_ROUNDS):
        left = budget - offer.spent(tokens)
        if left <= _ROUNDING * budget or not tokens.size:
            break
        reach = tokens + offer.affordable(left)
        amount = offer.best_whole_within(np.floor(reach)) if integer else offer.curve.best_within(reach)
        gain = offer.value(amount) - offer.value(tokens)
        best = int(np.argmax(gain))
        if gain[best] <= _ROUNDING * gain.size or amount[best] <= tokens[best]:
            break
        tokens[best] = amount[best]
        got.add(best)
    return got


def plain_plan(ladder: Ladder, clearing: Clearing) -> Plan:
    """What the clearing price alone gives: the answer where rounding leaves nothing to refill."""
    offer = ladder.offer.take(slice(0, clearing.count))
    tokens = offer.committed(clearing.price)
    return _plan(ladder, np.arange(clearing.count), tokens, clearing.price, float(offer.value(tokens).sum()), 1)


def _plan(
    ladder: Ladder,
    rows: IntArray,
    tokens: FloatArray,
    price: float,
    utility: float,
    evaluations: int,
    fillers: tuple[int, ...] = (),
) -> Plan:
    # A price within a rounding error of the steepest slope buys nothing; such a row is free to be filled up.
    some = tokens > 0.0
    if not some.all():
        rows, tokens = rows[some], tokens[some]
        fillers = tuple(row for row in fillers if row in rows)
    return Plan(rows, tokens, price, utility, evaluations, fillers)
