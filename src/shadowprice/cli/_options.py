"""What several commands share: budgets in words, lists and output. Rich is imported when something is printed."""

import math
import re
import shlex
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadowprice._atomic import check_writable
from shadowprice._errors import InputError
from shadowprice._text import shown

if TYPE_CHECKING:
    from shadowprice.cli._terminal import Terminal

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000, "g": 1_000_000_000}
_MOST_TOKENS = 2**53
MOST_SEED = 2**32 - 1
"""The largest seed that every random generator takes."""
TOKENS = re.compile(r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)", re.ASCII)


def parse_budget(text: str) -> int:
    """Tokens from `4000`, `4k`, `1.5M` or `2G`.

    Raises:
        InputError: It is none of these, or above 2**53.
    """
    match = TOKENS.fullmatch(text.strip())
    if match is None:
        raise InputError(f"The budget '{text}' is not a number of tokens; write 4000, 4k, 1.5M or 2G.")
    number, unit = match.groups()
    tokens = Decimal(number) * _UNITS[unit.lower()]
    if tokens > _MOST_TOKENS:
        raise InputError(f"The budget '{text[:40]}' is more than 2**53 tokens; write a smaller one.")
    return round(tokens)


def split_list(text: str | None) -> list[str]:
    """Names from a comma-separated list; nothing from nothing."""
    return [part.strip() for part in (text or "").split(",") if part.strip()]


def parse_budgets(text: str | None) -> list[int]:
    """Budgets from a comma-separated list."""
    return [parse_budget(part) for part in split_list(text)]


def require_writable(path: Path | None) -> None:
    """Complain now about a file that could not be written after long work."""
    if path is not None:
        check_writable(path)


def out() -> "Terminal":
    """Where results go."""
    from shadowprice.cli._terminal import Terminal

    return Terminal()


def say(message: str) -> None:
    """Tell people something on stderr, so that stdout holds results only."""
    from shadowprice.cli._terminal import Terminal

    Terminal(stderr=True).print(shown(message))


def command_line() -> str:
    """The command as it was called, for reports to repeat."""
    return shlex.join(["shadowprice", *sys.argv[1:]])


def print_json(data: Any) -> None:
    """Print a result as JSON; NaN has no place in JSON and becomes null."""
    from shadowprice.cli._terminal import json_text

    sys.stdout.write(json_text(_finite(data)))


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data
