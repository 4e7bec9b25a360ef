"""What each source usually makes of a question, by what its text says: what it does beyond that is news.

The chance that source s answers question q right is σ(a_s + b_s θ_q), as in item response theory (Birnbaum 1968), with
θ_q the log odds that the text gives, ability a_s and discrimination b_s; log tokens are the text's, moved by c_s. What
a reply says of its question is its residual, in standard deviations.
"""

from typing import Final, NamedTuple, Self

import numpy as np
from scipy.special import expit

from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._logistic import logistic
from shadowprice.beliefs.past._cells import Cells
from shadowprice.beliefs.past._scores import Scores

_PRIOR: Final = np.array([0.0, 1.0])
_WORTH: Final = np.array([1.0, 8.0])
"""Information that ability 0 and discrimination 1 are worth: a source is like the model until it is known."""
_CLEAREST: Final = 0.1
"""Chances are kept this far from 0 and 1: one slip at the easiest question is no proof."""
_USUAL_SPREAD: Final = 0.6
"""Standard deviation of log tokens, as after `_PSEUDO` replies."""
_PSEUDO: Final = 10.0
_FARTHEST: Final = 3.0


class Residuals(NamedTuple):
    """What is new in the pasts of n questions: ``(n, C)`` each, NaN where nothing is."""

    right: FloatArray
    """Grade less expectation, in standard deviations of one reply."""
    length: FloatArray
    """Log tokens less expectation, in standard deviations."""


class Habits:
    """Ability, discrimination, length and its spread of each source; the last row stands for those who are not known.

    Args:
        sources: Number of sources, S.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(self, sources: int) -> None:
        self.chance = np.tile(_PRIOR, (sources + 1, 1))
        self.shift = np.zeros(sources + 1)
        self.spread = np.full(sources + 1, _USUAL_SPREAD)

    def fit(self, scores: Scores, cells: Cells) -> Self:
        """Learn from the pasts of n questions."""
        heard = np.zeros(len(self.shift))
        for source in range(len(self.shift) - 1):
            rows, columns = np.nonzero(cells.source == source)
            if not len(rows):
                continue
            right, count = cells.right[rows, columns], cells.count[rows, columns]
            heard[source] = count.sum()
            told = ~np.isnan(right)
            design = np.stack([np.ones(int(told.sum())), scores.logit[rows[told]]], axis=1)
            self.chance[source] = logistic(design, right[told], count[told], _PRIOR, _WORTH)
            off = cells.log_tokens[rows, columns] - self._log_tokens(scores, rows, right, cells.source[rows, columns])
            self.shift[source] = float(count @ off) / (float(count.sum()) + 1.0)
            squares = float(count @ (off - self.shift[source]) ** 2)
            self.spread[source] = np.sqrt((squares + _PSEUDO * _USUAL_SPREAD**2) / (float(count.sum()) + _PSEUDO))
        if heard.any():  # somebody new is taken for the mean of those who are known
            share = heard[:-1] / heard.sum()
            self.chance[-1] = share @ self.chance[:-1]
            self.shift[-1], self.spread[-1] = share @ self.shift[:-1], share @ self.spread[:-1]
        return self

    def check_sound(self) -> None:
        """Raise ValueError if there is not a row for each source."""
        rows = len(self.shift)
        if rows < 1 or self.chance.shape != (rows, 2) or self.shift.shape != self.spread.shape:
            raise ValueError("the habits of sources are not a row for each")

    def residuals(self, scores: Scores, cells: Cells) -> Residuals:
        """What is new in the pasts of n questions."""
        right, length = np.full(cells.source.shape, np.nan), np.full(cells.source.shape, np.nan)
        rows, columns = np.nonzero(cells.there)
        source = cells.source[rows, columns]
        grade = cells.right[rows, columns]
        chance = expected(self.chance[source, 0] + self.chance[source, 1] * scores.logit[rows])
        right[rows, columns] = standardised(grade, chance)
        usual = self._log_tokens(scores, rows, grade, source) + self.shift[source]
        off = (cells.log_tokens[rows, columns] - usual) / self.spread[source]
        length[rows, columns] = np.clip(off, -_FARTHEST, _FARTHEST)
        return Residuals(right, length)

    def _log_tokens(self, scores: Scores, rows: IntArray, right: FloatArray, source: IntArray) -> FloatArray:
        chance = expit(self.chance[source, 0] + self.chance[source, 1] * scores.logit[rows])
        share = np.where(np.isnan(right), chance, right)
        return np.asarray(share * scores.right[rows] + (1.0 - share) * scores.wrong[rows])


def expected(log_odds: FloatArray) -> FloatArray:
    """Chances, kept away from certainty."""
    return np.asarray(np.clip(expit(log_odds), _CLEAREST, 1.0 - _CLEAREST))


def standardised(right: FloatArray, chance: FloatArray) -> FloatArray:
    """(right − chance) / √(chance (1 − chance))."""
    return np.asarray((right - chance) / np.sqrt(chance * (1.0 - chance)))
