"""Sequential policies: a query goes on for as long as the best that is still to be had from it is worth its price."""

from typing import ClassVar

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import AbstractOutlook, Beliefs, Outlook
from shadowprice.policies._kernels import first_beyond, staircases, steepest_chords
from shadowprice.policies._market import RUNNING, WAITING, AbstractPolicy, Knowledge
from shadowprice.policies._steps import AbstractStepMarket
from shadowprice.policies._terms import Terms

_PATIENCE = 0.9
"""A running query is stopped below this share of the price. Its index does not know that more will be known at the next
step, and its beliefs are noisy: to stop it for good must wait until that is clear. Chosen on the five files of the
evaluation, where 0.8 to 0.9 are as good."""
_REPRICE_SHARE = 0.002
"""Share of the budget that must have been granted or have come back before the price is found anew."""
_TRUSTED_SHARE = 0.02
"""Share of the budget that must be spent before spending corrects what the beliefs expect to spend."""


class Index(AbstractPolicy):
    """One pass: do not commit tokens, commit a price.

    A query that has come to e_k has the index G = max over j > k of P(right by e_j) / E[tokens up to e_j], both given
    all that is known (a Gittins index that does not foresee what it will learn; Gittins 1979, and Weitzman 1979 for
    search). It begins if G is at least the price λ, goes on for as long as G is not clearly below, and is stopped for
    good then. λ is the price at which what the waiting queries expect to spend meets what the running ones leave; it is
    found anew as tokens are spent.
    """

    name: ClassVar[str] = "index"
    knows: ClassVar[Knowledge] = Knowledge.OUTCOMES

    def open(
        self, beliefs: Beliefs, budget: int, *, terms: Terms | None = None, outlook: AbstractOutlook | None = None
    ) -> "IndexMarket":
        """Open a market.

        Raises:
            InputError: The beliefs have no outcomes, or the budget does not do.
        """
        outlook = _outlook(self.name, beliefs, outlook)
        return IndexMarket(outlook, budget, Terms(len(outlook)) if terms is None else terms)


class IndexResume(AbstractPolicy):
    """Strictly in order of index: a query that falls behind pauses, and goes on when it is the best again.

    This needs an engine that can go on with a reply later. It is the limit that `Index` approaches in one pass.

    Args:
        at_once: Share of the queries that go on together before the others are compared with them again. Fewer are a
            little better and take longer.
    """

    name: ClassVar[str] = "index-resume"
    needs_pauses: ClassVar[bool] = True
    knows: ClassVar[Knowledge] = Knowledge.OUTCOMES

    def __init__(self, at_once: float = 0.01) -> None:
        self._at_once = at_once

    def open(
        self, beliefs: Beliefs, budget: int, *, terms: Terms | None = None, outlook: AbstractOutlook | None = None
    ) -> "IndexResumeMarket":
        """Open a market.

        Raises:
            InputError: The beliefs have no outcomes, the budget does not do, or `at_once` is no share.
        """
        if not 0.0 < self._at_once <= 1.0:
            raise InputError(f"at_once must be above 0 and at most 1, not {self._at_once}.")
        outlook = _outlook(self.name, beliefs, outlook)
        return IndexResumeMarket(outlook, budget, Terms(len(outlook)) if terms is None else terms, self._at_once)


class _Valued(AbstractStepMarket):
    """A step market that values queries by their index."""

    def __init__(self, outlook: AbstractOutlook, budget: int, terms: Terms) -> None:
        super().__init__(outlook.before.tokens, budget, terms)
        self._outlook = outlook
        self._reach = np.zeros(len(outlook))
        """``(n,)`` tokens to which each query that runs is expected to go on, at least."""
        # Compiled code takes seconds to load: now, and not while replies are being written.
        some = np.arange(min(1, len(outlook)))
        self._index(some, np.ones(len(some), dtype=np.int64))
        self._reach[some] = 0.0

    def _index(self, ids: IntArray, generated: IntArray) -> FloatArray:
        """Weighted index ``(m,)``: right answers per token, at best, from here on; infinite for who is owed tokens."""
        now = self._outlook.outcomes(ids, generated)
        index, rest = np.empty(len(ids)), np.empty(len(ids))
        steepest_chords(now.tokens, now.right, now.finished, generated, index, rest)
        self._reach[ids] = generated + rest
        return np.where(self._owed(ids) > 0, np.inf, index * self._terms.weight[ids])


class IndexMarket(_Valued):
    """A price as a rule to begin and to stop."""

    def __init__(self, outlook: AbstractOutlook, budget: int, terms: Terms) -> None:
        super().__init__(outlook, budget, terms)
        before = outlook.before
        n, points = before.right.shape
        self._least, self._expected = np.empty((n, points)), np.empty((n, points))
        staircases(before.tokens, before.right, before.finished, self._least, self._expected)
        self._least *= terms.weight[:, np.newaxis]
        # The steps of all queries, dearest first: demand at a price is a sum over the first of them.
        order = np.argsort(-self._least, axis=None, kind="stable")
        order = order[(self._least.ravel()[order] > 0.0) & (self._expected.ravel()[order] > 0.0)]
        self._stairs = self._least.ravel()[order]
        self._stair_query, self._stair_tokens = order // points, self._expected.ravel()[order]
        self._stopped = np.zeros(n, dtype=np.bool_)
        self._foreseen = np.zeros(n)
        """``(n,)`` what each query was expected to spend when it began."""
        self._foreseen_of_settled = 0.0
        self._budget = self._pool
        self._least_price = float(terms.weight.mean()) / max(1, self._budget) if n else 0.0
        """A right answer for the whole budget. Whoever is worth less is served when nobody else is there."""
        self._settled_since = 0
        self._reprice()

    @property
    def price(self) -> float:
        """The price at which the waiting queries expect to spend what is left, utility per token."""
        return self._price

    def _pick(self, ids: IntArray, generated: IntArray) -> IntArray:
        waiting = self._state[ids] == WAITING
        if self._is_stale():
            self._reprice()
        worth = np.where(self._terms.floor[ids] > 0, np.inf, self._least[ids, 0])
        begins = waiting & (worth > 0.0) & (worth >= self._price)
        begun = ids[begins]
        self._foreseen[begun] = np.where(self._least[begun] >= self._price, self._expected[begun], 0.0).sum(axis=1)
        self._reach[begun] = self._foreseen[begun]
        goes_on = ~waiting & ~self._stopped[ids]
        if goes_on.any():
            index = self._index(ids[goes_on], generated[goes_on])
            goes_on[goes_on] = (index > 0.0) & (index >= _PATIENCE * self._price)
        self._stopped[ids[~waiting & ~goes_on]] = True
        return np.flatnonzero(begins | goes_on)

    def _limit(self, ids: IntArray, generated: IntArray) -> IntArray:
        return np.where(self._stopped[ids], generated, self._granted[ids])

    def _closed(self, ids: IntArray, generated: IntArray) -> None:
        super()._closed(ids, generated)
        self._foreseen_of_settled += float(self._foreseen[ids].sum())
        self._settled_since += ids.size

    def _is_stale(self) -> bool:
        moved = abs(self._pool - self._priced_at) > _REPRICE_SHARE * self._budget
        return moved or (self._settled_since > 0 and not (self._state == RUNNING).any())

    def _anybody_at(self, price: float) -> bool:
        """Whether somebody runs, or would begin at that price."""
        return bool((self._state == RUNNING).any() or (self._least[self._state == WAITING, 0] >= price).any())

    def _reprice(self) -> None:
        """The least price at which what is expected to be spent fits into what is left."""
        self._settled_since, self._priced_at = 0, self._pool
        # Running queries hold one step; what they will want beyond it is not there for others.
        ahead = float(np.maximum(self._reach - self._granted, 0.0)[self._state == RUNNING].sum())
        trusted = _TRUSTED_SHARE * (self._pool + self._spent)
        scale = (self._spent + trusted) / (self._foreseen_of_settled + trusted) if trusted else 1.0
        left = (self._pool - self._sure) / min(max(scale, 0.5), 2.0) - ahead
        last = first_beyond(self._stair_tokens, self._stair_query, self._state, WAITING, max(left, 0.0))
        self._price = float(self._stairs[last]) if last < len(self._stairs) else 0.0
        if self._price < self._least_price and self._anybody_at(self._least_price):
            self._price = self._least_price


class IndexResumeMarket(_Valued):
    """Whoever has the highest index goes on next, a few at a time."""

    pauses = True

    def __init__(self, outlook: AbstractOutlook, budget: int, terms: Terms, at_once: float) -> None:
        super().__init__(outlook, budget, terms)
        n = len(outlook)
        self._width = max(1, round(at_once * n))
        self._value = self._index(np.arange(n), np.zeros(n, dtype=np.int64))
        """``(n,)`` index of each query where it stands."""
        self._seen = np.zeros(n, dtype=np.int64)
        """``(n,)`` tokens at which it was taken."""
        self._price = float("nan")

    @property
    def price(self) -> float:
        """The lowest index that has gone on in the last round, utility per token; NaN before the first."""
        return self._price

    def _pick(self, ids: IntArray, generated: IntArray) -> IntArray:
        moved = np.flatnonzero(self._seen[ids] != generated)
        if moved.size:
            self._value[ids[moved]] = self._index(ids[moved], generated[moved])
            self._seen[ids[moved]] = generated[moved]
        value = self._value[ids]
        best = np.argsort(-value, kind="stable")[: self._width]
        best = best[value[best] > 0.0]
        if best.size:
            self._price = float(value[best[-1]])
        return best


def _outlook(policy: str, beliefs: Beliefs, outlook: AbstractOutlook | None) -> AbstractOutlook:
    if outlook is not None:
        return outlook
    if beliefs.outcomes is None:
        raise InputError(
            f"The policy {policy} needs beliefs about outcomes; fit with `shadowprice fit --predictor outcome`."
        )
    return Outlook(beliefs.outcomes)
