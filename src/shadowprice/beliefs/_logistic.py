"""Logistic regression that starts from what is believed before, and is held to it by a penalty."""

import numpy as np
from scipy.special import expit

from shadowprice._types import FloatArray

_STEPS = 30


def logistic(
    design: FloatArray, right: FloatArray, weight: FloatArray, start: FloatArray, penalty: FloatArray
) -> FloatArray:
    """Coefficients ``(F,)`` of log odds, by Newton's method.

    Args:
        design: ``(n, F)``.
        right: ``(n,)`` shares of right replies, in [0, 1].
        weight: ``(n,)`` what each row counts.
        start: ``(F,)`` coefficients without any evidence.
        penalty: ``(F,)`` information that they are worth.
    """
    theta, prior = start.copy(), np.diag(penalty)
    for _ in range(_STEPS):
        chance = expit(design @ theta)
        gradient = prior @ (theta - start) + design.T @ (weight * (chance - right))
        curvature = prior + design.T @ ((weight * chance * (1.0 - chance))[:, None] * design)
        step = np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
        theta = theta - step
        if np.abs(step).max() < 1e-8:
            break
    return theta
