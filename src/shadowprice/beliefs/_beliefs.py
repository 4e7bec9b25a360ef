"""What is believed of each query."""

# mypy: disable-error-code="untyped-decorator"

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numba import njit

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.curves import ShiftedSurge, Tabulated

_ENDS: Final = 1e-6
"""Chance of ending in a cell below which none is known to end there."""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What may become of n queries that have not run: three ends that compete, on a grid of token counts."""

    tokens: FloatArray
    """``(K,)`` token counts, rising, above 0; shared by all queries."""
    right: FloatArray
    """``(n, K)`` P(a right answer has appeared by then), never falling."""
    finished: FloatArray
    """``(n, K)`` P(the reply has ended by then, right or wrong), never falling."""
    _curve: Tabulated | None = field(default=None, init=False, repr=False, compare=False)
    """The curve once it was asked for; it goes along with `take`, since a market asks at every new plan."""

    def __repr__(self) -> str:
        return f"Outcomes({len(self):,} queries, {len(self.tokens)} token counts up to {self.tokens[-1]:,.0f})"

    def __len__(self) -> int:
        return len(self.right)

    @property
    def curve(self) -> Tabulated:
        """P(right by t) of every query as a utility curve: its expected value with all uncertainty in it."""
        if self._curve is None:
            object.__setattr__(self, "_curve", Tabulated(self.tokens, self.right))
            assert self._curve is not None
        return self._curve

    @property
    def full_cost(self) -> FloatArray:
        """``(n,)`` tokens that a reply is expected to take if nobody stops it.

        It is counted up to the token count beyond which no reply is known to end: that is where recording stopped.
        """
        over = np.pad(np.asarray(self.finished, dtype=np.float64), ((0, 0), (1, 0)))
        ends = np.flatnonzero((np.diff(over, axis=1) > _ENDS).any(axis=0))
        known = int(ends[-1]) + 1 if ends.size else 0
        running = 1.0 - over[:, : known + 1]
        cost: FloatArray = (0.5 * (running[:, :-1] + running[:, 1:])) @ np.diff(self.tokens[:known], prepend=0.0)
        return cost

    def at(self, tokens: FloatArray) -> tuple[FloatArray, FloatArray]:
        """P(right by t) and P(finished by t), ``(n,)`` each, linear between grid points and from 0 at the start."""
        grid = np.append(0.0, self.tokens)
        left = np.clip(np.searchsorted(grid, tokens, side="right") - 1, 0, len(grid) - 2)
        share = np.clip((tokens - grid[left]) / (grid[left + 1] - grid[left]), 0.0, 1.0)
        rows = np.arange(len(tokens))

        def read(table: FloatArray) -> FloatArray:
            before = np.where(left > 0, table[rows, np.maximum(left - 1, 0)], 0.0)
            return np.asarray(before + share * (table[rows, left] - before))

        return read(self.right), read(self.finished)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Outcomes of several groups of queries on one grid, one after another.

        Raises:
            InputError: The grids differ.
        """
        grid = parts[0].tokens
        if any(not np.array_equal(part.tokens, grid) for part in parts):
            raise InputError("The outcomes are on different grids of token counts; predict them with one predictor.")
        return cls(
            grid, np.concatenate([part.right for part in parts]), np.concatenate([part.finished for part in parts])
        )

    def take(self, rows: Any) -> Self:
        """The outcomes of some of the queries, by NumPy index or mask."""
        taken = type(self)(self.tokens, self.right[rows], self.finished[rows])
        if self._curve is not None:
            object.__setattr__(taken, "_curve", self._curve.take(rows))
        return taken


def given_running(outcomes: Outcomes, tokens: FloatArray) -> Outcomes:
    """Outcomes of queries that are known to be running after `tokens` ``(n,)`` tokens, by Bayes' rule.

    P(right by e_j | running at t) = (P(right by e_j) − P(right by t)) / (1 − P(finished by t)), and 0 for e_j ≤ t;
    the same for finished. Between grid points both are taken to be linear.
    """
    right, finished = np.empty_like(outcomes.right, np.float64), np.empty_like(outcomes.finished, np.float64)
    _given_running(outcomes.tokens, outcomes.right, outcomes.finished, tokens, right, finished)
    return Outcomes(outcomes.tokens, right, finished)


@njit(cache=True, nogil=True)
def _given_running(grid: Any, right: Any, finished: Any, tokens: Any, right_now: Any, finished_now: Any) -> None:
    """Row by row: a market asks for one or a few rows at every step of every reply."""
    last = len(grid) - 1
    for row in range(len(tokens)):
        now = tokens[row]
        left = min(max(np.searchsorted(grid, now, side="right"), 0), last)
        start = grid[left - 1] if left > 0 else 0.0
        share = min(max((now - start) / (grid[left] - start), 0.0), 1.0)
        right_before = right[row, left - 1] if left > 0 else 0.0
        finished_before = finished[row, left - 1] if left > 0 else 0.0
        right_until = right_before + share * (right[row, left] - right_before)
        finished_until = finished_before + share * (finished[row, left] - finished_before)
        running = max(1.0 - finished_until, 1e-9)
        for point in range(len(grid)):
            ahead = grid[point] > now
            right_now[row, point] = min(max((right[row, point] - right_until) / running, 0.0), 1.0) if ahead else 0.0
            finished_now[row, point] = (
                min(max((finished[row, point] - finished_until) / running, 0.0), 1.0) if ahead else 0.0
            )


@dataclass(frozen=True, slots=True)
class Beliefs:
    """Beliefs about n queries before they run: where tokens become useful, and how the surge looks from there on."""

    threshold: FloatArray
    """``(n,)`` emergence threshold τ̂, tokens; infinite for a query that is known to return nothing."""
    alpha: FloatArray
    """``(n,)`` surge rate α, utility per token."""
    beta: FloatArray
    """``(n,)`` decay β, per token."""
    outcomes: Outcomes | None = None
    """What may become of each query, where a predictor says so."""

    def __repr__(self) -> str:
        return f"Beliefs({len(self):,} queries{'' if self.outcomes is None else ', with outcomes'})"

    def __len__(self) -> int:
        return len(self.threshold)

    @property
    def curve(self) -> ShiftedSurge:
        """The shifted surge of every query."""
        return ShiftedSurge(self.threshold, self.alpha, self.beta)

    def take(self, rows: Any) -> Self:
        """The beliefs about some of the queries, by NumPy index or mask."""
        outcomes = None if self.outcomes is None else self.outcomes.take(rows)
        return type(self)(self.threshold[rows], self.alpha[rows], self.beta[rows], outcomes)

    @classmethod
    def concatenate(cls, parts: Sequence[Self]) -> Self:
        """Beliefs about several groups of queries, one after another; their outcomes must share a grid."""
        outcomes = [part.outcomes for part in parts if part.outcomes is not None]
        return cls(
            np.concatenate([part.threshold for part in parts]),
            np.concatenate([part.alpha for part in parts]),
            np.concatenate([part.beta for part in parts]),
            Outcomes.concatenate(outcomes) if len(outcomes) == len(parts) else None,
        )

    @classmethod
    def certain(cls, threshold: FloatArray) -> Self:
        """Beliefs of somebody who knows where each right answer appears (infinite: nowhere); for the oracle."""
        ones = np.ones(len(threshold))
        return cls(np.asarray(threshold, dtype=np.float64), ones, ones)
