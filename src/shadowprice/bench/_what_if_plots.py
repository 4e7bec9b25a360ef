"""What other budgets would buy, as a picture."""

import os
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shadowprice._atomic import write_whole
from shadowprice._errors import InputError
from shadowprice.bench._plots import _COLOURS, _INK, _NO_METADATA, _STYLE
from shadowprice.policies import WhatIf

_FORMATS: Final = (".svg", ".png", ".pdf")
_MOST_LABELS: Final = 10


def write_what_if_plot(result: WhatIf, budget: int, path: str | os.PathLike[str]) -> None:
    """Draw expected right answers and the price against the budget, with one budget marked.

    The picture is transparent, with inks that read on light and on dark.

    Args:
        result: What the budgets buy; a budget of 0 has no place on a logarithmic axis.
        budget: The budget to mark, tokens.
        path: A file that ends in ``.svg``, ``.png`` or ``.pdf``, written whole or not at all.

    Raises:
        InputError: The ending is another one, no budget is above 0, or the file cannot be written.
    """
    check_plot_name(path)
    if not (result.budgets > 0).any():
        raise InputError("There is no budget above 0 tokens to draw; give --budgets.")
    kind = Path(path).suffix.lower().removeprefix(".")
    with mpl.rc_context(_STYLE), write_whole(path) as partial:
        metadata: dict[str, Any] | None = _NO_METADATA if kind == "svg" else None
        _figure(result, budget).savefig(partial, format=kind, metadata=metadata, dpi=160)


def check_plot_name(path: str | os.PathLike[str]) -> None:
    """Raise InputError if no picture can be written to a file of that name."""
    if Path(path).suffix.lower() not in _FORMATS:
        raise InputError(f"Cannot write {path}: a plot is written as {', '.join(_FORMATS)}; use a name that ends so.")


def _figure(result: WhatIf, budget: int) -> Figure:
    drawn = result.budgets > 0
    budgets, priced = result.budgets[drawn], not np.isnan(result.price).all()
    figure = Figure(figsize=(8.4 if priced else 4.4, 3.2), layout="constrained")
    axes = figure.add_subplot(1, 2 if priced else 1, 1)
    axes.plot(budgets, result.expected[drawn], marker="o", ms=4, lw=2, color=_COLOURS["clear-lambert"])
    axes.set_ylabel("right answers")
    axes.set_title("expected right answers")
    _finish(axes, budgets.tolist(), budget)
    if priced:
        axes = figure.add_subplot(1, 2, 2)
        axes.plot(budgets, 1000 * result.price[drawn], marker="o", ms=4, lw=2, color=_COLOURS["oracle"])
        axes.set_ylabel("right answers per 1,000 tokens")
        axes.set_title("shadow price")
        _finish(axes, budgets.tolist(), budget)
    return figure


def _finish(axes: Axes, budgets: list[int], budget: int) -> None:
    axes.margins(x=0.08)
    axes.set_ylim(bottom=0)
    axes.set_xscale("log", base=2)
    if len(budgets) <= _MOST_LABELS:
        axes.set_xticks(budgets, [_short(tokens) for tokens in budgets])
    else:
        axes.xaxis.set_major_formatter(lambda tokens, _: _short(tokens))
    axes.minorticks_off()
    axes.set_xlabel("budget, tokens")
    if budget > 0:
        axes.axvline(budget, color=_INK, lw=1, ls="--")
        axes.annotate(
            "this budget", (budget, 0.04), xycoords=("data", "axes fraction"), rotation=90, fontsize=8, ha="right"
        )


def _short(tokens: float) -> str:
    """12500 as 12.5k."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if tokens >= size:
            return f"{tokens / size:.3g}{unit}"
    return f"{tokens:.3g}"
