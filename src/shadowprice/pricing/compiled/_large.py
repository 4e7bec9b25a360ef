"""Solve a large market in a few passes over its queries, all else being about the few that are near a jump.

1. A sample says where the price is, to within a bracket λ₀·e^±δ (`_sample`).
2. One pass sums up the queries that are funded in all of the bracket, as a Taylor series of their demand in log
   price, and sets the open ones aside (`_kernels`); the rest is not funded at all.
3. The clearing price is found among the open ones, to the last bit (`_rows`). Refill: the funded keep what the jump
   leaves, at a lower marginal price.
4. A second pass gives everybody whole tokens: all that gain more than a high mark, none that gain less than a low
   one. The few between the two marks are sorted, and the budget is spent on the best to the last token.
"""

# mypy: disable-error-code="no-untyped-def"

import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.pricing._solution import Solution, Status
from shadowprice.pricing.compiled._kernels import CHUNK, OPTIONS, market_pass, token_pass
from shadowprice.pricing.compiled._rows import (
    absorb,
    clear,
    demand_of_all,
    hand_out,
    levels,
    meet,
    reservation_prices,
    surplus_of_rows,
    taylor,
    tighten,
)
from shadowprice.pricing.compiled._sample import guess_price

_ROUNDING = 1e-12
_MOST_BRACKET = 0.1
_MOST_OPEN = 1 << 24
_MOST_LOSS = 1e-6
"""Of the utility; a plan that makes better use of a jump may be worth that much more."""

# A pass has all cores; two at once gain nothing, and Numba's simplest threading layer does not survive it.
_PASS = threading.Lock()


class _GiveUpError(Exception):
    """The market is not one for this method."""


class _Scan:
    """Runs a pass over all queries and returns its sums and the open queries."""

    def __init__(self, *columns: FloatArray) -> None:
        self.size = columns[0].size
        self._columns = columns
        self._chunks = -(-self.size // CHUNK)
        self._count = np.zeros(self._chunks, np.int64)
        self._resize(CHUNK // 32)

    def _resize(self, room: int) -> None:
        self._room = room
        self._rows = np.empty(self._chunks * room, np.int64)
        self._kept = np.empty((self._chunks * room, 3))

    def __call__(self, kernel: Callable[..., FloatArray], *args: Any) -> tuple[FloatArray, IntArray, FloatArray]:
        """Sums ``(chunks, terms)``, the open rows ``(m,)`` in order, and their columns ``(3, m)``."""
        while True:
            with _PASS:
                sums = kernel(*self._columns, *args, self._rows, self._kept, self._room, self._count)
            if self._count.max() <= self._room:
                break
            if self._chunks * CHUNK > _MOST_OPEN:
                raise _GiveUpError
            self._resize(CHUNK)
        if not np.isfinite(sums).all():
            raise _GiveUpError
        m = int(self._count.sum())
        rows, columns = np.empty(m, np.int64), np.empty((3, m))
        _gather(self._rows, self._kept, self._room, self._count, rows, columns)
        return sums, rows, columns


@njit(**OPTIONS)
def _gather(rows, kept, room, count, out_rows, out):
    k = 0
    for j in range(count.size):
        for i in range(j * room, j * room + count[j]):
            out_rows[k] = rows[i]
            out[0, k], out[1, k], out[2, k] = kept[i, 0], kept[i, 1], kept[i, 2]
            k += 1


class _Market:
    """The clearing price of a large market: the open queries around it, and the rest as a Taylor series."""

    def __init__(self, scan: _Scan, budget: float, price: float, delta: float) -> None:
        """Repeat the pass until the clearing price is in the bracket and so near that the series is exact."""
        self.evaluations = 0
        for _ in range(6):
            if not delta <= _MOST_BRACKET:
                break
            sums, rows, (t, a, b) = scan(market_pass, price, delta)
            self.rest = np.array([math.fsum(column) for column in sums.T])
            bar = np.empty(rows.size)
            reservation_prices(t, a, b, bar)
            low, high = price * math.exp(-delta), price * math.exp(delta)
            demand_low, _ = demand_of_all(t, a, b, bar, self.rest, price, low, low)
            demand_high, _ = demand_of_all(t, a, b, bar, self.rest, price, high, high)
            self.evaluations += 3
            if demand_low > budget >= demand_high:
                self.wide = (t.copy(), a.copy(), b.copy(), bar.copy()), self.rest.copy(), low, high
                bracket = tighten(t, a, b, bar, self.rest, price, low, demand_low, high, demand_high, budget)
                k = absorb(t, a, b, bar, rows, self.rest, price, delta, bracket[0], bracket[2])
                self.rows, self.open, self.origin, self.budget = rows[:k], (t[:k], a[:k], b[:k], bar[:k]), price, budget
                self.price, self.cut, self.jumps, steps = clear(*self.open, self.rest, price, *bracket, budget)
                if steps < 0:
                    break
                self.evaluations += 4 + steps
                self._x = math.log(self.price / price)
                if abs(self._x) ** 5 / 120.0 * abs(self.rest[1]) <= 1e-14 * budget:
                    return
                price, delta = self.price, 1e-3
            else:
                here, _ = demand_of_all(t, a, b, bar, self.rest, price, price, price)
                slope = (demand_low - demand_high) / (2.0 * delta)
                if not slope > 0.0:
                    break
                move = (here - budget) / slope
                price *= math.exp(min(max(move, -0.5), 0.5))
                delta = max(2.0 * delta, 0.2 * abs(move))
        raise _GiveUpError

    def refill(self) -> tuple[float, float, IntArray]:
        """Marginal price at which the funded use the budget, −dD/d log λ there, and the funded on the rung itself.

        On the rung a query is as good funded as not: as many as fit are, lower rows first.
        """
        t, a, b, bar = self.open
        funded = np.where(bar >= self.cut, 1.0, 0.0)
        price, tied = self.price, np.empty(0, np.int64)
        if self.jumps:
            demand, _ = demand_of_all(*self.open, self.rest, self.origin, price, self.cut)
            tied = np.flatnonzero(bar == price)
            if tied.size > 1:
                root = np.sqrt(b[tied]) * np.sqrt(t[tied])
                least = t[tied] + 2.0 * root / (root + np.hypot(root, 2.0)) / b[tied]
                room = (self.budget - demand) * (1.0 + _ROUNDING)
                tied = tied[: np.searchsorted(np.cumsum(least), room, side="right")]
            else:
                tied = tied[:0]
            funded[tied] = 1.0
            price, steps = meet(t, a, b, funded, self.rest, self.origin, self.budget, 0.5, price, 0.0, np.inf)
            if steps < 0 or (funded.any() and price >= a[funded > 0.0].min()):
                raise _GiveUpError
            self.evaluations += steps
        _, slope = demand_of_all(t, a, b, funded, self.rest, self.origin, price, 0.5)
        if price <= 0.0 or slope == 0.0:  # the funded do not use the budget at any price
            raise _GiveUpError
        return price, abs(slope), self.rows[tied]

    def possible_loss(self, mark: float, price: float, slope: float) -> float:
        """Utility that an optimal allocation in whole tokens could have beyond one that buys the gains from a mark on.

        With the mark as the price of the Lagrangian the funded have, token for token, what is best for them. So the
        bound exceeds the utility only by the surplus of those whose reservation price lies between mark and clearing
        price: at most the distance of the two times the demand that lies between them.
        """
        columns, rest, low, high = self.wide
        if not low < mark < high:
            return math.inf
        demand, _ = demand_of_all(*columns, rest, self.origin, mark, mark)
        between = abs(demand - self.budget) + slope * abs(math.log(mark / price))
        return float(abs(mark - self.price) * between)

    def dual_bound(self) -> float:
        """Bλ + Σ max(0, Sᵢ(λ)). The rest's surplus is known at λ₀ and falls with its demand: dS/dλ = −D."""
        nodes, weights = np.polynomial.legendre.leggauss(5)
        places = 0.5 * self._x * (nodes + 1.0)
        area = sum(
            w * math.exp(x) * taylor(self.rest, x)[0] for x, w in zip(places, 0.5 * self._x * weights, strict=True)
        )
        surplus = self.origin * (self.rest[5] - area) + surplus_of_rows(*self.open, self.price)
        return float(self.budget * self.price + surplus)


def solve_large(threshold: FloatArray, alpha: FloatArray, beta: FloatArray, budget: float) -> Solution | None:
    """Solve one market of at least some 10,000 queries; see `shadowprice.pricing.compiled._fast.solve_fast`."""
    guess = guess_price(threshold, alpha, beta, budget)
    if guess is None:
        return None
    scan = _Scan(threshold, alpha, beta)
    try:
        market = _Market(scan, budget, guess.price, 4.0 * guess.error + 1e-4)
        price, slope, tied = market.refill()
        # The mark between gains that buy a token and gains that do not is near the marginal price, as fractions of a
        # token are nearly uniform: the first try is 4 standard errors of their sum on either side.
        centre = math.log(price) + guess.shift / slope
        width = (4.0 * math.sqrt(market.rest[6] / 12.0) + 0.02 * guess.shift + 8.0) / slope
        tokens, marginal_price, utility = _whole(scan, market, price, slope, tied, centre, width)
    except _GiveUpError:
        return None
    if market.possible_loss(marginal_price, price, slope) > _MOST_LOSS * utility:
        return None
    return Solution(
        tokens=tokens,
        price=market.price,
        marginal_price=marginal_price,
        utility=utility,
        dual_bound=max(market.dual_bound(), utility),
        status=Status.OPTIMAL_WITHIN_GAP,
        evaluations=market.evaluations,
    )


def _whole(
    scan: _Scan, market: _Market, price: float, slope: float, tied: IntArray, centre: float, width: float
) -> tuple[IntArray, float, float]:
    """Tokens ``(n,)`` that sum to ⌊B⌋, the best gain they leave, and their utility."""
    tokens = np.empty(scan.size, np.int64)
    # The pass decides by reservation prices around this price: wide enough to leave all of a jump's queries open.
    gap = abs(math.log(price / market.price)) + _ROUNDING
    for _ in range(5):
        low, high = math.exp(centre - width), math.exp(centre + width)
        sums, rows, (t, a, b) = scan(token_pass, price, gap, low, high, tokens)
        bar = np.empty(rows.size)
        reservation_prices(t, a, b, bar)
        funded: BoolArray = (bar >= market.cut) | np.isin(rows, tied)
        held = np.empty(rows.size, np.int64)
        gain = np.empty(4 * rows.size + 64)
        owner = np.empty(gain.size, np.int64)
        k, value = levels(t, a, b, funded, price, low, high, held, gain, owner)
        if k < 0:
            break
        left = math.floor(market.budget) - int(sums[:, 0].sum()) - int(held.sum())
        # One gain must be left over, to say what the next token would earn.
        if 0 <= left < k:
            gain, owner = gain[:k], owner[:k]
            order = np.partition(gain, [k - left - 1, min(k - left, k - 1)])
            if left:
                value += hand_out(gain, owner, left, order[k - left], held)
            tokens[rows] = held
            return tokens, float(order[k - left - 1]), math.fsum(sums[:, 1]) + value
        centre += (0.5 * k - left) / slope
        width = 3.0 * width + abs(0.5 * k - left) / slope
    raise _GiveUpError
