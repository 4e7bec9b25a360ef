"""What every utility curve answers, vectorised over n queries."""

from abc import ABC, abstractmethod

from shadowprice._types import FloatArray


class AbstractCurve(ABC):
    """Utility of tokens for n queries at once: what is the t-th token worth to each of them?

    Concrete curves are frozen dataclasses of ``(n,)`` arrays. A curve is 0 at 0 tokens and bounded; it need not be
    concave: below its emergence threshold a query returns nothing.
    """

    @abstractmethod
    def __len__(self) -> int:
        """Number of queries, n."""

    @abstractmethod
    def value(self, tokens: FloatArray) -> FloatArray:
        """Utility of ``(n,)`` tokens: ``(n,)`` expected right answers."""

    @abstractmethod
    def demand(self, price: float) -> FloatArray:
        """Tokens ``(n,)`` that each query buys at ``price`` (utility per token); 0 is abandonment."""

    @abstractmethod
    def reservation_price(self) -> FloatArray:
        """Price ``(n,)``, utility per token, above which a query is abandoned."""

    @abstractmethod
    def take(self, rows: object) -> "AbstractCurve":
        """The same curves for some of the queries, by NumPy index or mask."""
