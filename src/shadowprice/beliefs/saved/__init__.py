"""Predictors on disk, and whether what they say is still true."""

from shadowprice.beliefs.saved._card import PredictorCard, Reference
from shadowprice.beliefs.saved._drift import Drift, Finding, check_drift
from shadowprice.beliefs.saved._files import SavedPredictor, load_predictor, read_predictor, save_predictor
from shadowprice.beliefs.saved._likeness import Likeness, likeness

__all__ = [
    "Drift",
    "Finding",
    "Likeness",
    "PredictorCard",
    "Reference",
    "SavedPredictor",
    "check_drift",
    "likeness",
    "load_predictor",
    "read_predictor",
    "save_predictor",
]
