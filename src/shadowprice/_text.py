"""Text from outside: made fit to be kept in files, and fit to be shown to people.

JSON can write half a surrogate pair, which UTF-8 cannot: what holds one can be written nowhere. And terminals obey
characters that no name or reply needs, by which whoever chose a name could write over what is said of it.
"""

import re
from typing import Any, Final

_REPLACED: Final = "\N{REPLACEMENT CHARACTER}"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LAST_HIGH: Final = re.compile("[\ud800-\udbff]\\Z")


def kept(text: str) -> str:
    """The text with surrogate pairs joined, and a replacement character for every half that stands alone."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def all_kept(data: Any) -> Any:
    """Data as JSON has it, with every text in it `kept`, keys too.

    Raises:
        RecursionError: It is nested more deeply than Python can follow.
    """
    if isinstance(data, str):
        return kept(data)
    if isinstance(data, list | tuple):
        return [all_kept(item) for item in data]
    if isinstance(data, dict):
        return {all_kept(key): all_kept(value) for key, value in data.items()}
    return data


class Joiner:
    """Keeps text that comes in pieces, where a pair may be split over two of them."""

    def __init__(self) -> None:
        self._high = ""

    def join(self, piece: str, *, last: bool = False) -> str:
        """What can be kept now; half a pair at the end of a piece waits for the next one, unless it is the last."""
        if not piece and not (last and self._high):
            return piece
        whole, self._high = self._high + piece, ""
        if not last and _LAST_HIGH.search(whole):
            whole, self._high = whole[:-1], whole[-1]
        return kept(whole)


def shown(text: str) -> str:
    """The text as one line that a terminal shows and does not obey.

    Line breaks, tabs and odd blanks become a blank each; control characters, marks that turn the direction of writing,
    and whatever else leaves no trace of its own become a replacement character.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else " " if one.isspace() else _REPLACED for one in text)
