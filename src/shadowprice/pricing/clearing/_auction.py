"""The ascending clock: a price rises from 0 until demand fits; a query leaves when it passes its reservation price."""

import numpy as np

from shadowprice.pricing.clearing._clearing import Clearing, Ladder, settle

FIRST_TICKS = 64
FINEST_TICK = 4.0 * np.finfo(float).eps


def clear_by_auction(ladder: Ladder, budget: float, start: float | None = None) -> Clearing:
    """Raise the price by ticks; where the next tick would leave tokens unsold, halve the tick.

    The clock never turns back: a tick that is too large is announced but not taken, as in auctions with
    intra-round bids, so the path of prices rises and that of demands falls. ``start`` is used as a reserve if the
    market wants more than the budget at a hundredth below it.

    Args:
        ladder: the queries; their reservation prices are the bids at which they leave.
        budget: B, in the budget's unit.
        start: an earlier clearing price.
    """
    price, demand = 0.0, ladder.demand(0.0)
    path, evaluations = [(price, demand)], 1
    tick = float(ladder.rungs[0]) / FIRST_TICKS if demand > budget else 0.0
    if demand > budget and start is not None:
        evaluations += 1
        reserved = ladder.demand(0.99 * start)
        if reserved > budget:
            price, tick = 0.99 * start, 0.0025 * start
            path.append((price, reserved))
    last = (price, demand)
    growth = 2.0 if price > 0.0 else 1.0  # a reserve says little of how far there is to go
    while tick > FINEST_TICK * price and demand > budget and price + tick > price:
        evaluations += 1
        offered = ladder.demand(price + tick)
        if offered > budget:
            price += tick
            path.append((price, offered))
            tick *= growth
        else:
            last = (price + tick, offered)
            tick, growth = 0.5 * tick, 1.0
    if demand <= budget:
        return Clearing(0.0, len(ladder.offer), 0.0, evaluations, path=np.array(path))
    return settle(ladder, budget, last[0], evaluations, np.array([*path, last]))
