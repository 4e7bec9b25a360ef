"""What a fit is worth, as one HTML file: figures, pictures, and how they were made."""

import os
from dataclasses import dataclass

import numpy as np

from shadowprice.beliefs import (
    MEASURES,
    Beliefs,
    BeliefScores,
    Drift,
    Estimate,
    Evidence,
    PredictorCard,
    scoring_grid,
    verdict,
)
from shadowprice.bench._fit_plots import plot_market, plot_reliability, plot_thresholds, plot_tiers
from shadowprice.bench._page import write_page
from shadowprice.bench._priced import BudgetAccuracy, TierCurve


@dataclass(frozen=True, slots=True)
class FitResult:
    """Beliefs about unseen questions, and all that was measured on them."""

    card: PredictorCard
    """What was fitted on what."""
    folds: int
    """Into how many folds the beliefs were cross-fitted."""
    beliefs: Beliefs
    """n rows, each made without its own question."""
    evidence: Evidence
    """What happened."""
    scores: BeliefScores
    """How good the beliefs are."""
    budgets: tuple[BudgetAccuracy, ...]
    """What a market that believes them gets right."""
    tiers: tuple[TierCurve, ...]
    """Accuracy against the cap, by tier."""


def write_fit_report(result: FitResult, command: str, path: str | os.PathLike[str]) -> None:
    """Write what a fit is worth to an HTML file that needs no network, all of it or nothing.

    Args:
        result: What was measured.
        command: What to type to get the same report.
        path: The file to write.

    Raises:
        InputError: The file cannot be written.
    """
    scores = result.scores
    middle = float(np.median(scoring_grid(result.evidence)))
    write_page(
        "fit.html.jinja",
        command,
        path,
        result=result,
        card=result.card,
        scores=scores,
        verdict=verdict(scores),
        rows=[(*MEASURES[name], format_estimate(getattr(scores, name))) for name in MEASURES],
        reliability=plot_reliability(result.beliefs, result.evidence, (scores.horizon, middle)),
        tiers=plot_tiers(result.tiers),
        market=plot_market(result.budgets),
        thresholds=plot_thresholds(result.beliefs, result.evidence),
    )


def write_drift_report(
    drift: Drift, card: PredictorCard, traces: str, command: str, path: str | os.PathLike[str]
) -> None:
    """Write what a check of a saved predictor found to an HTML file, as `write_fit_report` does.

    Args:
        drift: What was found.
        card: What the predictor was fitted on.
        traces: Name of the traces that it was checked on.
        command: What to type to get the same report.
        path: The file to write.

    Raises:
        InputError: The file cannot be written.
    """
    write_page(
        "drift.html.jinja",
        command,
        path,
        drift=drift,
        card=card,
        traces=traces,
        rows=[
            (found.name, format_figure(found.then), format_estimate(found.now), found.drifted, found.reads)
            for found in drift.findings
        ],
    )


def format_figure(value: float) -> str:
    """A figure as it is printed: three places, or whole from 100 up; a dash where there is none."""
    if not np.isfinite(value):
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}"


def format_estimate(estimate: Estimate) -> str:
    """A figure with its interval, if it has one."""
    if not np.isfinite(estimate.low):
        return format_figure(estimate.value)
    return f"{format_figure(estimate.value)} ({format_figure(estimate.low)} to {format_figure(estimate.high)})"
