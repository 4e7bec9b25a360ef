"""Passes over the queries of a market that fits into the cache: who may join, what plans are worth, whole tokens.

Arrays are ``(n,)``: threshold τ (tokens), alpha α (utility per token), beta β (per token) and bar, the reservation
price (utility per token). ``funded`` is 1.0 or 0.0, so that sums need no branch.
"""

# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np
from numba import njit

from shadowprice.pricing.compiled._kernels import FUSED, OPTIONS, SUMMED, E, decay, lambertw
from shadowprice.pricing.compiled._rows import demand_of_rows

_MOST_SWAPS = 1000
_ROUNDING = 1e-12


@njit(fastmath=FUSED, **OPTIONS)
def responses(threshold, alpha, beta, price, step):
    """φ − λt, t and −dt/dλ at a price, ``(n,)`` each, of queries that buy whatever it costs.

    The last is told by lowering the price by ``step`` of itself.
    """
    surplus, size, give = np.empty(threshold.size), np.empty(threshold.size), np.empty(threshold.size)
    for i in range(threshold.size):
        v = 1.0 - lambertw(min(price * E / alpha[i], E))
        lower = 1.0 - lambertw(min(price * (1.0 - step) * E / alpha[i], E))
        size[i] = threshold[i] + v / beta[i]
        surplus[i] = alpha[i] / beta[i] * v * (1.0 - decay(v)) - price * size[i]
        give[i] = (lower - v) / beta[i] / (step * price)
    return surplus, size, give


@njit(**OPTIONS)
def additions(threshold, alpha, beta, bar, order, funded, price, budget):
    """Whom to let in as well, where the budget is jumped over: three proposals, as rows and the end of each.

    First ``funded`` gets those on the rung itself that fit, lower rows first: they are as good funded as not. Then
    the proposals are the next in line, who fits by squeezing the others; who makes most of the hole; and all that fit
    into it, in line, which is ``order``.
    """
    n = threshold.size
    hole = budget - demand_of_rows(threshold, alpha, beta, funded, price, 0.5)[0]
    for i in range(n):
        if bar[i] == price and funded[i] == 0.0:
            least = _least(threshold[i], beta[i])
            if least > hole * (1.0 + _ROUNDING):
                break
            hole = max(hole - least, 0.0)
            funded[i] = 1.0
    following = filler = -1
    highest = most = 0.0
    for i in range(n):
        if funded[i] > 0.0:
            continue
        if bar[i] > highest:
            highest = bar[i]
            following = i
        over = min(hole - threshold[i], 1.0 / beta[i])
        if over > 0.0:  # nobody whose threshold is beyond the hole fits into it
            value = alpha[i] * over * math.exp(-beta[i] * over)
            if value > most:
                most = value
                filler = i
    rows = np.empty(n + 2, np.int64)
    ends = np.zeros(4, np.int64)
    end = 0
    if following >= 0:
        rows[end] = following
        end += 1
    ends[1] = end
    if filler >= 0 and filler != following:
        rows[end] = filler
        end += 1
    ends[2] = end
    for i in order:
        least = _least(threshold[i], beta[i])
        if funded[i] == 0.0 and least <= hole:
            hole -= least
            rows[end] = i
            end += 1
    ends[3] = end
    return rows[:end], ends


@njit(**OPTIONS)
def _least(threshold, beta):
    """The reservation tokens τ + x₀, where utility per token is best."""
    r = math.sqrt(beta) * math.sqrt(threshold)
    return threshold + 2.0 * r / (r + math.sqrt(r * r + 4.0)) / beta


@njit(**OPTIONS)
def totals(threshold, alpha, beta, funded):
    """Σ of the peaks and of the thresholds of the funded, and the least of their α."""
    peaks = thresholds = 0.0
    least_alpha = np.inf
    for i in range(threshold.size):
        peaks += funded[i] * (threshold[i] + 1.0 / beta[i])
        thresholds += funded[i] * threshold[i]
        least_alpha = min(least_alpha, alpha[i] if funded[i] > 0.0 else np.inf)
    return peaks, thresholds, least_alpha


@njit(**OPTIONS)
def newcomer(threshold, alpha, beta, funded, left):
    """Who of the others makes most of the tokens that are left, and what; −1 if nobody makes anything."""
    best = -1
    most = 0.0
    for i in range(threshold.size):
        over = min(left - threshold[i], 1.0 / beta[i])
        if funded[i] == 0.0 and over > 0.0:
            value = alpha[i] * over * math.exp(-beta[i] * over)
            if value > most:
                best = i
                most = value
    return best, most


@njit(**OPTIONS)
def could_begin(threshold, funded, left):
    """Whether so many tokens take somebody who is not funded beyond the threshold."""
    found = False
    for i in range(threshold.size):
        found |= funded[i] == 0.0 and math.floor(threshold[i]) + 1.0 <= left
    return found


@njit(fastmath=SUMMED, **OPTIONS)
def worth_at(threshold, alpha, beta, funded, price):
    """Σ φ(t*) over the funded, with βx = 1 − W."""
    total = 0.0
    for i in range(threshold.size):
        v = 1.0 - lambertw(min(price * E / alpha[i], E))
        total += funded[i] * (alpha[i] / beta[i] * v * (1.0 - decay(v)))
    return total


@njit(fastmath=FUSED, **OPTIONS)
def whole_below(threshold, alpha, beta, funded, price):
    """Whole tokens below t*, the gain of the next one, and that of the last, infinite for the first useful one.

    The last to be returned is the number of funded queries that do not reach a whole token.
    """
    n = threshold.size
    tokens = np.empty(n, np.int64)
    gain = np.empty(n)
    last = np.empty(n)
    short = 0
    ze = price * E
    for i in range(threshold.size):
        t, a, b = threshold[i], alpha[i], beta[i]
        whole = math.floor(t + (1.0 - lambertw(min(ze / a, E))) / b)
        over = whole - t
        m = decay(min(b, 1.0))
        height = a * (1.0 - decay(min(max(b * over, 0.0), 1.0)))
        rise = 1.0 - m - over * m
        on = funded[i] > 0.0
        # Decays above 1 per token are beyond the fit of `decay`.
        short += on and not (over > 0.0 and b <= 1.0)
        tokens[i] = np.int64(whole) if on else 0
        gain[i] = height * rise if on else -1.0
        last[i] = height * (rise + m) / (1.0 - m) if on and over > 1.0 else np.inf
    return tokens, gain, last, short


@njit(**OPTIONS)
def _gain(t, a, b, tokens):
    over = tokens - t
    return a * math.exp(-b * over) * (math.exp(-b) + over * math.expm1(-b))


@njit(**OPTIONS)
def round_peaks(threshold, alpha, beta, funded, budget):
    """The best whole tokens of each of the funded, and whether they fit into the budget and beyond every threshold."""
    tokens = np.zeros(threshold.size, np.int64)
    for i in range(threshold.size):
        if funded[i] > 0.0:
            whole = math.floor(threshold[i] + 1.0 / beta[i])
            if not whole > threshold[i]:
                return tokens, False
            tokens[i] = np.int64(whole) + (_gain(threshold[i], alpha[i], beta[i], whole) > 0.0)
    return tokens, tokens.sum() <= budget


@njit(**OPTIONS)
def hand_on(threshold, alpha, beta, tokens, gain, last, mark, count):
    """Give one more to the ``count`` largest gains, in place, of which ``mark`` is the least; return the best one left.

    That leaves few who should have two more or one less: tokens are moved as long as somebody's next one gains more
    than somebody's last; −1 if that takes too long.
    """
    ties = count - (gain > mark).sum()
    for i in range(threshold.size):
        if gain[i] > mark or (gain[i] == mark and ties > 0):
            ties -= gain[i] == mark
            tokens[i] += 1
            last[i] = gain[i]
            gain[i] = _gain(threshold[i], alpha[i], beta[i], tokens[i])
    for _ in range(_MOST_SWAPS):
        up = np.argmax(gain)
        down = np.argmin(last)
        if not gain[up] > last[down]:
            return gain[up]
        tokens[up] += 1
        last[up] = gain[up]
        gain[up] = _gain(threshold[up], alpha[up], beta[up], tokens[up])
        tokens[down] -= 1
        gain[down] = last[down]
        held = tokens[down] - 1.0
        last[down] = _gain(threshold[down], alpha[down], beta[down], held) if held > threshold[down] else np.inf
    return -1.0


@njit(**OPTIONS)
def utility_of(threshold, alpha, beta, tokens):
    """Σ φ(t)."""
    total = 0.0
    for i in range(threshold.size):
        over = tokens[i] - threshold[i]
        if over > 0.0:
            total += alpha[i] * over * math.exp(-beta[i] * over)
    return total
