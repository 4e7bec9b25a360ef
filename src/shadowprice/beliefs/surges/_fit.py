"""A surge for every question of a recording, its group's α and β, and the accuracy that they imply."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._groups import number_groups
from shadowprice.curves import ShiftedSurge

Law = Literal["rise", "gamma", "sweep"]


@dataclass(frozen=True, slots=True)
class SurgeFit:
    """Shifted surges of n questions in g groups: α and β are the group's, τ is the question's own.

    Source of the curve: Wan et al. 2026, arXiv 2606.03092, §5.1, which has one group.
    """

    groups: tuple[str, ...]
    """``(g,)`` names."""
    group: IntArray
    """``(n,)`` group of each question."""
    threshold: FloatArray
    """``(n,)`` emergence threshold τ, tokens: its posterior mean, so shrunk to the group or to the prediction."""
    pass_rate: FloatArray
    """``(n,)`` share of replies that are right at best, shrunk to the group's: the height of the question's surge."""
    beta: FloatArray
    """``(g,)`` decay β, per token."""
    spread: FloatArray
    """``(g,)`` standard deviation of log τ in the group, or of its error where thresholds were predicted."""
    stray: FloatArray
    """``(g,)`` share of right answers that stand nowhere near their surge; 0 in a fit of a sweep."""
    log_likelihood: FloatArray
    """``(g,)`` of the right answers' positions, per group; of the counts in a fit of a sweep."""
    law: Law
    """What was fitted."""

    @property
    def alpha(self) -> FloatArray:
        """``(g,)`` surge rate α, utility per token: the group's mean pass rate × βe."""
        size = np.bincount(self.group, minlength=len(self.groups))
        height = np.bincount(self.group, self.pass_rate, minlength=len(self.groups)) / np.maximum(size, 1)
        return np.asarray(height * self.beta * np.e, dtype=np.float64)

    @property
    def curve(self) -> ShiftedSurge:
        """``n`` surges, each as high as its question's pass rate."""
        return ShiftedSurge.from_peak(self.threshold, self.pass_rate, self.beta[self.group])

    def accuracy(self, budgets: FloatArray, labels: Sequence[str] | None = None, *, forced: bool = False) -> FloatArray:
        """Expected share of right answers ``(l, K)`` when every question may use each of K budgets.

        Args:
            budgets: ``(K,)`` tokens per question.
            labels: ``(n,)`` what to average over, l kinds in order of first appearance; by default the groups of
                the fit.
            forced: Whether all tokens are spent, so that accuracy falls beyond the peak. Nobody has to: otherwise
                a question holds the tokens that are worth most within its budget (`AbstractCurve.best_within`).
        """
        names, kind = (self.groups, self.group) if labels is None else number_groups(labels, len(self.group))
        curve, size = self.curve, np.maximum(np.bincount(kind, minlength=len(names)), 1)
        rows = []
        for budget in np.asarray(budgets, dtype=np.float64):
            tokens = np.full(len(kind), budget)
            value = curve.value(tokens if forced else curve.best_within(tokens))
            rows.append(np.bincount(kind, value, minlength=len(names)) / size)
        return np.array(rows, dtype=np.float64).reshape(-1, len(names)).T
