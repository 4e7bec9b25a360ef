"""One self-contained HTML file with tables and pictures."""

import os
from collections.abc import Sequence
from typing import Final

import numpy as np

from shadowprice.beliefs import (
    Beliefs,
    Evidence,
    MeasuredAccuracy,
    fit_surge_likelihood,
    measure_accuracy,
    plot_surges,
    scoring_grid,
)
from shadowprice.bench._fit_plots import plot_reliability, plot_tiers
from shadowprice.bench._forecasts import Forecasts
from shadowprice.bench._page import write_page
from shadowprice.bench._plots import (
    colours,
    figure_to_svg,
    plot_abandoned,
    plot_accuracy,
    plot_price,
    plot_spend,
    tier_colours,
)
from shadowprice.bench._priced import tier_curves
from shadowprice.bench._result import BenchResult
from shadowprice.bench._stories import Fact
from shadowprice.policies import ClearLambert, Oracle, Uniform
from shadowprice.traces import Traces

_NOTHING: Final = 0.005
"""Share of the distance to the oracle that reads as none."""


def write_report(
    results: Sequence[BenchResult],
    command: str,
    path: str | os.PathLike[str],
    *,
    traces: Traces | None = None,
    forecasts: Forecasts | None = None,
) -> None:
    """Write bench results to an HTML file that needs no network, all of it or nothing.

    Args:
        results: One table per accounting; the pictures show the last.
        command: What to type to get the same report.
        path: The file to write.
        traces: What was replayed; with it, the page shows fitted surges over measured accuracy.
        forecasts: What was believed; with it and the traces, the page shows how far that can be believed.

    Raises:
        InputError: The file cannot be written.
    """
    shown = results[-1]
    write_page(
        "report.html.jinja",
        command,
        path,
        results=results,
        shown=shown,
        facts=_facts(shown),
        token_unit="" if traces is None else traces.token_unit,
        colours=colours(shown.measured),
        tiers=tier_colours(),
        accuracy=plot_accuracy(shown),
        price=plot_price(shown),
        spend=plot_spend(shown),
        abandoned=plot_abandoned(shown),
        beliefs=_belief_pictures(traces, forecasts),
        surges={} if traces is None else _surge_pictures(traces.evidence, traces.tiers),
    )


def _facts(result: BenchResult) -> list[Fact]:
    """What a reader should take away, as far as the policies of the table allow to say it."""
    rivals = [policy for policy in result.measured if policy != Oracle.name]
    if not result.telling:
        return [Fact(f"±{result.margin:.0f} points", result.caution)]
    stream, scarce = result.streams[0], result.budgets[0]
    if not rivals:
        return []
    facts = []
    shares = {policy: share for policy in rivals if (share := result.closed(policy)) is not None}
    ahead = max(shares, key=lambda policy: shares[policy]) if shares else ""
    if shares and set(shares) != {ClearLambert.name} and shares[ahead] < _NOTHING:
        facts.append(
            Fact("0 %", f"of the distance from {ClearLambert.name} to the oracle is closed: no policy here gets closer")
        )
    elif shares and ahead != ClearLambert.name:
        facts.append(
            Fact(
                f"{100 * shares[ahead]:.0f} %",
                f"of the distance from {ClearLambert.name} to the oracle is closed by {ahead}",
            )
        )
    score = {policy: result.cell(policy, stream, scarce).accuracy for policy in rivals}
    best = max(score, key=lambda policy: score[policy])
    other = Uniform.name if Uniform.name in score else min(score, key=lambda policy: score[policy])
    if best != other:
        facts.append(
            Fact(
                f"{score[best]:.1f} %",
                f"right at {scarce} tokens per query on {stream} with {best}, where {other} gets {score[other]:.1f} %",
            )
        )
    saved = _saved(result, best, other)
    if saved is not None:
        facts.append(saved)
    return facts


def _saved(result: BenchResult, best: str, other: str) -> Fact | None:
    """At which budget the better policy has what the other one needs its whole budget for."""
    stream = result.streams[0]
    pairs = [(low, high) for low in result.budgets for high in result.budgets if low < high]
    for low, high in sorted(pairs, key=lambda pair: (-pair[1] / pair[0], pair)):
        there, late = (result.cell(policy, stream, at).accuracy for policy, at in ((best, low), (other, high)))
        if there >= late > 0.0:
            return Fact(
                f"{high / low:g}× fewer",
                f"tokens: {best} gets {there:.1f} % right with {low} per query, {other} {late:.1f} % with {high}",
            )
    return None


def _belief_pictures(traces: Traces | None, forecasts: Forecasts | None) -> list[tuple[str, str]]:
    """Pictures with their captions."""
    beliefs: Beliefs | None = None if forecasts is None else forecasts.outcomes
    if traces is None or beliefs is None:
        return []
    grid = scoring_grid(traces.evidence)
    return [
        (
            plot_reliability(beliefs, traces.evidence, (float(grid[-1]), float(np.median(grid)))),
            "Questions in ten groups by belief: on the dotted line, of those believed right with 70 %, 70 % were.",
        ),
        (
            plot_tiers(tier_curves(traces, beliefs, grid)),
            "Every query under the same cap. Whole lines: measured. Broken lines: predicted without having seen them.",
        ),
    ]


def _surge_pictures(evidence: Evidence, tiers: list[str]) -> dict[str, str]:
    """Surges fitted to every second question, over the measured accuracy of the others, by tier."""
    fitted = np.arange(evidence.n_queries) % 2 == 0
    known, unseen = evidence.of_questions(fitted), evidence.of_questions(~fitted)
    labels = np.array(tiers)
    if not known.correct.any() or set(labels[fitted]) != set(labels[~fitted]):
        return {}
    budgets = scoring_grid(unseen)
    measured = measure_accuracy(unseen, budgets, labels[~fitted].tolist())
    fit = fit_surge_likelihood(known, labels[fitted].tolist())
    pictures = {}
    for place in np.argsort(-measured.accuracy[:, -1], kind="stable"):
        one = slice(place, place + 1)
        group = MeasuredAccuracy(
            measured.groups[one], budgets, measured.accuracy[one], measured.low[one], measured.high[one]
        )
        pictures[measured.groups[place]] = figure_to_svg(plot_surges(fit, group))
    return pictures
