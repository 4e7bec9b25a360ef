"""Where demand meets the budget: the clearing price of a market of shifted surges.

Demand D(λ) = Σ t*ᵢ(λ)·1[λ ≤ λ_res,i] falls with the price and jumps by τᵢ + x₀ᵢ at each reservation price.
Sorted by reservation price the queries form a ladder; between two rungs the funded set is fixed and D is
smooth and convex.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.curves import ShiftedSurge, lambertw0

_MOST_NEWTON_STEPS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """The queries in the order in which a falling price funds them; equal ones in the order of their rows.

    Args:
        curve: the n queries, highest reservation price first.
        order: ``(n,)`` the row of each in the problem.
        rungs: ``(n,)`` reservation prices, falling, utility per token.
        thresholds: ``(n + 1,)`` tokens, the sum of the first m thresholds.
    """

    curve: ShiftedSurge
    order: IntArray
    rungs: FloatArray
    thresholds: FloatArray

    @classmethod
    def of(cls, curve: ShiftedSurge) -> Self:
        """Sort the queries of a curve."""
        reservation = curve.reservation_price()
        order = np.argsort(-reservation, kind="stable")
        ordered = curve.take(order)
        return cls(ordered, order, reservation[order], np.concatenate(([0.0], np.cumsum(ordered.threshold))))

    def above(self, price: float) -> int:
        """Number of queries whose reservation price is above ``price``."""
        return int(np.searchsorted(-self.rungs, -price, side="left"))

    def at_least(self, price: float) -> int:
        """Number of queries whose reservation price is ``price`` or more."""
        return int(np.searchsorted(-self.rungs, -price, side="right"))

    def demand(self, count: int, price: float) -> float:
        """Tokens that the first ``count`` queries buy together at a price that none finds too high."""
        first = slice(0, count)
        w = lambertw0(np.e * np.minimum(price / self.curve.alpha[first], 1.0))
        return float(self.thresholds[count] + ((1.0 - w) / self.curve.beta[first]).sum())


@dataclass(frozen=True, slots=True)
class Clearing:
    """The clearing price and who is funded just above it.

    Args:
        price: the infimum of the prices λ with D(λ) ≤ B.
        count: how many of the ladder's first queries have a reservation price above it.
        jumps: whether demand jumps over the budget at this price, so that tokens are left over.
        evaluations: how often demand was computed.
        converged: False if Newton's method ran out of steps.
    """

    price: float
    count: int
    jumps: bool
    evaluations: int
    converged: bool


def clear(ladder: Ladder, budget: float) -> Clearing:
    """Find the least price at which demand is at most the budget.

    Searches the ladder for the highest rung whose demand exceeds the budget, then solves the smooth equation
    between it and the next rung, unless demand jumps over the budget on the rung itself.
    """
    n = len(ladder.curve)
    everything = float(ladder.curve.peak_tokens().sum())
    if everything <= budget:
        return Clearing(0.0, n, jumps=False, evaluations=1, converged=True)

    if budget == 0.0:
        return Clearing(float(ladder.rungs[0]), 0, jumps=False, evaluations=1, converged=True)

    low, high = -1, n  # demand at rung `low` fits (none at -1); at rung `high` it does not (price 0 at n)
    below, beyond = -budget, everything - budget
    evaluations = 1
    while high - low > 1:
        # Demand is nearly linear in the rank, so interpolate; every third step halves, lest it crawl.
        share = 0.5 if evaluations % 3 == 0 else below / (below - beyond)
        rank = min(max(low + round(share * (high - low)), low + 1), high - 1)
        price = float(ladder.rungs[rank])
        excess = ladder.demand(ladder.at_least(price), price) - budget
        evaluations += 1
        if excess > 0.0:
            high, beyond = ladder.above(price), excess
        else:
            low, below = ladder.at_least(price) - 1, excess
    if high == n:
        start, count = float(ladder.rungs[-1]), n
    else:
        start = float(ladder.rungs[high])
        count = ladder.above(start)
        evaluations += 1
        if ladder.demand(count, start) <= budget:
            return Clearing(start, count, jumps=True, evaluations=evaluations, converged=True)
    price, steps, converged = meet(ladder.curve.take(slice(0, count)), budget, start)
    return Clearing(price, count, jumps=False, evaluations=evaluations + steps, converged=converged)


def meet(curve: ShiftedSurge, budget: float, start: float) -> tuple[float, int, bool]:
    """The price at which queries that are funded in any case buy exactly the budget.

    Σ t*ᵢ(λ) is convex and falls with λ from the sum of the peaks, at λ = 0, to Στᵢ; the budget must lie
    between. From the left of the root Newton's method climbs to it without overshooting; from the right it
    first steps to the left. With W = W₀(λe/αᵢ), dΣt*/dλ = −Σ W/((1 + W)βᵢ)/λ over the queries with αᵢ > λ.

    Args:
        curve: the funded queries.
        budget: B, tokens.
        start: a price to start from, above 0.

    Returns:
        The price, the number of evaluations, and whether the method converged.
    """
    width, thresholds = 1.0 / curve.beta, float(curve.threshold.sum())
    price, low, high = start, 0.0, np.inf
    for step in range(1, _MOST_NEWTON_STEPS + 1):
        w = lambertw0(np.e * (np.minimum(price, curve.alpha) / curve.alpha))
        total = thresholds + float(((1.0 - w) * width).sum())
        excess = total - budget
        if abs(excess) <= 2.0 * np.finfo(float).eps * total:
            return price, step, True
        if excess > 0.0:
            low = max(low, price)
        else:
            high = min(high, price)
        slope = float((w / (1.0 + w) * width)[curve.alpha > price].sum())
        proposal = price * (1.0 + excess / slope) if slope > 0.0 else 0.0
        if not low < proposal < high:
            proposal = (
                0.5 * (low + high) if low > 0.0 and np.isfinite(high) else price * (1e-3 if excess < 0.0 else 1e3)
            )
        if abs(proposal - price) <= 2.0 * np.finfo(float).eps * price:
            return proposal, step, True
        price = proposal
    return price, _MOST_NEWTON_STEPS, False
