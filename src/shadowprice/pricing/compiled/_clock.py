"""The ascending clock over shifted surges, compiled: the same rounds as `_auction` holds for any curves."""

# mypy: disable-error-code="no-untyped-def"

import numpy as np
from numba import njit

from shadowprice.pricing.compiled._kernels import OPTIONS
from shadowprice.pricing.compiled._rows import demand_of_rows

_MOST_ROUNDS = 4096
_ROUNDING = 1e-12


@njit(**OPTIONS)
def clock(threshold, alpha, beta, bar, budget, first_ticks, finest_tick):
    """Raise the price by ticks until demand fits; where the next tick would leave tokens unsold, halve it.

    The first tick is a ``first_ticks``-th of the highest reservation price; below ``finest_tick`` of the price it ends.

    Returns:
        The price, the cut (funded is who has bar ≥ cut), whether demand jumps there, the evaluations (−1 of them if
        demand fits at no price above 0), and the path of prices and demands, ``(rounds, 2)``.
    """
    path = np.empty((_MOST_ROUNDS, 2))
    price, demand = 0.0, (threshold + 1.0 / beta).sum()
    path[0] = price, demand
    rounds = evaluations = 1
    if demand <= budget:
        return 0.0, 0.0, False, -1, path[:1]
    tick = bar.max() / first_ticks
    last, offered = price, demand
    growth = 1.0
    while tick > finest_tick * price and price + tick > price and rounds < _MOST_ROUNDS - 1:
        evaluations += 1
        asked, _ = demand_of_rows(threshold, alpha, beta, bar, price + tick, price + tick)
        if asked > budget:
            price += tick
            path[rounds] = price, asked
            rounds += 1
            tick *= growth
        else:
            last, offered = price + tick, asked
            tick, growth = 0.5 * tick, 1.0
    path[rounds] = last, offered
    # Demand jumps on a rung, so the first price at which it fits is the number after it; the infimum is the rung.
    rung = -np.inf
    for i in range(bar.size):
        if last * (1.0 - _ROUNDING) <= bar[i] <= last * (1.0 + _ROUNDING):
            rung = max(rung, bar[i])
    price = rung if rung > 0.0 else last
    cut = np.nextafter(price, np.inf)
    held, _ = demand_of_rows(threshold, alpha, beta, bar, price, cut)
    return price, cut, budget - held > _ROUNDING * budget, evaluations + 1, path[: rounds + 1]
