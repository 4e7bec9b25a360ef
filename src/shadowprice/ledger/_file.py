"""Opening a ledger file, and saying in one sentence what is wrong with it."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

from shadowprice._errors import InputError, LedgerError
from shadowprice.ledger._schema import APPLICATION_ID, LEAST_SQLITE, SCHEMA_VERSION, TABLES

_PAGES_OF_WAL = 4000
"""16 MB: copying the log into the file waits for the disk, so it is done every few thousand requests."""
_KIB_OF_CACHE = 32 * 1024
"""Requests are looked for by id, in no order, so the indices should be in memory."""
_MOST_LETTERS = 200
_HEADER = b"SQLite format 3\0"
_ANOTHER_FILE = "name the ledger of a run, or a file that does not exist yet"


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite complains of into one sentence that names the file and the fix.

    Raises:
        InputError: The file is not a ledger, damaged, or may not be used.
        LedgerError: It cannot be read or written just now; what it holds is safe.
    """
    try:
        yield
    except sqlite3.Error as error:
        if isinstance(error, sqlite3.ProgrammingError | sqlite3.InterfaceError):
            raise  # not the file's fault: a closed connection, another thread
        # Python itself complains of some texts that are no UTF-8, without a code.
        raise _sentence(path, getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF, error) from error
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _sentence(path, sqlite3.SQLITE_CORRUPT, error) from error


def _sentence(path: Path, code: int, cause: Exception) -> Exception:
    error = " ".join(str(cause).split())[:_MOST_LETTERS]
    if code == sqlite3.SQLITE_NOTADB:
        return InputError(f"{path} is not a ledger, it is no SQLite file; {_ANOTHER_FILE}.")
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_SCHEMA):
        return InputError(
            f"{path} is damaged ({error}): keep a copy, rescue what can be read with `sqlite3 {path.name} .recover`, "
            "and start a new ledger."
        )
    if code == sqlite3.SQLITE_CONSTRAINT:
        return InputError(
            f"{path} does not add up ({error}), so nothing was written: see `shadowprice ledger show {path}`."
        )
    if code == sqlite3.SQLITE_CANTOPEN:
        return InputError(f"Cannot open {path}: give a file in a folder that exists and that you can write to.")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_AUTH):
        return InputError(f"Cannot write {path}: it or its folder is read-only; change that, or copy it elsewhere.")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return LedgerError(f"{path} is locked by another process: end the program that holds it, and go on.")
    if code == sqlite3.SQLITE_FULL:
        return LedgerError(f"{path} cannot grow, the disk is full: free some space, and go on; nothing is lost.")
    return LedgerError(f"{path} cannot be read or written ({error}): see to the disk, and go on; nothing is lost.")


def connect(path: Path, *, create: bool, power_safe: bool, patience: float) -> sqlite3.Connection:
    """Open a ledger for reading and writing; make one where there is none, if that is asked for.

    Args:
        path: The file.
        create: Whether to make it if it is absent or empty.
        power_safe: Whether every transaction waits for the disk.
        patience: Seconds to wait for other processes.

    Raises:
        InputError: It is no ledger, or of a newer version, or cannot be opened.
        LedgerError: It cannot be read or written just now.
    """
    _check_place(path, create=create)
    with explained(path):
        connection = sqlite3.connect(path.resolve(), timeout=patience, isolation_level=None)
        try:
            if _is_blank(connection) and create:
                _make(connection, path, patience)
            check_version(connection, path)
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute(f"PRAGMA cache_size = {-_KIB_OF_CACHE}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_PAGES_OF_WAL}")
            # What a killed process has written is in the hands of the operating system, so NORMAL loses nothing to
            # `kill -9`, and the file stays consistent even when the power is cut. Only a power cut can take back the
            # newest transactions, and with them reservations of requests that a server may have answered. FULL excludes
            # that too, and makes every transaction wait for the disk (5 ms where this was measured), so it wants
            # batches.
            connection.execute(f"PRAGMA synchronous = {'FULL' if power_safe else 'NORMAL'}")
        except BaseException:
            connection.close()
            raise
    return connection


def connect_to_read(path: Path, patience: float) -> sqlite3.Connection:
    """Open a ledger that is only looked at, also where nothing can be written.

    Raises:
        InputError: It is no ledger, or of a newer version, or cannot be opened.
        LedgerError: It cannot be read just now.
    """
    _check_place(path, create=False)
    place = path.resolve()
    if _may(place, os.W_OK) and _may(place.parent, os.W_OK):
        # Reading a WAL file makes two files beside it; a connection that might write takes them away again.
        mode = "mode=rw"
    else:
        mode = "mode=ro" if place.with_name(f"{place.name}-wal").exists() else "immutable=1"
    with explained(path):
        connection = sqlite3.connect(
            f"file:{quote(os.fsencode(place))}?{mode}", uri=True, timeout=patience, isolation_level=None
        )
        try:
            connection.execute("PRAGMA query_only = ON")
            check_version(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def check_version(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no ledger, or one that this version cannot read.

    Raises:
        InputError: It is so.
    """
    if _is_blank(connection):
        raise InputError(f"{path} holds no ledger, it is empty; {_ANOTHER_FILE}.")
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if application != APPLICATION_ID:
        raise InputError(f"{path} is a SQLite file of another program, not a ledger; {_ANOTHER_FILE}.")
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path} has version {version} of the ledger's schema, and this shadowprice knows {SCHEMA_VERSION}: "
            f"{'upgrade shadowprice' if version > SCHEMA_VERSION else 'use the version that wrote it'}."
        )
    with closing(sqlite3.connect(":memory:")) as new:
        for statement in TABLES:
            new.execute(statement)
        altered = _objects(new) - _objects(connection)
    # Indices and views of other hands do no harm; a trigger would write what we did not.
    altered |= {thing for thing in _objects(connection) if thing[0] == "trigger"}
    if altered:
        names = ", ".join(sorted(f"the {kind} {name}" for kind, name, _ in altered))
        raise InputError(f"{path} was altered: {names} should not be as it is; {_ANOTHER_FILE}.")


def _check_place(path: Path, *, create: bool) -> None:
    if sqlite3.sqlite_version_info < LEAST_SQLITE:
        raise InputError(
            f"Ledgers need SQLite {'.'.join(map(str, LEAST_SQLITE))} or newer, and this Python has "
            f"{sqlite3.sqlite_version}; use a newer Python."
        )
    try:
        path.resolve()
        if path.is_dir():
            raise InputError(f"{path} is a folder; name a file for the ledger.")
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is no regular file; name a file for the ledger.")
        if not path.exists() and not create:
            raise InputError(f"{path}: no such file; name the ledger of a run.")
        if not path.parent.is_dir():
            raise InputError(f"Cannot make {path}: there is no folder {path.parent}; make it first.")
        if path.exists() and not _may(path, os.R_OK):
            raise InputError(f"Cannot read {path}: permission denied; ask its owner.")
        _check_neighbours(path.resolve(), path)
    except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: links that lead to each other
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"Cannot open {str(path)!r}: {reason}; name a file for the ledger.") from error


def _check_neighbours(place: Path, path: Path) -> None:
    """Keep SQLite from what it would do to files beside a ledger: it plays a journal back, and deletes old logs.

    A journal may even name a file of the user's that is to be deleted, and a ledger may come from anybody.
    """
    logs = [place.with_name(place.name + end) for end in ("-wal", "-shm")]
    stray = [log for log in logs if log.exists()]
    try:
        with place.open("rb") as file:
            header = file.read(len(_HEADER))
    except FileNotFoundError:
        header = b""
    if header and header != _HEADER:
        raise InputError(f"{path} is not a ledger, it is no SQLite file; {_ANOTHER_FILE}.")
    if stray and not header:
        raise InputError(
            f"{stray[0]} lies where the new ledger {path} keeps its log; move it away, or {_ANOTHER_FILE}."
        )
    journal = place.with_name(f"{place.name}-journal")
    if journal.exists():
        raise InputError(
            f"{journal} lies beside the ledger {path}, and SQLite would play it back: move it away, as no ledger of "
            "ours has one."
        )


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _objects(connection: sqlite3.Connection) -> set[tuple[str, str, str]]:
    """Kinds and names of tables, views, indices and triggers, and the statements that made them."""
    return set(connection.execute("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))


def _is_blank(connection: sqlite3.Connection) -> bool:
    """Whether there is nothing in it: never used, or its maker died before the tables were there."""
    return not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] and (
        _pragma(connection, "application_id"),
        _pragma(connection, "user_version"),
    ) == (0, 0)


def _make(connection: sqlite3.Connection, path: Path, patience: float) -> None:
    mode = _switch_to_wal(connection, patience)
    if mode != "wal":
        raise InputError(
            f"{path} is on a file system where processes cannot share memory (journal mode '{mode}', not 'wal'); put "
            "the ledger on a local disk."
        )
    connection.execute("BEGIN IMMEDIATE")
    with closing(connection.cursor()) as cursor:
        try:
            if _is_blank(connection):
                for table in TABLES:
                    cursor.execute(table)
                cursor.execute(f"PRAGMA application_id = {APPLICATION_ID}")
                cursor.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            cursor.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                cursor.execute("ROLLBACK")
            raise


def _switch_to_wal(connection: sqlite3.Connection, patience: float) -> str:
    """Two processes that make the same file at once get in each other's way, and SQLite does not wait for this one."""
    until = time.monotonic() + patience
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                # A journal on disk would outlive a maker that is killed, and has nothing to bring back.
                connection.execute("PRAGMA journal_mode = MEMORY")
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)
