"""What matters: rows of a bench that differ in one thing besides the policy."""

from collections.abc import Callable
from typing import Final

import numpy as np

from shadowprice._errors import no_such
from shadowprice.beliefs import Beliefs
from shadowprice.bench._bench import Entrant
from shadowprice.bench._recipe import Forecasts, Recipe
from shadowprice.curves import Quadratic, Triangular
from shadowprice.policies import AbstractPolicy, ClearLambert, Expected, Index, IndexResume, Knowledge, Oracle
from shadowprice.traces import Traces

_NOISE: Final = (0.0, 0.25, 0.5, 1.0)
"""σ of log-normal noise on the token counts that are believed."""
_FEWEST: Final = 50
"""Questions of the smallest calibration set; every further one has twice as many."""

Fit = Callable[[Recipe], Forecasts]
"""Makes forecasts by a recipe."""


def ablation(name: str, traces: Traces, fit: Fit) -> list[Entrant]:
    """The rows of an ablation, with clear-lambert and the oracle as they are in every table.

    Args:
        name: Of `ABLATIONS`.
        traces: What will be benched.
        fit: Makes forecasts of them.

    Raises:
        InputError: There is no such ablation.
    """
    if name not in ABLATIONS:
        raise no_such("ablation", name, ABLATIONS)
    return [*ABLATIONS[name](traces, fit), Entrant(Oracle.name, Oracle(), Forecasts())]


def _utility(traces: Traces, fit: Fit) -> list[Entrant]:
    """Other shapes of the surge, with the same threshold, peak and rise."""
    del traces
    known = fit(Recipe((Knowledge.THRESHOLDS,)))
    return [
        Entrant(ClearLambert.name, ClearLambert(), known),
        Entrant("triangular", ClearLambert(_triangular), known),
        Entrant("quadratic", ClearLambert(_quadratic), known),
    ]


def _noise(traces: Traces, fit: Fit) -> list[Entrant]:
    """Token counts that are believed wrongly."""
    del traces
    believed = {sigma: fit(Recipe(noise=sigma)) for sigma in _NOISE}
    return [
        Entrant(_varied(policy, f"σ = {sigma:g}" if sigma else ""), policy, known)
        for policy in (ClearLambert(), Expected(), Index(), IndexResume())
        for sigma, known in believed.items()
    ]


def _calibration_size(traces: Traces, fit: Fit) -> list[Entrant]:
    """Fewer questions to learn from."""
    sizes: list[int | None] = []
    size = _FEWEST
    while size < traces.n_queries // 2:
        sizes.append(size)
        size *= 2
    believed = {number: fit(Recipe(size=number)) for number in [*sizes, None]}
    return [
        Entrant(_varied(policy, f"{number} questions" if number else ""), policy, known)
        for policy in (ClearLambert(), Expected(), Index())
        for number, known in believed.items()
    ]


def _alpha_beta(traces: Traces, fit: Fit) -> list[Entrant]:
    """One surge for all, as in the paper, or one for each query, as its predicted outcomes have it."""
    del traces
    known = fit(Recipe(reads=False))
    shared, own = known.thresholds, known.outcomes
    assert shared is not None
    assert own is not None
    positions = Beliefs(own.threshold, shared.alpha, shared.beta)
    return [
        Entrant(ClearLambert.name, ClearLambert(), known),
        Entrant("τ of each, α and β shared", ClearLambert(), Forecasts(thresholds=positions)),
        Entrant("τ, α and β of each", ClearLambert(), Forecasts(thresholds=own)),
    ]


def _predictor(traces: Traces, fit: Fit) -> list[Entrant]:
    """What each kind of belief is worth, up to the text that a query has written so far."""
    del traces
    known = fit(Recipe())
    blind = Forecasts(outcomes=known.outcomes)
    return [
        Entrant(ClearLambert.name, ClearLambert(), known),
        Entrant("clear-lambert, outcomes", ClearLambert(), Forecasts(thresholds=known.outcomes)),
        Entrant(Expected.name, Expected(), known),
        Entrant("index, without text", Index(), blind),
        Entrant(Index.name, Index(), known),
        Entrant("index-resume, without text", IndexResume(), blind),
        Entrant(IndexResume.name, IndexResume(), known),
    ]


def _triangular(beliefs: Beliefs) -> Triangular:
    return Triangular(beliefs.threshold, beliefs.alpha / (np.e * beliefs.beta), 1.0 / beliefs.beta)


def _quadratic(beliefs: Beliefs) -> Quadratic:
    return Quadratic(beliefs.threshold, beliefs.alpha / (np.e * beliefs.beta), 1.0 / beliefs.beta)


def _varied(policy: AbstractPolicy, how: str) -> str:
    return f"{policy.name}, {how}" if how else policy.name


ABLATIONS: Final[dict[str, Callable[[Traces, Fit], list[Entrant]]]] = {
    "utility": _utility,
    "noise": _noise,
    "calibration-size": _calibration_size,
    "alpha-beta": _alpha_beta,
    "predictor": _predictor,
}
"""Every ablation by name."""
