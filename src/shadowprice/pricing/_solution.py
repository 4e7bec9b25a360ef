"""What a solver returns: an allocation, its price, and a certificate of how good it is."""

from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray


class Status(Enum):
    """How a solve ended; the value is a sentence to print."""

    OPTIMAL_WITHIN_GAP = "The budget is spent at one price; no allocation can beat the dual bound."
    SATURATED = "The budget exceeds what everybody wants: the price is 0 and every query gets its peak."
    BUDGET_TOO_SMALL = "The budget does not reach the threshold of any query: nothing can be funded."
    EMPTY = "There are no queries."
    NOT_CONVERGED = "The solver stopped before it found the clearing price; report this problem as a bug."

    @property
    def ok(self) -> bool:
        """Whether the answer is what was asked for; False only if the solver gave up."""
        return self is not Status.NOT_CONVERGED


def _no_rows() -> IntArray:
    return np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """An allocation of tokens and the prices that explain it.

    Args:
        tokens: ``(n,)`` tokens per query; int64 where the problem asks for whole tokens, else float64. 0 is
            abandoned.
        price: clearing price λ, utility per token: the least price at which demand is at most the budget.
        marginal_price: what one more token would earn among the funded queries, utility per token. It differs
            from `price` because demand jumps: what the jump left over has been spent on the funded queries
            (below `price`), or they made room for one more (above it).
        utility: Σ φᵢ(tᵢ), expected right answers.
        dual_bound: Bλ + Σ max(0, Sᵢ(λ)) at `price`: no allocation is worth more.
        status: how the solve ended.
        marginal: ``(m,)`` row numbers of funded queries that `price` alone would not fund: they fill what a
            jump of the demand left over.
        evaluations: how often the demand of the market was computed.
    """

    tokens: IntArray | FloatArray
    price: float
    marginal_price: float
    utility: float
    dual_bound: float
    status: Status
    marginal: IntArray = field(default_factory=_no_rows)
    evaluations: int = 0

    @property
    def gap(self) -> float:
        """Utility that an optimal allocation could have beyond this one, at most; never negative."""
        return self.dual_bound - self.utility

    @property
    def funded(self) -> BoolArray:
        """``(n,)`` whether a query gets any tokens."""
        return self.tokens > 0
