"""Pictures of a run: what came for the tokens, and what a token cost meanwhile."""

from dataclasses import dataclass
from typing import Final

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from shadowprice._types import FloatArray
from shadowprice.bench._plots import _COLOURS, _INK, _STYLE, figure_to_svg

_SIZE: Final = (4.1, 2.9)


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """A run, one settled reply after another."""

    spent: FloatArray
    """``(m,)`` tokens spent by then."""
    came: FloatArray
    """``(m,)`` right answers by then; answers, where nobody knows which are right."""
    expected: FloatArray
    """``(m,)`` right answers that were expected for these tokens; NaN where nothing was believed."""
    price: FloatArray
    """``(m,)`` price at which each reply was begun, right answers per token; NaN without one."""
    budget: int
    """Tokens in all."""
    graded: bool
    """Whether right answers are known."""


def plot_right(track: Track) -> str:
    """What came against tokens spent, beside what was expected, as SVG; empty if nothing has come to an end."""
    if not track.spent.size:
        return ""
    what = "right answers" if track.graded else "answers"
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        spent = np.append(0.0, track.spent)
        if np.isfinite(track.expected).all():
            axes.plot(spent, np.append(0.0, track.expected), color=_INK, lw=1.6, ls="--", label="expected")
        axes.step(spent, np.append(0.0, track.came), where="post", color=_COLOURS["index"], lw=2.2, label="came")
        axes.yaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.set_ylabel(what)
        axes.set_title(f"{what} for the tokens")
        axes.legend(fontsize=9, loc="best")
        _tokens(axes, track)
    return figure_to_svg(figure)


def plot_prices(track: Track) -> str:
    """The shadow price at which replies were begun against tokens spent, as SVG; empty if there was none."""
    priced = np.isfinite(track.price) & (track.price > 0.0)
    if np.count_nonzero(priced) < 2:  # one point is no line
        return ""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        axes.scatter(track.spent[priced], 1000.0 * track.price[priced], s=14, color=_COLOURS["clear-lambert"])
        axes.plot(track.spent[priced], 1000.0 * track.price[priced], color=_COLOURS["clear-lambert"], lw=1, alpha=0.5)
        axes.set_ylabel("right answers per 1,000 tokens")
        axes.set_title("shadow price")
        _tokens(axes, track)
    return figure_to_svg(figure)


def _tokens(axes: Axes, track: Track) -> None:
    axes.set_xlim(0, max(track.budget, float(track.spent[-1]), 1.0))
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter(lambda tokens, _: f"{tokens:,.0f}")
    axes.set_xlabel("tokens spent, of the budget")
