"""What several commands share: budgets in words, lists, progress and output."""

import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from shadowprice._atomic import check_writable
from shadowprice._errors import InputError
from shadowprice._text import shown
from shadowprice.cli._terminal import Terminal, json_text

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


def out() -> Terminal:
    """Where results go. Wide enough for tables when it is not a terminal."""
    return Terminal(width=None if sys.stdout.isatty() else 160)


def say(message: str) -> None:
    """Tell people something on stderr, so that stdout holds results only."""
    Terminal(stderr=True, soft_wrap=True).print(shown(message))


def print_json(data: Any) -> None:
    """Print a result as JSON; NaN has no place in JSON and becomes null."""
    sys.stdout.write(json_text(_finite(data)))


def _finite(data: Any) -> Any:
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data


@contextmanager
def progress_bar(description: str, total: int | None, *, note: str = "") -> Iterator["Bar"]:
    """Show a progress bar on stderr if that is a terminal."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Terminal(stderr=True), disable=not sys.stderr.isatty()) as progress:
        yield Bar(progress, progress.add_task(description, total=total, note=note))


class Bar:
    """One task of a progress bar."""

    def __init__(self, progress: Progress, task: Any) -> None:
        self._progress = progress
        self._task = task

    def advance(self, steps: float = 1.0, note: str | None = None) -> None:
        """Move on, and say something beside the bar."""
        if note is not None:
            self._progress.update(self._task, note=shown(note))
        self._progress.advance(self._task, steps)

    def restart(self, total: int, note: str) -> None:
        """Begin again with another total."""
        self._progress.reset(self._task, total=total, note=note)

    @property
    def elapsed(self) -> float:
        """Seconds since the bar appeared."""
        return self._progress.tasks[0].elapsed or 0.0
