"""Who may generate how many tokens, now?"""

from typing import Final

from shadowprice._errors import InputError, no_such
from shadowprice.policies._baselines import Oracle, Predictor, Uniform
from shadowprice.policies._clear import ClearAuction, ClearHeuristic, ClearLambert, Expected
from shadowprice.policies._explain import UNLIKELY, Explanation, Why, explain, percent, right_within
from shadowprice.policies._index import Index, IndexMarket, IndexResume, IndexResumeMarket
from shadowprice.policies._kernels import staircases, steepest_chords
from shadowprice.policies._market import (
    AbstractMarket,
    AbstractPlanner,
    AbstractPolicy,
    Knowledge,
    Plan,
    PlannedMarket,
)
from shadowprice.policies._plan_files import check_plan_name, write_plan
from shadowprice.policies._tale import TaleEp
from shadowprice.policies._tally import Tally, nearest, tally
from shadowprice.policies._terms import Terms
from shadowprice.policies._what_if import WhatIf, budgets_around, what_if

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
        raise no_such("policy", name, POLICIES)
    return POLICIES[name]


def get_planner(name: str) -> AbstractPlanner:
    """The policy of that name, if it decides all tokens beforehand, so that it has a `plan`.

    Raises:
        InputError: There is none, or it decides while replies run.
    """
    policy = get_policy(name)
    if not isinstance(policy, AbstractPlanner):
        planners = ", ".join(other.name for other in POLICIES.values() if isinstance(other, AbstractPlanner))
        raise InputError(f"The policy {name} decides while replies run and has no plan; choose from {planners}.")
    return policy


__all__ = [
    "POLICIES",
    "UNLIKELY",
    "AbstractMarket",
    "AbstractPlanner",
    "AbstractPolicy",
    "ClearAuction",
    "ClearHeuristic",
    "ClearLambert",
    "Expected",
    "Explanation",
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
    "Tally",
    "Terms",
    "Uniform",
    "WhatIf",
    "Why",
    "budgets_around",
    "check_plan_name",
    "explain",
    "get_planner",
    "get_policy",
    "nearest",
    "percent",
    "right_within",
    "staircases",
    "steepest_chords",
    "tally",
    "what_if",
    "write_plan",
]
