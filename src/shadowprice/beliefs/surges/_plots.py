"""Pictures of fitted surges over measured accuracy."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice.beliefs._groups import number_groups
from shadowprice.beliefs.scoring import MeasuredAccuracy
from shadowprice.beliefs.surges._fit import SurgeFit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_INK: Final = "#7a8190"
_MEASURED: Final = "#2a9d8f"
_FITTED: Final = "#c9801a"
_STYLE: Final[dict[Any, Any]] = {
    "font.size": 10,
    "svg.fonttype": "path",
    "svg.hashsalt": "shadowprice",
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


def plot_surges(fit: SurgeFit, measured: MeasuredAccuracy, labels: Sequence[str] | None = None) -> "Figure":
    """Measured accuracy against budget with its band, and the fitted surges over it; the easiest group first.

    The solid line is what a budget is worth when nobody buys beyond his peak; dashed is the same surge when every
    token has to be spent. The figure is transparent, with inks that read on light and on dark.

    Args:
        fit: The fit.
        measured: What was measured, best of other replies than were fitted.
        labels: ``(n,)`` labels that `measured` was made with, if they are not those of the fit.

    Raises:
        InputError: A group that was measured is not in the fit.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    names = fit.groups if labels is None else number_groups(labels, len(fit.group))[0]
    missing = [name for name in measured.groups if name not in names]
    if missing:
        raise InputError(f"'{missing[0]}' was measured but not fitted; give the labels that it was measured with.")
    fine = np.geomspace(measured.budgets[0], measured.budgets[-1], 200)
    held, forced = fit.accuracy(fine, labels), fit.accuracy(fine, labels, forced=True)
    count = len(measured.groups)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(3.4 * count + 0.4, 3.2), layout="constrained")
        for panel, place in enumerate(np.argsort(-measured.accuracy[:, -1], kind="stable")):
            axes = figure.add_subplot(1, count, panel + 1)
            name = measured.groups[place]
            number = names.index(name)
            axes.fill_between(
                measured.budgets,
                100 * measured.low[place],
                100 * measured.high[place],
                color=_MEASURED,
                alpha=0.22,
                lw=0,
            )
            axes.plot(measured.budgets, 100 * measured.accuracy[place], "o", ms=3, color=_MEASURED, label="measured")
            axes.plot(fine, 100 * held[number], color=_FITTED, lw=2, label="surge, held at its peak")
            axes.plot(fine, 100 * forced[number], color=_FITTED, lw=1.2, ls="--", label="surge, all spent")
            axes.set_xscale("log", base=2)
            axes.xaxis.set_major_formatter("{x:g}")
            axes.set_xlabel("budget, tokens per question")
            top = 100 * max(float(measured.high[place].max()), float(held[number].max()))
            axes.set_ylim(0, max(5.0, 1.1 * top))
            axes.set_title(name)
            if panel == 0:
                axes.set_ylabel("right answers, %")
                axes.legend(fontsize=8)
    return figure
