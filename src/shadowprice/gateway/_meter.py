"""How many tokens one generation has cost so far, all its choices together, and how each has ended."""

from typing import Final

from shadowprice.engines import Reading, TokenCount

_LATER: Final = 256
"""Pieces that are looked at together, at most."""
_USUAL: Final = 6
"""Characters of a piece that is a token; what has many more may be several, and is looked at at once."""


class Meter:
    """Counts what arrives.

    Each choice is counted as `shadowprice.engines` counts a reply: by what the server reports, and by what arrived if
    that is more. A usage is about all choices together, but for llama.cpp's, which says one for each choice when it has
    ended. What nobody reports is never taken for zero.

    Args:
        choices: Replies that were asked for.
    """

    def __init__(self, choices: int) -> None:
        self.tokens = 0
        """Tokens generated, by the highest count."""
        self.finished: dict[int, str] = {}
        """The server's word for how a choice ended, by its index."""
        self._one = TokenCount() if choices == 1 else None
        self._counts: dict[int, TokenCount] = {} if self._one is None else {0: self._one}
        self._choices = choices
        self._total = 0
        self._apart = False
        """Whether each choice has a usage of its own."""
        self._summed_up: set[int] = set()
        """Choices that have had it."""
        self._later: list[str] = []
        self._characters = 0

    @property
    def indices(self) -> list[int]:
        """Choices that something has come of."""
        return sorted(self._counts)

    def text(self, text: str) -> None:
        """Count a piece that holds nothing but a text; of one choice alone.

        Each is a token or more. Whether it is more is found out for many at a time.
        """
        assert self._one is not None
        self._later.append(text)
        self._characters += len(text)
        self.tokens = max(self.tokens, self._one.pieces + len(self._later))
        if self._characters > _USUAL * len(self._later) + 32 or len(self._later) >= _LATER:
            self._look()

    def take(self, index: int, reading: Reading) -> None:
        """Count what an event says of a choice."""
        if reading.finish is not None:
            self.finished[index] = reading.finish
        if self._one is not None:  # servers that number the only choice otherwise are counted all the same
            if self._later:
                self._look()
            self._one.take(reading)
            self.tokens = self._one.tokens
            return
        if reading.counted_by == "usage" and reading.tokens is not None:
            alone = not (reading.piece or reading.blank or reading.finish)
            ended = next(reversed(self.finished), None)
            # About all there can only be one when all have ended.
            self._apart |= alone and ended is not None and len(self.finished) < self._choices
            if alone and self._apart and ended is not None and ended not in self._summed_up:
                self._summed_up.add(ended)
                index = ended
            else:
                self._total = max(self._total, reading.tokens)
                reading = reading._replace(tokens=None, counted_by=None)
                index = next(iter(self._counts), index) if alone else index
        count = self._counts.get(index)
        if count is None:
            count = self._counts[index] = TokenCount()
        count.take(reading)
        self.tokens = max(self._total, sum(one.tokens for one in self._counts.values()))

    def exact(self) -> int:
        """Tokens, all pieces looked at."""
        if self._later:
            self._look()
        return self.tokens

    def _look(self) -> None:
        assert self._one is not None
        self._one.take_texts(self._later)
        self._later, self._characters = [], 0
        self.tokens = max(self.tokens, self._one.tokens)
