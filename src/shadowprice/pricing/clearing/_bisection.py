"""The plain reference: halve the interval that holds the clearing price until it cannot be halved.

It asks a curve for nothing but its demand, so it takes every curve.
"""

from shadowprice.pricing.clearing._clearing import Clearing, Ladder, settle
from shadowprice.pricing.clearing._descend import descend


def clear_by_bisection(ladder: Ladder, budget: float, start: float | None = None) -> Clearing:
    """Find the least price at which demand is at most the budget; ``start`` is a price to begin from."""
    if ladder.demand(0.0) <= budget:
        return Clearing(0.0, len(ladder.offer), 0.0, 1)
    top = float(ladder.rungs[0])
    price, steps = descend(lambda price: ladder.demand(price) > budget, start or top)
    return settle(ladder, budget, price, steps + 1)
