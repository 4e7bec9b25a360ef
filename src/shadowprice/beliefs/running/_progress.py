"""What the text so far says of a reply that is still being written.

One compiled pass cuts text into units (words, numbers, signs, ends of lines) and keeps counts: over all of the text,
over its tail (half-life 128 units) and over its last sentence or two (half-life 24 units). A step costs time in
proportion to the new text, and a reply that arrives in pieces gives the same figures as one that arrives at once.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs.running._described import describe_rows
from shadowprice.beliefs.running._kernels import read_rows
from shadowprice.beliefs.running._state import BUCKETS, INTEGERS, PLACES
from shadowprice.beliefs.running._words import CHANNELS, PROGRESS_FEATURES, counted_words

_AT_ONCE = 256
"""Texts that are read side by side; the counts of their words take 8 KiB each."""


class WordDirections(NamedTuple):
    """Directions in the space of word counts, to which a text's TF-IDF is projected."""

    rarity: FloatArray
    """``(4096,)`` inverse document frequency by bucket."""
    matrix: FloatArray
    """``(4096, d)`` directions."""

    @classmethod
    def none(cls) -> "WordDirections":
        """No direction."""
        return cls(np.ones(BUCKETS), np.zeros((BUCKETS, 0)))


class Progress:
    """What the texts of n running queries say so far, kept up to date piece by piece.

    Args:
        size: Number of queries, n.
        words: Directions of word counts; those of a fitted `RunningPredictor`.

    Raises:
        InputError: The directions are not of the size of our word counts.
    """

    def __init__(self, size: int, words: WordDirections | None = None) -> None:
        self.words = WordDirections.none() if words is None else words
        rarity, matrix = self.words
        if rarity.shape != (BUCKETS,) or matrix.ndim != 2 or len(matrix) != BUCKETS:
            raise InputError(f"Word directions have {BUCKETS} rows; use those of a fitted RunningPredictor.")
        d = matrix.shape[1]
        self._integers = np.zeros((size, INTEGERS), np.uint64)
        self._counts = np.zeros((size, 3, len(CHANNELS)))
        self._runs = np.zeros((size, 3, PLACES), np.uint32)
        self._bags = np.zeros((size, BUCKETS), np.uint16)
        self._sums = np.zeros((size, 2, d + 1))
        self._pending = [b""] * size

    def __len__(self) -> int:
        return len(self._pending)

    @property
    def n_features(self) -> int:
        """Columns of `features`."""
        return int(len(PROGRESS_FEATURES) + 2 * self.words.matrix.shape[1])

    def restart(self, rows: IntArray) -> None:
        """Forget the texts of some rows, so that other queries can take their places."""
        for state in (self._integers, self._counts, self._runs, self._bags, self._sums):
            state[rows] = 0
        for row in rows:
            self._pending[row] = b""

    def grow(self, size: int) -> None:
        """Make room for more queries; those that are followed stay where they are."""
        more = size - len(self)
        for name in ("_integers", "_counts", "_runs", "_bags", "_sums"):
            state = getattr(self, name)
            setattr(self, name, np.concatenate([state, np.zeros((more, *state.shape[1:]), state.dtype)]))
        self._pending += [b""] * more

    def update(self, rows: IntArray, texts: Sequence[str]) -> None:
        """Read ``(m,)`` new pieces of text, each the continuation of its row's text; rows do not repeat.

        The last word or number is read when it has ended.

        Raises:
            InputError: There is not one text per row, or a row is beyond n.
        """
        self._check(rows)
        if len(rows) != len(texts):
            raise InputError(f"There are {len(rows)} rows but {len(texts)} pieces of text; give one for each.")
        pieces = [self._pending[row] + text.encode("utf-8", "replace") for row, text in zip(rows, texts, strict=True)]
        ends = np.zeros(len(pieces) + 1, np.int64)
        np.cumsum([len(piece) for piece in pieces], out=ends[1:])
        read = np.zeros(len(pieces), np.int64)
        read_rows(np.frombuffer(b"".join(pieces), np.uint8), ends, rows, read, *self._state, *counted_words())
        for row, piece, end in zip(rows, pieces, read.tolist(), strict=True):
            self._pending[row] = piece[end:]

    def features(self, rows: IntArray) -> FloatArray:
        """Features ``(m, n_features)`` of some rows, columns as in `PROGRESS_FEATURES`, then word directions.

        Zeros where there is no text yet.

        Raises:
            InputError: A row is beyond n.
        """
        self._check(rows)
        found = np.zeros((len(rows), self.n_features))
        describe_rows(rows, found, self._integers, self._counts, self._sums)
        return found

    def _check(self, rows: IntArray) -> None:
        """Compiled code does not check indices."""
        if len(rows) and not 0 <= int(np.min(rows)) <= int(np.max(rows)) < len(self):
            raise InputError(
                f"Rows must be from 0 to {len(self) - 1}, but reach from {np.min(rows)} to {np.max(rows)}."
            )

    @property
    def _state(self) -> tuple[Any, ...]:
        return (self._integers, self._counts, self._runs, self._bags, self._sums, *self.words)


class Prefixes(NamedTuple):
    """What the prefixes of recorded replies say."""

    features: FloatArray
    """``(p, F)`` progress features."""
    buckets: tuple[NDArray[np.int32], NDArray[np.uint16], NDArray[np.int64]]
    """Word counts as sparse rows: columns, counts, row offsets; empty unless asked for."""


def read_prefixes(
    texts: Sequence[str], row: IntArray, cuts: IntArray, words: WordDirections | None = None, *, count: bool = False
) -> Prefixes:
    """Read prefixes of texts, each text once, however many of its prefixes are asked for.

    Args:
        texts: m whole replies.
        row: ``(p,)`` which text each prefix is of, never falling.
        cuts: ``(p,)`` characters in the prefix, never falling within a text.
        words: Directions of word counts.
        count: Whether to return word counts too.
    """
    tracker = Progress(min(_AT_ONCE, len(row)), words)
    features = np.zeros((len(row), tracker.n_features))
    none = np.empty(0, np.int32), np.empty(0, np.uint16)
    counted = [none] * len(row)
    first = np.flatnonzero(np.diff(row, prepend=-1))
    last = np.append(first[1:], len(row))
    for begin in range(0, len(first), _AT_ONCE):
        own, ends = first[begin : begin + _AT_ONCE], last[begin : begin + _AT_ONCE]
        tracker.restart(np.arange(len(own)))
        read = np.zeros(len(own), np.int64)
        # Texts side by side, the next prefix of each in every round: a round costs more than a prefix of its own.
        for number in range(int((ends - own).max())):
            places = np.flatnonzero(own + number < ends)
            prefixes = own[places] + number
            asked = zip(row[prefixes].tolist(), read[places].tolist(), cuts[prefixes].tolist(), strict=True)
            tracker.update(places, [texts[text][start:cut] for text, start, cut in asked])
            read[places] = cuts[prefixes]
            features[prefixes] = tracker.features(places)
            if count:
                for place, prefix in zip(places.tolist(), prefixes.tolist(), strict=True):
                    used = np.flatnonzero(tracker._bags[place]).astype(np.int32)
                    counted[prefix] = used, tracker._bags[place, used]
    buckets = (
        np.concatenate([none[0], *(columns for columns, _ in counted)]),
        np.concatenate([none[1], *(values for _, values in counted)]),
        np.cumsum([0, *(len(columns) for columns, _ in counted)]),
    )
    return Prefixes(features, buckets)
