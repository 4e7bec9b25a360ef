"""What would other budgets buy?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import Beliefs
from shadowprice.policies._explain import right_within
from shadowprice.policies._market import AbstractPlanner
from shadowprice.policies._terms import Terms

_DOUBLINGS: Final = range(-3, 4)


@dataclass(frozen=True, slots=True, eq=False)
class WhatIf:
    """m plans of one policy for the same queries, the smallest budget first."""

    budgets: IntArray
    """``(m,)`` tokens, rising."""
    price: FloatArray
    """``(m,)`` shadow price, value of a right answer per token; NaN for a policy that has none."""
    expected: FloatArray
    """``(m,)`` expected number of right answers, Σ φᵢ(tᵢ)."""
    worth: FloatArray
    """``(m,)`` their value, Σ wᵢφᵢ(tᵢ); this is what a market maximises."""
    funded: IntArray
    """``(m,)`` queries that get tokens."""

    def __len__(self) -> int:
        return len(self.budgets)

    @property
    def more_tokens(self) -> IntArray:
        """``(m - 1,)`` tokens from each budget to the next."""
        return np.diff(self.budgets)

    @property
    def more_right(self) -> FloatArray:
        """``(m - 1,)`` right answers that those tokens are expected to buy; by weights fewer can be worth more."""
        return np.diff(self.expected)

    @property
    def more_worth(self) -> FloatArray:
        """``(m - 1,)`` what those are worth by their weights."""
        return np.diff(self.worth)


def what_if(
    policy: AbstractPlanner,
    beliefs: Beliefs,
    budgets: Sequence[int],
    terms: Terms | None = None,
    *,
    advance: Callable[[], None] = lambda: None,
) -> WhatIf:
    """Plan for several budgets, and say what each is expected to buy.

    Args:
        policy: Who plans.
        beliefs: n queries.
        budgets: Tokens, at least one budget, in any order.
        terms: Weights and guarantees; none by default.
        advance: Called after each plan.

    Raises:
        InputError: There is no budget, one is negative or does not pay for what is guaranteed, or the policy needs
            other beliefs.
    """
    terms = Terms(len(beliefs)) if terms is None else terms
    if not budgets:
        raise InputError("There are no budgets to compare; give at least one.")
    curve, rising = policy.curve(beliefs), sorted(set(budgets))
    rows = []
    for budget in rising:
        plan = policy.plan(beliefs, budget, terms)
        right = right_within(curve, plan.tokens)
        worth = float((terms.weight * right).sum())
        rows.append((plan.price, float(right.sum()), worth, float(np.count_nonzero(plan.tokens))))
        advance()
    price, expected, worths, funded = np.array(rows).T
    return WhatIf(np.array(rising, dtype=np.int64), price, expected, worths, funded.astype(np.int64))


def budgets_around(budget: int, terms: Terms) -> list[int]:
    """The budget, and three halvings and doublings of it, as far as they pay for what is guaranteed; rising."""
    around = {round(budget * 2.0**step) for step in _DOUBLINGS if step} | {budget}
    return sorted(tokens for tokens in around if tokens == budget or int(terms.floor.sum()) <= tokens > 0)
