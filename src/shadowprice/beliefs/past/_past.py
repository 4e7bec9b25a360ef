"""Earlier replies to questions, by anybody: evidence about a question itself, not only about its kind."""

from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray

_AGREEMENT: Final = " (agreement)"
"""What is added to the name of whoever was not graded: how grades and agreement speak of a question is learnt apart."""


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Past:
    """r earlier replies to q questions, which other questions may be asked with.

    Questions are known by their text. Any number of replies, by any number of models, of any age; a question without
    one is believed by its text alone.

    Args:
        questions: ``(q,)`` question texts, all different.
        query: ``(r,)`` which question each reply answers, 0 … q−1.
        source: ``(r,)`` who replied: the name of a model or of a checkpoint.
        right: ``(r,)`` whether the reply was right: a chance in [0, 1], and NaN where nobody graded it.
        tokens: ``(r,)`` tokens up to the end of its answer if it was right, else of the whole reply; at least 1.
        weight: ``(r,)`` how many replies a row stands for; below 1 for one that was cut off before it could be told.
        age: ``(r,)`` how long ago it was, at least 0, in units of your own (epochs, days). Earlier replies say less,
            by as much as is learnt from the traces that a predictor is fitted to.
        answer: ``(r,)`` what was answered; empty where nobody knows. Where replies were not graded, those that answer
            what the others to the same question do count as right, as far as agreement proves to be worth.

    Raises:
        InputError: Lengths differ, or a number is out of range; it names the row.
    """

    questions: tuple[str, ...]
    query: IntArray
    source: tuple[str, ...]
    right: FloatArray
    tokens: FloatArray
    weight: FloatArray
    age: FloatArray

    def __init__(
        self,
        questions: Sequence[str],
        query: ArrayLike,
        source: Sequence[str],
        right: ArrayLike,
        tokens: ArrayLike,
        weight: ArrayLike | None = None,
        age: ArrayLike | None = None,
        answer: Sequence[str] | None = None,
    ) -> None:
        number = np.asarray(query, dtype=np.int64)
        m = len(number)
        columns = {
            "right": np.asarray(right, dtype=np.float64),
            "tokens": np.asarray(tokens, dtype=np.float64),
            "weight": np.ones(m) if weight is None else np.asarray(weight, dtype=np.float64),
            "age": np.zeros(m) if age is None else np.asarray(age, dtype=np.float64),
        }
        for name, column in columns.items():
            if column.shape != (m,):
                raise InputError(f"{name} must have one entry for each of {m} earlier replies, not {column.shape}.")
        if len(source) != m or (answer is not None and len(answer) != m):
            raise InputError(f"source and answer must have one entry for each of {m} earlier replies.")
        if len(set(questions)) != len(questions):
            raise InputError("The questions of a past must all be different; number the replies of one alike.")
        checks = (
            ("query must number the questions from 0", (number >= 0) & (number < len(questions))),
            ("right must be from 0 to 1, or NaN", np.isnan(columns["right"]) | (np.abs(columns["right"] - 0.5) <= 0.5)),
            ("tokens must be at least 1 and finite", (columns["tokens"] >= 1.0) & np.isfinite(columns["tokens"])),
            ("weight must be at least 0 and finite", (columns["weight"] >= 0.0) & np.isfinite(columns["weight"])),
            ("age must be at least 0 and finite", (columns["age"] >= 0.0) & np.isfinite(columns["age"])),
        )
        for rule, holds in checks:
            if not holds.all():
                raise InputError(f"{rule}, but does not in row {int(np.flatnonzero(~holds)[0])} of the past.")
        names = np.asarray(source, dtype=object)
        ungraded = np.isnan(columns["right"])
        if ungraded.any():
            agreed = _agreement(number, answer or [""] * m)
            columns["right"] = np.where(ungraded, agreed, columns["right"])
            names = np.where(ungraded, names + _AGREEMENT, names)
            # A reply that nobody graded, and none agrees or disagrees with, still says how long it was.
        values = {"questions": tuple(questions), "query": number, "source": tuple(map(str, names)), **columns}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        by = len(set(self.source))
        return f"Past({len(self):,} replies to {len(self.questions):,} questions, by {by} model{'s' * (by != 1)})"

    def __len__(self) -> int:
        """Number of earlier replies, r."""
        return len(self.query)

    @property
    def sources(self) -> tuple[str, ...]:
        """Who replied, each once, sorted."""
        return tuple(sorted(set(self.source)))

    @property
    def mark(self) -> tuple[object, ...]:
        """Tells it from other pasts, by all that it holds."""
        columns = (self.query, self.right, self.tokens, self.weight, self.age)
        return (self.questions, self.source, *(column.tobytes() for column in columns))

    def known(self, questions: Sequence[str]) -> int:
        """How many of some questions have a past."""
        there = {self.questions[int(number)] for number in np.unique(self.query)}
        return sum(question in there for question in questions)

    def only(self, keep: ArrayLike) -> Self:
        """Some of the replies, by an ``(r,)`` mask."""
        rows = np.flatnonzero(np.asarray(keep))
        kind = type(self)
        past = object.__new__(kind)
        values = {
            "questions": self.questions,
            "source": tuple(self.source[int(row)] for row in rows),
            **{name: getattr(self, name)[rows] for name in ("query", "right", "tokens", "weight", "age")},
        }
        for name, value in values.items():
            object.__setattr__(past, name, value)
        return past

    def without(self, texts: Set[str]) -> Self:
        """The replies to all but some questions, by text."""
        return self.only([self.questions[int(number)] not in texts for number in self.query])

    @classmethod
    def joined(cls, parts: Sequence["Past"]) -> Self:
        """The replies of several pasts; questions with the same text are one."""
        place: dict[str, int] = {}
        numbers = []
        for part in parts:
            number = np.array([place.setdefault(text, len(place)) for text in part.questions], dtype=np.int64)
            numbers.append(number[part.query])
        past = object.__new__(cls)
        values = {
            "questions": tuple(place),
            "query": np.concatenate([np.zeros(0, np.int64), *numbers]),
            "source": tuple(name for part in parts for name in part.source),
            **{
                name: np.concatenate([np.zeros(0), *(getattr(part, name) for part in parts)])
                for name in ("right", "tokens", "weight", "age")
            },
        }
        for name, value in values.items():
            object.__setattr__(past, name, value)
        return past


def _agreement(query: IntArray, answer: Sequence[str]) -> FloatArray:
    """``(r,)`` share of the other replies to the same question that give the same answer; NaN where there is none.

    What was not answered agrees with nothing.
    """
    said = np.array([text.strip().casefold() for text in answer], dtype=object)
    pairs: dict[tuple[int, str], int] = {}
    replies: dict[int, int] = {}
    for number, text in zip(query.tolist(), said, strict=True):
        replies[number] = replies.get(number, 0) + 1
        pairs[number, text] = pairs.get((number, text), 0) + 1
    return np.array(
        [
            np.nan if replies[number] < 2 else (pairs[number, text] - 1 if text else 0) / (replies[number] - 1)
            for number, text in zip(query.tolist(), said, strict=True)
        ]
    )
