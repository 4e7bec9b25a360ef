"""How much sources have in common beyond what a text says, and what the residuals of some say of another's.

A residual of source s on a question is signal and noise. Signals are Gaussian with covariance Σ over sources; that of
one source with itself is what two of its own replies have in common. Signals of replies that lie Δ apart share e^{−κΔ}
of it. The best linear prediction of the model's own next residual (Henderson 1975) is then Σ_t (Σ + N)⁻¹ r, with N the
noise of a mean of as many replies as were heard. It takes any number of replies of anybody.

Σ is estimated from products of residuals, pair by pair, and drawn to the mean of all pairs by as much as few products
deserve: partial pooling.
"""

from typing import Final, Self

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray

MODEL: Final = 0
"""Number of the source that is the model itself, whose next reply is predicted."""
_COMMON: Final = 0.3
"""What two models have in common, and …"""
_SELF: Final = 0.5
"""… what two replies of one have, before anything is known."""
_PSEUDO: Final = 20.0
"""Products of residuals that these are worth; to the mean of all pairs, each is drawn by as many."""
_LEAST_NOISE: Final = 0.05
_FORGETTING: Final = (0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2)
"""κ that are tried, in units of one over the mean distance of ages."""
_AT_ONCE: Final = 1 << 22
"""Entries of the systems of equations that are solved at a time."""


class Similarity:
    """Σ over sources, and κ; the last source stands for those who are not known.

    Args:
        sources: Number of known sources, S; the model itself is number 0.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(self, sources: int) -> None:
        self.common = np.full((sources + 1, sources + 1), _COMMON)
        np.fill_diagonal(self.common, _SELF)
        self.forgetting = 0.0

    def fit(self, own: FloatArray, source: IntArray, age: FloatArray, residual: FloatArray, count: FloatArray) -> Self:
        """Learn from residuals of n replies of the model ``(n,)`` and of the pasts of their questions ``(n, C)``.

        Args:
            own: The reply's own residual; NaN where it does not count.
            source: Who replied before; below 0 in empty cells.
            age: How long ago.
            residual: Mean residual of the cell.
            count: Replies that it is a mean of.
        """
        n = len(own)
        source = np.hstack([np.zeros((n, 1), np.int64), source])
        age = np.hstack([np.zeros((n, 1)), age])
        residual = np.hstack([own[:, None], residual])
        count = np.hstack([np.ones((n, 1)), count])
        pairs = _products(source, age, residual)
        self.forgetting = _forgetting(*pairs, len(self.common))
        total, weight = _sums(*pairs, self.forgetting, len(self.common))
        mine, heard = _with_itself(source, residual, count, len(self.common))
        np.fill_diagonal(total, np.diag(total) + mine)
        np.fill_diagonal(weight, np.diag(weight) + heard)
        self.common = _drawn(total, weight)
        return self

    def check_sound(self) -> None:
        """Raise ValueError if Σ is no square table."""
        if self.common.ndim != 2 or len(set(self.common.shape)) != 1 or not np.isfinite(self.common).all():
            raise ValueError("what sources have in common is no square table")

    def predict(self, source: IntArray, age: FloatArray, residual: FloatArray, count: FloatArray) -> FloatArray:
        """The model's own next residual ``(n,)``, 0 for questions without a past."""
        n, width = source.shape
        found = np.zeros(n)
        there = (source >= 0) & ~np.isnan(residual)
        step = max(1, _AT_ONCE // max(1, width * width))
        for start in range(0, n, step):
            part = slice(start, start + step)
            rows = np.flatnonzero(there[part].any(axis=1)) + start
            if len(rows):
                found[rows] = self._best(source[rows], age[rows], residual[rows], count[rows], there[rows])
        return found

    def _best(
        self, source: IntArray, age: FloatArray, residual: FloatArray, count: FloatArray, there: BoolArray
    ) -> FloatArray:
        known = np.where(there, source, 0)
        lag = np.abs(age[:, :, None] - age[:, None, :])
        shared = self.common[known[:, :, None], known[:, None, :]] * np.exp(-self.forgetting * lag)
        both = there[:, :, None] & there[:, None, :]
        shared = np.where(both, shared, 0.0)
        own = np.diag(self.common)[known]
        noise = np.where(there, (1.0 - own) / np.maximum(count, 1e-3), 1.0)
        place = np.arange(source.shape[1])
        shared[:, place, place] += noise
        heard = np.where(there, residual, 0.0)
        solved = np.linalg.solve(shared, heard[:, :, None])[:, :, 0]
        to_model = np.where(there, self.common[MODEL, known] * np.exp(-self.forgetting * age), 0.0)
        return np.asarray((solved * to_model).sum(axis=1))


def _products(source: IntArray, age: FloatArray, residual: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    """Products of the residuals of two cells of one question: ``(2, p)`` sources, distances of ages, products."""
    there = (source >= 0) & ~np.isnan(residual)
    first, second = np.triu_indices(source.shape[1], 1)
    pairs, lags, products = [np.zeros((2, 0), np.int64)], [np.zeros(0)], [np.zeros(0)]
    for one, other in zip(first, second, strict=True):
        rows = np.flatnonzero(there[:, one] & there[:, other])
        pairs.append(np.stack([source[rows, one], source[rows, other]]))
        lags.append(np.abs(age[rows, one] - age[rows, other]))
        products.append(residual[rows, one] * residual[rows, other])
    return np.concatenate(pairs, axis=1), np.concatenate(lags), np.concatenate(products)


def _sums(
    pair: IntArray, lag: FloatArray, product: FloatArray, forgetting: float, sources: int
) -> tuple[FloatArray, FloatArray]:
    """Σ by least squares is the first over the second, ``(S, S)`` each."""
    kept = np.exp(-forgetting * lag)
    total, weight = np.zeros((sources, sources)), np.zeros((sources, sources))
    np.add.at(total, (pair[0], pair[1]), kept * product)
    np.add.at(weight, (pair[0], pair[1]), kept * kept)
    apart = np.triu(total, 1) + np.tril(total, -1).T
    heard = np.triu(weight, 1) + np.tril(weight, -1).T
    return apart + apart.T + np.diag(np.diag(total)), heard + heard.T + np.diag(np.diag(weight))


def _forgetting(pair: IntArray, lag: FloatArray, product: FloatArray, sources: int) -> float:
    """κ that leaves the smallest squared error; 0 if all is of one age, or nothing is gained by forgetting."""
    mean = float(lag.mean()) if len(lag) else 0.0
    if mean <= 0.0:
        return 0.0
    errors = []
    for candidate in _FORGETTING:
        common = _drawn(*_sums(pair, lag, product, candidate / mean, sources))
        errors.append(float(((product - common[pair[0], pair[1]] * np.exp(-candidate / mean * lag)) ** 2).sum()))
    return _FORGETTING[int(np.argmin(errors))] / mean


def _with_itself(
    source: IntArray, residual: FloatArray, count: FloatArray, sources: int
) -> tuple[FloatArray, FloatArray]:
    """What means of several replies say of Σ_ss: E[r²] = Σ_ss + (1 − Σ_ss)/k, by least squares; ``(S,)`` each."""
    several = (source >= 0) & ~np.isnan(residual) & (count > 1.0)
    number, share = source[several], 1.0 - 1.0 / count[several]
    off = residual[several] ** 2 - (1.0 - share)
    total = np.bincount(number, share * off, minlength=sources)
    return total.astype(np.float64), np.bincount(number, share * share, minlength=sources).astype(np.float64)


def _drawn(total: FloatArray, weight: FloatArray) -> FloatArray:
    """Σ, each entry drawn to the mean of its kind, and all of it to a covariance that can be."""
    sources = len(total)
    same = np.eye(sources, dtype=np.bool_)
    prior = np.where(same, _SELF, _COMMON)
    for kind in (same, ~same):
        prior[kind] = (total[kind].sum() + _PSEUDO * prior[kind][0]) / (weight[kind].sum() + _PSEUDO)
    common = (total + _PSEUDO * prior) / (weight + _PSEUDO)
    np.fill_diagonal(common, np.clip(np.diag(common), 0.0, 1.0 - _LEAST_NOISE))
    values, vectors = np.linalg.eigh(common)
    common = (vectors * np.maximum(values, 0.0)) @ vectors.T
    np.fill_diagonal(common, np.minimum(np.diag(common), 1.0 - _LEAST_NOISE))
    return np.asarray(common)
