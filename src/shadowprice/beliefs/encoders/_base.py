"""The one interface of all encoders."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from shadowprice._errors import InputError
from shadowprice._types import FloatArray


class AbstractEncoder(TransformerMixin, BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """Turns questions into vectors of numbers, with scikit-learn's manners.

    Whoever writes an encoder writes `encode`; whoever uses one calls `fit` and `transform`. An encoder keeps its
    hyper-parameters and what it learnt, never a loaded model, so that it can be cloned and saved.
    """

    def fit(self, questions: Sequence[str], y: object = None) -> Self:
        """Learn nothing, unless an encoder says otherwise; never from answers."""
        del questions, y
        return self

    @abstractmethod
    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)`` of n questions, at least one."""

    def transform(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)`` of n questions, as float64.

        Raises:
            InputError: The encoder did not return one finite vector for each question.
        """
        texts = list(questions)
        vectors = np.asarray(self.encode(texts or [""]), dtype=np.float64)
        return checked_vectors(vectors, max(1, len(texts)), type(self).__name__)[: len(texts)]


def checked_vectors(vectors: FloatArray, count: int, source: str) -> FloatArray:
    """The vectors, if they are ``(count, d)`` and finite.

    Raises:
        InputError: They are not.
    """
    if vectors.ndim != 2 or len(vectors) != count or not vectors.shape[1]:
        raise InputError(f"{source} must give one vector for each of {count} questions, not shape {vectors.shape}.")
    bad = np.flatnonzero(~np.isfinite(vectors).all(axis=1))
    if bad.size:
        raise InputError(f"{source}, row {int(bad[0])}: the vector holds a number that is not finite; compute it anew.")
    return vectors
