"""Solve a market that fits into the cache, in one compiled call: a thousand queries in some fifty microseconds.

It takes the same steps as the general solver (`_lambert`, `_refill`, `_rounding`): clear; where demand jumps over the
budget, try several sets of funded queries, each with one price at which it uses the budget; round the best to whole
tokens. What the general solver does for odd cases, and exchanges of queries (`_repair`), are left to it.

Arrays are ``(n,)``: threshold τ (tokens), alpha α (utility per token), beta β (per token) and bar, the reservation
price (utility per token). ``funded`` is 1.0 or 0.0, so that sums need no branch.
"""

# mypy: disable-error-code="no-untyped-def"

import math

import numpy as np
from numba import njit

from shadowprice._types import FloatArray
from shadowprice.pricing._fast import FastSolution
from shadowprice.pricing._kernels import FUSED, OPTIONS, SUMMED, E, decay, lambertw
from shadowprice.pricing._rows import clear, demand_of_rows, meet, reservation_prices, surplus_of_rows

_MOST_SWAPS = 1000
_WORTH_A_REPAIR = 2e-5
"""Part of the dual bound that a jump may cost; beyond it the general solver tries exchanges, which pay then."""
_ROUNDING = 1e-12
_NO_REST = np.zeros(7)


def solve_small(threshold: FloatArray, alpha: FloatArray, beta: FloatArray, budget: float) -> FastSolution | None:
    """Solve one market on one core; see `shadowprice.pricing._fast.solve_fast`."""
    tokens, extra, numbers, evaluations = _solve(threshold, alpha, beta, budget, _NO_REST)
    if evaluations < 0:
        return None
    price, marginal_price, utility, bound = numbers
    return FastSolution(tokens, price, marginal_price, utility, max(bound, utility), extra, evaluations)


@njit(**OPTIONS)
def _solve(threshold, alpha, beta, budget, rest):
    """Tokens, marginal rows, (price, marginal price, utility, dual bound), evaluations; −1 of them is to give up."""
    n = threshold.size
    whole_budget = np.int64(math.floor(budget))
    tokens = np.zeros(n, np.int64)
    extra = np.empty(0, np.int64)
    nothing = tokens, extra, (0.0, 0.0, 0.0, 0.0), -1
    if (threshold + 1.0 / beta).sum() <= budget:
        return nothing
    bar = np.empty(n)
    reservation_prices(threshold, alpha, beta, bar)
    bottom, top = bar.min(), np.nextafter(bar.max(), np.inf)
    if not bottom > 0.0:
        return nothing
    demand, _ = demand_of_rows(threshold, alpha, beta, bar, bottom, bottom)
    if demand <= budget:
        price, steps = meet(threshold, alpha, beta, bar, rest, 1.0, budget, bottom, bottom, 0.0, bottom)
        cut = bottom
        jumps = False
    else:
        price, cut, jumps, steps = clear(threshold, alpha, beta, bar, rest, 1.0, bottom, demand, top, 0.0, budget)
    if steps < 0:
        return nothing
    evaluations = steps + 1
    funded = np.where(bar >= cut, 1.0, 0.0)
    bound = budget * price + surplus_of_rows(threshold, alpha, beta, bar, price)

    # Plan 0 is the funded set of the price; each other one adds the rows extras[ends[p - 1] : ends[p]].
    extras = extra
    ends = np.zeros(4, np.int64)
    if jumps:
        extras, ends = _additions(threshold, alpha, beta, bar, funded, price, budget)
    prices = np.zeros(4)
    worths = np.full(4, -1.0)
    for p in range(4):
        added = extras[ends[p - 1] : ends[p]] if p else extra
        if p and not added.size:
            continue
        funded[added] = 1.0
        prices[p], steps = _refill(threshold, alpha, beta, funded, rest, budget, price, jumps)
        if steps < 0:
            return nothing  # somebody's peaks leave tokens over
        if prices[p] > 0.0:
            worths[p] = _worth(threshold, alpha, beta, funded, prices[p])
        evaluations += steps
        funded[added] = 0.0
    if worths[0] < 0.0 or (jumps and bound - worths.max() > _WORTH_A_REPAIR * bound):
        return nothing

    # Rounding hardly ever adds value, so a plan that is worth no more before it than the best after it is not tried.
    utility = marginal_price = -1.0
    while worths.max() > utility:
        best = np.argmax(worths)
        worths[best] = -np.inf
        added = extras[ends[best - 1] : ends[best]] if best else extra
        funded[added] = 1.0
        plan, next_gain = _round(threshold, alpha, beta, funded, prices[best], whole_budget)
        funded[added] = 0.0
        if not next_gain > 0.0:
            return nothing
        value = _value(threshold, alpha, beta, plan)
        if value > utility:
            utility, marginal_price, tokens = value, next_gain, plan
            extra = np.sort(added[bar[added] < price])
    return tokens, extra, (price, marginal_price, utility, bound), evaluations


@njit(**OPTIONS)
def _additions(threshold, alpha, beta, bar, funded, price, budget):
    """Whom to let in as well, where the budget is jumped over: three proposals, as rows and the end of each.

    First ``funded`` gets those on the rung itself that fit, lower rows first: they are as good funded as not. Then
    the proposals are the next in line, who fits by squeezing the others; who makes most of the hole; and all that fit
    into it, in line.
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
    fitting = np.empty(n, np.int64)
    k = 0
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
            if _least(threshold[i], beta[i]) <= hole:
                fitting[k] = i
                k += 1
    rows = np.empty(k + 2, np.int64)
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
    line = fitting[:k]
    for i in line[np.argsort(-bar[line], kind="mergesort")]:
        least = _least(threshold[i], beta[i])
        if least <= hole:
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
def _refill(threshold, alpha, beta, funded, rest, budget, price, jumps):
    """The price at which the funded use the budget, 0 if there is none, and the steps; −1 if peaks leave some over."""
    peaks = thresholds = 0.0
    least_alpha = np.inf
    for i in range(threshold.size):
        peaks += funded[i] * (threshold[i] + 1.0 / beta[i])
        thresholds += funded[i] * threshold[i]
        least_alpha = min(least_alpha, alpha[i] if funded[i] > 0.0 else np.inf)
    if peaks <= budget:
        return 0.0, -1
    if thresholds >= budget:
        return 0.0, 0
    steps = 0
    if jumps:
        price, steps = meet(threshold, alpha, beta, funded, rest, 1.0, budget, 0.5, price, 0.0, np.inf)
    return (price, steps) if steps >= 0 and price < least_alpha else (0.0, max(steps, 0))


@njit(fastmath=SUMMED, **OPTIONS)
def _worth(threshold, alpha, beta, funded, price):
    """Σ φ(t*) over the funded, with βx = 1 − W."""
    total = 0.0
    for i in range(threshold.size):
        v = 1.0 - lambertw(min(price * E / alpha[i], E))
        total += funded[i] * (alpha[i] / beta[i] * v * (1.0 - decay(v)))
    return total


@njit(fastmath=FUSED, **OPTIONS)
def _floors(threshold, alpha, beta, funded, price, tokens, gain, last):
    """Whole tokens below t*, the gain of the next one, and that of the last, infinite for the first useful one.

    Returns the number of funded queries that do not reach a whole token.
    """
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
    return short


@njit(**OPTIONS)
def _gain(t, a, b, tokens):
    over = tokens - t
    return a * math.exp(-b * over) * (math.exp(-b) + over * math.expm1(-b))


@njit(**OPTIONS)
def _round(threshold, alpha, beta, funded, price, budget):
    """Whole tokens of the funded that sum to the budget, by largest gains, and the best gain left; −1 to give up.

    Everybody gets ⌊t*⌋ and the largest next gains one more. That leaves few who should have two more or one less:
    tokens are moved as long as somebody's next one gains more than somebody's last.
    """
    n = threshold.size
    tokens = np.empty(n, np.int64)
    gain = np.empty(n)
    last = np.empty(n)
    if _floors(threshold, alpha, beta, funded, price, tokens, gain, last):
        return tokens, -1.0
    left = budget - tokens.sum()
    if not 0 <= left < n:
        return tokens, -1.0
    if left:
        mark = np.partition(gain, n - left)[n - left]
        if not mark > 0.0:
            return tokens, -1.0
        ties = left - (gain > mark).sum()
        for i in range(n):
            if gain[i] > mark or (gain[i] == mark and ties > 0):
                ties -= gain[i] == mark
                tokens[i] += 1
                last[i] = gain[i]
                gain[i] = _gain(threshold[i], alpha[i], beta[i], tokens[i])
    for _ in range(_MOST_SWAPS):
        up = np.argmax(gain)
        down = np.argmin(last)
        if not gain[up] > last[down]:
            return tokens, gain[up]
        tokens[up] += 1
        last[up] = gain[up]
        gain[up] = _gain(threshold[up], alpha[up], beta[up], tokens[up])
        tokens[down] -= 1
        gain[down] = last[down]
        held = tokens[down] - 1.0
        last[down] = _gain(threshold[down], alpha[down], beta[down], held) if held > threshold[down] else np.inf
    return tokens, -1.0


@njit(**OPTIONS)
def _value(threshold, alpha, beta, tokens):
    """Σ φ(t)."""
    total = 0.0
    for i in range(threshold.size):
        over = tokens[i] - threshold[i]
        if over > 0.0:
            total += alpha[i] * over * math.exp(-beta[i] * over)
    return total
