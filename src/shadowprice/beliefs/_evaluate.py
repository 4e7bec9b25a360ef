"""How good beliefs are on questions that they have not seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._base import AbstractPredictor
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence


def question_folds(questions: Sequence[str], *, folds: int = 2, seed: int = 0) -> IntArray:
    """A fold ``(n,)`` for each of n questions, 0 … folds − 1; questions with the same text fall into the same.

    Raises:
        InputError: There are fewer different questions than folds, or fewer than 2 folds.
    """
    texts, text = np.unique(np.asarray(questions, dtype=object), return_inverse=True)
    if not 2 <= folds <= len(texts):
        raise InputError(f"Cannot split {len(texts)} different questions into {folds} folds; use 2 or more of each.")
    return np.asarray((np.random.default_rng(seed).permutation(len(texts)) % folds)[text], dtype=np.int64)


def check_folds(evidence: Evidence, *, folds: int = 2, seed: int = 0) -> None:
    """See that each fold of `question_folds` leaves something right to learn thresholds from.

    Raises:
        InputError: It does not, or there are too few questions.
    """
    fold = question_folds(evidence.questions, folds=folds, seed=seed)
    right = np.bincount(fold[evidence.query[evidence.correct]], minlength=folds)
    if (right == right.sum()).any():
        raise InputError(
            f"{right.sum()} of {len(evidence)} replies are right, and to questions of one fold of {folds}, so that "
            "nothing right is left to learn from; record more questions, or easier ones."
        )


def cross_fit(
    predictor: AbstractPredictor,
    evidence: Evidence,
    *,
    folds: int = 2,
    seed: int = 0,
    advance: Callable[[], None] = lambda: None,
) -> Beliefs:
    """Beliefs about every question from a predictor that was fitted without it.

    Args:
        predictor: What to fit; it is cloned, not changed.
        evidence: m replies to n questions. Questions with the same text fall into the same fold.
        folds: Number of folds, at least 2.
        seed: Seed of the split.
        advance: Called after each fold.

    Raises:
        InputError: There are fewer questions than folds, or a fold has nothing right to learn from.
    """
    fold = question_folds(evidence.questions, folds=folds, seed=seed)
    parts, rows = [], []
    for held_out in range(folds):
        fitted = clone(predictor).fit(evidence.of_questions(fold != held_out))
        unseen = np.flatnonzero(fold == held_out)
        parts.append(fitted.predict([evidence.questions[int(number)] for number in unseen]))
        rows.append(unseen)
        advance()
    return Beliefs.concatenate(parts).take(np.argsort(np.concatenate(rows)))


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


def score_thresholds(beliefs: Beliefs, evidence: Evidence) -> ThresholdScores:
    """Score beliefs about n questions against m replies to them."""
    from scipy.stats import kendalltau, spearmanr  # slow to import, and only needed here

    query, tokens, correct = evidence.query, evidence.answer_tokens, evidence.correct
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
