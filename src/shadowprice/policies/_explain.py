"""A plan with its reasons: what every query buys, or why it was abandoned."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.curves import AbstractCurve
from shadowprice.policies._market import Plan
from shadowprice.policies._terms import Terms

UNLIKELY: Final = 0.05
"""A query whose P(right) stays at or below this at any length is abandoned as unlikely, not as too dear, unless one
that is no likelier is funded, because it is cheap."""

_NOBODY_COUNTS: Final = 1e15
"""More tokens than this are no number that tells anybody anything."""
_AS_GOOD: Final = 1e-9
"""Relative difference of two prices that rounding explains."""


class Why(StrEnum):
    """Kinds of reasons; the value is a few words for a table."""

    BOUGHT = "buys what pays at the price"
    LEFTOVER = "gets tokens that were left over"
    SHARE = "gets its share"
    GUARANTEED = "keeps its guarantee only"
    UNLIKELY = "abandoned: never likely to be right"
    TOO_DEAR = "abandoned: too dear at this price"
    NOT_REACHED = "abandoned: the last tokens did not reach"
    NO_SHARE = "abandoned: its share is less than a token"

    @property
    def abandons(self) -> bool:
        """Whether the query gets nothing."""
        return self in (Why.UNLIKELY, Why.TOO_DEAR, Why.NOT_REACHED, Why.NO_SHARE)


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A plan for n queries and why it is so."""

    tokens: IntArray
    """``(n,)`` tokens; 0 is abandoned."""
    price: float
    """Shadow price λ, value of a right answer per token; NaN for a policy that has none."""
    expected: FloatArray
    """``(n,)`` φ(t), probability of a right answer within these tokens, held at its peak; NaN without beliefs."""
    surplus: FloatArray
    """``(n,)`` wφ(t) − λt, right answers by their weights; NaN without a price or beliefs."""
    best_price: FloatArray
    """``(n,)`` reservation price max over t of w(φ(t) − φ(floor))/(t − floor), value per token; NaN without beliefs."""
    best_tokens: FloatArray
    """``(n,)`` tokens beyond the floor where that is reached, so its best offer."""
    best_gain: FloatArray
    """``(n,)`` what that offer adds to P(right)."""
    whys: tuple[Why, ...]
    """Of what kind the reason of each query is."""
    reasons: tuple[str, ...]
    """One sentence for each query."""

    def __len__(self) -> int:
        return len(self.tokens)


def explain(plan: Plan, curve: AbstractCurve | None, terms: Terms | None = None) -> Explanation:
    """Say of every query what its tokens buy, or why it gets none.

    A query's best offer is the t beyond its floor with the highest average value per token, its reservation price. At a
    market price above that it buys nothing. Prices are told as what people compare: tokens per right answer, 1/λ.

    Args:
        plan: Tokens for n queries, and their price.
        curve: The curves that the plan was made by (`AbstractPlanner.curve`); None if nothing is believed.
        terms: The plan's terms; none by default.

    Raises:
        InputError: The three are not about the same number of queries.
    """
    n = len(plan.tokens)
    terms = Terms(n) if terms is None else terms
    if len(terms) != n or (curve is not None and len(curve) != n):
        raise InputError(f"The plan is for {n} queries; give curves and terms for the same.")
    if curve is None:
        return _unpriced(plan, np.full(n, np.nan), (np.full(n, np.nan),) * 3, terms)
    floor = terms.floor.astype(np.float64)
    offers = curve.beyond(floor, None) if terms.floor.any() else curve
    best_tokens = offers.reservation_tokens()
    best = terms.weight * offers.reservation_price(), best_tokens, np.maximum(offers.value(best_tokens), 0.0)
    expected = right_within(curve, plan.tokens)
    if np.isnan(plan.price):
        return _unpriced(plan, expected, best, terms)
    most = right_within(curve, np.maximum(curve.peak_tokens(), floor))
    held = right_within(curve, floor)
    unlikely = float(expected[plan.tokens > terms.floor].min(initial=UNLIKELY))
    whys, reasons = _Priced(plan, terms, expected, held, *best, most, np.ceil(offers.peak_tokens()), unlikely).say()
    surplus = terms.weight * expected - plan.price * plan.tokens
    return Explanation(plan.tokens, plan.price, expected, surplus, *best, whys, reasons)


def right_within(curve: AbstractCurve, tokens: IntArray | FloatArray) -> FloatArray:
    """``(n,)`` P(right) with at most these ``(n,)`` tokens: an answer that has appeared stays, so it never falls."""
    return curve.value(curve.best_within(tokens))


def _unpriced(
    plan: Plan, expected: FloatArray, best: tuple[FloatArray, FloatArray, FloatArray], terms: Terms
) -> Explanation:
    """What there is to say of a plan without a price."""
    told = [
        _no_price(int(tokens), int(floor), chance, terms.minimum)
        for tokens, floor, chance in zip(plan.tokens, terms.floor, expected.tolist(), strict=True)
    ]
    unknown = np.full(len(told), np.nan)
    whys, reasons = _unzip(told)
    return Explanation(plan.tokens, plan.price, expected, unknown, *best, whys, reasons)


def _no_price(tokens: int, floor: int, chance: float, minimum: int) -> tuple[Why, str]:
    known = "" if np.isnan(chance) else f": right with {percent(chance)}"
    if tokens == 0:
        return Why.NO_SHARE, "abandoned: its share of the budget is less than one token"
    if tokens == floor:
        return Why.GUARANTEED, f"{_guarantee(floor, minimum)}{known}; its share of the budget is no more"
    return Why.SHARE, f"gets {_tokens(tokens)}, its share of the budget{known}"


@dataclass(frozen=True, slots=True, eq=False)
class _Priced:
    """All that the sentences of a plan with a price are made of; arrays are ``(n,)``."""

    plan: Plan
    terms: Terms
    expected: FloatArray
    held: FloatArray
    """P(right) within the floor."""
    best_price: FloatArray
    best_tokens: FloatArray
    best_gain: FloatArray
    most: FloatArray
    """P(right) at the best length."""
    useful: FloatArray
    """Tokens beyond the floor after which more do not help."""
    unlikely: float
    """P(right) that no length brings: `UNLIKELY`, or what the least likely of the funded are believed to have."""

    def say(self) -> tuple[tuple[Why, ...], tuple[str, ...]]:
        """The kind and the sentence of every query."""
        fits = self._fits
        return _unzip([self._one(row, bool(fits[row])) for row in range(len(self.plan.tokens))])

    @property
    def _fits(self) -> BoolArray:
        """Whether a query has an offer that pays at the price."""
        hopes = self.best_price * _NOBODY_COUNTS >= self.terms.weight
        fits: BoolArray = hopes & (self.best_price >= self.plan.price * (1.0 - _AS_GOOD))
        return fits

    def _one(self, row: int, fits: bool) -> tuple[Why, str]:
        tokens, floor = int(self.plan.tokens[row]), int(self.terms.floor[row])
        if tokens > floor:
            return self._bought(row, tokens, floor, fits)
        why, refusal = self._refused(row, fits)
        if not floor:
            return why, f"abandoned: {refusal}"
        kept = f"{_guarantee(floor, self.terms.minimum)}: right with {percent(float(self.expected[row]))}"
        return Why.GUARANTEED, f"{kept}; beyond it {refusal}"

    def _bought(self, row: int, tokens: int, floor: int, fits: bool) -> tuple[Why, str]:
        chance, useful = float(self.expected[row]), int(min(self.useful[row], 2.0**53))
        beyond = f" ({floor:,} of them guaranteed)" if floor else ""
        what = f"{_tokens(tokens)}{beyond}: right with {percent(chance)}"
        if self.plan.price == 0.0:
            spare = tokens - floor - useful
            if not fits:
                return Why.LEFTOVER, f"gets {what}; more would not help, these are its part of what nobody needs"
            more = f", and {spare:,} of them are its part of what nobody needs" if spare > 0 else ""
            return Why.BOUGHT, f"buys {what}; the budget pays for all that helps{more}"
        gain = chance - float(self.held[row])
        told, limit = self._told(row, (tokens - floor) / gain if gain > 0.0 else np.inf)
        paid = f", {told} tokens per right answer{' beyond the guarantee' if floor else ''}" if gain > 0.0 else ""
        if not fits:
            return Why.LEFTOVER, f"gets {what}{paid}; {limit}, but these tokens were left over"
        return Why.BOUGHT, f"buys {what}{paid}; {limit}"

    def _refused(self, row: int, fits: bool) -> tuple[Why, str]:
        most, bar = float(self.most[row]), float(self.best_price[row])
        asked = float(self.terms.weight[row]) / bar if bar > 0.0 else np.inf
        if asked > _NOBODY_COUNTS and most > UNLIKELY:
            return Why.TOO_DEAR, "more would not help"
        if asked > _NOBODY_COUNTS:
            return Why.UNLIKELY, f"never likely to be right: at most {percent(most)} at any length"
        own, limit = self._told(row, asked)
        offer = (
            f"its best offer is {self.best_gain[row]:.2g} right answers for {_count(float(self.best_tokens[row]))} "
            f"{'more ' if self.terms.floor[row] else ''}tokens"
        )
        if fits:
            return Why.NOT_REACHED, (
                f"{offer}, {own} tokens per right answer; it fits the price ({limit}), "
                "but the last tokens did not reach"
            )
        dear = f"{own} tokens per right answer; {limit}"
        if most <= self.unlikely:
            return Why.UNLIKELY, f"never likely to be right: at most {percent(most)} at any length, {dear}"
        return Why.TOO_DEAR, f"{offer}, {dear}"

    def _told(self, row: int, own: float) -> tuple[str, str]:
        """Tokens that a right answer to this query takes, and what the budget pays, in digits that tell them apart."""
        weight = float(self.terms.weight[row])
        limit = weight / self.plan.price if self.plan.price else np.inf
        asked, paid = next(
            ((_count(own, digits), _count(limit, digits)) for digits in range(4) if _differ(own, limit, digits)),
            (_count(own), _count(limit)),
        )
        valued = "" if weight == 1.0 else f" at its weight of {weight:.3g}"
        return asked, f"the budget pays at most {paid}{valued}"


def percent(chance: float) -> str:
    """A probability for people."""
    if 0.0 < chance < 0.001:
        return "less than 0.1 %"
    return f"{100.0 * chance:.{int(0.0 < chance < 0.01)}f} %"


def _count(tokens: float, digits: int = 0) -> str:
    """Tokens for people."""
    if tokens > _NOBODY_COUNTS:
        return "any number"
    return f"{tokens:,.{max(digits, int(tokens < 10.0))}f}"


def _differ(one: float, other: float, digits: int) -> bool:
    return _count(one, digits) != _count(other, digits)


def _tokens(count: int) -> str:
    return f"{count:,} token{'' if count == 1 else 's'}"


def _guarantee(floor: int, minimum: int) -> str:
    return f"guaranteed {'minimum' if floor == minimum else 'floor'} of {_tokens(floor)}"


def _unzip(told: list[tuple[Why, str]]) -> tuple[tuple[Why, ...], tuple[str, ...]]:
    return tuple(why for why, _ in told), tuple(reason for _, reason in told)
