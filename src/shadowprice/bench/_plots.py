"""Pictures of a bench result, as SVG that reads well on light and on dark."""

import io
from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any, Final

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from shadowprice.bench._result import BenchResult
from shadowprice.policies import Oracle
from shadowprice.traces import TIERS

_NO_METADATA: Final = {"Creator": None, "Date": None, "Format": None, "Type": None}
"""Keeps out the date, so that equal results are equal files, and addresses, so that a report links to nothing."""
_INK: Final = "#7a8190"
_COLOURS: Final = {
    "uniform": "#7d8aa1",
    "predictor": "#a97f5c",
    "tale-ep": "#bb7396",
    "clear-heuristic": "#4a8fcb",
    "clear-auction": "#6a994e",
    "clear-lambert": "#2a9d8f",
    "expected": "#c9801a",
    "index": "#d1495b",
    "index-resume": "#8867c0",
    "oracle": _INK,
}
_OTHERS: Final = ("#2a9d8f", "#c9801a", "#d1495b", "#8867c0", "#4a8fcb", "#a97f5c", "#6a994e", "#bb7396", "#5f7f9e")
"""Colours of rows that are not named like a policy, in turn."""
_STRONG: Final = ("clear-lambert", "expected", "index", "index-resume", "oracle")
"""Policies that are drawn strongly where there are many."""
_TIERS: Final = dict(zip(TIERS, ("#2a9d8f", "#c9801a", "#d1495b"), strict=True))
_SIZE: Final = (4.1, 3.0)
_SMALL: Final = (3.2, 2.5)
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


def colours(labels: Iterable[str]) -> dict[str, str]:
    """A colour for every row: the policy's own, or one of a few in turn."""
    free = cycle(_OTHERS)
    return {label: _COLOURS[label] if label in _COLOURS else next(free) for label in labels}


def plot_accuracy(result: BenchResult) -> dict[str, str]:
    """Accuracy against budget with 95 % bands, one SVG per stream, by the stream's name; colours as `colours`."""
    return {stream: figure_to_svg(_accuracy(result, stream)) for stream in result.streams}


def plot_price(result: BenchResult) -> str:
    """Shadow price against budget on the first stream, a line per policy, as SVG; empty if none has a price."""
    stream = result.streams[0]
    lines = {
        policy: [1000.0 * (result.cell(policy, stream, budget).price or np.nan) for budget in result.budgets]
        for policy in result.measured
    }
    lines = {policy: prices for policy, prices in lines.items() if np.isfinite(prices).any()}
    if not lines:
        return ""
    # A price that buys a right answer for a million tokens is none; drawn, it would flatten all others.
    least = 1e-4 * np.nanmax(list(lines.values()))
    lines = {policy: [price if price > least else np.nan for price in prices] for policy, prices in lines.items()}
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        _draw(axes, result, lines)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set_ylabel("right answers per 1,000 tokens")
        axes.set_title(f"shadow price, {stream}")
    return figure_to_svg(figure)


def plot_spend(result: BenchResult) -> str:
    """Tokens charged per right answer against budget, all streams together, a line per policy, as SVG."""
    lines = {}
    for policy in result.measured:
        spends = []
        for budget in result.budgets:
            cells = [result.cell(policy, stream, budget) for stream in result.streams]
            right = sum(cell.accuracy for cell in cells) / 100.0
            spends.append(sum(result.charged(cell) for cell in cells) / right if right > 0.05 else np.nan)
        lines[policy] = spends
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        _draw(axes, result, lines)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.tick_params(axis="y", which="minor", labelsize=7)
        axes.set_ylabel("tokens per right answer")
        axes.set_title("what a right answer costs")
    return figure_to_svg(figure)


def plot_abandoned(result: BenchResult) -> dict[str, str]:
    """Share of each tier that was granted nothing, against budget, mean of the streams; an SVG per policy."""
    pictures = {}
    for policy in result.measured:
        shares = np.array(
            [
                np.mean([result.cell(policy, stream, budget).abandoned_by_tier for stream in result.streams], axis=0)
                for budget in result.budgets
            ]
        )
        if shares.max() < 0.5:
            continue
        with plt.rc_context(_STYLE):
            figure, axes = plt.subplots(figsize=_SMALL, layout="constrained")
            for (tier, colour), line in zip(_TIERS.items(), shares.T, strict=True):
                axes.plot(result.budgets, line, marker="o", ms=4, lw=2, color=colour, label=tier)
            _budget_axis(axes, result)
            axes.set_ylim(-3, 103)
            axes.set_ylabel("abandoned, %")
            axes.set_title(policy)
        pictures[policy] = figure_to_svg(figure)
    return pictures


def tier_colours() -> dict[str, str]:
    """The colours that tiers are drawn in."""
    return dict(_TIERS)


def _accuracy(result: BenchResult, stream: str) -> Figure:
    cells = {policy: [result.cell(policy, stream, budget) for budget in result.budgets] for policy in result.measured}
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        for row, colour in zip(cells.values(), colours(cells).values(), strict=True):
            low, high = [cell.ci_low for cell in row], [cell.ci_high for cell in row]
            axes.fill_between(result.budgets, low, high, color=colour, alpha=0.16, lw=0, zorder=1)
        _draw(axes, result, {policy: [cell.accuracy for cell in row] for policy, row in cells.items()})
        axes.set_ylabel("right answers, %")
        axes.set_ylim(bottom=0)
        axes.set_title(stream)
    return figure


def _draw(axes: Axes, result: BenchResult, lines: dict[str, Sequence[float]] | dict[str, list[float]]) -> None:
    """A line per policy, in the order of the table so that the last are on top."""
    chosen = colours(result.measured)
    known = any(policy in _COLOURS for policy in lines)
    for policy, values in lines.items():
        strong = policy in _STRONG or not known or policy not in _COLOURS
        axes.plot(
            result.budgets,
            values,
            marker="o",
            ms=4 if strong else 3,
            lw=2.2 if strong else 1.2,
            ls="--" if policy == Oracle.name else "-",
            color=chosen[policy],
            zorder=3 if strong else 2,
        )
    _budget_axis(axes, result)


def _budget_axis(axes: Axes, result: BenchResult) -> None:
    axes.set_xscale("log", base=2)
    axes.set_xticks(result.budgets, [str(budget) for budget in result.budgets])
    axes.tick_params(axis="x", which="minor", bottom=False)
    axes.set_xlabel("budget, tokens per query")


def figure_to_svg(figure: Figure) -> str:
    """The bare <svg> element, without the XML prologue; its axes take the ink of the page."""
    buffer = io.StringIO()
    with plt.rc_context(_STYLE):
        figure.savefig(buffer, format="svg", metadata=_NO_METADATA)
    plt.close(figure)
    text = buffer.getvalue()
    # Axes and their words follow the page's scheme; one ink for both would be faint in each.
    return text[text.index("<svg") :].replace(_INK, f"var(--axis, {_INK})")
