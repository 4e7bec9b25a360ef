"""What a sentence says of its subject."""

import re
from typing import Final

from shadowprice.grading._spans import Span

_LONGEST: Final = 200
_MOST_WORDS: Final = 6
_VERBS: Final = (" is ", " are ", " was ", " were ")
_SAYS: Final = re.compile(r"[^\n]*?\b(?:is|are|was|were)\b (?P<said>(?:(?!, [a-z])[^\n.;:!?]){1,80})[.!]?")
HEDGED: Final = re.compile(
    r"\b(?:not|or|if|maybe|perhaps|might|unless|whether|either|wrong|incorrect|false)\b|n['’]t\b", re.IGNORECASE
)
"""Words with which a sentence leaves open what it says, or denies it."""


def said_at_end(sentence: str) -> Span | None:
    """Where a sentence says something of its subject in a few words: ``Oslo`` in "The capital of Norway is Oslo."."""
    if len(sentence) > _LONGEST or not any(verb in sentence for verb in _VERBS):
        return None
    said = _SAYS.fullmatch(sentence)
    if said is None or HEDGED.search(sentence) or len(said["said"].split()) > _MOST_WORDS:
        return None
    return said.span("said")
