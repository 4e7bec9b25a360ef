"""Windows of time, each with its budget, and their books: a run of the ledger for each."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from shadowprice._errors import InputError
from shadowprice.ledger import Ledger, RunInfo
from shadowprice.ledger import Run as LedgerRun

_NAME: Final = "serve "
_FINGERPRINT: Final = "serve"


@dataclass(frozen=True, slots=True)
class WindowBudget:
    """So many tokens in so much time, again and again."""

    tokens: int
    """Tokens of each window."""
    seconds: float
    """How long a window is; they begin at whole multiples of that since 1970, in UTC."""
    carry: float = 0.0
    """What is left over at the end of a window may be used in the next one, up to this share of the budget."""
    text: str = ""
    """As it was written."""

    def start(self, now: float) -> float:
        """When the window that `now` is in has begun."""
        return math.floor(now / self.seconds) * self.seconds

    def carried(self, left: int) -> int:
        """What of so many tokens left over goes into the next window."""
        return max(0, min(left, math.floor(self.carry * self.tokens)))


def window_name(start: float) -> str:
    """What the ledger calls the window that begins then, to the millisecond where that is needed."""
    at = datetime.fromtimestamp(start, UTC)
    text = at.isoformat(timespec="seconds" if at.microsecond == 0 else "milliseconds")
    return _NAME + text.replace("+00:00", "Z")


def _began(name: str) -> float:
    """When a window began, by what the ledger calls it; never, where that is no window's name."""
    try:
        return datetime.fromisoformat(name.removeprefix(_NAME).replace("Z", "+00:00")).timestamp()
    except ValueError:
        return math.inf


@dataclass(slots=True)
class OpenWindow:
    """A window and its books."""

    run: LedgerRun
    start: float
    end: float
    budget: int
    """Tokens of this window, what was carried over among them."""
    available: int
    """Tokens that were neither spent nor reserved when it was opened."""
    recovered: int = 0
    """Requests that processes which have died were at, in it or before."""
    older: list[LedgerRun] = field(default_factory=list)
    """Books of windows before it in which something is reserved all the same."""


def open_window(
    ledger: Ledger, budget: WindowBudget, now: float, left: int | None, before: LedgerRun | None = None
) -> OpenWindow:
    """Open the window that `now` is in, or go on with it.

    A window in which nobody asked anything makes room for it in the books, which would be full of such otherwise.

    Where it is there already, it goes on with what it was opened with, or with more if the budget is larger by now; a
    smaller budget counts from the next window on.

    Args:
        ledger: Where the books are.
        budget: Of each window.
        now: Seconds since 1970.
        left: Tokens left over in the window before; None asks the ledger.
        before: The books of the window before, as far as is known.
    """
    start = budget.start(now)
    recovered = 0
    older: list[LedgerRun] = []
    empty = "" if before is None else before.name
    if left is None:
        known = {info.name: info for info in ledger.runs()}
        for info in known.values():
            # Others may be in the next one by now; theirs is not to become this one.
            if info.name.startswith(_NAME) and _began(info.name) < start and info.name != window_name(start):
                empty = info.name
                if info.finished is None:
                    old = _close_old(ledger, info)
                    recovered += old.recovered.requests
                    if old.held():
                        older.append(old)
        if (last := known.get(window_name(start - budget.seconds))) is not None:
            totals = ledger.totals(last.name)
            # What another gateway still holds there it may have made there.
            left = totals.budget - totals.spent - totals.reserved - totals.ahead
    run = _open_books(ledger, budget, window_name(start), budget.carried(left or 0), empty)
    totals = ledger.totals(run.name)
    available = totals.budget - totals.spent - totals.reserved
    recovered += run.recovered.requests
    return OpenWindow(run, start, start + budget.seconds, totals.budget, available, recovered, older)


def _open_books(ledger: Ledger, budget: WindowBudget, name: str, carried: int, empty: str) -> LedgerRun:
    """The books of a window: new ones, or those that are there, with more tokens if the budget is larger by now."""
    while True:
        present = next((info for info in ledger.runs() if info.name == name), None)
        if present is None:
            tokens = budget.tokens + carried
            settings: Mapping[str, Any] = {
                "budget": budget.tokens,
                "seconds": budget.seconds,
                "carry": budget.carry,
                "carried": carried,
            }
            fingerprint = _FINGERPRINT
        else:
            tokens = max(present.budget, budget.tokens + _carried_into(present))
            settings, fingerprint = present.settings, present.fingerprint
        try:
            return ledger.open_run(
                name, budget=tokens, settings=settings, fingerprint=fingerprint, resume=True, instead_of=empty
            )
        except InputError:
            now_there = next((info for info in ledger.runs() if info.name == name), None)
            if now_there == present:
                raise  # and otherwise another gateway was faster, and they are gone on with


def _carried_into(info: RunInfo) -> int:
    """What was carried over into a window, however often its budget was raised since."""
    if "carried" in info.settings:
        return int(info.settings["carried"])
    own = int(info.settings.get("budget", info.budget))  # of a version that did not write it down
    return max(0, min(info.budget - own, math.floor(float(info.settings.get("carry", 0.0)) * own)))


def _close_old(ledger: Ledger, info: RunInfo) -> LedgerRun:
    """Charge what dead processes held in a window that is over."""
    run = ledger.open_run(
        info.name, budget=info.budget, settings=info.settings, fingerprint=info.fingerprint, resume=True
    )
    if not run.held():  # another gateway may still be at it
        run.finish()
    return run
