"""Writing a file whole or not at all."""

import errno
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from shadowprice._errors import InputError

_MOST_LINKS: Final = 40
"""Links that lead to each other before it counts as a circle; Linux gives up as early."""
_BESIDE: Final = 40
"""Characters of a name that the file beside it begins with: long names leave no room for more."""
_STREAMS: Final = {"/dev/stdout": 1, "/dev/stderr": 2}
_DESCRIPTOR: Final = re.compile(r"/(?:dev|proc/self)/fd/(\d{1,9})")


def _open_descriptors() -> frozenset[int]:
    folder = Path("/dev/fd")
    listed = [int(one.name) for one in folder.iterdir()] if folder.is_dir() else []
    return frozenset(number for number in listed if _is_open(number))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


_GIVEN: Final = _open_descriptors()
"""What whoever started this program has opened for it; a later one may be our own ledger."""


class _Target(NamedTuple):
    """Where what is written to a path ends up."""

    path: Path
    """The file itself, once symbolic links are followed."""
    through: bool
    """Whether it is written into, because it is no file that another could take the place of."""
    mode: int | None
    """Permission bits of the file that is there; None if there is none."""


@contextmanager
def write_whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path to write; once the block has ended well, what is there takes the target's place.

    - A file keeps its permission bits, and belongs to whoever writes. Of a file with several names (hard links), the
      one that is given names the new content from then on, the others keep the old.
    - Through a symbolic link its target is written, whether that exists or not; the link stays.
    - A FIFO, a terminal and everything else under /dev and /proc, such as /dev/stdout, is made whole elsewhere and then
      written into, never replaced. A FIFO waits for a reader.

    Raises:
        InputError: The folder or the file cannot be written, or is a socket, a disk or a circle of links.
    """
    given = Path(path)
    target = _find(given)
    partial = _new_file(given, target)
    try:
        yield partial
        if target.through:
            _write_into(target.path, partial)
        else:
            partial.chmod(0o666 & ~_umask() if target.mode is None else target.mode)
            partial.replace(target.path)
    except OSError as error:
        raise InputError(f"Cannot write {given}: {error.strerror or error}.") from error
    finally:
        partial.unlink(missing_ok=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Complain now about a file that could not be written after long work.

    Raises:
        InputError: `write_whole` could not write it.
    """
    given = Path(path)
    target = _find(given)
    _new_file(given, target).unlink()
    if target.through and not os.access(target.path, os.W_OK):
        raise InputError(f"Cannot write {given}: you have no permission to; choose another file.")


def is_system_file(path: Path) -> bool:
    """Whether a path lies under /dev or /proc, where nothing is kept; /dev/shm, a disk in memory, is no such place."""
    place = Path(os.path.normpath(path.absolute())).parts[1:3]
    return place[:1] in (("dev",), ("proc",)) and place != ("dev", "shm")


def _find(given: Path) -> _Target:
    place = given
    for _ in range(_MOST_LINKS):
        if is_system_file(place):
            return _of_system(given, place)
        try:
            found = place.lstat()
        except FileNotFoundError:
            return _Target(place, through=False, mode=None)
        except OSError as error:
            raise _refusal(given, error) from error
        if not stat.S_ISLNK(found.st_mode):
            return _judge(given, place, found.st_mode)
        place = place.parent / place.readlink()
    raise InputError(f"Cannot write {given}: its symbolic links lead in a circle; give a file name.")


def _of_system(given: Path, place: Path) -> _Target:
    match = _DESCRIPTOR.fullmatch(os.path.normpath(place.absolute()))
    if match is not None and int(match[1]) not in _GIVEN:
        raise InputError(f"Cannot write {given}: it was not open when this program began; give a file name.")
    try:
        mode = place.stat().st_mode
    except OSError as error:
        raise _refusal(given, error) from error
    return _judge(given, place, mode)._replace(through=True)


def _judge(given: Path, place: Path, mode: int) -> _Target:
    if stat.S_ISDIR(mode):
        raise InputError(f"Cannot write {given}: it is a folder; give a file name.")
    if stat.S_ISSOCK(mode) or stat.S_ISBLK(mode):
        raise InputError(
            f"Cannot write {given}: it is a {'socket' if stat.S_ISSOCK(mode) else 'disk'}; give a file name."
        )
    return _Target(place, through=not stat.S_ISREG(mode), mode=mode & 0o777)


def _new_file(given: Path, target: _Target) -> Path:
    """An empty file to write: beside the target that it will replace, else where temporary files are."""
    folder = None if target.through else target.path.parent
    try:
        handle, name = tempfile.mkstemp(dir=folder, prefix=f".{target.path.name[:_BESIDE]}.", suffix=".partial")
    except OSError as error:
        raise _refusal(given, error) from error
    os.close(handle)
    return Path(name)


def _write_into(place: Path, partial: Path) -> None:
    name = os.path.normpath(place.absolute())
    number = _STREAMS.get(name)
    if (match := _DESCRIPTOR.fullmatch(name)) is not None:
        number = int(match[1])
    if number is None:
        # Nothing is made here: a wrong name under /dev is no wish for a file there.
        handle = os.open(place, os.O_WRONLY | os.O_TRUNC | os.O_NOCTTY)
    else:
        # A stream of our own goes on where it is; opened anew, it would begin at its file's beginning.
        sys.stdout.flush()
        handle = os.dup(number)
    with partial.open("rb") as source, os.fdopen(handle, "wb") as sink:
        shutil.copyfileobj(source, sink)


def _refusal(given: Path, error: OSError) -> InputError:
    advice = "choose a shorter name" if error.errno == errno.ENAMETOOLONG else "choose a folder you can write to"
    return InputError(f"Cannot write {given}: {error.strerror}; {advice}.")


def _umask() -> int:
    """The process's mask; there is no way to read it but to set it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
