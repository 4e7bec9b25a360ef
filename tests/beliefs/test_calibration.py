"""Raw scores that mean something, nothing, or the opposite, where the truth is known."""

import numpy as np
import pytest
from scipy.special import expit

from shadowprice.beliefs.static._calibration import LocationCalibration, LogitCalibration

N = 400
ONES = np.ones(N)
PRIOR = np.linspace(-1.0, 1.0, N)


def test_chances_come_out_as_they_happened() -> None:
    rng = np.random.default_rng(0)
    raw = rng.random(N)
    right = (rng.random(N) < expit(PRIOR + 4.0 * (raw - 0.5))).astype(np.float64)
    told = expit(LogitCalibration().fit(raw, PRIOR, right, ONES).predict(raw, PRIOR))
    assert told.mean() == pytest.approx(right.mean(), abs=0.02)
    for half in (raw < 0.5, raw >= 0.5):
        assert told[half].mean() == pytest.approx(right[half].mean(), abs=0.06)


def test_places_come_out_as_they_were() -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(5.0, 1.0, N)
    found = LocationCalibration().fit(raw, PRIOR, 0.5 * raw + PRIOR + 0.1 * rng.normal(size=N), ONES)
    assert (0.5, 1.0) == pytest.approx((found.slope, found.keep), abs=0.05)


def test_a_score_that_points_the_other_way_is_no_knowledge() -> None:
    rng = np.random.default_rng(0)
    right = (rng.random(N) < 0.5).astype(np.float64)
    raw = 0.5 - 0.3 * (right - 0.5) + 0.1 * rng.normal(size=N)
    chances = LogitCalibration().fit(raw, PRIOR, right, ONES)
    assert 0.0 == chances.slope
    assert LogitCalibration().fit(1.0 - raw, PRIOR, right, ONES).slope > 1.0
    places = LocationCalibration().fit(-right, PRIOR, right + PRIOR, ONES)
    assert 0.0 == places.slope
    assert places.keep == pytest.approx(1.0, abs=0.1)


def test_a_few_observations_make_nobody_sure() -> None:
    """The prior on a slope says as much as sixteen observations."""
    right = np.arange(12) % 2.0
    chances = LogitCalibration().fit(0.4 + 0.2 * right, np.zeros(12), right, np.ones(12))
    assert 0.2 < chances.slope < 0.5
    places = LocationCalibration().fit(right, np.zeros(12), 2.0 * right, np.ones(12))
    assert places.slope == pytest.approx(2.0 * 12 / (12 + 16))
