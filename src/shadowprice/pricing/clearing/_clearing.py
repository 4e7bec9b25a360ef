"""Where demand meets the budget: the clearing price of a market.

Demand D(λ) = Σ cᵢtᵢ(λ)·1[λ ≤ λ_res,i] falls with the price and jumps at each reservation price. Sorted by
reservation price the queries form a ladder; between two rungs the funded set is fixed. There the demand of
shifted surges is smooth and convex, that of straight lines falls in steps.
"""

from dataclasses import dataclass, field
from typing import Self

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.curves import ShiftedSurge, Tabulated, lambertw0
from shadowprice.pricing.clearing._descend import descend
from shadowprice.pricing.clearing._offer import Offer

_MOST_NEWTON_STEPS = 200
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The queries in the order in which a falling price funds them; equal ones in the order of their rows.

    Args:
        offer: the m queries that would buy at some price, highest reservation price first.
        order: ``(m,)`` the row of each in the problem.
        rungs: ``(m,)`` reservation prices, falling, above 0, utility per unit of the budget.
    """

    offer: Offer
    order: IntArray
    rungs: FloatArray

    @classmethod
    def of(cls, offer: Offer) -> Self:
        """Sort the queries of an offer; those that buy at no price are left out."""
        reservation = offer.reservation_price()
        order = np.argsort(-reservation, kind="stable")[: np.count_nonzero(reservation > 0.0)]
        return cls(offer.take(order), order, reservation[order])

    def above(self, price: float) -> int:
        """Number of queries whose reservation price is above ``price``."""
        return int(np.searchsorted(-self.rungs, -price, side="left"))

    def at_least(self, price: float) -> int:
        """Number of queries whose reservation price is ``price`` or more."""
        return int(np.searchsorted(-self.rungs, -price, side="right"))

    def demand(self, price: float, count: int | None = None) -> float:
        """What the first ``count`` queries spend at a price; without a count, those that do not find it too high."""
        return self.offer.take(slice(0, self.at_least(price) if count is None else count)).demand(price)


@dataclass(frozen=True, slots=True, eq=False)
class Clearing:
    """The clearing price and who is funded just above it.

    Args:
        price: the infimum of the prices λ with D(λ) ≤ B.
        count: how many of the ladder's first queries have a reservation price above it.
        hole: what demand leaves of the budget because it jumps at this price, in the budget's unit.
        evaluations: how often demand was computed.
        converged: False if Newton's method ran out of steps.
        path: ``(rounds, 2)`` prices and demands of an auction.
    """

    price: float
    count: int
    hole: float
    evaluations: int
    converged: bool = True
    path: FloatArray = field(default_factory=lambda: np.empty((0, 2)))


def settle(ladder: Ladder, budget: float, price: float, evaluations: int, path: FloatArray | None = None) -> Clearing:
    """The clearing at a price that a search has found to within a few units in the last place.

    Demand jumps on a rung, so the first price at which it fits is the number after that rung; the infimum is the
    rung itself.
    """
    if price > 0.0:
        near = ladder.above(price * (1.0 + _ROUNDING))
        if near < len(ladder.rungs) and ladder.rungs[near] >= price * (1.0 - _ROUNDING):
            price = float(ladder.rungs[near])
    count = ladder.above(price)
    hole = budget - ladder.demand(price, count)
    hole = hole if hole > _ROUNDING * budget and price > 0.0 else 0.0
    return Clearing(price, count, hole, evaluations + 1, path=np.empty((0, 2)) if path is None else path)


def clear(ladder: Ladder, budget: float, start: float | None = None) -> Clearing:
    """Find the least price at which demand is at most the budget, by the closed form of the response.

    Searches the ladder for the highest rung whose demand exceeds the budget, then meets the budget between it and
    the next rung, unless demand jumps over the budget on the rung itself.

    Args:
        ladder: the queries.
        budget: B, in the budget's unit.
        start: a price to try first.
    """
    n = len(ladder.offer)
    everything = ladder.demand(0.0)
    if everything <= budget:
        return Clearing(0.0, n, 0.0, 1)
    if budget == 0.0:
        return Clearing(float(ladder.rungs[0]), 0, 0.0, 1)

    low, high = -1, n  # demand at rung `low` fits (none at -1); at rung `high` it does not (price 0 at n)
    below, beyond = -budget, everything - budget
    evaluations = 1
    while high - low > 1:
        if start is not None and evaluations <= 2:
            rank = ladder.above(start) - evaluations + 1
        else:
            # Demand is nearly linear in the rank, so interpolate; every third step halves, lest it crawl.
            share = 0.5 if evaluations % 3 == 0 else below / (below - beyond)
            rank = round(low + share * (high - low))
        price = float(ladder.rungs[min(max(rank, low + 1), high - 1)])
        excess = ladder.demand(price) - budget
        evaluations += 1
        if excess > 0.0:
            high, beyond = ladder.above(price), excess
        else:
            low, below = ladder.at_least(price) - 1, excess
    bottom = float(ladder.rungs[high]) if high < n else 0.0
    count = ladder.above(bottom)
    if high < n:
        evaluations += 1
        demand = ladder.demand(bottom, count)
        if demand <= budget:
            hole = budget - demand
            return Clearing(bottom, count, hole, evaluations)
    top = float(ladder.rungs[low])
    price, steps, converged = meet(ladder.offer.take(slice(0, count)), budget, bottom or top, (bottom, top))
    if isinstance(ladder.offer.curve, ShiftedSurge):
        return Clearing(price, count, 0.0, evaluations + steps, converged)
    return settle(ladder, budget, price, evaluations + steps)


def meet(
    offer: Offer, budget: float, start: float, bracket: tuple[float, float] | None = None
) -> tuple[float, int, bool]:
    """The least price at which queries that are funded in any case buy no more than the budget.

    Args:
        offer: the funded queries; at price 0 they want more than the budget.
        budget: B, in the budget's unit.
        start: a price to start from, above 0.
        bracket: a price at which they want more than the budget and one at which they do not, if known.

    Returns:
        The price, the number of evaluations, and whether the method converged.
    """
    curve = offer.curve
    if isinstance(curve, ShiftedSurge) and offer.weight is None:
        return _newton(curve, offer.cost, budget, start)

    if isinstance(curve, Tabulated) and offer.plain:
        return *curve.least_price(budget, start, bracket), True
    price, steps = descend(lambda price: offer.demand(price) > budget, start, bracket)
    return price, steps, True


def _newton(curve: ShiftedSurge, cost: FloatArray | None, budget: float, start: float) -> tuple[float, int, bool]:
    """Σ ct*(λ) = B, convex and falling from the peaks, at λ = 0, to Σ cτ; the budget must lie between.

    From the left of the root Newton's method climbs to it without overshooting; from the right it first steps to
    the left. With W = W₀(λce/α), dΣct*/dλ = −Σ cW/((1 + W)β)/λ over the queries with α > λc.
    """
    width, thresholds = 1.0 / curve.beta, curve.threshold
    bar = curve.alpha
    if cost is not None:
        width, thresholds, bar = cost * width, cost * thresholds, bar / cost
    least = float(thresholds.sum())
    price, low, high = start, 0.0, np.inf
    for step in range(1, _MOST_NEWTON_STEPS + 1):
        w = lambertw0(np.e * (np.minimum(price, bar) / bar))
        total = least + float(((1.0 - w) * width).sum())
        excess = total - budget
        if abs(excess) <= 2.0 * np.finfo(float).eps * total:
            return price, step, True
        if excess > 0.0:
            low = max(low, price)
        else:
            high = min(high, price)
        slope = float((w / (1.0 + w) * width)[bar > price].sum())
        proposal = price * (1.0 + excess / slope) if slope > 0.0 else 0.0
        if not low < proposal < high:
            proposal = (
                0.5 * (low + high) if low > 0.0 and np.isfinite(high) else price * (1e-3 if excess < 0.0 else 1e3)
            )
        if abs(proposal - price) <= 2.0 * np.finfo(float).eps * price:
            return proposal, step, True
        price = proposal
    return price, _MOST_NEWTON_STEPS, False
