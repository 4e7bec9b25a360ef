"""Pictures of how good beliefs are, as SVG that reads well on light and on dark."""

from collections.abc import Sequence
from typing import Final

import matplotlib.pyplot as plt
import numpy as np

from shadowprice.beliefs import Beliefs, Evidence, reliability
from shadowprice.bench._plots import _INK, _STYLE, figure_to_svg
from shadowprice.bench._priced import BudgetAccuracy, TierCurve

_BELIEVED: Final = "#2a9d8f"
_MEASURED: Final = "#c9801a"
_TIERS: Final = ("#2a9d8f", "#c9801a", "#d1495b")
_SIZE: Final = (4.1, 3.0)
_MOST_POINTS: Final = 800
"""Points of a scatter; more say nothing more and make a large file."""


def plot_reliability(beliefs: Beliefs, evidence: Evidence, tokens: Sequence[float]) -> str:
    """Share right against belief by each of a few token counts, with the diagonal of perfect calibration."""
    groups = {f"by {token:g} tokens": reliability(beliefs, evidence, token) for token in dict.fromkeys(tokens)}
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        axes.plot([0, 1], [0, 1], color=_INK, lw=1, ls=":")
        for (label, group), colour in zip(groups.items(), (_BELIEVED, _MEASURED), strict=False):
            axes.plot(group.believed, group.observed, color=colour, lw=1.5, label=label)
            axes.scatter(group.believed, group.observed, s=16 + 300 * group.share, color=colour, alpha=0.5, lw=0)
        axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="P(right by then)", ylabel="share that were right")
        axes.set_title("reliability")
        axes.legend(fontsize=8, loc="upper left")
    return figure_to_svg(figure)


def plot_tiers(curves: Sequence[TierCurve]) -> str:
    """Accuracy against the cap, measured and predicted, one pair of lines per tier."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        for curve, colour in zip(curves, _TIERS, strict=False):
            axes.plot(curve.tokens, 100.0 * curve.measured, color=colour, lw=2, label=f"{curve.tier}, measured")
            axes.plot(curve.tokens, 100.0 * curve.predicted, color=colour, lw=1.5, ls="--", label="predicted")
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
        axes.set(xlabel="the same cap for every query, tokens", ylabel="right answers, %", ylim=(-3, 103))
        axes.set_title("accuracy against cap, by tier")
        axes.legend(fontsize=7, loc="upper left")
    return figure_to_svg(figure)


def plot_market(rows: Sequence[BudgetAccuracy]) -> str:
    """Accuracy of a market at one price against its budget: what it expects, what it gets, and the same cap for all."""
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        budgets = [row.budget for row in rows]
        axes.plot(
            budgets, [row.predicted for row in rows], color=_BELIEVED, ls="--", marker="o", ms=4, label="expected"
        )
        axes.plot(budgets, [row.measured for row in rows], color=_MEASURED, lw=2, marker="o", ms=4, label="measured")
        axes.fill_between(
            budgets, [row.low for row in rows], [row.high for row in rows], color=_MEASURED, alpha=0.18, lw=0
        )
        axes.plot(budgets, [row.uniform for row in rows], color=_INK, lw=1, marker="o", ms=3, label="same cap for all")
        axes.set_xscale("log", base=2)
        axes.set_xticks(budgets, [str(budget) for budget in budgets])
        axes.minorticks_off()
        axes.set(xlabel="budget, mean tokens per query", ylabel="right answers, %")
        axes.set_ylim(bottom=0)
        axes.set_title("a market at one price")
        axes.legend(fontsize=8)
    return figure_to_svg(figure)


def plot_thresholds(beliefs: Beliefs, evidence: Evidence) -> str:
    """Where right answers appeared against the predicted threshold, on at most 800 of the right replies."""
    rows = np.flatnonzero(evidence.correct)
    if rows.size > _MOST_POINTS:
        rows = np.sort(np.random.default_rng(0).choice(rows, _MOST_POINTS, replace=False))
    predicted = np.maximum(beliefs.threshold[evidence.query[rows]], 1.0)
    actual = np.maximum(evidence.answer_tokens[rows], 1)
    with plt.rc_context(_STYLE):
        figure, axes = plt.subplots(figsize=_SIZE, layout="constrained")
        axes.scatter(predicted, actual, s=7, color=_BELIEVED, alpha=0.35, lw=0)
        if rows.size:
            ends = [min(predicted.min(), actual.min()), max(predicted.max(), actual.max())]
            axes.plot(ends, ends, color=_INK, lw=1, ls=":")
        axes.set_xscale("log", base=2)
        axes.set_yscale("log", base=2)
        axes.xaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
        axes.yaxis.set_major_formatter(lambda tick, _: f"{tick:g}")
        axes.set(xlabel="predicted threshold, tokens", ylabel="right answer, tokens")
        axes.set_title("predicted and actual thresholds")
    return figure_to_svg(figure)
