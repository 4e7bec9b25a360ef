"""Charging what dead processes were at."""

import sqlite3
from pathlib import Path
from typing import NamedTuple

from shadowprice.ledger._holders import is_alive, silence, sweep
from shadowprice.ledger._schema import MOST_TOKENS
from shadowprice.ledger._values import now

_AT_WORK = 3.0
"""Seconds since a process's last sign of life up to which it is taken to have been at work when it died."""
_UNREAD = 8
"""Tokens that a server may have made and a process that was at work had not read."""


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
        ahead: Whether what servers may have made beyond them is charged as well: a little where the process gave a
            sign of life just before (`Ledger.beat`), and all that they were allowed where it may have stood still.
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
        most = 0 if not ahead else _UNREAD if silence(path, mark) <= _AT_WORK else MOST_TOKENS
        count, reserved, beyond, unread = db.execute(
            "SELECT count(*), coalesce(sum(reserved), 0), coalesce(sum(ahead), 0), coalesce(sum(min(ahead, ?1)), 0) "
            "FROM attempts WHERE run = ?2 AND holder = ?3 AND state = 'open'",
            (most, run, other),
        ).fetchone()
        db.execute(
            "UPDATE attempts SET state = 'lost', charged = reserved + min(ahead, ?1), "
            "reserved = reserved + min(ahead, ?1), ahead = 0, closed = ?2 "
            "WHERE run = ?3 AND holder = ?4 AND state = 'open'",
            (most, now(), run, other),
        )
        db.execute(
            "UPDATE runs SET reserved = reserved - ?, ahead = ahead - ?, spent = spent + ? WHERE id = ?",
            (reserved, beyond, lost := reserved + unread, run),
        )
        requests, tokens = requests + count, tokens + lost
    sweep(path)
    return Recovered(requests, tokens)
