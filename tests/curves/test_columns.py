"""What is no array of real numbers is refused, wherever arrays go in."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.curves import Mixed, Quadratic, ShiftedSurge, Tabulated, Triangular
from shadowprice.policies import Terms
from shadowprice.pricing import Problem

_GOOD = [1.0, 2.0]
_BAD: dict[str, Any] = {
    "masked": np.ma.MaskedArray([1.0, 2.0], mask=[False, True]),
    "complex": np.array([1.0 + 2.0j, 2.0]),
    "dates": np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
    "durations": np.array([1, 2], dtype="timedelta64[s]"),
    "texts": ["1", "2"],
    "bytes": [b"1", b"2"],
    "objects": np.array([1.0, 2.0], dtype=object),
    "true or false": [True, False],
}
_SURGE = ShiftedSurge([1.0, 2.0], [0.1, 0.1], [0.1, 0.1])
_MAKERS: dict[str, Callable[[Any], Any]] = {
    "threshold": lambda bad: ShiftedSurge(bad, _GOOD, _GOOD),
    "alpha": lambda bad: ShiftedSurge(_GOOD, bad, _GOOD, copy=False),
    "beta": lambda bad: ShiftedSurge.from_peak(_GOOD, 0.5, bad),
    "peak": lambda bad: ShiftedSurge.from_peak(_GOOD, bad, _GOOD),
    "rise": lambda bad: Triangular(_GOOD, _GOOD, bad),
    "peak of a quadratic": lambda bad: Quadratic(_GOOD, bad, _GOOD),
    "tokens": lambda bad: Tabulated(bad, _GOOD),
    "values": lambda bad: Tabulated(_GOOD, bad),
    "rows": lambda bad: Mixed([_SURGE], [bad]),
    "weight": lambda bad: Problem(_SURGE, 5.0, weight=bad),
    "cost": lambda bad: Problem(_SURGE, 5.0, cost=bad),
    "floor": lambda bad: Problem(_SURGE, 5.0, floor=bad),
    "cap": lambda bad: Problem(_SURGE, 5.0, cap=bad),
    "weight of terms": lambda bad: Terms(2, bad),
    "floor of terms": lambda bad: Terms(2, 1.0, bad),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", _BAD)
@pytest.mark.parametrize("field", _MAKERS)
def test_what_is_no_array_of_real_numbers_is_refused(field: str, kind: str) -> None:
    with pytest.raises(InputError) as caught:
        _MAKERS[field](_BAD[kind])
    assert field.split()[0] in str(caught.value)
    assert kind in str(caught.value)
    assert "\n" not in str(caught.value)


def test_whole_numbers_small_floats_and_masks_without_a_mask_are_taken() -> None:
    for good in ([1, 2], np.array([1, 2], np.uint8), np.array([1, 2], np.float32), np.ma.MaskedArray([1.0, 2.0], mask=False)):
        assert [1.0, 2.0] == ShiftedSurge(good, _GOOD, _GOOD).threshold.tolist()
        assert [1.0, 2.0] == ShiftedSurge(good, _GOOD, _GOOD, copy=False).threshold.tolist()


@pytest.mark.parametrize("budget", [1j, "5", True, np.datetime64("2020-01-01"), np.timedelta64(5, "s"), np.ma.masked])
def test_a_budget_that_is_no_number(budget: Any) -> None:
    with pytest.raises(InputError, match="A budget must be a"):
        Problem(_SURGE, budget)
