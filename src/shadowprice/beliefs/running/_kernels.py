"""The compiled pass over a reply's text, and what it remembers of it.

A text is cut into units: words, numbers, signs, ends of lines. Each unit adds to counts by channel (over the whole
text, over its tail and over its last sentence or two), to hashed word counts, and to a small state: runs of units
seen before, the last new number, answers stated. Nothing is read twice, so a step costs time in proportion to its
new text.
"""

# Numba types its functions by their arguments, and its decorator is untyped.
# mypy: disable-error-code="untyped-decorator"
from typing import Any

import numpy as np
from numba import njit

from shadowprice.beliefs.running._state import (
    AFTER_ANSWER,
    AFTER_BOXED,
    AGREED,
    ANSWER_HASH,
    ANSWERS,
    AT_ANSWER,
    AT_LAST_CONCLUSION,
    AT_LAST_DOUBT,
    AT_LAST_NUMBER,
    BACKSLASH,
    BOX,
    BRACKET,
    CHANGED,
    CONCLUSION,
    DEPTH,
    DIGITS,
    DISTINCT,
    DOLLAR,
    DOUBT,
    EMPHASIS,
    EQUALS,
    FOREIGN,
    HEADING,
    IS,
    IS_BOXED,
    IS_WORD,
    JUST_NOW,
    LAST,
    LETTERS,
    LINE,
    LINE_HASH,
    LINE_UNITS,
    LONG_NUMBERS,
    LONGEST_REPEAT,
    LONGEST_UNIT,
    LOOP,
    NEW_NUMBER,
    NOTHING,
    NUMBER,
    OPERATOR,
    PUNCTUATION,
    QUESTION,
    QUOTE,
    READ_HASH,
    READ_UNITS,
    READING,
    REPEATING,
    RING,
    RUN_4,
    RUN_12,
    SAME_LINE,
    TAIL,
    UNITS,
    VALUE,
    WORD,
)
from shadowprice.beliefs.running._words import OFFSET, PRIME


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
    at, n = np.int64(0), len(letters)  # of one type from the start: a literal 0 compiles all that takes it twice
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
            counts[1, channel] = counts[1, channel] * TAIL + hit[channel]
            counts[2, channel] = counts[2, channel] * JUST_NOW + hit[channel]
        _project(value, state, bag, sums, rarity, matrix)
        state[LAST] = value
        state[UNITS] += np.uint64(1)
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
        value = (OFFSET ^ np.uint64(letter)) * PRIME
        at += 1
        while at < n and at - start < LONGEST_UNIT and 48 <= letters[at] <= 57:
            value = (value ^ np.uint64(letters[at])) * PRIME
            at += 1
        return start, value, -1 if at == n and at - start < LONGEST_UNIT else 2, at
    if 97 <= letter <= 122 or 65 <= letter <= 90 or letter >= 128:
        value = OFFSET
        while at < n and at - start < LONGEST_UNIT:
            letter = letters[at]
            if 65 <= letter <= 90:
                letter += np.uint8(32)
            if not (97 <= letter <= 122 or letter >= 128):
                break
            value = (value ^ np.uint64(letter)) * PRIME
            at += 1
        return start, value, -1 if at == n and at - start < LONGEST_UNIT else 1, at
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
    units, one = state[UNITS], np.uint64(1)
    if kind == 1:
        hit[WORD] = 1.0
        state[LETTERS] += np.uint64(end - start)
        if letters[start] >= 128:
            hit[FOREIGN] = 1.0
        place = np.searchsorted(lexicon, value)
        if place < len(lexicon) and lexicon[place] == value:
            hit[channels[place]] = 1.0
            if channels[place] == DOUBT:
                state[AT_LAST_DOUBT] = units + one
            elif channels[place] == CONCLUSION:
                state[AT_LAST_CONCLUSION] = units + one
    elif kind == 2:
        hit[NUMBER] = 1.0
        state[DIGITS] += np.uint64(end - start)
        if end - start > 4:
            state[LONG_NUMBERS] += one
        if _remember(seen, value, units) < 0:
            hit[NEW_NUMBER] = 1.0
            state[AT_LAST_NUMBER] = units + one
    elif kind == 4:
        hit[LINE] = 1.0
    else:
        letter = letters[start]
        if letter == 61:
            hit[EQUALS] = 1.0
        elif letter == 92:
            hit[BACKSLASH] = 1.0
        elif letter == 36:
            hit[DOLLAR] = 1.0
        elif letter == 63:
            hit[QUESTION] = 1.0
        elif letter == 44 or letter == 46 or letter == 58 or letter == 59 or letter == 33:
            hit[PUNCTUATION] = 1.0
        elif letter == 34 or letter == 39 or letter == 96:
            hit[QUOTE] = 1.0
        elif letter == 42:
            hit[EMPHASIS] = 1.0
        elif letter == 35:
            hit[HEADING] = 1.0
        elif letter == 43 or letter == 45 or letter == 47 or letter == 94 or letter == 60 or letter == 62:
            hit[OPERATOR] = 1.0
        else:
            hit[BRACKET] = 1.0


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
    units, one = state[UNITS], np.uint64(1)
    state[RING + np.int64(units % np.uint64(12))] = value
    for order in range(2):
        length = 4 if order == 0 else 12
        if units + one < np.uint64(length):
            continue
        joined = np.uint64(length)
        for back in range(length):
            joined = (joined ^ state[RING + np.int64((units - np.uint64(back)) % np.uint64(12))]) * PRIME
        distance = _remember(runs[1 + order], joined, units)
        if order == 0:
            hit[RUN_4] = 1.0 if distance > 0 else 0.0
        elif distance > 0:
            hit[RUN_12] = 1.0
            state[REPEATING] += one
            state[LOOP] = np.uint64(distance)
            state[LONGEST_REPEAT] = max(state[LONGEST_REPEAT], state[REPEATING])
        else:
            state[REPEATING] = np.uint64(0)
    if kind == 4:
        if state[LINE_UNITS] > np.uint64(3) and _remember(runs[0], state[LINE_HASH], units) > 0:
            hit[SAME_LINE] = 1.0
        state[LINE_HASH] = np.uint64(7)
        state[LINE_UNITS] = np.uint64(0)
    else:
        state[LINE_HASH] = (state[LINE_HASH] ^ value) * PRIME
        state[LINE_UNITS] += one


@njit(cache=True, nogil=True)
def _answer(value: Any, kind: int, letter: Any, state: Any) -> None:
    r"""Follow statements of answers: ``\boxed{…}``, ``answer is …`` and ``answer: …`` up to the end of the clause."""
    reading, one = np.int64(state[READING]), np.uint64(1)
    if kind == 1 and value == IS_BOXED:
        state[READING] = np.uint64(AFTER_BOXED)
        return
    if kind == 1 and value == IS_WORD and reading != BOX:
        state[READING] = np.uint64(AFTER_ANSWER)
        return
    if reading == NOTHING:
        return
    if reading == AFTER_ANSWER:
        if letter == 58 or value == IS:
            _begin(state, VALUE)
        elif not (letter == 34 or letter == 42 or letter == 39):  # quotes and emphasis may stand between
            state[READING] = np.uint64(NOTHING)
    elif reading == AFTER_BOXED:
        if letter == 123:
            _begin(state, BOX)
        else:
            state[READING] = np.uint64(NOTHING)
    else:
        if reading == BOX and letter == 123:
            state[DEPTH] += one
        closed = reading == BOX and letter == 125
        if closed and state[DEPTH] > np.uint64(1):
            state[DEPTH] -= one
        elif closed or (reading == VALUE and (kind == 4 or letter == 46)):
            _end(state)
        elif state[READ_UNITS] >= np.uint64(40):
            state[READING] = np.uint64(NOTHING)
        elif kind <= 2:  # signs are left out: $5$ and 5 are one answer
            state[READ_HASH] = (state[READ_HASH] ^ value) * PRIME
            state[READ_UNITS] += one
        elif letter == 45 or letter == 47:
            state[READ_HASH] = (state[READ_HASH] ^ np.uint64(letter)) * PRIME


@njit(cache=True, nogil=True)
def _begin(state: Any, reading: int) -> None:
    state[READING] = np.uint64(reading)
    state[DEPTH] = np.uint64(1)
    state[READ_HASH] = OFFSET
    state[READ_UNITS] = np.uint64(0)


@njit(cache=True, nogil=True)
def _end(state: Any) -> None:
    if state[READ_UNITS] > np.uint64(0):
        if state[ANSWERS] > np.uint64(0):
            if state[ANSWER_HASH] == state[READ_HASH]:
                state[AGREED] += np.uint64(1)
            else:
                state[CHANGED] += np.uint64(1)
        state[ANSWERS] += np.uint64(1)
        state[ANSWER_HASH] = state[READ_HASH]
        state[AT_ANSWER] = state[UNITS]
    state[READING] = np.uint64(NOTHING)


@njit(cache=True, nogil=True)
def _project(value: Any, state: Any, bag: Any, sums: Any, rarity: Any, matrix: Any) -> None:
    """Move the word directions of the text, and of its tail, by a unit and by the pair that it ends."""
    d = matrix.shape[1]
    for column in range(d + 1):
        sums[1, column] *= TAIL
    for size in range(2):
        if size == 1 and state[UNITS] == np.uint64(0):
            break
        gram = (value if size == 0 else (state[LAST] * PRIME) ^ value) * np.uint64(0x9E3779B97F4A7C15)
        bucket = np.int64(gram >> np.uint64(52))
        known = bag[bucket]
        if size == 0 and known == 0:
            state[DISTINCT] += np.uint64(1)
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
