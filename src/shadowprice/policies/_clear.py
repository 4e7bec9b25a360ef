"""One price for a token, and every query buys what it is worth at that price: the paper's policies, and ours."""

from collections.abc import Callable
from operator import attrgetter
from typing import ClassVar

import numpy as np

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs
from shadowprice.curves import AbstractCurve
from shadowprice.policies._baselines import level
from shadowprice.policies._market import AbstractPlanner, Knowledge, Plan
from shadowprice.policies._terms import Terms
from shadowprice.pricing import Problem, solve


class ClearLambert(AbstractPlanner):
    """The paper's policy with the closed-form response t*(λ) (Wan et al. 2026, arXiv 2606.03092, §5.2).

    Args:
        shape: What the tokens of queries are worth, by beliefs; the shifted surge by default.
    """

    name: ClassVar[str] = "clear-lambert"

    def __init__(self, shape: Callable[[Beliefs], AbstractCurve] = attrgetter("curve")) -> None:
        self._shape = shape

    def curve(self, beliefs: Beliefs) -> AbstractCurve:
        """The curves that it prices."""
        return self._shape(beliefs)

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        """Clear the market; tokens that nobody wants even for nothing are spread evenly."""
        return clear(self.curve(beliefs), budget, terms, "lambert")


class ClearAuction(AbstractPlanner):
    """The paper's policy by an ascending clock: the price rises until demand fits."""

    name: ClassVar[str] = "clear-auction"

    def curve(self, beliefs: Beliefs) -> AbstractCurve:
        """The shifted surge."""
        return beliefs.curve

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        """Run the auction; tokens that nobody wants even for nothing are spread evenly."""
        return clear(self.curve(beliefs), budget, terms, "auction")


class ClearHeuristic(AbstractPlanner):
    """The paper's policy without a price: the lowest predicted thresholds first, each its peak, until all is gone."""

    name: ClassVar[str] = "clear-heuristic"

    def curve(self, beliefs: Beliefs) -> AbstractCurve:
        """The shifted surge."""
        return beliefs.curve

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        """Fund in order; where all are funded, the rest is spread evenly."""
        return clear(self.curve(beliefs), budget, terms, "heuristic")


class Expected(AbstractPlanner):
    """Prices P(right by t), the expected curve with all uncertainty in it, where CLEAR prices a surge at a threshold.

    Each query buys the t that maximises w·P(right by t) − λt. It needs beliefs with outcomes.
    """

    name: ClassVar[str] = "expected"
    knows: ClassVar[Knowledge] = Knowledge.OUTCOMES

    def curve(self, beliefs: Beliefs) -> AbstractCurve:
        """P(right by t).

        Raises:
            InputError: The beliefs have no outcomes.
        """
        if beliefs.outcomes is None:
            raise InputError(
                "The policy expected needs beliefs about outcomes; fit with `shadowprice fit --predictor outcome`."
            )
        return beliefs.outcomes.curve

    def divide(self, beliefs: Beliefs, budget: int, terms: Terms) -> Plan:
        """Clear the market of expected curves; tokens that nobody wants even for nothing are spread evenly.

        Raises:
            InputError: The beliefs have no outcomes.
        """
        return clear(self.curve(beliefs), budget, terms, "lambert")


def clear(curve: AbstractCurve, budget: int, terms: Terms, solver: str) -> Plan:
    """The market's plan, with what nobody wants spread evenly.

    A curve falls behind its peak or ends, so in an ample market demand is finite at price 0. Leaving tokens unspent
    buys nothing, and beliefs are only predictions, so the rest is insurance for all.
    """
    plain, sure = bool((terms.weight == 1.0).all()), bool(terms.floor.any())
    problem = Problem(
        curve,
        budget,
        weight=None if plain else terms.weight,
        floor=terms.floor.astype(np.float64) if sure else None,
    )
    solution = solve(problem, solver, throw=False)
    tokens = np.asarray(solution.tokens, dtype=np.int64)
    if solution.price == 0.0:
        tokens = tokens + level(np.zeros(len(tokens), dtype=np.int64), budget - int(tokens.sum()))
    return Plan(tokens, solution.price)
