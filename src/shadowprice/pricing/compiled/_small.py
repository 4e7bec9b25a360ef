"""Solve a market that fits into the cache, by compiled passes over its queries.

It takes the same steps as the general solver (`_lambert`, `_refill`, `_repair`, `_rounding`): clear; where demand jumps
over the budget, try several sets of funded queries, each with one price at which it uses the budget; round the best to
whole tokens; exchange queries around the margin while that pays. What the general solver does for odd cases is left to
it.

Arrays are ``(n,)``: threshold τ (tokens), alpha α (utility per token), beta β (per token) and bar, the reservation
price (utility per token). ``funded`` is 1.0 or 0.0, so that sums need no branch.
"""

# mypy: disable-error-code="no-untyped-def"

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.pricing._solution import Solution, Status
from shadowprice.pricing.clearing import FINEST_TICK, FIRST_TICKS
from shadowprice.pricing.compiled._clock import clock
from shadowprice.pricing.compiled._exchanges import exchange, margin, rank_exchanges
from shadowprice.pricing.compiled._plans import (
    additions,
    could_begin,
    hand_on,
    newcomer,
    responses,
    round_peaks,
    totals,
    utility_of,
    whole_below,
    worth_at,
)
from shadowprice.pricing.compiled._rows import clear, demand_of_rows, meet, reservation_prices, surplus_of_rows
from shadowprice.pricing.plans import MOST_EXCHANGES, MOST_ROUNDS, REACH, STEP, TRIED, WORTH_A_REPAIR

_ROUNDING = 1e-12
_NO_REST = np.zeros(7)
_NO_PATH = np.empty((0, 2))


def solve_small(
    threshold: FloatArray, alpha: FloatArray, beta: FloatArray, budget: float, *, ascending: bool = False
) -> Solution | None:
    """Solve one market on one core; see `shadowprice.pricing.compiled._fast.solve_fast`."""
    market = _Market(threshold, alpha, beta, budget)
    peaks = float((threshold + 1.0 / beta).sum())
    if peaks <= budget:
        return market.saturated(peaks)
    bar = market.bar
    if not bar.min() > 0.0:
        return None
    path = _NO_PATH
    if ascending:
        price, cut, jumps, steps, path = clock(threshold, alpha, beta, bar, budget, FIRST_TICKS, FINEST_TICK)
    else:
        price, cut, jumps, steps = market.clear()
    if steps < 0:
        return None
    funded = np.where(bar >= cut, 1.0, 0.0)
    bound = budget * price + surplus_of_rows(threshold, alpha, beta, bar, price)
    found = market.buy(funded, price, bound, jumps=jumps)
    if found is None:
        return None
    away = np.abs(bar - price) > _ROUNDING * price
    marginal = np.flatnonzero(away & ((found.funded > 0.0) != (bar > price)))
    return Solution(
        tokens=found.tokens,
        price=price,
        marginal_price=found.price,
        utility=found.utility,
        dual_bound=max(bound, found.utility),
        status=Status.OPTIMAL_WITHIN_GAP if price else Status.SATURATED,
        marginal=marginal,
        evaluations=steps + 1 + market.evaluations,
        path=path,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Whole:
    """A plan in whole tokens.

    Args:
        tokens: ``(n,)``.
        price: What one more token would earn among the funded; 0 if they have all that helps.
        utility: Σ φ(t).
        funded: ``(n,)`` 1.0 or 0.0.
    """

    tokens: IntArray
    price: float
    utility: float
    funded: FloatArray


class _Market:
    """The steps between the kernels. What is compiled are passes over all queries; the steps between them are few."""

    def __init__(self, threshold: FloatArray, alpha: FloatArray, beta: FloatArray, budget: float) -> None:
        self.surges = threshold, alpha, beta
        self.budget = budget
        self.bar = np.empty(threshold.size)
        self.evaluations = 0
        reservation_prices(*self.surges, self.bar)

    @cached_property
    def order(self) -> IntArray:
        """``(n,)`` rows, highest reservation price first."""
        return np.argsort(-self.bar, kind="stable")

    def saturated(self, peaks: float) -> Solution | None:
        """Everybody at the best whole tokens; None where they do not fit although the peaks do."""
        everybody = np.ones(self.bar.size)
        tokens, fits = round_peaks(*self.surges, everybody, math.floor(self.budget))
        if not fits:
            return None
        utility = utility_of(*self.surges, tokens)
        bound = max(worth_at(*self.surges, everybody, 0.0), utility)
        path = np.array([[0.0, peaks]])
        return Solution(tokens, 0.0, 0.0, utility, bound, Status.SATURATED, evaluations=1, path=path)

    def clear(self) -> tuple[float, float, bool, int]:
        """The price, the cut (funded is who has bar ≥ cut), whether demand jumps there, and the evaluations."""
        bottom, top = self.bar.min(), np.nextafter(self.bar.max(), np.inf)
        demand, _ = demand_of_rows(*self.surges, self.bar, bottom, bottom)
        if demand <= self.budget:
            price, steps = meet(*self.surges, self.bar, _NO_REST, 1.0, self.budget, bottom, bottom, 0.0, bottom)
            return price, bottom, False, steps
        found: tuple[float, float, bool, int] = clear(
            *self.surges, self.bar, _NO_REST, 1.0, bottom, demand, top, 0.0, self.budget
        )
        return found

    def buy(self, funded: FloatArray, price: float, bound: float, *, jumps: bool) -> _Whole | None:
        """The best plan at a clearing price, and after exchanges; None to give up."""
        sets = [funded]
        if jumps:
            extras, ends = additions(*self.surges, self.bar, self.order, funded, price, self.budget)
            for begin, end in pairwise(ends):
                if begin < end:
                    sets.append(funded.copy())
                    sets[-1][extras[begin:end]] = 1.0
        plans = [(*self.plan(one, price, jumps=jumps), one) for one in sets]
        if plans[0][1] < 0.0:
            return None
        best: _Whole | None = None
        for own, worth, one in sorted(plans, key=lambda plan: -plan[1]):
            # Rounding hardly ever adds value, so a plan that is worth no more before it than the best after it waits.
            if best is not None and worth <= best.utility:
                break
            found = self.whole(one, own)
            if found is None:
                return None
            best = found if best is None or found.utility > best.utility else best
        return self.exchanged(best, bound) if jumps and best is not None else best

    def plan(self, funded: FloatArray, price: float, *, jumps: bool = True) -> tuple[float, float]:
        """The price at which the funded use the budget, and what that is worth; −1 if somebody would get nothing.

        Where their peaks leave tokens over, whoever makes most of those joins ``funded``, in place, as in `top_up`; the
        price is 0 if nobody can. Where more than `MOST_ROUNDS` could join, that is given up as well.
        """
        peaks, thresholds, least_alpha = totals(*self.surges, funded)
        worth, rounds = 0.0, 0
        while peaks <= self.budget:
            rounds += 1
            if rounds > MOST_ROUNDS:
                return 0.0, -1.0
            worth = worth_at(*self.surges, funded, 0.0)
            row, more = newcomer(*self.surges, funded, self.budget - peaks)
            if row < 0 or self.budget - peaks <= _ROUNDING * self.budget:
                return 0.0, worth
            funded[row] = 1.0
            worth += more  # at one price the newcomer may cost the others more: then it gets what they leave
            peaks, thresholds, least_alpha = totals(*self.surges, funded)
        if thresholds >= self.budget:
            return 0.0, -1.0
        if jumps:
            price, steps = meet(*self.surges, funded, _NO_REST, 1.0, self.budget, 0.5, price, 0.0, np.inf)
            self.evaluations += abs(steps)
            if steps < 0:
                return 0.0, -1.0
        return (price, max(worth, worth_at(*self.surges, funded, price))) if price < least_alpha else (0.0, -1.0)

    def whole(self, funded: FloatArray, price: float) -> _Whole | None:
        """The funded in whole tokens, from the price at which they use the budget; None to give up."""
        budget, n = math.floor(self.budget), self.bar.size
        if price == 0.0:
            tokens, fits = round_peaks(*self.surges, funded, budget)
            if not fits or could_begin(self.surges[0], funded, budget - int(tokens.sum())):
                return None
            return _Whole(tokens, 0.0, utility_of(*self.surges, tokens), funded)
        tokens, gain, last, short = whole_below(*self.surges, funded, price)
        left = budget - int(tokens.sum())
        if short or not 0 <= left < n:
            return None
        mark = np.partition(gain, n - left)[n - left] if left else np.inf
        next_gain = hand_on(*self.surges, tokens, gain, last, mark, left) if mark > 0.0 else -1.0
        return _Whole(tokens, next_gain, utility_of(*self.surges, tokens), funded) if next_gain > 0.0 else None

    def exchanged(self, best: _Whole, bound: float) -> _Whole:
        """The plan after all exchanges around the margin that raise its utility."""
        for _ in range(MOST_EXCHANGES):
            if bound - best.utility <= WORTH_A_REPAIR * bound:
                break
            better = self._exchange(best)
            if better is None:
                break
            best = better
        return best

    def _exchange(self, best: _Whole) -> _Whole | None:
        outgoing, incoming = margin(self.order, best.funded, REACH)
        price = best.price or float(self.bar.min())
        answers = responses(*self.surges, price, STEP)
        self.evaluations += 1
        ranked = rank_exchanges(outgoing, incoming, *answers, best.funded, price, self.budget, TRIED)
        for leaving, joining in ranked:
            if leaving < 0:
                break
            funded = best.funded.copy()
            exchange(funded, outgoing, incoming, leaving, joining)
            own, worth = self.plan(funded, price)
            # What is worth no more before its tokens are rounded is worth no more after it.
            found = self.whole(funded, own) if worth > best.utility else None
            if found is not None and found.utility > best.utility * (1.0 + _ROUNDING):
                return found
        return None
