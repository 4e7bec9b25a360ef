from typing import Any

import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.pricing import Problem
from shadowprice.testing import random_surge


def test_scalars_stand_for_every_query_and_nobody_can_change_them() -> None:
    floor = np.array([1.0, 2.0, 3.0])
    problem = Problem(random_surge(3, 0), 100, weight=2, cost=0.5, floor=floor, cap=np.inf)
    assert problem.weight is not None
    assert problem.cost is not None
    assert problem.floor is not None
    np.testing.assert_array_equal(problem.weight, [2.0, 2.0, 2.0])
    np.testing.assert_array_equal(problem.cost, [0.5, 0.5, 0.5])
    floor[0] = 50.0
    assert problem.floor[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        problem.floor[0] = 5.0


def test_whole_tokens_round_floors_up_and_caps_down() -> None:
    problem = Problem(random_surge(2, 0), 100, floor=[0.5, 2.0], cap=[7.9, 8.0])
    np.testing.assert_array_equal(problem.floor, [1.0, 2.0])
    np.testing.assert_array_equal(problem.cap, [7.0, 8.0])
    real = Problem(random_surge(2, 0), 100, floor=[0.5, 2.0], integer=False)
    np.testing.assert_array_equal(real.floor, [0.5, 2.0])


def test_what_tokens_cost_and_are_worth() -> None:
    curve = random_surge(2, 0)
    tokens = np.array([600, 900])
    problem = Problem(curve, 100, weight=[1.0, 3.0], cost=[0.5, 2.0])
    assert problem.spent(tokens) == 2100.0
    assert problem.utility(tokens) == pytest.approx(float(curve.value(tokens) @ [1.0, 3.0]))
    plain = Problem(curve, 100)
    assert plain.spent(tokens) == 1500.0
    assert plain.utility(tokens) == pytest.approx(float(curve.value(tokens).sum()))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"weight": [1.0, 0.0, 1.0]}, "weight must be finite and above 0, but row 1 is 0"),
        ({"weight": [1.0, np.inf, 1.0]}, "weight must be finite and above 0, but row 1 is inf"),
        ({"cost": -1.0}, "cost must be finite and above 0, but row 0 is -1"),
        ({"cost": [1.0, 1.0, np.nan]}, "cost must be finite and above 0, but row 2 is nan"),
        ({"floor": [0.0, -0.5, 1.0]}, "floor must be at least 0 tokens, but row 1 is -0.5"),
        ({"floor": [0.0, np.nan, 1.0]}, "floor must be at least 0 tokens, but row 1 is nan"),
        ({"floor": 1e16}, r"floor must be at most 2\*\*53 tokens, but row 0"),
        ({"cap": [1.0, 2.0, -3.0]}, "cap must be at least 0 tokens, but row 2 is -3"),
        ({"cap": [5.0, 2.0, 5.0], "floor": 3.0}, "cap must be at least its floor of 3 tokens, but row 1 is 2"),
        ({"cap": 2.9, "floor": 2.5}, "cap must be at least its floor of 3 tokens, but row 0 is 2"),
        ({"cap": [1.0, 2.0]}, r"cap must have one entry for each of 3 queries, but its shape is \(2,\)"),
        ({"weight": [[1.0, 2.0, 3.0]]}, r"weight must be .* its shape is \(1, 3\)"),
        ({"cost": "cheap"}, "cost must be a number or an array of n numbers, not 'cheap'"),
        ({"price_ceiling": 0.0}, "price ceiling must be above 0"),
        ({"price_ceiling": -1.0}, "price ceiling must be a finite number, at least 0, not -1"),
        ({"price_ceiling": "high"}, "price ceiling must be a number, not 'high'"),
    ],
)
def test_bad_fields(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Problem(random_surge(3, 0), 100, **fields)
