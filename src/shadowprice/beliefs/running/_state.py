"""Places in the compiled reader's memory of a text: the channels that it counts, and the slots of its state."""

from typing import Final

import numpy as np

from shadowprice.beliefs.running._words import CHANNELS, LEXICON, hash_of

LONGEST_UNIT = 32
"""Bytes after which a word or number is cut, so that text without spaces leaves little to be remembered."""

TAIL: Final = 0.9945994234836331
"""What a unit still counts when the next one is read, with a half-life of 128 units: 2^(−1/128)."""
JUST_NOW: Final = 0.9715319411536059
"""The same with a half-life of 24 units: 2^(−1/24)."""

BUCKETS: Final = 4096
"""Hashed unigrams and bigrams of units; a power of 2."""
PLACES: Final = 8192
"""Runs of units that are remembered per length; a power of 2. Newer runs take the place of older ones."""

FIRST_SIGN = len(LEXICON)
(
    NUMBER,
    NEW_NUMBER,
    EQUALS,
    BACKSLASH,
    DOLLAR,
    LINE,
    WORD,
    FOREIGN,
    OPERATOR,
    QUESTION,
    PUNCTUATION,
    QUOTE,
    BRACKET,
    EMPHASIS,
    HEADING,
    RUN_4,
    RUN_12,
    SAME_LINE,
) = range(FIRST_SIGN, len(CHANNELS))
DOUBT, CONCLUSION = list(LEXICON).index("doubt"), list(LEXICON).index("conclusion")

(
    UNITS,
    LAST,
    AT_LAST_DOUBT,
    AT_LAST_CONCLUSION,
    AT_LAST_NUMBER,
    DISTINCT,
    LETTERS,
    DIGITS,
    LONG_NUMBERS,
    LINE_UNITS,
    LINE_HASH,
    REPEATING,
    LONGEST_REPEAT,
    LOOP,
    ANSWERS,
    AGREED,
    CHANGED,
    AT_ANSWER,
    ANSWER_HASH,
    READING,
    DEPTH,
    READ_HASH,
    READ_UNITS,
    RING,
) = range(24)
INTEGERS: Final = RING + 12
NOTHING, AFTER_ANSWER, VALUE, AFTER_BOXED, BOX = range(5)
"""What the reader of stated answers is waiting for."""


IS_WORD, IS_BOXED = np.uint64(hash_of("answer")), np.uint64(hash_of("boxed"))
IS, SOLIDUS = np.uint64(hash_of("is")), np.uint64(47)
