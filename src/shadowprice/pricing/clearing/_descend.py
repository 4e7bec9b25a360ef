"""The least price at which something no longer exceeds the budget, to the last bit."""

from collections.abc import Callable

import numpy as np


def descend(
    exceeds: Callable[[float], bool], start: float, bracket: tuple[float, float] | None = None
) -> tuple[float, int]:
    """Bisection over the float64 numbers themselves: at most 64 steps whatever the scale.

    Positive floats sort like the integers that have their bits, so the middle of two of them is taken there:
    the geometric middle far from the answer, the arithmetic one near it.

    Args:
        exceeds: whether demand at a price is more than the budget; it is at 0, and never again once it is not.
        start: a price to begin from, above 0.
        bracket: a price that exceeds and one that does not, if known.

    Returns:
        The least price that does not exceed, and the number of prices tried.
    """
    steps = 0
    if bracket is None:
        factor, low, high = 1.0 + 2.0**-20, 0.0, np.inf
        price = start
        while low == 0.0 or high == np.inf:
            steps += 1
            if exceeds(price):
                low, price = price, price * factor
            else:
                high, price = price, price / factor
            factor *= factor
            if price < np.finfo(float).tiny or price > 1e300:
                low, high = low, min(high, float(np.finfo(float).max))
                break
    else:
        low, high = bracket
    first, last = _bits(low), _bits(high)
    while last - first > 1:
        middle = (first + last) // 2
        steps += 1
        if exceeds(_number(middle)):
            first = middle
        else:
            last = middle
    return _number(last), steps


def _bits(price: float) -> int:
    return int(np.float64(price).view(np.int64))


def _number(bits: int) -> float:
    return float(np.int64(bits).view(np.float64))
