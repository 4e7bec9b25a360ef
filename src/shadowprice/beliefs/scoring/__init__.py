"""How good beliefs are, measured on replies that they have not seen."""

from shadowprice.beliefs.scoring._accuracy import MeasuredAccuracy, measure_accuracy
from shadowprice.beliefs.scoring._misfit import Expected, Misfit
from shadowprice.beliefs.scoring._scores import (
    MEASURES,
    BeliefScores,
    Estimate,
    Reliability,
    bets,
    chance_right,
    reliability,
    score_beliefs,
    scoring_grid,
    share_right,
)
from shadowprice.beliefs.scoring._thresholds import ThresholdScores, score_thresholds
from shadowprice.beliefs.scoring._verdict import verdict

__all__ = [
    "MEASURES",
    "BeliefScores",
    "Estimate",
    "Expected",
    "MeasuredAccuracy",
    "Misfit",
    "Reliability",
    "ThresholdScores",
    "bets",
    "chance_right",
    "measure_accuracy",
    "reliability",
    "score_beliefs",
    "score_thresholds",
    "scoring_grid",
    "share_right",
    "verdict",
]
