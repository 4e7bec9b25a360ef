"""A first guess of a large market's price, from a sample of its queries.

It only has to be near: the guess and its standard error say where the passes over everybody look, not what they
find.
"""

# mypy: disable-error-code="no-untyped-def"

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from shadowprice._types import FloatArray
from shadowprice.pricing.compiled._kernels import FUSED, OPTIONS, E, lambertw
from shadowprice.pricing.compiled._rows import demand_of_rows, reservation_prices

_SAMPLE = 1 << 17
_ROUGH = 1 << 12
_LINE = 8
_STEP = 0.02


@dataclass(frozen=True, slots=True)
class Guess:
    """What a sample says about a market.

    Args:
        price: price that clears the sample, utility per token.
        error: standard error of its logarithm.
        shift: Σ over everybody of how far, in tokens, rounding by gains lies above rounding at the price.
    """

    price: float
    error: float
    shift: float


def guess_price(threshold: FloatArray, alpha: FloatArray, beta: FloatArray, budget: float) -> Guess | None:
    """Clear a sample: bisection on a few of it, then Newton's method on all of it.

    Args:
        threshold: ``(n,)`` τ, tokens.
        alpha: ``(n,)`` α, utility per token.
        beta: ``(n,)`` β, per token.
        budget: B, tokens.

    Returns:
        The guess, or None where demand hardly depends on the price.
    """
    n = threshold.size
    lines = min(_SAMPLE, n // 2) // _LINE
    m = lines * _LINE
    t, a, b, bar = np.empty((4, m))
    _draw(threshold, alpha, beta, lines, t, a, b)
    reservation_prices(t, a, b, bar)
    share = budget * m / n
    every = max(m // _ROUGH, 1)
    few = [column[::every].copy() for column in (t, a, b, bar)]
    price = _bisect(*few, share / every)
    slope = 0.0
    for _ in range(4):
        if not price > 0.0:
            return None
        here, _ = demand_of_rows(t, a, b, bar, price, price)
        beside = price * math.exp(_STEP if here > share else -_STEP)
        there, _ = demand_of_rows(t, a, b, bar, beside, beside)
        # Across the step, so that the queries which leave the market count; the slope at a price misses them.
        slope = abs(there - here) / _STEP
        if not slope > 0.0:
            return None
        move = (here - share) / slope
        price *= math.exp(min(max(move, -0.5), 0.5))
        if abs(move) < _STEP:
            break
    quarter = m // 4
    variance, shift = _spread(t[:quarter], a[:quarter], b[:quarter], bar[:quarter], price)
    return Guess(price, 2.0 * math.sqrt(variance) / slope, shift * n / quarter)


@njit(**OPTIONS)
def _draw(threshold, alpha, beta, lines, t, a, b):
    """Whole cache lines, one at a pseudo-random place in each of ``lines`` equal strides.

    Reading a line costs what reading one number of it does. Strides make a sorted market a good sample too, and the
    places follow from a constant, so that a solve can be repeated.
    """
    stride = threshold.size // lines
    state = np.uint64(0x9E3779B97F4A7C15)
    for j in range(lines):
        state = state * np.uint64(6364136223846793005) + np.uint64(1442695040888963407)
        first = j * stride + np.int64((state >> np.uint64(33)) % np.uint64(stride - _LINE + 1))
        for i in range(_LINE):
            t[j * _LINE + i] = threshold[first + i]
            a[j * _LINE + i] = alpha[first + i]
            b[j * _LINE + i] = beta[first + i]


@njit(**OPTIONS)
def _bisect(threshold, alpha, beta, bar, budget):
    """A price within 1/1000 or so of the one that clears these; 0 if there is none."""
    high = math.log(bar.max())
    low = high - 1.0
    while demand_of_rows(threshold, alpha, beta, bar, math.exp(low), math.exp(low))[0] <= budget:
        high = low
        low -= 4.0
        if not low > -700.0:
            return 0.0
    for _ in range(12):
        middle = 0.5 * (low + high)
        if demand_of_rows(threshold, alpha, beta, bar, math.exp(middle), math.exp(middle))[0] > budget:
            low = middle
        else:
            high = middle
    return math.exp(0.5 * (low + high))


@njit(fastmath=FUSED, **OPTIONS)
def _spread(threshold, alpha, beta, bar, price):
    """Variance of the lines' demand times their number, and the sum of rounding's upward shift.

    ⌊t*⌋ or one more is bought where the next gain is at least the price. As φ is concave there, that is β(2 + W)/
    (1 + W)/24 tokens above t* on average over the fractions of a token.
    """
    total = squares = shift = 0.0
    lines = threshold.size // _LINE
    ze = price * E
    for j in range(lines):
        demand = 0.0
        for i in range(j * _LINE, (j + 1) * _LINE):
            if bar[i] >= price:
                w = lambertw(min(ze / alpha[i], E))
                demand += threshold[i] + (1.0 - w) / beta[i]
                shift += min(beta[i], 1.0) * (2.0 + w) / (1.0 + w) / 24.0
        total += demand
        squares += demand * demand
    mean = total / lines
    return max(squares / lines - mean * mean, 0.0) * lines, shift
