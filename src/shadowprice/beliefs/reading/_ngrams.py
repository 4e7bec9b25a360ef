"""Text to sparse vectors: TF-IDF of word and character n-grams, cut, hashed and counted in compiled code.

Scikit-learn's vectorisers do the same in Python, at about a millisecond a question for characters. Here a question
takes some 20 µs, a vocabulary is one array of 64-bit hashes (two n-grams in a vocabulary of 50,000 share a hash with
probability 10⁻¹⁰), and an encoder holds nothing but arrays, so it can be saved without pickle.
"""

# mypy: disable-error-code="untyped-decorator"

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, Literal, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

_OFFSET = np.uint64(14695981039346656037)
_PRIME = np.uint64(1099511628211)
"""FNV-1a's constants."""
_CHUNK = 256
"""Questions encoded at a time: bounds the memory that their n-grams take."""
MAX_CHARACTERS: Final = 20_000
"""What stands beyond these first characters of a question is not read: bounds time and memory for any text."""
_LONGEST_GRAM = 16

Hashes = NDArray[np.uint64]


class NgramEncoder(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """TF-IDF of a text's n-grams: ``(1 + log count) × log((1 + n)/(1 + df)) + 1``, rows of length 1.

    Words are runs of letters, single digits and single signs: mathematics is in the signs. Characters are those of the
    text in lower case, with white space counted once.

    Args:
        unit: What an n-gram is made of.
        shortest: Units of the shortest n-gram.
        longest: Units of the longest.
        min_questions: An n-gram that fewer questions contain is not learnt.
        max_features: Most n-grams to learn, the most frequent ones.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(
        self,
        unit: Literal["words", "characters"] = "words",
        shortest: int = 1,
        longest: int = 2,
        min_questions: int = 2,
        max_features: int = 20_000,
    ) -> None:
        self.unit = unit
        self.shortest = shortest
        self.longest = longest
        self.min_questions = min_questions
        self.max_features = max_features

    def fit(self, questions: Sequence[str], y: object = None) -> Self:
        """Learn which n-grams stand in several questions, and how rare each is."""
        seen: list[Hashes] = []
        frequency: list[NDArray[np.int64]] = []
        for start in range(0, len(questions), _CHUNK):
            grams, offsets = self._grams(questions[start : start + _CHUNK])
            distinct = [np.unique(grams[a:b]) for a, b in pairwise(offsets)]
            hashes, count = np.unique(np.concatenate(distinct), return_counts=True)
            seen.append(hashes)
            frequency.append(count)
        hashes, place = np.unique(np.concatenate([*seen, np.empty(0, np.uint64)]), return_inverse=True)
        total = np.bincount(place, np.concatenate([*frequency, np.empty(0)]), minlength=len(hashes)).astype(np.int64)
        common = np.flatnonzero(total >= self.min_questions)
        kept = np.sort(common[np.argsort(-total[common], kind="stable")[: self.max_features]])
        self.hashes_ = hashes[kept]
        self.rarity_ = np.log((1 + len(questions)) / (1 + total[kept])) + 1.0
        self.table_ = _table_of(self.hashes_)
        return self

    @property
    def n_features_(self) -> int:
        """Number of n-grams learnt."""
        return len(self.rarity_)

    def transform(self, questions: Sequence[str]) -> csr_array:
        """Sparse ``(n, n_features_)`` rows of length 1; 0 for a text with nothing that was learnt."""
        check_is_fitted(self)
        starts, columns, values = [np.zeros(1, np.int64)], [np.empty(0, np.int32)], [np.empty(0)]
        for start in range(0, len(questions), _CHUNK):
            column, value, ends = self.encode(questions[start : start + _CHUNK])
            columns.append(column)
            values.append(value)
            starts.append(ends[1:] + starts[-1][-1])
        parts = (np.concatenate(values), np.concatenate(columns), np.concatenate(starts))
        return csr_array(parts, shape=(len(questions), self.n_features_))

    def encode(self, questions: Sequence[str]) -> tuple[NDArray[np.int32], NDArray[np.float64], NDArray[np.int64]]:
        """The same as columns, values and row offsets, without a sparse matrix around them."""
        grams, offsets = self._grams(questions)
        result: tuple[Any, Any, Any] = _weigh(grams, offsets, self.hashes_, self.table_, self.rarity_)
        return result

    def check_sound(self) -> None:
        """Raise ValueError if compiled code could leave an array; what can be made anew is."""
        sizes = isinstance(self.shortest, int) and isinstance(self.longest, int)
        if self.unit not in ("words", "characters") or not (
            sizes and 1 <= self.shortest <= self.longest <= _LONGEST_GRAM
        ):
            raise ValueError("an encoder's n-grams are of no known kind")
        for array, kind in ((self.hashes_, np.uint64), (self.rarity_, np.float64)):
            if not isinstance(array, np.ndarray) or array.dtype != kind or array.shape != (len(self.hashes_),):
                raise ValueError("an encoder's vocabulary is not what it should be")
        self.table_ = _table_of(np.ascontiguousarray(self.hashes_))

    def _grams(self, questions: Sequence[str]) -> tuple[Hashes, NDArray[np.int64]]:
        """Hashes of all n-grams, question after question, and where each question's begin."""
        texts = [question.encode("utf-8", "replace") for question in beginnings(questions)]
        ends = np.zeros(len(texts) + 1, np.int64)
        np.cumsum([len(text) for text in texts], out=ends[1:])
        letters = np.frombuffer(b"".join(texts), np.uint8)
        grams: tuple[Any, Any] = _cut(letters, ends, self.unit == "words", self.shortest, self.longest)
        return grams


def beginnings(questions: Sequence[str]) -> list[str]:
    """The part of each question that is read, its first 20,000 characters."""
    return [question[:MAX_CHARACTERS] for question in questions]


@njit(cache=True, nogil=True)
def _units(letters: Any, words: bool, units: Any) -> int:
    """Fill `units` with hashes of the words or characters of one text; returns how many there are."""
    count, at, space = 0, 0, True
    while at < len(letters):
        letter = letters[at]
        if 65 <= letter <= 90:
            letter += np.uint8(32)
        blank = letter == 32 or 9 <= letter <= 13
        if blank:
            at += 1
            if not words and not space:
                units[count] = np.uint64(32)
                count += 1
            space = True
            continue
        space = False
        value = (_OFFSET ^ np.uint64(letter)) * _PRIME if words else np.uint64(letter)
        at += 1
        if words and (97 <= letter <= 122 or letter >= 128):
            while at < len(letters):
                letter = letters[at]
                if 65 <= letter <= 90:
                    letter += np.uint8(32)
                if not (97 <= letter <= 122 or letter >= 128):
                    break
                value = (value ^ np.uint64(letter)) * _PRIME
                at += 1
        units[count] = value
        count += 1
    return count


@njit(cache=True, nogil=True)
def _cut(letters: Any, ends: Any, words: bool, shortest: int, longest: int) -> Any:
    """All n-grams of all texts as hashes, and where each text's begin."""
    n = len(ends) - 1
    grams = np.empty(len(letters) * (longest - shortest + 1), np.uint64)
    offsets = np.zeros(n + 1, np.int64)
    longest_text = 0
    for row in range(n):
        longest_text = max(longest_text, ends[row + 1] - ends[row])
    units = np.empty(longest_text, np.uint64)
    total = 0
    for row in range(n):
        count = _units(letters[ends[row] : ends[row + 1]], words, units)
        for start in range(count):
            value = _OFFSET
            for size in range(1, min(longest, count - start) + 1):
                value = (value ^ units[start + size - 1]) * _PRIME
                if size >= shortest:
                    # The length is hashed in, and the bits are spread, because FNV's low bits are weak.
                    mixed = (value ^ np.uint64(size)) * _PRIME
                    grams[total] = mixed ^ (mixed >> np.uint64(32))
                    total += 1
        offsets[row + 1] = total
    return grams[:total].copy(), offsets


@njit(cache=True, nogil=True)
def _table_of(hashes: Any) -> Any:
    """Open-addressing table from hash to its number; −1 marks a free place."""
    size = 16
    while size < 3 * len(hashes):
        size *= 2
    table = np.full(size, -1, np.int32)
    for number in range(len(hashes)):
        place = np.int64(hashes[number] & np.uint64(size - 1))
        while table[place] >= 0:
            place = (place + 1) & (size - 1)
        table[place] = number
    return table


@njit(cache=True, nogil=True)
def _weigh(grams: Any, offsets: Any, hashes: Any, table: Any, rarity: Any) -> Any:
    """TF-IDF rows of unit length: columns, values, row offsets."""
    n, size = len(offsets) - 1, len(table)
    columns = np.empty(len(grams), np.int32)
    values = np.empty(len(grams))
    ends = np.zeros(n + 1, np.int64)
    counts = np.zeros(len(hashes), np.int32)
    total = 0
    for row in range(n):
        first = total
        for at in range(offsets[row], offsets[row + 1]):
            place = np.int64(grams[at] & np.uint64(size - 1))
            while table[place] >= 0 and hashes[table[place]] != grams[at]:
                place = (place + 1) & (size - 1)
            number = table[place]
            if number >= 0:
                if counts[number] == 0:
                    columns[total] = number
                    total += 1
                counts[number] += 1
        length = 0.0
        for at in range(first, total):
            number = columns[at]
            values[at] = (1.0 + np.log(counts[number])) * rarity[number]
            length += values[at] ** 2
            counts[number] = 0
        for at in range(first, total):
            values[at] /= np.sqrt(length)
        ends[row + 1] = total
    return columns[:total].copy(), values[:total].copy(), ends
