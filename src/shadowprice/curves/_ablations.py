"""Two simpler surges, the paper's ablations (Wan et al. 2026, arXiv 2606.03092): what does the shape matter?"""

from dataclasses import dataclass
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._types import FloatArray, IntArray
from shadowprice.curves._columns import checked_price, columns, require
from shadowprice.curves._threshold import AbstractThresholdCurve

_Curve = TypeVar("_Curve", bound=AbstractThresholdCurve)


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class Triangular(AbstractThresholdCurve):
    """A straight rise from 0 at τ to p at τ + a, then a straight fall to 0 at τ + a + b. Scalars stand for n entries.

    Args:
        threshold: ``(n,)`` emergence threshold τ, tokens, at least 0.
        peak: ``(n,)`` utility p at the peak, above 0.
        rise: ``(n,)`` a, tokens from the threshold to the peak, above 0.
        fall: ``(n,)`` b, tokens from the peak to where nothing is left, above 0; the same as ``rise`` if None.

    Raises:
        InputError: a field is not numeric, not of the others' shape, or out of range; it names the first bad row.
    """

    threshold: FloatArray
    peak: FloatArray
    rise: FloatArray
    fall: FloatArray

    def __init__(self, threshold: ArrayLike, peak: ArrayLike, rise: ArrayLike, fall: ArrayLike | None = None) -> None:
        _set(self, threshold=threshold, peak=peak, rise=rise, fall=rise if fall is None else fall)

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """p·min(x/a, (a + b − x)/b) with x = t − τ, at least 0: ``(n,)`` expected right answers."""
        excess = np.asarray(tokens, dtype=np.float64) - self.threshold
        share = np.minimum(excess / self.rise, (self.rise - excess) / self.fall + 1.0)
        return self.peak * np.maximum(share, 0.0)

    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """p/a on the rise, −p/b on the fall, else 0: ``(n,)`` utility per token."""
        excess = np.asarray(tokens, dtype=np.float64) - self.threshold
        slope = np.where(excess < self.rise, self.peak / self.rise, -self.peak / self.fall)
        return np.where((excess < 0.0) | (excess >= self.rise + self.fall), 0.0, slope)

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """All of the rise up to the price p/a, else nothing of it: ``(n,)`` tokens."""
        return self.threshold + np.where(checked_price(price) <= self.peak / self.rise, self.rise, 0.0)

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""
        return _take(self, rows)

    def _touch(self, gap: FloatArray) -> tuple[FloatArray, FloatArray]:
        return self.rise, self.peak / (gap + self.rise)


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class Quadratic(AbstractThresholdCurve):
    """p·(2x/a − x²/a²) with x = t − τ: a parabola from 0 at τ to p at τ + a and back to 0 at τ + 2a.

    Scalars stand for n equal entries.

    Args:
        threshold: ``(n,)`` emergence threshold τ, tokens, at least 0.
        peak: ``(n,)`` utility p at the peak, above 0.
        rise: ``(n,)`` a, tokens from the threshold to the peak, above 0.

    Raises:
        InputError: a field is not numeric, not of the others' shape, or out of range; it names the first bad row.
    """

    threshold: FloatArray
    peak: FloatArray
    rise: FloatArray

    def __init__(self, threshold: ArrayLike, peak: ArrayLike, rise: ArrayLike) -> None:
        _set(self, threshold=threshold, peak=peak, rise=rise)

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t), ``(n,)`` expected right answers; 0 outside of the parabola."""
        share = np.clip(self._share(tokens), 0.0, 2.0)
        return self.peak * (share * (2.0 - share))

    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ′(t) = 2p(1 − x/a)/a on the parabola, else 0: ``(n,)`` utility per token."""
        share = self._share(tokens)
        slope = 2.0 * self.peak / self.rise * (1.0 - share)
        return np.where((share < 0.0) | (share >= 2.0), 0.0, slope)

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """τ + a(1 − λa/2p), ``(n,)`` tokens; τ where λ is more than the steepest slope 2p/a."""
        steepest = 2.0 * self.peak / self.rise
        return self.threshold + self.rise * (1.0 - np.minimum(checked_price(price), steepest) / steepest)

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""
        return _take(self, rows)

    def _touch(self, gap: FloatArray) -> tuple[FloatArray, FloatArray]:
        """x₀ = √(g² + 2ag) − g, written so that it does not cancel, g the gap."""
        root = np.sqrt(gap) * np.sqrt(gap + 2.0 * self.rise)
        excess = np.divide(2.0 * self.rise * gap, gap + root, out=np.zeros_like(gap), where=gap > 0.0)
        # 1 − x₀/a = a/(a + g + root): the slope keeps its digits where x₀ comes near a.
        return excess, 2.0 * self.peak / (self.rise + gap + root)

    def _share(self, tokens: FloatArray | IntArray) -> FloatArray:
        return (np.asarray(tokens, dtype=np.float64) - self.threshold) / self.rise


def _set(curve: AbstractThresholdCurve, **given: ArrayLike) -> None:
    for name, field in columns(given).items():
        if name == "threshold":
            require(name, field, field >= 0.0, "be at least 0 tokens")
        else:
            require(name, field, field > 0.0, "be above 0")
        if name != "peak":
            require(name, field, field <= 2.0**53, "be at most 2**53 tokens")
        field.flags.writeable = False
        object.__setattr__(curve, name, field)


def _take(curve: _Curve, rows: Any) -> _Curve:
    made = object.__new__(type(curve))
    name: str
    for name in type(curve).__slots__:
        field = getattr(curve, name)[rows]
        field.flags.writeable = False
        object.__setattr__(made, name, field)
    return made
