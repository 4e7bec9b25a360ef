"""What is to be solved: n curves and one budget."""

import math
from dataclasses import dataclass, field
from numbers import Real
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.curves import AbstractCurve
from shadowprice.curves._columns import column, require

_ROWS: Final = ("weight", "cost", "floor", "cap", "price_ceiling")
"""What a problem may have besides its curve and its budget."""


@dataclass(frozen=True, slots=True, eq=False, init=False)
class Problem:
    """Maximise Σ wᵢφᵢ(tᵢ) subject to Σ cᵢtᵢ ≤ B and floorᵢ ≤ tᵢ ≤ capᵢ.

    The market price λ is utility per unit of the budget, so a query sees the price λcᵢ/wᵢ for a token. Scalars
    stand for n equal entries; None is the plain problem: weight 1, cost 1, floor 0, no cap.

    A price ceiling P is a promise to the funded: nobody is squeezed below what he would buy at P. Where the
    clearing price is above P, not everybody who would pay P can be served. Queries are then rationed: they are
    funded in order of surplus per unit of the budget at P, each in full if that still fits, until the budget is
    gone; `Status.RATIONED` says so, and the price is P.

    Args:
        curve: the utility of tokens for n queries.
        budget: B, finite and at least 0, in the unit of ``cost``: tokens, or money.
        integer: whether tokens come whole, as engines sell them. Then floors are rounded up and caps down.
        weight: ``(n,)`` w, value of a right answer, above 0.
        cost: ``(n,)`` c, price of a token in the budget's unit, above 0.
        floor: ``(n,)`` tokens that each query is guaranteed: bought before the market opens, never priced.
        cap: ``(n,)`` most tokens that a query may take, at least ``floor``; infinite where there is no limit.
        price_ceiling: most utility per unit of the budget that the market may ask, above 0.

    Raises:
        InputError: a field is not numeric, not of n entries, or out of range; it names the first bad row.
    """

    curve: AbstractCurve
    budget: float
    integer: bool
    weight: FloatArray | None
    cost: FloatArray | None
    floor: FloatArray | None
    cap: FloatArray | None
    price_ceiling: float | None = field(default=None)

    def __init__(
        self,
        curve: AbstractCurve,
        budget: float,
        *,
        integer: bool = True,
        weight: ArrayLike | None = None,
        cost: ArrayLike | None = None,
        floor: ArrayLike | None = None,
        cap: ArrayLike | None = None,
        price_ceiling: float | None = None,
    ) -> None:
        if not isinstance(curve, AbstractCurve):
            raise InputError(f"A problem's curve must be an AbstractCurve, not {type(curve).__name__}.")
        n, whole = len(curve), bool(integer)
        fields = {
            "curve": curve,
            "budget": _number("budget", budget),
            "integer": whole,
            "weight": _positive("weight", weight, n),
            "cost": _positive("cost", cost, n),
            "floor": _tokens("floor", floor, n, np.ceil if whole else np.positive),
            "cap": _tokens("cap", cap, n, np.floor if whole else np.positive),
            "price_ceiling": None if price_ceiling is None else _number("price ceiling", price_ceiling),
        }
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        if self.price_ceiling == 0.0:
            raise InputError("A price ceiling must be above 0; leave it out to let the price find its level.")
        lower = np.zeros(n) if self.floor is None else self.floor
        if self.cap is not None and (self.cap < lower).any():
            row = int(np.argmax(self.cap < lower))
            rule = f"be at least its floor of {lower[row]:g} tokens"
            require("cap", self.cap, self.cap >= lower, rule)

    def __repr__(self) -> str:
        given = [f"budget={self.budget:,.10g}", *(f"{name}s" for name in _ROWS if getattr(self, name) is not None)]
        return f"Problem({self.curve!r}, {', '.join(given)})"

    def spent(self, tokens: FloatArray | IntArray) -> float:
        """Σ cᵢtᵢ: what ``(n,)`` tokens cost, in the budget's unit."""
        return float((tokens if self.cost is None else self.cost * tokens).sum())

    def utility(self, tokens: FloatArray | IntArray) -> float:
        """Σ wᵢφᵢ(tᵢ): what ``(n,)`` tokens are worth, floors included."""
        worth = self.curve.value(tokens)
        return float((worth if self.weight is None else self.weight * worth).sum())


def _number(name: str, value: object) -> float:
    if isinstance(value, bool | np.bool_ | np.timedelta64) or not isinstance(value, Real):
        raise InputError(f"A {name} must be a number, not {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not (math.isfinite(number) and number >= 0.0):
        raise InputError(f"A {name} must be a finite number, at least 0, not {value!r}.")
    return number


def _positive(name: str, values: ArrayLike | None, n: int) -> FloatArray | None:
    if values is None:
        return None
    field = _column(name, values, n)
    require(name, field, np.isfinite(field) & (field > 0.0), "be finite and above 0")
    field.flags.writeable = False
    return field


def _tokens(name: str, values: ArrayLike | None, n: int, rounded: np.ufunc) -> FloatArray | None:
    if values is None:
        return None
    field = _column(name, values, n)
    require(name, field, field >= 0.0, "be at least 0 tokens")
    if name == "floor":
        require(name, field, field <= 2.0**53, "be at most 2**53 tokens")
    whole: FloatArray = rounded(field)
    whole.flags.writeable = False
    return whole


def _column(name: str, values: ArrayLike, n: int) -> FloatArray:
    numbers = column(name, values)
    if numbers.ndim and numbers.size != n:
        raise InputError(f"{name} must have one entry for each of {n} queries, but its shape is {numbers.shape}.")
    return np.full(n, numbers) if numbers.ndim == 0 else numbers
