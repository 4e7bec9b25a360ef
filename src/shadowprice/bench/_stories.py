"""What every page tells in the same form: figures to take away, and what became of single questions."""

from textwrap import shorten
from typing import Final, NamedTuple

_LONGEST: Final = 700
"""Characters of a question that a story shows."""


class Fact(NamedTuple):
    """One figure that stands at the top of the page."""

    figure: str
    """The figure, with its unit."""
    says: str
    """What it is, in a sentence."""


class Story(NamedTuple):
    """What became of one question."""

    title: str
    """Which question, and how it ended."""
    question: str
    """Its text, as far as there is room."""
    told: tuple[tuple[str, str], ...]
    """What happened, in order: a word or two, and a sentence."""


def story(title: str, question: str, *told: tuple[str, str]) -> Story:
    """A story of a question, whose text may be of any length; sentences that are empty are left out."""
    text = shorten(question, _LONGEST, placeholder=" …") or question[:_LONGEST].strip()
    return Story(title, text, tuple((word, sentence) for word, sentence in told if sentence))


def sentence(text: str) -> str:
    """A clause as a sentence: a capital at its beginning, a stop at its end."""
    text = text.strip()
    return "" if not text else text[0].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
