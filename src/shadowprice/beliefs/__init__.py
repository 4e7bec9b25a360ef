"""What is believed of a query, before it runs and while it does.

Predictors make `Beliefs` of `Evidence`. Each folder has one idea and knows none of those named before it: `saved` (on
disk), `running` (while queries run), `static` (before they do), `surges`, `scoring`, `reading` (texts), `encoders`.


What learns is imported when it is first used: scikit-learn takes as long to import as all the rest.
"""

from typing import TYPE_CHECKING

from shadowprice._lazy import lazily
from shadowprice.beliefs._beliefs import Beliefs, Outcomes, given_running
from shadowprice.beliefs._confidence import CONFIDENCE_GRID, SUMMARY, ConfidenceSoFar, known_confidence, summarise
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._outlook import AbstractOutlook, Outlook
from shadowprice.beliefs.past import Past

if TYPE_CHECKING:
    from shadowprice.beliefs._cross_fit import check_folds, cross_fit, question_folds
    from shadowprice.beliefs._predictor import AbstractPredictor
    from shadowprice.beliefs._sweep_evidence import sweep_evidence
    from shadowprice.beliefs.reading import SURFACE_FEATURES, SurfaceFeatures
    from shadowprice.beliefs.running import (
        PROGRESS_FEATURES,
        PROGRESS_GROUPS,
        Progress,
        RunningPredictor,
        WatchedOutlook,
        WordDirections,
    )
    from shadowprice.beliefs.saved import (
        Drift,
        Finding,
        Likeness,
        PredictorCard,
        Reference,
        SavedPredictor,
        check_drift,
        likeness,
        load_predictor,
        read_predictor,
        save_predictor,
    )
    from shadowprice.beliefs.scoring import (
        MEASURES,
        BeliefScores,
        Estimate,
        Expected,
        MeasuredAccuracy,
        Misfit,
        Reliability,
        ThresholdScores,
        bets,
        chance_right,
        measure_accuracy,
        reliability,
        score_beliefs,
        score_thresholds,
        scoring_grid,
        share_right,
        verdict,
    )
    from shadowprice.beliefs.static import (
        Epoch,
        FeaturePredictor,
        FineTuning,
        OutcomePredictor,
        PriorPredictor,
        ThresholdPredictor,
        TransformerPredictor,
        load_transformer,
        save_transformer,
    )
    from shadowprice.beliefs.surges import (
        SharedSurge,
        SurgeFit,
        fit_surge,
        fit_surge_likelihood,
        fit_surge_sweep,
        plot_surges,
    )

__all__ = [
    "CONFIDENCE_GRID",
    "MEASURES",
    "PROGRESS_FEATURES",
    "PROGRESS_GROUPS",
    "SUMMARY",
    "SURFACE_FEATURES",
    "AbstractOutlook",
    "AbstractPredictor",
    "BeliefScores",
    "Beliefs",
    "ConfidenceSoFar",
    "Drift",
    "Epoch",
    "Estimate",
    "Evidence",
    "Expected",
    "FeaturePredictor",
    "Finding",
    "FineTuning",
    "Likeness",
    "MeasuredAccuracy",
    "Misfit",
    "OutcomePredictor",
    "Outcomes",
    "Outlook",
    "Past",
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
    "TransformerPredictor",
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
    "known_confidence",
    "likeness",
    "load_predictor",
    "load_transformer",
    "measure_accuracy",
    "plot_surges",
    "question_folds",
    "read_predictor",
    "reliability",
    "save_predictor",
    "save_transformer",
    "score_beliefs",
    "score_thresholds",
    "scoring_grid",
    "share_right",
    "summarise",
    "sweep_evidence",
    "verdict",
]

__getattr__, __dir__ = lazily(
    __name__,
    {
        "_cross_fit": (
            "check_folds",
            "cross_fit",
            "question_folds",
        ),
        "_predictor": ("AbstractPredictor",),
        "_sweep_evidence": ("sweep_evidence",),
        "past": ("Habits", "PastModel", "Similarity"),
        "reading": (
            "SURFACE_FEATURES",
            "Forest",
            "NgramEncoder",
            "SurfaceFeatures",
            "TextRegression",
        ),
        "running": (
            "PROGRESS_FEATURES",
            "PROGRESS_GROUPS",
            "FutureModel",
            "Progress",
            "RunningPredictor",
            "WatchedOutlook",
            "WordDirections",
        ),
        "saved": (
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
        ),
        "scoring": (
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
        ),
        "static": (
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
        ),
        "surges": (
            "SharedSurge",
            "SurgeFit",
            "fit_surge",
            "fit_surge_likelihood",
            "fit_surge_sweep",
            "plot_surges",
        ),
    },
)
