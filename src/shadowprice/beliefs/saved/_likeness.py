"""Whether questions are like those that a predictor has learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shadowprice._types import BoolArray
from shadowprice.beliefs.saved._card import Reference, log_lengths, phrase_hashes, unknown_share, word_hashes

_MOST: Final = 2_000
"""Questions that are looked at; with more, every so manieth of them."""
_RARE: Final = 0.05
"""Share of its own questions that a fit finds strange to each other."""
_MATTERS: Final = 1 / 3
"""Share of strange questions from which on it matters."""
_MATTERS_BY_WORDS: Final = 0.5
"""The same for files without phrases: by their words alone, questions are told apart less surely."""
_MORE_WORDS: Final = 0.2
"""For files without phrases: unknown words may make up this much more of a question than at fit time."""
_LENGTH: Final = 0.2
"""Log length may be this much outside of what was seen."""


@dataclass(frozen=True, slots=True)
class Likeness:
    """How many of some questions are like those of a fit."""

    looked_at: int
    """Questions."""
    like: int
    """Those of them that are like it."""
    matters: float = _MATTERS
    """Share of others from which on it matters."""

    @property
    def share(self) -> float:
        """Share that is like it; 1 of none."""
        return self.like / self.looked_at if self.looked_at else 1.0

    @property
    def enough(self) -> bool:
        """False where as many are strange as matter, and more than chance makes of questions of the same kinds.

        Of those, a twentieth is strange; so many are by chance in one of twenty draws at most.
        """
        from scipy.stats import binom  # takes a while to import

        strange = self.looked_at - self.like
        if strange < self.matters * self.looked_at or not strange:
            return True
        return float(binom.sf(strange - 1, self.looked_at, _RARE)) > _RARE + 1e-9


def likeness(reference: Reference, questions: Sequence[str]) -> Likeness:
    """How many questions are like those that a predictor was fitted on.

    A question is strange if more of its phrases are unknown than of 19 in 20 questions of the fit by the other half of
    them, or if it is shorter or longer than any.
    """
    step = -(-len(questions) // _MOST) or 1
    some = questions[::step]
    like = int((~_strange(reference, some)).sum())
    return Likeness(len(some), like, _MATTERS if reference.strange.size else _MATTERS_BY_WORDS)


def _strange(reference: Reference, questions: Sequence[str]) -> BoolArray:
    lengths = log_lengths(questions)
    outside = (lengths < reference.lengths.min() - _LENGTH) | (lengths > reference.lengths.max() + _LENGTH)
    if reference.strange.size:
        rows, known = phrase_hashes(questions), reference.phrases
        most = float(np.quantile(reference.strange, 1.0 - _RARE))
    else:
        rows, known = [word_hashes(question) for question in questions], reference.words
        most = reference.unknown + _MORE_WORDS
    unknown = np.array([unknown_share(row, known) for row in rows], dtype=np.float64)
    return np.asarray(outside | (unknown > most), dtype=np.bool_)
