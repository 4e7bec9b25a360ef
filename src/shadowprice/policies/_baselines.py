"""Policies to be measured against: the same for everyone, in proportion to need, and perfect foresight."""

from typing import ClassVar

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import Beliefs
from shadowprice.policies._market import AbstractPlanner, Plan


class Uniform(AbstractPlanner):
    """The same cap for every query."""

    name: ClassVar[str] = "uniform"

    def plan(self, beliefs: Beliefs, budget: int) -> Plan:
        """Divide the budget evenly; what does not divide goes one token each to the first."""
        return Plan(spread_evenly(len(beliefs), budget), float("nan"))


class Predictor(AbstractPlanner):
    """Caps in proportion to the predicted thresholds (the paper's baseline "Predictor")."""

    name: ClassVar[str] = "predictor"

    def plan(self, beliefs: Beliefs, budget: int) -> Plan:
        """Divide the budget in proportion to τ̂."""
        return Plan(_apportion(beliefs.threshold, budget), float("nan"))


class Oracle(AbstractPlanner):
    """Knows where each right answer appears and buys exactly that, cheapest first.

    With one unit of utility per right answer, no other way to spend the same tokens gets more answers right. Open it
    with `Beliefs.certain`.
    """

    name: ClassVar[str] = "oracle"

    def plan(self, beliefs: Beliefs, budget: int) -> Plan:
        """Fund thresholds from the smallest up until the next one does not fit."""
        solvable = np.flatnonzero(np.isfinite(beliefs.threshold))
        needed = np.maximum(np.ceil(beliefs.threshold[solvable]), 1.0).astype(np.int64)  # 0 tokens is abandoned
        cheapest = np.argsort(needed, kind="stable")
        fits = np.cumsum(needed[cheapest]) <= budget
        tokens = np.zeros(len(beliefs), dtype=np.int64)
        tokens[solvable[cheapest[fits]]] = needed[cheapest[fits]]
        marginal = needed[cheapest[~fits]][:1]
        return Plan(tokens, float(1.0 / marginal[0]) if marginal.size else 0.0)


def spread_evenly(n: int, budget: int) -> IntArray:
    """Divide whole tokens among n queries as evenly as they can be: ``(n,)``."""
    if n == 0:
        return np.zeros(0, dtype=np.int64)
    each, left = divmod(budget, n)
    tokens: IntArray = np.full(n, each, dtype=np.int64)
    tokens[:left] += 1
    return tokens


def _apportion(weights: FloatArray, budget: int) -> IntArray:
    """Whole tokens in proportion to weights, by largest remainder: ``(n,)``."""
    if len(weights) == 0:
        return np.zeros(0, dtype=np.int64)
    total = weights.sum()
    if total <= 0:
        return spread_evenly(len(weights), budget)
    exact = weights / total * budget
    tokens: IntArray = np.floor(exact).astype(np.int64)
    left = budget - int(tokens.sum())
    tokens[np.argsort(tokens - exact, kind="stable")[: max(0, left)]] += 1
    return tokens
