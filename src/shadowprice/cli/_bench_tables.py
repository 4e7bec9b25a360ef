"""The table of a bench, in as many blocks as the terminal needs."""

import textwrap
from collections.abc import Iterator
from typing import Final, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadowprice.bench import BenchResult
from shadowprice.cli._tables import GAP, plain_table

_CELL: Final = 6
"""Characters of one cell, wide enough for `100.0` and a blank."""
_CLOSED: Final = "closed"


class _Part(NamedTuple):
    """A stream with some of its budgets: one column of a block."""

    stream: str
    budgets: tuple[int, ...]
    head: tuple[str, ...]
    """Lines."""
    width: int
    """Characters."""


def print_bench(result: BenchResult, console: Console) -> None:
    """Print policies down, streams and budgets across, accuracy in percent; the best policy of each column is bold.

    The last column is the share of the distance from clear-lambert to the oracle that a policy closes, on all streams.
    Streams that do not fit beside each other are shown below each other.

    Args:
        result: What to show.
        console: Where to.
    """
    console.print(f"right answers in %, {result.accounting} tokens, {result.seeds} draws: {result.traces}")
    numbers = {policy: number for number, policy in enumerate(result.notes, 1)}
    names = [f"{policy} ({numbers[policy]})" if policy in numbers else policy for policy in result.policies]
    blocks = list(_blocks(result, console.width, max(map(len, ["policy", *names]))))
    for number, block in enumerate(blocks, 1):
        if number > 1:
            console.print()
        console.print(_table(result, names, block, closed=number == len(blocks)))
    for policy, note in result.notes.items():
        console.print(f"({numbers[policy]}) {policy} {note}.", style="dim")


def _blocks(result: BenchResult, width: int, first: int) -> Iterator[list[_Part]]:
    """Columns that fit beside the names of policies and the last column."""
    room = width - first - GAP - len(_CLOSED)
    block: list[_Part] = []
    left = room
    for part in _parts(result, room - GAP):
        if block and left < part.width + GAP:
            yield block
            block, left = [], room
        block.append(part)
        left -= part.width + GAP
    yield block


def _parts(result: BenchResult, room: int) -> Iterator[_Part]:
    """Each stream, in parts if it is wider than there is room."""
    sizes = dict(zip(result.streams, result.stream_sizes, strict=True))
    cell = _cell(result)
    most = max(1, room // cell)
    for stream in result.streams:
        for start in range(0, len(result.budgets), most):
            budgets = tuple(result.budgets[start : start + most])
            head = textwrap.wrap(f"{stream}, {sizes[stream]} queries", max(room, 1), break_long_words=False)
            yield _Part(stream, budgets, tuple(head), max(cell * len(budgets), *map(len, head)))


def _cell(result: BenchResult) -> int:
    return max(_CELL, *(len(str(budget)) + 1 for budget in result.budgets))


def _table(result: BenchResult, names: list[str], block: list[_Part], *, closed: bool) -> Table:
    width = _cell(result)
    table = plain_table()
    lines = max(len(part.head) for part in block)
    table.add_column(Text("\n" * lines + "policy"), no_wrap=True)
    for part in block:
        budgets = "".join(f"{budget:>{width}}" for budget in part.budgets)
        head = [*[""] * (lines - len(part.head)), *part.head, budgets]
        table.add_column(Text("\n".join(head)), justify="right", no_wrap=True)
    if closed:
        table.add_column(Text("\n" * lines + _CLOSED), justify="right", no_wrap=True)
    for policy, name in zip(result.policies, names, strict=True):
        cells = (_cells(result, policy, part, width) for part in block)
        table.add_row(name, *cells, *([_closed(result, policy)] if closed else []))
    return table


def _closed(result: BenchResult, policy: str) -> str:
    share = result.closed(policy)
    return "–" if share is None else f"{round(100.0 * share)}%"


def _cells(result: BenchResult, policy: str, part: _Part, width: int) -> Text:
    if policy not in result.measured:
        return Text("".join(f"{'–':>{width}}" for _ in part.budgets))
    text = Text()
    for budget in part.budgets:
        best = policy in result.best(part.stream, budget)
        accuracy = result.cell(policy, part.stream, budget).accuracy
        text.append(f"{accuracy:>{width}.1f}", style="bold" if best else "")
    return text
