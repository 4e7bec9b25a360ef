"""Recorded replies, replayed through a market as if they were being generated now."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import Beliefs
from shadowprice.policies import AbstractMarket
from shadowprice.traces._traces import Traces

_SERVED_AT_ONCE = 0.05
"""Share of the queries that are served together in `generated` accounting."""


class Accounting(StrEnum):
    """What is charged against the budget."""

    ALLOCATED = "allocated"
    """Tokens granted, used or not; nothing comes back (the paper's)."""
    GENERATED = "generated"
    """Tokens generated; what a query leaves over is offered again."""


@dataclass(frozen=True, slots=True)
class Replies:
    """One recorded reply for each of n queries."""

    queries: IntArray
    """``(n,)`` numbers of the questions in the traces."""
    rows: IntArray
    """``(n,)`` rows of the traces."""
    correct: BoolArray
    """``(n,)`` is the reply right."""
    answer_tokens: IntArray
    """``(n,)`` tokens at which its final answer has appeared."""
    completion_tokens: IntArray
    """``(n,)`` tokens at which it ends."""

    @classmethod
    def draw(cls, traces: Traces, queries: IntArray, rng: np.random.Generator) -> Self:
        """Pick one of the recorded replies to each of the given questions."""
        rows = traces.first[queries] + rng.integers(traces.samples[queries])
        return cls(queries, rows, traces.correct[rows], traces.answer_tokens[rows], traces.completion_tokens[rows])

    def right(self, granted: IntArray) -> BoolArray | FloatArray:
        """``(n,)`` whether each query's right answer is reached by what it was granted."""
        return self.correct & (granted >= self.answer_tokens) & (granted > 0)

    @property
    def certain(self) -> Beliefs:
        """What somebody believes who knows all of it."""
        return Beliefs.certain(self.threshold)

    def seen(self, beliefs: Beliefs) -> Beliefs:
        """Beliefs about these n queries as they are in this replay."""
        return beliefs

    @property
    def threshold(self) -> FloatArray:
        """``(n,)`` tokens at which a right answer appears; infinite where none does."""
        return np.where(self.correct, self.answer_tokens, np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a policy made of a budget."""

    right: float
    """Queries whose right answer was reached; of a sweep, how many are expected to be."""
    allocated: int
    """Tokens granted in all."""
    generated: int
    """Tokens generated in all."""
    funded: BoolArray
    """``(n,)`` whether a query was ever granted a token; the others are abandoned."""
    price: float
    """The last shadow price, utility per token; NaN for a policy that has none."""

    @property
    def abandoned(self) -> int:
        """Queries that were never granted a token."""
        return int(np.count_nonzero(~self.funded))


def replay(
    market: AbstractMarket, replies: Replies, accounting: Accounting, rng: np.random.Generator | None = None
) -> Outcome:
    """Let a market spend its budget on recorded replies.

    Args:
        market: A freshly opened market for these n queries.
        replies: What each query would say.
        accounting: `ALLOCATED` grants all queries at once; it is for policies that commit tokens beforehand.
            `GENERATED` serves them in random order, 5 % at a time, each for as long as the market lets it go on, and
            goes round again among the abandoned ones for as long as returned tokens buy something. Where the market
            pauses queries, all are served together.
        rng: The order of serving, for `GENERATED`.
    """
    n = len(replies.queries)
    if accounting is Accounting.ALLOCATED:
        granted = market.grant(np.arange(n), np.zeros(n, dtype=np.int64))
    else:
        granted = _serve(market, replies, (rng or np.random.default_rng(0)).permutation(n))
    return Outcome(
        right=float(replies.right(granted).sum()),
        allocated=int(granted.sum()),
        generated=int(np.minimum(granted, replies.completion_tokens).sum()),
        funded=granted > 0,
        price=market.price,
    )


def _serve(market: AbstractMarket, replies: Replies, order: IntArray) -> IntArray:
    """The tokens ``(n,)`` that each query was allowed to reach in the end."""
    n = len(order)
    batch = n if market.pauses else max(1, round(_SERVED_AT_ONCE * n))
    granted, generated = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    waiting = order
    while waiting.size:
        for start in range(0, waiting.size, batch):
            _run(market, replies, waiting[start : start + batch], granted, generated)
        still_waiting = waiting[granted[waiting] == 0]
        if still_waiting.size == waiting.size:
            break
        waiting = still_waiting
    return granted


def _run(market: AbstractMarket, replies: Replies, ids: IntArray, granted: IntArray, generated: IntArray) -> None:
    """Serve some queries together until each has ended, was stopped, or is not funded."""
    length = replies.completion_tokens
    while ids.size:
        limit = market.grant(ids, generated[ids])
        granted[ids] = np.maximum(granted[ids], limit)
        reach = np.maximum(np.minimum(limit, length[ids]), generated[ids])
        goes_on = reach > generated[ids]
        generated[ids] = reach
        ended = reach == length[ids]
        pauses = market.pauses and bool(goes_on.any())
        over = (granted[ids] > 0) & (ended if pauses else ended | ~goes_on)
        if over.any():
            market.settle(ids[over], generated[ids[over]], ended[over])
        ids = ids[~over] if pauses else ids[~over & goes_on]
