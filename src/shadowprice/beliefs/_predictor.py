"""The one interface of all predictors."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Self

from sklearn.base import BaseEstimator

from shadowprice._errors import InputError
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs.past import Past


class AbstractPredictor(BaseEstimator, ABC):  # type: ignore[misc]  # scikit-learn is untyped
    """Learns from evidence what to believe of questions that nobody has answered yet.

    Predictors keep scikit-learn's manners: ``__init__`` stores hyper-parameters and does nothing else, ``fit``
    returns the predictor and sets attributes that end in an underscore, `sklearn.base.clone` forgets them.
    """

    @abstractmethod
    def fit(self, evidence: Evidence) -> Self:
        """Learn from replies, one or several per question; questions with the same text are one question.

        Raises:
            InputError: There is nothing to learn from.
        """

    @abstractmethod
    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        """Beliefs about n questions.

        Args:
            questions: ``(n,)`` texts.
            past: What was replied to them before, found by their texts; it counts as far as the predictor has learnt
                from evidence with a past, or with several replies to a question.

        Raises:
            InputError: `questions` is one text instead of a sequence of them.
        """


def check_texts(questions: Sequence[str]) -> None:
    """Refuse one text, which would be taken for as many questions as it has letters.

    Raises:
        InputError: It is one.
    """
    if isinstance(questions, str):
        raise InputError("predict takes a list of questions, not one text: write predict([question]).")
