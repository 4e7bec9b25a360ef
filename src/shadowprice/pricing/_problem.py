"""What is to be solved: n curves and one budget."""

import math
from dataclasses import dataclass, field
from numbers import Real

import numpy as np

from shadowprice._errors import InputError
from shadowprice.curves import AbstractCurve


@dataclass(frozen=True, slots=True)
class Problem:
    """Maximise Σ φᵢ(tᵢ) subject to Σ tᵢ ≤ B and tᵢ ≥ 0.

    Args:
        curve: the utility of tokens for n queries.
        budget: B, tokens, finite and at least 0.
        integer: whether tokens come whole, as engines sell them.

    Raises:
        InputError: the curve is none, or the budget is not a finite number of at least 0.
    """

    curve: AbstractCurve
    budget: float
    integer: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.curve, AbstractCurve):
            raise InputError(f"A problem's curve must be an AbstractCurve, not {type(self.curve).__name__}.")
        object.__setattr__(self, "budget", _tokens(self.budget))
        object.__setattr__(self, "integer", bool(self.integer))


def _tokens(budget: object) -> float:
    if isinstance(budget, bool | np.bool_) or not isinstance(budget, Real):
        raise InputError(f"A budget must be a number of tokens, not {budget!r}.")
    try:
        tokens = float(budget)
    except OverflowError:
        tokens = math.inf
    if not (math.isfinite(tokens) and tokens >= 0.0):
        raise InputError(f"A budget must be a finite number of tokens, at least 0, not {budget!r}.")
    return tokens
