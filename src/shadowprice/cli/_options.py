"""What several commands share: budgets in words, lists and output. Rich is imported when something is printed."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shadowprice._atomic import check_writable
from shadowprice._text import shown
from shadowprice._tokens import parse_budget

if TYPE_CHECKING:
    from shadowprice.cli._terminal import Terminal

MOST_SEED = 2**32 - 1
"""The largest seed that every random generator takes."""


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
    from shadowprice._json import finite
    from shadowprice.cli._terminal import json_text

    sys.stdout.write(json_text(finite(data)))
