"""The shifted surge: nothing before the answer emerges, then a steep rise, then overthinking.

Source: Wan et al. 2026, arXiv 2606.03092.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.curves._base import AbstractCurve
from shadowprice.curves._lambertw import lambertw0

# Beyond this a float64 no longer tells one token from the next.
_MOST_TOKENS = 2.0**53


@dataclass(frozen=True, slots=True, eq=False, init=False)
class ShiftedSurge(AbstractCurve):
    """φ(t) = α(t − τ)e^(−β(t − τ)) for t ≥ τ, else 0, for n queries.

    It peaks at t = τ + 1/β with α/(βe) and falls afterwards. Scalars stand for n equal entries.

    Args:
        threshold: ``(n,)`` emergence threshold τ, tokens, at least 0.
        alpha: ``(n,)`` surge rate α, utility per token, above 0.
        beta: ``(n,)`` decay β, per token, above 0. The peak τ + 1/β must not lie beyond 2⁵³ tokens.

    Raises:
        InputError: a field is not numeric, not of the others' shape, or out of range; it names the first bad
        row.
    """

    threshold: FloatArray
    alpha: FloatArray
    beta: FloatArray

    def __init__(self, threshold: ArrayLike, alpha: ArrayLike, beta: ArrayLike) -> None:
        names = ("threshold", "alpha", "beta")
        columns = [_column(*pair) for pair in zip(names, (threshold, alpha, beta), strict=True)]
        sizes = {column.size for column in columns if column.ndim}
        if len(sizes) > 1:
            shapes = ", ".join(f"{name} {column.shape}" for name, column in zip(names, columns, strict=True))
            raise InputError(f"The fields of a curve must have one entry per query, but they are {shapes}.")
        n = sizes.pop() if sizes else 1
        for name, column in zip(names, columns, strict=True):
            field = np.full(n, column) if column.ndim == 0 else column
            _require(name, field, np.isfinite(field), "be finite")
            if name == "threshold":
                _require(name, field, field >= 0.0, "be at least 0 tokens")
                _require(name, field, field <= _MOST_TOKENS, "be at most 2**53 tokens")
            else:
                _require(name, field, field > 0.0, "be above 0")
            if name == "beta":
                _require(name, field, field >= 1.0 / _MOST_TOKENS, "be at least 2**-53 per token")
            field.flags.writeable = False
            object.__setattr__(self, name, field)
        with np.errstate(over="ignore"):
            height = self.alpha / self.beta
        _require("alpha / beta", height, np.isfinite(height), "be finite")

    @classmethod
    def from_peak(cls, threshold: ArrayLike, peak: ArrayLike, beta: ArrayLike) -> Self:
        """A surge given the solve probability at its peak: α = p·β·e.

        Args:
            threshold: ``(n,)`` emergence threshold τ, tokens.
            peak: ``(n,)`` utility p at t = τ + 1/β, above 0.
            beta: ``(n,)`` decay β, per token.
        """
        height, decay = _column("peak", peak), _column("beta", beta)
        _require("peak", np.atleast_1d(height), np.atleast_1d(np.isfinite(height)), "be finite")
        _require("peak", np.atleast_1d(height), np.atleast_1d(height > 0.0), "be above 0")
        if height.ndim and decay.ndim and height.size != decay.size:
            raise InputError(f"peak has {height.size} entries and beta {decay.size}; they must have the same number.")
        with np.errstate(over="ignore"):  # an overflow is named as an alpha that is not finite
            alpha = height * decay * np.e
        return cls(threshold, alpha, decay)

    def __len__(self) -> int:
        """Number of queries, n."""
        return self.threshold.size

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t), ``(n,)`` expected right answers for ``(n,)`` tokens."""
        excess, decayed = self._beyond_threshold(tokens)
        return self.alpha * (excess * np.exp(-decayed))

    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ′(t) = αe^(−βx)(1 − βx) with x = t − τ, ``(n,)`` utility per token; 0 before the threshold."""
        _, decayed = self._beyond_threshold(tokens)
        slope = self.alpha * (np.exp(-decayed) * (1.0 - decayed))
        return np.where(np.asarray(tokens) < self.threshold, 0.0, slope)

    def gain(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t + 1) − φ(t), ``(n,)`` utility of one whole token more.

        Beyond the threshold it is αe^(−βx)(e^(−β) + x(e^(−β) − 1)), which keeps its digits where φ changes little.
        """
        held = np.asarray(tokens, dtype=np.float64)
        excess, decayed = self._beyond_threshold(held)
        rise = np.exp(-self.beta) + excess * np.expm1(-self.beta)
        beyond = self.alpha * (np.exp(-decayed) * rise)
        short = held < self.threshold
        return np.where(short, self.value(held + 1.0), beyond) if short.any() else beyond

    def demand(self, price: FloatArray | float) -> FloatArray:
        """t*(λ) = τ + (1 − W₀(λe/α))/β up to the reservation price, else 0: ``(n,)`` tokens."""
        return np.where(_price(price) <= self.reservation_price(), self.committed_demand(price), 0.0)

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """t*(λ) for a query that is funded whatever it costs: ``(n,)`` tokens, never below the threshold.

        This is where φ′(t) = λ; above λ = α no token pays and it is τ.
        """
        ratio = np.minimum(_price(price), self.alpha) / self.alpha
        return self.threshold + (1.0 - lambertw0(np.e * ratio)) / self.beta

    def peak_tokens(self) -> FloatArray:
        """τ + 1/β, ``(n,)`` tokens: where more thinking starts to hurt; the demand at price 0."""
        return self.threshold + 1.0 / self.beta

    def reservation_tokens(self) -> FloatArray:
        """τ + x₀, ``(n,)`` tokens: where utility per token is best, so the least that a funded query buys."""
        return self.threshold + self._reservation_decay()[0] / self.beta

    def reservation_price(self) -> FloatArray:
        """The best utility per token, max φ(t)/t = αe^(−βx₀)(1 − βx₀), ``(n,)`` utility per token.

        The ray from the origin touches φ at x₀ = 2τ/(βτ + √(β²τ² + 4βτ)) beyond τ. With r = √(βτ) and
        d = r + √(r² + 4) this is βx₀ = 2r/d and 1 − βx₀ = 4/d², which neither cancels nor divides 0 by 0.
        """
        decay, rest = self._reservation_decay()
        return self.alpha * (np.exp(-decay) * rest)

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""
        return type(self)(self.threshold[rows], self.alpha[rows], self.beta[rows])

    def _beyond_threshold(self, tokens: FloatArray | IntArray) -> tuple[FloatArray, FloatArray]:
        excess = np.maximum(np.asarray(tokens, dtype=np.float64) - self.threshold, 0.0)
        with np.errstate(over="ignore"):  # e^-750 is already 0 in float64
            return excess, np.minimum(self.beta * excess, 750.0)

    def _reservation_decay(self) -> tuple[FloatArray, FloatArray]:
        root = np.sqrt(self.beta) * np.sqrt(self.threshold)
        d = root + np.hypot(root, 2.0)
        return 2.0 * root / d, (2.0 / d) ** 2


def _column(name: str, values: ArrayLike) -> FloatArray:
    try:
        column = np.array(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be a number or an array of n numbers, not {values!r}.") from error
    if column.ndim > 1:
        raise InputError(f"{name} must be a number or an array of n numbers, but its shape is {column.shape}.")
    return column


def _require(name: str, field: FloatArray, good: BoolArray, rule: str) -> None:
    if not good.all():
        row = int(np.argmin(good))
        raise InputError(f"{name} must {rule}, but row {row} is {field[row]}.")


def _price(price: FloatArray | float) -> FloatArray:
    checked = np.asarray(price, dtype=np.float64)
    if not (checked >= 0.0).all():
        raise InputError(f"A price must be at least 0 utility per token, not {price!r}.")
    return checked
