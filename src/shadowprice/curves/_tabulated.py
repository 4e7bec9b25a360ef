"""Measured or expected curves: values at some token counts, straight lines between them."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.curves._base import AbstractCurve
from shadowprice.curves._columns import checked_price, real


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class Tabulated(AbstractCurve):
    """Values at the points of a token grid, linear between them and constant beyond the last.

    A grid that does not begin at 0 tokens is taken to begin there with value 0. A query buys the points of its
    upper concave envelope; what lies below the envelope is never the best buy at any price.

    Args:
        tokens: grid, tokens, at least 0 and rising: ``(K,)`` for all queries, or ``(n, K)``.
        values: ``(n, K)`` utility at its points, finite and at least 0; ``(K,)`` for one query.

    Raises:
        InputError: a grid does not rise, a value is out of range, or shapes differ; it names the first bad row.
    """

    _table: "_Table"
    """Of these and others."""
    _rows: IntArray
    """``(n,)`` rows of the table that are theirs."""

    def __init__(self, tokens: ArrayLike, values: ArrayLike) -> None:
        grid, worth = _table("tokens", tokens), np.atleast_2d(_table("values", values))
        shared = grid.ndim == 1
        if (len(worth) if shared else len(grid), grid.shape[-1]) != worth.shape or not grid.size:
            each = (len(worth), *grid.shape) if shared else grid.shape
            raise InputError(f"tokens and values must have K > 0 points each, but they are {each}, {worth.shape}.")
        grid = np.atleast_2d(grid)
        _require_rows("tokens", grid, np.isfinite(grid) & (grid >= 0.0) & (grid <= 2.0**53), "be from 0 to 2**53")
        _require_rows("tokens", grid[:, 1:], np.diff(grid) > 0.0, "rise from point to point")
        _require_rows("values", worth, np.isfinite(worth) & (worth >= 0.0), "be finite and at least 0")
        if (grid[:, 0] > 0.0).any():
            # A row that begins at 0 already has its first point twice then; interpolation does not mind.
            start = np.where(grid[:, :1] > 0.0, 0.0, worth[:, :1])
            grid, worth = np.hstack([np.zeros((len(grid), 1)), grid]), np.hstack([start, worth])
        self._set(_Table.of(grid, worth), np.arange(len(worth)))

    def _set(self, table: "_Table", rows: IntArray) -> None:
        object.__setattr__(self, "_table", table)
        object.__setattr__(self, "_rows", rows)

    def __len__(self) -> int:
        """Number of queries, n."""
        return len(self._rows)

    @property
    def tokens(self) -> FloatArray:
        """``(n, K)`` grid, tokens."""
        grid = self._table.tokens
        return np.broadcast_to(grid, (len(self), grid.shape[1])) if len(grid) == 1 else self._own(grid)

    @property
    def values(self) -> FloatArray:
        """``(n, K)`` utility at its points."""
        return self._own(self._table.values)

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t), ``(n,)`` expected right answers, by linear interpolation."""
        table = self._table
        worth: FloatArray = _compiled().values_at(table.tokens, table.values, self._rows, _each(tokens, len(self)))
        return worth

    def gain(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t + 1) − φ(t), ``(n,)`` utility of one whole token more."""
        return self.gain_of(np.arange(len(self)), tokens)

    def gain_of(self, rows: IntArray, tokens: FloatArray | IntArray) -> FloatArray:
        """The same for ``(m,)`` rows, each of which may be named several times."""
        table, own = self._table, self._rows[rows]
        more: FloatArray = _compiled().gains_at(table.tokens, table.values, own, _each(tokens, len(own)))
        return more

    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Slope of the line to the right of ``(n,)`` tokens, utility per token; 0 beyond the grid."""
        table = self._table
        slope: FloatArray = _compiled().slopes_at(table.tokens, table.values, self._rows, _each(tokens, len(self)))
        return slope

    def demand(
        self, price: FloatArray | float, floor: FloatArray | None = None, cap: FloatArray | None = None
    ) -> FloatArray:
        """The last corner of the envelope with at least the price as slope before it: ``(n,)`` tokens."""
        if floor is not None or cap is not None:
            lower = 0.0 if floor is None else floor
            return lower + self.beyond(floor, cap).demand(price)
        return self._corner(price, committed=False)

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """The same with at least the first line bought: ``(n,)`` tokens."""
        return self._corner(price, committed=True)

    def total_demand(self, price: float) -> float:
        """Σ `committed_demand`, tokens."""
        table = self._table
        return float(_compiled().demand_of(table.tokens, table.corners, table.slopes, self._rows, price))

    def least_price(self, budget: float, start: float, bracket: tuple[float, float] | None = None) -> tuple[float, int]:
        """The least price, utility per token, at which `total_demand` is at most a budget.

        Args:
            budget: Tokens; at price 0 demand is above it, and at some price it is not.
            start: A price to begin from, above 0.
            bracket: A price at which it is above and one at which it is not, if known.

        Returns:
            The price, and how often demand was computed. Demand falls just above certain prices, the slopes of
            envelopes, so that it takes few.
        """
        table, steps = self._table, 0
        market = table.tokens, table.corners, table.slopes
        if bracket is None:
            low, high, steps = _compiled().bracket_of(*market, self._rows, budget, start)
        else:
            low, high = bracket
        doubt, turning = np.empty(len(self), np.int64), np.empty(len(self) * table.slopes.shape[1])
        rows, count, rest = _compiled().slopes_between(*market, self._rows, low, high, doubt, turning)
        rising = np.sort(turning[:count])
        place, tried = _compiled().first_within(*market, doubt[:rows], rising, rest, budget)
        price = np.nextafter(rising[place], np.inf) if place < count else high
        return float(price), steps + tried

    def split(self, low: float, high: float, weight: FloatArray, cost: FloatArray) -> "Split":
        """Which queries buy the same whole tokens at two prices, and what.

        Args:
            low: Utility per unit of the budget.
            high: The same, above it.
            weight: ``(n,)`` value of a right answer, or one for all, ``(1,)``.
            cost: ``(n,)`` price of a token in the budget's unit, or one for all, ``(1,)``.
        """
        table, n = self._table, len(self)
        undecided, tokens = np.empty(n, np.int64), np.zeros(n)
        count, *sums = _compiled().split(
            *(table.tokens, table.values, table.corners, table.slopes),
            *(self._rows, weight, cost, low, high, undecided, tokens),
        )
        return Split(undecided[:count], tokens, *sums)

    def reservation_price(self, floor: FloatArray | None = None, cap: FloatArray | None = None) -> FloatArray:
        """Slope of the envelope's first line, ``(n,)`` utility per token, at least 0."""
        if floor is not None or cap is not None:
            return self.beyond(floor, cap).reservation_price()
        slopes = self._table.slopes
        return np.maximum(slopes[self._rows, 0], 0.0) if slopes.shape[1] else np.zeros(len(self))

    def best_within(self, tokens: FloatArray | IntArray) -> FloatArray:
        """The fewest of at most these ``(n,)`` tokens that are worth most."""
        table = self._table
        best: FloatArray = _compiled().best_within(table.tokens, table.values, self._rows, _each(tokens, len(self)))
        return best

    def beyond(self, floor: FloatArray | None, cap: FloatArray | None) -> "AbstractCurve":
        """The part of the table between floor and cap, with an envelope of its own."""
        if floor is None and cap is None and not self._table.given:
            return self
        lower = np.zeros(len(self)) if floor is None else np.asarray(floor, dtype=np.float64)
        upper = np.maximum(np.inf if cap is None else cap, lower)
        tokens = self.tokens
        upper = np.minimum(upper, np.maximum(tokens[:, -1], lower))
        ends = np.column_stack([lower, upper])
        grid = np.hstack([np.clip(tokens, lower[:, np.newaxis], upper[:, np.newaxis]), ends])
        grid.sort(axis=1)
        worth = np.column_stack([self.value(points) for points in grid.T]) - self.value(lower)[:, np.newaxis]
        grid = grid - lower[:, np.newaxis]
        return self._with(_Table.of(grid, worth), np.arange(len(worth)))

    def straight(self, tokens: FloatArray | IntArray) -> tuple[FloatArray, FloatArray]:
        """The points of the grid at or before and after ``(n,)`` tokens; the last one twice beyond it."""
        held = _each(tokens, len(self))
        before, after = _compiled().points_around(self._table.tokens, self._rows, held)
        return before, after

    def envelope(self) -> "Tabulated":
        """The least concave, never falling curves above these, as tables of their corners."""
        table = self._table
        corners = self._own(table.corners).astype(np.int64)
        tokens, heights = (np.take_along_axis(field, corners, axis=1) for field in (self.tokens, self.values))
        worth = np.maximum.accumulate(heights, axis=1)
        return self._with(_Table.of(tokens, worth), np.arange(len(self)))

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask; no table is copied."""
        return self._with(self._table, self._rows[rows])

    def _own(self, field: NDArray[Any]) -> NDArray[Any]:
        whole = len(self._rows) == len(field) and bool((self._rows == np.arange(len(field))).all())
        return field if whole else field[self._rows]

    def _corner(self, price: FloatArray | float, *, committed: bool) -> FloatArray:
        own = np.atleast_1d(checked_price(price))
        own = own if own.size == 1 else _each(own, len(self))
        table = self._table
        corner: FloatArray = _compiled().corners_at(
            table.tokens, table.corners, table.slopes, self._rows, own, committed
        )
        return corner

    def _with(self, table: "_Table", rows: IntArray) -> Self:
        made = object.__new__(type(self))
        made._set(table, rows)
        return made


class Split(NamedTuple):
    """Queries at two prices."""

    undecided: IntArray
    """``(m,)`` rows that do not buy the same, or no whole tokens."""
    tokens: FloatArray
    """``(n,)`` what the others buy; 0 for the undecided."""
    spent: float
    """What that costs, in the budget's unit."""
    utility: float
    """What it is worth, by their weights."""
    spent_at_low: float
    """What all would spend at the lower price."""
    spent_at_high: float
    """What all would spend at the higher price."""


class _Table(NamedTuple):
    """Points of N curves, and the corners of their envelopes, which are found once."""

    tokens: FloatArray
    """``(1, K)`` for all, or ``(N, K)``."""
    values: FloatArray
    """``(N, K)``."""
    corners: NDArray[np.signedinteger[Any]]
    """``(N, V)`` numbers of the points that are corners; the last one is repeated to fill a row."""
    slopes: FloatArray
    """``(N, V - 1)`` of the lines between them, falling; −1 after the last."""
    given: bool
    """Whether any is worth something without a token."""

    @classmethod
    def of(cls, tokens: FloatArray, values: FloatArray) -> "_Table":
        tokens, values = np.ascontiguousarray(tokens), np.ascontiguousarray(values)
        n, points = values.shape
        kind = np.int16 if points < 2**15 else np.int32
        corners, slopes = np.empty((n, points), kind), np.empty((n, points - 1))
        most = max(1, _compiled().envelopes(tokens, values, corners, slopes))
        corners, slopes = corners[:, :most].copy(), slopes[:, : most - 1].copy()
        for field in (tokens, values, corners, slopes):
            field.flags.writeable = False
        return cls(tokens, values, corners, slopes, bool((values[:, 0] > 0.0).any()))


def _compiled() -> ModuleType:
    """The passes over rows; Numba takes half a second to import, which curves without tables need not pay."""
    from shadowprice.curves import _table_rows

    return _table_rows


def _each(numbers: FloatArray | IntArray | float, n: int) -> FloatArray:
    """``(n,)`` numbers, or one for all, as compiled code needs them: it does not check sizes."""
    found = np.ascontiguousarray(numbers, dtype=np.float64)
    return found if found.shape == (n,) else np.ascontiguousarray(np.broadcast_to(np.asarray(numbers, float), (n,)))


def _table(name: str, values: ArrayLike) -> FloatArray:
    table = real(name, values, "an array of numbers, (K,) or (n, K)").astype(np.float64)
    if table.ndim not in (1, 2):
        raise InputError(f"{name} must be (K,) or (n, K) numbers, but its shape is {table.shape}.")
    return table


def _require_rows(name: str, table: FloatArray, good: "np.ndarray[Any, np.dtype[np.bool_]]", rule: str) -> None:
    if not good.all():
        row, point = np.unravel_index(int(np.argmin(good)), good.shape)
        raise InputError(f"{name} must {rule}, but in row {row} there is {table[row, point]}.")
