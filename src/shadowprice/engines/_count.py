"""How many tokens a reply has cost so far, when several witnesses say so."""

from collections.abc import Sequence
from typing import Final, Literal

from shadowprice.engines._base import CountedBy
from shadowprice.engines._reading import Reading
from shadowprice.engines._text_floor import TextFloor

Doubt = Literal["low", "high", "uncounted", "absurd", "beyond"]
_SHORT: Final = 16
"""Tokens by which counts must differ before they are worth a word."""


class TokenCount:
    """The highest count that anything has given. Tokens that were seen are never taken back.

    What arrived is a floor: a piece holds a token or more, and a text has the tokens that it cannot do without. What a
    server reports replaces it where it is not lower.
    """

    def __init__(self) -> None:
        self.tokens = 0
        self.counted_by: CountedBy = "deltas"
        self.pieces = 0
        """Pieces that hold a token or more."""
        self._floor = TextFloor()
        self._opened = False
        self._ended = False
        self._summed_up = False
        self._reported: int | None = None
        self._thought = 0
        self._absurd = False

    @property
    def shown(self) -> int:
        """Tokens of what arrived, at least."""
        return max(self.pieces, self._floor.tokens)

    def take(self, reading: Reading) -> bool:
        """Count what a chunk holds and says; whether it held a token or more."""
        holds = reading.piece or (reading.blank and not self._is_frame(reading))
        self.pieces += holds
        self._ended |= reading.finish is not None
        for text in (reading.thinking, reading.text, reading.unread):
            if text:
                self._floor.add(text)
        if (shown := self.shown) > self.tokens:
            self.tokens, self.counted_by = shown, "deltas"
        if reading.tokens is not None and reading.counted_by is not None:
            self._reported = max(self._reported or 0, reading.tokens)
            if reading.tokens >= self.tokens:
                self.tokens, self.counted_by = reading.tokens, reading.counted_by
        self._thought = max(self._thought, reading.thinking_tokens or 0)
        self._absurd |= reading.absurd
        return holds

    def take_texts(self, texts: Sequence[str]) -> None:
        """Count pieces that hold nothing but a text each, and say nothing of their tokens; many cost little more."""
        self.pieces += len(texts)
        self._floor.add("".join(texts))
        if (shown := self.shown) > self.tokens:
            self.tokens, self.counted_by = shown, "deltas"

    def doubts(self) -> list[Doubt]:
        """What is odd about the counts of this reply."""
        # Some servers say 0 until the end, which a reply that was stopped does not see.
        reported = self._reported if self._reported or self._ended else None
        found: list[Doubt] = ["absurd"] if self._absurd else []
        if reported is None:
            return [*found, "uncounted"] if self.shown >= max(_SHORT, 2 * self.pieces + 1) else found
        if self.shown > 2 * reported and self.shown - reported >= _SHORT:
            found.append("low")
        # A token is a byte or more of what is shown, or reasoning that is not.
        if reported - self._thought > 2 * (self._floor.most + self.pieces) + _SHORT:
            found.append("high")
        return found

    def _is_frame(self, reading: Reading) -> bool:
        """Whether a chunk without content only opens the reply, ends it, or sums it up; each is done once."""
        if reading.finish is not None and not self._ended:
            return True
        if self._ended and reading.counted_by == "usage" and not self._summed_up:
            self._summed_up = True
            return True
        first = not (self._opened or self._ended or self.pieces)
        self._opened = True
        return first
