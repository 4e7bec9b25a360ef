"""A bank of small problems on which every solver should be right."""

import numpy as np

from shadowprice.curves import ShiftedSurge
from shadowprice.pricing import Problem


def problem_bank(*, integer: bool = True) -> dict[str, Problem]:
    """Named problems with at most 100 queries: usual ones, ties, corners and extremes.

    Args:
        integer: whether tokens come whole.
    """
    identical = ShiftedSurge.from_peak(np.full(10, 500.0), 0.8, 0.005)
    one = ShiftedSurge.from_peak(300.0, 0.9, 0.01)
    usual = random_surge(100, seed=0)
    everything = float(usual.peak_tokens().sum())
    cases: dict[str, tuple[ShiftedSurge, float]] = {
        "nobody": (usual.take(slice(0)), 1000),
        "one query": (one, 390),
        "one query, squeezed": (one, 310),
        "one query, at its threshold": (one, 300),
        "one query, saturated": (one, 1000),
        "budget 0": (usual, 0),
        "budget 1": (usual, 1),
        "budget 1, no thresholds": (ShiftedSurge(0.0, 1.0, np.full(5, 0.1)), 1),
        "scarce": (usual, 0.05 * everything // 1),
        "usual": (usual, 0.5 * everything // 1),
        "ample": (usual, 0.98 * everything // 1),
        "everything": (usual, np.ceil(everything)),
        "huge budget": (usual, 1e15),
        "fraction of a token": (usual, 20_000.75),
        "identical": (identical, 3000),
        "identical, an exact fit": (identical, float(np.ceil(3 * identical.reservation_tokens()[0]))),
        "identical, all but one": (identical, float(identical.peak_tokens()[1:].sum())),
        "no thresholds": (ShiftedSurge(0.0, np.linspace(0.01, 0.02, 20), 0.01), 500),
        "shared shape": (ShiftedSurge(np.arange(100.0, 2100.0, 100.0), 0.01, 0.004), 9000),
        "two rungs": (ShiftedSurge.from_peak(np.repeat([200.0, 900.0], 5), 0.7, 0.01), 3000),
        "surges within a token": (ShiftedSurge(np.arange(10.0) + 0.4, 5.0, 3.0), 40),
        "steep and flat": (ShiftedSurge.from_peak([10.5, 5.0, 0.0, 80.0], 0.9, [2.0, 1e-9, 0.3, 1e-3]), 2000),
        "large first, small fits": (ShiftedSurge.from_peak([900.0, 90.0], [1.0, 0.05], [0.01, 0.1]), 500),
        "many scales": (_many_scales(), 1e7),
    }
    return {name: Problem(curve, budget, integer=integer) for name, (curve, budget) in cases.items()}


def random_surge(n: int, seed: int) -> ShiftedSurge:
    """Heterogeneous queries, n of them, of the size that small reasoning models show.

    Thresholds are log-normal around 665 tokens, 1/β is log-normal around 245 tokens, solve probabilities at
    the peak are uniform on [0.2, 1].
    """
    generator = np.random.default_rng(seed)
    threshold = np.exp(generator.normal(6.5, 0.8, n))
    beta = np.exp(generator.normal(-5.5, 0.5, n))
    return ShiftedSurge.from_peak(threshold, generator.uniform(0.2, 1.0, n), beta)


def random_problem(n: int, seed: int, *, tokens_per_query: float = 500.0, integer: bool = True) -> Problem:
    """`random_surge` with ``tokens_per_query`` tokens for each query; 500 funds about half of them."""
    return Problem(random_surge(n, seed), np.floor(n * tokens_per_query), integer=integer)


def _many_scales() -> ShiftedSurge:
    threshold, beta = np.meshgrid([0.0, 1e-6, 1.0, 1e3, 1e6], [1e-6, 1e-3, 1.0, 1e3, 1e6])
    return ShiftedSurge.from_peak(threshold.ravel(), np.linspace(0.1, 1.0, 25), beta.ravel())
