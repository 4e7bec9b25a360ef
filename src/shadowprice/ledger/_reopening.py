"""Taking outcomes back, so that their requests can be asked again."""

import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from shadowprice.ledger._reading import read_outcomes
from shadowprice.ledger._records import Outcome, State

_NOTE = "its outcome was taken back when the budget was topped up"


class TakenBack(NamedTuple):
    """Outcomes that were taken back."""

    requests: int
    asked: int
    """Requests of these that had cost tokens."""
    tokens: int
    """What they had cost; it stays spent."""


NOTHING = TakenBack(0, 0, 0)


def take_back(db: sqlite3.Connection, run: int, which: Callable[[Outcome], bool]) -> TakenBack:
    """Take some outcomes of a run back, within a transaction."""
    back = [outcome for outcome in read_outcomes(db, run) if which(outcome)]
    names = [(run, outcome.request) for outcome in back]
    # An attempt that gave no outcome has failed, whatever it was worth.
    db.executemany(
        f"UPDATE attempts SET state = '{State.CHARGED}', note = '{_NOTE}' "
        f"WHERE run = ? AND request = ? AND state = '{State.SETTLED}'",
        names,
    )
    db.executemany("DELETE FROM outcomes WHERE run = ? AND request = ?", names)
    cost = [outcome.generated for outcome in back if outcome.generated]
    return TakenBack(len(back), len(cost), sum(cost))
