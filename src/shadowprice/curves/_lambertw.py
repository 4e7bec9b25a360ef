"""The principal branch of Lambert's W on the interval that a token price needs.

W₀ solves w·eʷ = x. The best response of a shifted surge only asks for x in [0, e], where W₀ is smooth and
runs from 0 to 1, so a rational start and one third-order correction give full double precision without
complex arithmetic.
"""

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray

# W₀(x)/x = e^(-W₀(x)) on [0, e] as P(x)/Q(x), fitted to the least maximum relative error: 1.8e-6.
_NUMERATOR = (0.9999982219067628, 2.0949991791970963, 0.7528213748523902, 0.013941696310545537)
_DENOMINATOR = (1.0, 3.094800957765114, 2.351165799455098, 0.3631895946212481)

# Temporaries of this many elements stay in the cache; the whole array at once costs twice the time.
_BLOCK = 16_384


def lambertw0(x: FloatArray | float) -> FloatArray:
    """W₀(x) for 0 ≤ x ≤ e, to about two units in the last place.

    With w the rational start and z = ln(x/w) − w its residual, one step of third order in z remains (after
    Fritsch, Shafer and Crowley 1973). x/w is taken as Q/P, never as a quotient of two small numbers, so that
    W₀(0) = 0 exactly and W₀(x) → x − x² keeps its relative accuracy towards 0.

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
    numerator = _horner(_NUMERATOR, x)
    denominator = _horner(_DENOMINATOR, x)
    w = x * numerator / denominator
    residual = np.log(denominator / numerator) - w
    step = residual / (1.0 + w)
    return np.minimum(w + w * step * (1.0 + 0.5 * step / (1.0 + w)), 1.0)


def _horner(coefficients: tuple[float, ...], x: FloatArray) -> FloatArray:
    total = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total *= x
        total += coefficient
    return total
