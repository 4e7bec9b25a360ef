"""A day of traffic as a picture: the price, what it bought, and how far each window's budget went."""

import os
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice.bench._plots import _INK, _NO_METADATA, _STYLE
from shadowprice.bench._what_if_plots import check_plot_name
from shadowprice.bench.traffic._compare import BATCH, FIXED, ONLINE, Played, TrafficResult

_COLOURS: Final = {
    "first-come": "#7d8aa1",
    "static-cap": "#a97f5c",
    FIXED: "#4a8fcb",
    "yesterday": "#6a994e",
    "mirror-descent": "#bb7396",
    "mirror-paced": "#c9801a",
    ONLINE: "#d1495b",
    BATCH: _INK,
}
_PRICED: Final = (FIXED, "mirror-paced", ONLINE)
_FILLED: Final = (FIXED, ONLINE)


def write_traffic_plot(result: TrafficResult, path: str | os.PathLike[str]) -> None:
    """Draw the first day of a result at its first budget: transparent, with inks that read on light and on dark.

    Args:
        result: What was played.
        path: A file that ends in ``.svg``, ``.png`` or ``.pdf``, written whole or not at all.

    Raises:
        InputError: The ending is another one, nothing was played, or the file cannot be written.
    """
    check_plot_name(path)
    if not result.plays:
        raise InputError("Nothing was played, so there is nothing to draw.")
    kind = Path(path).suffix.lower().removeprefix(".")
    with mpl.rc_context(_STYLE), write_whole(path) as partial:
        metadata: dict[str, Any] | None = _NO_METADATA if kind == "svg" else None
        _figure(result).savefig(partial, format=kind, metadata=metadata, dpi=160)


def _figure(result: TrafficResult) -> Figure:
    first = result.plays[0]
    same = [p for p in result.plays if (p.day, p.share, p.seed) == (first.day, first.share, first.seed)]
    figure = Figure(figsize=(8.6, 7.2), layout="constrained")
    price, right, used = figure.subplots(3, 1, sharex=True)
    price.set_title(f"{first.day}, {100.0 * first.share:g} % of full cost a window")
    _prices(price, same)
    _rights(right, same)
    _uses(used, same)
    used.set_xlabel("window")
    used.set_xlim(0, result.windows)
    return figure


def _prices(axes: Axes, plays: list[Played]) -> None:
    for play in plays:
        if play.policy in _PRICED and play.served is not None and len(play.served.at):
            at = play.served.at / play.served.length
            axes.plot(at, 1000.0 * play.served.price, lw=1.0, color=_COLOURS[play.policy], label=play.policy)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_ylabel("price: right answers\nper 1,000 tokens")
    axes.legend(loc="upper left", ncols=3, fontsize=8)


def _rights(axes: Axes, plays: list[Played]) -> None:
    """Right answers so far, as many more or fewer than the best fixed price."""
    base = next((play.right for play in plays if play.policy == FIXED), None)
    for play in plays:
        more = play.right if base is None else play.right - base
        axes.step(
            np.arange(len(more) + 1),
            np.append(0, np.cumsum(more)),
            where="post",
            lw=2.0 if play.policy in (ONLINE, BATCH) else 1.1,
            ls="--" if play.policy == BATCH else "-",
            color=_COLOURS[play.policy],
            label=play.policy,
        )
    axes.set_ylabel("right answers so far" + ("" if base is None else ",\nagainst the best fixed price"))
    axes.legend(loc="lower left", ncols=4, fontsize=8)


def _uses(axes: Axes, plays: list[Played]) -> None:
    shown = [play for play in plays if play.policy in _FILLED and play.served is not None]
    for number, play in enumerate(shown):
        assert play.served is not None
        share = 100.0 * play.served.used / play.served.budget
        width = 0.8 / len(shown)
        place = np.arange(len(share)) + 0.1 + (number + 0.5) * width
        axes.bar(place, share, width, color=_COLOURS[play.policy], label=play.policy)
    axes.axhline(100.0, color=_INK, lw=1, ls="--")
    axes.set_ylabel("budget used, %")
    axes.set_ylim(0, 125)
    if shown:
        axes.legend(loc="upper left", ncols=2, fontsize=8)
