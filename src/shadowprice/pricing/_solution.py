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
    RATIONED = "The price ceiling is below the clearing price: queries are rationed by surplus per unit of budget."
    INFEASIBLE = "The guaranteed floors cost more than the budget; raise the budget or lower the floors."
    EMPTY = "There are no queries."
    NOT_CONVERGED = "The solver stopped before it found the clearing price; report this problem as a bug."

    @property
    def ok(self) -> bool:
        """Whether the answer is what was asked for; False if there is none or the solver gave up."""
        return self not in (Status.NOT_CONVERGED, Status.INFEASIBLE)


def _no_rows() -> IntArray:
    return np.empty(0, dtype=np.int64)


def _no_path() -> FloatArray:
    return np.empty((0, 2))


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """An allocation of tokens and the prices that explain it.

    Args:
        tokens: ``(n,)`` tokens per query, floors included; int64 where the problem asks for whole tokens, else
            float64. 0 is abandoned. All are 0 if not even the floors can be paid.
        price: market price λ, utility per unit of the budget: the least price at which demand is at most the
            budget, or the problem's price ceiling where that is lower.
        marginal_price: what one more unit of the budget would earn among the funded queries. It differs from
            `price` because demand jumps: what the jump left over has been spent on the funded queries (below
            `price`), or they made room for one more (above it).
        utility: Σ wᵢφᵢ(tᵢ), expected right answers by their weights.
        dual_bound: Bλ + Σ max over t of wᵢφᵢ(t) − λcᵢ·(t − floorᵢ) at `price`, B beyond the floors: no allocation
            is worth more.
        status: how the solve ended.
        marginal: ``(m,)`` row numbers of queries that `price` alone would treat otherwise: they fill what a jump
            of the demand left over, or gave way to queries that make more of it.
        evaluations: how often the demand of the market was computed.
        path: ``(rounds, 2)`` prices asked by an auction and the demand at each, in the budget's unit; rising in
            price, falling in demand, the last one at `price`. Without an auction it has no rows.
    """

    tokens: IntArray | FloatArray
    price: float
    marginal_price: float
    utility: float
    dual_bound: float
    status: Status
    marginal: IntArray = field(default_factory=_no_rows)
    evaluations: int = 0
    path: FloatArray = field(default_factory=_no_path)

    def __repr__(self) -> str:
        funded = np.count_nonzero(self.funded)
        return (
            f"Solution({self.tokens.sum():,.10g} tokens for {funded:,} of {len(self.tokens):,} queries, "
            f"price={self.price:.4g}, utility={self.utility:.6g}, gap={self.gap:.2g}, {self.status.name})"
        )

    @property
    def gap(self) -> float:
        """Utility that an optimal allocation could have beyond this one, at most; never negative."""
        return self.dual_bound - self.utility

    @property
    def funded(self) -> BoolArray:
        """``(n,)`` whether a query gets any tokens."""
        return self.tokens > 0
