"""CLEAR: one price for a token, and every query buys what it is worth at that price."""

from typing import ClassVar

import numpy as np

from shadowprice.beliefs import Beliefs
from shadowprice.policies._baselines import spread_evenly
from shadowprice.policies._market import AbstractPlanner, Plan
from shadowprice.pricing import Problem, solve


class ClearLambert(AbstractPlanner):
    """The paper's policy with the closed-form response t*(λ) (Wan et al. 2026, arXiv 2606.03092, §5.2)."""

    name: ClassVar[str] = "clear-lambert"

    def plan(self, beliefs: Beliefs, budget: int) -> Plan:
        """Clear the market; tokens that nobody wants even for nothing are spread evenly.

        The surge falls behind its peak, so in an ample market demand is finite at price 0. Leaving tokens unspent
        buys nothing, and thresholds are only predictions, so the rest is insurance for all.
        """
        solution = solve(Problem(beliefs.curve, budget), throw=False)
        tokens = np.asarray(solution.tokens, dtype=np.int64)
        if solution.price == 0.0:
            tokens = tokens + spread_evenly(len(beliefs), budget - int(tokens.sum()))
        return Plan(tokens, solution.price)
