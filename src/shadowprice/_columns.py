"""The names of columns: compared, shown, checked against what the caller says, and followed into nested values."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from shadowprice._errors import InputError

_SHOWN = 20
_LONGEST = 40


def shown(*names: str) -> str:
    """Names of columns as they may be printed: one line of a few, without anything that steers a terminal."""
    clean = ["".join(letter if letter.isprintable() else "?" for letter in name[:_LONGEST]) for name in names[:_SHOWN]]
    return ", ".join(clean) + (", ..." if len(names) > _SHOWN else "")


def plain(name: str) -> str:
    """A name as it is compared with others: ``Question Text``, ``question-text`` and ``question_text`` are one."""
    return name.strip().casefold().replace("-", "_").replace(" ", "_")


def check_wanted(wanted: Mapping[str, str], roles: Collection[str], present: Sequence[str], where: str) -> None:
    """Check what the caller says of columns, column by what it holds.

    Args:
        wanted: What the caller says; an empty name for what no column holds. A name with dots may lead into nested
            values.
        roles: What a column can be.
        present: The columns that there are.
        where: Names the file.

    Raises:
        InputError: A column is not there, or is of no known kind.
    """
    for role, name in wanted.items():
        if role not in roles:
            raise InputError(f"--columns: there is no '{shown(role)}'; choose from {', '.join(roles)}.")
        if name and name not in present and name.partition(".")[0] not in present:
            raise InputError(f"{where}: there is no column '{shown(name)}'; it has {shown(*present) or 'none'}.")


def lookup(values: Mapping[str, Any], name: str) -> Any:
    """A value by its column, or by a path of names and numbers with dots between."""
    if name in values:
        return values[name]
    value: Any = values
    for part in name.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part[:9]) < len(value):
            value = value[int(part[:9])]
        else:
            return None
    return value
