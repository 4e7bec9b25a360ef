"""Where a run and one of its requests stand, and what others have done with it."""

import sqlite3
from typing import NamedTuple

_LOOK = """
SELECT r.budget - r.spent - r.reserved - :taken, r.ahead + :ahead, o.reason, o.generated, o.payload,
    a.attempt, a.state, a.holder, a.reserved, a.ahead, a.charged, a.note
FROM runs r
LEFT JOIN outcomes o ON o.run = r.id AND o.request = :request
LEFT JOIN attempts a ON a.run = r.id AND a.request = :request
WHERE r.id = :run ORDER BY a.attempt DESC LIMIT 1"""


class News(NamedTuple):
    """What a run looks like from outside, at one moment."""

    available: int
    """Tokens that are neither spent nor reserved; below 0 after an overrun."""
    elsewhere: int
    """Requests that other connections have reserved tokens for."""
    settled: list[str]
    """Requests settled since the last time, by anybody."""


class Standing(NamedTuple):
    """A run and one of its requests, at the beginning of a transaction."""

    left: int
    """Tokens that are neither spent nor reserved; below 0 after an overrun."""
    held: int
    """Of these, tokens that servers may still make for requests that run."""
    reason: str | None
    generated: int | None
    payload: str | None
    attempt: int | None
    state: str | None
    holder: int | None
    reserved: int
    ahead: int
    charged: int | None
    note: str | None


def look(db: sqlite3.Connection, run: int, request: str, taken: int, ahead: int) -> Standing:
    """Read it all at once, within a transaction.

    Args:
        db: The file.
        run: The run's number.
        request: The request's id.
        taken: Tokens that this transaction has spent or reserved, and not written yet.
        ahead: Tokens that it has held ahead, and not written yet.
    """
    asked = {"run": run, "request": request, "taken": taken, "ahead": ahead}
    return Standing(*db.execute(_LOOK, asked).fetchone())


def look_around(db: sqlite3.Connection, run: int, holder: int, since: int) -> tuple[int, News]:
    """What has become of a run since an outcome, and the number of the newest one."""
    rows = db.execute(
        "SELECT number, request FROM outcomes WHERE run = ? AND number > ? ORDER BY number", (run, since)
    ).fetchall()
    (left,) = db.execute("SELECT budget - spent - reserved FROM runs WHERE id = ?", (run,)).fetchone()
    (elsewhere,) = db.execute(
        "SELECT count(*) FROM attempts WHERE run = ? AND state = 'open' AND holder <> ?", (run, holder)
    ).fetchone()
    return rows[-1][0] if rows else since, News(left, elsewhere, [request for _, request in rows])
