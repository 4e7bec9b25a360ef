"""Who may generate how many tokens, now?"""

from typing import Final

from shadowprice._errors import InputError
from shadowprice.policies._baselines import Oracle, Predictor, Uniform
from shadowprice.policies._clear import ClearAuction, ClearHeuristic, ClearLambert, Expected
from shadowprice.policies._index import Index, IndexMarket, IndexResume, IndexResumeMarket
from shadowprice.policies._market import (
    AbstractMarket,
    AbstractPlanner,
    AbstractPolicy,
    Knowledge,
    Plan,
    PlannedMarket,
)
from shadowprice.policies._tale import TaleEp
from shadowprice.policies._terms import Terms

POLICIES: Final[dict[str, AbstractPolicy]] = {
    policy.name: policy
    for policy in (
        Uniform(),
        Predictor(),
        TaleEp(),
        ClearHeuristic(),
        ClearAuction(),
        ClearLambert(),
        Expected(),
        Index(),
        IndexResume(),
        Oracle(),
    )
}
"""Every policy by name: those of the paper's table in its order, then ours, then the oracle."""


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
    "ClearAuction",
    "ClearHeuristic",
    "ClearLambert",
    "Expected",
    "Index",
    "IndexMarket",
    "IndexResume",
    "IndexResumeMarket",
    "Knowledge",
    "Oracle",
    "Plan",
    "PlannedMarket",
    "Predictor",
    "TaleEp",
    "Terms",
    "Uniform",
    "get_policy",
]
