"""What is for sale to queries that hold a floor already and may not pass a cap."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.curves._base import AbstractCurve


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Beyond(AbstractCurve):
    """ψ(s) = φ(floor + s) − φ(floor) for s up to cap − floor, and constant from there.

    Args:
        curve: φ, n queries.
        floor: ``(n,)`` tokens that they hold.
        cap: ``(n,)`` tokens that they may hold, or one number for all.
    """

    curve: AbstractCurve
    floor: FloatArray
    cap: FloatArray | float

    def __len__(self) -> int:
        """Number of queries, n."""
        return len(self.curve)

    @property
    def unimodal(self) -> bool:
        """As the curve itself: a cap or a floor cuts a piece off it."""
        return self.curve.unimodal

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """ψ(s), ``(n,)`` expected right answers beyond those of the floor."""
        return self.curve.value(np.minimum(self.floor + tokens, self.cap)) - self.curve.value(self.floor)

    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Slope to the right of ``(n,)`` tokens: 0 from the cap on."""
        held = self.floor + tokens
        return np.where(held < self.cap, self.curve.marginal(held), 0.0)

    def gain(self, tokens: FloatArray | IntArray) -> FloatArray:
        """ψ(s + 1) − ψ(s): 0 where the cap leaves no whole token more."""
        held = self.floor + tokens
        return np.where(held + 1.0 <= self.cap, self.curve.gain(held), 0.0)

    def demand(
        self, price: FloatArray | float, floor: FloatArray | None = None, cap: FloatArray | None = None
    ) -> FloatArray:
        """Tokens ``(n,)`` bought beyond the floor."""
        lower = self.floor if floor is None else self.floor + floor
        upper = self._cap() if cap is None else np.minimum(self.floor + cap, self.cap)
        return self.curve.demand(price, lower, upper) - self.floor

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """Tokens ``(n,)`` beyond the floor of a query that is funded whatever it costs."""
        if not self.curve.unimodal:
            return self.demand(np.minimum(price, self.reservation_price()))
        return np.clip(self.curve.committed_demand(price), self.floor, self._cap()) - self.floor

    def reservation_price(self, floor: FloatArray | None = None, cap: FloatArray | None = None) -> FloatArray:
        """Price ``(n,)`` above which nothing is bought beyond the floor."""
        lower = self.floor if floor is None else self.floor + floor
        return self.curve.reservation_price(
            lower, self._cap() if cap is None else np.minimum(self.floor + cap, self.cap)
        )

    def least_tokens(self) -> FloatArray:
        """``(n,)`` tokens beyond the floor that are worth no more than none."""
        return np.clip(self.curve.least_tokens(), self.floor, self._cap()) - self.floor

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""
        return type(self)(self.curve.take(rows), self.floor[rows], self._cap()[rows])

    def _cap(self) -> FloatArray:
        return np.broadcast_to(np.asarray(self.cap, dtype=np.float64), self.floor.shape)
