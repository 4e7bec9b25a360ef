"""Markets that grant a step at a time, and are asked again at every step."""

from abc import abstractmethod

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.policies._kernels import grant_steps
from shadowprice.policies._market import RUNNING, SETTLED, WAITING, AbstractBookedMarket
from shadowprice.policies._terms import Terms


class AbstractStepMarket(AbstractBookedMarket):
    """What such markets keep besides: where they want to be asked, and what is guaranteed.

    Args:
        grid: ``(K,)`` token counts at which the market wants to be asked, rising.
        budget: Tokens, at least 0.
        terms: Of n queries.

    Raises:
        InputError: The budget is negative, or does not pay for what is guaranteed.
    """

    def __init__(self, grid: FloatArray, budget: int, terms: Terms) -> None:
        super().__init__(budget, terms)
        self._grid = grid.astype(np.int64)
        self._sure = int(terms.floor.sum())
        """What is guaranteed and not granted yet."""
        # Compiled code takes a while to load: now, and not while replies are being written.
        nobody = np.zeros(0, dtype=np.int64)
        self._advance(nobody, nobody)

    def reach(self, ids: IntArray) -> IntArray:
        """The end of the grid, or what is guaranteed."""
        reach: IntArray = np.maximum(self._terms.floor[ids], self._grid[-1])
        return reach

    def funds(self, ids: IntArray) -> BoolArray:
        """Those that would get a step."""
        picked = np.zeros(len(ids), dtype=np.bool_)
        if self._pool > 0:
            waiting = np.flatnonzero(self._state[ids] == WAITING)
            picked[waiting[self._pick(ids[waiting], np.zeros(len(waiting), dtype=np.int64))]] = True
        return picked

    def take_back(self, ids: IntArray) -> None:
        """Put what they were granted back; what is guaranteed is owed again."""
        owed = self._owed(ids).sum()
        super().take_back(ids)
        self._sure += int(self._owed(ids).sum() - owed)

    def grant(self, ids: IntArray, generated: IntArray) -> IntArray:
        """A step for whom the market picks; a query that gets nothing beyond what it has is to stop, or to pause."""
        ids, generated = np.asarray(ids, dtype=np.int64), np.asarray(generated, dtype=np.int64)
        if len(ids) > 1 and self._repeats(ids):
            distinct, first, again = np.unique(ids, return_index=True, return_inverse=True)
            return self.grant(distinct, generated[first])[again]
        asks = np.flatnonzero((self._state[ids] != SETTLED) & (generated >= self._granted[ids]))
        picked = asks[self._pick(ids[asks], generated[asks])]
        self._advance(ids[picked], generated[picked])
        return self._limit(ids, generated)

    @abstractmethod
    def _pick(self, ids: IntArray, generated: IntArray) -> IntArray:
        """Places of those that get a step, who has the first claim first; each has used up what it was granted."""

    def _limit(self, ids: IntArray, generated: IntArray) -> IntArray:
        del generated
        limit: IntArray = self._granted[ids]
        return limit

    def _closed(self, ids: IntArray, generated: IntArray) -> None:
        del generated
        self._sure -= int(self._owed(ids).sum())

    def _owed(self, ids: IntArray) -> IntArray:
        """Guaranteed tokens ``(m,)`` that have not been granted yet."""
        owed: IntArray = np.maximum(self._terms.floor[ids] - self._granted[ids], 0)
        return owed

    def _advance(self, ids: IntArray, generated: IntArray) -> None:
        """Grant a step to each of some queries, in this order, as far as tokens go; guarantees are kept back."""
        given, owed = grant_steps(self._grid, self._terms.floor, ids, generated, self._granted, self._pool, self._sure)
        self._pool -= given
        self._sure -= owed
        self._state[ids[self._granted[ids] > 0]] = RUNNING
