"""How good predicted thresholds are on questions that they have not seen."""

from dataclasses import dataclass

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence


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
    from sklearn.metrics import roc_auc_score

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
