import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import fit_surge


def replies(noise: float, seed: int = 0) -> tuple[FloatArray, IntArray, BoolArray]:
    """Positions of answers around what was predicted, six in ten right."""
    rng = np.random.default_rng(seed)
    predicted = rng.uniform(50.0, 400.0, 600)
    tokens = np.rint(predicted * np.exp(noise * rng.standard_normal(600))).astype(np.int64)
    return predicted, tokens, np.arange(600) % 10 < 6


def test_a_vague_prediction_needs_a_wide_surge() -> None:
    widths = [1.0 / fit_surge(*replies(noise)).beta for noise in (0.02, 0.2, 0.6)]
    assert widths == sorted(widths)
    assert widths[0] < 20.0 < 60.0 < widths[2]


def test_the_peak_is_the_pass_rate() -> None:
    surge = fit_surge(*replies(0.2))
    assert pytest.approx(0.6) == surge.alpha / (surge.beta * np.e)


def test_the_scale_corrects_the_unit_of_the_prediction() -> None:
    predicted, tokens, correct = replies(0.1)
    exact, half = fit_surge(predicted, tokens, correct), fit_surge(predicted / 2, tokens, correct)
    assert pytest.approx(2 * exact.scale) == half.scale
    assert pytest.approx((exact.alpha, exact.beta)) == (half.alpha, half.beta)
    assert pytest.approx(1.0, abs=0.1) == exact.scale


def test_answers_exactly_where_they_were_predicted() -> None:
    tokens = np.array([10, 20, 40])
    surge = fit_surge(tokens.astype(float), tokens, np.ones(3, dtype=np.bool_))
    assert 1.0 == surge.scale
    assert np.isfinite([surge.alpha, surge.beta]).all()


def test_without_a_right_reply_there_is_no_surge() -> None:
    with pytest.raises(InputError, match="No reply in these traces is right"):
        fit_surge(np.ones(2), np.array([3, 4]), np.zeros(2, dtype=np.bool_))
