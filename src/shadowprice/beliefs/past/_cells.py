"""Earlier replies in the order in which they are computed with: for each question, a cell for each source and age."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs.past._past import Past

NOBODY = -1
"""In place of a source: the cell is empty."""


@dataclass(frozen=True, slots=True)
class Cells:
    """The pasts of n questions in tables ``(n, C)``: replies of one source and age to a question are one cell."""

    source: IntArray
    """Number of the source; `NOBODY` in empty cells; the number after the last known one for those who are not."""
    age: FloatArray
    """How long ago."""
    right: FloatArray
    """Weighted mean of what was right; NaN where nobody could tell."""
    log_tokens: FloatArray
    """Weighted mean of log tokens."""
    count: FloatArray
    """Sum of the weights: replies that were heard."""

    def __len__(self) -> int:
        """Number of questions, n."""
        return len(self.source)

    @property
    def there(self) -> BoolArray:
        """``(n, C)`` which cells hold something."""
        return np.asarray(self.source != NOBODY, dtype=np.bool_)

    @property
    def any(self) -> BoolArray:
        """``(n,)`` which questions have a past."""
        return np.asarray(np.any(self.there, axis=1), dtype=np.bool_)

    def take(self, rows: Any) -> "Cells":
        """The pasts of some of the questions."""
        return Cells(self.source[rows], self.age[rows], self.right[rows], self.log_tokens[rows], self.count[rows])

    @classmethod
    def of(cls, questions: Sequence[str], past: Past | None, place: Mapping[str, int]) -> Self:
        """The pasts of n questions, found by their texts.

        Args:
            questions: ``(n,)`` texts.
            past: Earlier replies; None for none.
            place: Numbers of the sources that are known, 0 …; all others get the number after the last.
        """
        n = len(questions)
        if past is None or not len(past):
            none, nothing = np.zeros(0, np.int64), np.zeros(0)
            return cls.gathered(n, none, none, nothing, nothing, nothing, nothing)
        rows_of: dict[str, list[int]] = {}
        for row, text in enumerate(questions):
            rows_of.setdefault(text, []).append(row)
        # A text that is asked twice has its past twice.
        first = np.array([len(rows_of.get(text, ())) for text in past.questions])
        times = first[past.query]
        reply = np.repeat(np.arange(len(past)), times)
        asked = [row for number in past.query.tolist() for row in rows_of.get(past.questions[number], ())]
        number = np.array([place.get(name, len(place)) for name in past.source], dtype=np.int64)
        return cls.gathered(
            n,
            np.array(asked, dtype=np.int64),
            number[reply],
            past.age[reply],
            past.right[reply],
            np.log(past.tokens[reply]),
            past.weight[reply],
        )

    @classmethod
    def gathered(
        cls,
        n: int,
        row: IntArray,
        source: IntArray,
        age: FloatArray,
        right: FloatArray,
        log_tokens: FloatArray,
        weight: FloatArray,
    ) -> Self:
        """Tables of r replies, each of which belongs to one of n questions."""
        heard = weight > 0.0
        row, source, age = row[heard].astype(np.int64), source[heard].astype(np.int64), age[heard]
        right, log_tokens, weight = right[heard], log_tokens[heard], weight[heard]
        if not len(row):
            empty = np.zeros((n, 0))
            return cls(empty.astype(np.int64), empty, empty, empty, empty)
        keys, cell = np.unique(np.stack([row, source, age]), axis=1, return_inverse=True)
        cell = cell.ravel()
        total = np.bincount(cell, weight)
        judged = ~np.isnan(right)
        known = np.bincount(cell, weight * judged)
        of = keys[0].astype(np.int64)
        column = np.arange(len(of)) - np.searchsorted(of, of)
        shape = (n, int(column.max()) + 1)
        with np.errstate(invalid="ignore"):
            means = (
                keys[1],
                keys[2],
                np.bincount(cell, weight * np.where(judged, right, 0.0)) / known,
                np.bincount(cell, weight * log_tokens) / total,
                total,
            )
        tables = [np.full(shape, blank) for blank in (float(NOBODY), 0.0, np.nan, np.nan, 0.0)]
        for table, mean in zip(tables, means, strict=True):
            table[of, column] = mean
        return cls(tables[0].astype(np.int64), *tables[1:])

    def beside(self, other: "Cells") -> "Cells":
        """The same questions with more replies; who is in both has two cells."""
        parts = zip(
            (self.source, self.age, self.right, self.log_tokens, self.count),
            (other.source, other.age, other.right, other.log_tokens, other.count),
            strict=True,
        )
        return Cells(*(np.hstack(pair) for pair in parts))
