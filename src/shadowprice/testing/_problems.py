"""A bank of small problems on which every solver should be right."""

from typing import Any

import numpy as np

from shadowprice.curves import AbstractCurve, Mixed, Quadratic, ShiftedSurge, Tabulated, Triangular
from shadowprice.pricing import Problem


def problem_bank(*, integer: bool = True) -> dict[str, Problem]:
    """Named problems with at most 120 queries: usual ones, ties, corners and extremes, all features, all curves.

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
    plain = {name: Problem(curve, budget, integer=integer) for name, (curve, budget) in cases.items()}
    return plain | _restricted(integer=integer) | _other_curves(integer=integer)


def _restricted(*, integer: bool) -> dict[str, Problem]:
    """Weights, costs, floors, caps and ceilings, alone and together."""
    curve = random_surge(60, seed=1)
    draw = np.random.default_rng(2)
    weight, cost = draw.uniform(0.1, 10.0, 60), draw.choice([1e-6, 3e-6, 1.5e-5], 60)
    floor = np.floor(draw.uniform(0.0, 1.0, 60) ** 3 * 2.0 * curve.peak_tokens())
    cap = floor + np.ceil(draw.uniform(0.0, 2.0, 60) * curve.peak_tokens())
    rest = float(floor.sum()) + 15_000.0
    price = 5e-4
    cases: dict[str, tuple[float, dict[str, Any]]] = {
        "weights": (30_000, {"weight": weight}),
        "money": (0.12, {"cost": cost}),
        "money and weights": (0.12, {"cost": cost, "weight": weight}),
        "equal costs": (0.3, {"cost": 1e-5}),
        "money, ample": (1.0, {"cost": cost}),
        "money, less than a token": (5e-7, {"cost": cost}),
        "floors": (rest, {"floor": floor}),
        "floors before the thresholds": (30_000, {"floor": np.floor(0.4 * curve.threshold)}),
        "floors for everybody beyond the peak": (600_000, {"floor": np.ceil(2.0 * curve.peak_tokens())}),
        "floors, exactly paid": (float(floor.sum()), {"floor": floor}),
        "floors, not paid": (float(floor.sum()) - 1.0, {"floor": floor}),
        "caps": (30_000, {"cap": cap}),
        "one cap": (30_000, {"cap": 700}),
        "caps before the thresholds": (30_000, {"cap": np.floor(curve.threshold)}),
        "caps of 0": (30_000, {"cap": 0}),
        "floors and caps": (rest, {"floor": floor, "cap": cap}),
        "floors that are the caps": (rest, {"floor": floor, "cap": floor}),
        "everything at once": (
            float((cost * floor).sum()) + 0.05,
            {"weight": weight, "cost": cost, "floor": floor, "cap": cap},
        ),
        "a ceiling that binds": (20_000, {"price_ceiling": price}),
        "a ceiling that does not": (20_000, {"price_ceiling": 1.0}),
        "a ceiling, everything at once": (
            float((cost * floor).sum()) + 0.05,
            {"weight": weight, "cost": cost, "floor": floor, "cap": cap, "price_ceiling": 5.0},
        ),
    }
    return {name: Problem(curve, budget, integer=integer, **given) for name, (budget, given) in cases.items()}


def _other_curves(*, integer: bool) -> dict[str, Problem]:
    """The other kinds of curves, alone and mixed."""
    draw = np.random.default_rng(3)
    threshold, rise = draw.uniform(50.0, 2000.0, 30), draw.uniform(50.0, 500.0, 30)
    peak = draw.uniform(0.2, 1.0, 30)
    triangular, quadratic = Triangular(threshold, peak, rise), Quadratic(threshold, peak, rise)
    tabulated = random_table(30, seed=4)
    mixed = Mixed([triangular, tabulated, random_surge(30, seed=5), quadratic])
    floor, cap = np.floor(draw.uniform(0.0, 400.0, 120)), np.ceil(draw.uniform(400.0, 3000.0, 120))
    weight, cost = draw.uniform(0.5, 2.0, 120), draw.uniform(0.5, 2.0, 120)
    curves: dict[str, AbstractCurve] = {
        "triangular": triangular,
        "quadratic": quadratic,
        "tabulated": tabulated,
        "tabulated, concave": tabulated.envelope(),
    }
    problems = {
        f"{name}, {size}": Problem(curve, budget, integer=integer)
        for name, curve in curves.items()
        for size, budget in (("scarce", 2500), ("usual", 12_000), ("ample", 1e6))
    }
    same = Triangular(np.full(8, 300.0), 0.5, 100.0)
    return problems | {
        "triangular, identical": Problem(same, 1000, integer=integer),
        "triangular, no thresholds": Problem(Triangular(0.0, peak, rise), 1234, integer=integer),
        "mixed": Problem(mixed, 60_000, integer=integer),
        "mixed, everything at once": Problem(
            mixed, 60_000, integer=integer, weight=weight, cost=cost, floor=floor, cap=cap
        ),
        "mixed, a ceiling": Problem(mixed, 20_000, integer=integer, price_ceiling=3e-4),
    }


def random_table(n: int, seed: int) -> Tabulated:
    """Measured accuracy of n queries at 12 token counts up to 3200: it rises late, is noisy and not concave."""
    generator = np.random.default_rng(seed)
    grid = np.rint(np.geomspace(50.0, 3200.0, 12))
    middle, height = generator.uniform(100.0, 2000.0, (n, 1)), generator.uniform(0.2, 1.0, (n, 1))
    accuracy = height / (1.0 + np.exp(-4.0 * np.log(grid / middle))) + generator.normal(0.0, 0.03, (n, 12))
    return Tabulated(grid, np.clip(accuracy, 0.0, 1.0))


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
