import subprocess
import sys

import mpmath
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


def test_is_within_four_ulp_of_the_truth() -> None:
    rng = np.random.default_rng(1)
    x = np.concatenate(
        [
            rng.uniform(0.0, np.e, 2000),
            np.exp(rng.uniform(-700.0, 1.0, 1000)),
            np.e - np.exp(rng.uniform(-36.0, 0.0, 1000)),
            np.nextafter(0.0, 1.0) * np.arange(5),
            np.e - np.spacing(np.e) * np.arange(50),
        ]
    )
    with mpmath.workdps(40):
        truth = [mpmath.lambertw(mpmath.mpf(float(value))).real for value in x]
        error = np.array([float(mpmath.mpf(float(w)) - t) for w, t in zip(lambertw0(x), truth, strict=True)])
    ulp = np.abs(error) / np.spacing(np.array([float(t) for t in truth]))
    assert ulp.max() <= 4.0, f"{ulp.max():.2f} ulp at {x[ulp.argmax()]!r}"


def test_curves_do_not_import_numba() -> None:
    program = "import sys, shadowprice.curves; print('numba' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "False\n" == ended.stdout
