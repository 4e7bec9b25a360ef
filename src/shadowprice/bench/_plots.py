"""Pictures of a bench result, as SVG that reads well on light and on dark."""

import io
from typing import Any, Final

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shadowprice.bench._result import BenchResult

_NO_METADATA: Final = {"Creator": None, "Date": None, "Format": None, "Type": None}
"""Keeps out the date, so that equal results are equal files, and addresses, so that a report links to nothing."""
_INK: Final = "#7a8190"
_COLOURS: Final = {
    "uniform": "#8d99ae",
    "predictor": "#b08968",
    "clear-lambert": "#2a9d8f",
    "oracle": "#e9a23b",
}
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "path",
    "svg.hashsalt": "shadowprice",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.color": _INK,
    "axes.grid": True,
    "grid.color": _INK,
    "grid.alpha": 0.18,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "legend.frameon": False,
}


def plot_accuracy(result: BenchResult) -> dict[str, str]:
    """Accuracy against budget with 95 % bands, one SVG per stream, by the stream's name."""
    return {stream: _svg(_accuracy(result, stream)) for stream in result.streams}


def plot_price(result: BenchResult) -> str:
    """Shadow price against budget, one line per stream, as SVG; empty if no policy of the table has a price."""
    priced = [name for name in result.measured if name.startswith("clear")]
    if not priced:
        return ""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
        for stream in result.streams:
            prices = [result.cell(priced[0], stream, budget).price or 0.0 for budget in result.budgets]
            axes.plot(result.budgets, [1000 * price for price in prices], marker="o", ms=4, label=stream)
        _budget_axis(axes, result)
        axes.set_ylabel("right answers per 1,000 tokens")
        axes.set_title(f"shadow price, {priced[0]}")
        axes.legend(fontsize=8)
    return _svg(figure)


def plot_abandoned(result: BenchResult) -> str:
    """Share of queries that were granted nothing, against budget, averaged over the streams, as SVG."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
        for policy in result.measured:
            shares = [
                sum(result.cell(policy, stream, budget).abandoned for stream in result.streams) / len(result.streams)
                for budget in result.budgets
            ]
            axes.plot(result.budgets, shares, marker="o", ms=4, color=_COLOURS.get(policy), label=policy)
        _budget_axis(axes, result)
        axes.set_ylabel("% of queries")
        axes.set_ylim(-3, 103)
        axes.set_title("abandoned, mean of the streams")
        axes.legend(fontsize=8)
    return _svg(figure)


def _accuracy(result: BenchResult, stream: str) -> Figure:
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=(4.6, 3.2), layout="constrained")
        for policy in result.measured:
            cells = [result.cell(policy, stream, budget) for budget in result.budgets]
            colour = _COLOURS.get(policy)
            axes.plot(
                result.budgets,
                [cell.accuracy for cell in cells],
                marker="o",
                ms=4,
                lw=2,
                ls="--" if policy == "oracle" else "-",
                color=colour,
                label=policy,
            )
            axes.fill_between(
                result.budgets,
                [cell.ci_low for cell in cells],
                [cell.ci_high for cell in cells],
                color=colour,
                alpha=0.18,
                lw=0,
            )
        _budget_axis(axes, result)
        axes.set_ylabel("right answers, %")
        axes.set_ylim(bottom=0)
        axes.set_title(stream)
        axes.legend(fontsize=8)
        return figure


def _budget_axis(axes: Axes, result: BenchResult) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(result.budgets, [str(budget) for budget in result.budgets])
    axes.minorticks_off()
    axes.set_xlabel("budget, tokens per query")


def _svg(figure: Figure) -> str:
    """The bare <svg> element, without the XML prologue."""
    buffer = io.StringIO()
    with plt.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    plt.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg") :]
