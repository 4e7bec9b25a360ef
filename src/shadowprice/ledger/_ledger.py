"""The file: runs in it, transactions on it, and what can be read from it."""

import json
import os
import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, SupportsIndex

from shadowprice._errors import InputError, LedgerError
from shadowprice.ledger import _reading
from shadowprice.ledger._file import connect, connect_to_read, explained
from shadowprice.ledger._holders import HolderLock
from shadowprice.ledger._making_room import set_aside, take_back, take_place
from shadowprice.ledger._parts import NOT_MOVED, Moved, Part
from shadowprice.ledger._records import Attempt, Outcome, RequestRow, RunInfo, State, Totals
from shadowprice.ledger._recovery import recover
from shadowprice.ledger._run import Run
from shadowprice.ledger._values import checked_name, checked_tokens, now, settings_text

_PAGES_IF_FORGOTTEN = 64_000
"""256 MB of log."""


class Ledger:
    """A file with the budgets, reservations and outcomes of runs; SQLite in WAL mode.

    Any number of processes may have it open. An object belongs to the thread that made it, and does not survive a fork.

    Args:
        path: The file; it is made if it is not there, on a local disk.
        read_only: Only look at it. It must exist; nothing is written, not even beside it if it cannot be.
        power_safe: Wait for the disk at the end of every transaction. Without it, everything survives the death of any
            process, and a power cut can take back the newest transactions.
        patience: Seconds to wait for other processes to finish a transaction.
        caps_are_lost: Charge requests of dead processes also what their servers may have made ahead, see `recover`;
            whoever reserves calls `beat` every second then.
        log_apart: Somebody calls `copy_log` when `log_bytes` are many, so that no transaction has to wait for that.

    Raises:
        InputError: The file is not a ledger, or damaged, or of a newer version, or cannot be written.
        LedgerError: It cannot be read or written just now. Every method may raise these two.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        read_only: bool = False,
        power_safe: bool = False,
        patience: float = 10.0,
        log_apart: bool = False,
        caps_are_lost: bool = False,
    ) -> None:
        self.caps_are_lost = caps_are_lost
        self.path = Path(path)
        """As it was given, for messages."""
        if read_only:
            self._db = connect_to_read(self.path, patience)
        else:
            self._db = connect(self.path, create=True, power_safe=power_safe, patience=patience)
            if log_apart:
                self._db.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_IF_FORGOTTEN}")
        self.place = self.path.resolve()
        """Where it is, whatever the working folder becomes; all processes must look for locks in one place."""
        self._read_only = read_only
        self._pid = os.getpid()
        self._lock: HolderLock | None = None
        self._holder = 0
        self._depth = 0
        self._doomed = False
        self._moves: dict[int, Moved] = {}
        """What a transaction has changed of the sums of runs, and not written yet."""

    def open_run(
        self,
        name: str = "run",
        *,
        budget: SupportsIndex,
        settings: Mapping[str, Any],
        fingerprint: str,
        resume: bool = False,
        replace: bool = False,
        reopen: Collection[str] = (),
        instead_of: str = "",
    ) -> Run:
        """Begin a run, or join or go on with one that is there.

        Reservations of processes that have died are charged in full; see `Run.recovered`.

        Args:
            name: Names the run in this file.
            budget: Tokens for everything that is generated in the run, at least 0.
            settings: What the run was asked to do, as JSON; secrets in it are not kept.
            fingerprint: Tells these questions from others.
            resume: Whether the run may be there already.
            replace: Whether a run that has come to its end (`Run.finish`) makes room for a new one, under another name.
                Of several that ask for this at once, one begins the new run.
            reopen: Reasons whose outcomes are taken back where the run is topped up: it is gone on with, and the budget
                is larger than before. Only outcomes that cost nothing are.
            instead_of: A run that this one takes the place of if nobody ever asked anything in it, and this one is not
                there yet. Whoever has that one open has this one then.

        Raises:
            InputError: The run is there and neither may be gone on with nor replaced, its settings or questions differ,
                or its budget was larger.
        """
        checked_name(name, "The run's name")
        checked_name(fingerprint, "The fingerprint of the questions")
        asked = (checked_tokens(budget, "The budget", 0), settings_text(settings), fingerprint)
        if self._depth or self._read_only:
            raise InputError("A run is opened outside of a batch, in a ledger that is not read-only.")
        lock, holder = self._lock, self._holder
        try:
            with self.write() as db:
                aside = replace and not resume and set_aside(db, name)
                if instead_of and resume:
                    take_place(db, instead_of, name, *asked)
                run, before = self._begin(db, name, *asked, resume=resume)
                back = 0 if before is None else take_back(db, run, reopen)
                if lock is None:
                    lock = HolderLock(self.place)
                    holder = _sign(db, lock)
                recovered = recover(db, self.place, run, holder, ahead=self.caps_are_lost)
        except BaseException:
            if lock is not None and self._lock is None:
                lock.close()
            raise
        self._lock, self._holder = lock, holder
        opened = Run(self, run, name, holder, recovered)
        opened.topped_up, opened.taken_back, opened.replaces = before, back, aside
        return opened

    def _begin(
        self,
        db: sqlite3.Connection,
        name: str,
        budget: int,
        settings: str,
        fingerprint: str,
        *,
        resume: bool,
    ) -> tuple[int, int | None]:
        """The run's row, and the budget that it had if it is topped up."""
        row = db.execute("SELECT id, budget, settings, fingerprint, spent FROM runs WHERE name = ?", (name,)).fetchone()
        if row is None:
            added = db.execute(
                "INSERT INTO runs (name, budget, settings, fingerprint, opened) VALUES (?, ?, ?, ?, ?)",
                (name, budget, settings, fingerprint, now()),
            )
            return int(added.lastrowid or 0), None
        run, old_budget, old_settings, old_fingerprint, spent = row
        if not resume:
            raise InputError(
                f"{self.path} holds the run '{name}' already, {spent} of its {old_budget} tokens spent; go on with "
                "--resume, or name another ledger."
            )
        was, is_ = json.loads(old_settings), json.loads(settings)
        if budget < old_budget:
            raise InputError(
                f"{self.path}: the run '{name}' has a budget of {old_budget} tokens, and {budget} are fewer; give "
                "the same one, or a larger one, which tops it up."
            )
        for field in sorted(was.keys() | is_.keys()):
            if was.get(field) != is_.get(field):
                raise InputError(
                    f"{self.path}: the run '{name}' was begun with {field} = {was.get(field)!r}, not "
                    f"{is_.get(field)!r}; use the same options, or name another ledger."
                )
        if fingerprint != old_fingerprint:
            raise InputError(
                f"{self.path}: the run '{name}' was begun with other questions, or asked them otherwise (fingerprint "
                f"{old_fingerprint}, not {fingerprint}); give the same questions and options, or name another ledger."
            )
        if budget == old_budget:
            return int(run), None
        db.execute("UPDATE runs SET budget = ?, finished = NULL WHERE id = ?", (budget, run))
        return int(run), int(old_budget)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Do everything in the block in one transaction: all of it is kept, or nothing.

        One transaction for many requests is faster, most of all with `power_safe`. Nothing counts as reserved or
        settled before the block has ended. The block must not wait for anything (no ``await``): it keeps other
        processes from writing, and what other tasks do meanwhile would become part of it.

        Raises:
            LedgerError: Something in the block could not be written and was caught there; nothing was kept.
        """
        with self._transaction():
            yield

    def beat(self) -> None:
        """Leave a sign of life, so that this process is known to have been at work if it dies now."""
        if self._lock is not None:
            self._lock.beat()

    def write(self) -> AbstractContextManager[sqlite3.Connection]:
        """One step of a run: a transaction of its own, or a part of the batch around it."""
        return Part(self) if self._depth else self._step()

    @contextmanager
    def _step(self) -> Iterator[sqlite3.Connection]:
        with explained(self.path), self._transaction() as db:
            yield db

    def move(self, run: int, spent: int, reserved: int, ahead: int, overrun: int) -> None:
        """Change the sums of a run, at the end of the transaction: many steps of a batch change the same ones."""
        was = self._moves.get(run, NOT_MOVED)
        self._moves[run] = Moved(was.spent + spent, was.reserved + reserved, was.ahead + ahead, was.overrun + overrun)

    def moved(self, run: int) -> Moved:
        """By how much the sums of a run are to be changed yet."""
        return self._moves.get(run, NOT_MOVED)

    def _write_moves(self) -> None:
        moves, self._moves = self._moves, {}
        for run, change in moves.items():
            self._db.execute(
                "UPDATE runs SET spent = spent + ?, reserved = reserved + ?, ahead = ahead + ?, overrun = overrun + ? "
                "WHERE id = ?",
                (*change, run),
            )

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One moment of the file, while others write; within a batch, the batch's own."""
        with explained(self.path):
            if self._depth:
                self._write_moves()
                yield self._db
                return
            self._db.execute("BEGIN")
            try:
                yield self._db
            finally:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if os.getpid() != self._pid:
            raise InputError(f"{self.path} was opened before a fork; open it anew in the child process.")
        if self._depth:
            with Part(self) as db:
                yield db
            return
        db = self._db
        try:
            self._depth, self._doomed = 1, False
            with explained(self.path):
                db.execute("BEGIN IMMEDIATE")
            yield db
            self._check_whole()
            with explained(self.path):
                self._write_moves()
                db.execute("COMMIT")
        except BaseException:
            # SQLite has rolled back by itself after some errors, a full disk among them.
            if db.in_transaction:
                with explained(self.path):
                    db.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0
            self._moves = {}

    def begin_part(self) -> sqlite3.Connection:
        """A step of a batch begins; see `write`."""
        self._check_whole()
        self._depth += 1
        return self._db

    def end_part(self, error: BaseException | None) -> None:
        """It ends. If one fails half-way and the caller goes on, the batch must not be kept."""
        self._depth -= 1
        if isinstance(error, sqlite3.Error):
            self._doomed = True
            with explained(self.path):
                raise error

    def _check_whole(self) -> None:
        if self._doomed:
            raise LedgerError(f"{self.path}: part of a batch failed, so none of it is kept; do it all again.")

    def runs(self) -> list[RunInfo]:
        """The runs in this file, oldest first."""
        with explained(self.path):
            return _reading.read_runs(self._db)

    def totals(self, run: str = "run") -> Totals:
        """Where a run's tokens are.

        Raises:
            InputError: There is no such run.
        """
        number = self._number(run)
        with explained(self.path):
            self._write_moves()
            return _reading.read_totals(self._db, number)

    def outcomes(self, run: str = "run") -> Iterator[Outcome]:
        """All outcomes of a run, in the order in which they were settled.

        Raises:
            InputError: There is no such run.
        """
        number = self._number(run)
        with explained(self.path):
            yield from _reading.read_outcomes(self._db, number)

    def newest(self, run: str = "run", count: int = 10) -> list[Outcome]:
        """The outcomes that were settled last, newest first.

        Raises:
            InputError: There is no such run.
        """
        number = self._number(run)
        with explained(self.path):
            return _reading.read_newest(self._db, number, count)

    def attempts(self, run: str = "run", *, request: str | None = None, state: State | None = None) -> list[Attempt]:
        """Attempts of a run, by request and number; of one request, or in one state, if that is asked for.

        Raises:
            InputError: There is no such run.
        """
        number = self._number(run)
        with explained(self.path):
            return _reading.read_attempts(self._db, number, request, state)

    def requests(self, run: str | None = None) -> Iterator[RequestRow]:
        """Everything about every request, of one run or of all.

        Raises:
            InputError: There is no such run.
        """
        if run is not None:
            self._number(run)
        with explained(self.path):
            yield from _reading.read_requests(self._db, run)

    def check(self, most: int = 20) -> list[str]:
        """What is wrong with the file or its sums, at most so many sentences; empty if all is in order."""
        with self.read() as db:  # one moment for all sums
            return _reading.find_errors(db, most)

    def _number(self, name: str) -> int:
        with explained(self.path):
            row = self._db.execute("SELECT id FROM runs WHERE name = ?", (name,)).fetchone()
            names = ", ".join(f"'{info.name}'" for info in self.runs()) if row is None else ""
        if row is None:
            raise InputError(f"{self.path} has no run '{name}'; it has {names or 'none'}.")
        return int(row[0])

    def close(self) -> None:
        """Close the file; reservations that are still open will be charged in full. Safe to call twice."""
        if os.getpid() != self._pid:
            return  # the connection is the parent's; even closing it here would drop the parent's locks
        try:
            if self._holder:
                self._db.execute("UPDATE holders SET closed = ? WHERE id = ?", (now(), self._holder))
        except sqlite3.Error:
            pass  # whoever resumes finds the lock gone, and that is what counts
        finally:
            self._holder = 0
            self._db.close()
            if self._lock is not None:
                self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _sign(db: sqlite3.Connection, lock: HolderLock) -> int:
    added = db.execute("INSERT INTO holders (mark, pid, opened) VALUES (?, ?, ?)", (lock.mark, os.getpid(), now()))
    return int(added.lastrowid or 0)
