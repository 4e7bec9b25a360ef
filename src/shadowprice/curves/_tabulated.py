"""Measured or expected curves: values at some token counts, straight lines between them."""

from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

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

    tokens: FloatArray
    values: FloatArray
    _corners: FloatArray
    _heights: FloatArray
    _slopes: FloatArray
    _root: "Tabulated | None"
    """The curves that these are some of."""
    _turning: FloatArray | None
    """What `turning_prices` has found."""

    def __init__(self, tokens: ArrayLike, values: ArrayLike) -> None:
        grid, worth = _table("tokens", tokens), np.atleast_2d(_table("values", values))
        if grid.ndim == 1:
            grid = np.tile(grid, (len(worth), 1))
        if grid.shape != worth.shape or not grid.shape[1]:
            raise InputError(
                f"tokens and values must have K > 0 points each, but they are {grid.shape}, {worth.shape}."
            )
        _require_rows("tokens", grid, np.isfinite(grid) & (grid >= 0.0) & (grid <= 2.0**53), "be from 0 to 2**53")
        _require_rows("tokens", grid[:, 1:], np.diff(grid) > 0.0, "rise from point to point")
        _require_rows("values", worth, np.isfinite(worth) & (worth >= 0.0), "be finite and at least 0")
        if (grid[:, 0] > 0.0).any():
            # A row that begins at 0 already has its first point twice then; interpolation does not mind.
            start = np.where(grid[:, :1] > 0.0, 0.0, worth[:, :1])
            grid, worth = np.hstack([np.zeros_like(start), grid]), np.hstack([start, worth])
        self._set(grid, worth, *_envelope(grid, worth))

    def _set(self, *fields: FloatArray) -> None:
        for name, field in zip(("tokens", "values", "_corners", "_heights", "_slopes"), fields, strict=True):
            field.flags.writeable = False
            object.__setattr__(self, name, field)
        object.__setattr__(self, "_root", None)
        object.__setattr__(self, "_turning", None)

    def __len__(self) -> int:
        """Number of queries, n."""
        return len(self.tokens)

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t), ``(n,)`` expected right answers, by linear interpolation."""
        worth: FloatArray = _compiled().values_at(
            self.tokens, self.values, np.arange(len(self)), _each(tokens, len(self))
        )
        return worth

    def gain(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t + 1) − φ(t), ``(n,)`` utility of one whole token more."""
        return self.gain_of(np.arange(len(self)), tokens)

    def gain_of(self, rows: IntArray, tokens: FloatArray | IntArray) -> FloatArray:
        """The same for ``(m,)`` rows, each of which may be named several times."""
        more: FloatArray = _compiled().gains_at(self.tokens, self.values, rows, _each(tokens, len(rows)))
        return more

    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Slope of the line to the right of ``(n,)`` tokens, utility per token; 0 beyond the grid."""
        slope: FloatArray = _compiled().slopes_at(self.tokens, self.values, _each(tokens, len(self)))
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

    def turning_prices(self) -> FloatArray:
        """All prices at which some demand steps down, rising, utility per token; between them none changes.

        Some of these curves know the prices of all, which were sorted once.
        """
        if self._root is not None:
            return self._root.turning_prices()
        if self._turning is None:
            object.__setattr__(self, "_turning", np.unique(self._slopes[self._slopes > 0.0]))
            assert self._turning is not None
        return self._turning

    def reservation_price(self, floor: FloatArray | None = None, cap: FloatArray | None = None) -> FloatArray:
        """Slope of the envelope's first line, ``(n,)`` utility per token, at least 0."""
        if floor is not None or cap is not None:
            return self.beyond(floor, cap).reservation_price()
        return np.maximum(self._slopes[:, 0], 0.0) if self._slopes.shape[1] else np.zeros(len(self))

    def best_within(self, tokens: FloatArray | IntArray) -> FloatArray:
        """The fewest of at most these ``(n,)`` tokens that are worth most."""
        best: FloatArray = _compiled().best_within(self.tokens, self.values, _each(tokens, len(self)))
        return best

    def beyond(self, floor: FloatArray | None, cap: FloatArray | None) -> "AbstractCurve":
        """The part of the table between floor and cap, with an envelope of its own."""
        if floor is None and cap is None:
            return self
        lower = np.zeros(len(self)) if floor is None else np.asarray(floor, dtype=np.float64)
        upper = np.maximum(np.inf if cap is None else cap, lower)
        upper = np.minimum(upper, np.maximum(self.tokens[:, -1], lower))
        ends = np.column_stack([lower, upper])
        grid = np.hstack([np.clip(self.tokens, lower[:, np.newaxis], upper[:, np.newaxis]), ends])
        grid.sort(axis=1)
        worth = np.column_stack([self.value(points) for points in grid.T]) - self.value(lower)[:, np.newaxis]
        grid = grid - lower[:, np.newaxis]
        return self._with(grid, worth, *_envelope(grid, worth))

    def envelope(self) -> "Tabulated":
        """The least concave, never falling curves above these, as tables of their corners."""
        heights = np.maximum.accumulate(self._heights, axis=1)
        return self._with(self._corners, heights, self._corners, self._heights, self._slopes)

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""
        made = self._with(*(field[rows] for field in self._fields()))
        object.__setattr__(made, "_root", self if self._root is None else self._root)
        return made

    def _corner(self, price: FloatArray | float, *, committed: bool) -> FloatArray:
        own = _each(checked_price(price), len(self))
        corner: FloatArray = _compiled().corners_at(self._corners, self._slopes, own, committed)
        return corner

    def _fields(self) -> tuple[FloatArray, ...]:
        return self.tokens, self.values, self._corners, self._heights, self._slopes

    def _with(self, *fields: FloatArray) -> Self:
        made = object.__new__(type(self))
        made._set(*fields)
        return made


def _compiled() -> ModuleType:
    """The passes over rows; Numba takes half a second to import, which curves without tables need not pay."""
    from shadowprice.curves import _table_rows

    return _table_rows


def _each(numbers: FloatArray | IntArray | float, n: int) -> FloatArray:
    """``(n,)`` numbers, or one for all, as compiled code needs them: it does not check sizes."""
    return np.ascontiguousarray(np.broadcast_to(np.asarray(numbers, dtype=np.float64), (n,)))


def _envelope(grid: FloatArray, worth: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Corners of the upper concave envelopes: tokens ``(n, V)``, values, and the falling slopes ``(n, V - 1)``.

    A monotone chain (Andrew 1979) that treats all rows at once; the last corner is repeated to fill a row.
    """
    n, size = grid.shape
    row = np.arange(n)
    stack, top = np.zeros((n, size), dtype=np.int64), np.zeros(n, dtype=np.int64)
    for point in range(1, size):
        rows = row
        while rows.size:
            rows = rows[top[rows] > 0]
            here, before = stack[rows, top[rows]], stack[rows, top[rows] - 1]
            steep = (worth[rows, here] - worth[rows, before]) * (grid[rows, point] - grid[rows, here])
            flat = (worth[rows, point] - worth[rows, here]) * (grid[rows, here] - grid[rows, before])
            rows = rows[steep <= flat]
            top[rows] -= 1
        new = grid[:, point] > grid[row, stack[row, top]]
        top += new
        stack[row, top] = np.where(new, point, stack[row, top])
    used = np.minimum(np.arange(int(top.max(initial=0)) + 1), top[:, np.newaxis])
    corner = np.take_along_axis(stack, used, axis=1)
    corners, heights = np.take_along_axis(grid, corner, axis=1), np.take_along_axis(worth, corner, axis=1)
    width = np.diff(corners)
    return corners, heights, np.divide(np.diff(heights), width, out=np.full(width.shape, -1.0), where=width > 0.0)


def _table(name: str, values: ArrayLike) -> FloatArray:
    table = real(name, values, "an array of numbers, (K,) or (n, K)").astype(np.float64)
    if table.ndim not in (1, 2):
        raise InputError(f"{name} must be (K,) or (n, K) numbers, but its shape is {table.shape}.")
    return table


def _require_rows(name: str, table: FloatArray, good: "np.ndarray[Any, np.dtype[np.bool_]]", rule: str) -> None:
    if not good.all():
        row, point = np.unravel_index(int(np.argmin(good)), good.shape)
        raise InputError(f"{name} must {rule}, but in row {row} there is {table[row, point]}.")
