"""No prices: fund by predicted threshold, cheapest first, until the budget is gone."""

import numpy as np

from shadowprice.pricing.clearing import Ladder
from shadowprice.pricing.plans._refill import Plan


def plan_by_threshold(ladder: Ladder, budget: float, *, integer: bool) -> Plan:
    """Give each query its stand-alone amount, its peak, in order of what its threshold costs.

    Equal thresholds go in the order of their peaks, then of their rows. The first query whose amount does not fit
    gets what is left, if that is worth anything.

    Args:
        ladder: the queries.
        budget: B, in the budget's unit.
        integer: whether tokens come whole.
    """
    offer = ladder.offer
    peak = np.floor(offer.curve.peak_tokens()) if integer else offer.curve.peak_tokens()
    needs = offer.spend(peak)
    order = np.lexsort((ladder.order, needs, offer.spend(offer.curve.least_tokens())))
    total = np.cumsum(needs[order])
    fits = int(np.searchsorted(total, budget, side="right"))
    tokens = np.zeros(len(offer))
    tokens[order[:fits]] = peak[order[:fits]]
    if fits < order.size:
        last = order[fits : fits + 1]
        alone = offer.take(last)
        rest = alone.curve.best_within(alone.affordable(budget - (total[fits - 1] if fits else 0.0)))
        tokens[last] = np.floor(rest) if integer else rest
    tokens[offer.value(tokens) <= 0.0] = 0.0
    rows = np.flatnonzero(tokens)
    held, chosen = tokens[rows], offer.take(rows)
    price = float(chosen.density(held).max(initial=0.0))
    return Plan(rows, held.astype(np.int64) if integer else held, price, float(chosen.value(held).sum()), 1)
