"""Public helpers for users' tests: a problem bank and a check of optimality conditions."""

from shadowprice.testing._kkt import assert_kkt as assert_kkt
from shadowprice.testing._problems import problem_bank as problem_bank
from shadowprice.testing._problems import random_problem as random_problem
from shadowprice.testing._problems import random_surge as random_surge

__all__ = ["assert_kkt", "problem_bank", "random_problem", "random_surge"]
