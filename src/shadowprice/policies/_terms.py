"""What the owner of a budget asks of any policy: weights, guarantees, and that nobody is left without an answer."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.curves._columns import real


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Terms:
    """Terms for n queries.

    Args:
        n: Number of queries.
        weight: Value of a right answer, above 0: one for all or ``(n,)``.
        floor: Tokens that a query may use whatever they are worth, at least 0: one for all or ``(n,)``. They are
            bought before the market opens.
        minimum: Tokens for a short answer: no query is abandoned, each may use at least so many.

    Raises:
        InputError: A value is out of range or not of n entries; it names the first bad row.
    """

    weight: FloatArray
    """``(n,)`` value of a right answer."""
    floor: IntArray
    """``(n,)`` tokens that each query is sure of, for either reason."""
    minimum: int
    """Tokens for a short answer; 0 where queries may be abandoned."""

    def __init__(self, n: int, weight: ArrayLike = 1.0, floor: ArrayLike = 0, minimum: int = 0) -> None:
        worth = _column("weight", weight, n)
        if (bad := np.flatnonzero(~((worth > 0.0) & np.isfinite(worth)))).size:
            raise InputError(f"weight must be finite and above 0, but is {worth[bad[0]]:g} for query {bad[0]}.")
        sure = _column("floor", floor, n)
        if (bad := np.flatnonzero(~((sure >= 0.0) & (sure < 2.0**53)))).size:
            raise InputError(f"floor must be at least 0 tokens, but is {sure[bad[0]]:g} for query {bad[0]}.")
        if minimum < 0:
            raise InputError(f"The minimum is {minimum} tokens; it must be 0 or more.")
        object.__setattr__(self, "weight", worth)
        object.__setattr__(self, "floor", np.maximum(np.ceil(sure), minimum).astype(np.int64))
        object.__setattr__(self, "minimum", int(minimum))

    def __repr__(self) -> str:
        return f"Terms({len(self):,} queries, {int(self.floor.sum()):,} tokens guaranteed)"

    def __len__(self) -> int:
        return len(self.weight)

    def take(self, rows: Any) -> Self:
        """The terms of some of the queries, by NumPy index or mask."""
        return type(self)(len(self.weight[rows]), self.weight[rows], self.floor[rows], self.minimum)

    def check(self, budget: int) -> None:
        """Raise InputError if the budget does not pay for what is guaranteed."""
        fits = float(self.floor.sum(dtype=np.float64)) < 2.0**62  # else whole numbers overflow
        if (sure := sum(self.floor.tolist()) if not fits else int(self.floor.sum())) > budget:
            raise InputError(
                f"{sure} tokens are guaranteed to {np.count_nonzero(self.floor)} queries, but the budget is {budget}; "
                "raise the budget, or lower the floors or the minimum."
            )


def _column(name: str, values: ArrayLike, n: int) -> FloatArray:
    column = np.asarray(real(name, values, "numbers"), dtype=np.float64)
    if column.ndim and column.shape != (n,):
        raise InputError(f"{name} must have one entry for each of {n} queries, but its shape is {column.shape}.")
    return np.full(n, column) if column.ndim == 0 else column
