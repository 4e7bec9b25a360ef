"""Public helpers for users' tests: a problem bank, checks of optimality conditions, and a model that is not there."""

from shadowprice.testing._kkt import assert_feasible as assert_feasible
from shadowprice.testing._kkt import assert_kkt as assert_kkt
from shadowprice.testing._mock_engine import MockEngine as MockEngine
from shadowprice.testing._problems import problem_bank as problem_bank
from shadowprice.testing._problems import random_problem as random_problem
from shadowprice.testing._problems import random_surge as random_surge
from shadowprice.testing._problems import random_table as random_table

__all__ = [
    "MockEngine",
    "assert_feasible",
    "assert_kkt",
    "problem_bank",
    "random_problem",
    "random_surge",
    "random_table",
]
