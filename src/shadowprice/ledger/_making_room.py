"""Runs and outcomes that make room for others, within a transaction."""

import sqlite3
from collections.abc import Collection

from shadowprice.ledger._values import now


def take_place(db: sqlite3.Connection, old: str, name: str, budget: int, settings: str, fingerprint: str) -> None:
    """Make a run of which nothing was ever asked another one, if that is not there."""
    db.execute(
        "UPDATE runs SET name = ?, budget = ?, settings = ?, fingerprint = ?, opened = ?, finished = NULL "
        "WHERE name = ? AND NOT EXISTS (SELECT 1 FROM runs WHERE name = ?) "
        "AND NOT EXISTS (SELECT 1 FROM attempts WHERE run = id) AND NOT EXISTS (SELECT 1 FROM outcomes WHERE run = id)",
        (name, budget, settings, fingerprint, now(), old, name),
    )


def take_back(db: sqlite3.Connection, run: int, reasons: Collection[str]) -> int:
    """Drop outcomes that cost nothing, so that their requests can be asked again; how many."""
    return sum(
        db.execute("DELETE FROM outcomes WHERE run = ? AND reason = ? AND generated = 0", (run, reason)).rowcount
        for reason in reasons
    )


def set_aside(db: sqlite3.Connection, name: str) -> bool:
    """Give a run that has come to its end another name, so that what was paid for is kept; whether there was one."""
    changed = db.execute(
        "UPDATE runs SET name = name || ' ' || id || ', finished ' || finished WHERE name = ? AND finished IS NOT NULL",
        (name,),
    )
    return changed.rowcount > 0
