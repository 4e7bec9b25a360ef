"""Whole tokens: from a real allocation to the best integers near it.

Given who is funded, the value of whole tokens is concave from the first whole token beyond each threshold up
to the peak, so handing out tokens one at a time to the largest gain is optimal. Only the tokens near the real
allocation are in doubt; they are compared all at once.
"""

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.curves import ShiftedSurge


def round_tokens(curve: ShiftedSurge, tokens: FloatArray, budget: int, price: float) -> IntArray:
    """Round an allocation among funded queries to whole tokens, within the budget.

    A query whose share does not reach a whole token beyond its threshold would waste it. It gets that token
    if its utility per token is at least ``price`` and the budget allows, best first; otherwise it gives all
    its tokens up.

    Args:
        curve: the funded queries.
        tokens: ``(m,)`` a real allocation, all at one marginal price.
        budget: whole tokens that may be spent.
        price: that marginal price, utility per token.

    Returns:
        ``(m,)`` whole tokens with a sum of at most ``budget``.
    """
    first = first_useful(curve)
    whole = np.floor(tokens).astype(np.int64)
    reached = whole >= first
    whole[~reached] = 0
    if not reached.all():
        short = np.flatnonzero(~reached)
        value = curve.take(short).value(first[short].astype(np.float64))
        density = value / first[short]
        best = np.argsort(-density, kind="stable")
        best = best[(density[best] >= price) & (value[best] > 0.0)]
        cost = np.cumsum(first[short[best]])
        bought = short[best[cost <= budget - int(whole.sum())]]
        whole[bought] = first[bought]
    held = np.flatnonzero(whole > 0)
    whole[held] = share_out(curve.take(held), whole[held], budget)
    return whole


def first_useful(curve: ShiftedSurge) -> IntArray:
    """``(n,)`` the least whole number of tokens beyond each threshold."""
    return np.floor(curve.threshold).astype(np.int64) + 1


def share_out(curve: ShiftedSurge, tokens: IntArray, budget: int) -> IntArray:
    """Spend the budget on funded queries, one token at a time to the largest gain.

    One token below and two above each query's ``tokens`` are put into a pool, the best of the pool are
    bought, and where a query bought all or none of its own the pool is widened and the purchase repeated.
    Equal gains go to the lower row.

    Args:
        curve: the m queries, all of which keep at least their first useful token.
        tokens: ``(m,)`` a guess, at least `first_useful`.
        budget: whole tokens that may be spent.

    Returns:
        ``(m,)`` the best whole tokens with a sum of at most ``budget``, no token without a gain.
    """
    floor = first_useful(curve)
    low, high = np.maximum(tokens - 1, floor), tokens + 2
    while tokens.size:
        span = high - low
        owner = np.repeat(np.arange(span.size), span)
        level = np.arange(owner.size) - np.repeat(np.cumsum(span) - span - low, span)
        gain = curve.take(owner).gain(level)
        bought = np.bincount(owner[_largest(gain, budget - int(low.sum()))], minlength=span.size)
        up = (bought == span) & (bought > 0)
        down = (bought == 0) & (low > floor)
        if not (up.any() or down.any()):
            return low + bought
        # Each widening triples the span, so that one flat curve among steep ones needs few rounds.
        high = np.where(up, high + 2 * span, high)
        low = np.where(down, np.maximum(low - 2 * np.maximum(span, 1), floor), low)
    return tokens


def _largest(gain: FloatArray, count: int) -> BoolArray:
    """Mask of the ``count`` largest positive gains, the earlier of equal ones first."""
    positive: BoolArray = gain > 0.0
    if count <= 0:
        return np.zeros_like(positive)
    if count >= np.count_nonzero(positive):
        return positive
    bar = np.partition(gain, gain.size - count)[gain.size - count]
    chosen: BoolArray = gain > bar
    ties = np.flatnonzero(gain == bar)
    chosen[ties[: count - np.count_nonzero(chosen)]] = True
    return chosen
