"""What is believed of a query before it runs: the predictors."""

from shadowprice.beliefs.static._after_past import AfterPast
from shadowprice.beliefs.static._calibration import LocationCalibration, LogitCalibration
from shadowprice.beliefs.static._features import FeaturePredictor
from shadowprice.beliefs.static._fine_tuning import Epoch, FineTuning
from shadowprice.beliefs.static._hazards import Hazards
from shadowprice.beliefs.static._outcome import OutcomePredictor
from shadowprice.beliefs.static._prior import PriorPredictor
from shadowprice.beliefs.static._threshold import ThresholdPredictor
from shadowprice.beliefs.static._transformer import TransformerPredictor
from shadowprice.beliefs.static._transformer_files import load_transformer, save_transformer

__all__ = [
    "AfterPast",
    "Epoch",
    "FeaturePredictor",
    "FineTuning",
    "Hazards",
    "LocationCalibration",
    "LogitCalibration",
    "OutcomePredictor",
    "PriorPredictor",
    "ThresholdPredictor",
    "TransformerPredictor",
    "load_transformer",
    "save_transformer",
]
