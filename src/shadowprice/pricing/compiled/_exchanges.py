"""Exchanges of queries around the margin, compiled: `_repair` says why and how they are ranked, for any curves.

Arrays are ``(n,)``: what each query responds to a price, and ``funded``, which is 1.0 or 0.0.
"""

# mypy: disable-error-code="no-untyped-def"

import numpy as np
from numba import njit

from shadowprice.pricing.compiled._kernels import OPTIONS


@njit(**OPTIONS)
def margin(order, funded, reach):
    """The last funded and the first other queries of a ladder, ``reach`` rows each at most, in the ladder's order."""
    outgoing = np.empty(reach, np.int64)
    incoming = np.empty(reach, np.int64)
    out = into = 0
    for k in range(order.size):
        if into < reach and funded[order[k]] == 0.0:
            incoming[into] = order[k]
            into += 1
    for k in range(order.size - 1, -1, -1):
        if out < reach and funded[order[k]] > 0.0:
            out += 1
            outgoing[reach - out] = order[k]
    return outgoing[reach - out :], incoming[:into]


@njit(**OPTIONS)
def _sums(rows, column):
    """A column summed over each choice of none, one or two of the rows, pairs in the order of their places."""
    count = rows.size
    total = np.zeros(1 + count + count * (count - 1) // 2)
    k = 1
    for i in range(count):
        total[k] = column[rows[i]]
        k += 1
    for i in range(count):
        for j in range(i + 1, count):
            total[k] = column[rows[i]] + column[rows[j]]
            k += 1
    return total


@njit(**OPTIONS)
def pair_of(choice, count):
    """The places of a choice, as `_sums` counts them; −1 for none."""
    if choice == 0:
        return -1, -1
    if choice <= count:
        return choice - 1, -1
    k = choice - 1 - count
    i = 0
    while k >= count - 1 - i:
        k -= count - 1 - i
        i += 1
    return i, i + 1 + k


@njit(**OPTIONS)
def rank_exchanges(outgoing, incoming, surplus, size, give, funded, price, budget, tried):
    """The most promising exchanges, best first: ``(tried, 2)`` choices of those that leave and of those that join.

    Args:
        outgoing: Rows that may leave.
        incoming: Rows that may join.
        surplus: φ − μt of each query at the price, whatever it costs; of the funded and of those that may join.
        size: t of each.
        give: −dt/dμ of each.
        funded: 1.0 or 0.0 for each.
        price: μ, utility per token.
        budget: B, tokens.
        tried: How many; what is left is −1.
    """
    kept = np.zeros(3)
    for i in range(funded.size):
        if funded[i] > 0.0:
            kept[0] += surplus[i]
            kept[1] += size[i]
            kept[2] += give[i]
    out0, out1, out2 = _sums(outgoing, surplus), _sums(outgoing, size), _sums(outgoing, give)
    into0, into1, into2 = _sums(incoming, surplus), _sums(incoming, size), _sums(incoming, give)
    least = max(1e-9 * budget / price, 2.2250738585072014e-308)
    values = np.empty((out0.size, into0.size))
    for i in range(out0.size):
        for j in range(into0.size):
            room = budget - kept[1] - into1[j] + out1[i]
            softness = max(kept[2] + into2[j] - out2[i], least)
            # Where more room is left than a price of 0 would fill, what remains is lost.
            change = min(max(room / softness, -1e6 * price), price)
            worth = kept[0] + into0[j] - out0[i]
            values[i, j] = price * budget + worth - room * change + 0.5 * softness * change * change
    values[0, 0] = -np.inf
    best = np.full((tried, 2), -1)
    flat = values.ravel()
    for k in range(min(tried, flat.size)):
        place = np.argmax(flat)
        if flat[place] == -np.inf:
            break
        flat[place] = -np.inf
        best[k, 0], best[k, 1] = place // into0.size, place % into0.size
    return best


@njit(**OPTIONS)
def exchange(funded, outgoing, incoming, leaving, joining):
    """Move the queries of two choices out of and into the funded, in place."""
    for place in pair_of(leaving, outgoing.size):
        if place >= 0:
            funded[outgoing[place]] = 0.0
    for place in pair_of(joining, incoming.size):
        if place >= 0:
            funded[incoming[place]] = 1.0
