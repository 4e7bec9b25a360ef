"""Who holds a reservation, and whether that process still lives.

Every connection that reserves keeps a file beside the ledger locked. The kernel lets go of the lock when the process
dies, in whatever way, so a lock that can be had is a death certificate. Process ids are no such thing: they are used
again, and mean nothing in another container.
"""

import fcntl
import os
import re
import secrets
import time
from pathlib import Path
from weakref import WeakSet

from shadowprice._errors import InputError


class HolderLock:
    """A lock file of one connection, locked until it is closed or its process dies.

    Args:
        ledger: The ledger file; the lock file is made beside it.

    Raises:
        InputError: The folder cannot be written.
    """

    def __init__(self, ledger: Path) -> None:
        self.mark = secrets.token_hex(8)
        """What tells this lock file from others."""
        self._path = _path(ledger, self.mark)
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"Cannot write {self._path}: {error.strerror}; put the ledger on a local disk, in a folder that you "
                "can write to."
            ) from error
        _here.add(self)

    def beat(self) -> None:
        """Leave a sign of life: the time of the lock file."""
        if self._file >= 0:
            os.utime(self._file)

    def close(self) -> None:
        """Let go; what is still reserved counts as a dead process's from now on. Safe to call twice."""
        if self._file >= 0:
            self._path.unlink(missing_ok=True)
        self.forget()

    def forget(self) -> None:
        """Close the file and leave the lock to other processes that have it open."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


_here: WeakSet[HolderLock] = WeakSet()
"""The locks of this process."""


def _forget_all() -> None:
    """A forked child shares its parent's locks; if it outlived the parent, the dead would seem to live."""
    for lock in _here:
        lock.forget()


os.register_at_fork(after_in_child=_forget_all)


def is_alive(ledger: Path, mark: str) -> bool:
    """Whether a holder's process lives; in doubt it does, because its reservations are kept then."""
    if not _is_mark(mark):
        return False
    try:
        file = os.open(_path(ledger, mark), os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        # Shared, so that two processes that look at the same time do not take each other for the holder.
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def silence(ledger: Path, mark: str) -> float:
    """Seconds from a dead holder's last sign of life to when it was missed; infinite where there is none.

    It is missed by whoever is started in its place, and not only once that has loaded all that it needs.
    """
    try:
        last = _path(ledger, mark).stat().st_mtime if _is_mark(mark) else float("-inf")
    except OSError:
        last = float("-inf")
    began = _started()
    return max(0.0, (began if began > last else time.time()) - last)


def _started() -> float:
    """When this process was started, seconds since 1970; now where nobody says."""
    try:
        ticks = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19])
        up = float(Path("/proc/uptime").read_text().split()[0])
        return time.time() - (up - ticks / os.sysconf("SC_CLK_TCK"))
    except (OSError, ValueError, IndexError):
        return time.time()


def sweep(ledger: Path) -> None:
    """Take away the lock files of dead processes.

    Only within a transaction that writes: lock files are made within one as well, so nobody is about to lock one.
    """
    start = f"{ledger.name}-holder-"
    try:
        for file in os.scandir(ledger.parent):
            mark = file.name.removeprefix(start)
            if file.name == start + mark and _is_mark(mark) and not is_alive(ledger, mark):
                _path(ledger, mark).unlink(missing_ok=True)
    except OSError:
        return  # a file that stays is litter and nothing else


def _path(ledger: Path, mark: str) -> Path:
    return ledger.with_name(f"{ledger.name}-holder-{mark}")


def _is_mark(mark: str) -> bool:
    """A ledger from elsewhere must not make us touch other files."""
    return re.fullmatch("[0-9a-f]{16}", mark) is not None
