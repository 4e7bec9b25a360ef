"""How good beliefs are, in figures with intervals: do they rank, are they calibrated, what do they explain?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs._beliefs import Beliefs
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs.scoring._censoring import Censoring, known_weights, right_by

_POINTS: Final = 24
"""Token counts at which P(right by t) is scored."""
_WATCHED: Final = 0.1
"""Token counts that fewer replies than this share were watched to are not scored."""
BINS: Final = 10
"""Groups of equal size, by belief, in which belief and outcome are compared."""
_SUREST: Final = 1e-3
"""The log score takes beliefs as at least this far from 0 and 1."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its bootstrap 95 % interval over questions; NaN where the replies do not determine it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class BeliefScores:
    """Quality of beliefs about questions that the predictor had not seen."""

    auc: Estimate
    """P(of a right and a wrong reply, the right one's question was the better bet); cut-off replies count as wrong."""
    auc_within: Estimate
    """The same for two replies to questions of one data set: what is known beyond where a question is from."""
    kendall: Estimate
    """Kendall's τ-b of threshold and answer position, over right replies."""
    brier: Estimate
    """Integrated Brier score of P(right by t): its mean over the grid; 0 is best."""
    brier_skill: Estimate
    """Share of the Brier score that is gained on believing the same of every question; below 0 is worse than that."""
    log_score: Estimate
    """Mean of −ln P(what happened) over the grid, nats; 0 is best."""
    calibration_error: Estimate
    """Mean distance of belief and outcome at the horizon, over ten groups of equal size by belief."""
    bias: Estimate
    """Mean belief less mean outcome at the horizon; above 0 is too hopeful."""
    horizon: float
    """The last token count of the grid."""
    questions: int
    """Number of questions."""
    replies: int
    """Number of replies."""
    right: int
    """Number of right replies."""
    censored: int
    """Number of replies that were cut off."""


MEASURES: Final[dict[str, tuple[str, str]]] = {
    "auc": (
        "AUC",
        "of a right and a wrong reply, how often the right one's question was the better bet; 0.5 is chance",
    ),
    "auc_within": (
        "AUC within a data set",
        "the same among questions from one place, where difficulty is harder to see",
    ),
    "kendall": ("Kendall τ", "are thresholds in the order of the right answers' positions? 1 is perfect, 0 is chance"),
    "brier": ("integrated Brier score", "mean squared error of P(right by t); 0 is best"),
    "brier_skill": ("Brier skill", "share of it gained on believing the same of every question; below 0 is a loss"),
    "log_score": ("log score", "mean surprise at what happened by t, nats; 0 is best"),
    "calibration_error": ("calibration error", "mean distance of belief and outcome in ten groups, at the horizon"),
    "bias": ("bias", "mean belief less share right, at the horizon; above 0 is too hopeful"),
}
"""What the figures of `BeliefScores` are called, and what each reads as."""


@dataclass(frozen=True, slots=True)
class Reliability:
    """Belief and outcome at one token count, in groups of questions that were believed alike."""

    believed: FloatArray
    """``(b,)`` mean P(right by then) of each group, rising."""
    observed: FloatArray
    """``(b,)`` share of its replies that were right by then."""
    share: FloatArray
    """``(b,)`` share of all replies that are in it."""

    @property
    def error(self) -> float:
        """Expected calibration error: the mean distance of the two, weighted by share."""
        return float(np.sum(self.share * np.abs(self.believed - self.observed)))


def chance_right(beliefs: Beliefs, tokens: FloatArray) -> FloatArray:
    """P(a right answer has appeared by t), ``(n, K)``, at ``(K,)`` token counts.

    Outcomes are read off their table with straight lines between its points, as the market prices them. Without
    outcomes it is the surge up to its peak and the peak from there on: an answer that has appeared stays.
    """
    tokens = np.asarray(tokens, dtype=np.float64)
    if (outcomes := beliefs.outcomes) is not None:
        grid = np.append(0.0, outcomes.tokens)
        right = np.column_stack([np.zeros(len(outcomes)), outcomes.right])
        right, grid = (right[:, 1:], grid[1:]) if grid[1] <= 0.0 else (right, grid)
        left = np.clip(np.searchsorted(grid, tokens, side="right") - 1, 0, max(0, len(grid) - 2))
        after = np.minimum(left + 1, len(grid) - 1)
        width = np.maximum(grid[after] - grid[left], 1e-300)
        part = np.clip((tokens - grid[left]) / width, 0.0, 1.0)
        return np.asarray(right[:, left] * (1.0 - part) + right[:, after] * part, dtype=np.float64)
    beyond = np.clip(tokens - beliefs.threshold[:, None], 0.0, 1.0 / beliefs.beta[:, None])
    surge = beliefs.alpha[:, None] * beyond * np.exp(-beliefs.beta[:, None] * beyond)
    return np.asarray(np.clip(surge, 0.0, 1.0), dtype=np.float64)


def bets(beliefs: Beliefs, horizon: float) -> FloatArray:
    """``(n,)`` how good a bet each question is: P(right by the horizon), or, without outcomes, −ln τ̂."""
    if beliefs.outcomes is None:
        return -np.log(np.maximum(beliefs.threshold, 1e-300))
    return chance_right(beliefs, np.array([horizon]))[:, 0]


def scoring_grid(evidence: Evidence) -> FloatArray:
    """Token counts at which P(right by t) is scored: quantiles of the right answers' positions, 1/24 to 24/24.

    So the mean over the grid is an integral over where right answers appear, whatever the predictor. Token counts to
    which fewer than a tenth of the replies were watched are left out.

    Raises:
        InputError: No reply is right.
    """
    positions = evidence.answer_tokens[evidence.correct]
    if not positions.size:
        raise InputError("No reply in these traces is right, so beliefs cannot be scored; record an easier task.")
    grid = np.unique(np.quantile(positions, np.arange(1, _POINTS + 1) / _POINTS, method="inverted_cdf")).astype(float)
    watched = Censoring.of(evidence).at(grid) >= _WATCHED
    return grid[watched] if watched.any() else grid[:1]


def share_right(evidence: Evidence, tokens: FloatArray) -> FloatArray:
    """``(K,)`` share of the replies that were right by then, the cut-off ones stood for by the others."""
    known = known_weights(evidence, np.asarray(tokens, dtype=np.float64))
    total = np.maximum(known.sum(axis=0), 1e-300)
    return np.asarray((known * right_by(evidence, tokens)).sum(axis=0) / total, dtype=np.float64)


def reliability(beliefs: Beliefs, evidence: Evidence, tokens: float, bins: int = BINS) -> Reliability:
    """Group replies by belief, in equal numbers, and compare belief with outcome; equal beliefs share a group.

    Replies that were cut off before ``tokens`` are stood for by those that were not (`known_weights`).
    """
    at = np.array([tokens], dtype=np.float64)
    believed = chance_right(beliefs, at)[evidence.query, 0]
    weight, happened = known_weights(evidence, at)[:, 0], right_by(evidence, at)[:, 0]
    group = _groups(believed, bins)
    total = np.bincount(group, weight)
    used = total > 0
    mean = [np.bincount(group, weight * values)[used] / total[used] for values in (believed, happened)]
    return Reliability(mean[0], mean[1], total[used] / total.sum())


def score_beliefs(
    beliefs: Beliefs,
    evidence: Evidence,
    datasets: Sequence[str] | None = None,
    *,
    grid: FloatArray | None = None,
    resamples: int = 500,
    seed: int = 0,
) -> BeliefScores:
    """Score beliefs about n questions against m replies to them.

    Args:
        beliefs: n rows, made without the questions' own replies (`cross_fit`).
        evidence: What happened.
        datasets: ``(n,)`` where each question is from; without it all are from one place.
        grid: ``(K,)`` token counts to score P(right by t) at, rising; `scoring_grid` if not given.
        resamples: Bootstrap samples of whole questions; the grid, the groups and the censoring stay as they are.
        seed: Seed of the bootstrap.

    Raises:
        InputError: Lengths differ, or no reply is right and there is no grid.
    """
    if len(beliefs) != evidence.n_queries or (datasets is not None and len(datasets) != evidence.n_queries):
        raise InputError(f"Beliefs and data sets must be about the {evidence.n_queries} questions of the evidence.")
    grid = scoring_grid(evidence) if grid is None else grid
    measures = _measures(beliefs, evidence, np.asarray(datasets or [""] * len(beliefs), dtype=object), grid)
    rng, n = np.random.default_rng(seed), evidence.n_queries
    draws = [np.bincount(rng.integers(n, size=n), minlength=n)[evidence.query] for _ in range(resamples)]
    once = np.ones(len(evidence), dtype=np.int64)
    return BeliefScores(
        **{name: _estimate(measure, once, draws) for name, measure in measures.items()},
        horizon=float(grid[-1]),
        questions=evidence.n_queries,
        replies=len(evidence),
        right=int(evidence.correct.sum()),
        censored=int(evidence.censored.sum()),
    )


Measure = Callable[[IntArray], float]
"""A figure as a function of how often each of m replies is drawn."""


def _estimate(measure: Measure, once: IntArray, draws: list[IntArray]) -> Estimate:
    values = np.array([measure(times) for times in draws])
    values = values[np.isfinite(values)]
    low, high = np.quantile(values, [0.025, 0.975]) if values.size else (np.nan, np.nan)
    return Estimate(float(measure(once)), float(low), float(high))


def _measures(beliefs: Beliefs, evidence: Evidence, datasets: Any, grid: FloatArray) -> dict[str, Measure]:
    query, correct, weight = evidence.query, evidence.correct, evidence.weight
    believed = chance_right(beliefs, grid)[query]
    happened, known = right_by(evidence, grid), known_weights(evidence, grid)
    bet = bets(beliefs, grid[-1])[query]
    place = np.unique(datasets, return_inverse=True)[1][query]
    sure = np.clip(believed, _SUREST, 1.0 - _SUREST)
    squared = (known * (happened - believed) ** 2).sum(axis=1)
    surprise = (known * -np.log(np.where(happened, sure, 1.0 - sure))).sum(axis=1)
    total, right = known.sum(axis=1), known * happened
    group, last = _groups(believed[:, -1], BINS), known[:, -1]
    excess = last * (believed[:, -1] - happened[:, -1])

    def mean(rows: FloatArray, weights: FloatArray) -> Measure:
        return lambda times: _ratio(float(times @ rows), float(times @ weights))

    def skill(times: IntArray) -> float:
        base = (times @ right) / np.maximum(times @ known, 1e-300)
        constant = float(((times @ known) * base * (1.0 - base)).sum())
        return 1.0 - _ratio(float(times @ squared), constant)

    def calibration_error(times: IntArray) -> float:
        return _ratio(float(np.abs(np.bincount(group, times * excess)).sum()), float(times @ last))

    return {
        "auc": _ranker(bet, correct, weight, np.zeros_like(place)),
        "auc_within": _ranker(bet, correct, weight, place),
        "kendall": _kendall(beliefs.threshold[query[correct]], evidence.answer_tokens[correct], correct),
        "brier": mean(squared, total),
        "brier_skill": skill,
        "log_score": mean(surprise, total),
        "calibration_error": calibration_error,
        "bias": mean(excess, last),
    }


def _ranker(bet: FloatArray, correct: BoolArray, weight: FloatArray, place: IntArray) -> Measure:
    """P(the right one of a right and a wrong reply from one place has the higher bet), ties half."""
    order = np.lexsort((bet, place))
    new_place = np.diff(place[order], prepend=-1) != 0
    run = np.cumsum(new_place | (np.diff(bet[order], prepend=np.nan) != 0)) - 1
    first = np.flatnonzero(np.diff(run, prepend=-1))
    start = np.maximum.accumulate(np.where(new_place[first], np.arange(len(first)), 0))
    right, wrong = (weight * correct)[order], (weight * ~correct)[order]
    places = np.cumsum(new_place[first]) - 1

    def measure(times: IntArray) -> float:
        drawn = times[order]
        up, down = np.bincount(run, right * drawn), np.bincount(run, wrong * drawn)
        below = np.cumsum(down) - down
        won = float((up * (below - below[start] + 0.5 * down)).sum())
        return _ratio(won, float((np.bincount(places, up) * np.bincount(places, down)).sum()))

    return measure


def _kendall(threshold: FloatArray, position: IntArray, correct: BoolArray) -> Measure:
    def measure(times: IntArray) -> float:
        from scipy.stats import kendalltau  # slow to import, and only needed here

        rows = np.repeat(np.arange(len(position)), times[correct])
        if len(rows) < 2 or np.ptp(position[rows]) == 0 or not np.ptp(threshold[rows]) > 0:
            return float("nan")
        return float(kendalltau(threshold[rows], position[rows]).statistic)

    return measure


def _groups(believed: FloatArray, bins: int) -> IntArray:
    edges = np.unique(np.quantile(believed, np.arange(1, bins) / bins))
    return np.searchsorted(edges, believed, side="left").astype(np.int64)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")
