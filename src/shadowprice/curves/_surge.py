"""The shifted surge: nothing before the answer emerges, then a steep rise, then overthinking.

Source: Wan et al. 2026, arXiv 2606.03092.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.curves._base import AbstractCurve
from shadowprice.curves._columns import checked_price, column, columns, require
from shadowprice.curves._lambertw import lambertw0
from shadowprice.curves._threshold import AbstractThresholdCurve

# Beyond this a float64 no longer tells one token from the next.
_MOST_TOKENS = 2.0**53


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class ShiftedSurge(AbstractThresholdCurve):
    """φ(t) = α(t − τ)e^(−β(t − τ)) for t ≥ τ, else 0, for n queries.

    It peaks at t = τ + 1/β with α/(βe) and falls afterwards. Scalars stand for n equal entries.

    Args:
        threshold: ``(n,)`` emergence threshold τ, tokens, at least 0.
        alpha: ``(n,)`` surge rate α, utility per token, above 0.
        beta: ``(n,)`` decay β, per token, above 0. The peak τ + 1/β must not lie beyond 2⁵³ tokens.
        copy: whether to keep copies in float64. Otherwise one-dimensional arrays in float64 or float32 are used as
            they are, which is for markets that fill memory; whoever gives them must not change them afterwards.
            Float32 is only storage: all that is computed from it is float64.

    Raises:
        InputError: a field is not numeric, not of the others' shape, or out of range; it names the first bad
        row.
    """

    threshold: FloatArray
    alpha: FloatArray
    beta: FloatArray

    def __init__(self, threshold: ArrayLike, alpha: ArrayLike, beta: ArrayLike, *, copy: bool = True) -> None:
        fields = columns({"threshold": threshold, "alpha": alpha, "beta": beta}, copy=copy)
        tau, rate, decay = fields["threshold"], fields["alpha"], fields["beta"]
        require("threshold", tau, tau >= 0.0, "be at least 0 tokens")
        require("threshold", tau, tau <= _MOST_TOKENS, "be at most 2**53 tokens")
        require("alpha", rate, rate > 0.0, "be above 0")
        require("beta", decay, decay > 0.0, "be above 0")
        require("beta", decay, decay >= 1.0 / _MOST_TOKENS, "be at least 2**-53 per token")
        with np.errstate(over="ignore"):
            if rate.size and not np.isfinite(np.divide(rate.max(), decay.min(), dtype=np.float64)):
                height = np.divide(rate, decay, dtype=np.float64)
                require("alpha / beta", height, np.isfinite(height), "be finite")
        self._set(tau, rate, decay)

    def _set(self, threshold: FloatArray, alpha: FloatArray, beta: FloatArray) -> None:
        for name, field in (("threshold", threshold), ("alpha", alpha), ("beta", beta)):
            field.flags.writeable = False
            object.__setattr__(self, name, field)

    def _with(self, threshold: FloatArray, alpha: FloatArray, beta: FloatArray) -> Self:
        """Like the constructor, for fields that are known to be good."""
        made = object.__new__(type(self))
        made._set(threshold, alpha, beta)
        return made

    @classmethod
    def from_peak(cls, threshold: ArrayLike, peak: ArrayLike, beta: ArrayLike) -> Self:
        """A surge given the solve probability at its peak: α = p·β·e.

        Args:
            threshold: ``(n,)`` emergence threshold τ, tokens.
            peak: ``(n,)`` utility p at t = τ + 1/β, above 0.
            beta: ``(n,)`` decay β, per token.
        """
        height, decay = column("peak", peak), column("beta", beta)
        require("peak", np.atleast_1d(height), np.atleast_1d(np.isfinite(height)), "be finite")
        require("peak", np.atleast_1d(height), np.atleast_1d(height > 0.0), "be above 0")
        if height.ndim and decay.ndim and height.size != decay.size:
            raise InputError(f"peak has {height.size} entries and beta {decay.size}; they must have the same number.")
        with np.errstate(over="ignore"):  # an overflow is named as an alpha that is not finite
            alpha = height * decay * np.e
        return cls(threshold, alpha, decay)

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
        rise = np.exp(-self.beta, dtype=np.float64) + excess * np.expm1(-self.beta, dtype=np.float64)
        beyond = self.alpha * (np.exp(-decayed) * rise)
        short = held < self.threshold
        return np.where(short, self.value(held + 1.0), beyond) if short.any() else beyond

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """t*(λ) for a query that is funded whatever it costs: ``(n,)`` tokens, never below the threshold.

        This is where φ′(t) = λ; above λ = α no token pays and it is τ.
        """
        ratio = np.minimum(checked_price(price), self.alpha) / self.alpha
        return self.threshold + (1.0 - lambertw0(np.e * ratio)) / self.beta

    def peak_tokens(self) -> FloatArray:
        """τ + 1/β, ``(n,)`` tokens: where more thinking starts to hurt; the demand at price 0."""
        return self.threshold + np.divide(1.0, self.beta, dtype=np.float64)

    def beyond(self, floor: FloatArray | None, cap: FloatArray | None) -> AbstractCurve:
        """Floors before τ leave a surge with threshold τ − floor; caps beyond the peak bind nobody."""
        free = cap is None or bool((cap >= self.peak_tokens()).all())
        if not free or not (floor is None or (floor <= self.threshold).all()):
            return AbstractThresholdCurve.beyond(self, floor, cap)
        return self if floor is None else self._with(self.threshold - floor, self.alpha, self.beta)

    def weighted(self, weight: FloatArray) -> Self:
        """wφ(t): the same surges with α scaled by ``(n,)`` weights above 0."""
        return type(self)(self.threshold, self.alpha * weight, self.beta, copy=False)

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask, in float64."""
        fields = (self.threshold[rows], self.alpha[rows], self.beta[rows])
        return self._with(*(field.astype(np.float64, copy=False) for field in fields))

    def _touch(self, gap: FloatArray) -> tuple[FloatArray, FloatArray]:
        """x₀ and αe^(−βx₀)(1 − βx₀), the best utility per token: max φ(t)/t where the gap is the threshold.

        The ray touches φ at x₀ = 2g/(βg + √(β²g² + 4βg)) beyond τ, g the gap. With r = √(βg) and
        d = r + √(r² + 4) this is βx₀ = 2r/d and 1 − βx₀ = 4/d², which neither cancels nor divides 0 by 0.
        """
        root = np.sqrt(self.beta, dtype=np.float64) * np.sqrt(gap, dtype=np.float64)
        d = root + np.hypot(root, 2.0)
        decay = 2.0 * root / d
        return decay / self.beta, self.alpha * (np.exp(-decay) * (2.0 / d) ** 2)

    def _beyond_threshold(self, tokens: FloatArray | IntArray) -> tuple[FloatArray, FloatArray]:
        excess = np.maximum(np.asarray(tokens, dtype=np.float64) - self.threshold, 0.0)
        with np.errstate(over="ignore"):  # e^-750 is already 0 in float64
            return excess, np.minimum(self.beta * excess, 750.0)
