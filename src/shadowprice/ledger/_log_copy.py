"""Copying a ledger's log into its file beside the work, so that nobody's transaction waits for the disk.

SQLite does it by itself in the transaction that makes the log long enough, which then waits for the disk: 80 ms where
this was measured, every few seconds of a busy gateway. A thread of its own can do nearly all of it meanwhile; the rest
is a few pages. See https://www.sqlite.org/wal.html#checkpointing.
"""

from contextlib import closing
from pathlib import Path
from typing import Final

from shadowprice.ledger._file import connect, explained

_PATIENCE: Final = 0.05
"""Seconds to wait for others at the end, who wait as well then."""
_PASSES: Final = 2
"""While the log is copied it grows; the second time there is little to do."""


def log_bytes(path: Path) -> int:
    """Bytes of a ledger's log."""
    try:
        return path.with_name(f"{path.name}-wal").stat().st_size
    except OSError:
        return 0


def copy_log(path: Path) -> bool:
    """Copy the log of a ledger into it, so that the log begins anew; in any thread, while others write.

    Returns:
        Whether it does; if not, others were at work all the time, and it is to be tried again.

    Raises:
        InputError: The file is no ledger.
        LedgerError: It cannot be written just now.
    """
    with closing(connect(path, create=False, power_safe=False, patience=_PATIENCE)) as db, explained(path):
        for _ in range(_PASSES):
            db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
        (busy, *_) = db.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()
        return not busy
