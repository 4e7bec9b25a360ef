"""What is believed of a query, before it runs."""

from shadowprice.beliefs._accuracy import MeasuredAccuracy, measure_accuracy
from shadowprice.beliefs._base import AbstractPredictor
from shadowprice.beliefs._beliefs import Beliefs, Outcomes
from shadowprice.beliefs._card import PredictorCard, Reference
from shadowprice.beliefs._drift import Drift, Finding, check_drift
from shadowprice.beliefs._evaluate import ThresholdScores, check_folds, cross_fit, question_folds, score_thresholds
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._features import SURFACE_FEATURES, SurfaceFeatures
from shadowprice.beliefs._files import SavedPredictor, load_predictor, read_predictor, save_predictor
from shadowprice.beliefs._landmarks import given_running
from shadowprice.beliefs._likeness import Likeness, likeness
from shadowprice.beliefs._misfit import Expected, Misfit
from shadowprice.beliefs._outcome import OutcomePredictor
from shadowprice.beliefs._outlook import AbstractOutlook, Outlook, WatchedOutlook
from shadowprice.beliefs._prior import PriorPredictor
from shadowprice.beliefs._progress import Progress, WordDirections
from shadowprice.beliefs._progress_features import PROGRESS_FEATURES, PROGRESS_GROUPS
from shadowprice.beliefs._running import RunningPredictor
from shadowprice.beliefs._scores import (
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
from shadowprice.beliefs._surge import SharedSurge, fit_surge
from shadowprice.beliefs._surge_fit import SurgeFit
from shadowprice.beliefs._surge_likelihood import fit_surge_likelihood
from shadowprice.beliefs._surge_plots import plot_surges
from shadowprice.beliefs._surge_sweep import fit_surge_sweep
from shadowprice.beliefs._sweeps import sweep_evidence
from shadowprice.beliefs._threshold import ThresholdPredictor
from shadowprice.beliefs._verdict import verdict

__all__ = [
    "MEASURES",
    "PROGRESS_FEATURES",
    "PROGRESS_GROUPS",
    "SURFACE_FEATURES",
    "AbstractOutlook",
    "AbstractPredictor",
    "BeliefScores",
    "Beliefs",
    "Drift",
    "Estimate",
    "Evidence",
    "Expected",
    "Finding",
    "Likeness",
    "MeasuredAccuracy",
    "Misfit",
    "OutcomePredictor",
    "Outcomes",
    "Outlook",
    "PredictorCard",
    "PriorPredictor",
    "Progress",
    "Reference",
    "Reliability",
    "RunningPredictor",
    "SavedPredictor",
    "SharedSurge",
    "SurfaceFeatures",
    "SurgeFit",
    "ThresholdPredictor",
    "ThresholdScores",
    "WatchedOutlook",
    "WordDirections",
    "bets",
    "chance_right",
    "check_drift",
    "check_folds",
    "cross_fit",
    "fit_surge",
    "fit_surge_likelihood",
    "fit_surge_sweep",
    "given_running",
    "likeness",
    "load_predictor",
    "measure_accuracy",
    "plot_surges",
    "question_folds",
    "read_predictor",
    "reliability",
    "save_predictor",
    "score_beliefs",
    "score_thresholds",
    "scoring_grid",
    "share_right",
    "sweep_evidence",
    "verdict",
]
