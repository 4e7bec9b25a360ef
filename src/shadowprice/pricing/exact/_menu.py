"""What each query can be sold: whole tokens, what they cost and what they are worth, and a price for all.

A *level* is a whole number of tokens for one query. The levels of all queries lie one behind the other in flat
arrays; those of a query are in rising order of tokens, cost and value.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.curves import AbstractCurve
from shadowprice.pricing._problem import Problem

_MOST_LEVELS = 2**24
# Curves are evaluated for this many levels at a time, so that wide tables are not copied all at once.
_BLOCK = 2**16
_MOST_CUTS = 200
_MOST_BUDGET = 2.0**62
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """The levels of n queries, N in all.

    Args:
        tokens: ``(N,)`` whole tokens.
        cost: ``(N,)`` what they cost, in the unit of the budget.
        value: ``(N,)`` what they are worth, weighted utility.
        start: ``(n,)`` position of each query's first level, the cheapest it can have.
        each: ``(n,)`` what one token costs.
        complete: whether the budget alone kept no level out.
    """

    tokens: IntArray
    cost: FloatArray
    value: FloatArray
    start: IntArray
    each: FloatArray
    complete: bool

    @property
    def sizes(self) -> IntArray:
        """``(n,)`` number of levels of each query."""
        return np.diff(self.start, append=self.tokens.size)

    @property
    def owner(self) -> IntArray:
        """``(N,)`` the row of each level's query."""
        return np.repeat(np.arange(self.start.size), self.sizes)

    def keep(self, mask: BoolArray) -> Self:
        """The levels in the mask, which must hold at least one of each query."""
        before = np.concatenate(([0], np.cumsum(mask)))
        return type(self)(
            self.tokens[mask], self.cost[mask], self.value[mask], before[self.start], self.each, self.complete
        )

    def surplus(self, price: float) -> FloatArray:
        """What each level is worth beyond its price, v − λc: ``(N,)``."""
        return self.value - price * self.cost

    def best(self, price: float) -> tuple[IntArray, FloatArray]:
        """Position and surplus of the level that each query picks at a price, the cheapest of equals: ``(n,)``."""
        surplus = self.surplus(price)
        top = np.maximum.reduceat(surplus, self.start)
        hits = np.flatnonzero(surplus >= np.repeat(top, self.sizes))
        return hits[np.searchsorted(hits, self.start)], top


def levels_of(problem: Problem) -> tuple[Levels, float, float]:
    """Every level that can matter: from the floor to the cap, the peak or the budget, each worth more than the last.

    Returns:
        The levels, the budget, and how many of the units they are stated in make one of the problem's: a power of
        ten that makes all costs whole numbers if there is one up to a billion, so that sums are exact; else 1.

    Raises:
        InputError: there are more than 2²⁴ levels, too many to look at one by one.
    """
    curve, n = problem.curve, len(problem.curve)
    weight = _column(problem.weight, n, 1.0)
    floor = _column(problem.floor, n, 0.0)
    cost, budget, unit = _in_units(_column(problem.cost, n, 1.0), problem.budget)
    left = max(budget - float((cost * floor).sum()), 0.0)
    top = np.minimum(np.ceil(curve.demand(0.0)), _column(problem.cap, n, np.inf))
    # One token more than fits by division: the sum of costs decides, not the rounding of a quotient.
    within = np.clip(top, floor, floor + np.floor(left / cost) + 1.0)
    complete, top = bool((within >= top).all()), within
    if float((top - floor + 1.0).sum()) > _MOST_LEVELS:
        raise InputError(
            f"The solver 'exact' looks at every whole number of tokens, and {float((top - floor).sum()):.3g} are too "
            f"many; at most {_MOST_LEVELS} will do. Take another solver."
        )
    sizes = (top - floor).astype(np.int64) + 1
    start = np.cumsum(sizes) - sizes
    owner = np.repeat(np.arange(n), sizes)
    tokens = np.arange(owner.size) - np.repeat(start - floor.astype(np.int64), sizes)
    value = _values(curve, owner, tokens) * weight[owner]
    return _rising(Levels(tokens, cost[owner] * tokens, value, start, cost, complete)), budget, unit


def _in_units(cost: FloatArray, budget: float) -> tuple[FloatArray, float, float]:
    for unit in 10.0 ** np.arange(10):
        whole = np.rint(cost * unit)
        if (whole > 0.0).all() and (np.abs(cost * unit - whole) <= 4.0 * _EPSILON * whole).all():
            return whole, math.floor(min(budget, _MOST_BUDGET) * unit * (1.0 + 4.0 * _EPSILON)), float(unit)
    # Sums of such costs are rounded; a budget that is met exactly must not fail for it.
    return cost, budget * (1.0 + 8.0 * _EPSILON), 1.0


def clearing_price(levels: Levels, budget: float) -> float:
    """The price that minimises the dual L(λ) = Bλ + Σ max_k (v_k − λc_k), from above: what is bought fits.

    L is convex and piecewise linear with slope B − Σc. Each step goes to where the tangents at the two ends of
    a bracket meet; levels that no price within it picks are dropped.

    Args:
        levels: of n ≥ 1 queries, which cannot all have their last one.
        budget: B.
    """
    first = levels.start.repeat(levels.sizes)
    rise = levels.cost - levels.cost[first]
    gain = levels.value - levels.value[first]
    low, high = 0.0, float((gain[rise > 0.0] / rise[rise > 0.0]).max()) * (1.0 + 1e-15)
    ends = []
    for price in (low, high):
        position, top = levels.best(price)
        ends.append((budget * price + float(top.sum()), budget - float(levels.cost[position].sum()), position))
    (low_bound, low_slope, most), (high_bound, high_slope, least) = ends
    for step in range(_MOST_CUTS):
        price = (high_bound - low_bound + low_slope * low - high_slope * high) / (low_slope - high_slope)
        if step % 4 == 3:  # tangents alone can creep along one side
            price = 0.5 * (low + high)
        if not low < price < high:
            break
        meeting = low_bound + low_slope * (price - low)
        if 4 * int((most - least + 1).sum()) < levels.tokens.size:
            index = np.arange(levels.tokens.size)
            kept = (index >= least.repeat(levels.sizes)) & (index <= most.repeat(levels.sizes))
            before = np.concatenate(([0], np.cumsum(kept)))
            levels, least, most = levels.keep(kept), before[least], before[most]
        position, top = levels.best(price)
        bound, slope = budget * price + float(top.sum()), budget - float(levels.cost[position].sum())
        if slope < 0.0:
            low, low_bound, low_slope, most = price, bound, slope, position
        else:
            high, high_bound, high_slope, least = price, bound, slope, position
        if slope == 0.0 or bound <= meeting + 1e-15 * abs(bound):
            break
    return high


def _rising(levels: Levels) -> Levels:
    """Drop levels that are worth no more than a cheaper one."""
    kept = _records(levels, levels.value)
    if not kept.all():
        levels = levels.keep(kept)
    if not _records(levels, levels.value).all():  # curves with dips
        highest = [np.maximum.accumulate(column) for column in np.split(levels.value, levels.start[1:])]
        levels = levels.keep(_records(levels, np.concatenate(highest)))
    return levels


def _records(levels: Levels, value: FloatArray) -> BoolArray:
    record: BoolArray = np.diff(value, prepend=-np.inf) > 0.0
    record[levels.start] = True
    return record


def _values(curve: AbstractCurve, owner: IntArray, tokens: IntArray) -> FloatArray:
    value = np.empty(owner.size)
    for start in range(0, owner.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        value[block] = curve.take(owner[block]).value(tokens[block])
    return value


def _column(given: FloatArray | None, n: int, default: float) -> FloatArray:
    return np.full(n, default) if given is None else given
