"""Any predictor, with vectors of some of the questions that somebody else computed."""

import copy
from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from shadowprice._errors import InputError
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._predictor import AbstractPredictor, check_texts
from shadowprice.beliefs.encoders import FeatureEncoder, Matched
from shadowprice.beliefs.past import Past

_PROBE: Final = "What is 1 + 1?"


class FeaturePredictor(AbstractPredictor):
    """Two predictors of one kind: one sees vectors, and the other does not, for questions that have none.

    Both are fitted on all evidence; a question without a vector counts for the first as one with the mean vector. What
    is believed of questions without vectors is therefore exactly what would be believed had there been none.

    Args:
        predictor: The kind, with its parameters; it has a parameter `encoder`.
        features: The vectors.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(self, predictor: AbstractPredictor, features: FeatureEncoder) -> None:
        self.predictor = predictor
        self.features = features

    def fit(self, evidence: Evidence) -> Self:
        """Fit both; errors as of the kind."""
        self.blind_: AbstractPredictor = clone(self.predictor).fit(evidence)
        self.seeing_: AbstractPredictor = clone(self.predictor).set_params(encoder=self.features).fit(evidence)
        return self

    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        """Beliefs about n questions, each by the predictor that knows most of it.

        Raises:
            InputError: It comes from a file, and has no vectors yet (`bound`).
        """
        check_texts(questions)
        check_is_fitted(self)
        if self.features.rows is None:
            raise InputError(
                f"This predictor was fitted with vectors of {self.features.width} numbers; give it those of these "
                "questions (`bound`), or take the one that does without (`blind_`)."
            )
        texts = list(questions)
        there = self.features.knows(texts)
        if there.all() or not there.any():
            return (self.seeing_ if len(texts) and there.all() else self.blind_).predict(texts, past)
        sides = [(self.seeing_, np.flatnonzero(there)), (self.blind_, np.flatnonzero(~there))]
        parts = [side.predict([texts[row] for row in rows.tolist()], past) for side, rows in sides]
        return Beliefs.concatenate(parts).take(np.argsort(np.concatenate([rows for _, rows in sides])))

    def bound(self, matched: Matched) -> Self:
        """The same, fitted, with the vectors of other questions.

        Raises:
            InputError: They are not as wide as those of the fit.
        """
        if matched.vectors.width != self.features.width:
            raise InputError(
                f"{matched.vectors.name} holds vectors of {matched.vectors.width:,} numbers, but the predictor was "
                f"fitted with {self.features.width:,}; give vectors of the same model and layer, or fit it anew."
            )
        return self._with(self.features.bound(matched))

    def probe(self) -> Self:
        """The same with the mean vector for one question, to see whether both of its parts predict."""
        features = self.features.bound(None)
        features.rows, features.values = {_PROBE: 0}, features.centre.astype(np.float32)[np.newaxis]
        return self._with(features)

    @property
    def surge_(self) -> Any:
        """The surge of a predictor of thresholds."""
        return self.seeing_.surge_

    def check_sound(self) -> None:
        """Raise ValueError if a file has made something else of it."""
        parts = (self.predictor, self.blind_, self.seeing_)
        if not isinstance(self.features, FeatureEncoder) or not all(
            isinstance(part, AbstractPredictor) for part in parts
        ):
            raise ValueError("no predictor with features")
        if any(isinstance(part, FeaturePredictor) for part in parts):
            raise ValueError("a predictor with features inside another")

    def _with(self, features: FeatureEncoder) -> Self:
        """A copy in which one encoder stands wherever the other stood."""
        return copy.deepcopy(self, {id(self.features): features})
