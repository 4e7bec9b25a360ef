"""From real plans to plans in whole tokens."""

from dataclasses import replace

import numpy as np

from shadowprice._types import IntArray
from shadowprice.pricing.clearing import Ladder, Offer
from shadowprice.pricing.plans._refill import MOST_ROUNDS, Plan, pack, stretch
from shadowprice.pricing.plans._rounding import round_tokens, share_out


def whole_plan(ladder: Ladder, plan: Plan, budget: float, *, fill: bool = True, anew: bool = False) -> Plan:
    """The best plan in whole tokens near a real one; what its queries cannot use goes to others if ``fill``.

    Where curves are not concave, ``anew`` shares out by gains what is whole already; see `round_tokens`.
    """
    offer = ladder.offer
    tokens = np.zeros(len(offer), dtype=np.int64)
    real = np.asarray(plan.tokens, dtype=np.float64)
    tokens[plan.rows] = round_tokens(offer.take(plan.rows), real, budget, plan.price, anew=anew)
    if not offer.curve.unimodal:
        # Part of a step between two corners may be worth less than none of it.
        tokens = offer.best_whole_within(tokens).astype(np.int64)
    if fill:
        _fill(offer, tokens, budget)
    if fill and not offer.curve.unimodal:
        tokens[offer.value(tokens) <= 0.0] = 0
        stretched = tokens.astype(np.float64)
        stretch(offer, stretched, budget, integer=True)
        tokens = stretched.astype(np.int64)
    rows = np.flatnonzero(tokens)
    held, chosen = tokens[rows], offer.take(rows)
    price = float(chosen.density(held).max(initial=0.0)) if offer.curve.unimodal else plan.price
    utility = float(chosen.value(held).sum())
    return replace(plan, rows=rows, tokens=held, price=price, utility=utility, fillers=_moved(ladder, plan, tokens))


def _moved(ladder: Ladder, plan: Plan, tokens: IntArray) -> tuple[int, ...]:
    """Where curves are not concave: whose whole tokens are not its real ones rounded; no price explains them."""
    if ladder.offer.curve.unimodal:
        return ()
    away = np.full(tokens.size, np.inf)
    away[plan.rows] = tokens[plan.rows] - plan.tokens
    away[list(plan.fillers)] = np.inf
    return tuple(int(row) for row in np.flatnonzero((np.abs(away) > 1.0) & (tokens > 0)))


def _fill(offer: Offer, tokens: IntArray, budget: float) -> None:
    """Give tokens that no funded query can use to queries that had none, best utility per unit of budget first."""
    first, wanted = offer.first_useful(), np.rint(offer.curve.reservation_tokens())
    for _ in range(MOST_ROUNDS):
        left = budget - offer.spent(tokens)
        affordable = np.floor(offer.affordable(left))
        idle = np.flatnonzero((tokens == 0) & (first <= affordable))
        if left <= 0.0 or not idle.size:
            break
        rest = offer.take(idle)
        amount = np.clip(wanted[idle], first[idle], affordable[idle])
        amount = np.maximum(np.floor(rest.curve.best_within(amount)), first[idle]).astype(np.int64)
        costs = rest.spend(amount)
        density = rest.value(amount) / costs
        order = np.argsort(-density, kind="stable")
        order = order[density[order] > 0.0]
        if not order.size:
            break
        chosen = order[pack(costs[order], left)]
        if not chosen.size:
            break
        tokens[idle[chosen]] = amount[chosen]
        if offer.curve.unimodal:
            held = np.flatnonzero(tokens)
            tokens[held] = share_out(offer.take(held), tokens[held], budget)
