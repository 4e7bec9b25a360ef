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
    reliability,
    scoring_grid,
)
from shadowprice.bench._clauses import CLAUSES, Names
from shadowprice.bench._equal import Needs, join, needs, tie, tokens_for, within_reach
from shadowprice.bench._fit_plots import plot_reliability, plot_tiers
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
from shadowprice.bench._recipe import Forecasts
from shadowprice.bench._result import BenchResult
from shadowprice.bench._said import abandoned_said, accuracy_said, price_said, spend_said
from shadowprice.bench._stories import Fact, Story
from shadowprice.bench._told import stories_of
from shadowprice.policies import ClearLambert, Oracle, Uniform
from shadowprice.traces import Accounting, SweepTraces, Traces

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
        results: One table per accounting. What is really paid, `generated`, stands first and is what pictures show.
        command: What to type to get the same report.
        path: The file to write.
        traces: What was replayed; with it, the page shows fitted surges over measured accuracy.
        forecasts: What was believed; with it and the traces, the page tells of two questions, and shows how far the
            beliefs can be believed.

    Raises:
        InputError: The file cannot be written.
    """
    results = sorted(results, key=lambda result: result.accounting != Accounting.GENERATED)
    shown = results[0]
    outlined, stories = "", list[Story]()
    if traces is not None and forecasts is not None and not isinstance(traces, SweepTraces):
        outlined, stories = stories_of(traces, forecasts, shown.budgets[0])
    write_page(
        "report.html.jinja",
        command,
        path,
        results=results,
        shown=shown,
        facts=_facts(shown),
        clauses=CLAUSES,
        outlined=outlined,
        stories=stories,
        token_unit="" if traces is None else traces.token_unit,
        colours=colours(shown.measured),
        tiers=tier_colours(),
        accuracy={stream: (svg, accuracy_said(shown, stream)) for stream, svg in plot_accuracy(shown).items()},
        same=_same(shown),
        ties=[(stream, said) for stream in shown.streams if (said := tie(shown, stream))],
        price=plot_price(shown),
        price_said=price_said(shown),
        spend=plot_spend(shown),
        spend_said=spend_said(shown),
        abandoned={policy: (svg, abandoned_said(shown, policy)) for policy, svg in plot_abandoned(shown).items()},
        beliefs=_belief_pictures(traces, forecasts),
        surges={} if traces is None else _surge_pictures(traces.evidence, traces.tiers),
    )


def _same(result: BenchResult) -> list[Needs]:
    """What every policy needs for a share right that is within the reach of all, by stream."""
    found = []
    for stream in result.streams:
        level = within_reach(result, stream)
        if level > 0.0:
            found.append(needs(result, stream, level, result.measured))
    return found


def _facts(result: BenchResult) -> list[Fact]:
    """What a reader should take away, as far as the policies of the table allow to say it."""
    rivals = [policy for policy in result.measured if policy != Oracle.name]
    if not result.telling:
        return [Fact(f"±{result.margin:.0f} points", result.caution)]
    if not rivals:
        return []
    named = Names()
    facts = []
    shares = {policy: share for policy in rivals if (share := result.closed(policy)) is not None}
    ahead = max(shares, key=lambda policy: shares[policy]) if shares else ""
    if shares and set(shares) != {ClearLambert.name}:
        distance = f"of the distance from {named(ClearLambert.name)} to the {named(Oracle.name)} is closed"
        if shares[ahead] < _NOTHING:
            facts.append(Fact("0 %", f"{distance}: no policy here gets closer"))
        else:
            facts.append(Fact(f"{100 * shares[ahead]:.0f} %", f"{distance} by {named(ahead)}"))
    stream, scarce = result.streams[0], result.budgets[0]
    score = {policy: result.cell(policy, stream, scarce).accuracy for policy in rivals}
    best = max(score, key=lambda policy: score[policy])
    other = Uniform.name if Uniform.name in score else min(score, key=lambda policy: score[policy])
    if best != other:
        facts.append(_compared(result, best, other, named))
    saved = _saved(result, best, other)
    if saved is not None:
        facts.append(saved)
    return facts


def _compared(result: BenchResult, best: str, other: str, named: Names) -> Fact:
    """Two policies where tokens are scarce: what they get right, or for how many tokens, where that is the same."""
    stream, scarce = result.streams[0], result.budgets[0]
    scores = [result.cell(policy, stream, scarce).accuracy for policy in (best, other)]
    if round(scores[0], 1) > round(scores[1], 1):
        return Fact(
            f"{scores[0]:.1f} %",
            f"right at {scarce} tokens per query on {stream} with {named(best)}, where {named(other)} gets "
            f"{scores[1]:.1f} %",
        )
    tokens = {policy: tokens_for(result, policy, stream, min(scores)) for policy in (best, other)}
    return Fact(
        f"{tokens[best]:,.0f} tokens",
        f"per query are what {named(best)} takes for {scores[0]:.1f} % right on {stream}, and {tokens[other]:,.0f} "
        f"what {named(other)} takes for the same",
    )


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
    last, middle = float(grid[-1]), float(np.median(grid))
    found, curves = reliability(beliefs, traces.evidence, last), tier_curves(traces, beliefs, grid)
    off = [f"{100.0 * float(np.abs(one.predicted - one.measured).mean()):.1f} ({one.tier})" for one in curves]
    return [
        (
            plot_reliability(beliefs, traces.evidence, (last, middle)),
            f"By {last:g} tokens {found.share @ found.believed:.0%} of replies were believed right and "
            f"{found.share @ found.observed:.0%} were; ten groups of questions that were believed alike are off by "
            f"{100.0 * found.error:.1f} points on average. On the dotted line, of those believed right with 70 %, 70 % "
            "were.",
        ),
        (
            plot_tiers(curves),
            f"Predicted without having seen them (broken lines), shares right under the same cap for all are off by "
            f"{join(off)} points on average from what was measured (whole lines).",
        ),
    ]


def _surge_pictures(evidence: Evidence, tiers: list[str]) -> dict[str, tuple[str, str]]:
    """Surges fitted to every second question, over the measured accuracy of the others, with captions, by tier."""
    fitted = np.arange(evidence.n_queries) % 2 == 0
    known, unseen = evidence.of_questions(fitted), evidence.of_questions(~fitted)
    labels = np.array(tiers)
    if not known.correct.any() or set(labels[fitted]) != set(labels[~fitted]):
        return {}
    budgets = scoring_grid(unseen)
    measured = measure_accuracy(unseen, budgets, labels[~fitted].tolist())
    fit = fit_surge_likelihood(known, labels[fitted].tolist())
    held = fit.accuracy(budgets)
    pictures = {}
    for place in np.argsort(-measured.accuracy[:, -1], kind="stable"):
        one, name = slice(place, place + 1), measured.groups[place]
        group = MeasuredAccuracy((name,), budgets, measured.accuracy[one], measured.low[one], measured.high[one])
        number = fit.groups.index(name)
        middle = float(np.median(fit.threshold[fit.group == number]))
        off = 100.0 * float(np.abs(held[number] - measured.accuracy[place]).mean())
        pictures[name] = (
            figure_to_svg(plot_surges(fit, group)),
            f"Half of the {name or 'recorded'} questions begin to be answered within {middle:,.0f} tokens; the surge "
            f"is off by {off:.1f} points on average from questions that it was not fitted to.",
        )
    return pictures
