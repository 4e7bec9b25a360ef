"""One self-contained HTML file with tables and pictures."""

import os
import platform
from collections.abc import Sequence
from importlib import metadata, resources

import jinja2

from shadowprice._atomic import write_whole
from shadowprice.bench._bench import BenchResult
from shadowprice.bench._plots import plot_abandoned, plot_accuracy, plot_price

_VERSIONS = ("shadowprice", "numpy", "scikit-learn")


def write_report(results: Sequence[BenchResult], command: str, path: str | os.PathLike[str]) -> None:
    """Write bench results to an HTML file that needs no network, all of it or nothing.

    Args:
        results: One table per accounting; the pictures show the first.
        command: What to type to get the same report.
        path: The file to write.

    Raises:
        InputError: The file cannot be written.
    """
    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = environment.from_string(
        (resources.files("shadowprice.bench") / "report.html.jinja").read_text(encoding="utf-8")
    )
    versions = [f"Python {platform.python_version()}"] + [f"{name} {metadata.version(name)}" for name in _VERSIONS]
    page = template.render(
        results=results,
        shown=results[0],
        accuracy=plot_accuracy(results[0]),
        price=plot_price(results[0]),
        abandoned=plot_abandoned(results[0]),
        command=command,
        versions=", ".join(versions),
    )
    with write_whole(path) as partial:
        partial.write_text(page, encoding="utf-8")
