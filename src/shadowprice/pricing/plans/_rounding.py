"""Whole tokens: from a real allocation to the best integers near it.

Given who is funded, the value of whole tokens is concave from the first whole token beyond each threshold up
to the peak, so handing out tokens one at a time to the largest gain per unit of the budget is optimal, but for what
is less than one token's price. Only the tokens near the real allocation are in doubt; they are compared all at once.
"""

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.pricing.clearing import Offer
from shadowprice.pricing.plans._refill import pack

_MOST_COMPARED = 4_000_000
"""Tokens that are compared one by one, at most: whoever counts in millions does not feel a single one."""


def round_tokens(offer: Offer, tokens: FloatArray, budget: float, price: float, *, anew: bool = False) -> IntArray:
    """Round an allocation among funded queries to whole tokens, within the budget.

    A query whose share does not reach a whole token beyond its threshold would waste it. It gets that token
    if its utility per unit of the budget is at least ``price`` and the budget allows, best first; otherwise it
    gives all its tokens up.

    Args:
        offer: the funded queries.
        tokens: ``(m,)`` a real allocation, all at one marginal price.
        budget: what may be spent, in the budget's unit.
        price: that marginal price, utility per unit of the budget.
        anew: share tokens out by their gains also where curves are not concave and the tokens are whole already. What
            is left over then buys a part of a step at best, which is not sure to be rewarded.

    Returns:
        ``(m,)`` whole tokens that cost at most ``budget``.
    """
    first = offer.first_useful()
    whole = np.floor(tokens).astype(np.int64)
    reached = whole >= first
    whole[~reached] = 0
    if not reached.all():
        short = np.flatnonzero(~reached)
        costs = offer.spend(first)[short]
        value = offer.take(short).value(first[short].astype(np.float64))
        density = value / costs
        best = np.argsort(-density, kind="stable")
        best = best[(density[best] >= price) & (value[best] > 0.0)]
        bought = short[best[np.cumsum(costs[best]) <= budget - offer.spent(whole)]]
        whole[bought] = first[bought]
    if not anew and not offer.curve.unimodal and (whole == tokens).all():
        return whole
    held = np.flatnonzero(whole > 0)
    whole[held] = share_out(offer.take(held), whole[held], budget)
    return whole


def share_out(offer: Offer, tokens: IntArray, budget: float) -> IntArray:
    """Spend the budget on funded queries, one token at a time to the largest gain per unit of the budget.

    One token below and two above each query's ``tokens`` are put into a pool, the best of the pool are
    bought, and where a query bought all or none of its own the pool is widened and the purchase repeated.
    Equal gains go to the lower row.

    Args:
        offer: the m queries, all of which keep at least their first useful token.
        tokens: ``(m,)`` a guess, at least the first useful token.
        budget: what may be spent, in the budget's unit.

    Returns:
        ``(m,)`` the best whole tokens that cost at most ``budget``, no token without a gain.
    """
    concave, floor = offer.whole(), offer.first_useful()
    low, high = np.maximum(tokens - 1, floor), tokens + 2
    while tokens.size:
        span = high - low
        owner = np.repeat(np.arange(span.size), span)
        level = np.arange(owner.size) - np.repeat(np.cumsum(span) - span - low, span)
        density = concave.density_of(owner, level)
        cost = None if offer.cost is None else offer.cost[owner]
        chosen = _largest(density, cost, budget - offer.spent(low))
        bought = np.bincount(owner[chosen], minlength=span.size)
        up = (bought == span) & (bought > 0)
        down = (bought == 0) & (low > floor)
        if cost is not None and not chosen.all():
            # A dear token that found no room may be worth more than cheap ones that were taken for granted.
            missed = float(density[~chosen].max())
            down |= (low > floor) & (concave.density(low - 1) < missed)
        if not (up.any() or down.any()):
            return low + bought
        # Each widening triples the span, so that one flat curve among steep ones needs few rounds; where a curve is
        # straight, all of that line is as good as its first token.
        if 3 * int(span.sum()) > _MOST_COMPARED:
            return low + bought
        before, after = concave.curve.straight(np.where(down, low - 1, high))
        room = (
            min(max(int(budget - offer.spent(low)), 0), _MOST_COMPARED // (4 * span.size)) if offer.cost is None else 0
        )
        longer = np.minimum(np.ceil(after).astype(np.int64), high + room)
        high = np.where(up, np.maximum(high + 2 * span, longer), high)
        further = np.maximum(np.floor(before).astype(np.int64), low - room)
        further = np.minimum(low - 2 * np.maximum(span, 1), further)
        low = np.where(down, np.maximum(further, floor), low)
    return tokens


def _largest(density: FloatArray, cost: FloatArray | None, room: float) -> BoolArray:
    """Mask of the largest positive densities that the room allows, the earlier of equal ones first."""
    positive: BoolArray = density > 0.0
    if room <= 0.0:
        return np.zeros_like(positive)
    if cost is not None:
        order = np.argsort(-density, kind="stable")[: np.count_nonzero(positive)]
        chosen: BoolArray = np.zeros_like(positive)
        chosen[order[pack(cost[order], room)]] = True
        return chosen
    count = int(room)
    if count >= np.count_nonzero(positive):
        return positive
    if count == 0:
        return np.zeros_like(positive)
    bar = np.partition(density, density.size - count)[density.size - count]
    chosen = density > bar
    ties = np.flatnonzero(density == bar)
    chosen[ties[: count - np.count_nonzero(chosen)]] = True
    return chosen
