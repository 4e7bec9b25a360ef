"""The leading directions of another encoder's vectors."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder


class ReducedEncoder(AbstractEncoder):
    """Principal components of another encoder's vectors: a few hundred correlated columns are too many for trees.

    They are scaled together, so that a vector's mean square length is 1.

    Args:
        encoder: The other encoder.
        n_components: Directions to keep, at most.
    """

    def __init__(self, encoder: AbstractEncoder, n_components: int = 32) -> None:
        self.encoder = encoder
        self.n_components = n_components

    def fit(self, questions: Sequence[str], y: object = None) -> Self:
        """Learn the directions in which these questions differ most."""
        self.fit_transform(questions, y)
        return self

    def fit_transform(self, questions: Sequence[str], y: object = None) -> FloatArray:
        """Learn from the questions and return their vectors, encoding each once."""
        del y
        self.encoder_ = clone(self.encoder).fit(questions)
        vectors = self.encoder_.transform(questions)
        self.centre_ = vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
        centred = vectors - self.centre_
        with threadpool_limits(1):
            _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
        kept = min(self.n_components, int(np.count_nonzero(sizes > 1e-9 * sizes.max(initial=0.0))))
        spread = float(np.sqrt((sizes[:kept] ** 2).sum() / max(1, len(vectors))))
        self.axes_ = axes[: max(kept, 1)].T / (spread or 1.0) if len(vectors) else np.zeros((vectors.shape[1], 1))
        return np.asarray(centred @ self.axes_, dtype=np.float64)

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, n_components)`` or narrower."""
        check_is_fitted(self)
        return np.asarray((self.encoder_.transform(questions) - self.centre_) @ self.axes_, dtype=np.float64)
