"""What a run has bought, for whom and at what cost, as one HTML file."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from shadowprice.bench._page import write_page
from shadowprice.bench._run_plots import Track, plot_prices, plot_right
from shadowprice.bench._stories import Fact, Story


@dataclass(frozen=True, slots=True)
class Rows:
    """A table: its columns, and rows of texts as wide."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    """Columns from the left that hold words; the others hold numbers."""


@dataclass(frozen=True, slots=True)
class RunSheet:
    """All that the report of a run says, in words and figures."""

    title: str
    """What was bought."""
    intro: str
    """What ran, on what, and whether it has ended."""
    facts: Sequence[Fact]
    """What was bought, what it cost, what is left."""
    stories: Sequence[Story]
    """One question that was funded, one that was turned away."""
    nobody: str
    """What to say where nobody was turned away, or nobody funded; empty where both stories are there."""
    bargains: Rows
    """The funded questions that returned most for their tokens."""
    groups: Rows
    """Data sets or tiers; no rows where the questions name none."""
    costs: Rows
    """Where the tokens went."""
    said: Sequence[str]
    """What else is to be said of what it cost."""
    track: Track
    """What happened while tokens were spent."""
    compared: str
    """What was expected beside what came, a sentence."""
    priced: str
    """How the price moved, a sentence; empty where there was none."""
    more: Sequence[str]
    """The next step, in sentences."""
    offers: Rows
    """What more tokens are expected to buy; no rows where nobody knows."""


def write_run_report(sheet: RunSheet, command: str, path: str | os.PathLike[str]) -> None:
    """Write the report of a run to an HTML file that needs no network, all of it or nothing.

    Args:
        sheet: What it says.
        command: What was typed.
        path: The file to write.

    Raises:
        InputError: The file cannot be written.
    """
    write_page(
        "run.html.jinja",
        command,
        path,
        sheet=sheet,
        right=plot_right(sheet.track),
        prices=plot_prices(sheet.track),
    )
