"""What a market that believes a predictor gets right, against what it expects to."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import Beliefs, chance_right, share_right
from shadowprice.pricing import Problem, solve
from shadowprice.traces import TIERS, Traces

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class BudgetAccuracy:
    """One budget, spent by a market at one price on all questions of the traces, allocated accounting."""

    budget: int
    """Mean tokens per query."""
    predicted: float
    """Right answers that the market expects, percent."""
    measured: float
    """Right answers among the recorded replies, percent."""
    low: float
    """Lower end of the bootstrap 95 % interval of `measured` over questions, percent."""
    high: float
    """Upper end of it, percent."""
    uniform: float
    """Right answers if every query had the same cap, percent."""


@dataclass(frozen=True, slots=True)
class TierCurve:
    """How often the questions of a tier are right, if every query has the same cap."""

    tier: str
    """Name of the tier; `all` where the traces have none."""
    questions: int
    """Number of questions in it."""
    tokens: FloatArray
    """``(K,)`` caps, tokens."""
    predicted: FloatArray
    """``(K,)`` mean P(right by then)."""
    measured: FloatArray
    """``(K,)`` share of replies that were right by then."""


def price_beliefs(traces: Traces, beliefs: Beliefs, budgets: Sequence[int]) -> tuple[BudgetAccuracy, ...]:
    """Clear one market over all questions at each budget, and read off what the recorded replies make of it.

    The market prices P(right by t) where the beliefs have outcomes, and the shifted surge where they do not. Tokens
    that nobody wants are spread evenly. A question with several replies counts once, with their mean.

    Args:
        traces: Recorded replies.
        beliefs: n rows, made for each question without it (`cross_fit`).
        budgets: Mean tokens per query, at least 1.

    Raises:
        InputError: A budget is below 1.
    """
    if min(budgets, default=1) < 1:
        raise InputError(f"A budget of {min(budgets)} tokens per query buys nothing; use whole numbers from 1 up.")
    n = traces.n_queries
    rows = []
    for budget in sorted(set(budgets)):
        tokens = _spend(beliefs, budget * n)
        right = traces.right_within(tokens)
        rng = np.random.default_rng(0)
        means = [right[rng.integers(n, size=n)].mean() for _ in range(_RESAMPLES)]
        low, high = np.quantile(means, [0.025, 0.975])
        rows.append(
            BudgetAccuracy(
                budget=budget,
                predicted=100.0 * float(_expected(beliefs, tokens).mean()),
                measured=100.0 * float(right.mean()),
                low=100.0 * float(low),
                high=100.0 * float(high),
                uniform=100.0 * float(traces.right_within(np.full(n, budget)).mean()),
            )
        )
    return tuple(rows)


def tier_curves(traces: Traces, beliefs: Beliefs, tokens: FloatArray) -> tuple[TierCurve, ...]:
    """Predicted and measured accuracy against the cap, for each tier that the traces have.

    Args:
        traces: Recorded replies; those that were cut off are stood for by the others.
        beliefs: n rows, made for each question without it.
        tokens: ``(K,)`` caps, tokens, rising.
    """
    labels = np.array(traces.tiers)
    names = [tier for tier in TIERS if (labels == tier).any()] or ["all"]
    curves = []
    for name in names:
        mask = labels == name if name != "all" else np.ones(traces.n_queries, np.bool_)
        predicted = chance_right(beliefs.take(mask), tokens).mean(axis=0)
        measured = share_right(traces.evidence.of_questions(mask), tokens)
        curves.append(TierCurve(name, int(mask.sum()), tokens, predicted, measured))
    return tuple(curves)


def _spend(beliefs: Beliefs, budget: int) -> IntArray:
    curve = beliefs.curve if beliefs.outcomes is None else beliefs.outcomes.curve
    tokens = np.asarray(solve(Problem(curve, budget), throw=False).tokens, dtype=np.int64)
    left = max(0, budget - int(tokens.sum())) // max(1, len(beliefs))
    return tokens + left


def _expected(beliefs: Beliefs, tokens: IntArray) -> FloatArray:
    """P(right by its own number of tokens) of each query."""
    if beliefs.outcomes is not None:
        return beliefs.outcomes.curve.value(tokens)
    return beliefs.curve.value(np.minimum(tokens, beliefs.threshold + 1.0 / beliefs.beta))
