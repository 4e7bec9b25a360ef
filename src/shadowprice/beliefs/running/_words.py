"""What is counted in a reply's text while it is written, by name, and the words that are counted together."""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shadowprice._errors import InputError

OFFSET = np.uint64(14695981039346656037)
PRIME = np.uint64(1099511628211)
"""FNV-1a's constants."""
LEXICON: Final = {
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
    *LEXICON,
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
"""What is counted, in order; the first ones by word, the others in `_kernels`."""
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
    return "vocabulary" if any(name in feature for name in LEXICON) else "signs"


_SIGNS_OF_GROUPS: Final = {
    "answers": ("answer", "since conclusion"),
    "repetition": ("repeated", "loop", "distinct"),
    "numbers": ("number",),
    "vocabulary": ("doubt",),
}


@cache
def counted_words() -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Hashes of counted words, rising, and their channels."""
    hashes = {hash_of(word): channel for channel, words in enumerate(LEXICON.values()) for word in words.split()}
    order = sorted(hashes)
    return np.array(order, np.uint64), np.array([hashes[value] for value in order], np.int64)


def hash_of(word: str) -> int:
    value = int(OFFSET)
    for letter in word.encode():
        value = ((value ^ letter) * int(PRIME)) % 2**64
    return value
