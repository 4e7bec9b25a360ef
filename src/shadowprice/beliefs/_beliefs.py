"""What is believed of each query."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.curves import ShiftedSurge


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Beliefs about n queries before they run: where tokens become useful, and how the surge looks from there on."""

    threshold: FloatArray
    """``(n,)`` emergence threshold τ̂, tokens; infinite for a query that is known to return nothing."""
    alpha: FloatArray
    """``(n,)`` surge rate α, utility per token."""
    beta: FloatArray
    """``(n,)`` decay β, per token."""

    def __len__(self) -> int:
        return len(self.threshold)

    @property
    def curve(self) -> ShiftedSurge:
        """The shifted surge of every query."""
        return ShiftedSurge(self.threshold, self.alpha, self.beta)

    def take(self, rows: Any) -> Self:
        """The beliefs about some of the queries, by NumPy index or mask."""
        return type(self)(self.threshold[rows], self.alpha[rows], self.beta[rows])

    @classmethod
    def certain(cls, threshold: FloatArray) -> Self:
        """Beliefs of somebody who knows where each right answer appears (infinite: nowhere); for the oracle."""
        ones = np.ones(len(threshold))
        return cls(np.asarray(threshold, dtype=np.float64), ones, ones)
