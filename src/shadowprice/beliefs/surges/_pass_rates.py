"""Pass rates of questions, shrunk to those of their groups."""

import numpy as np

from shadowprice._types import FloatArray, IntArray

_ANGLES = np.pi / 2.0 * (np.arange(200) + 0.5) / 200
_SHARES = np.sin(_ANGLES) ** 2
"""Pass rates to integrate over, closest together near 0 and 1."""
_LOG_CELL = np.log(np.sin(2.0 * _ANGLES))
"""Log of how far apart they are, up to a constant."""
_FEWEST_AGREEING = np.geomspace(0.5, 200.0, 12)
"""Replies that a group's prior may be worth."""


def shrunk_pass_rates(
    right: FloatArray,
    wrong: FloatArray,
    group: IntArray,
    cut_owner: IntArray,
    cut_weight: FloatArray,
    cut_seen: FloatArray,
) -> FloatArray:
    """Posterior mean pass rates ``(n,)`` under a Beta prior per group, whose mean and weight are most likely.

    Args:
        right: ``(n,)`` replies that were right.
        wrong: ``(n,)`` replies that ended without a right answer.
        group: ``(n,)`` group of each question.
        cut_owner: ``(c,)`` question of each reply that was cut off.
        cut_weight: ``(c,)`` how many replies it stands for.
        cut_seen: ``(c,)`` P(a right answer would have come by the cut, if at all); the reply says 1 − p × this.
    """
    n = len(group)
    log_likelihood = right[:, None] * np.log(_SHARES) + wrong[:, None] * np.log1p(-_SHARES)
    np.add.at(log_likelihood, cut_owner, cut_weight[:, None] * np.log1p(-_SHARES * cut_seen[:, None]))
    rate = np.empty(n)
    for number in np.unique(group):
        mine = group == number
        likelihood = np.exp(log_likelihood[mine] - log_likelihood[mine].max(axis=1, keepdims=True))
        best, best_score = np.full(len(_SHARES), 1.0 / len(_SHARES)), -np.inf
        for mean in _SHARES[::4]:
            for worth in _FEWEST_AGREEING:
                log_prior = _LOG_CELL + (mean * worth - 1.0) * np.log(_SHARES)
                log_prior += ((1.0 - mean) * worth - 1.0) * np.log1p(-_SHARES)
                prior = np.exp(log_prior - log_prior.max())
                prior /= prior.sum()
                score = float(np.log(np.maximum(likelihood @ prior, 1e-300)).sum())
                if score > best_score:
                    best, best_score = prior, score
        joint = likelihood * best
        rate[mine] = joint @ _SHARES / joint.sum(axis=1)
    return rate
