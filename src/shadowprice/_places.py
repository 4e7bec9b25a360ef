"""Which files a command reads and writes: no two of them may be the same one."""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from shadowprice._atomic import is_system_file
from shadowprice._errors import InputError

_LONGEST: Final = 255
"""Bytes of a file's name that file systems keep."""

Place = str | os.PathLike[str] | None


def check_places(written: Mapping[str, Place], read: Mapping[str, Place]) -> None:
    """Refuse to write over what is read, or two outputs into one file.

    Args:
        written: Files that will be written, by the option that names them; those that are None are left out.
        read: Files that are read, in the same way.

    Raises:
        InputError: Two names lead to one file of which one is written, or a name to write is too long.
    """
    outputs = [(option, Path(path)) for option, path in written.items() if path is not None]
    inputs = [(option, Path(path)) for option, path in read.items() if path is not None]
    for number, (option, path) in enumerate(outputs):
        _check_length(path, option)
        for other, its in outputs[:number] + inputs:
            if is_same_file(path, its):
                raise InputError(f"{option} and {other} name the same file, {path}; give {option} another one.")


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two names lead to one file, or would if it were written; links of both kinds are followed.

    A terminal and /dev/null keep nothing that could be written over, so they are never the same. Of files that are not
    there yet, those are the same that have one name in one folder.
    """
    found, its = _status(one), _status(other)
    if found is not None and its is not None:
        return os.path.samestat(found, its) and not stat.S_ISCHR(found.st_mode)
    if found is not None or its is not None:
        return False
    path, its_path = Path(os.path.realpath(one)), Path(os.path.realpath(other))
    folder, its_folder = _status(path.parent), _status(its_path.parent)
    together = (
        path.parent == its_path.parent if folder is None or its_folder is None else os.path.samestat(folder, its_folder)
    )
    return together and os.path.normcase(path.name) == os.path.normcase(its_path.name)


def beside(path: Path, name: str, *, what: str, advice: str) -> Path:
    """The file that is kept beside another one.

    Args:
        path: The other file.
        name: Its name, with the other's in the place of `{}`.
        what: What is kept there, in words.
        advice: What to do where it cannot be.

    Raises:
        InputError: The other one is a device, beside which nothing can be kept, or its name leaves no room for more.
    """
    if is_system_file(path):
        raise InputError(f"{what} cannot lie beside {path}, where no files are kept; {advice}.")
    place = path.with_name(name.format(path.name))
    if (size := len(os.fsencode(place.name))) > _LONGEST:
        raise InputError(
            f"{what} beside {path} would have a name of {size} bytes, of {_LONGEST} that a name may have; "
            f"give a shorter one, or {advice}."
        )
    return place


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _check_length(path: Path, option: str) -> None:
    if (size := len(os.fsencode(path.name))) > _LONGEST:
        raise InputError(
            f"{option}: a name of {size} bytes is too long, at most {_LONGEST} can be; give a shorter one."
        )
