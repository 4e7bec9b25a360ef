"""The two passes over all queries that a fast solve makes, compiled and on all cores.

Both evaluate the response to a price without branches, calls or transcendentals, so that LLVM works on several
queries per instruction. Memory is read once per pass: a chunk of queries belongs to one thread, a block of them
stays in its cache. Sums are kept per chunk and added up in the order of the chunks, so they do not depend on the
number of threads.

Queries on which a pass cannot decide, because they are too near to a jump, are *open*: it copies them out for an
exact treatment (`_rows`) and leaves them out of its sums.

Arrays are ``(n,)``: threshold τ (tokens), alpha α (utility per token), beta β (per token), float32 or float64.
"""

# mypy: disable-error-code="no-untyped-def"
# Numba infers the types of compiled functions; shapes and units are in their docstrings.

import math
from typing import Any

import numpy as np
from numba import njit, prange

from shadowprice.curves._lambertw import DENOMINATOR, NUMERATOR, OFFSET

E = math.e
BLOCK = 2048
CHUNK = 65_536
TERMS = 7
"""Columns of a market's sums: D, its first four derivatives in log price, surplus / price, number of queries."""

# (1 − e^(−v))/v on [0, 1], coefficients of rising powers: the polynomial of degree 11 with the least maximum relative
# error, 1.5e-17; benchmarks/fit_kernels.py finds it.
DECAY = (
    1.0,
    -0.4999999999999958,
    0.1666666666664695,
    -0.04166666666306169,
    0.008333333299129232,
    -0.0013888886966182679,
    0.00019841201035080406,
    -2.4799958519319645e-05,
    2.753143355749114e-06,
    -2.7282915527567947e-07,
    2.3173849864049195e-08,
    -1.31724715562688e-09,
)

# Multiply-adds may be fused everywhere. Sums of floats may be reordered only where that lets the compiler keep one
# partial sum per lane; the order is then fixed at compile time. Never "nnan" or "ninf": masks rely on both.
OPTIONS: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}
FUSED = {"contract"}
SUMMED = {"contract", "reassoc", "nsz"}

N, D, G = NUMERATOR, DENOMINATOR, DECAY


@njit(forceinline=True, fastmath=FUSED, error_model="numpy")
def lambertw_parts(z):
    """(p, q) with W₀(z) = z(OFFSET + p/q) for 0 ≤ z ≤ e, so that callers can share the division."""
    p = ((((N[9] * z + N[8]) * z + N[7]) * z + N[6]) * z + N[5]) * z + N[4]
    q = ((((D[9] * z + D[8]) * z + D[7]) * z + D[6]) * z + D[5]) * z + D[4]
    p = (((p * z + N[3]) * z + N[2]) * z + N[1]) * z + N[0]
    q = (((q * z + D[3]) * z + D[2]) * z + D[1]) * z + D[0]
    return p, q


@njit(forceinline=True, fastmath=FUSED, error_model="numpy")
def lambertw(z):
    """W₀(z) for 0 ≤ z ≤ e."""
    p, q = lambertw_parts(z)
    return z * (OFFSET + p / q)


@njit(forceinline=True, fastmath=FUSED, error_model="numpy")
def decay(v):
    """1 − e^(−v) for 0 ≤ v ≤ 1, to two units in the last place."""
    g = ((((G[11] * v + G[10]) * v + G[9]) * v + G[8]) * v + G[7]) * v + G[6]
    g = (((((g * v + G[5]) * v + G[4]) * v + G[3]) * v + G[2]) * v + G[1]) * v + G[0]
    return g * v


@njit(forceinline=True, fastmath=FUSED, error_model="numpy")
def funding_slack(price, delta):
    """How far a query must be from its reservation price to be funded, or not, in all of price·e^±delta.

    A query buys at λ if (1 − W)² ≥ Wβτ with W = W₀(λe/α). Over the bracket either side moves by less than
    ``near``·(1 − W) + ``floor``, as |dW/d log λ| = W/(1 + W) ≤ 1/2; 1e-14 covers rounding.
    """
    near = delta * math.exp(delta)
    return near, 2.0 * delta * near + 1e-14


@njit(fastmath=SUMMED, **OPTIONS)
def market_block(threshold, alpha, beta, price, delta, is_open, out):
    """Add the sums over the surely funded of a block to ``out``, ``(TERMS,)``, and mark the open.

    With W = n/q everything is a fraction over q; one division per query serves all of them. With v = 1/(1 + W)
    the derivatives of t* = τ + (1 − W)/β in log λ are −Wv/β, −Wv³/β, −Wv⁵(1 − 2W)/β and −Wv⁷(1 − 8W + 6W²)/β;
    the surplus over λ is (1 − W)²/(Wβ) − τ.
    """
    near, floor = funding_slack(price, delta)
    ze = price * E
    most = E * math.exp(delta)
    d0 = d1 = d2 = d3 = d4 = surplus = count = 0.0
    for i in range(threshold.size):
        t = np.float64(threshold[i])
        b = np.float64(beta[i])
        ratio = ze / np.float64(alpha[i])
        z = min(ratio, E)
        p, q = lambertw_parts(z)
        n = z * (OFFSET * q + p)
        c = q - n  # (1 − W)q
        s = q + n  # (1 + W)q
        bq = b * q
        ns = n * s
        inverse = 1.0 / (bq * ns)
        wide = inverse * ns  # 1/(βq)
        v = inverse * bq * (q * n)
        per_beta = n * wide  # W/β
        w = per_beta * b
        f = c * c - (q * n) * (b * t)
        slack = q * (near * c + floor * q)
        possible = ratio < most
        sure = (f > slack) & possible
        is_open[i] = possible & (not (f < -slack)) & (not sure)
        one = 1.0 if sure else 0.0
        wv = one * per_beta * v
        v2 = v * v
        wv3 = wv * v2
        wv5 = wv3 * v2
        d0 += one * (t + c * wide)
        d1 += wv
        d2 += wv3
        d3 += wv5 * (1.0 - 2.0 * w)
        d4 += (wv5 * v2) * (1.0 + w * (6.0 * w - 8.0))
        surplus += one * (c * c * (inverse * s) - t)
        count += one
    out[0] += d0
    out[1] -= d1
    out[2] -= d2
    out[3] -= d3
    out[4] -= d4
    out[5] += surplus
    out[6] += count


@njit(fastmath=SUMMED, **OPTIONS)
def token_block(threshold, alpha, beta, price, delta, low, high, tokens, is_open, out):
    """Whole tokens of a block at a price; add up tokens and utility in ``out``, ``(2,)``, and mark the open.

    A token is bought if it gains more than ``high`` and not if it gains less than ``low``. A query is settled here if
    ⌊t*⌋ or one more is what that rule gives; those with a gain in between are open. The next token beyond x = t − τ
    gains αe^(−βx)(1 − m − xm) with m = 1 − e^(−β).
    """
    near, floor = funding_slack(price, delta)
    ze = price * E
    most = E * math.exp(delta)
    spent = utility = 0.0
    for i in range(threshold.size):
        t = np.float64(threshold[i])
        a = np.float64(alpha[i])
        b = np.float64(beta[i])
        ratio = ze / a
        z = min(ratio, E)
        p, q = lambertw_parts(z)
        n = z * (OFFSET * q + p)
        c = q - n
        whole = math.floor(t + c / (b * q))
        f = c * c - (q * n) * (b * t)
        slack = q * (near * c + floor * q)
        possible = ratio < most
        sure = (f > slack) & possible
        over = whole - t
        m = decay(b)
        keep = 1.0 - m
        height = a - a * decay(b * over)  # αe^(−βx); βx < 1 before the peak
        rise = keep - over * m
        gain = height * rise
        buy = gain > high
        # The last token's gain, height·(rise + m)/keep, and the one after the next, height·keep·(rise − m).
        settled = (
            (over > 0.0)
            & (b <= 1.0)
            & (buy | (gain < low))
            & (height * (rise + m) > high * keep)
            & (height * keep * (rise - m) < low)
        )
        good = sure & settled
        is_open[i] = possible & (not (f < -slack)) & (not good)
        bought = whole + 1.0 if buy else whole
        bought = bought if good else 0.0
        worth = height * over + (gain if buy else 0.0)
        tokens[i] = np.int64(bought)
        spent += bought
        utility += worth if good else 0.0
    out[0] += spent
    out[1] += utility


@njit(**OPTIONS)
def keep_open(is_open, size, start, threshold, alpha, beta, found, rows, kept, place, room, k):
    """Copy a block's open queries to ``place`` + k while the cache has them; return k, counted on past the room."""
    marked = 0
    for i in range(size):  # without a branch: always write, advance if it is open
        found[marked] = i
        marked += is_open[i]
    for j in range(marked):
        if k < room:
            row = start + found[j]
            rows[place + k] = row
            kept[place + k, 0] = threshold[row]
            kept[place + k, 1] = alpha[row]
            kept[place + k, 2] = beta[row]
        k += 1
    return k


@njit(parallel=True, **OPTIONS)
def market_pass(threshold, alpha, beta, price, delta, rows, kept, room, count):
    """Sums of the market per chunk, ``(chunks, TERMS)``, at a price; see `market_block`.

    Open queries of chunk j go to ``rows`` and ``kept`` from j·room on, ``count[j]`` of them; a count beyond the room
    says that some did not fit.
    """
    chunks = (threshold.size + CHUNK - 1) // CHUNK
    sums = np.zeros((chunks, TERMS))
    for j in prange(chunks):
        is_open = np.empty(BLOCK, np.int8)
        found = np.empty(BLOCK + 1, np.int32)
        end = min(threshold.size, (j + 1) * CHUNK)
        k = 0
        for a in range(j * CHUNK, end, BLOCK):
            b = min(end, a + BLOCK)
            market_block(threshold[a:b], alpha[a:b], beta[a:b], price, delta, is_open, sums[j])
            k = keep_open(is_open, b - a, a, threshold, alpha, beta, found, rows, kept, j * room, room, k)
        count[j] = k
    return sums


@njit(parallel=True, **OPTIONS)
def token_pass(threshold, alpha, beta, price, delta, low, high, tokens, rows, kept, room, count):
    """Whole tokens and their sums per chunk, ``(chunks, 2)``; see `token_block`, and `market_pass` for the open."""
    chunks = (threshold.size + CHUNK - 1) // CHUNK
    sums = np.zeros((chunks, 2))
    for j in prange(chunks):
        is_open = np.empty(BLOCK, np.int8)
        found = np.empty(BLOCK + 1, np.int32)
        end = min(threshold.size, (j + 1) * CHUNK)
        k = 0
        for a in range(j * CHUNK, end, BLOCK):
            b = min(end, a + BLOCK)
            token_block(threshold[a:b], alpha[a:b], beta[a:b], price, delta, low, high, tokens[a:b], is_open, sums[j])
            k = keep_open(is_open, b - a, a, threshold, alpha, beta, found, rows, kept, j * room, room, k)
        count[j] = k
    return sums
