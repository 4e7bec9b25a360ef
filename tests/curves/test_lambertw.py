import numpy as np
import pytest
from scipy.special import lambertw

from shadowprice._errors import InputError
from shadowprice.curves import lambertw0


def test_agrees_with_scipy_over_300_orders_of_magnitude() -> None:
    x = np.concatenate([np.logspace(-300, 0, 50_001), np.linspace(0.0, np.e, 50_001)[1:]])
    np.testing.assert_allclose(lambertw0(x), lambertw(x).real, rtol=1e-15)


def test_inverts_w_times_exp_w() -> None:
    w = np.linspace(0.0, 1.0, 10_001)
    np.testing.assert_allclose(lambertw0(np.minimum(w * np.exp(w), np.e)), w, rtol=2e-15)


def test_ends_are_exact_and_never_passed() -> None:
    assert lambertw0(0.0) == 0.0
    assert lambertw0(np.e) == 1.0
    assert lambertw0(1e-300) == 1e-300
    near = np.e * (1.0 - np.logspace(-16, -1, 200))
    assert (lambertw0(near) <= 1.0).all()
    assert (np.diff(lambertw0(np.sort(near))) >= -3e-16).all()


@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (16_384,), (16_385,)])
def test_keeps_the_shape(shape: tuple[int, ...]) -> None:
    assert lambertw0(np.ones(shape)).shape == shape


@pytest.mark.parametrize("x", [-1e-9, 2.72, np.nan, np.inf])
def test_outside_of_the_interval(x: float) -> None:
    with pytest.raises(InputError, match="from 0 to e"):
        lambertw0(x)
