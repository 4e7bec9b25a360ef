"""The compiled pass over a reply's text, and what it remembers of it.

A text is cut into units: words, numbers, signs, ends of lines. Each unit adds to counts by channel (over the whole
text, over its tail and over its last sentence or two), to hashed word counts, and to a small state: runs of units
seen before, the last new number, answers stated. Nothing is read twice, so a step costs time in proportion to its
new text.
"""

# Numba types its functions by their arguments, and its decorator is untyped.
# mypy: disable-error-code="untyped-decorator"
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from shadowprice._errors import InputError

_OFFSET = np.uint64(14695981039346656037)
_PRIME = np.uint64(1099511628211)
"""FNV-1a's constants."""
_LONGEST_UNIT = 32
"""Bytes after which a word or number is cut, so that text without spaces leaves little to be remembered."""

_LEXICON: Final = {
    "doubt": "wait hmm hold actually oops mistake wrong incorrect error reconsider contradiction realize misread",
    "checking": "check verify double confirm sanity again recheck recalculate re",
    "alternatives": "alternatively instead another try trying different approach maybe perhaps",
    "hedging": "might seems seem guess probably likely unclear unsure assume suppose approximately possibly think",
    "conclusion": "therefore thus hence finally final conclusion conclude answer boxed",
    "contrast": "but however although though yet",
    "first person": "i me my we let us our",
    "cause": "since because so given implies",
    "steps": "step case first second third next then now",
    "giving up": "impossible cannot unable complex complicated difficult hard tedious not no none",
    "code": "def return import print python function range for else list string loop",
}
"""Words that are counted together, by channel."""

CHANNELS: Final = (
    *_LEXICON,
    "numbers",
    "new numbers",
    "equals",
    "backslashes",
    "dollars",
    "lines",
    "words",
    "foreign words",
    "operators",
    "question marks",
    "punctuation",
    "quotes",
    "brackets",
    "emphasis",
    "headings",
    "repeated runs of 4",
    "repeated runs of 12",
    "repeated lines",
)
"""What is counted, in order; the first ones by word, the others in `_read`."""
_FIRST_SIGN = len(_LEXICON)
(
    _NUMBER,
    _NEW_NUMBER,
    _EQUALS,
    _BACKSLASH,
    _DOLLAR,
    _LINE,
    _WORD,
    _FOREIGN,
    _OPERATOR,
    _QUESTION,
    _PUNCTUATION,
    _QUOTE,
    _BRACKET,
    _EMPHASIS,
    _HEADING,
    _RUN_4,
    _RUN_12,
    _SAME_LINE,
) = range(_FIRST_SIGN, len(CHANNELS))
_DOUBT, _CONCLUSION = list(_LEXICON).index("doubt"), list(_LEXICON).index("conclusion")

_SCALARS: Final = (
    "log doubts",
    "units since doubt",
    "units since conclusion",
    "units since new number",
    "distinct word share",
    "mean word length",
    "mean number length",
    "long numbers",
    "units in this line",
    "mean line length",
    "log lines",
    "repeated run now",
    "longest repeated run",
    "loop length",
    "answers stated",
    "answers that agree",
    "answers that changed",
    "units since answer",
)

PROGRESS_FEATURES: Final = (
    *(f"share of {name}" for name in CHANNELS),
    *(f"{name} in the tail" for name in CHANNELS),
    *(f"{name} just now" for name in CHANNELS),
    *_SCALARS,
)
"""Names of the columns of progress features, in order; the directions of word counts follow them."""

PROGRESS_GROUPS: Final = ("vocabulary", "signs", "numbers", "repetition", "answers", "words")
"""Groups of progress features: counted words, other channels, numbers, repetition, stated answers, word directions."""


def columns_of(groups: Sequence[str], directions: int, used: Sequence[int] = ()) -> NDArray[np.int64]:
    """Columns of progress features that belong to some groups.

    Args:
        groups: Names of groups, of `PROGRESS_GROUPS`.
        directions: How many directions of word counts there are.
        used: Which of them are meant.

    Raises:
        InputError: A group is not known.
    """
    unknown = [name for name in groups if name not in PROGRESS_GROUPS]
    if unknown:
        raise InputError(
            f"There is no group of progress features {unknown[0]!r}; they are {', '.join(PROGRESS_GROUPS)}."
        )
    words = ["words" if number in used else "" for number in range(directions)]
    named = [_group_of(name) for name in PROGRESS_FEATURES] + 2 * words
    return np.array([column for column, name in enumerate(named) if name in groups], dtype=np.int64)


def _group_of(feature: str) -> str:
    for group, signs in _SIGNS_OF_GROUPS.items():
        if any(sign in feature for sign in signs):
            return group
    return "vocabulary" if any(name in feature for name in _LEXICON) else "signs"


_SIGNS_OF_GROUPS: Final = {
    "answers": ("answer", "since conclusion"),
    "repetition": ("repeated", "loop", "distinct"),
    "numbers": ("number",),
    "vocabulary": ("doubt",),
}

BUCKETS: Final = 4096
"""Hashed unigrams and bigrams of units; a power of 2."""
PLACES: Final = 8192
"""Runs of units that are remembered per length; a power of 2. Newer runs take the place of older ones."""

(
    _UNITS,
    _LAST,
    _AT_LAST_DOUBT,
    _AT_LAST_CONCLUSION,
    _AT_LAST_NUMBER,
    _DISTINCT,
    _LETTERS,
    _DIGITS,
    _LONG_NUMBERS,
    _LINE_UNITS,
    _LINE_HASH,
    _REPEATING,
    _LONGEST_REPEAT,
    _LOOP,
    _ANSWERS,
    _AGREED,
    _CHANGED,
    _AT_ANSWER,
    _ANSWER_HASH,
    _READING,
    _DEPTH,
    _READ_HASH,
    _READ_UNITS,
    _RING,
) = range(24)
INTEGERS: Final = _RING + 12
_NOTHING, _AFTER_ANSWER, _VALUE, _AFTER_BOXED, _BOX = range(5)
"""What the reader of stated answers is waiting for."""


@cache
def counted_words() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of counted words, rising, and their channels."""
    hashes = {_hash_of(word): channel for channel, words in enumerate(_LEXICON.values()) for word in words.split()}
    order = sorted(hashes)
    return np.array(order, np.uint64), np.array([hashes[value] for value in order], np.int64)


def _hash_of(word: str) -> int:
    value = int(_OFFSET)
    for letter in word.encode():
        value = ((value ^ letter) * int(_PRIME)) % 2**64
    return value


_IS_WORD, _IS_BOXED = np.uint64(_hash_of("answer")), np.uint64(_hash_of("boxed"))
_IS, _SOLIDUS = np.uint64(_hash_of("is")), np.uint64(47)


@njit(cache=True, nogil=True)
def read_rows(
    letters: Any,
    ends: Any,
    rows: Any,
    read: Any,
    integers: Any,
    counts: Any,
    runs: Any,
    bags: Any,
    sums: Any,
    rarity: Any,
    matrix: Any,
    lexicon: Any,
    channels: Any,
) -> None:
    """Read one piece for each of some rows; `read` receives how many bytes were read of each piece."""
    for piece in range(len(rows)):
        row = rows[piece]
        read[piece] = _read(
            letters[ends[piece] : ends[piece + 1]],
            integers[row],
            counts[row],
            runs[row],
            bags[row],
            sums[row],
            rarity,
            matrix,
            lexicon,
            channels,
        )


@njit(cache=True, nogil=True)
def _read(
    letters: Any,
    state: Any,
    counts: Any,
    runs: Any,
    bag: Any,
    sums: Any,
    rarity: Any,
    matrix: Any,
    lexicon: Any,
    channels: Any,
) -> Any:
    """Read the units of one piece of text, but not a word or number that may go on in the next piece."""
    at, n = 0, len(letters)
    hit = np.zeros(counts.shape[1])
    while at < n:
        start, value, kind, at = _next_unit(letters, at)
        if kind == 0:
            continue
        if kind < 0:
            return start
        hit[:] = 0.0
        _classify(letters, start, at, kind, value, hit, state, runs[0], lexicon, channels)
        _repeat(value, kind, hit, state, runs)
        _answer(value, kind, letters[start], state)
        for channel in range(len(hit)):
            counts[0, channel] += hit[channel]
            counts[1, channel] = counts[1, channel] * 0.9945994234836331 + hit[channel]  # 2^(−1/128)
            counts[2, channel] = counts[2, channel] * 0.9715319411536059 + hit[channel]  # 2^(−1/24)
        _project(value, state, bag, sums, rarity, matrix)
        state[_LAST] = value
        state[_UNITS] += np.uint64(1)
    return n


@njit(cache=True, nogil=True)
def _next_unit(letters: Any, at: int) -> Any:
    """The unit at `at`: start, hash, kind (0 blank, 1 word, 2 number, 3 sign, 4 end of line, −1 open), end."""
    letter, n, start = letters[at], len(letters), at
    if letter == 32 or letter == 9 or letter == 13:
        return start, np.uint64(0), 0, at + 1
    if letter == 10:
        return start, np.uint64(10), 4, at + 1
    if 48 <= letter <= 57:
        value = (_OFFSET ^ np.uint64(letter)) * _PRIME
        at += 1
        while at < n and at - start < _LONGEST_UNIT and 48 <= letters[at] <= 57:
            value = (value ^ np.uint64(letters[at])) * _PRIME
            at += 1
        return start, value, -1 if at == n and at - start < _LONGEST_UNIT else 2, at
    if 97 <= letter <= 122 or 65 <= letter <= 90 or letter >= 128:
        value = _OFFSET
        while at < n and at - start < _LONGEST_UNIT:
            letter = letters[at]
            if 65 <= letter <= 90:
                letter += np.uint8(32)
            if not (97 <= letter <= 122 or letter >= 128):
                break
            value = (value ^ np.uint64(letter)) * _PRIME
            at += 1
        return start, value, -1 if at == n and at - start < _LONGEST_UNIT else 1, at
    return start, np.uint64(letter), 3, at + 1


@njit(cache=True, nogil=True)
def _classify(
    letters: Any,
    start: int,
    end: int,
    kind: int,
    value: Any,
    hit: Any,
    state: Any,
    seen: Any,
    lexicon: Any,
    channels: Any,
) -> None:
    """Mark the channels that a unit belongs to."""
    units, one = state[_UNITS], np.uint64(1)
    if kind == 1:
        hit[_WORD] = 1.0
        state[_LETTERS] += np.uint64(end - start)
        if letters[start] >= 128:
            hit[_FOREIGN] = 1.0
        place = np.searchsorted(lexicon, value)
        if place < len(lexicon) and lexicon[place] == value:
            hit[channels[place]] = 1.0
            if channels[place] == _DOUBT:
                state[_AT_LAST_DOUBT] = units + one
            elif channels[place] == _CONCLUSION:
                state[_AT_LAST_CONCLUSION] = units + one
    elif kind == 2:
        hit[_NUMBER] = 1.0
        state[_DIGITS] += np.uint64(end - start)
        if end - start > 4:
            state[_LONG_NUMBERS] += one
        if _remember(seen, value, units) < 0:
            hit[_NEW_NUMBER] = 1.0
            state[_AT_LAST_NUMBER] = units + one
    elif kind == 4:
        hit[_LINE] = 1.0
    else:
        letter = letters[start]
        if letter == 61:
            hit[_EQUALS] = 1.0
        elif letter == 92:
            hit[_BACKSLASH] = 1.0
        elif letter == 36:
            hit[_DOLLAR] = 1.0
        elif letter == 63:
            hit[_QUESTION] = 1.0
        elif letter == 44 or letter == 46 or letter == 58 or letter == 59 or letter == 33:
            hit[_PUNCTUATION] = 1.0
        elif letter == 34 or letter == 39 or letter == 96:
            hit[_QUOTE] = 1.0
        elif letter == 42:
            hit[_EMPHASIS] = 1.0
        elif letter == 35:
            hit[_HEADING] = 1.0
        elif letter == 43 or letter == 45 or letter == 47 or letter == 94 or letter == 60 or letter == 62:
            hit[_OPERATOR] = 1.0
        else:
            hit[_BRACKET] = 1.0


@njit(cache=True, nogil=True)
def _remember(seen: Any, value: Any, units: Any) -> Any:
    """How many units ago `value` was last seen, −1 for never; and note that it was seen now."""
    mixed = value ^ (value >> np.uint64(29))
    mixed *= np.uint64(0x9E3779B97F4A7C15)
    place = np.int64(mixed >> np.uint64(51))
    # 12 bits of a fingerprint and 20 of the position: a strange run is taken for a known one once in 4,000 times.
    mark = np.uint32((mixed & np.uint64(0xFFF)) << np.uint64(20))
    known = seen[place]
    now = np.uint32((units + np.uint64(1)) & np.uint64(0xFFFFF))
    seen[place] = mark | now
    if known == 0 or (known & np.uint32(0xFFF00000)) != mark:
        return -1
    return np.int64(now) - np.int64(known & np.uint32(0xFFFFF))


@njit(cache=True, nogil=True)
def _repeat(value: Any, kind: int, hit: Any, state: Any, runs: Any) -> None:
    """Note whether the runs of 4 and of 12 units, and the line, that end here were there before."""
    units, one = state[_UNITS], np.uint64(1)
    state[_RING + np.int64(units % np.uint64(12))] = value
    for order in range(2):
        length = 4 if order == 0 else 12
        if units + one < np.uint64(length):
            continue
        joined = np.uint64(length)
        for back in range(length):
            joined = (joined ^ state[_RING + np.int64((units - np.uint64(back)) % np.uint64(12))]) * _PRIME
        distance = _remember(runs[1 + order], joined, units)
        if order == 0:
            hit[_RUN_4] = 1.0 if distance > 0 else 0.0
        elif distance > 0:
            hit[_RUN_12] = 1.0
            state[_REPEATING] += one
            state[_LOOP] = np.uint64(distance)
            state[_LONGEST_REPEAT] = max(state[_LONGEST_REPEAT], state[_REPEATING])
        else:
            state[_REPEATING] = np.uint64(0)
    if kind == 4:
        if state[_LINE_UNITS] > np.uint64(3) and _remember(runs[0], state[_LINE_HASH], units) > 0:
            hit[_SAME_LINE] = 1.0
        state[_LINE_HASH] = np.uint64(7)
        state[_LINE_UNITS] = np.uint64(0)
    else:
        state[_LINE_HASH] = (state[_LINE_HASH] ^ value) * _PRIME
        state[_LINE_UNITS] += one


@njit(cache=True, nogil=True)
def _answer(value: Any, kind: int, letter: Any, state: Any) -> None:
    r"""Follow statements of answers: ``\boxed{…}``, ``answer is …`` and ``answer: …`` up to the end of the clause."""
    reading, one = np.int64(state[_READING]), np.uint64(1)
    if kind == 1 and value == _IS_BOXED:
        state[_READING] = np.uint64(_AFTER_BOXED)
        return
    if kind == 1 and value == _IS_WORD and reading != _BOX:
        state[_READING] = np.uint64(_AFTER_ANSWER)
        return
    if reading == _NOTHING:
        return
    if reading == _AFTER_ANSWER:
        if letter == 58 or value == _IS:
            _begin(state, _VALUE)
        elif not (letter == 34 or letter == 42 or letter == 39):  # quotes and emphasis may stand between
            state[_READING] = np.uint64(_NOTHING)
    elif reading == _AFTER_BOXED:
        if letter == 123:
            _begin(state, _BOX)
        else:
            state[_READING] = np.uint64(_NOTHING)
    else:
        if reading == _BOX and letter == 123:
            state[_DEPTH] += one
        closed = reading == _BOX and letter == 125
        if closed and state[_DEPTH] > np.uint64(1):
            state[_DEPTH] -= one
        elif closed or (reading == _VALUE and (kind == 4 or letter == 46)):
            _end(state)
        elif state[_READ_UNITS] >= np.uint64(40):
            state[_READING] = np.uint64(_NOTHING)
        elif kind <= 2:  # signs are left out: $5$ and 5 are one answer
            state[_READ_HASH] = (state[_READ_HASH] ^ value) * _PRIME
            state[_READ_UNITS] += one
        elif letter == 45 or letter == 47:
            state[_READ_HASH] = (state[_READ_HASH] ^ np.uint64(letter)) * _PRIME


@njit(cache=True, nogil=True)
def _begin(state: Any, reading: int) -> None:
    state[_READING] = np.uint64(reading)
    state[_DEPTH] = np.uint64(1)
    state[_READ_HASH] = _OFFSET
    state[_READ_UNITS] = np.uint64(0)


@njit(cache=True, nogil=True)
def _end(state: Any) -> None:
    if state[_READ_UNITS] > np.uint64(0):
        if state[_ANSWERS] > np.uint64(0):
            if state[_ANSWER_HASH] == state[_READ_HASH]:
                state[_AGREED] += np.uint64(1)
            else:
                state[_CHANGED] += np.uint64(1)
        state[_ANSWERS] += np.uint64(1)
        state[_ANSWER_HASH] = state[_READ_HASH]
        state[_AT_ANSWER] = state[_UNITS]
    state[_READING] = np.uint64(_NOTHING)


@njit(cache=True, nogil=True)
def _project(value: Any, state: Any, bag: Any, sums: Any, rarity: Any, matrix: Any) -> None:
    """Move the word directions of the text, and of its tail, by a unit and by the pair that it ends."""
    d = matrix.shape[1]
    for column in range(d + 1):
        sums[1, column] *= 0.9945994234836331
    for size in range(2):
        if size == 1 and state[_UNITS] == np.uint64(0):
            break
        gram = (value if size == 0 else (state[_LAST] * _PRIME) ^ value) * np.uint64(0x9E3779B97F4A7C15)
        bucket = np.int64(gram >> np.uint64(52))
        known = bag[bucket]
        if size == 0 and known == 0:
            state[_DISTINCT] += np.uint64(1)
        if known < 65535:
            bag[bucket] = known + 1
        before = 0.0 if known == 0 else 1.0 + np.log(known)
        after = 1.0 + np.log(known + 1.0)
        grown, weight = (after - before) * rarity[bucket], rarity[bucket]
        for column in range(d):
            sums[0, column] += grown * matrix[bucket, column]
            sums[1, column] += weight * matrix[bucket, column]
        sums[0, d] += (after * after - before * before) * rarity[bucket] ** 2
        sums[1, d] += weight


@njit(cache=True, nogil=True)
def describe_rows(rows: Any, found: Any, integers: Any, counts: Any, sums: Any) -> None:
    """Write the features of some rows."""
    for number in range(len(rows)):
        row = rows[number]
        _describe(found[number], integers[row], counts[row], sums[row])


@njit(cache=True, nogil=True)
def _describe(found: Any, state: Any, counts: Any, sums: Any) -> None:
    units = float(state[_UNITS])
    if units == 0.0:
        return
    channels = counts.shape[1]
    at = 0
    for window in range(3):
        # The sum of the weights of all units so far, so that young texts have shares too.
        if window == 0:
            total = units
        elif window == 1:
            total = (1.0 - 0.9945994234836331**units) / (1.0 - 0.9945994234836331)
        else:
            total = (1.0 - 0.9715319411536059**units) / (1.0 - 0.9715319411536059)
        for channel in range(channels):
            found[at] = counts[window, channel] / max(1.0, total)
            at += 1
    words, numbers, lines = counts[0, _WORD], counts[0, _NUMBER], counts[0, _LINE]
    scalars = (
        np.log1p(counts[0, _DOUBT]),
        _since(units, state[_AT_LAST_DOUBT]),
        _since(units, state[_AT_LAST_CONCLUSION]),
        _since(units, state[_AT_LAST_NUMBER]),
        state[_DISTINCT] / max(1.0, units),
        state[_LETTERS] / max(1.0, words),
        state[_DIGITS] / max(1.0, numbers),
        state[_LONG_NUMBERS] / max(1.0, numbers),
        np.log1p(float(state[_LINE_UNITS])),
        np.log1p(units / (1.0 + lines)),
        np.log1p(lines),
        np.log1p(float(state[_REPEATING])),
        np.log1p(float(state[_LONGEST_REPEAT])),
        np.log1p(float(state[_LOOP])),
        np.log1p(float(state[_ANSWERS])),
        np.log1p(float(state[_AGREED])),
        np.log1p(float(state[_CHANGED])),
        _since(units, state[_AT_ANSWER]),
    )
    for value in scalars:
        found[at] = value
        at += 1
    d = sums.shape[1] - 1
    for window in range(2):
        # TF-IDF rows have length 1; the tail's sum is divided by its weight, which is nearly its length.
        size = np.sqrt(sums[0, d]) if window == 0 else sums[1, d]
        for column in range(d):
            found[at] = sums[window, column] / max(1e-9, size)
            at += 1


@njit(cache=True, nogil=True)
def _since(units: float, position: Any) -> Any:
    """Log units since a position that is counted from 1; 0 stands for never, which is taken for very long ago."""
    return np.log1p(units - float(position)) if position > np.uint64(0) else np.log1p(units) + 1.0
