"""Fitting the surge that all queries share: from predicted answer positions to τ̂, α and β."""

from dataclasses import dataclass

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.curves import ShiftedSurge

_QUANTILES = (0.3, 0.4, 0.5, 0.6, 0.7)
"""Where among the right answers' positions, relative to the predicted ones, the threshold may sit."""
_WIDTHS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
"""Widths of the surge to try, as multiples of the maximum-likelihood width."""
_LADDER = np.geomspace(0.25, 2.0, 8)
"""Budgets to be good at, tokens per query, as multiples of the median right answer's position: scarce to ample."""
_PRICES = np.geomspace(1.0, 1e-4, 48)
"""Prices to post, as shares of α (above which nobody buys)."""
_RESAMPLES = 8
"""Bootstrap samples that the shared surge is averaged over."""
_FEWEST_ROWS = 500
"""Rows of a bootstrap sample, at least, where weights say that a row stands for several replies."""


@dataclass(frozen=True, slots=True)
class SharedSurge:
    """The surge of a model, shared by all its queries (Wan et al. 2026, arXiv 2606.03092, §5.1)."""

    scale: float
    """Threshold τ̂ per token of predicted answer position."""
    alpha: float
    """Surge rate α, utility per token: peak pass rate × βe."""
    beta: float
    """Decay β, per token: 2 / mean excess of right answers over their thresholds."""


def fit_surge(predicted: FloatArray, tokens: IntArray, correct: BoolArray) -> SharedSurge:
    """Fit the shared surge so that a market at one price gets the most right answers.

    The maximum-likelihood width of the Gamma(2, β) excess takes the predicted thresholds as exact. They are not:
    with a surge that narrow, a funded query is often cut off just before its answer. So the likelihood only gives
    the unit of width, and threshold scale and width are chosen on a small grid by posting prices to these traces,
    reading off right answers against tokens bought, and averaging over budgets from scarce to ample.

    Args:
        predicted: ``(m,)`` predicted answer positions, tokens, made without seeing the rows they are for.
        tokens: ``(m,)`` where the final answer appeared.
        correct: ``(m,)`` whether it was right.

    Raises:
        InputError: No reply is right.
    """
    if not correct.any():
        raise InputError("No reply in these traces is right, so there is no threshold to learn; record an easier task.")
    right = tokens[correct] / predicted[correct]
    budgets = _LADDER * float(np.median(tokens[correct]))
    best, best_score = SharedSurge(1.0, np.e, 1.0), -1.0
    for quantile in _QUANTILES:
        scale = float(np.quantile(right, quantile))
        excess = tokens[correct] - scale * predicted[correct]
        late = excess[excess > 0]
        width = float(late.mean()) / 2.0 if late.size else 1.0
        for multiple in _WIDTHS:
            beta = 1.0 / (multiple * width)
            score = _right_answers(ShiftedSurge(scale * predicted, np.e * beta, beta), tokens, correct, budgets)
            if score > best_score:
                best = SharedSurge(scale, float(correct.mean()) * np.e * beta, beta)
                best_score = score
    return best


def steady_surge(
    predicted: FloatArray, tokens: IntArray, correct: BoolArray, weight: FloatArray, seed: int
) -> SharedSurge:
    """`fit_surge`, averaged over bootstrap samples of the replies (Breiman 1996).

    The search is a race between 30 candidates that are nearly as good as one another, so its winner jumps with the
    traces: its scale by ±20 % between two halves of one file. Averages of logs do not. A sample draws replies by
    their weights.

    Args:
        predicted: ``(m,)`` predicted answer positions, tokens, made without seeing the rows they are for.
        tokens: ``(m,)`` where the final answer appeared.
        correct: ``(m,)`` whether it was right; one is.
        weight: ``(m,)`` how many replies a row stands for, above 0.
        seed: Seed of the samples.
    """
    rng = np.random.default_rng(seed)
    size = len(weight) if np.ptp(weight) == 0.0 else max(len(weight), _FEWEST_ROWS)
    found = []
    for _ in range(_RESAMPLES):
        rows = rng.choice(len(weight), size, p=weight / weight.sum())
        if correct[rows].any():
            found.append(fit_surge(predicted[rows], tokens[rows], correct[rows]))
    if not found:
        found = [fit_surge(predicted[correct], tokens[correct], correct[correct])]
    scale, beta = (
        float(np.exp(np.mean(np.log([getattr(surge, name) for surge in found])))) for name in ("scale", "beta")
    )
    return SharedSurge(scale, float(np.average(correct, weights=weight)) * np.e * beta, beta)


def _right_answers(curve: ShiftedSurge, tokens: IntArray, correct: BoolArray, budgets: FloatArray) -> float:
    """Mean share of right answers over the budgets, each spent at the price that clears it."""
    top = float(curve.alpha[0])
    bar, prices = curve.reservation_price(), top * _PRICES
    # With one α and one β for all, what everybody buys beyond the threshold at a price is one number.
    beyond = ShiftedSurge(0.0, top, curve.beta[0]).committed_demand(prices)
    bought = [np.where(price <= bar, curve.threshold + more, 0.0) for price, more in zip(prices, beyond, strict=True)]
    peak = curve.demand(0.0)
    bought += [peak + extra for extra in np.geomspace(1.0, 2.0 * budgets[-1], 8)]
    spent = [demand.mean() for demand in bought]
    answers = tokens[correct]
    right = [np.count_nonzero(answers <= demand[correct]) / len(tokens) for demand in bought]
    return float(np.interp(budgets, spent, right).mean())
