"""Vectors that somebody else computed, as predictors read them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self

import numpy as np

from shadowprice._types import BoolArray, FloatArray
from shadowprice.beliefs.encoders._base import AbstractEncoder
from shadowprice.beliefs.encoders._vectors import Matched, Rows

_LARGEST: Final = 10.0
"""Standard deviations at which a number is clipped, so that one that is off by orders does not decide alone."""
_AT_ONCE: Final = 4_096


class FeatureEncoder(AbstractEncoder):
    """Looks up each question's vector; its numbers are brought to mean 0 and standard deviation 1, one by one.

    Numbers of hidden states, and those that somebody puts together by hand, have units that differ by orders. Questions
    without a vector get zeros, the mean. Saved, it keeps mean and deviation, never the vectors: `bound` gives it
    others. It learns nothing and never changes, so that clones are itself.

    Args:
        rows: Row of the vector, by the question's text; None where no vectors are known.
        values: ``(n, d)`` vectors, finite.
        centre: ``(d,)`` their mean, at the time of the fit.
        spread: ``(d,)`` their standard deviation then; infinite where they are all the same.
    """

    def __init__(self, rows: Mapping[str, int] | None, values: Rows, centre: FloatArray, spread: FloatArray) -> None:
        self.rows = rows
        self.values = values
        self.centre = centre
        self.spread = spread

    @classmethod
    def of(cls, matched: Matched) -> Self:
        """For a fit on these questions, of which at least one has a vector."""
        values = matched.vectors.values
        used = np.unique(np.fromiter(matched.rows.values(), dtype=np.int64))
        # A part at a time: in double precision all of them may not fit into memory.
        parts = [used[start : start + _AT_ONCE] for start in range(0, len(used), _AT_ONCE)]
        centre = sum(values[part].sum(axis=0, dtype=np.float64) for part in parts) / len(used)
        spread = np.sqrt(sum(((values[part] - centre) ** 2).sum(axis=0) for part in parts) / len(used))
        largest = np.max([np.abs(values[part]).max(axis=0) for part in parts], axis=0)
        # What is all the same differs by rounding at most.
        return cls(matched.rows, values, centre, np.where(spread <= 1e-9 * largest, np.inf, spread))

    @property
    def width(self) -> int:
        """Numbers in each vector, d."""
        return len(self.centre)

    def bound(self, matched: Matched | None) -> Self:
        """The same with other vectors, as wide as these; None: with none, as it is when it comes from a file."""
        if matched is None:
            return type(self)(None, np.empty((0, self.width), np.float32), self.centre, self.spread)
        return type(self)(matched.rows, matched.vectors.values, self.centre, self.spread)

    def knows(self, questions: Sequence[str]) -> BoolArray:
        """``(n,)`` whether each question has a vector."""
        return np.array([text in (self.rows or {}) for text in questions], dtype=np.bool_)

    def encode(self, questions: Sequence[str]) -> FloatArray:
        """Vectors ``(n, d)`` of n questions, at least one."""
        there = self.knows(questions)
        found = np.zeros((len(questions), self.width))
        at = [(self.rows or {})[text] for text, known in zip(questions, there, strict=True) if known]
        scaled = (self.values[at].astype(np.float64) - self.centre) / self.spread
        found[there] = np.clip(scaled, -_LARGEST, _LARGEST)
        return found

    def check_sound(self) -> None:
        """Raise ValueError if a file has made something else of it than `bound` does."""
        for part in (self.centre, self.spread):
            if not isinstance(part, np.ndarray) or part.dtype != np.float64 or part.ndim != 1 or not part.size:
                raise ValueError("a feature encoder without mean and deviation")
        if (
            self.centre.shape != self.spread.shape
            or not np.isfinite(self.centre).all()
            or not (self.spread > 0.0).all()
        ):
            raise ValueError("a feature encoder whose mean and deviation are none")

    def __sklearn_clone__(self) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"centre": self.centre, "spread": self.spread}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.centre, self.spread = state["centre"], state["spread"]
        self.rows, self.values = None, np.empty((0, np.size(self.centre)), np.float32)
