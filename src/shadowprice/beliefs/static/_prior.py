"""What to believe before any trace has been seen."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from shadowprice._errors import InputError
from shadowprice.beliefs._beliefs import Beliefs, Outcomes
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._predictor import AbstractPredictor, check_texts
from shadowprice.beliefs.past import Past, Scores
from shadowprice.beliefs.reading import beginnings
from shadowprice.beliefs.static._hazards import TOKEN_GRID, cells_of, mixture_ends

TYPICAL_SHARE = 1.0 / 12.0
"""A right answer's typical position as a share of the cap that people set: caps leave room."""
WITHIN = 0.6
"""Standard deviation of log tokens around what is predicted, once a model's habits are known."""
BETWEEN = 1.0
"""Standard deviation of log tokens from model to model."""
_WORDS = 50.0
"""Words of a question of typical length."""
_LENGTH_EFFECT = 0.2
"""Log tokens per log word: a question that is longer takes longer, much less than in proportion."""
_LENGTH_ODDS = 0.3
"""Log odds of a right reply that a question loses per log word."""
_FORMULAE = 0.5
"""Log odds of a right reply that a question in LaTeX loses, and log tokens that it takes more."""
_WRONG_LONGER = 0.2
"""Log tokens by which a wrong reply is longer than a right one."""


class PriorPredictor(AbstractPredictor):
    """Believes what is usual, without any evidence: weak, documented, and calibrated as far as ignorance can be.

    A reply is as likely right as wrong; a right answer stands at a log-normal number of tokens around a twelfth of
    the cap, within a factor of about three either way; questions of many words and questions in LaTeX take somewhat
    longer and are less likely to be answered right. `OutcomePredictor` starts from the same beliefs.

    Args:
        max_tokens: Cap that replies are held to, tokens.
        typical_tokens: Typical position of a right answer, tokens, where it is known; by default a twelfth of the cap.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(self, max_tokens: int = 4096, typical_tokens: float | None = None) -> None:
        self.max_tokens = max_tokens
        self.typical_tokens = typical_tokens

    def fit(self, evidence: Evidence | None = None) -> Self:
        """Learn nothing; there for the interface."""
        del evidence
        return self

    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        """Beliefs about n questions; without evidence, a past says nothing.

        Raises:
            InputError: `max_tokens` or `typical_tokens` is not above 0.
        """
        del past
        check_texts(questions)
        scores = prior_scores(questions, self.max_tokens, self.typical_tokens)
        spread = WITHIN if self.typical_tokens is not None else float(np.hypot(WITHIN, BETWEEN))
        right, wrong = mixture_ends(scores, np.full(2, spread))
        beyond = int(cells_of(np.array([self.max_tokens]))[0]) + 1
        right[:, beyond:] = wrong[:, beyond:] = 0.0
        threshold = np.exp(scores.right)
        # The surge with the same mean position: Gamma(2, β) lies 2/β beyond τ.
        beta = 2.0 / threshold
        chance = right.sum(axis=1)
        return Beliefs(
            threshold / 2.0,
            chance * np.e * beta,
            beta,
            Outcomes(
                TOKEN_GRID.copy(),
                np.minimum(right.cumsum(axis=1), 1.0),
                np.minimum((right + wrong).cumsum(axis=1), 1.0),
            ),
        )

    def __sklearn_is_fitted__(self) -> bool:
        """Fitted from the start."""
        return True


def prior_scores(questions: Sequence[str], max_tokens: float, typical_tokens: float | None) -> Scores:
    """Scores of questions that need no evidence.

    Raises:
        InputError: `max_tokens` or `typical_tokens` is not above 0.
    """
    if not max_tokens > 0 or (typical_tokens is not None and not typical_tokens > 0):
        raise InputError(f"max_tokens and typical_tokens must be above 0, but are {max_tokens} and {typical_tokens}.")
    typical = max_tokens * TYPICAL_SHARE if typical_tokens is None else typical_tokens
    questions = beginnings(questions)
    words = np.array([len(question.split()) for question in questions], dtype=np.float64)
    formulae = np.array(["\\" in question or "$" in question for question in questions], dtype=np.float64)
    longer, harder = np.log((words + 5.0) / _WORDS), _FORMULAE * (formulae - 0.5)
    right = np.log(typical) + _LENGTH_EFFECT * longer + harder
    return Scores(-_LENGTH_ODDS * longer - harder, right, right + _WRONG_LONGER)
