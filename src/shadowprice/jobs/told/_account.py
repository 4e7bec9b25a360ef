"""A run as its report sees it: what was settled in which order, what was believed, and what is left."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.beliefs import Beliefs, Misfit, Outcomes
from shadowprice.curves import AbstractCurve
from shadowprice.ledger import Totals
from shadowprice.policies import (
    AbstractPlanner,
    AbstractPolicy,
    Expected,
    Knowledge,
    Terms,
    WhatIf,
    get_policy,
    what_if,
)
from shadowprice.runner import Reason, Result

_MORE = (0.25, 0.5, 1.0)
"""Shares of the budget that are offered on top of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Offers:
    """What n questions offer for their tokens, before anything is asked."""

    gain: FloatArray
    """``(n,)`` P(right) that the best offer is expected to bring."""
    tokens: FloatArray
    """``(n,)`` tokens that it takes: those granted where a policy commits tokens, else those expected to be made."""
    worth: FloatArray
    """``(n,)`` its value per token, by the question's weight; what is above the price is bought."""


@dataclass(frozen=True)
class Account:
    """One run of n questions, as far as it has come."""

    results: list[Result]
    """``(n,)`` in the order of the questions; what has no outcome is interrupted."""
    settled: list[Result]
    """Those that have one, as they were settled."""
    totals: Totals
    """What the ledger says."""
    policy: AbstractPolicy
    price: float
    """Shadow price at the end, right answers per token; NaN without one."""
    beliefs: Beliefs | None
    """n rows, before anything was asked; None where nothing was believed."""
    terms: Terms

    @cached_property
    def graded(self) -> bool:
        """Whether right answers are known."""
        return any(result.question.gold for result in self.results)

    @cached_property
    def right(self) -> int:
        """Right answers."""
        return sum(bool(result.correct) for result in self.results)

    @cached_property
    def replied(self) -> int:
        """Questions that have a reply, whole or in part."""
        return sum(result.reason.replied for result in self.results)

    @property
    def came(self) -> int:
        """What was bought: right answers where they are known, else answers."""
        return self.right if self.graded else self.replied

    @cached_property
    def curve(self) -> AbstractCurve | None:
        """P(right by t) of every question, as the policy believed it."""
        if self.beliefs is None or self.policy.knows not in (Knowledge.OUTCOMES, Knowledge.THRESHOLDS):
            return None
        if self.policy.knows is Knowledge.OUTCOMES and self.beliefs.outcomes is not None:
            return self.beliefs.outcomes.curve
        return self.beliefs.curve

    @cached_property
    def offers(self) -> "Offers | None":
        """The best that was to be had from every question before it was asked; None where nothing was believed."""
        if self.curve is None or self.beliefs is None:
            return None
        outcomes = self.beliefs.outcomes
        if outcomes is not None and self.policy.knows is Knowledge.OUTCOMES and not self.policy.commits:
            return _expected_offers(outcomes, self.terms.weight)
        tokens = self.curve.reservation_tokens()
        price = np.where(np.isfinite(tokens), self.curve.reservation_price(), 0.0)
        return Offers(np.maximum(self.curve.value(tokens), 0.0), tokens, self.terms.weight * price)

    @cached_property
    def expected(self) -> FloatArray:
        """Right answers that were expected by the time of each settled reply, for the tokens that each took.

        ``(m,)``; NaN where no outcomes were believed, or nobody knows what is right.
        """
        if self.beliefs is None or self.beliefs.outcomes is None or not self.graded or self.curve is None:
            return np.full(len(self.replies), np.nan)
        rows = {result.question.query_id: row for row, result in enumerate(self.results)}
        misfit, sums = Misfit(self.beliefs.outcomes), []
        for one in self.replies:
            tokens = one.position if one.correct else one.generated - one.past
            misfit.add(rows[one.question.query_id], tokens, right=bool(one.correct), ended=False)
            sums.append(misfit.for_tokens.expected)
        return np.array(sums)

    @cached_property
    def replies(self) -> list[Result]:
        """Settled questions that were asked, in order."""
        return [one for one in self.settled if one.reason.replied or one.spent]

    @cached_property
    def stopped(self) -> int:
        """Replies that were stopped because going on was not worth its price."""
        return sum(result.reason is Reason.STOPPED for result in self.results)

    @cached_property
    def cut_off(self) -> int:
        """Replies that reached the most tokens that they could get."""
        return sum(result.reason is Reason.CUT_OFF for result in self.results)

    @cached_property
    def unserved(self) -> list[int]:
        """Rows of questions that were never asked."""
        return [row for row, one in enumerate(self.results) if one.reason in (Reason.ABANDONED, Reason.INTERRUPTED)]

    @cached_property
    def more(self) -> WhatIf | None:
        """What was left over, and more, would buy of those that were not asked; None where nobody knows."""
        if self.curve is None or self.beliefs is None or not self.unserved:
            return None
        outcomes = self.beliefs.outcomes is not None and self.policy.knows is Knowledge.OUTCOMES
        planner = get_policy(Expected.name if outcomes else "clear-lambert")
        assert isinstance(planner, AbstractPlanner)
        left = self.totals.available
        budgets = [left, *(left + steps for share in _MORE if (steps := round_tokens(share * self.totals.budget)))]
        weight = self.terms.weight[self.unserved]
        return what_if(planner, self.beliefs.take(self.unserved), budgets, Terms(len(weight), weight))

    @cached_property
    def turned_away(self) -> list[int]:
        """Rows of abandoned questions, those first that were nearest to being funded."""
        rows = [row for row, one in enumerate(self.results) if one.reason is Reason.ABANDONED]
        offers = self.offers
        return rows if offers is None else sorted(rows, key=lambda row: -float(offers.worth[row]))

    @cached_property
    def bargains(self) -> list[int]:
        """Rows of funded questions, those first that returned most: right, or answered, for the fewest tokens."""

        def rank(row: int) -> tuple[bool, bool, int, int]:
            one = self.results[row]
            good = bool(one.correct) if self.graded else one.answer is not None
            return not good, one.reason is not Reason.FINISHED, one.spent, row

        return sorted((row for row, one in enumerate(self.results) if one.reason.replied), key=rank)

    def prices(self) -> FloatArray:
        """``(m,)`` the price at which each settled reply was begun, right answers per token; NaN without one."""
        return np.array([one.price for one in self.replies], dtype=np.float64)

    @property
    def has_price(self) -> bool:
        """Whether there is a price at the end."""
        return not math.isnan(self.price)


def _expected_offers(outcomes: Outcomes, weight: FloatArray) -> Offers:
    """Offers by the tokens that a reply is expected to make until then, as policies see them that can stop it."""
    running = 1.0 - np.pad(np.asarray(outcomes.finished, dtype=np.float64), ((0, 0), (1, 0)))
    steps = 0.5 * (running[:, :-1] + running[:, 1:]) * np.diff(outcomes.tokens, prepend=0.0)
    made = np.maximum(steps.cumsum(axis=1), 1e-9)
    best = np.argmax(outcomes.right / made, axis=1)
    gain, tokens = (np.take_along_axis(each, best[:, None], axis=1)[:, 0] for each in (outcomes.right, made))
    return Offers(np.asarray(gain, dtype=np.float64), tokens, weight * gain / tokens)


def round_tokens(tokens: float) -> int:
    """Tokens to two digits, as people would ask for them."""
    if tokens < 1.0:
        return 0
    unit: int = 10 ** max(0, len(str(int(tokens))) - 2)
    return round(tokens / unit) * unit
