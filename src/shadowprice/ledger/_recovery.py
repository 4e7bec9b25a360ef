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


def recover(db: sqlite3.Connection, path: Path, run: int, holder: int) -> Recovered:
    """Charge the open reservations of dead processes in full, within a transaction."""
    requests = tokens = 0
    for other, mark in db.execute(
        "SELECT id, mark FROM holders WHERE id <> ? AND (closed IS NULL "
        "OR id IN (SELECT holder FROM attempts WHERE run = ? AND state = 'open'))",
        (holder, run),
    ).fetchall():
        if is_alive(path, mark):
            continue
        db.execute("UPDATE holders SET closed = coalesce(closed, ?) WHERE id = ?", (now(), other))
        count, reserved, ahead = db.execute(
            "SELECT count(*), coalesce(sum(reserved), 0), coalesce(sum(ahead), 0) FROM attempts "
            "WHERE run = ? AND holder = ? AND state = 'open'",
            (run, other),
        ).fetchone()
        db.execute(
            "UPDATE attempts SET state = 'lost', charged = reserved, ahead = 0, closed = ? "
            "WHERE run = ? AND holder = ? AND state = 'open'",
            (now(), run, other),
        )
        db.execute(
            "UPDATE runs SET reserved = reserved - ?, ahead = ahead - ?, spent = spent + ? WHERE id = ?",
            (reserved, ahead, reserved, run),
        )
        requests, tokens = requests + count, tokens + reserved
    sweep(path)
    return Recovered(requests, tokens)
