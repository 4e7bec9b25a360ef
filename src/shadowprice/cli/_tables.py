"""Tables for people: one style, whole in every terminal. A table that does not fit is stacked, a block for each row."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shadowprice._text import shown

GAP: Final = 2
"""Blanks between two columns."""
_WORDS: Final = 20
"""Characters to which a column of words may be narrowed."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    name: str
    words: bool = False
    """Whether it holds words, which may go on in the next line, and not figures, which may not."""


def words(name: str) -> Column:
    """A column of words."""
    return Column(name, words=True)


def plain_table(*, header: bool = True) -> Table:
    """An empty table in the one style, for what `print_table` cannot say."""
    return Table(
        box=box.SIMPLE_HEAD,
        show_edge=False,
        show_header=header,
        header_style="",
        padding=(0, GAP - 1, 0, 0),
        pad_edge=False,
    )


def print_table(
    console: Console,
    title: str,
    columns: Sequence[Column | str],
    rows: Iterable[Sequence[str]],
    *,
    last: Sequence[str] | None = None,
) -> None:
    """Print a table, or a block for each row where the terminal is too narrow for it.

    Args:
        console: Where to.
        title: What it shows; may be empty.
        columns: Names of columns of figures, and `words`.
        rows: A text for each column.
        last: A row that sums up the others.
    """
    named = [Column(column) if isinstance(column, str) else column for column in columns]
    lines = [[shown(cell) for cell in row] for row in rows]
    sums = [] if last is None else [[shown(cell) for cell in last]]
    if title:
        console.print(title)
    widths = _widths(named, [*lines, *sums], console.width)
    if widths is None:
        _stack(console, named, [*lines, *sums])
        return
    table = plain_table()
    for column, width, head in zip(named, widths, _heads(named, widths), strict=True):
        table.add_column(Text(head), width=width, justify="left" if column.words else "right", overflow="fold")
    for line in lines:
        table.add_row(*line)
    if sums:
        table.add_section()
        table.add_row(*sums[0])
    console.print(table)


def print_facts(console: Console, title: str, facts: Iterable[tuple[str, str]]) -> None:
    """Print names and figures, a line for each.

    Args:
        console: Where to.
        title: What they are of; may be empty.
        facts: Names and figures.
    """
    if title:
        console.print(title)
    table = plain_table(header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", overflow="fold")
    for name, figure in facts:
        table.add_row(f"  {name}", figure)
    console.print(table)


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[int] | None:
    """Characters of each column, or None if they do not fit.

    Names are broken over two lines or three before words are, and words before the table is given up.
    """
    cells = [max((cell_len(row[at]) for row in rows), default=0) for at in range(len(columns))]
    room = width - GAP * (len(columns) - 1)
    for most in (max(cells, default=0), _WORDS):
        for lines in (1, 2, 3, None):
            widths = [
                max(_narrowest(column.name, lines), min(cell, most) if column.words else cell)
                for column, cell in zip(columns, cells, strict=True)
            ]
            left = room - sum(widths)
            if left < 0:
                continue
            for at in (at for at, column in enumerate(columns) if column.words):
                more = max(0, min(left, cells[at] - widths[at]))
                widths[at] += more
                left -= more
            return widths
    return None


def _narrowest(name: str, lines: int | None) -> int:
    """Characters that a name needs in so many lines at most, whole words in each."""
    width = max(map(cell_len, name.split()), default=0)
    while lines is not None and len(textwrap.wrap(name, max(1, width))) > lines:
        width += 1
    return width


def _heads(columns: Sequence[Column], widths: Sequence[int]) -> list[str]:
    """Names in lines, so many for each that they stand on the rule."""
    parts = [textwrap.wrap(column.name, max(1, width)) for column, width in zip(columns, widths, strict=True)]
    most = max(map(len, parts), default=0)
    return ["\n".join([*[""] * (most - len(lines)), *lines]) for lines in parts]


def _stack(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    names = [f"  {column.name}" for column in columns]
    figures = [cell_len(cell) for row in rows for column, cell in zip(columns, row, strict=True) if not column.words]
    # Rather a name in pieces than a figure.
    wide = min(max(map(cell_len, names)), max(1, console.width - GAP - max(figures, default=0)))
    for number, row in enumerate(rows):
        if number:
            console.print()
        table = plain_table(header=False)
        table.add_column(overflow="fold", width=wide)
        table.add_column(overflow="fold")
        for name, cell in zip(names, row, strict=True):
            if cell:
                table.add_row(name, cell)
        console.print(table)
