"""The books of a window: what is left, who holds what, and what becomes of it when the next one opens."""

import math
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import IntArray
from shadowprice.online._seam import AbstractOnlineMarket, Hopes, Ticket, Window

HOUR: Final = 3600.0
_MOST_TOKENS: Final = 2**53
_MOST_SECONDS: Final = 2.0**53
"""And tokens: beyond, a snapshot's numbers are no whole ones."""


class AbstractPooledMarket(AbstractOnlineMarket):
    """Keeps the books; who may begin and go on is for others to say.

    A window's budget is its own plus what the last one did not generate, up to the share `carry` of its own. Tokens
    that a running query holds at the boundary and has not generated were not generated then, so they may be carried
    over like any other; they are taken from the new window's pool at once. So what is generated in a window is never
    more than its budget, and the pool that a window begins with is never below 0.

    Args:
        grid: ``(K,)`` token counts at which steps end, rising, above 0.
        budget: Tokens of a window, at least 0.
        length: Seconds of a window, above 0.
        start: When the first window begins, seconds.
        carry: What may be carried over from one window to the next, as a share of the budget: 0 to 1.

    Raises:
        InputError: Something is out of range.
    """

    def __init__(
        self, grid: ArrayLike, budget: int, *, length: float = HOUR, start: float = 0.0, carry: float = 0.0
    ) -> None:
        self.grid = checked_grid(grid)
        if not 0 <= budget < _MOST_TOKENS:
            raise InputError(f"The budget of a window is {budget} tokens; it must be 0 or more, and below 2^53.")
        if not 0.0 < length < math.inf or not math.isfinite(start):
            raise InputError(f"A window of {length:g} seconds from {start:g} on is none; give a length above 0.")
        if not 0.0 <= carry <= 1.0:
            raise InputError(f"carry is a share of the budget, 0 to 1, not {carry:g}.")
        self._ends: list[int] = self.grid.tolist()
        self._budget, self._length, self._carry = int(budget), float(length), float(carry)
        self._window = Window(float(start), float(start) + self._length, self._budget)
        self._now = float(start)
        self._pool = self._budget
        self._open: dict[int, Ticket] = {}
        self._free: list[int] = []

    @property
    def pool(self) -> int:
        """Tokens of this window that are neither spent nor granted."""
        return self._pool

    @property
    def window(self) -> Window:
        """The window that time is in."""
        return self._window

    def admit(self, now: float, hopes: Hopes, *, weight: float = 1.0, most: int | None = None) -> Ticket | None:
        """Let a query begin, or refuse it."""
        if not 0.0 < weight < math.inf:
            raise InputError(f"weight must be finite and above 0, but is {weight:g}.")
        if most is not None and most < 1:
            raise InputError(f"A query that may reach {most} tokens at most has nothing to say; give 1 or more.")
        self._pass(now)
        ticket = Ticket(weight, self._ends[-1] if most is None else min(int(most), self._ends[-1]))
        if not self._begins(ticket, hopes) or self._pool < 1:
            return None
        ticket.place = self._free.pop() if self._free else len(self._open)
        self._open[ticket.place] = ticket
        self._reserve(ticket, self._ends[0])
        self._began(ticket)
        return ticket

    def grant(self, ticket: Ticket, now: float, generated: int, hopes: Hopes) -> int:
        """Let a query go on, or stop it."""
        self.advance(now)
        ticket.generated = max(ticket.generated, generated)
        if ticket.closed:
            return generated
        end = self._end(generated)
        if ticket.granted >= end:  # asked ahead: the step after this one
            end = self._end(end)
        if not self._goes_on(ticket, hopes):
            self._answered(ticket, goes_on=False)
            return generated
        if end > ticket.granted and ticket.granted < ticket.most:
            if self._pool < 1:
                ticket.limited |= ticket.granted <= generated
            else:
                self._reserve(ticket, end)
        self._answered(ticket, goes_on=ticket.granted > generated)
        return max(ticket.granted, generated)

    def settle(self, ticket: Ticket, now: float, generated: int) -> None:
        """Close a query, once."""
        self.advance(now)
        if ticket.closed:
            return
        ticket.closed = True
        # What was charged to a window that is over cannot come back to this one.
        ticket.generated = max(generated, ticket.counted)
        self._pool += ticket.granted - ticket.generated
        del self._open[ticket.place]
        self._free.append(ticket.place)
        self._settled(ticket)

    def adjust(self, tokens: int) -> None:
        """Change the pool of this window."""
        self._pool += int(tokens)

    def advance(self, now: float) -> None:
        """Let time pass, window by window."""
        self._pass(now)

    def _pass(self, now: float) -> None:
        """The windows that are over by then, and no more than that."""
        self._now = max(self._now, now)
        if self._now < self._window.end:
            return
        while self._now >= self._window.end:
            self._turn()
            if not self._open and self._pool >= (1.0 + self._carry) * self._budget - 1.0:
                break  # nothing changes any more, however many windows pass
        behind = math.floor((self._now - self._window.start) / self._length)
        if behind > 0:
            start = self._window.start + behind * self._length
            self._window = Window(start, start + self._length, self._window.budget)
        self._opened()

    def _turn(self) -> None:
        """The next window: its pool, and what running queries hold of it."""
        held = 0
        for ticket in self._open.values():
            held += max(ticket.granted - ticket.generated, 0)
            ticket.counted = ticket.generated
        unused = max(self._pool, 0) + held
        budget = self._budget + min(unused, math.floor(self._carry * self._budget))
        self._window = Window(self._window.end, self._window.end + self._length, budget)
        self._pool = budget - held

    def snapshot(self) -> dict[str, Any]:
        """Where the window stands."""
        window = self._window
        return {
            "grid": list(self._ends),
            "now": self._now,
            "window": [window.start, window.end, window.budget],
            "budget": self._budget,
            "pool": self._pool,
        }

    def restore(self, state: Any) -> None:
        """Go on in the window of a snapshot, if its length is still the same and the budget as well."""
        if not isinstance(state, Mapping) or state.get("grid") != self._ends:
            raise InputError("This is no snapshot of a market on this grid; delete it, and the market begins anew.")
        window = state.get("window")
        found = [
            state.get("now"),
            state.get("pool"),
            state.get("budget"),
            *(window if isinstance(window, list) else []),
        ]
        if len(found) != 6 or not all(isinstance(part, int | float) and abs(part) <= _MOST_SECONDS for part in found):
            raise InputError("The snapshot's window is not in numbers; delete it, and the market begins anew.")
        now, pool, own, start, end, budget = found
        if math.isclose(end - start, self._length):
            # The budget may have been set anew: what was carried over and what is spent stay as they are.
            whole = self._budget + max(0, int(budget - own))
            self._window, self._now = Window(float(start), float(end), whole), float(now)
            self._pool = whole - int(budget - pool)

    @abstractmethod
    def _begins(self, ticket: Ticket, hopes: Hopes) -> bool:
        """Whether a query that has just arrived is worth its price."""

    @abstractmethod
    def _goes_on(self, ticket: Ticket, hopes: Hopes) -> bool:
        """Whether a running query still is."""

    def _began(self, ticket: Ticket) -> None:  # most have nothing to note
        """It holds its first step."""

    def _answered(self, ticket: Ticket, *, goes_on: bool) -> None:
        """It holds its next step, or is to stop."""

    def _settled(self, ticket: Ticket) -> None:
        """It is closed."""

    def _opened(self) -> None:
        """Another window is open."""

    def _end(self, generated: int) -> int:
        """Where the step ends that begins at so many tokens."""
        return self._ends[min(bisect_right(self._ends, generated), len(self._ends) - 1)]

    def _reserve(self, ticket: Ticket, end: int) -> None:
        """Grant up to the end of a step, or as far as tokens go."""
        step = min(min(end, ticket.most) - ticket.granted, self._pool)
        if step > 0:
            ticket.granted += step
            self._pool -= step


def checked_grid(grid: ArrayLike) -> IntArray:
    """Token counts ``(K,)`` in whole tokens.

    Raises:
        InputError: They do not rise, or do not begin above 0.
    """
    ends = np.asarray(grid).astype(np.int64)
    if ends.ndim != 1 or not ends.size or ends[0] < 1 or (np.diff(ends) <= 0).any():
        raise InputError("The grid must be whole token counts that rise, the first above 0.")
    return ends
