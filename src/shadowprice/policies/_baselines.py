"""Policies to be measured against: the same for everyone, in proportion to need, and perfect foresight."""

from typing import ClassVar

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.policies._market import AbstractPlanner, Knowledge, Plan
from shadowprice.policies._terms import Terms


class Uniform(AbstractPlanner):
    """The same cap for every query, whatever a right answer is worth."""

    name: ClassVar[str] = "uniform"
    knows: ClassVar[Knowledge] = Knowledge.NOTHING

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        """One level for all, or the floor where that is higher; what does not divide goes singly to the first."""
        del beliefs
        return Plan(level(terms.floor, budget), float("nan"))


class Predictor(AbstractPlanner):
    """Caps in proportion to the predicted thresholds (the paper's baseline "Predictor")."""

    name: ClassVar[str] = "predictor"

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        """Divide what the floors leave of the budget in proportion to τ̂."""
        rest = budget - int(terms.floor.sum())
        return Plan(terms.floor + _apportion(beliefs.threshold, rest), float("nan"))


class Oracle(AbstractPlanner):
    """Knows where each right answer appears and buys exactly that, the best value first.

    With one unit of utility per right answer, no other way to spend the same tokens gets more answers right. Open it
    with `Beliefs.certain`.
    """

    name: ClassVar[str] = "oracle"
    knows: ClassVar[Knowledge] = Knowledge.ANSWERS

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        """Fund thresholds by what their tokens are worth until the next one does not fit.

        Where the beliefs have outcomes, these are curves that are known: it goes up each along its concave hull, the
        steepest step of all first. What that leaves of the budget is less than a step.
        """
        if beliefs.outcomes is not None:
            return climb(beliefs.outcomes, budget, terms)
        tokens = terms.floor.copy()
        needed = np.maximum(np.ceil(np.minimum(beliefs.threshold, 2.0**53)), 1.0) - tokens  # 0 tokens is abandoned
        open_to = np.flatnonzero(np.isfinite(beliefs.threshold) & (needed > 0.0))
        cost = needed[open_to] / terms.weight[open_to]
        best = open_to[np.argsort(cost, kind="stable")]
        fits = np.cumsum(needed[best]) <= budget - int(tokens.sum())
        tokens[best[fits]] += needed[best[fits]].astype(np.int64)
        marginal = best[~fits][:1]
        return Plan(tokens, float(terms.weight[marginal[0]] / needed[marginal[0]]) if marginal.size else 0.0)


def climb(known: Outcomes, budget: int, terms: Terms) -> Plan:
    """Whole grid points, bought step by step along the concave hulls of known curves, the best value first."""
    tokens = terms.floor.copy()
    left = budget - int(tokens.sum())
    grid = known.tokens.astype(np.int64)
    steps: list[tuple[float, int, int]] = []
    for row, curve in enumerate(known.right):
        spent, worth = int(tokens[row]), float(curve[grid <= tokens[row]].max(initial=0.0))
        while (ahead := np.flatnonzero((grid > spent) & (curve > worth))).size:
            slope = terms.weight[row] * (curve[ahead] - worth) / (grid[ahead] - spent)
            best = int(ahead[np.argmax(slope)])
            steps.append((float(slope.max()), row, int(grid[best])))
            spent, worth = int(grid[best]), float(curve[best])
    price, closed = 0.0, set[int]()
    for slope, row, upto in sorted(steps, key=lambda step: (-step[0], step[1], step[2])):
        cost = upto - int(tokens[row])
        if row in closed or cost > left:
            price = price or slope
            closed.add(row)
            continue
        tokens[row], left = upto, left - cost
    return Plan(tokens, price)


def level(floor: IntArray, budget: int) -> IntArray:
    """Whole tokens ``(n,)`` as even as they can be, none below its floor; the floors fit into the budget."""
    n = len(floor)
    tokens: IntArray = floor.copy()
    if n == 0:
        return tokens
    # Raise the lowest floors first: with the j lowest at one level, the others stay where they are.
    low = np.sort(floor)
    above = int(low.sum()) - np.cumsum(low)
    levels = (budget - above) // np.arange(1, n + 1)
    last = int(np.flatnonzero(levels >= low)[-1])
    tokens = np.maximum(floor, levels[last])
    raised = np.flatnonzero(floor <= levels[last])
    tokens[raised[: budget - int(tokens.sum())]] += 1
    return tokens


def _apportion(weights: FloatArray, budget: int) -> IntArray:
    """Whole tokens in proportion to weights, by largest remainder: ``(n,)``."""
    if len(weights) == 0:
        return np.zeros(0, dtype=np.int64)
    total = weights.sum()
    if total <= 0:
        return level(np.zeros(len(weights), dtype=np.int64), budget)
    exact = weights / total * budget
    tokens: IntArray = np.floor(exact).astype(np.int64)
    left = budget - int(tokens.sum())
    tokens[np.argsort(tokens - exact, kind="stable")[: max(0, left)]] += 1
    return tokens
