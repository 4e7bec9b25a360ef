"""What every kind of curve must be true to: its values decide demand and reservation price, with floors and caps."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.curves import AbstractCurve, Mixed, Quadratic, ShiftedSurge, Tabulated, Triangular
from shadowprice.testing import random_table

TAU = np.array([0.0, 30.0, 80.0, 200.0])
PEAK = np.array([0.3, 0.9, 0.5, 1.0])
RISE = np.array([50.0, 20.0, 100.0, 40.0])

CURVES: dict[str, AbstractCurve] = {
    "surge": ShiftedSurge.from_peak(TAU, PEAK, 1.0 / RISE),
    "triangular": Triangular(TAU, PEAK, RISE, 2.0 * RISE),
    "quadratic": Quadratic(TAU, PEAK, RISE),
    "tabulated": Tabulated([10.0, 40.0, 90.0, 160.0, 300.0], random_table(4, 1).values[:, 3:8]),
    "mixed": Mixed([ShiftedSurge.from_peak(TAU[:2], 0.5, 0.02), random_table(2, 2)], [[3, 0], [1, 2]]),
}


def _worth(curve: AbstractCurve, levels: FloatArray) -> FloatArray:
    """Values ``(k, n)`` of ``(k, n)`` levels."""
    rows = np.tile(np.arange(len(curve)), len(levels))
    return curve.take(rows).value(levels.ravel()).reshape(levels.shape)


def _best_ratio(curve: AbstractCurve, floor: FloatArray, levels: FloatArray) -> FloatArray:
    """Utility per token beyond the floor at ``(k, n)`` levels."""
    run = levels - floor
    rise = _worth(curve, levels) - curve.value(floor)
    return np.divide(rise, run, out=np.zeros_like(run), where=run > 0.0)


def _searched(curve: AbstractCurve, floor: FloatArray, upper: FloatArray) -> FloatArray:
    """Levels ``(k, n)`` from floor to cap: whole tokens, where tables bend, and many around the best utility per token.

    None is nearer to the floor than 1e-4 tokens: there the quotient of two differences has lost its digits.
    """
    share = np.concatenate([[0.0], np.geomspace(1e-8, 1.0, 300)])[:, np.newaxis]
    whole = np.floor(floor) + np.arange(1.0, 3500.0)[:, np.newaxis]
    nearest = np.minimum(floor + 1e-4, upper)
    found = np.clip(np.concatenate([floor + share * (upper - floor), whole]), nearest, upper)
    found = np.sort(np.concatenate([floor[np.newaxis], found]), axis=0)
    for _ in range(3):
        best = _best_ratio(curve, floor, found).argmax(axis=0)[np.newaxis]
        low = np.take_along_axis(found, np.maximum(best - 1, 0), 0)
        high = np.take_along_axis(found, np.minimum(best + 1, len(found) - 1), 0)
        closer = np.clip(low + np.linspace(0.0, 1.0, 101)[:, np.newaxis] * (high - low), nearest, upper)
        found = np.sort(np.concatenate([found, closer]), axis=0)
    return found


@pytest.mark.parametrize("name", CURVES)
@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_demand_and_reservation_price_are_the_best_of_all_tokens(name: str, seed: int) -> None:
    curve, draw = CURVES[name], np.random.default_rng(seed)
    floor = np.where(draw.random(4) < 0.3, 0.0, draw.uniform(0.0, 300.0, 4))
    cap = floor + draw.choice([0.0, 10.0, 100.0, 4000.0], 4)
    assume((np.abs(floor - curve.peak_tokens()) > 1e-3).all())  # a peak just beyond the floor is finer than the search
    upper = np.minimum(cap, 3500.0)
    levels = _searched(curve, floor, upper)
    worth = _worth(curve, levels)
    ratio = _best_ratio(curve, floor, levels).max(axis=0)
    bar = curve.reservation_price(floor, cap)
    assert (bar >= ratio * (1.0 - 1e-6) - 1e-12).all()
    np.testing.assert_allclose(bar, np.maximum(ratio, 0.0), rtol=1e-3, atol=1e-7)
    for price in (bar * draw.uniform(0.0, 1.0, 4), bar * 1.001 + 1e-12, np.zeros(4)):
        held = curve.demand(price, floor, cap)
        assert (held >= floor).all()
        assert (held <= np.maximum(cap, floor)).all()
        surplus = curve.value(held) - price * held
        assert (surplus >= (worth - price * levels).max(axis=0) - 1e-9).all()
    np.testing.assert_array_equal(curve.demand(bar * 1.001 + 1e-12, floor, cap), floor)


@pytest.mark.parametrize("name", CURVES)
def test_beyond_is_the_same_curve_from_the_floor_on(name: str) -> None:
    curve = CURVES[name]
    floor, cap = np.array([0.0, 10.0, 90.0, 250.0]), np.array([60.0, 55.0, 300.0, 260.0])
    beyond = curve.beyond(floor, cap)
    for more in (0.0, 5.0, 10.0, 50.0):
        held = np.minimum(floor + more, cap)
        np.testing.assert_allclose(beyond.value(held - floor), curve.value(held) - curve.value(floor), atol=1e-12)
    np.testing.assert_allclose(beyond.reservation_price(), curve.reservation_price(floor, cap))
    for price in (0.0, 1e-4, 1e-2):
        np.testing.assert_allclose(beyond.demand(price) + floor, curve.demand(price, floor, cap))
    assert curve.beyond(None, None) is curve
    np.testing.assert_array_equal(beyond.take([2, 0]).demand(1e-4), beyond.demand(1e-4)[[2, 0]])


@pytest.mark.parametrize("name", CURVES)
def test_slopes_gains_and_rows(name: str) -> None:
    curve = CURVES[name]
    held = np.array([61.0, 33.0, 123.0, 217.0])
    slope = (curve.value(held + 1e-5) - curve.value(held)) / 1e-5
    np.testing.assert_allclose(curve.marginal(held), slope, rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(curve.gain(held), curve.value(held + 1.0) - curve.value(held), rtol=1e-9, atol=1e-12)
    best = curve.best_within(held)
    assert (best <= held).all()
    assert (curve.value(best) >= curve.value(held)).all()
    np.testing.assert_array_equal(curve.peak_tokens(), curve.demand(0.0))
    for rows in ([3, 1, 1], slice(1, None), np.array([True, False, False, True]), slice(0)):
        taken = curve.take(rows)
        np.testing.assert_array_equal(taken.value(held[rows]), curve.value(held)[rows])
        np.testing.assert_array_equal(taken.demand(1e-3), curve.demand(1e-3)[rows])
        assert len(taken) == held[rows].size


def test_the_paper_s_ablations_are_their_formulas() -> None:
    triangular, quadratic = Triangular(100.0, 0.8, 50.0), Quadratic(100.0, 0.8, 50.0)
    for tokens, straight, curved in ((90, 0, 0), (125, 0.4, 0.6), (150, 0.8, 0.8), (175, 0.4, 0.6), (250, 0, 0)):
        assert triangular.value(np.array([tokens])) == pytest.approx(straight)
        assert quadratic.value(np.array([tokens])) == pytest.approx(curved)
    assert triangular.reservation_price() == pytest.approx(0.8 / 150.0)
    assert Quadratic(0.0, 0.8, 50.0).reservation_price() == pytest.approx(2 * 0.8 / 50.0)


def test_the_envelope_is_the_least_concave_curve_above() -> None:
    table = random_table(50, 7)
    hull = table.envelope()
    for tokens in np.linspace(0.0, 3200.0, 65):
        assert (hull.value(np.full(50, tokens)) >= table.value(np.full(50, tokens)) - 1e-12).all()
    levels = np.linspace(0.0, 3200.0, 200)
    values = np.stack([hull.value(np.full(50, tokens)) for tokens in levels])
    assert (np.diff(values, 2, axis=0) <= 1e-12).all()
    assert (np.diff(values, axis=0) >= -1e-12).all()
    np.testing.assert_array_equal(hull.demand(1e-4), table.demand(1e-4))


def test_a_grid_shared_or_each_and_a_value_for_nothing() -> None:
    shared = Tabulated([100, 200], [[0.5, 0.6], [0.1, 0.9]])
    each = Tabulated([[100, 200], [100, 200]], [[0.5, 0.6], [0.1, 0.9]])
    np.testing.assert_array_equal(shared.value(np.array([150, 150])), each.value(np.array([150, 150])))
    np.testing.assert_allclose(shared.reservation_price(), [0.005, 0.0045])
    guess = Tabulated([0, 100], [[0.25, 0.5]])
    assert guess.value(np.zeros(1)) == 0.25
    assert guess.reservation_price() == pytest.approx(0.0025)
    flat = Tabulated([0], [[0.25]])
    assert flat.demand(0.0) == flat.reservation_price() == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Triangular([1.0, -1.0], 1.0, 1.0), "threshold must be at least 0 tokens, but row 1 is -1"),
        (lambda: Triangular(1.0, 1.0, [1.0, 0.0]), "rise must be above 0, but row 1 is 0"),
        (lambda: Quadratic(1.0, [np.nan], 1.0), "peak must be finite, but row 0 is nan"),
        (lambda: Quadratic(1.0, 1.0, 1e17), r"rise must be at most 2\*\*53 tokens"),
        (lambda: Quadratic([1.0, 2.0], [1.0, 2.0, 3.0], 1.0), "one entry per query"),
        (lambda: Tabulated([10, 10], [[0.1, 0.2]]), "tokens must rise from point to point, but in row 0"),
        (lambda: Tabulated([10, 20], [[0.1, 0.2], [0.1, -0.2]]), "values must be finite and at least 0, but in row 1"),
        (lambda: Tabulated([-1, 20], [[0.1, 0.2]]), r"tokens must be from 0 to 2\*\*53, but in row 0"),
        (lambda: Tabulated([1, 2, 3], [[0.1, 0.2]]), "K > 0 points each"),
        (lambda: Tabulated([[[1]]], [[0.1]]), r"\(K,\) or \(n, K\)"),
        (lambda: Tabulated("grid", [[0.1]]), "tokens must be an array of numbers"),
        (lambda: Mixed([ShiftedSurge(1.0, 1.0, 1.0)], [[1]]), "rows of a Mixed must be the numbers from 0 to 0"),
        (lambda: Mixed([3]), "Each part of a Mixed must be an AbstractCurve, not int"),  # type: ignore[list-item]
    ],
)
def test_bad_fields(make: "type[AbstractCurve]", message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_numbers_of_another_size_are_refused_and_one_serves_all() -> None:
    table = random_table(6, seed=0)
    two = np.array([0.1, 0.2])
    for ask in (table.value, table.gain, table.marginal, table.best_within, table.demand, table.committed_demand):
        with pytest.raises(ValueError, match="broadcast"):
            ask(two)
        np.testing.assert_array_equal(ask(np.full(6, 0.05)), ask(0.05))  # type: ignore[arg-type]  # said for arrays
