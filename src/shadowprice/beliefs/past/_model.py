"""From what the text of a question says to what its past says as well."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.beliefs._logistic import logistic
from shadowprice.beliefs.past._cells import Cells
from shadowprice.beliefs.past._habits import Habits, expected, standardised
from shadowprice.beliefs.past._past import Past
from shadowprice.beliefs.past._scores import Scores
from shadowprice.beliefs.past._similarity import Similarity

_START: Final = np.array([0.0, 1.0, 2.0, 0.0])
"""Log odds are level + keep × the text's + what the past says of being right, and of being long. A residual of one
standard deviation is worth 1/√(p(1−p)), some two, of log odds."""
_WORTH: Final = np.array([2.0, 8.0, 2.0, 8.0])
_START_AT: Final = np.array([0.0, 0.0, 0.0, 1.0])
"""Log tokens are the text's + level + slope × the text's + what the past says of being right, and of being long."""
_WORTH_AT: Final = np.array([2.0, 20.0, 20.0, 4.0])
_USUAL_NOISE: Final = 0.36


class Told(NamedTuple):
    """What became of n replies of the model."""

    right: FloatArray
    """``(n,)`` whether it was right."""
    log_tokens: FloatArray
    """``(n,)`` log tokens up to the end of its answer if right, else of all of it."""
    weight: FloatArray
    """``(n,)`` what it counts."""
    judged: FloatArray
    """``(n,)`` what it counts for whether it is right: less than `weight` if it was cut off before it could be told."""


class PastModel:
    """Moves the scores of a text by what earlier replies to the question say.

    What is new in an earlier reply is its residual (`Habits`); what the residuals of all say of the model's own next
    reply is their best linear prediction (`Similarity`), once of being right and once of being long. Regressions that
    begin with what that should mean move log odds and log tokens by it.

    Args:
        model: Whose replies are predicted; its own earlier replies are told by this name.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(self, model: str = "") -> None:
        self.model = model

    def fit(self, scores: Scores, cells: Cells, told: Told, sources: Sequence[str]) -> Self:
        """Learn from n replies, each with the past that its question had by then.

        Args:
            scores: What the text of each reply's question says, by a model that has not learnt from it.
            cells: Its past, with sources numbered as `numbered` does.
            told: What became of it.
            sources: Who is in the pasts, beside the model itself.
        """
        self.sources = [name for name in sources if name != self.model]
        self.habits = Habits(len(self.sources) + 1).fit(scores, cells)
        news = self.habits.residuals(scores, cells)
        chance = expected(scores.logit)
        right = np.where(told.judged > 0.0, standardised(told.right, chance), np.nan)
        self.spread = self._spread(scores, told)
        usual = np.where(told.right > 0.5, scores.right, scores.wrong)
        off = np.where(told.weight > 0.0, np.clip((told.log_tokens - usual) / self.spread, -3.0, 3.0), np.nan)
        size = len(self.sources) + 1
        self.by_right = Similarity(size).fit(right, cells.source, cells.age, news.right, cells.count)
        self.by_length = Similarity(size).fit(off, cells.source, cells.age, news.length, cells.count)
        u, v = self._news(scores, cells)
        design = np.stack([np.ones(len(u)), scores.logit, u, v], axis=1)
        self.chance = logistic(design, told.right, told.judged, _START, _WORTH)
        self.right = self._located(scores.right, u, v, told.log_tokens, told.weight * (told.right > 0.5))
        self.wrong = self._located(scores.wrong, u, v, told.log_tokens, told.weight * (told.right <= 0.5))
        return self

    def check_sound(self) -> None:
        """Raise ValueError if its parts are about different sources."""
        rows = len(self.sources) + 2
        parts = (self.habits.shift, self.by_right.common, self.by_length.common)
        if {len(part) for part in parts} != {rows} or any(
            theta.shape != (4,) for theta in (self.chance, self.right, self.wrong)
        ):
            raise ValueError("a model of the past is about different sources than its parts")

    def numbered(self) -> dict[str, int]:
        """Numbers of the sources, the model itself first."""
        return {name: number for number, name in enumerate([self.model, *self.sources])}

    def cells(self, questions: Sequence[str], past: Past | None) -> Cells:
        """The pasts of n questions, as `predict` takes them."""
        return Cells.of(questions, past, self.numbered())

    def predict(self, scores: Scores, cells: Cells) -> Scores:
        """Scores of n questions with what their pasts say."""
        u, v = self._news(scores, cells)
        logit = np.stack([np.ones(len(u)), scores.logit, u, v], axis=1) @ self.chance
        moved = [
            at + np.stack([np.ones(len(u)), at - self.centre, u, self.spread * v], axis=1) @ theta
            for at, theta in ((scores.right, self.right), (scores.wrong, self.wrong))
        ]
        return Scores(logit, *moved)

    def _news(self, scores: Scores, cells: Cells) -> tuple[FloatArray, FloatArray]:
        news = self.habits.residuals(scores, cells)
        return (
            self.by_right.predict(cells.source, cells.age, news.right, cells.count),
            self.by_length.predict(cells.source, cells.age, news.length, cells.count),
        )

    def _spread(self, scores: Scores, told: Told) -> float:
        self.centre = float(np.average(scores.right)) if len(scores.right) else 0.0
        usual = np.where(told.right > 0.5, scores.right, scores.wrong)
        squares = float(told.weight @ (told.log_tokens - usual) ** 2)
        return float(np.sqrt((squares + 10.0 * _USUAL_NOISE) / (float(told.weight.sum()) + 10.0)))

    def _located(
        self, at: FloatArray, u: FloatArray, v: FloatArray, log_tokens: FloatArray, weight: FloatArray
    ) -> FloatArray:
        """Least squares that starts from what the past should mean."""
        design = np.stack([np.ones(len(u)), at - self.centre, u, self.spread * v], axis=1)
        off = log_tokens - at
        gram = design.T @ (weight[:, None] * design) + np.diag(_WORTH_AT)
        return np.asarray(np.linalg.solve(gram, design.T @ (weight * off) + _WORTH_AT * _START_AT))
