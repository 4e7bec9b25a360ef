"""Our market: the price at which those who are still expected to come, and those who run, want what is left."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice.online._kernels import BINS, LOWEST, WIDTH, expect, foreseen, remember, stairs, want, weigh
from shadowprice.online._pooled import HOUR, AbstractPooledMarket
from shadowprice.online._rates import Rate, Tides
from shadowprice.online._seam import Hopes, Ticket

PATIENCE: Final = 0.9
"""A running query is stopped below this share of the price, as in the policy `index` and for its reasons."""
_LOTS: Final = 0.02
"""How far apart lots set those who are worth the same, in log price."""
_GOLDEN: Final = (math.sqrt(5.0) - 1.0) / 2.0
_LAST: Final = 3.0
"""A window's tokens are for those who come until so many usual replies before its end."""
_LATE: Final = 0.25
"""Of a window at most."""
_MOST: Final = 1e100
"""No number of a snapshot is beyond it, so that their sums and products are none either."""
_REPLIES: Final = 100
"""Replies that say how long one usually takes."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the rule was tuned with; the defaults are the ones that were measured (benchmarks/online.md)."""

    memory: int = 200
    """Arrivals whose wishes stand for those to come."""
    fast: float = 120.0
    """Memory of the rate that sees a burst at once, seconds."""
    middle: float = 1800.0
    """Memory of the rate that sees what has lasted for a while, seconds."""
    slow: float = 4.0 * HOUR
    """Memory of the rate that the traffic is believed to return to, seconds."""
    fades: float = 200.0
    """How long a burst is believed to last, seconds."""
    lasts: float = 1800.0
    """How long is believed to go on what has lasted for a while, seconds."""
    every: float = 5.0
    """The price is found anew after so long without an arrival, seconds."""
    trusted: float = 0.05
    """Share of the budget that must be spent before spending corrects what is expected to be spent."""


class OnlineMarket(AbstractPooledMarket):
    """One price for all, found anew at every arrival from the latest arrivals and two rates.

    Whoever comes is worth what an index says (as in the policy `index`), and begins if that is at least the price. The
    price is the least at which three things fit together: what the arrivals that are expected in the rest of the window
    want at it, if they are like the latest ones; what running queries want beyond what they hold; and the pool. How
    many come is not known, so it is found for several futures, as different as the past was, and the price is their
    mean: a token kept may be sold later, at a price that is high where many come. No smoothing, and no learning rate.
    What was spent corrects what was expected to be, between a half and twice.

    Where nobody can tell queries apart, no price can serve half of them, so each draws a lot that is worth 2 % at most:
    at the margin, the share of them is served that there are tokens for, and a window's budget lasts as long as it does
    where they differ. What is not sold when a window ends is lost, and so is what replies hold then that end later: so
    tokens are kept for those who come early enough to be served.

    What it has learnt outlives its windows, and by `snapshot` and `restore` the process.

    Args:
        grid: ``(K,)`` token counts at which steps end, rising, above 0.
        budget: Tokens of a window, at least 0.
        length: Seconds of a window.
        start: When the first window begins, seconds.
        carry: What may be carried over from one window to the next, as a share of the budget.
        tuning: The constants of the rule.

    Raises:
        InputError: Something is out of range.
    """

    def __init__(
        self,
        grid: ArrayLike,
        budget: int,
        *,
        length: float = HOUR,
        start: float = 0.0,
        carry: float = 0.0,
        tuning: Tuning = Tuning(),  # immutable
    ) -> None:
        super().__init__(grid, budget, length=length, start=start, carry=carry)
        self._tuning = tuning
        self._listens = False
        """Whether time passes: silence before that says nothing of traffic."""
        self._listen(start)
        points = len(self.grid)
        self._bins = np.full((tuning.memory, points), -1, dtype=np.int64)
        self._prices = np.zeros((tuning.memory, points))
        self._tokens = np.zeros((tuning.memory, points))
        self._sample = np.zeros(BINS)
        self._seen = 0
        """Arrivals so far; the sample is of the last `memory` of them."""
        self._weights = np.zeros(tuning.memory)
        self._weight = 0.0
        """Sum of the weights in the sample."""
        self._want_bins, self._want_tokens = np.zeros(64, dtype=np.int64), np.zeros(64)
        self._running = np.zeros(BINS)
        self._least, self._expected = np.zeros(points), np.zeros(points)
        self._wants: tuple[float, float] = (0.0, 0.0)
        """Index and rest of whoever was looked at last."""
        self._foreseen = self._spent = 0.0
        self._lot = 0.0
        self._took, self._ended = 0.0, 0
        """Seconds that a reply takes, and how many have said so."""
        self._price = self._solved_at = 0.0
        # Compiled code takes seconds to load: now, and not while replies are waiting.
        nothing = np.zeros(points)
        self._arrived(Ticket(1.0, 1), Hopes(nothing, nothing))
        want(self._want_bins, self._want_tokens, self._running, 0, 1.0, 0.0)
        weigh(self.grid, *Hopes(nothing, nothing).rows(), 1, 1, 1.0)
        self._seen, self._weight, self._weights[0] = 0, 0.0, 0.0
        self._solve()

    def _listen(self, now: float) -> None:
        tuning, doubt = self._tuning, 0.05 * self._length
        self._rates = tuple(Rate(memory, now, doubt) for memory in (tuning.fast, tuning.middle, tuning.slow))
        self._tides = Tides(self._length, now)

    def _wake(self, now: float) -> None:
        """Time begins to pass, or passes again: nobody was counted in the meantime, so it is no silence."""
        if not self._seen:
            self._listen(now)
            return
        away = now - self._now
        for rate in self._rates:
            rate.last, rate.start = rate.last + away, rate.start + away
        self._tides.edge += away

    @property
    def price(self) -> float:
        """The shadow price, utility per token."""
        return self._price

    def adjust(self, tokens: int) -> None:
        """Change the pool of this window; the price follows."""
        super().adjust(tokens)
        if tokens:
            self._solve()

    def advance(self, now: float) -> None:
        """Let time pass; after a few seconds the price is found anew."""
        super().advance(now)
        if self._now - self._solved_at >= self._tuning.every:
            self._solve()

    def _pass(self, now: float) -> None:
        if not self._listens:
            self._listens = True
            self._wake(max(now, self._now))
        super()._pass(now)
        self._tides.advance(self._now, self._window.end - self._now)

    def _begins(self, ticket: Ticket, hopes: Hopes) -> bool:
        for rate in self._rates:
            rate.arrived(self._now)
        self._tides.arrived()
        self._wants = self._arrived(ticket, hopes)
        self._solve()
        return bool(0.0 < self._least[0] >= self._price)

    def _arrived(self, ticket: Ticket, hopes: Hopes) -> tuple[float, float]:
        row = self._seen % len(self._weights)
        self._seen += 1
        self._weight += ticket.weight - self._weights[row]
        self._weights[row] = ticket.weight
        self._lot = (self._lot + _GOLDEN) % 1.0
        drawn = ticket.weight * math.exp(_LOTS * self._lot)
        wants: tuple[float, float] = stairs(self.grid, *hopes.rows(), ticket.most, drawn, self._least, self._expected)
        remember(self._least, self._expected, self._prices, self._bins, self._tokens, row, self._sample)
        return wants

    def _began(self, ticket: Ticket) -> None:
        ticket.began = self._now
        ticket.foreseen = foreseen(self._least, self._expected, self._price)
        if ticket.place >= len(self._want_bins):
            self._want_bins = np.concatenate([self._want_bins, np.zeros_like(self._want_bins)])
            self._want_tokens = np.concatenate([self._want_tokens, np.zeros_like(self._want_tokens)])
        self._want(ticket)

    def _goes_on(self, ticket: Ticket, hopes: Hopes) -> bool:
        self._wants = weigh(
            self.grid,
            *hopes.rows(),
            ticket.most,
            ticket.generated,
            ticket.weight,
        )
        return 0.0 < self._wants[0] >= PATIENCE * self._price

    def _answered(self, ticket: Ticket, *, goes_on: bool) -> None:
        if goes_on:
            self._want(ticket)
        else:
            want(self._want_bins, self._want_tokens, self._running, ticket.place, 0.0, 0.0)

    def _want(self, ticket: Ticket) -> None:
        """Note what it wants beyond what it holds."""
        index, rest = self._wants
        more = max(ticket.generated + rest - ticket.granted, 0.0)
        want(self._want_bins, self._want_tokens, self._running, ticket.place, index / PATIENCE, more)

    def _settled(self, ticket: Ticket) -> None:
        want(self._want_bins, self._want_tokens, self._running, ticket.place, 0.0, 0.0)
        self._foreseen += ticket.foreseen
        self._spent += ticket.generated
        self._ended = min(self._ended + 1, _REPLIES)
        self._took += (self._now - ticket.began - self._took) / self._ended

    def _opened(self) -> None:
        self._foreseen, self._spent = self._foreseen / 2.0, self._spent / 2.0
        self._summed()
        self._solve()

    def _summed(self) -> None:
        """The sums over the sample and over those who run, made anew: sums of many small differences drift."""
        self._sample[:] = 0.0
        known = self._bins >= 0
        np.add.at(self._sample, self._bins[known], self._tokens[known])
        self._weight = float(self._weights.sum())
        self._running[:] = 0.0
        places = np.fromiter(self._open, dtype=np.int64, count=len(self._open))
        np.add.at(self._running, self._want_bins[places], self._want_tokens[places])

    @property
    def reprieve(self) -> float:
        """Rates fade, and so does the price, while nobody comes."""
        rest = max(self._window.end - self._now, 0.0)
        wait = 1.0
        while wait < rest and self._price_at(self._now + wait) > self._least[0]:
            wait *= 1.5
        return min(wait, rest)

    def _solve(self) -> None:
        self._price, self._solved_at = self._price_at(self._now), self._now

    def _price_at(self, now: float) -> float:
        """The least price, at least a right answer for the whole budget, at which demand fits into the pool.

        That is at a moment until which nothing changes but the time.
        """
        tuning = self._tuning
        rest = max(self._window.end - now - min(_LAST * self._took, _LATE * self._length), 0.0)
        fast, middle, slow = (rate.at(now) for rate in self._rates)
        burst = (middle - fast) * tuning.fades * math.expm1(-rest / tuning.fades)
        burst += (slow - middle) * tuning.lasts * math.expm1(-rest / tuning.lasts)
        known = max(1, min(self._seen, len(self._weights)))
        trusted = tuning.trusted * self._budget
        scale = (self._spent + trusted) / (self._foreseen + trusted) if trusted else 1.0
        left = self._pool / min(max(scale, 0.5), 2.0)
        least = (self._weight / known if self._seen else 1.0) / max(self._budget, 1)
        usual = slow * rest / known
        known_prices = self._prices, self._bins, self._sample, self._running
        return float(expect(*known_prices, self._tides.factors, usual, burst / known, left, least))

    def snapshot(self) -> dict[str, Any]:
        """The sample, the rates, what was spent and foreseen, and the window."""
        known = min(self._seen, len(self._weights))
        order = [(self._seen - known + number) % len(self._weights) for number in range(known)]
        arrivals = [
            [float(self._weights[row]), _triples(*(kept[row] for kept in (self._bins, self._tokens, self._prices)))]
            for row in order
        ]
        rates = [[rate.count, rate.last, rate.start] for rate in self._rates]
        return super().snapshot() | {
            "arrivals": arrivals,
            "rates": rates,
            "counts": self._tides.counts,
            "foreseen": self._foreseen,
            "spent": self._spent,
            "lot": self._lot,
            "took": [self._took, self._ended],
        }

    def restore(self, state: Any) -> None:
        """Go on from a snapshot."""
        if not isinstance(state, Mapping):
            raise InputError("This is no snapshot of a market; delete it, and the market begins anew.")
        # Read whole before anything of it is believed: half of it would be worse than nothing.
        weights, bins = np.zeros_like(self._weights), np.full_like(self._bins, -1)
        prices, tokens = np.zeros_like(self._prices), np.zeros_like(self._tokens)
        try:
            arrivals = state["arrivals"][-len(weights) :]
            for row, (weight, stairs) in enumerate(arrivals):
                weights[row] = _number(weight, 1e-300)
                for column, (place, wanted, *price) in enumerate(stairs):
                    bins[row, column], tokens[row, column] = range(BINS)[place], _number(wanted)
                    middle = math.exp(LOWEST + WIDTH * (place + 0.5))  # older versions kept the bin alone
                    prices[row, column] = _number(price[0], 1e-300) if price else middle
            rates = [
                (_number(count), _number(last, -_MOST), _number(start, -_MOST))
                for _, (count, last, start) in zip(self._rates, state["rates"], strict=True)
            ]
            counts = [int(_number(count)) for count in state["counts"]] or [0]
            foreseen, spent = _number(state["foreseen"]), _number(state["spent"])
            lot = _number(state.get("lot", 0.0)) % 1.0
            took, ended = (_number(number) for number in state.get("took", (0.0, 0)))
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise InputError("The snapshot holds no arrivals; delete it, and the market begins anew.") from error
        super().restore(state)
        self._weights, self._prices, self._tokens, self._bins = weights, prices, tokens, bins
        for rate, (count, last, start) in zip(self._rates, rates, strict=True):
            rate.count, rate.last, rate.start = count, min(last, self._now), min(start, self._now)
        self._foreseen, self._spent, self._lot = foreseen, spent, lot
        self._took, self._ended = took, min(int(ended), _REPLIES)
        self._seen, self._listens = len(arrivals), False
        self._tides = Tides(self._length, self._now)
        self._tides.counts = counts
        self._summed()
        self._solve()


def _number(value: Any, least: float = 0.0) -> float:
    number = float(value)
    if not least <= number <= _MOST:
        raise ValueError(f"{number} is out of range")
    return number


def _triples(bins: Any, tokens: Any, prices: Any) -> list[list[float]]:
    """The stairs of one arrival: places on the ladder, tokens, prices."""
    rows = zip(bins.tolist(), tokens.tolist(), prices.tolist(), strict=True)
    return [[place, round(count, 3), float(f"{price:.6g}")] for place, count, price in rows if place >= 0]
