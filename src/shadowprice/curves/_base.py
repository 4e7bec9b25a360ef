"""What every utility curve answers, vectorised over n queries."""

from abc import ABC, abstractmethod
from typing import Any, Self

import numpy as np

from shadowprice._types import FloatArray, IntArray


class AbstractCurve(ABC):
    """Utility of tokens for n queries at once: what is the t-th token worth to each of them?

    Concrete curves are frozen dataclasses of ``(n,)`` or ``(n, K)`` arrays. A curve is bounded and at least 0; it
    need not be concave: below its emergence threshold a query returns nothing.

    A query may hold tokens already, its *floor*, and may take no more than its *cap*; both are ``(n,)``, and None
    is 0 and no limit. Then only the tokens between them are for sale.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} queries)"

    @abstractmethod
    def __len__(self) -> int:
        """Number of queries, n."""

    @abstractmethod
    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Utility φ(t) of ``(n,)`` tokens: ``(n,)`` expected right answers."""

    @abstractmethod
    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Slope of ``value`` to the right of ``(n,)`` tokens: ``(n,)``, utility per token."""

    @abstractmethod
    def demand(
        self, price: FloatArray | float, floor: FloatArray | None = None, cap: FloatArray | None = None
    ) -> FloatArray:
        """Tokens ``(n,)`` that each query holds at ``price``: the best t of φ(t) − λt from floor to cap.

        The floor (0 if None) is abandonment. ``price`` is utility per token: one for all, or ``(n,)``, one for
        each.
        """

    @abstractmethod
    def reservation_price(self, floor: FloatArray | None = None, cap: FloatArray | None = None) -> FloatArray:
        """Price ``(n,)``, utility per token, above which a query is abandoned.

        It is max (φ(t) − φ(floor))/(t − floor) over t in (floor, cap], or 0 if no token pays.
        """

    @abstractmethod
    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""

    def gain(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t + 1) − φ(t), ``(n,)`` utility of one whole token more."""
        held = np.asarray(tokens, dtype=np.float64)
        return self.value(held + 1.0) - self.value(held)

    def gain_of(self, rows: IntArray, tokens: FloatArray | IntArray) -> FloatArray:
        """The same for ``(m,)`` rows, each of which may be named several times."""
        return self.take(rows).gain(tokens)

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """Tokens ``(n,)`` of a query that is funded whatever it costs; never rising with the price."""
        return self.demand(np.minimum(price, self.reservation_price()))

    def peak_tokens(self) -> FloatArray:
        """``(n,)`` tokens beyond which more thinking is worth nothing; the demand at price 0."""
        return self.demand(0.0)

    def reservation_tokens(self) -> FloatArray:
        """``(n,)`` tokens where utility per token is best, so the least that a funded query buys."""
        return self.demand(self.reservation_price())

    def least_tokens(self) -> FloatArray:
        """``(n,)`` tokens that are worth no more than none."""
        return np.zeros(len(self))

    def best_within(self, tokens: FloatArray | IntArray) -> FloatArray:
        """At most these ``(n,)`` tokens, as many as are worth most."""
        return np.minimum(tokens, self.peak_tokens())

    def envelope(self) -> "AbstractCurve":
        """Curves that gain less with every whole token beyond `least_tokens`, at least as high as these.

        Whole tokens are handed out by their gains, which such curves make optimal; this one is taken to be so.
        """
        return self

    def straight(self, tokens: FloatArray | IntArray) -> tuple[FloatArray, FloatArray]:
        """Between which tokens, ``(n,)`` and ``(n,)``, each curve is known to be a straight line around so many."""
        held = np.asarray(tokens, dtype=np.float64)
        return held, held

    def beyond(self, floor: FloatArray | None, cap: FloatArray | None) -> "AbstractCurve":
        """What is for sale to queries that hold a floor and may take a cap, as curves of their own.

        They count tokens and utility from the floor on: ψ(s) = φ(floor + s) − φ(floor) for s ≤ cap − floor.
        """
        if floor is None and cap is None:
            return self
        from shadowprice.curves._beyond import Beyond

        return Beyond(self, np.zeros(len(self)) if floor is None else floor, np.inf if cap is None else cap)

    @property
    def unimodal(self) -> bool:
        """Whether each curve is flat up to its threshold, concave from there to its peak, and then never rises."""
        return False
