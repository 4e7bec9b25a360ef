"""What a server made in each window, by its own count and clock, beside the books of a gateway."""

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from counting_server import made_times
from shadowprice.gateway._windows import window_name
from shadowprice.ledger import Ledger, State, Totals

_ENDED = ("finished", "length", "refused by server", "went on")
"""Outcomes of replies that nobody cut off."""
_NONE = Totals(budget=0, spent=0, reserved=0, ahead=0, overrun=0, lost=0, open=0, reasons={})


@dataclass(frozen=True)
class WindowBooks:
    """One window."""

    made: int
    """Tokens, by the server."""
    closed: int
    """Streams that were cut off in it or shortly before: each may have made a little more than was read."""
    totals: Totals


def books(path: Path) -> dict[str, Totals]:
    """The sums of all windows, which must be in order."""
    with Ledger(path, read_only=True) as ledger:
        assert [] == ledger.check()
        return {run.name: ledger.totals(run.name) for run in ledger.runs()}


def window_books(server: str, path: Path, seconds: float) -> dict[str, WindowBooks]:
    """All windows that have books, or in which the server made something; the books must be in order.

    A gateway that stands still for a whole window has no books of it, and charges what was made in it to the next one.
    """
    made = Counter(window_name(math.floor(when / seconds) * seconds) for when in made_times(server))
    with Ledger(path, read_only=True) as ledger:
        assert [] == ledger.check()
        known = {run.name: ledger.totals(run.name) for run in ledger.runs()}
        lost = {name: len(ledger.attempts(name, state=State.LOST)) for name in known}
    known |= {name: _NONE for name in made if name not in known}
    found: dict[str, WindowBooks] = {}
    before = 0
    for name, totals in sorted(known.items()):
        here = lost.get(name, 0) + sum(count for reason, count in totals.reasons.items() if reason not in _ENDED)
        found[name] = WindowBooks(made[name], before + here, totals)
        before = here
    return found
