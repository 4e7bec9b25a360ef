"""What a question's text says before anybody has thought about it."""

import re
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from shadowprice._types import FloatArray

_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_LARGEST = 1e9
"""Longer numbers say nothing more about difficulty, only upset the scale."""

SURFACE_FEATURES = (
    "characters",
    "words",
    "distinct word share",
    "mean word length",
    "numbers",
    "log largest number",
    "log sum of numbers",
    "digits",
    "operators",
    "capitals",
    "backslashes",
    "dollars",
    "parentheses",
    "commas",
    "full stops",
    "quotes",
    "question marks",
    "lines",
)
"""Names of the columns of `SurfaceFeatures`, in order."""


class SurfaceFeatures(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Counts that need no vocabulary: lengths, numbers, operators, LaTeX."""

    def fit(self, questions: Sequence[str], y: object = None) -> Self:
        """Learn nothing; there for scikit-learn's pipelines."""
        del questions, y
        self.n_features_in_ = 1
        return self

    def transform(self, questions: Sequence[str]) -> FloatArray:
        """Features ``(n, 18)`` of n questions, columns as in `SURFACE_FEATURES`."""
        return np.array([_surface(question) for question in questions], dtype=np.float64).reshape(
            len(questions), len(SURFACE_FEATURES)
        )

    def get_feature_names_out(self, input_features: object = None) -> Any:
        """Names of the columns."""
        del input_features
        return np.array(SURFACE_FEATURES, dtype=object)


def _surface(question: str) -> tuple[float, ...]:
    words = question.split()
    numbers = [min(float(number), _LARGEST) for number in _NUMBER.findall(question)]
    return (
        len(question),
        len(words),
        len(set(words)) / max(1, len(words)),
        sum(map(len, words)) / max(1, len(words)),
        len(numbers),
        np.log1p(max(numbers, default=0.0)),
        np.log1p(sum(numbers)),
        sum(map(str.isdigit, question)),
        sum(question.count(operator) for operator in "+-*/^=<>"),
        sum(map(str.isupper, question)),
        question.count("\\"),
        question.count("$"),
        question.count("("),
        question.count(","),
        question.count("."),
        question.count("'") + question.count('"'),
        question.count("?"),
        question.count("\n"),
    )
