"""Curves that are flat up to a threshold, then concave up to a peak: what they have in common."""

from abc import abstractmethod

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.curves._base import AbstractCurve
from shadowprice.curves._columns import checked_price


class AbstractThresholdCurve(AbstractCurve):
    """φ(t) = 0 up to t = τ, concave from τ to its peak, never rising beyond it.

    A subclass says where its slope meets a price and where a ray from before the threshold touches it; floors
    and caps follow from that.
    """

    __slots__ = ()

    threshold: FloatArray

    @abstractmethod
    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """Tokens ``(n,)`` where φ′(t) = λ, from τ (where no token pays) to the peak (at price 0)."""

    @abstractmethod
    def _touch(self, gap: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The ray from ``gap`` tokens before the threshold: tokens ``(n,)`` beyond τ where it touches, its slope."""

    def __len__(self) -> int:
        """Number of queries, n."""
        return self.threshold.size

    @property
    def unimodal(self) -> bool:
        """Always: that is what these curves have in common."""
        return True

    def demand(
        self, price: FloatArray | float, floor: FloatArray | None = None, cap: FloatArray | None = None
    ) -> FloatArray:
        """Where φ′(t) = λ, within floor and cap, up to the reservation price; above it the floor: ``(n,)`` tokens."""
        price = checked_price(price)
        bar = self.reservation_price(floor, cap)
        if floor is None and cap is None:
            return np.where(price <= bar, self.committed_demand(price), 0.0)
        lower, upper = 0.0 if floor is None else floor, np.inf if cap is None else cap
        wanted = np.clip(self.committed_demand(price), lower, upper)
        return np.where((price <= bar) & (bar > 0.0), wanted, lower)

    def peak_tokens(self) -> FloatArray:
        """``(n,)`` tokens where more thinking starts to hurt; the demand at price 0."""
        return self.committed_demand(0.0)

    def least_tokens(self) -> FloatArray:
        """The threshold τ, ``(n,)`` tokens."""
        return self.threshold

    def reservation_tokens(self) -> FloatArray:
        """``(n,)`` tokens where utility per token is best, so the least that a funded query buys."""
        return self.threshold + self._touch(self.threshold)[0]

    def reservation_price(self, floor: FloatArray | None = None, cap: FloatArray | None = None) -> FloatArray:
        """The best utility per token beyond the floor, ``(n,)``, utility per token.

        * From a floor before τ it is the slope of the ray that touches the curve, from one beyond τ the slope
          at the floor, and 0 past the peak.
        * A cap short of where the ray touches leaves (φ(cap) − φ(floor))/(cap − floor).
        """
        if floor is None and cap is None:
            return self._touch(self.threshold)[1]
        lower = np.zeros(len(self)) if floor is None else floor
        excess, slope = self._touch(np.maximum(self.threshold - lower, 0.0))
        bar = np.where(lower < self.threshold, slope, np.maximum(self.marginal(lower), 0.0))
        if cap is None:
            return bar
        touch = np.maximum(self.threshold + excess, lower)
        reach = np.clip(cap, lower, touch)
        rise, run = self.value(reach) - self.value(lower), reach - lower
        chord = np.divide(rise, run, out=np.zeros(len(self)), where=run > 0.0)
        return np.where(cap > lower, np.where(cap < touch, np.maximum(chord, 0.0), bar), 0.0)
