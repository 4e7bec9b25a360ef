"""Accuracy against budget as it was measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._groups import number_groups
from shadowprice.beliefs.scoring._censoring import known_weights, right_by

_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class MeasuredAccuracy:
    """Share of right answers in each group of questions when every reply is held to a budget."""

    groups: tuple[str, ...]
    """``(g,)`` names."""
    budgets: FloatArray
    """``(K,)`` tokens per question."""
    accuracy: FloatArray
    """``(g, K)`` mean over the group's questions."""
    low: FloatArray
    """``(g, K)`` lower end of the band."""
    high: FloatArray
    """``(g, K)`` upper end of the band."""


def measure_accuracy(
    evidence: Evidence,
    budgets: FloatArray,
    labels: Sequence[str] | None = None,
    *,
    resample: Literal["questions", "replies"] = "questions",
    level: float = 0.95,
    seed: int = 0,
) -> MeasuredAccuracy:
    """Measure accuracy against budget: the share of replies whose right answer has appeared by t tokens.

    It never falls, because a reply that has its answer is not made to go on. Replies that were cut off are made up
    for by inverse probability of censoring. Every question with a reply counts the same, however many it has.

    Args:
        evidence: Replies, one or several per question.
        budgets: ``(K,)`` tokens per question.
        labels: ``(n,)`` group of each question; by default all are one group.
        resample: What the band is over: `questions` (others of the same kind might have been asked; bootstrap), or
            `replies` (the same questions might have been answered again; binomial, Wilson 1927).
        level: Coverage of the band, 0 to 1.
        seed: Seed of the bootstrap.

    Raises:
        InputError: There is not one label for each question, or a group has no reply.
    """
    tokens = np.asarray(budgets, dtype=np.float64)
    groups, group = number_groups(labels, evidence.n_queries)
    weight = known_weights(evidence, tokens)
    right, total = (np.zeros((evidence.n_queries, len(tokens))) for _ in range(2))
    np.add.at(right, evidence.query, weight * right_by(evidence, tokens))
    np.add.at(total, evidence.query, weight)
    rng = np.random.default_rng(seed)
    rows = []
    for number, name in enumerate(groups):
        mine = (group == number) & (total > 0).all(axis=1)
        if not mine.any():
            raise InputError(f"No question of '{name}' has a reply that was watched to {tokens.max():g} tokens.")
        share = right[mine] / total[mine]
        mean = share.mean(axis=0)
        if resample == "questions":
            draws = rng.multinomial(len(share), np.full(len(share), 1.0 / len(share)), size=_RESAMPLES) / len(share)
            band = np.quantile(draws @ share, ((1.0 - level) / 2.0, (1.0 + level) / 2.0), axis=0)
        else:
            # The mean over questions of k/m varies as much as a share of this many replies, or less.
            replies = len(share) / np.mean(1.0 / total[mine], axis=0)
            band = _wilson(mean, np.asarray(replies, dtype=np.float64), level)
        rows.append((mean, band[0], band[1]))
    accuracy, low, high = (np.array(column) for column in zip(*rows, strict=True))
    return MeasuredAccuracy(groups, tokens, accuracy, low, high)


def _wilson(share: FloatArray, replies: FloatArray, level: float) -> FloatArray:
    """Score interval of a binomial share (Wilson 1927), low and high."""
    from statistics import NormalDist

    z = NormalDist().inv_cdf((1.0 + level) / 2.0)
    centre = (share + z**2 / (2.0 * replies)) / (1.0 + z**2 / replies)
    half = z / (1.0 + z**2 / replies) * np.sqrt(share * (1.0 - share) / replies + z**2 / (4.0 * replies**2))
    return np.array([np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)])
