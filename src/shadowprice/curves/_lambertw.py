"""The principal branch of Lambert's W on the interval that a token price needs.

W₀ solves w·eʷ = x. The best response of a shifted surge only asks for x in [0, e], where W₀ is smooth and runs
from 0 to 1. There W₀(x)/x = e^(−W₀(x)) is one rational function to full double precision: no logarithm, no
iteration, no branch, so the compiled kernels of `shadowprice.pricing` evaluate the same fit eight numbers at a
time.
"""

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray

# W₀(x)/x on [0, e] as OFFSET + N(x)/D(x), coefficients of rising powers: of all fractions of degree 9 over 9 the one
# with the least maximum relative error, 4.0e-17; benchmarks/fit_kernels.py finds it. The offset carries most of the
# value, so that rounding errors of the fraction matter less: 2.9 ulp at worst rather than 6 without it. It is a short
# binary number and OFFSET + N(0)/D(0) is exactly 1, so W₀(x) → x without error.
OFFSET = 0.4375
NUMERATOR = (
    0.5625,
    4.1869451574273775,
    11.561623878824966,
    14.123260660613573,
    6.061498601422441,
    -1.927675334872545,
    -2.4090503644257035,
    -0.6539954346864999,
    -0.05895867111761834,
    -0.0013017256581471346,
)
DENOMINATOR = (
    1.0,
    9.221235835426388,
    34.28063949201069,
    66.20215656159888,
    71.50991080297345,
    43.49647851959128,
    14.334118731632763,
    2.341995782504113,
    0.15941538436181815,
    0.0030205191702715292,
)

# Temporaries of this many elements stay in the cache; the whole array at once costs twice the time.
_BLOCK = 16_384


def lambertw0(x: FloatArray | float) -> FloatArray:
    """W₀(x) for 0 ≤ x ≤ e, to three units in the last place; exactly 0 at 0 and 1 at e.

    Args:
        x: any shape, each in [0, e].

    Returns:
        The same shape, float64, each in [0, 1].
    """
    x = np.asarray(x, dtype=np.float64)
    if x.size and not (x.min() >= 0.0 and x.max() <= np.e):
        raise InputError(f"lambertw0 is for numbers from 0 to e, not for {x.min():g} to {x.max():g}.")
    flat = x.reshape(-1)
    out = np.empty_like(flat)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        out[block] = _lambertw0(flat[block])
    return out.reshape(x.shape)


def _lambertw0(x: FloatArray) -> FloatArray:
    fraction = _horner(NUMERATOR, x)
    fraction /= _horner(DENOMINATOR, x)
    fraction += OFFSET
    fraction *= x
    return np.minimum(fraction, 1.0)


def _horner(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= x
        total += coefficient
    return total
