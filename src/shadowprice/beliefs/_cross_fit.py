"""Beliefs about every question of a recording, each from a predictor that has not seen it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import IntArray
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence

if TYPE_CHECKING:
    from shadowprice.beliefs._predictor import AbstractPredictor


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
    predictor: "AbstractPredictor",
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
    from sklearn.base import clone

    fold = question_folds(evidence.questions, folds=folds, seed=seed)
    parts, rows = [], []
    for held_out in range(folds):
        fitted = clone(predictor).fit(evidence.of_questions(fold != held_out))
        unseen = np.flatnonzero(fold == held_out)
        parts.append(fitted.predict([evidence.questions[int(number)] for number in unseen], evidence.past))
        rows.append(unseen)
        advance()
    return Beliefs.concatenate(parts).take(np.argsort(np.concatenate(rows)))
