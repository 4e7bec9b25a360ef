"""One self-contained HTML file with tables and pictures."""

import os
from collections.abc import Sequence

from shadowprice.bench._page import write_page
from shadowprice.bench._plots import plot_abandoned, plot_accuracy, plot_price
from shadowprice.bench._result import BenchResult


def write_report(results: Sequence[BenchResult], command: str, path: str | os.PathLike[str]) -> None:
    """Write bench results to an HTML file that needs no network, all of it or nothing.

    Args:
        results: One table per accounting; the pictures show the first.
        command: What to type to get the same report.
        path: The file to write.

    Raises:
        InputError: The file cannot be written.
    """
    write_page(
        "report.html.jinja",
        command,
        path,
        results=results,
        shown=results[0],
        accuracy=plot_accuracy(results[0]),
        price=plot_price(results[0]),
        abandoned=plot_abandoned(results[0]),
    )
