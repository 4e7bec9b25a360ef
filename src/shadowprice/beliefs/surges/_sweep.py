"""Maximum likelihood for surges, from how often answers were right at forced budgets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._groups import number_groups
from shadowprice.beliefs.surges._fit import SurgeFit

_THRESHOLDS = 64
_RATES = (np.arange(32) + 0.5) / 32
"""Thresholds and pass rates to integrate over."""
_GUESS = 0.005
"""Accuracy of a question before its threshold, where the surge says 0: one lucky guess must not rule a curve out."""
_STARTS = (0.3, 1.0, 3.0)
"""Widths 1/β to start from, as multiples of the median budget."""
_VAGUE = 1.5
"""As for traces: standard deviation of log(width / median budget) that is believed before any reply."""
_BOUNDS = ((-5.0, 5.0), (-3.0, 1.5), (-5.0, 4.0), (-5.0, 5.0), (-1.0, 5.0))
"""Of the shift of log τ, log spread, log width, log-odds of the mean pass rate, log of the replies it is worth."""


def fit_surge_sweep(
    query: ArrayLike,
    budget: ArrayLike,
    right: ArrayLike,
    samples: ArrayLike,
    labels: Sequence[str],
    predicted: FloatArray | None = None,
) -> SurgeFit:
    """Fit surges to a budget sweep by binomial maximum likelihood.

    Row j says that of `samples` replies to a question, each made to answer at `budget` tokens, `right` were right:
    binomial with φ(budget), which falls beyond the peak as measured accuracy may. Each question has its own τ and
    pass rate p = α/(βe); log τ is normal and p Beta in a group, with parameters that are fitted with β, and both are
    integrated out.

    Args:
        query: ``(m,)`` question of each row, 0 … n−1.
        budget: ``(m,)`` tokens that each reply was held to, at least 0.
        right: ``(m,)`` replies that were right.
        samples: ``(m,)`` replies, at least 1.
        labels: ``(n,)`` group of each question, all the same for one shared surge; they also say what n is.
        predicted: ``(n,)`` predicted thresholds, tokens, above 0; their unit does not matter.

    Raises:
        InputError: The arrays do not fit together, or no reply is right.
    """
    groups, group = number_groups(labels, len(labels))
    rows = _Rows.of(query, budget, right, samples, len(group), predicted)
    found = [_fit_group(rows.take(np.flatnonzero(group == number))) for number in range(len(groups))]
    threshold, rate = np.empty(len(group)), np.empty(len(group))
    for number, one in enumerate(found):
        mine = np.flatnonzero(group == number)
        threshold[mine], rate[mine] = _posterior(rows.take(mine), one)
    return SurgeFit(
        groups=groups,
        group=group,
        threshold=threshold,
        pass_rate=rate,
        beta=np.array([1.0 / one.width for one in found]),
        spread=np.array([one.spread for one in found]),
        stray=np.zeros(len(groups)),
        log_likelihood=np.array([one.log_likelihood for one in found]),
        law="sweep",
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Counts of n questions at the U budgets that occur anywhere; 0 of 0 where a question was not tried."""

    budgets: FloatArray
    """``(U,)`` rising."""
    right: FloatArray
    """``(n, U)``."""
    wrong: FloatArray
    """``(n, U)``."""
    anchor: FloatArray
    """``(n,)`` log of the prediction, or 0."""

    @classmethod
    def of(
        cls,
        query: ArrayLike,
        budget: ArrayLike,
        right: ArrayLike,
        samples: ArrayLike,
        n: int,
        predicted: FloatArray | None,
    ) -> "_Rows":
        owner = np.asarray(query, dtype=np.int64)
        tokens, good, tried = (np.asarray(column, dtype=np.float64) for column in (budget, right, samples))
        if not owner.shape == tokens.shape == good.shape == tried.shape or owner.ndim != 1:
            raise InputError("query, budget, right and samples must have one entry for each row of the sweep.")
        if owner.size and not 0 <= owner.min() <= owner.max() < n:
            raise InputError(f"query must number {n} questions from 0, but reaches {owner.max()}.")
        bad = np.flatnonzero(~((good >= 0) & (good <= tried) & (tried > 0) & (tokens >= 0)))
        if bad.size:
            row = int(bad[0])
            raise InputError(
                f"Row {row} of the sweep says {good[row]:g} right of {tried[row]:g} at {tokens[row]:g} tokens; "
                "give counts from 0 to the number of samples, and budgets of 0 or more."
            )
        if not good.any():
            raise InputError("No reply in this sweep is right, so there is no surge to fit; use an easier task.")
        anchor = np.zeros(n)
        if predicted is not None:
            guess = np.asarray(predicted, dtype=np.float64)
            if guess.shape != (n,) or not (np.isfinite(guess) & (guess > 0.0)).all():
                raise InputError(f"predicted must be finite and above 0 for each of {n} questions.")
            anchor = np.log(guess)
        budgets, place = np.unique(tokens, return_inverse=True)
        cell, shape = owner * len(budgets) + place, (n, len(budgets))
        all_right = np.bincount(cell, good, minlength=n * len(budgets)).astype(np.float64).reshape(shape)
        all_tried = np.bincount(cell, tried, minlength=n * len(budgets)).astype(np.float64).reshape(shape)
        return cls(budgets, all_right, all_tried - all_right, anchor)

    def take(self, questions: IntArray) -> "_Rows":
        return _Rows(self.budgets, self.right[questions], self.wrong[questions], self.anchor[questions])


@dataclass(frozen=True, slots=True)
class _Found:
    shift: float
    spread: float
    width: float
    rate: float
    worth: float
    log_likelihood: float


def _joint(rows: _Rows, at: _Found) -> tuple[FloatArray, FloatArray]:
    """Log of prior × likelihood ``(n, T, P)`` on a grid of thresholds and pass rates, and the thresholds ``(T,)``."""
    largest = max(1.0, float(rows.budgets[-1]))
    nodes = np.geomspace(largest / 1000.0, largest, _THRESHOLDS)
    z = np.maximum(rows.budgets - nodes[:, None], 0.0) / at.width
    share = np.clip(_RATES[:, None] * (z * np.exp(1.0 - z))[:, None, :], _GUESS, 1.0 - _GUESS)
    table = np.stack([np.log(share), np.log1p(-share)]).reshape(2, -1, len(rows.budgets))
    likelihood = rows.right @ table[0].T + rows.wrong @ table[1].T
    error = (np.log(nodes) - rows.anchor[:, None] - at.shift) / at.spread
    a, b = at.rate * at.worth, (1.0 - at.rate) * at.worth
    prior_rate = (a - 1.0) * np.log(_RATES) + (b - 1.0) * np.log1p(-_RATES)
    prior_rate -= np.log(np.exp(prior_rate - prior_rate.max()).sum()) + prior_rate.max()
    prior = -0.5 * error**2
    prior -= np.log(np.exp(prior).sum(axis=1, keepdims=True) + 1e-300)
    joint: FloatArray = likelihood.reshape(-1, _THRESHOLDS, len(_RATES)) + prior[:, :, None] + prior_rate
    return joint, nodes


def _evidence(joint: FloatArray) -> float:
    flat = joint.reshape(len(joint), -1)
    top = flat.max(axis=1)
    return float((top + np.log(np.exp(flat - top[:, None]).sum(axis=1))).sum())


def _posterior(rows: _Rows, at: _Found) -> tuple[FloatArray, FloatArray]:
    """Posterior mean threshold and pass rate, both ``(n,)``."""
    joint, nodes = _joint(rows, at)
    share = np.exp(joint - joint.max(axis=(1, 2), keepdims=True))
    share /= share.sum(axis=(1, 2), keepdims=True)
    return share.sum(axis=2) @ nodes, share.sum(axis=1) @ _RATES


def _fit_group(rows: _Rows) -> _Found:
    from scipy.optimize import minimize

    tried = (rows.right + rows.wrong).sum(axis=0)
    median = max(1.0, float(np.interp(0.5, np.cumsum(tried) / tried.sum(), rows.budgets)))
    centre = float(np.log(median) - np.median(rows.anchor))

    def found(parameters: Any, log_likelihood: float = 0.0) -> _Found:
        shift, log_spread, log_width, odds, log_worth = (float(value) for value in parameters)
        width = max(1.0, median * np.exp(log_width))
        rate = 1.0 / (1.0 + np.exp(-odds))
        return _Found(centre + shift, float(np.exp(log_spread)), width, rate, float(np.exp(log_worth)), log_likelihood)

    def cost(parameters: Any) -> float:
        return -_evidence(_joint(rows, found(parameters))[0]) + 0.5 * (float(parameters[2]) / _VAGUE) ** 2

    runs = [
        minimize(cost, (-0.7, -1.0, np.log(start), 0.0, 1.0), method="L-BFGS-B", bounds=_BOUNDS) for start in _STARTS
    ]
    best = min(runs, key=lambda run: float(run.fun))
    return found(best.x, _evidence(_joint(rows, found(best.x))[0]))
