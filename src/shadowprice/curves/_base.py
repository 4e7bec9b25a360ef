"""What every utility curve answers, vectorised over n queries."""

from abc import ABC, abstractmethod
from typing import Any, Self

from shadowprice._types import FloatArray, IntArray


class AbstractCurve(ABC):
    """Utility of tokens for n queries at once: what is the t-th token worth to each of them?

    Concrete curves are frozen dataclasses of ``(n,)`` arrays. A curve is 0 at 0 tokens and bounded; it need
    not be
    concave: below its emergence threshold a query returns nothing.
    """

    __slots__ = ()

    @abstractmethod
    def __len__(self) -> int:
        """Number of queries, n."""

    @abstractmethod
    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Utility of ``(n,)`` tokens: ``(n,)`` expected right answers."""

    @abstractmethod
    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Slope of ``value`` to the right of ``(n,)`` tokens: ``(n,)``, utility per token."""

    @abstractmethod
    def demand(self, price: FloatArray | float) -> FloatArray:
        """Tokens ``(n,)`` that each query buys at ``price``; 0 is abandonment.

        ``price`` is utility per token: one for all, or ``(n,)``, one for each.
        """

    @abstractmethod
    def reservation_price(self) -> FloatArray:
        """Price ``(n,)``, utility per token, above which a query is abandoned."""

    @abstractmethod
    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""
