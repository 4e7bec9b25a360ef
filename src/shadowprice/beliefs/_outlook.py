"""What is believed of queries at any moment of their lives: the one thing that a market asks while they run."""

from abc import ABC, abstractmethod

import numpy as np

from shadowprice._types import IntArray
from shadowprice.beliefs._beliefs import Outcomes, given_running


class AbstractOutlook(ABC):
    """Beliefs about n queries that change while these run."""

    before: Outcomes
    """What was believed of each query before it ran."""

    def __len__(self) -> int:
        """Number of queries, n."""
        return len(self.before)

    @abstractmethod
    def outcomes(self, ids: IntArray, generated: IntArray) -> Outcomes:
        """What may become of some queries from here on.

        Args:
            ids: ``(m,)`` row numbers.
            generated: ``(m,)`` tokens that each has generated; it runs, so it has not ended by then.

        Returns:
            On the grid of `before`, P(right by e_j | running now) and P(finished by e_j | running now), ``(m, K)``: 0
            up to now and never falling.
        """


class Outlook(AbstractOutlook):
    """What time alone tells: the beliefs from before, given that a query has come so far."""

    def __init__(self, before: Outcomes) -> None:
        self.before = before

    def outcomes(self, ids: IntArray, generated: IntArray) -> Outcomes:
        """The outcomes of `before`, by Bayes' rule."""
        return given_running(self.before.take(ids), np.asarray(generated, dtype=np.float64))
