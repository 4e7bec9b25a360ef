"""What predictors learn from: questions, and what happened when a model answered them."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs.past import Past


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Evidence:
    """m replies to n questions.

    A reply ends in one of three ways: right, wrong, or cut off before it was done (*censored*). A censored reply
    says that nothing had happened up to its last token, and nothing about what would have come.

    Args:
        questions: ``(n,)`` question texts.
        query: ``(m,)`` which question each reply answers, 0 … n−1.
        answer_tokens: ``(m,)`` tokens up to the end of its final answer.
        correct: ``(m,)`` whether that is right.
        completion_tokens: ``(m,)`` tokens of the whole reply; by default it ends with its answer.
        censored: ``(m,)`` whether it was cut off; by default none was. A reply that is right is not censored,
            whatever came after its answer.
        weight: ``(m,)`` how many replies a row stands for, at least 0; by default 1.
        completions: ``(m,)`` texts of the replies, where they were kept.
        others: What other models replied, to the same questions or to others; see `beside`.
        past: What was replied to these questions before, by anybody; see `after`.
        model: Whose replies these are, by the name that `past` has for it; needed only there.
        confidence: ``(m, K, 4)`` how sure the model was of each reply by each token count of `CONFIDENCE_GRID`, as
            `summarise` says; NaN where that is not known, None where it is known of none.

    Raises:
        InputError: lengths differ, or a row refers to no question.
    """

    questions: Sequence[str]
    query: IntArray
    answer_tokens: IntArray
    correct: BoolArray
    completion_tokens: IntArray
    censored: BoolArray
    weight: FloatArray
    completions: Sequence[str] | None
    others: tuple["Evidence", ...]
    past: Past | None
    model: str
    confidence: FloatArray | None

    def __init__(
        self,
        questions: Sequence[str],
        query: ArrayLike,
        answer_tokens: ArrayLike,
        correct: ArrayLike,
        completion_tokens: ArrayLike | None = None,
        censored: ArrayLike | None = None,
        weight: ArrayLike | None = None,
        completions: Sequence[str] | None = None,
        others: Sequence["Evidence"] = (),
        past: Past | None = None,
        model: str = "",
        confidence: FloatArray | None = None,
    ) -> None:
        number = np.asarray(query, dtype=np.int64)
        m, n = len(number), len(questions)
        if m and not 0 <= number.min() <= number.max() < n:
            raise InputError(f"query must number {n} questions from 0, but reaches {number.max()}.")
        if completions is not None and len(completions) != m:
            raise InputError(f"There are {m} replies but {len(completions)} completions; give one for each.")
        if confidence is not None and len(confidence) != m:
            raise InputError(f"There are {m} replies but {len(confidence)} confidences; give one for each.")
        ends = np.asarray(answer_tokens, dtype=np.int64)
        right = np.asarray(correct, dtype=np.bool_)
        cut = np.zeros(m, np.bool_) if censored is None else np.asarray(censored, dtype=np.bool_)
        fields = {
            "query": number,
            "answer_tokens": ends,
            "correct": right,
            "completion_tokens": ends if completion_tokens is None else np.asarray(completion_tokens, dtype=np.int64),
            "censored": cut,
            "weight": np.ones(m) if weight is None else np.asarray(weight, dtype=np.float64),
        }
        for name, field in fields.items():
            if field.shape != (m,):
                raise InputError(f"{name} must have one entry for each of {m} replies, but its shape is {field.shape}.")
        fields["censored"] = cut & ~right
        whole: dict[str, Any] = {**fields, "questions": questions, "completions": completions, "others": tuple(others)}
        whole |= {"past": past, "model": model, "confidence": confidence}
        for name, value in whole.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"Evidence({self.n_queries:,} questions, {len(self):,} replies)"

    def __len__(self) -> int:
        """Number of replies, m."""
        return len(self.query)

    @property
    def n_queries(self) -> int:
        """Number of questions, n."""
        return len(self.questions)

    def beside(self, others: Sequence["Evidence"]) -> Self:
        """The same with what other models replied.

        A question that one model finds hard is often hard for the next, so predictors learn from these replies which
        questions are hard and long; how hard and how long for this model, they learn from its own.
        """
        return self._of(np.arange(self.n_queries), np.arange(len(self)), tuple(others))

    def after(self, past: Past | None, model: str | None = None) -> Self:
        """The same with what was replied to these questions before: evidence about each question itself.

        Args:
            past: None of these replies may be among them.
            model: The name that it has for whose replies these are; unchanged if left out.
        """
        rows = np.arange(len(self))
        return self._of(np.arange(self.n_queries), rows, self.others, past, self.model if model is None else model)

    def of_questions(self, keep: BoolArray) -> Self:
        """The replies to some of the questions, by an ``(n,)`` mask; questions are numbered anew.

        What other models replied to the rest is left out as well, so that nobody learns from a question held out.
        """
        kept = np.flatnonzero(keep)
        dropped = {self.questions[int(i)] for i in np.flatnonzero(~np.asarray(keep))} if self.others else set()
        dropped -= {self.questions[int(i)] for i in kept}
        others = tuple(other.without(dropped) for other in self.others)
        return self._of(kept, np.flatnonzero(keep[self.query]), others)

    def without(self, texts: Set[str]) -> Self:
        """The replies to all but some questions, by text; those of other models too."""
        keep = np.array([question not in texts for question in self.questions], dtype=np.bool_)
        others = tuple(other.without(texts) for other in self.others)
        return self._of(np.flatnonzero(keep), np.flatnonzero(keep[self.query]), others)

    def _of(
        self,
        kept: IntArray,
        rows: IntArray,
        others: tuple["Evidence", ...],
        past: Past | None = None,
        model: str | None = None,
    ) -> Self:
        number = np.empty(self.n_queries, dtype=np.int64)
        number[kept] = np.arange(len(kept))
        return type(self)(
            [self.questions[int(i)] for i in kept],
            number[self.query[rows]],
            self.answer_tokens[rows],
            self.correct[rows],
            self.completion_tokens[rows],
            self.censored[rows],
            self.weight[rows],
            None if self.completions is None else [self.completions[int(i)] for i in rows],
            others,
            self.past if past is None else past,
            self.model if model is None else model,
            None if self.confidence is None else self.confidence[rows],
        )
