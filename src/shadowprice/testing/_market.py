"""A problem as its queries see it: what they hold, what they see for prices, what they want."""

from collections.abc import Iterator

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.pricing import Problem


class Market:
    """The demand side of a problem, told with the curve's own methods; prices are per unit of the budget."""

    def __init__(self, problem: Problem) -> None:
        n = len(problem.curve)
        self.problem, self.curve = problem, problem.curve
        self.weight = np.ones(n) if problem.weight is None else problem.weight
        self.cost = np.ones(n) if problem.cost is None else problem.cost
        self.floor = np.zeros(n) if problem.floor is None else problem.floor
        self.cap = np.full(n, np.inf) if problem.cap is None else problem.cap
        self.budget = problem.budget - problem.spent(self.floor)
        """What the floors leave of the budget."""

    def __len__(self) -> int:
        return len(self.curve)

    def worth(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Weighted utility of ``(n,)`` tokens."""
        return self.weight * self.curve.value(tokens)

    def gain(self, tokens: FloatArray) -> FloatArray:
        """Weighted utility of one whole token more, per unit of the budget."""
        return self.weight * (self.curve.value(tokens + 1.0) - self.curve.value(tokens)) / self.cost

    def slope(self, tokens: FloatArray) -> FloatArray:
        """Weighted slope, per unit of the budget."""
        return self.weight * self.curve.marginal(tokens) / self.cost

    def reservation_price(self) -> FloatArray:
        """``(n,)`` price above which nothing is bought beyond the floor."""
        return self.curve.reservation_price(self.problem.floor, self.problem.cap) * self.weight / self.cost

    def demand(self, price: float) -> FloatArray:
        """``(n,)`` tokens held at a price."""
        return self.curve.demand(price * self.cost / self.weight, self.problem.floor, self.problem.cap)

    def committed(self, price: float) -> FloatArray:
        """``(n,)`` tokens held at a price by who buys in any case."""
        bar = self.curve.reservation_price(self.problem.floor, self.problem.cap)
        return self.curve.demand(np.minimum(price * self.cost / self.weight, bar), self.problem.floor, self.problem.cap)

    def spending(self, tokens: FloatArray) -> float:
        """What tokens cost beyond the floors."""
        return float((self.cost * (tokens - self.floor)).sum())

    def whole(self, tokens: FloatArray) -> FloatArray:
        """Rounded down where tokens come whole."""
        return np.floor(tokens) if self.problem.integer else tokens


def first_row(broken: BoolArray, sentence: str, **numbers: FloatArray | IntArray) -> Iterator[str]:
    """A complaint about the first broken row, with its numbers."""
    if broken.any():
        row = int(np.argmax(broken))
        shown = ", ".join(f"{name} {column[row]:.17g}" for name, column in numbers.items())
        yield f"row {row}: {sentence}: {shown}; {int(broken.sum())} such rows"
