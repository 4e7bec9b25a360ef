"""Clearing among a list of queries, compiled: the open ones of a large market, or all of a small one.

The queries of a large market on which a pass could decide are in the list's company as a *rest*: a smooth demand
around a price λ₀, as the Taylor coefficients D, D′, …, D⁗ in log(λ/λ₀). ``rest[0] == 0`` is none.

Arrays are ``(m,)``: threshold τ (tokens), alpha α (utility per token), beta β (per token) and reservation prices
(utility per token).
"""

# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np
from numba import njit

from shadowprice.curves._lambertw import OFFSET
from shadowprice.pricing.compiled._kernels import FUSED, OPTIONS, SUMMED, E, decay, lambertw, lambertw_parts

EPS = 2.0**-52
_MOST_STEPS = 100
_MOST_LEVELS = 64


@njit(fastmath=FUSED, **OPTIONS)
def reservation_prices(threshold, alpha, beta, out):
    """αe^(−βx₀)(1 − βx₀), where βx₀ = 2r/d and 1 − βx₀ = 4/d² with r = √(βτ) and d = r + √(r² + 4)."""
    for i in range(threshold.size):
        r = math.sqrt(np.float64(beta[i])) * math.sqrt(np.float64(threshold[i]))
        inverse = 1.0 / (r + math.sqrt(r * r + 4.0))
        still = 1.0 - decay(min(2.0 * r * inverse, 1.0))
        out[i] = np.float64(alpha[i]) * (still * (4.0 * inverse * inverse))


@njit(fastmath=SUMMED, **OPTIONS)
def demand_of_rows(threshold, alpha, beta, bar, price, cut):
    """Tokens that the queries with bar ≥ cut buy at a price whatever it costs, and dD/d log λ = −ΣW/((1 + W)β)."""
    demand = slope = 0.0
    ze = price * E
    for i in range(threshold.size):
        b = np.float64(beta[i])
        z = min(ze / np.float64(alpha[i]), E)
        p, q = lambertw_parts(z)
        n = z * (OFFSET * q + p)  # W = n/q
        one = 1.0 if bar[i] >= cut else 0.0
        s = q + n
        inverse = one / (b * q * s)
        demand += one * np.float64(threshold[i]) + (q - n) * s * inverse
        slope -= n * q * inverse
    return demand, slope


@njit(**OPTIONS)
def taylor(rest, x):
    """D and D′ of the rest at λ₀eˣ."""
    demand = rest[0] + x * (rest[1] + x * (rest[2] / 2.0 + x * (rest[3] / 6.0 + x * rest[4] / 24.0)))
    return demand, rest[1] + x * (rest[2] + x * (rest[3] / 2.0 + x * rest[4] / 6.0))


@njit(**OPTIONS)
def demand_of_all(threshold, alpha, beta, bar, rest, origin, price, cut):
    """Demand and its slope in log price of the queries with bar ≥ cut and of the rest, whose λ₀ is ``origin``."""
    demand, slope = demand_of_rows(threshold, alpha, beta, bar, price, cut)
    if rest[0] > 0.0:
        more, steeper = taylor(rest, math.log(price / origin))
        demand += more
        slope += steeper
    return demand, slope


@njit(**OPTIONS)
def meet(threshold, alpha, beta, bar, rest, origin, budget, cut, start, low, high):
    """Price between low and high at which the fixed set bar ≥ cut buys the budget, and the steps; −1 if none.

    Newton's method in log price, in which demand is concave: from the right it never overshoots. A bracket of what
    has been seen guards the first step.
    """
    price = start
    for step in range(1, _MOST_STEPS):
        demand, slope = demand_of_all(threshold, alpha, beta, bar, rest, origin, price, cut)
        excess = demand - budget
        if abs(excess) <= 2.0 * EPS * budget or slope == 0.0:
            return price, step
        move = -excess / slope
        if abs(move) <= 2.0 * EPS:
            return price * (1.0 + move), step
        if excess > 0.0:
            low = max(low, price)
        else:
            high = min(high, price)
        proposal = price * math.exp(min(max(move, -50.0), 50.0))
        if not low < proposal < high:
            if high - low <= 4.0 * EPS * high:
                return price, step
            proposal = math.sqrt(low) * math.sqrt(high) if low > 0.0 else 0.5 * high
        price = proposal
    return price, -1


@njit(**OPTIONS)
def lowest_and_highest(bar, low, high):
    """Least and greatest reservation price in [low, high); the first above the second if there is none."""
    least = np.inf
    greatest = -np.inf
    for i in range(bar.size):
        inside = (bar[i] >= low) and (bar[i] < high)
        least = min(least, bar[i] if inside else np.inf)
        greatest = max(greatest, bar[i] if inside else -np.inf)
    return least, greatest


@njit(**OPTIONS)
def clear(threshold, alpha, beta, bar, rest, origin, low, demand_low, high, demand_high, budget):
    """The infimum of the prices at which demand is at most the budget.

    Narrows [low, high), where demand passes the budget, until one reservation price or none is in it: then either
    demand jumps over the budget there or Newton's method meets it with the set that is left.

    Returns:
        The price, the cut (funded is who has bar ≥ cut), whether demand jumps there, and the evaluations; −1 of them
        if there is no answer.
    """
    steps = 0
    for _ in range(300):
        least, greatest = lowest_and_highest(bar, low, high)
        if least > greatest:
            start = high if low <= 0.0 else math.sqrt(low) * math.sqrt(high)
            price, more = meet(threshold, alpha, beta, bar, rest, origin, budget, high, start, low, high)
            return price, high, False, steps + more if more > 0 else -1
        if least == greatest:
            demand, _ = demand_of_all(threshold, alpha, beta, bar, rest, origin, least, least)
            steps += 1
            if demand <= budget:
                high = least
                demand_high = demand
                continue
            cut = np.nextafter(least, np.inf)
            demand, _ = demand_of_all(threshold, alpha, beta, bar, rest, origin, least, cut)
            steps += 1
            if demand <= budget:
                return least, cut, True, steps
            price, more = meet(threshold, alpha, beta, bar, rest, origin, budget, cut, high, least, high)
            return price, cut, False, steps + more if more > 0 else -1
        bottom = max(low, least)
        if steps % 3 == 2:  # interpolation alone may crawl
            price = math.sqrt(bottom) * math.sqrt(min(high, greatest))
        else:
            share = (demand_low - budget) / (demand_low - demand_high)
            top = min(high, np.nextafter(greatest, np.inf))
            price = math.exp(math.log(bottom) + share * (math.log(top) - math.log(bottom)))
        price = min(max(price, np.nextafter(least, np.inf)), greatest)
        demand, _ = demand_of_all(threshold, alpha, beta, bar, rest, origin, price, price)
        steps += 1
        if demand > budget:
            low = price
            demand_low = demand
        else:
            high = price
            demand_high = demand
    return high, high, False, -1


@njit(**OPTIONS)
def surplus_of_rows(threshold, alpha, beta, bar, price):
    """Σ max(0, φ(t*) − λt*) of those with bar above the price; at λ it is λ((1 − W)²/(Wβ) − τ) each."""
    total = 0.0
    for i in range(threshold.size):
        if bar[i] > price:
            w = lambertw(price * E / alpha[i])
            total += max(price * ((1.0 - w) ** 2 / (w * beta[i]) - threshold[i]), 0.0)
    return total


@njit(**OPTIONS)
def tighten(threshold, alpha, beta, bar, rest, origin, low, demand_low, high, demand_high, budget):
    """Two secant steps in log price, each with a price on either side of the proposal; return the bracket."""
    for _ in range(2):
        a = math.log(low)
        b = math.log(high)
        middle = a + (demand_low - budget) / (demand_low - demand_high) * (b - a)
        half = 0.02 * (b - a)
        for side in (-1.0, 1.0):
            price = math.exp(middle + side * half)
            if not low < price < high:
                continue
            demand, _ = demand_of_all(threshold, alpha, beta, bar, rest, origin, price, price)
            if demand > budget:
                low = price
                demand_low = demand
            else:
                high = price
                demand_high = demand
    return low, demand_low, high, demand_high


@njit(**OPTIONS)
def absorb(threshold, alpha, beta, bar, row, rest, price, delta, low, high):
    """Move who is funded in all of [low, high] into the rest, drop who is not; return how many stay, in front.

    Queries with α near the price stay too, as W has no Taylor series at e.
    """
    k = 0
    ze = price * E
    smooth = price * math.exp(3.0 * delta)
    for i in range(threshold.size):
        if bar[i] < low:
            continue
        if bar[i] >= high and alpha[i] > smooth:
            w = lambertw(ze / alpha[i])
            v = 1.0 / (1.0 + w)
            v2 = v * v
            v4 = v2 * v2
            wv = w * v / beta[i]
            rest[0] += threshold[i] + (1.0 - w) / beta[i]
            rest[1] -= wv
            rest[2] -= wv * v2
            rest[3] -= wv * v4 * (1.0 - 2.0 * w)
            rest[4] -= wv * v4 * v2 * (1.0 + w * (6.0 * w - 8.0))
            rest[5] += (1.0 - w) ** 2 / (w * beta[i]) - threshold[i]
            rest[6] += 1.0
            continue
        threshold[k], alpha[k], beta[k] = threshold[i], alpha[i], beta[i]
        bar[k], row[k] = bar[i], row[i]
        k += 1
    return k


@njit(**OPTIONS)
def levels(threshold, alpha, beta, funded, price, low, high, held, gain, owner):
    """For each funded open query its tokens with gains of at least ``high``, and its next gains in [low, high).

    Returns the number of gains and the value of what is held; −1 if somebody does not reach a whole token or there
    are too many gains.
    """
    k = 0
    value = 0.0
    for i in range(threshold.size):
        held[i] = 0
        if not funded[i]:
            continue
        t, a, b = threshold[i], alpha[i], beta[i]
        whole = math.floor(t + (1.0 - lambertw(min(price * E / a, E))) / b)
        if not whole > t:
            return -1, value
        m = -math.expm1(-b)
        first = math.floor(t) + 1.0
        steps = 0
        while whole > first:
            over = whole - 1.0 - t
            if a * math.exp(-b * over) * (1.0 - m - over * m) >= high:
                break
            whole -= 1.0
            steps += 1
            if steps > _MOST_LEVELS:
                return -1, value
        held[i] = np.int64(whole)
        over = whole - t
        value += a * over * math.exp(-b * over)
        steps = 0
        while True:
            g = a * math.exp(-b * over) * (1.0 - m - over * m)
            if g < low or g <= 0.0:
                break
            if k >= gain.size or steps > _MOST_LEVELS:
                return -1, value
            gain[k] = g
            owner[k] = i
            k += 1
            over += 1.0
            steps += 1
    return k, value


@njit(**OPTIONS)
def hand_out(gain, owner, count, mark, held):
    """One token for each gain above the mark and for the first of those on it, ``count`` in all; their value."""
    ties = count - (gain > mark).sum()
    value = 0.0
    for i in range(gain.size):
        if gain[i] > mark or (gain[i] == mark and ties > 0):
            ties -= gain[i] == mark
            held[owner[i]] += 1
            value += gain[i]
    return value
