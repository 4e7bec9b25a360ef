"""The shared text encoder, and regression on it: what every predictor of ours reads a question with."""

# mypy: disable-error-code="untyped-decorator"

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.utils.extmath import randomized_svd
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits

from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs.encoders import AbstractEncoder, ReducedEncoder
from shadowprice.beliefs.reading._forest import Forest, grow_forest
from shadowprice.beliefs.reading._ngrams import NgramEncoder
from shadowprice.beliefs.reading._surface import SURFACE_FEATURES, SURFACE_GROUPS, SurfaceFeatures

GROUPS = ("words", "characters", "directions", *SURFACE_GROUPS)
"""Groups of features: TF-IDF of words and of characters for the linear part, its directions for the trees, and surface
features for both."""
_LARGEST_FEATURE = 4.0
"""Standard deviations at which a surface feature is clipped, for the linear model."""
_FEWEST = 8
"""With fewer questions than this a regression has nothing to learn from; the mean is used."""
_PENALTY = 3.0
_SURFACE_LENGTH = 0.9
"""Typical length of a question's surface features beside its TF-IDF rows, whose length is 1."""
_READING_LENGTH = 1.5
"""Typical length of what another model reads, beside the same."""
_DIRECTIONS_READ = 64
"""Directions of that which the linear part sees; trees see the first `n_components`."""
_FOLDS = 5
_CHUNK = 256


class Target(NamedTuple):
    """What one regression learns."""

    rows: IntArray
    """``(r,)`` the texts that it learns from, distinct."""
    value: FloatArray
    """``(r,)`` the number to predict."""
    weight: FloatArray
    """``(r,)`` what each row counts."""


class TextRegression(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Several regressions on one encoding of the text.

    Each is a quarter ridge regression, on TF-IDF of words and of characters and on surface features, and three quarters
    extremely randomised trees (Geurts, Ernst and Wehenkel 2006), on surface features and on the leading directions of
    the TF-IDF (latent semantic analysis).

    Args:
        n_components: Directions of TF-IDF that the trees see.
        n_trees: Trees of each regression.
        linear_share: Share of the linear part in the mean.
        groups: Groups of features to use, of `GROUPS`.
        encoder: Another model's reading of the text (`shadowprice.beliefs.encoders`), whose leading directions the
            trees see as well.
        random_state: Seed of everything random.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(
        self,
        n_components: int = 32,
        n_trees: int = 200,
        linear_share: float = 0.25,
        groups: Sequence[str] = GROUPS,
        encoder: AbstractEncoder | None = None,
        random_state: int = 0,
    ) -> None:
        self.n_components = n_components
        self.n_trees = n_trees
        self.linear_share = linear_share
        self.groups = groups
        self.encoder = encoder
        self.random_state = random_state

    def fit(self, texts: Sequence[str], targets: Sequence[Target]) -> Self:
        """Learn; see `fit_unseen`."""
        self.fit_unseen(texts, targets)
        return self

    def fit_unseen(self, texts: Sequence[str], targets: Sequence[Target]) -> FloatArray:
        """Learn, and say what would have been predicted of each text by models that had not learnt from it.

        Args:
            texts: ``(n,)`` distinct questions.
            targets: ``(H,)`` what to learn.

        Returns:
            ``(n, H)`` predictions: out of fold by the linear part, out of bag by the trees. Only the encoding, which
            knows no answers, has seen the text itself.
        """
        # A few thousand rows gain nothing from threads, and their spinning stalls when the cores are shared.
        with threadpool_limits(1):
            sparse, surface, axes, reading = self._fit_encoding(list(texts))
            projected = np.asarray(sparse @ axes, dtype=np.float32)
            dense, linear = self._dense(surface, projected, reading), self._linear(surface, reading)
            unseen = np.empty((len(texts), len(targets)))
            coefficients = []
            self.forests_: list[Forest] = []
            self.mean_ = np.zeros(len(targets))
            self.slope_ = np.zeros((linear.shape[1], len(targets)))
            for number, target in enumerate(targets):
                unseen[:, number], coefficient = self._fit_target(number, target, sparse, linear, dense)
                coefficients.append(coefficient)
        self.heads_ = np.hstack([axes, *[column[:, None] for column in coefficients]]).astype(np.float32)
        return unseen

    def predict(self, texts: Sequence[str]) -> FloatArray:
        """Predictions ``(n, H)``."""
        check_is_fitted(self)
        parts = [self._predict(texts[start : start + _CHUNK]) for start in range(0, len(texts), _CHUNK)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.mean_)))

    def check_sound(self) -> None:
        """Raise ValueError if compiled code could leave an array."""
        columns = sum(encoder.n_features_ for encoder in self._encoders())
        if self.heads_.ndim != 2 or len(self.heads_) != columns or self.heads_.dtype != np.float32:
            raise ValueError("a text regression's weights do not fit its vocabulary")
        width = self.n_directions_ + len(self._kept())
        width += 0 if self.reading_ is None else min(self.n_components, self.reading_.axes_.shape[1])
        if any(forest.columns > max(width, 1) for forest in self.forests_):
            raise ValueError("a forest asks for features that are not there")

    def _fit_encoding(self, texts: list[str]) -> tuple[csr_array, FloatArray, FloatArray, FloatArray]:
        self.reading_ = None if self.encoder is None else ReducedEncoder(self.encoder, _DIRECTIONS_READ)
        reading = np.empty((len(texts), 0)) if self.reading_ is None else self.reading_.fit_transform(texts)
        self.words_ = NgramEncoder("words", 1, 2)
        self.characters_ = NgramEncoder("characters", 2, 5)
        rows = [encoder.fit(texts).transform(texts) for encoder in self._encoders()]
        sparse = csr_array(hstack([csr_array((len(texts), 0)), *rows], format="csr"))
        surface = self._surface(texts)
        flat = np.log1p(surface)
        self.centre_ = flat.mean(axis=0)
        self.spread_ = np.maximum(flat.std(axis=0), 1e-6)
        self.n_directions_ = max(0, min(self.n_components, sparse.shape[1] - 1, len(texts) - 1))
        if "directions" not in self.groups:
            self.n_directions_ = 0
        axes = np.empty((sparse.shape[1], 0))
        if self.n_directions_:
            axes = randomized_svd(sparse, self.n_directions_, random_state=self.random_state)[2].T
        return sparse, surface, axes, reading

    def _encoders(self) -> list[NgramEncoder]:
        return [getattr(self, f"{unit}_") for unit in ("words", "characters") if unit in self.groups]

    def _surface(self, texts: Sequence[str]) -> FloatArray:
        if not len(self._kept()):
            return np.empty((len(texts), 0))
        surface = SurfaceFeatures().transform(texts)
        return surface if len(self._kept()) == surface.shape[1] else surface[:, self._kept()]

    def _kept(self) -> list[int]:
        """Columns of the surface features that are used."""
        names = {name for group in SURFACE_GROUPS if group in self.groups for name in SURFACE_GROUPS[group]}
        return [column for column, name in enumerate(SURFACE_FEATURES) if name in names]

    def _read(self, texts: Sequence[str]) -> FloatArray:
        """What the other model makes of the texts: ``(n, d)``, of mean length 1; no columns without one."""
        return np.empty((len(texts), 0)) if self.reading_ is None else self.reading_.transform(texts)

    def _linear(self, surface: FloatArray, reading: FloatArray) -> FloatArray:
        """Surface features, and what another model reads, as the linear model takes them."""
        scaled = (np.log1p(surface) - self.centre_) / self.spread_
        scale = _SURFACE_LENGTH / np.sqrt(max(1, surface.shape[1]))
        flat = np.clip(scaled, -_LARGEST_FEATURE, _LARGEST_FEATURE) * scale
        return np.hstack([flat, _READING_LENGTH * reading])

    def _dense(self, surface: FloatArray, projected: FloatArray, reading: FloatArray) -> NDArray[np.float32]:
        """What the trees see; a column of zeros where they see nothing."""
        dense = np.hstack([surface, projected[:, : self.n_directions_], reading[:, : self.n_components]])
        return np.ascontiguousarray(dense if dense.shape[1] else np.zeros((len(dense), 1)), dtype=np.float32)

    def _fit_target(
        self, number: int, target: Target, sparse: csr_array, linear: FloatArray, dense: NDArray[np.float32]
    ) -> tuple[FloatArray, FloatArray]:
        rows, value, weight = target
        mean = float(np.average(value, weights=weight)) if weight.sum() > 0 else 0.0
        self.mean_[number] = mean
        unseen = np.full(len(dense), mean)
        coefficient = np.zeros(sparse.shape[1])
        self.forests_.append(_no_forest(mean))
        if len(rows) < _FEWEST or np.ptp(value) == 0.0:
            return unseen, coefficient
        design = csr_array(hstack([sparse, csr_array(linear)], format="csr"))
        fold = np.random.default_rng(self.random_state).permutation(len(rows)) % _FOLDS
        by_line = np.empty(len(rows))
        for held_out in range(_FOLDS):
            seen = fold != held_out
            by_line[~seen] = _ridge(design[rows[seen]], value[seen], weight[seen]).predict(design[rows[~seen]])
        line = _ridge(design[rows], value, weight)
        forest, by_trees = grow_forest(dense[rows], value, weight, self.n_trees, self.random_state)
        self.forests_[-1] = forest
        unseen[:] = self.linear_share * line.predict(design) + (1.0 - self.linear_share) * forest.predict(dense)
        unseen[rows] = self.linear_share * by_line + (1.0 - self.linear_share) * by_trees
        coefficient[:] = line.coef_[: sparse.shape[1]]
        self.slope_[:, number] = line.coef_[sparse.shape[1] :]
        self.mean_[number] = float(line.intercept_)
        return unseen, coefficient

    def _predict(self, texts: Sequence[str]) -> FloatArray:
        surface = self._surface(texts)
        projected = np.zeros((len(texts), self.heads_.shape[1]), np.float32)
        first = 0
        for encoder in self._encoders():
            columns, values, ends = encoder.encode(texts)
            _add_projection(columns, values, ends, self.heads_[first:], projected)
            first += encoder.n_features_
        reading = self._read(texts)
        line = projected[:, self.n_directions_ :] + self._linear(surface, reading) @ self.slope_ + self.mean_
        dense = self._dense(surface, projected, reading)
        trees = np.stack([forest.predict(dense) for forest in self.forests_], axis=1)
        return np.asarray(self.linear_share * line + (1.0 - self.linear_share) * trees, dtype=np.float64)


def _ridge(design: Any, value: FloatArray, weight: FloatArray) -> Any:
    return Ridge(_PENALTY, solver="sparse_cg").fit(design, value, sample_weight=weight)


def _no_forest(mean: float) -> Forest:
    """One leaf."""
    one = np.zeros(1)
    return Forest(
        one.astype(np.int64), one.astype(np.int32) - 1, one.astype(np.float32), one.astype(np.int32),
        np.full(1, mean, np.float32), 1,
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _add_projection(columns: Any, values: Any, ends: Any, heads: Any, out: Any) -> None:
    for row in range(len(ends) - 1):
        for at in range(ends[row], ends[row + 1]):
            for head in range(heads.shape[1]):
                out[row, head] += np.float32(values[at]) * heads[columns[at], head]
