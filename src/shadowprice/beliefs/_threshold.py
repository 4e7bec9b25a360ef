"""The paper's predictor: τ̂ = exp(f_θ(question))."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs._base import AbstractPredictor, check_texts
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._encoder import Target, TextRegression
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._others import Heard, pooled
from shadowprice.beliefs._surge import SharedSurge, fit_surge

if TYPE_CHECKING:
    from shadowprice.beliefs.encoders import AbstractEncoder

_RESAMPLES = 8
"""Bootstrap samples that the shared surge is averaged over."""
_FEWEST_ROWS = 500
"""Rows of a bootstrap sample, at least, where weights say that a row stands for several replies."""


class ThresholdPredictor(AbstractPredictor):
    """Predicts emergence thresholds from question text, with one surge shared by all queries (arXiv 2606.03092, §5.1).

    f_θ regresses the log answer position on the text, over right answers only: `TextRegression`, where the paper
    fine-tunes DeBERTa-v3.

    Args:
        n_components: Directions of TF-IDF that the trees see.
        encoder: Another model's reading of the text, from `shadowprice.beliefs.encoders`; none by default.
        random_state: Seed of everything random.
    """

    def __init__(self, n_components: int = 32, encoder: "AbstractEncoder | None" = None, random_state: int = 0) -> None:
        self.n_components = n_components
        self.encoder = encoder
        self.random_state = random_state

    def fit(self, evidence: Evidence) -> Self:
        """Learn from replies, one or several per question; the surge from this model's own.

        Raises:
            InputError: No reply is right.
        """
        own, query = _heard(evidence)
        if not len(own.targets[0].rows):
            raise InputError(
                "No reply in these traces is right, so there is no threshold to learn; record an easier task."
            )
        known = pooled(own, [_heard(other)[0] for other in evidence.others])
        self.model_ = TextRegression(self.n_components, encoder=self.encoder, random_state=self.random_state)
        position = np.exp(self.model_.fit_unseen(known.texts, known.targets))
        heard = evidence.weight > 0.0
        tokens = np.maximum(evidence.answer_tokens[heard], 1)
        surge = steady_surge(
            position[query[heard], 0], tokens, evidence.correct[heard], evidence.weight[heard], self.random_state
        )
        self.scale_, self.alpha_, self.beta_ = surge.scale, surge.alpha, surge.beta
        return self

    @property
    def surge_(self) -> SharedSurge:
        """The fitted shared surge."""
        check_is_fitted(self)
        return SharedSurge(self.scale_, self.alpha_, self.beta_)

    def predict(self, questions: Sequence[str]) -> Beliefs:
        """Beliefs about n questions."""
        check_texts(questions)
        check_is_fitted(self)
        threshold = self.scale_ * np.exp(self.model_.predict(questions)[:, 0])
        return Beliefs(threshold, np.full(len(threshold), self.alpha_), np.full(len(threshold), self.beta_))


def _heard(evidence: Evidence) -> tuple[Heard, IntArray]:
    """Mean log position of the right answers to each question, and ``(m,)`` the question of each reply."""
    correct = evidence.correct & (evidence.weight > 0.0)
    texts, text = np.unique(np.asarray(evidence.questions, dtype=object), return_inverse=True)
    query = text[evidence.query]
    rows, place = np.unique(query[correct], return_inverse=True)
    weight = np.bincount(place, evidence.weight[correct]).astype(np.float64)
    position = np.log(np.maximum(evidence.answer_tokens[correct], 1))
    mean = np.bincount(place, evidence.weight[correct] * position) / weight
    return Heard([str(each) for each in texts], [Target(rows, mean, weight)]), query


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
