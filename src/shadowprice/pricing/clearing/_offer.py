"""Standard form: a problem with weights, costs, floors and caps as a plain market of spending beyond the floors.

A query that sees λc/w for a token and holds its floor buys from the curve ψ(s) = φ(floor + s) − φ(floor) up to
cap − floor. So every solver works on n curves that begin at nothing, on what each token costs, and on what the
floors leave of the budget: max Σ wᵢψᵢ(sᵢ) with Σ cᵢsᵢ ≤ B − Σ cᵢfloorᵢ.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.curves import AbstractCurve, ShiftedSurge, Tabulated
from shadowprice.pricing._problem import Problem


@dataclass(frozen=True, slots=True, eq=False)
class Offer:
    """What n queries bid for tokens beyond their floors. Prices are utility per unit of the budget.

    Args:
        curve: the utility of tokens beyond the floors.
        weight: ``(n,)`` value of a right answer; None where all are 1 or the curve has it in already.
        cost: ``(n,)`` price of a token in the budget's unit; None where all are 1.
    """

    curve: AbstractCurve
    weight: FloatArray | None
    cost: FloatArray | None

    @classmethod
    def of(cls, problem: Problem) -> Self:
        """The standard form of a problem."""
        curve, weight = problem.curve.beyond(problem.floor, problem.cap), problem.weight
        if weight is not None and isinstance(curve, ShiftedSurge):
            curve, weight = curve.weighted(weight), None
        return cls(curve, weight, problem.cost)

    def __len__(self) -> int:
        """Number of queries, n."""
        return len(self.curve)

    @property
    def plain(self) -> bool:
        """Whether a token costs 1 and a right answer is worth 1 to all."""
        return self.weight is None and self.cost is None

    def take(self, rows: Any) -> Self:
        """The same for some of the queries, by NumPy index, slice or mask."""
        weight = None if self.weight is None else self.weight[rows]
        return type(self)(self.curve.take(rows), weight, None if self.cost is None else self.cost[rows])

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """``(n,)`` utility of tokens beyond the floors."""
        worth = self.curve.value(tokens)
        return worth if self.weight is None else self.weight * worth

    def density(self, tokens: FloatArray | IntArray) -> FloatArray:
        """``(n,)`` utility of one whole token more, per unit of the budget."""
        gain = self.curve.gain(tokens)
        gain = gain if self.weight is None else self.weight * gain
        return gain if self.cost is None else gain / self.cost

    def density_of(self, rows: IntArray, tokens: FloatArray | IntArray) -> FloatArray:
        """The same for ``(m,)`` rows, each of which may be named several times."""
        gain = self.curve.gain_of(rows, tokens)
        gain = gain if self.weight is None else self.weight[rows] * gain
        return gain if self.cost is None else gain / self.cost[rows]

    def spend(self, tokens: FloatArray | IntArray) -> FloatArray | IntArray:
        """``(n,)`` what tokens cost, in the budget's unit."""
        return tokens if self.cost is None else self.cost * tokens

    def spent(self, tokens: FloatArray | IntArray) -> float:
        """What tokens cost together, in the budget's unit."""
        return float(self.spend(tokens).sum())

    def affordable(self, money: float) -> FloatArray:
        """``(n,)`` tokens that each could buy if it had all of this."""
        return np.full(len(self), money) if self.cost is None else money / self.cost

    def committed(self, price: float) -> FloatArray:
        """``(n,)`` tokens that each buys if it is funded whatever it costs."""
        return self.curve.committed_demand(self._per_token(price))

    def demand(self, price: float) -> float:
        """What all spend together if they are funded whatever it costs, in the budget's unit."""
        if self.plain and isinstance(self.curve, Tabulated):
            return self.curve.total_demand(price)
        return self.spent(self.committed(price))

    def reservation_price(self) -> FloatArray:
        """``(n,)`` utility per unit of the budget above which a query does not buy."""
        bar = self.curve.reservation_price()
        bar = bar if self.weight is None else bar * self.weight
        return bar if self.cost is None else bar / self.cost

    def whole(self) -> Self:
        """The same queries with concave curves, as handing out whole tokens one by one needs it."""
        return self if self.curve.unimodal else type(self)(self.curve.envelope(), self.weight, self.cost)

    def first_useful(self) -> IntArray:
        """``(n,)`` the least whole number of tokens that is worth anything."""
        return np.floor(self.curve.least_tokens()).astype(np.int64) + 1

    def best_whole_within(self, tokens: FloatArray | IntArray) -> FloatArray:
        """``(n,)`` the whole number of at most these tokens that is worth most, near the fewest that are."""
        best = self.curve.best_within(tokens)
        below, above = np.floor(best), np.minimum(np.ceil(best), np.floor(tokens))
        return np.where(self.value(above) > self.value(below), above, below)

    def _per_token(self, price: float) -> FloatArray | float:
        own = price if self.cost is None else price * self.cost
        return own if self.weight is None else own / self.weight
