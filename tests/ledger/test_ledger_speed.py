"""What the ledger costs beside bare SQLite, which writes one row and changes it in the same number of transactions."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shadowprice.ledger import Ledger

PAYLOAD = {"text": "word " * 100, "answer": "42", "correct": True, "price": 0.001}
ROUNDS, PAIRS = 3, 1500


@pytest.mark.slow
@pytest.mark.parametrize(("power_safe", "batch"), [(False, 1), (False, 64), (True, 64)], ids=str)
def test_reserving_and_settling_costs_a_few_times_what_sqlite_does(
    tmp_path: Path, power_safe: bool, batch: int
) -> None:
    """Both in turn, the best of three rounds of each: others may use the machine as well."""
    ours, bare = float("inf"), float("inf")
    with (
        Ledger(tmp_path / "l", power_safe=power_safe) as ledger,
        closing(sqlite3.connect(tmp_path / "bare", isolation_level=None)) as db,
    ):
        run = ledger.open_run(budget=10**9, settings={}, fingerprint="f")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        db.execute("CREATE TABLE t (name TEXT PRIMARY KEY, tokens INTEGER, text TEXT) WITHOUT ROWID")

        def ledgers(names: list[str]) -> None:
            with ledger.batch():
                for name in names:
                    run.reserve(name, 300)
            with ledger.batch():
                for name in names:
                    run.settle(name, 200, "finished", PAYLOAD)

        def rows(names: list[str]) -> None:
            values = [{"name": name, "text": PAYLOAD["text"]} for name in names]
            for statement in (
                "INSERT INTO t VALUES (:name, 300, :text)",
                "UPDATE t SET tokens = 200, text = :text WHERE name = :name",
            ):
                db.execute("BEGIN IMMEDIATE")
                db.executemany(statement, values)
                db.execute("COMMIT")

        for part in range(ROUNDS):
            ours = min(ours, _seconds(ledgers, part, batch))
            bare = min(bare, _seconds(rows, part, batch))
        print(
            f"{PAIRS / ours:.0f} pairs of reserve and settle a second, {batch} a batch, power_safe={power_safe}: "
            f"{ours / bare:.1f} times bare SQLite"
        )
        assert ours < 15 * bare
        assert 200 * ROUNDS * PAIRS == run.totals().spent


def _seconds(work: Callable[[list[str]], None], part: int, batch: int) -> float:
    begun = time.perf_counter()
    for start in range(0, PAIRS, batch):
        work([f"{number * 7919 % PAIRS}/{part}" for number in range(start, min(PAIRS, start + batch))])
    return time.perf_counter() - begun
