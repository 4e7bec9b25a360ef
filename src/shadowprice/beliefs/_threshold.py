"""The paper's predictor: τ̂ = exp(f_θ(question))."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs._base import AbstractPredictor
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._features import SurfaceFeatures
from shadowprice.beliefs._surge import SharedSurge, fit_surge

_WORDS = r"[A-Za-z]+|\d|[^\sA-Za-z\d]"
"""Words, single digits and single signs: mathematics is in the signs."""
_FEWEST = 8
"""With fewer distinct questions than this a text model has nothing to learn from; their mean is used."""


class ThresholdPredictor(AbstractPredictor):
    """Predicts emergence thresholds from question text, with one surge shared by all queries (arXiv 2606.03092, §5.1).

    f_θ is the mean of two regressors of the log answer position, trained on right answers only: ridge regression
    on TF-IDF, and gradient-boosted trees on surface features and the leading directions of TF-IDF. The paper
    fine-tunes DeBERTa-v3 for the same quantity.

    Args:
        n_components: Directions of TF-IDF that the trees see.
        random_state: Seed of everything random.
    """

    def __init__(self, n_components: int = 32, random_state: int = 0) -> None:
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, evidence: Evidence) -> Self:
        """Learn from replies, one or several per question.

        Raises:
            InputError: No reply is right.
        """
        tokens, correct = evidence.answer_tokens, evidence.correct
        texts, text = np.unique(np.asarray(evidence.questions, dtype=object), return_inverse=True)
        query = text[evidence.query]
        predicted = self._predict_unseen(list(texts), query, tokens, correct)
        surge = fit_surge(predicted, tokens, correct)
        self.model_ = _TextRegressor(self.n_components, self.random_state).fit(
            list(texts), query[correct], np.log(np.maximum(tokens[correct], 1))
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
        check_is_fitted(self)
        threshold = self.scale_ * np.exp(self.model_.predict(list(questions)))
        return Beliefs(threshold, np.full(len(threshold), self.alpha_), np.full(len(threshold), self.beta_))

    def _predict_unseen(self, texts: list[str], query: IntArray, tokens: IntArray, correct: BoolArray) -> FloatArray:
        """Answer positions ``(m,)`` predicted for each half of the questions from the other half."""
        half = np.random.default_rng(self.random_state).permutation(len(texts)) % 2
        predicted = np.empty(len(query))
        for unseen in (0, 1):
            seen_rows = correct & (half[query] != unseen)
            rows = seen_rows if seen_rows.any() else correct
            if not rows.any():
                raise InputError(
                    "No reply in these traces is right, so there is no threshold to learn; record an easier task."
                )
            model = _TextRegressor(self.n_components, self.random_state).fit(
                texts, query[rows], np.log(np.maximum(tokens[rows], 1))
            )
            target = half[query] == unseen
            predicted[target] = np.exp(model.predict(texts))[query[target]]
        return predicted


class _TextRegressor(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """f_θ: text to a real number, given ``(m,)`` targets for questions that may repeat."""

    def __init__(self, n_components: int = 32, random_state: int = 0) -> None:
        self.n_components = n_components
        self.random_state = random_state

    def fit(self, texts: list[str], query: IntArray, target: FloatArray) -> Self:
        used, row = np.unique(query, return_inverse=True)
        texts = [texts[number] for number in used]
        self.mean_ = float(target.mean())
        self.informed_ = len(texts) >= _FEWEST
        if not self.informed_:
            return self
        self.words_ = TfidfVectorizer(
            token_pattern=_WORDS, ngram_range=(1, 2), sublinear_tf=True, min_df=2, max_features=20_000
        )
        try:
            words = self.words_.fit_transform(texts)
        except ValueError:  # no word stands in two questions
            self.informed_ = False
            return self
        # A few thousand rows gain nothing from threads, and their spinning stalls when the cores are shared.
        with threadpool_limits(1):
            self._fit_words(texts, words, row, target)
        return self

    def _fit_words(self, texts: list[str], words: Any, row: IntArray, target: FloatArray) -> None:
        directions = min(self.n_components, words.shape[1] - 1, len(texts) - 1)
        self.directions_ = TruncatedSVD(max(1, directions), random_state=self.random_state).fit(words)
        self.ridge_ = Ridge(1.0).fit(words[row], target)
        self.trees_ = HistGradientBoostingRegressor(
            max_iter=150,
            learning_rate=0.05,
            max_leaf_nodes=15,
            min_samples_leaf=15,
            l2_regularization=1.0,
            random_state=self.random_state,
        )
        self.trees_.fit(self._dense(texts, words)[row], target)

    def predict(self, texts: list[str]) -> FloatArray:
        if not self.informed_ or not texts:
            return np.full(len(texts), self.mean_)
        words = self.words_.transform(texts)
        with threadpool_limits(1):
            mean = (self.ridge_.predict(words) + self.trees_.predict(self._dense(texts, words))) / 2.0
        return np.asarray(mean, dtype=np.float64)

    def _dense(self, texts: list[str], words: Any) -> FloatArray:
        return np.hstack([SurfaceFeatures().transform(texts), self.directions_.transform(words)])
