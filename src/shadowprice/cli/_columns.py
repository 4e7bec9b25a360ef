"""Files of questions as commands are given them, and `--columns`: which column of a table holds what."""

from shadowprice._errors import InputError


def parse_columns(text: str | None, example: str) -> dict[str, str]:
    """Column by what it holds, from ``question=prompt,gold=answer``; an empty name is for what no column holds.

    Args:
        text: What the option says; nothing from nothing.
        example: What to write instead, where it cannot be read.

    Raises:
        InputError: A part names no column, or says the same thing twice.
    """
    pairs = [pair.partition("=") for pair in text.split(",")] if text else []
    found: dict[str, str] = {}
    for role, equals, name in ((role.strip(), equals, name.strip()) for role, equals, name in pairs):
        if not equals:
            raise InputError(f"--columns: '{role}' names no column; write {example}.")
        if role in found:
            raise InputError(f"--columns: '{role}' is there twice; write {example}.")
        found[role] = name
    return found
