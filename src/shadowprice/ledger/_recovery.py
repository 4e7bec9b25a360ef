"""Charging what dead processes were at."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from shadowprice.ledger._holders import is_alive, sweep
from shadowprice.ledger._values import now


class Recovered(NamedTuple):
    """What dead processes left behind."""

    requests: int
    """Requests that they had reserved tokens for."""
    tokens: int
    """Tokens that these were charged, all that was reserved."""


def recover(db: sqlite3.Connection, path: Path, run: int, holder: int, *, ahead: bool) -> Recovered:
    """Charge the open reservations of dead processes in full, within a transaction.

    Args:
        db: The file.
        path: Where it is.
        run: The run's number.
        holder: Our own.
        ahead: Whether what servers were allowed beyond them is charged as well.
    """
    requests = tokens = 0
    for other, mark in db.execute(
        "SELECT id, mark FROM holders WHERE id <> ? AND (closed IS NULL "
        "OR id IN (SELECT holder FROM attempts WHERE run = ? AND state = 'open'))",
        (holder, run),
    ).fetchall():
        if is_alive(path, mark):
            continue
        db.execute("UPDATE holders SET closed = coalesce(closed, ?) WHERE id = ?", (now(), other))
        count, reserved, beyond = db.execute(
            "SELECT count(*), coalesce(sum(reserved), 0), coalesce(sum(ahead), 0) FROM attempts "
            "WHERE run = ? AND holder = ? AND state = 'open'",
            (run, other),
        ).fetchone()
        db.execute(
            "UPDATE attempts SET state = 'lost', charged = reserved + iif(?1, ahead, 0), "
            "reserved = reserved + iif(?1, ahead, 0), ahead = 0, closed = ?2 "
            "WHERE run = ?3 AND holder = ?4 AND state = 'open'",
            (ahead, now(), run, other),
        )
        db.execute(
            "UPDATE runs SET reserved = reserved - ?, ahead = ahead - ?, spent = spent + ? WHERE id = ?",
            (reserved, beyond, lost := reserved + (beyond if ahead else 0), run),
        )
        requests, tokens = requests + count, tokens + lost
    sweep(path)
    return Recovered(requests, tokens)
