"""How good beliefs are on questions that they have not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._threshold import ThresholdPredictor


def cross_fit(
    predictor: ThresholdPredictor,
    questions: Sequence[str],
    query: IntArray,
    tokens: IntArray,
    correct: BoolArray,
    *,
    folds: int = 2,
    seed: int = 0,
) -> Beliefs:
    """Beliefs about every question from a predictor that was fitted without it.

    Args:
        predictor: What to fit; it is cloned, not changed.
        questions: ``(n,)`` question texts. Questions with the same text fall into the same fold.
        query: ``(m,)`` which question each reply answers.
        tokens: ``(m,)`` where its final answer appears, tokens.
        correct: ``(m,)`` whether it is right.
        folds: Number of folds, at least 2.
        seed: Seed of the split.

    Raises:
        InputError: There are fewer questions than folds, or a fold has nothing right to learn from.
    """
    texts, text = np.unique(np.asarray(questions, dtype=object), return_inverse=True)
    if not 2 <= folds <= len(texts):
        raise InputError(f"Cannot split {len(texts)} different questions into {folds} folds; use 2 or more of each.")
    fold = (np.random.default_rng(seed).permutation(len(texts)) % folds)[text]
    columns = np.empty((3, len(questions)))
    for held_out in range(folds):
        rows = np.flatnonzero(fold[query] != held_out)
        fitted = clone(predictor).fit([questions[int(number)] for number in query[rows]], tokens[rows], correct[rows])
        unseen = np.flatnonzero(fold == held_out)
        beliefs = fitted.predict([questions[int(number)] for number in unseen])
        columns[:, unseen] = beliefs.threshold, beliefs.alpha, beliefs.beta
    return Beliefs(*columns)


@dataclass(frozen=True, slots=True)
class ThresholdScores:
    """Quality of predicted thresholds on unseen questions."""

    spearman: float
    """Rank correlation of predicted threshold and answer position, over right replies."""
    kendall: float
    """Kendall's τ-b of the same."""
    r2_log: float
    """R² of the log answer position, after the best constant factor, over right replies."""
    auc: float
    """AUC of "this reply is right" when the lowest threshold is the best bet; NaN if all replies agree."""
    queries: int
    """Number of questions."""
    replies: int
    """Number of replies, of which `right` are right."""
    right: int
    """Number of right replies."""


def score_thresholds(beliefs: Beliefs, query: IntArray, tokens: IntArray, correct: BoolArray) -> ThresholdScores:
    """Score beliefs about n questions against m replies (shapes as in `cross_fit`)."""
    from scipy.stats import kendalltau, spearmanr  # slow to import, and only needed here

    predicted, position = np.log(beliefs.threshold[query[correct]]), np.log(np.maximum(tokens[correct], 1))
    ranked = len(position) > 1 and np.ptp(predicted) > 0 and np.ptp(position) > 0
    error = _spread(position - predicted)
    return ThresholdScores(
        spearman=float(spearmanr(predicted, position).statistic) if ranked else float("nan"),
        kendall=float(kendalltau(predicted, position).statistic) if ranked else float("nan"),
        r2_log=1.0 - error / _spread(position) if ranked else float("nan"),
        auc=float(roc_auc_score(correct, -beliefs.threshold[query]))
        if 0 < correct.sum() < len(correct)
        else float("nan"),
        queries=len(beliefs),
        replies=len(query),
        right=int(correct.sum()),
    )


def _spread(values: FloatArray) -> float:
    return float(np.var(values)) if values.size else float("nan")
