"""What is believed of a query, before it runs."""

from shadowprice.beliefs._base import AbstractPredictor
from shadowprice.beliefs._beliefs import Beliefs, Outcomes
from shadowprice.beliefs._evaluate import ThresholdScores, cross_fit, score_thresholds
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._features import SURFACE_FEATURES, SurfaceFeatures
from shadowprice.beliefs._files import PredictorCard, load_predictor, save_predictor
from shadowprice.beliefs._surge import SharedSurge, fit_surge
from shadowprice.beliefs._threshold import ThresholdPredictor

__all__ = [
    "SURFACE_FEATURES",
    "AbstractPredictor",
    "Beliefs",
    "Evidence",
    "Outcomes",
    "PredictorCard",
    "SharedSurge",
    "SurfaceFeatures",
    "ThresholdPredictor",
    "ThresholdScores",
    "cross_fit",
    "fit_surge",
    "load_predictor",
    "save_predictor",
    "score_thresholds",
]
