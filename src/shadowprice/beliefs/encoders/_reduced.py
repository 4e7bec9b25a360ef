"""The leading directions of another encoder's vectors."""

from collections.abc import Sequence
from typing import Final, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from shadowprice._types import FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder

_MOST: Final = 4_000
"""Questions that directions are learnt from at most, picked at random."""
_WIDE: Final = 1_000
"""Vectors and numbers in each from which on only the leading directions are computed: all would take minutes."""
_AT_ONCE: Final = 4_096
"""Questions whose vectors are in memory at a time."""


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
        texts = list(questions)
        some = texts
        if len(texts) > _MOST:
            some = [texts[row] for row in np.sort(np.random.default_rng(0).permutation(len(texts))[:_MOST])]
        vectors = self.encoder_.transform(some)
        self.centre_ = vectors.mean(axis=0) if len(vectors) else np.zeros(vectors.shape[1])
        centred = vectors - self.centre_
        with threadpool_limits(1):
            if min(centred.shape) > _WIDE:
                _, sizes, axes = randomized_svd(centred, self.n_components, random_state=0)
            else:
                _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
        kept = min(self.n_components, int(np.count_nonzero(sizes > 1e-9 * sizes.max(initial=0.0))))
        spread = float(np.sqrt((sizes[:kept] ** 2).sum() / max(1, len(vectors))))
        self.axes_ = axes[: max(kept, 1)].T / (spread or 1.0) if len(vectors) else np.zeros((vectors.shape[1], 1))
        return self.encode(texts) if len(texts) else np.empty((0, self.axes_.shape[1]))

    def check_sound(self) -> None:
        """Raise ValueError if the directions are not those of vectors as wide as the other encoder's."""
        width = getattr(self.encoder_, "width", len(self.centre_))
        if self.centre_.shape != (width,) or self.axes_.ndim != 2 or len(self.axes_) != width:
            raise ValueError("directions of other vectors")

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, n_components)`` or narrower."""
        check_is_fitted(self)
        parts = [questions[start : start + _AT_ONCE] for start in range(0, len(questions), _AT_ONCE)]
        return np.concatenate([(self.encoder_.transform(part) - self.centre_) @ self.axes_ for part in parts])
