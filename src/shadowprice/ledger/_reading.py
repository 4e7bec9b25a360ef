"""Answers to questions about a run, and whether the books are in order."""

import json
import sqlite3
from collections.abc import Iterator

from shadowprice.ledger._records import Attempt, Outcome, RequestRow, RunInfo, State, Totals

_PAGE = 1000
_REQUEST_COLUMNS = "run, request, state, reason, generated, attempts, reserved, charged, lost, settled, payload"

_INVARIANTS: tuple[tuple[str, str], ...] = (
    (
        "run {0}: {1} tokens are spent, {2} reserved, {3} ahead and {4} overrun by its totals, but not by its attempts",
        """
        SELECT name, spent, reserved, ahead, overrun FROM runs r WHERE (spent, reserved, ahead, overrun) IS NOT (
            SELECT coalesce(sum(charged), 0), coalesce(sum(iif(state = 'open', a.reserved, 0)), 0),
                coalesce(sum(a.ahead), 0), coalesce(sum(max(charged - a.reserved, 0)), 0)
            FROM attempts a WHERE a.run = r.id)""",
    ),
    (
        "run {0}: {1} tokens within reservations are spent, reserved or held, more than its budget of {2}",
        "SELECT name, spent - overrun + reserved + ahead, budget FROM runs "
        "WHERE spent - overrun + reserved + ahead > budget",
    ),
    (
        "run {0}, request {1}: {2} attempts are open",
        """
        SELECT name, request, count(*) FROM attempts a JOIN runs r ON r.id = a.run WHERE state = 'open'
        GROUP BY a.run, request HAVING count(*) > 1""",
    ),
    (
        "run {0}, request {1}: attempt {2} was followed by another, but is {3}",
        """
        SELECT name, request, attempt, state FROM attempts a JOIN runs r ON r.id = a.run
        WHERE state IN ('open', 'settled') AND EXISTS (
            SELECT 1 FROM attempts b WHERE b.run = a.run AND b.request = a.request AND b.attempt > a.attempt)""",
    ),
    (
        "run {0}, request {1}: it has {2} attempts, the last of them number {3}",
        """
        SELECT name, request, count(*), max(attempt) FROM attempts a JOIN runs r ON r.id = a.run
        GROUP BY a.run, request HAVING count(*) <> max(attempt)""",
    ),
    (
        "run {0}, request {1}: attempt {2} is {3}, which does not fit its outcome",
        """
        SELECT name, a.request, a.attempt, a.state FROM attempts a JOIN runs r ON r.id = a.run
        LEFT JOIN outcomes o ON o.run = a.run AND o.request = a.request
        WHERE (a.state = 'open' AND o.number IS NOT NULL) OR (a.state = 'settled' AND a.charged IS NOT o.generated)""",
    ),
    (
        "run {0}, request {1}: its outcome cost {2} tokens that no attempt was charged",
        """
        SELECT name, o.request, o.generated FROM outcomes o JOIN runs r ON r.id = o.run
        WHERE o.generated > 0 AND NOT EXISTS (
            SELECT 1 FROM attempts a WHERE a.run = o.run AND a.request = o.request AND a.state = 'settled')""",
    ),
)


def read_runs(connection: sqlite3.Connection) -> list[RunInfo]:
    """All runs, oldest first."""
    rows = connection.execute("SELECT name, budget, settings, fingerprint, opened, finished FROM runs ORDER BY id")
    return [RunInfo(name, budget, json.loads(settings), *rest) for name, budget, settings, *rest in rows]


def read_totals(connection: sqlite3.Connection, run: int) -> Totals:
    """Where a run's tokens are."""
    budget, spent, reserved, ahead, overrun, lost, opened = connection.execute(
        """
        SELECT budget, spent, reserved, ahead, overrun,
            (SELECT coalesce(sum(charged), 0) FROM attempts WHERE run = id AND state = 'lost'),
            (SELECT count(*) FROM attempts WHERE run = id AND state = 'open')
        FROM runs WHERE id = ?""",
        (run,),
    ).fetchone()
    counts = connection.execute(
        "SELECT reason, count(*) FROM outcomes WHERE run = ? GROUP BY reason ORDER BY count(*) DESC, reason", (run,)
    )
    return Totals(budget, spent, reserved, ahead, overrun, lost, opened, dict(counts))


def read_outcomes(connection: sqlite3.Connection, run: int) -> Iterator[Outcome]:
    """All outcomes of a run in the order in which they were settled; those that come meanwhile are read as well."""
    last = 0
    # `+run` keeps SQLite from going by an index on the run, after which it would sort all rows for every page.
    while rows := connection.execute(
        "SELECT number, request, reason, generated, payload, settled FROM outcomes WHERE +run = ? AND number > ? "
        "ORDER BY number LIMIT ?",
        (run, last, _PAGE),
    ).fetchall():
        for _, *values in rows:
            yield _outcome(*values)
        last = rows[-1][0]


def read_newest(connection: sqlite3.Connection, run: int, count: int) -> list[Outcome]:
    """The outcomes that were settled last, newest first."""
    rows = connection.execute(
        "SELECT request, reason, generated, payload, settled FROM outcomes WHERE +run = ? ORDER BY number DESC LIMIT ?",
        (run, count),
    )
    return [_outcome(*row) for row in rows]


def read_attempts(connection: sqlite3.Connection, run: int, request: str | None, state: State | None) -> list[Attempt]:
    """Attempts of a run, by request and number."""
    rows = connection.execute(
        """
        SELECT request, attempt, state, reserved, ahead, charged, note, opened, closed FROM attempts
        WHERE run = :run AND (:request IS NULL OR request = :request) AND (:state IS NULL OR state = :state)
        ORDER BY request, attempt""",
        {"run": run, "request": request, "state": state},
    )
    return [Attempt(name, attempt, State(state), *rest) for name, attempt, state, *rest in rows]


def read_requests(connection: sqlite3.Connection, name: str | None) -> Iterator[RequestRow]:
    """Everything about every request that was reserved or settled."""
    where = "" if name is None else "WHERE run = ?"
    for row in connection.execute(f"SELECT {_REQUEST_COLUMNS} FROM requests {where}", () if name is None else (name,)):
        yield RequestRow(*row)


def find_errors(connection: sqlite3.Connection, most: int) -> list[str]:
    """What is wrong with the file or the books, one sentence each; nothing if they are in order."""
    found = [
        f"the file is damaged: {line}"
        for (line,) in connection.execute(f"PRAGMA integrity_check({int(most)})")
        if line != "ok"
    ]
    found += [
        f"row {row} of {table} refers to a row of {parent} that is not there"
        for table, row, parent, _ in connection.execute("PRAGMA foreign_key_check")
    ]
    for sentence, query in _INVARIANTS:
        found += [sentence.format(*row) for row in connection.execute(f"{query} LIMIT ?", (most,))]
    return found[:most]


def _outcome(request: str, reason: str, generated: int, payload: str, settled: str) -> Outcome:
    return Outcome(request, reason, generated, json.loads(payload), settled)
