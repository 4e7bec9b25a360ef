"""What every page tells in the same form: figures to take away, and what became of single questions."""

from textwrap import shorten
from typing import Final, NamedTuple

from shadowprice.policies import percent

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


def believed(gain: float, tokens: float, price: float) -> str:
    """What was expected of a question, a sentence.

    Args:
        gain: Right answers that its best offer is expected to bring.
        tokens: Tokens of that offer.
        price: Shadow price, right answers per token; NaN or 0 if there is none.
    """
    if not gain > 0.0:
        return "It was not believed to come to a right answer at any length."
    own, limit = tokens / gain, 1.0 / price if price > 0.0 else 0.0
    places = 0 if round(own) != round(limit) else 1
    paid = f", where the price paid at most {limit:,.{places}f}" if limit else ""
    return (
        f"It was believed to be right with {percent(gain)} for about {tokens:,.{places}f} tokens, which is "
        f"{own:,.{places}f} tokens for a right answer{paid}."
    )
