"""Whether a saved predictor can still be believed, on traces that it was not fitted on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs.saved._card import (
    Reference,
    log_lengths,
    question_hashes,
    unknown_share,
    word_hashes,
)
from shadowprice.beliefs.saved._files import SavedPredictor
from shadowprice.beliefs.scoring import BeliefScores, Estimate, bets, score_beliefs

_FEWEST: Final = 30
"""Unseen questions that are enough to leave out those that the predictor was fitted on."""
_WORDS: Final = 0.10
"""Unknown words may make up this much more of a question than at fit time."""
_LENGTH: Final = 0.5
"""Mean log length may move by this many standard deviations."""
_DISTANCE: Final = 0.15
"""Kolmogorov and Smirnov's distance that beliefs may keep from those at fit time, however sure the test is."""
_SURE: Final = 1e-3
"""Level of that test."""
_BIAS: Final = 0.05
"""Mean belief may be off by this much."""
_ERRORS: Final = 3.0
"""Standard errors that a figure may move by chance."""
_AUC: Final = 0.05
_KENDALL: Final = 0.10
"""Ranking may lose this much."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was compared."""

    name: str
    """What."""
    then: float
    """At fit time; NaN if there is nothing to compare with."""
    now: Estimate
    """On the new traces; the interval is NaN where there is none."""
    drifted: bool
    """Whether it has moved by more than it may."""
    reads: str
    """What it means, and how much is too much."""


@dataclass(frozen=True, slots=True)
class Drift:
    """What a check of a saved predictor found."""

    findings: tuple[Finding, ...]
    """Questions first, then beliefs."""
    scores: BeliefScores
    """The figures on the new traces."""
    questions: int
    """Questions that were looked at."""
    seen: int
    """How many of the traces' questions the predictor was fitted on."""
    flattered: bool
    """Whether questions that it was fitted on are among those looked at, because there are too few others."""

    @property
    def drifted(self) -> bool:
        """Whether anything has moved by more than it may."""
        return any(finding.drifted for finding in self.findings)

    @property
    def verdict(self) -> str:
        """One line."""
        if not self.drifted:
            return "Not drifted: the questions are like those it was fitted on, and its beliefs hold."
        moved = [finding.name for finding in self.findings if finding.drifted]
        return f"Drifted: {', '.join(moved)}."

    @property
    def advice(self) -> str:
        """What to do next."""
        if not self.drifted:
            return "Nothing to do; check again when the model, the prompts or the questions change."
        if any(finding.drifted for finding in self.findings if finding.name in _HOLDS):
            return (
                "Fit it again with these traces, alone or beside the old ones: `shadowprice fit TRACES -o FILE`; "
                "record more with `shadowprice record` if there are fewer than a few hundred questions."
            )
        return (
            "Its beliefs hold on these replies though the questions are others; add these traces at the next fit, "
            "and check again once there are more of them."
        )


_HOLDS: Final = frozenset({"model", "calibration", "AUC", "Kendall τ"})


def check_drift(
    saved: SavedPredictor,
    evidence: Evidence,
    *,
    model: str = "",
    token_unit: str = "",
    seed: int = 0,
    resamples: int = 500,
) -> Drift:
    """Compare new traces with what a predictor was fitted on and how good it was then.

    Questions that it was fitted on are left out if 30 or more others remain.

    Args:
        saved: A predictor with its card and reference.
        evidence: Replies to check it on.
        model: Who gave them; empty if unknown.
        token_unit: Whose tokens are counted in them; empty if unknown.
        seed: Seed of the bootstrap.
        resamples: Bootstrap samples of whole questions.

    Raises:
        InputError: The file has no reference, the tokens are in another unit, or there are no replies.
    """
    card, reference = saved.card, saved.reference
    if reference is None:
        raise InputError("This predictor was saved without its questions' reference; fit it again to check for drift.")
    if card.token_unit and token_unit and card.token_unit != token_unit:
        raise InputError(
            f"The predictor counts tokens of {card.token_unit}, the traces those of {token_unit}; fit one on them."
        )
    if not len(evidence):
        raise InputError("There are no replies to check the predictor on.")
    seen = _is_in(question_hashes(evidence.questions), reference)
    flattered = bool(seen.any() and (~seen).sum() < _FEWEST)
    looked_at = evidence if flattered or not seen.any() else evidence.of_questions(~seen)
    beliefs = saved.predictor.predict(looked_at.questions)
    grid = None if looked_at.correct.any() else np.array([max(card.horizon, 1.0)])
    scores = score_beliefs(beliefs, looked_at, grid=grid, seed=seed, resamples=resamples)
    believed = bets(beliefs, card.horizon)
    findings = [
        *_model(card.model, model),
        _words(reference, looked_at.questions),
        _lengths(reference, looked_at.questions),
        _believed(reference, believed, card.queries, flattered),
        _bias(scores, card.scores.get("bias")),
        _rank("AUC", scores.auc, card.scores.get("auc"), _AUC, "a right and a wrong reply are told apart"),
        _rank("Kendall τ", scores.kendall, card.scores.get("kendall"), _KENDALL, "thresholds are in order"),
    ]
    return Drift(tuple(findings), scores, looked_at.n_queries, int(seen.sum()), flattered)


def _only(value: float) -> Estimate:
    return Estimate(float(value), float("nan"), float("nan"))


def _model(then: str, now: str) -> list[Finding]:
    if not then or not now or then == now:
        return []
    return [Finding("model", float("nan"), _only(np.nan), True, f"fitted on {then}, these are replies of {now}")]


def _words(reference: Reference, questions: Sequence[str]) -> Finding:
    now = float(np.mean([unknown_share(word_hashes(question), reference.words) for question in questions]))
    return Finding(
        "unknown words",
        reference.unknown,
        _only(now),
        now - reference.unknown > _WORDS,
        f"share of a question's words that it never saw; {_WORDS:.2f} more is too much",
    )


def _lengths(reference: Reference, questions: Sequence[str]) -> Finding:
    then, spread = float(reference.lengths.mean()), max(float(reference.lengths.std()), 0.05)
    now = float(log_lengths(questions).mean())
    return Finding(
        "length",
        float(np.expm1(then)),
        _only(np.expm1(now)),
        abs(now - then) > _LENGTH * spread,
        f"characters, geometric mean; {_LENGTH:g} standard deviations ({np.exp(_LENGTH * spread):.2f}×) is too much",
    )


def _believed(reference: Reference, believed: FloatArray, fitted_on: int, flattered: bool) -> Finding:
    """Two-sample test of Kolmogorov and Smirnov against the quantiles of the fit."""
    from scipy.special import kolmogorov  # slow to import, and only needed here

    then = np.sort(reference.believed)
    points = np.unique(np.concatenate([then, believed]))
    mine = np.searchsorted(np.sort(believed), points, side="right") / len(believed)
    distance = float(np.abs(mine - np.searchsorted(then, points, side="right") / len(then)).max())
    size = len(believed) * fitted_on / (len(believed) + fitted_on)
    unlikely = float(kolmogorov(np.sqrt(size) * distance)) < _SURE
    return Finding(
        "beliefs",
        0.0,
        _only(distance),
        not flattered and unlikely and distance > _DISTANCE,
        f"distance of the beliefs from those at fit time (Kolmogorov–Smirnov); {_DISTANCE:g} is too much",
    )


def _bias(scores: BeliefScores, then: tuple[float, float, float] | None) -> Finding:
    before = then or (0.0, 0.0, 0.0)
    moved = abs(_steps(scores.bias, before, _BIAS)) > 1.0 and abs(scores.bias.value) > _BIAS
    reads = f"mean P(right) less share right; too much if {_BIAS:g} off, and as much from then, beyond chance"
    return Finding("calibration", before[0], scores.bias, moved, reads)


def _rank(name: str, now: Estimate, then: tuple[float, float, float] | None, most: float, reads: str) -> Finding:
    before = then or (np.nan, np.nan, np.nan)
    lost = _steps(now, before, most) < -1.0
    return Finding(name, before[0], now, lost, f"{reads}; too much if {most:g} less, beyond chance")


def _steps(now: Estimate, then: tuple[float, float, float], most: float) -> float:
    """How far a figure has moved, in units of what it may: `most`, or three standard errors of both if that is more.

    The fit has seen only so many questions, as the check has: both are uncertain.
    """
    error = np.hypot(now.high - now.low, then[2] - then[1]) / (2 * 1.96)
    return float((now.value - then[0]) / np.fmax(most, _ERRORS * error))


def _is_in(hashes: np.ndarray, reference: Reference) -> BoolArray:
    return np.asarray(np.isin(hashes, reference.questions), dtype=np.bool_)
