"""What the owner of a budget asks for besides: guarantees, weights, and that nobody is abandoned."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from shadowprice._errors import InputError
from shadowprice._tokens import MOST_TOKENS
from shadowprice.jobs.given._questions import GivenQuestions, file_of
from shadowprice.policies import Terms
from shadowprice.tasks import read_weights


@dataclass(frozen=True, slots=True)
class TermOptions:
    """Terms for questions that are not counted yet."""

    floor: int = 0
    """Tokens that every question is guaranteed, whatever they are worth."""
    weights: str | Sequence[float] | None = None
    """What a right answer is worth, above 0: a numeric column of the questions' file, or a number for each; 1 if left
    out."""
    minimum: int = 0
    """Tokens for a short answer to every question, so that none is abandoned."""

    @property
    def column(self) -> str | None:
        """The column of the questions' file that holds the weights."""
        return self.weights if isinstance(self.weights, str) else None

    def of(self, questions: GivenQuestions, n: int) -> Terms:
        """The terms of n questions.

        Raises:
            InputError: A number of tokens is out of range, or a weight is not right.
        """
        for option, tokens in (("--floor", self.floor), ("--minimum", self.minimum)):
            if not 0 <= tokens <= MOST_TOKENS:
                raise InputError(f"{option} is {tokens} tokens; it must be from 0 to {MOST_TOKENS}.")
        if not isinstance(self.weights, str):
            return Terms(n, 1.0 if self.weights is None else np.asarray(self.weights), self.floor, self.minimum)
        if (path := file_of(questions)) is None:
            raise InputError(
                f"The weights are column '{self.weights}', and these questions are no file; give a number for each."
            )
        return Terms(n, read_weights(path, self.weights), self.floor, self.minimum)

    def choices(self) -> list[Any]:
        """What tells these terms from others, as JSON."""
        kept = self.weights
        if kept is not None and not isinstance(kept, str):
            kept = f"sha256 {hashlib.sha256(np.asarray(kept, dtype=np.float64).tobytes()).hexdigest()[:16]}"
        return [self.floor, kept, self.minimum]
