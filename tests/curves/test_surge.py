import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice.curves import AbstractCurve, ShiftedSurge

exponents = st.floats(-6.0, 6.0)


def test_value_is_the_formula() -> None:
    curve = ShiftedSurge([100.0, 100.0, 100.0, 0.0], 0.02, 0.01)
    expected = [0.0, 0.0, 0.02 * 50 * np.exp(-0.5), 0.0]
    np.testing.assert_allclose(curve.value(np.array([50.0, 100.0, 150.0, 0.0])), expected)


def test_peak() -> None:
    curve = ShiftedSurge.from_peak([0.0, 300.0], [0.9, 0.4], [0.01, 0.002])
    np.testing.assert_allclose(curve.peak_tokens(), [100.0, 800.0])
    np.testing.assert_allclose(curve.value(curve.peak_tokens()), [0.9, 0.4])
    np.testing.assert_allclose(curve.marginal(curve.peak_tokens()), 0.0, atol=1e-15)
    np.testing.assert_allclose(curve.demand(0.0), curve.peak_tokens())
    assert (curve.value(curve.peak_tokens() + 50.0) < curve.value(curve.peak_tokens())).all()


def test_marginal_is_the_slope() -> None:
    curve = ShiftedSurge(100.0, 0.02, 0.01)
    for tokens in (101.0, 150.0, 200.0, 400.0):
        here = np.array([tokens])
        slope = (curve.value(here + 1e-4) - curve.value(here - 1e-4)) / 2e-4
        np.testing.assert_allclose(curve.marginal(here), slope, rtol=1e-6, atol=1e-12)
    assert curve.marginal(np.array([99.0])) == 0.0
    assert curve.marginal(np.array([100.0])) == 0.02


def test_gain_is_the_difference_and_keeps_its_digits() -> None:
    curve = ShiftedSurge(100.5, 0.02, 0.01)
    for tokens in (0, 99, 100, 101, 150, 200, 201, 500):
        here = np.array([tokens])
        difference = curve.value(here + 1) - curve.value(here)
        np.testing.assert_allclose(curve.gain(here), difference, rtol=1e-10, atol=1e-15)
    flat = ShiftedSurge.from_peak(0.0, 1e20, 1e-12)
    halfway = np.array([10**12 // 2])
    np.testing.assert_allclose(flat.gain(halfway), flat.marginal(halfway), rtol=1e-11)


@settings(deadline=None, max_examples=60)
@given(decay=st.floats(-12.0, 12.0), rate=exponents, threshold=exponents)
def test_reservation_price_is_the_best_ratio_on_a_fine_grid(decay: float, rate: float, threshold: float) -> None:
    tau = 10.0**threshold
    beta = max(10.0**decay / tau, 1e-15)
    curve = ShiftedSurge(tau, 10.0**rate, beta)
    # The ratio is worked out from βx, since τ + x rounds x away where βτ is large.
    decayed = np.concatenate([np.logspace(-13, 0, 200_001), np.linspace(0.0, 1.0, 200_001)])
    ratio = 10.0**rate * decayed * np.exp(-decayed) / (beta * tau + decayed)
    np.testing.assert_allclose(curve.reservation_price(), ratio.max(), rtol=1e-8)
    assert curve.reservation_price()[0] >= ratio.max() * (1.0 - 1e-14)


def test_reservation_price_without_a_threshold_is_alpha() -> None:
    curve = ShiftedSurge(0.0, [1e-9, 0.3, 1e9], [1e-9, 1.0, 1e9])
    np.testing.assert_array_equal(curve.reservation_price(), curve.alpha)
    np.testing.assert_array_equal(curve.reservation_tokens(), 0.0)


@settings(deadline=None, max_examples=100)
@given(decay=exponents, rate=exponents, threshold=exponents, share=st.floats(1e-6, 0.999))
def test_demand_is_the_best_response(decay: float, rate: float, threshold: float, share: float) -> None:
    curve = ShiftedSurge(10.0**threshold, 10.0**rate, 10.0**decay)
    price = share * float(curve.reservation_price()[0])
    bought = curve.demand(price)
    surplus = curve.value(bought) - price * bought
    assert surplus[0] >= -1e-9 * curve.value(bought)[0]
    for tokens in np.concatenate([[0.0], curve.threshold + np.linspace(0.0, 3.0, 301) / curve.beta]):
        other = np.array([tokens])
        best = curve.value(bought)[0]
        assert (curve.value(other) - price * other)[0] <= surplus[0] + 1e-9 * best


def test_demand_ends_at_the_reservation_price() -> None:
    curve = ShiftedSurge([10.0, 200.0], 0.02, 0.01)
    price = curve.reservation_price()
    np.testing.assert_allclose(curve.demand(price), curve.reservation_tokens(), rtol=1e-12)
    np.testing.assert_array_equal(curve.demand(price * (1.0 + 1e-12)), 0.0)
    np.testing.assert_array_equal(curve.demand(1e300), 0.0)
    np.testing.assert_array_equal(curve.committed_demand(1e300), curve.threshold)


@pytest.mark.parametrize("beta_tau", 10.0 ** np.arange(-12.0, 13.0, 3.0))
def test_extremes_stay_finite(beta_tau: float) -> None:
    for beta in (1e-15, 1e-6, 1.0, 1e9):
        tau = beta_tau / beta
        if tau > 2.0**53:
            continue
        for alpha in (1e-290, 1.0, 1e290):
            curve = ShiftedSurge(tau, alpha, beta)
            price = curve.reservation_price()
            assert 0.0 < price[0] <= alpha
            for factor in (0.0, 0.5, 1.0):
                tokens = curve.demand(factor * price)
                assert tau <= tokens[0] <= curve.peak_tokens()[0]
                assert np.isfinite(curve.value(tokens)).all()
            assert curve.value(np.array([1e300]))[0] == 0.0


def test_one_price_per_query() -> None:
    curve = ShiftedSurge([10.0, 200.0], 0.02, 0.01)
    prices = np.array([0.001, 0.0005])
    each = [curve.demand(price)[row] for row, price in enumerate(prices)]
    np.testing.assert_array_equal(curve.demand(prices), each)


def test_scalars_stand_for_every_query_and_nobody_can_change_them() -> None:
    threshold = np.array([1.0, 2.0, 3.0])
    curve = ShiftedSurge(threshold, 0.5, 0.1)
    assert isinstance(curve, AbstractCurve)
    assert len(curve) == 3
    assert len(ShiftedSurge(1.0, 0.5, 0.1)) == 1
    assert curve.alpha.shape == curve.beta.shape == (3,)
    assert curve.threshold.dtype == curve.alpha.dtype == np.float64
    threshold[0] = 99.0
    assert curve.threshold[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        curve.threshold[0] = 5.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        curve.threshold = threshold  # type: ignore[misc]


def test_take() -> None:
    curve = ShiftedSurge([1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0])
    np.testing.assert_array_equal(curve.take([2, 0]).threshold, [3.0, 1.0])
    np.testing.assert_array_equal(curve.take(np.array([False, True, False])).alpha, [5.0])
    np.testing.assert_array_equal(curve.take(slice(1, None)).beta, [8.0, 9.0])
    assert len(curve.take(slice(0))) == 0
    assert len(curve.take(slice(0)).demand(1.0)) == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (([1.0, -2.0], 1.0, 1.0), "threshold must be at least 0 tokens, but row 1 is -2"),
        (([1.0, 2.0, np.nan], 1.0, 1.0), "threshold must be finite, but row 2 is nan"),
        ((1e16, 1.0, 1.0), "threshold must be at most"),
        ((1.0, [1.0, 0.0], 1.0), "alpha must be above 0, but row 1 is 0"),
        ((1.0, [np.inf], 1.0), "alpha must be finite, but row 0 is inf"),
        ((1.0, 1.0, [0.5, -1.0]), "beta must be above 0, but row 1"),
        ((1.0, 1.0, 1e-17), "beta must be at least"),
        ((1.0, "steep", 1.0), "alpha must be a number or an array"),
        ((1.0, None, 1.0), "alpha must be"),
        ((1.0, 1.0, [[1.0]]), "beta must be a number or an array of n numbers, but its shape is"),
        ((1.0, 1e300, 1e-12), "alpha / beta must be finite, but row 0"),
        (([1.0, 2.0], [1.0, 2.0, 3.0], 1.0), r"threshold \(2,\), alpha \(3,\), beta \(\)"),
    ],
)
def test_bad_fields(fields: tuple[Any, Any, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ShiftedSurge(*fields)


def test_bad_peaks() -> None:
    with pytest.raises(InputError, match="peak must be above 0, but row 1 is 0"):
        ShiftedSurge.from_peak(1.0, [0.5, 0.0], 0.1)
    with pytest.raises(InputError, match="peak must be finite, but row 0 is inf"):
        ShiftedSurge.from_peak(1.0, [np.inf], 0.1)
    with pytest.raises(InputError, match="peak has 2 entries and beta 3"):
        ShiftedSurge.from_peak(1.0, [0.5, 0.5], [1.0, 1.0, 1.0])


@pytest.mark.parametrize("price", [-1.0, np.nan])
def test_bad_prices(price: float) -> None:
    with pytest.raises(InputError, match="price must be at least 0"):
        ShiftedSurge(1.0, 1.0, 1.0).demand(price)


def test_float32_is_only_storage() -> None:
    rng = np.random.default_rng(0)
    n = 500
    columns = [rng.lognormal(6.5, 0.8, n), rng.uniform(0.001, 0.01, n), rng.lognormal(-5.5, 0.5, n)]
    columns = [column.astype(np.float32) for column in columns]
    stored, copied = ShiftedSurge(*columns, copy=False), ShiftedSurge(*columns)
    assert np.shares_memory(stored.alpha, columns[1])
    assert not stored.alpha.flags.writeable
    assert not np.shares_memory(copied.alpha, columns[1])
    tokens, floor = rng.uniform(0.0, 3000.0, n), rng.uniform(0.0, 500.0, n)
    cap = floor + rng.uniform(0.0, 2000.0, n)
    for method in ("value", "marginal", "gain", "best_within"):
        np.testing.assert_array_equal(getattr(stored, method)(tokens), getattr(copied, method)(tokens), strict=True)
    for method in ("peak_tokens", "reservation_tokens"):
        np.testing.assert_array_equal(getattr(stored, method)(), getattr(copied, method)(), strict=True)
    for bounds in ((None, None), (floor, None), (floor, cap), (None, cap)):
        np.testing.assert_array_equal(stored.demand(1e-4, *bounds), copied.demand(1e-4, *bounds), strict=True)
        bars = stored.reservation_price(*bounds), copied.reservation_price(*bounds)
        np.testing.assert_array_equal(*bars, strict=True)


def test_what_is_not_copied_is_checked_all_the_same() -> None:
    good = np.ones(3, np.float32)
    for bad in (np.nan, np.inf, -1.0):
        wrong = np.array([1.0, bad, 1.0], np.float32)
        with pytest.raises(InputError, match="row 1"):
            ShiftedSurge(wrong, good, good, copy=False)
    with pytest.raises(InputError, match="alpha / beta must be finite, but row 2"):
        ShiftedSurge(np.ones(3), [1.0, 1.0, 1e300], [1.0, 1.0, 1e-10], copy=False)
    assert ShiftedSurge([1, 2], 1, 1, copy=False).threshold.dtype == np.float64
