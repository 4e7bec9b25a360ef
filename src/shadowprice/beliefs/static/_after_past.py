"""A predictor that knows what was replied before to the questions that it will be asked about."""

from collections.abc import Sequence
from typing import Any, Self

from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._predictor import AbstractPredictor
from shadowprice.beliefs.past import Past
from shadowprice.beliefs.static._features import FeaturePredictor


class AfterPast(AbstractPredictor):
    """A fitted predictor and a past, for whoever asks about questions without knowing of one.

    Args:
        predictor: The predictor.
        past: What it is asked with, unless another one is given.
    """

    def __init__(self, predictor: AbstractPredictor, past: Past | None) -> None:
        self.predictor = predictor
        self.past = past

    @property
    def learnt(self) -> bool:
        """Whether the predictor has learnt what a past says."""
        inner = self.predictor.blind_ if isinstance(self.predictor, FeaturePredictor) else self.predictor
        return getattr(inner, "past_", None) is not None

    @property
    def encoder(self) -> Any:
        """What the predictor reads questions with."""
        return getattr(self.predictor, "encoder", None)

    def fit(self, evidence: Evidence) -> Self:
        """Fit the predictor."""
        self.predictor.fit(evidence)
        return self

    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        """Beliefs about n questions after their past."""
        return self.predictor.predict(questions, self.past if past is None else past)

    def __sklearn_is_fitted__(self) -> bool:
        """As the predictor is."""
        return True
