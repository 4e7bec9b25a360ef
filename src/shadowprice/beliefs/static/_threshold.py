"""The paper's predictor: τ̂ = exp(f_θ(question))."""

from collections.abc import Mapping, Sequence
from typing import Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._predictor import AbstractPredictor, check_texts
from shadowprice.beliefs.encoders import AbstractEncoder
from shadowprice.beliefs.past import Past, PastModel, Scores
from shadowprice.beliefs.reading import Heard, Target, TextRegression, pooled
from shadowprice.beliefs.static._replies import past_model, replies_of
from shadowprice.beliefs.surges import SharedSurge, steady_surge


class ThresholdPredictor(AbstractPredictor):
    """Predicts emergence thresholds from question text, with one surge shared by all queries (arXiv 2606.03092, §5.1).

    f_θ regresses the log answer position on the text, over right answers only: `TextRegression`, where the paper
    fine-tunes DeBERTa-v3.

    Args:
        n_components: Directions of TF-IDF that the trees see.
        encoder: Another model's reading of the text, from `shadowprice.beliefs.encoders`; none by default.
        random_state: Seed of everything random.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move
    past_: PastModel | None = None

    def __init__(self, n_components: int = 32, encoder: AbstractEncoder | None = None, random_state: int = 0) -> None:
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
        position = self.model_.fit_unseen(known.texts, known.targets)[: len(own.texts), 0]
        self._fit_past(evidence, dict(zip(own.texts, position, strict=True)))
        position = np.exp(position)
        heard = evidence.weight > 0.0
        tokens = np.maximum(evidence.answer_tokens[heard], 1)
        surge = steady_surge(
            position[query[heard]], tokens, evidence.correct[heard], evidence.weight[heard], self.random_state
        )
        self.scale_, self.alpha_, self.beta_ = surge.scale, surge.alpha, surge.beta
        return self

    @property
    def surge_(self) -> SharedSurge:
        """The fitted shared surge."""
        check_is_fitted(self)
        return SharedSurge(self.scale_, self.alpha_, self.beta_)

    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        """Beliefs about n questions."""
        check_texts(questions)
        check_is_fitted(self)
        position = self.model_.predict(questions)[:, 0]
        if self.past_ is not None and past is not None:
            cells = self.past_.cells(questions, past)
            rows = np.flatnonzero(cells.any)
            position[rows] = self.past_.predict(_positions(position[rows]), cells.take(rows)).right
        threshold = self.scale_ * np.exp(position)
        return Beliefs(threshold, np.full(len(threshold), self.alpha_), np.full(len(threshold), self.beta_))

    def _fit_past(self, evidence: Evidence, position: Mapping[str, float]) -> None:
        """Learn what a past says of positions."""
        replies = replies_of(evidence)
        scores = _positions(np.array([position[text] for text in replies.texts]))
        found = past_model(replies, evidence, scores)
        self.past_ = None if found is None else found[0]


def _positions(log_tokens: FloatArray) -> Scores:
    """Nothing is known but log positions."""
    return Scores(np.zeros(len(log_tokens)), log_tokens, log_tokens)


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
