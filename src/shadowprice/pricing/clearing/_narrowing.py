"""Most of a large market is decided as soon as its price is roughly known; what is not is a small market.

Between two prices around the clearing price a table's demand only changes where a slope of its envelope lies between
them. All others buy the same at both, and their corners, if they are whole, are what they get. The rest is a market of
some thousand queries with what the others leave of the budget.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from shadowprice._types import IntArray
from shadowprice.curves import Tabulated
from shadowprice.pricing.clearing._clearing import Ladder, clear
from shadowprice.pricing.clearing._offer import Offer

_SAMPLE: Final = 2000
"""Queries that the first guess is made from."""
_FIRST_WIDTH: Final = 0.1
"""How far from the guess, in log price, the first two prices are on either side."""
_FEWEST: Final = 300
"""Queries that are left undecided at least, so that a jump of the demand is filled well."""
_WANTED: Final = 1000
_MOST: Final = 2000
"""Queries that are left undecided at most, unless many are alike."""
_BOLDEST: Final = 0.1
"""Part of the undecided that one try is to leave, at least."""
_WIDEST: Final = 3.0
"""Step in log price, at most."""
_MOST_TRIES: Final = 40


@dataclass(slots=True, eq=False)
class Narrowed:
    """A market of n queries of which m are undecided between two prices.

    Args:
        undecided: ``(m,)`` rows.
        tokens: ``(n,)`` what the others get, whole; 0 for the undecided.
        spent: what that costs, in the budget's unit.
        utility: what it is worth.
        low: a price at which all n want more than the budget, utility per unit of the budget.
        high: one at which they do not.
        tries: pairs of prices that were asked.
    """

    undecided: IntArray
    tokens: IntArray
    spent: float
    utility: float
    low: float
    high: float
    tries: int = 0


def narrow(offer: Offer, budget: float) -> Narrowed | None:
    """Decide all but some thousand queries; None if there are not more, or not by these means."""
    n = len(offer)
    if n <= 2 * _MOST or not isinstance(offer.curve, Tabulated):
        return None
    some = offer.take(slice(None, None, n // _SAMPLE))
    guess = clear(Ladder.of(some), budget * len(some) / n).price
    if not guess > 0.0:
        return None
    low, high, step = guess * math.exp(-_FIRST_WIDTH), guess * math.exp(_FIRST_WIDTH), 2.0 * _FIRST_WIDTH
    market = Narrowed(np.arange(n), np.zeros(n, np.int64), 0.0, 0.0, 0.0, np.inf)
    while market.undecided.size > _MOST and market.tries < _MOST_TRIES:
        market.tries += 1
        few = offer.take(market.undecided) if market.undecided.size < n else offer
        assert isinstance(few.curve, Tabulated)
        found = few.curve.split(low, high, *(np.ones(1) if one is None else one for one in (few.weight, few.cost)))
        above, below = market.spent + found.spent_at_low - budget, market.spent + found.spent_at_high - budget
        if below > 0.0:
            market.low, low, high = high, high, min(high * math.exp(step), market.high)
            step *= 2.0
        elif above <= 0.0:
            market.high, low, high = low, max(low * math.exp(-step), market.low), low
            step *= 2.0
        elif found.undecided.size < _FEWEST and step < _WIDEST:
            low, high = max(low * math.exp(-step), market.low), min(high * math.exp(step), market.high)
            step *= 2.0
        else:
            decided = np.ones(market.undecided.size, np.bool_)
            decided[found.undecided] = False
            market.tokens[market.undecided[decided]] = found.tokens[decided]
            market.undecided = market.undecided[found.undecided]
            market.spent, market.utility = market.spent + found.spent, market.utility + found.utility
            market.low, market.high = low, high
            # Demand is nearly linear in the price's logarithm, but not so nearly that one step could be trusted far.
            centre = low * (high / low) ** (above / (above - below))
            step = min(0.5 * math.log(high / low) * max(_WANTED / market.undecided.size, _BOLDEST), _WIDEST)
            low, high = max(low, centre * math.exp(-step)), min(high, centre * math.exp(step))
    return market if market.undecided.size <= n // 2 and market.low > 0.0 and market.high < np.inf else None
