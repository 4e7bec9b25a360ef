"""Exchanges of queries around the margin, compiled: the same search as `_repair` makes for any curves.

Who is funded is a yes or no, and one price does not always get it right. With the funded fixed, utility is
min over μ of G(μ) = Bμ + Σ(φ − μt)(μ); to second order an exchange makes of it G − m²/2H, where m is the budget that is
left at μ and H = −dΣt/dμ, both after the exchange. So all exchanges of at most two of the funded queries nearest to
the margin for at most two of the others are ranked, and the best few worked out.

Arrays are ``(n,)``, for shifted surges as in `_small`; for tables what they respond to a price is given (`_tables`).
"""

# mypy: disable-error-code="no-untyped-def"

import numpy as np
from numba import njit

from shadowprice.pricing._kernels import OPTIONS

REACH = 10
"""Queries on either side of the margin that may be exchanged."""
TRIED = 5
MOST_EXCHANGES = 12
STEP = 1e-4
"""By how much of itself the price is lowered to see how demand gives way."""


@njit(**OPTIONS)
def margin(order, funded):
    """The last funded and the first other queries of a ladder, as rows: two arrays, each in the ladder's order."""
    outgoing = np.empty(REACH, np.int64)
    incoming = np.empty(REACH, np.int64)
    out = into = 0
    for k in range(order.size):
        if into < REACH and funded[order[k]] == 0.0:
            incoming[into] = order[k]
            into += 1
    for k in range(order.size - 1, -1, -1):
        if out < REACH and funded[order[k]] > 0.0:
            out += 1
            outgoing[REACH - out] = order[k]
    return outgoing[REACH - out :], incoming[:into]


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
def rank_exchanges(outgoing, incoming, surplus, size, give, funded, price, budget):
    """The most promising exchanges, best first: ``(TRIED, 2)`` choices of those that leave and of those that join.

    Args:
        outgoing: Rows that may leave.
        incoming: Rows that may join.
        surplus: φ − μt of each query at the price, whatever it costs; of the funded and of those that may join.
        size: t of each.
        give: −dt/dμ of each.
        funded: 1.0 or 0.0 for each.
        price: μ, utility per token.
        budget: B, tokens.
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
    best = np.full((TRIED, 2), -1)
    flat = values.ravel()
    for k in range(min(TRIED, flat.size)):
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
