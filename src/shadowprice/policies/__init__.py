"""Who may generate how many tokens, now?"""

from typing import Final

from shadowprice._errors import InputError
from shadowprice.policies._baselines import Oracle, Predictor, Uniform
from shadowprice.policies._clear import ClearLambert
from shadowprice.policies._market import AbstractMarket, AbstractPlanner, AbstractPolicy, Plan, PlannedMarket

POLICIES: Final[dict[str, AbstractPolicy]] = {
    policy.name: policy for policy in (Uniform(), Predictor(), ClearLambert(), Oracle())
}
"""Every policy by name, in the order of the paper's table."""


def get_policy(name: str) -> AbstractPolicy:
    """The policy of that name.

    Raises:
        InputError: There is none.
    """
    if name not in POLICIES:
        raise InputError(f"There is no policy '{name}'; choose from {', '.join(POLICIES)}.")
    return POLICIES[name]


__all__ = [
    "POLICIES",
    "AbstractMarket",
    "AbstractPlanner",
    "AbstractPolicy",
    "ClearLambert",
    "Oracle",
    "Plan",
    "PlannedMarket",
    "Predictor",
    "Uniform",
    "get_policy",
]
