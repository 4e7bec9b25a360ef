"""Which column of a table holds what, as people say it."""

from collections.abc import Mapping

from shadowprice._errors import InputError


def parse_columns(columns: str | Mapping[str, str] | None, example: str) -> Mapping[str, str]:
    """Column by what it holds, from ``question=prompt,gold=answer``; an empty name is for what no column holds.

    Args:
        columns: What somebody says; nothing from nothing, and what is parsed already stays as it is.
        example: What to write instead, where it cannot be read.

    Raises:
        InputError: A part names no column, or says the same thing twice.
    """
    if isinstance(columns, Mapping):
        return columns
    pairs = [pair.partition("=") for pair in columns.split(",")] if columns else []
    found: dict[str, str] = {}
    for role, equals, name in ((role.strip(), equals, name.strip()) for role, equals, name in pairs):
        if not equals:
            raise InputError(f"--columns: '{role}' names no column; write {example}.")
        if role in found:
            raise InputError(f"--columns: '{role}' is there twice; write {example}.")
        found[role] = name
    return found
