"""Batches whose queries have different kinds of curves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.curves._base import AbstractCurve
from shadowprice.curves._columns import real


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class Mixed(AbstractCurve):
    """Several curves as one: each part answers for its own rows.

    Args:
        parts: curves of any kind.
        rows: for each part its ``(m,)`` row numbers, all together 0 … n − 1; one part after the other if None.

    Raises:
        InputError: a part is no curve, or the rows are not each number from 0 to n − 1 once.
    """

    parts: tuple[AbstractCurve, ...]
    rows: tuple[IntArray, ...]

    def __init__(self, parts: Sequence[AbstractCurve], rows: Sequence[Any] | None = None) -> None:
        for part in parts:
            if not isinstance(part, AbstractCurve):
                raise InputError(f"Each part of a Mixed must be an AbstractCurve, not {type(part).__name__}.")
        sizes = [len(part) for part in parts]
        if rows is None:
            rows = np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1]) if sizes else []
        numbers = [_whole(own) for own in rows]
        together = np.sort(np.concatenate(numbers)) if numbers else np.empty(0, dtype=np.int64)
        if [own.size for own in numbers] != sizes or not np.array_equal(together, np.arange(sum(sizes))):
            raise InputError(
                f"The rows of a Mixed must be the numbers from 0 to {sum(sizes) - 1}, each once, and as many for each "
                f"part as it has queries: {sizes}."
            )
        object.__setattr__(self, "parts", tuple(parts))
        object.__setattr__(self, "rows", tuple(numbers))

    def __len__(self) -> int:
        """Number of queries, n."""
        return sum(len(part) for part in self.parts)

    @property
    def unimodal(self) -> bool:
        """Whether all parts are."""
        return all(part.unimodal for part in self.parts)

    def value(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t), ``(n,)`` expected right answers for ``(n,)`` tokens."""
        return self._scatter(lambda part, held: part.value(held), tokens)

    def marginal(self, tokens: FloatArray | IntArray) -> FloatArray:
        """Slope to the right of ``(n,)`` tokens, utility per token."""
        return self._scatter(lambda part, held: part.marginal(held), tokens)

    def gain(self, tokens: FloatArray | IntArray) -> FloatArray:
        """φ(t + 1) − φ(t), ``(n,)`` utility of one whole token more."""
        return self._scatter(lambda part, held: part.gain(held), tokens)

    def demand(
        self, price: FloatArray | float, floor: FloatArray | None = None, cap: FloatArray | None = None
    ) -> FloatArray:
        """Tokens ``(n,)`` that each query holds at ``price``."""
        return self._scatter(lambda part, *given: part.demand(*given), _each(price, len(self)), floor, cap)

    def committed_demand(self, price: FloatArray | float) -> FloatArray:
        """Tokens ``(n,)`` of a query that is funded whatever it costs."""
        return self._scatter(lambda part, own: part.committed_demand(own), _each(price, len(self)))

    def reservation_price(self, floor: FloatArray | None = None, cap: FloatArray | None = None) -> FloatArray:
        """Price ``(n,)``, utility per token, above which a query is abandoned."""
        return self._scatter(lambda part, *given: part.reservation_price(*given), floor, cap)

    def peak_tokens(self) -> FloatArray:
        """``(n,)`` tokens beyond which more thinking is worth nothing."""
        return self._scatter(lambda part: part.peak_tokens())

    def reservation_tokens(self) -> FloatArray:
        """``(n,)`` tokens where utility per token is best."""
        return self._scatter(lambda part: part.reservation_tokens())

    def least_tokens(self) -> FloatArray:
        """``(n,)`` tokens that are worth no more than none."""
        return self._scatter(lambda part: part.least_tokens())

    def best_within(self, tokens: FloatArray | IntArray) -> FloatArray:
        """At most these ``(n,)`` tokens, as many as are worth most."""
        return self._scatter(lambda part, limit: part.best_within(limit), tokens)

    def envelope(self) -> AbstractCurve:
        """The envelopes of all parts."""
        return type(self)([part.envelope() for part in self.parts], self.rows)

    def beyond(self, floor: FloatArray | None, cap: FloatArray | None) -> AbstractCurve:
        """What is for sale between floor and cap, part by part."""
        if floor is None and cap is None:
            return self
        parts = [
            part.beyond(None if floor is None else floor[own], None if cap is None else cap[own])
            for part, own in zip(self.parts, self.rows, strict=True)
        ]
        return type(self)(parts, self.rows)

    def take(self, rows: Any) -> Self:
        """The same curves for some of the queries, by NumPy index, slice or mask."""
        wanted = np.arange(len(self))[rows]
        part_of, row_of = np.empty(len(self), dtype=np.int64), np.empty(len(self), dtype=np.int64)
        for number, own in enumerate(self.rows):
            part_of[own], row_of[own] = number, np.arange(own.size)
        places = [np.flatnonzero(part_of[wanted] == number) for number in range(len(self.parts))]
        taken = [part.take(row_of[wanted[place]]) for part, place in zip(self.parts, places, strict=True)]
        return type(self)(taken, places)

    def _scatter(self, ask: Callable[..., FloatArray], *given: FloatArray | IntArray | None) -> FloatArray:
        out = np.empty(len(self))
        for part, own in zip(self.parts, self.rows, strict=True):
            out[own] = ask(part, *(None if column is None else column[own] for column in given))
        return out


def _whole(rows: Any) -> IntArray:
    numbers = np.asarray(rows).reshape(-1)
    if numbers.size and (real("rows", rows).dtype.kind == "f" and (numbers != np.floor(numbers)).any()):
        raise InputError(f"The rows of a Mixed must be whole numbers, not {rows!r}.")
    return numbers.astype(np.int64)


def _each(price: FloatArray | float, n: int) -> FloatArray:
    return np.broadcast_to(np.asarray(price, dtype=np.float64), (n,))
