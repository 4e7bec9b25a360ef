"""The market with arrivals, as everybody sees it who serves live traffic or replays it.

Nobody here reads a clock: `now` is passed in, in seconds, so that replay and a server run the same code.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shadowprice._types import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class Hopes:
    """What may become of one query, on the market's grid of K token counts, given all that is known now."""

    right: FloatArray
    """``(K,)`` P(worth something by e_j): 0 up to now, never falling."""
    finished: FloatArray
    """``(K,)`` P(ended by e_j): 0 up to now, never falling."""
    at_cap: float = 0.0
    """P(worth something once it has come to its cap), where that is more than `right` says there."""

    def rows(self) -> tuple[FloatArray, FloatArray, float]:
        """All of it, as compiled code takes it."""
        right, finished = (np.ascontiguousarray(row, np.float64) for row in (self.right, self.finished))
        return right, finished, self.at_cap


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time with a budget of its own."""

    start: float
    """When it begins, seconds on the clock of `now`."""
    end: float
    """When it ends."""
    budget: int
    """Tokens that may be generated in it: its own, and what was carried over."""


@dataclass(slots=True, eq=False)
class Ticket:
    """A query that was let in. What it was granted is reserved until it is settled."""

    weight: float
    """What a right answer to it is worth."""
    most: int
    """Tokens beyond which it never goes: the client's own cap, or the end of the grid."""
    granted: int = 0
    """Tokens that it may reach in all."""
    generated: int = 0
    """Tokens that it has generated, as far as is known. Whoever serves it may keep this up to date, between calls too:
    then what was generated before a window ends is charged to that window alone."""
    limited: bool = False
    """Whether it was stopped although it was worth its price, as no token was left in the window."""
    closed: bool = False
    """Whether it is settled."""
    place: int = field(default=-1, repr=False)
    """The market's own: where it is kept."""
    counted: int = field(default=0, repr=False)
    """The market's own: what it had generated when the window began."""
    foreseen: float = field(default=0.0, repr=False)
    """The market's own: tokens that it was expected to take."""
    began: float = field(default=0.0, repr=False)
    """The market's own: when it was let in."""


class AbstractOnlineMarket(ABC):
    """Says who may begin, who may go on, and at what price, as time passes.

    Whatever is granted is reserved until it is settled, so what is granted and spent in a window never exceeds the
    window's budget, in whatever order calls come. `now` must not fall; if it does, time stands still.
    """

    grid: IntArray
    """``(K,)`` token counts at which it wants to be asked, rising."""

    @property
    @abstractmethod
    def price(self) -> float:
        """The shadow price now, utility per token; 0 for a market that has none."""

    @property
    @abstractmethod
    def pool(self) -> int:
        """Tokens of this window that are neither spent nor granted; below 0 where others have used more."""

    @property
    @abstractmethod
    def window(self) -> Window:
        """The window that `now` was in when anything was called last."""

    @abstractmethod
    def admit(self, now: float, hopes: Hopes, *, weight: float = 1.0, most: int | None = None) -> Ticket | None:
        """Let a query begin that has just arrived, with its first step granted; None refuses it at this price.

        Args:
            now: Seconds.
            hopes: What may become of it.
            weight: What a right answer to it is worth, above 0.
            most: Tokens that it may reach at most; the end of the grid if left out.

        Raises:
            InputError: The weight or the cap is out of range.
        """

    @property
    def reprieve(self) -> float:
        """Seconds until whoever was refused last would be let in if nobody else came; at most to the next window."""
        return max(0.0, self.window.end - self.window.start)

    @abstractmethod
    def grant(self, ticket: Ticket, now: float, generated: int, hopes: Hopes) -> int:
        """Tokens that a query may reach in all; if that is no more than it has generated, it is to stop.

        It may be asked a little before what was granted is used up, so that no token waits: it is never granted more
        than one step beyond the one that it is in.

        Args:
            ticket: From `admit`.
            now: Seconds.
            generated: Tokens so far.
            hopes: What may become of it from here on.
        """

    @abstractmethod
    def settle(self, ticket: Ticket, now: float, generated: int) -> None:
        """Close a query: what it was granted and did not generate is there again. A second call changes nothing."""

    @abstractmethod
    def adjust(self, tokens: int) -> None:
        """Take note that this window's budget has changed from outside: others gave tokens back, or (below 0) used."""

    @abstractmethod
    def advance(self, now: float) -> None:
        """Let time pass: open the next window when it is due, and find the price anew. Call it every few seconds."""

    @abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """All that it has learnt, and where its window stands, as plain JSON; tickets that are open count as spent."""

    @abstractmethod
    def restore(self, state: Any) -> None:
        """Go on from a snapshot; call it before anything is admitted.

        Raises:
            InputError: It is none, or of a market on another grid.
        """
