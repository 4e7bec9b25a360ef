"""What was odd about the counting of tokens, in all replies of a session."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from shadowprice.engines._count import Doubt
from shadowprice.engines._reading import MOST_TOKENS

_SENTENCES: Final[dict[Doubt, str]] = {
    "low": "the server's count is less than half of what arrived: what arrived is charged",
    "uncounted": "the server counts nothing and its pieces hold several tokens: the least that their text can be is "
    "charged, which may be too little",
    "high": "the server's count is more than twice what the text can hold: it is charged, as hidden reasoning may "
    "explain it",
    "beyond": "the server went on beyond its cap and was cut off: what it made after that is not seen",
    "absurd": f"the server reports a count above {MOST_TOKENS:,}, which is none: it is ignored",
}


class Doubts:
    """Counts replies by what was odd about them."""

    def __init__(self) -> None:
        self._replies: Counter[Doubt] = Counter()

    def add(self, doubts: Iterable[Doubt]) -> None:
        """One more reply."""
        self._replies.update(doubts)

    def sentences(self) -> list[str]:
        """A sentence for each kind of oddity that occurred."""
        return [
            f"In {number:,} {'reply' if number == 1 else 'replies'} {said}."
            for doubt, said in _SENTENCES.items()
            if (number := self._replies[doubt])
        ]
