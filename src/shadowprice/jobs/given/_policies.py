"""Which policy spends the budget: the one that is named, or the best that the predictor allows."""

from typing import TYPE_CHECKING, TypeGuard

from shadowprice._errors import InputError
from shadowprice._named import make_named, names_object
from shadowprice.policies import (
    POLICIES,
    AbstractPlanner,
    AbstractPolicy,
    ClearLambert,
    Expected,
    Knowledge,
    get_policy,
)

if TYPE_CHECKING:
    from shadowprice.beliefs import SavedPredictor

_NOT_TOLD = (Knowledge.ANSWERS, Knowledge.ESTIMATES)
"""What the text of a question does not tell anybody."""
LEARNT = (Knowledge.THRESHOLDS, Knowledge.OUTCOMES)
"""What predictors say."""


def get_planner(policy: str | AbstractPolicy, command: str) -> AbstractPlanner:
    """A policy that decides all tokens beforehand, and can do so from the text of questions alone.

    Raises:
        InputError: There is no such policy, or it is of another kind.
    """
    found = _real_policy(policy)
    if not _plans(found):
        usable = ", ".join(other.name for other in POLICIES.values() if _plans(other))
        raise InputError(
            f"The policy {_called(policy)} decides while replies run, so `shadowprice {command}` cannot follow it; "
            f"choose from {usable}, or replay it with `shadowprice bench`."
        )
    return found


def usual_planner(*, has_outcomes: bool) -> AbstractPlanner:
    """The policy that plans where nobody names one."""
    policy = get_policy(Expected.name if has_outcomes else ClearLambert.name)
    assert isinstance(policy, AbstractPlanner)
    return policy


def choose_live_policy(policy: str | AbstractPolicy | None, saved: "SavedPredictor | None") -> AbstractPolicy:
    """The policy that was asked for, or the best that the predictor allows.

    Raises:
        InputError: It cannot drive replies, or needs beliefs that the predictor has not.
    """
    if policy is None:
        policy = "clear-lambert" if saved is not None and _is_static(saved) else "index"
    found = get_live_policy(policy)
    if saved is not None and found.knows is Knowledge.OUTCOMES and _is_static(saved):
        raise InputError(
            f"The policy {_called(policy)} needs beliefs about outcomes; fit with `shadowprice fit --predictor "
            "outcome`, or choose clear-lambert."
        )
    return found


def get_live_policy(policy: str | AbstractPolicy) -> AbstractPolicy:
    """A policy that can drive replies as they are written, in one pass and from the text of questions alone.

    Raises:
        InputError: There is no such policy, or it is of another kind.
    """
    found = _real_policy(policy)
    if not _runs(found):
        usable = ", ".join(other.name for other in POLICIES.values() if _runs(other))
        raise InputError(
            f"The policy {_called(policy)} needs replies that pause and go on later, so it is only replayed, with "
            f"`shadowprice bench`; choose from {usable}."
        )
    return found


def _real_policy(policy: str | AbstractPolicy) -> AbstractPolicy:
    """A policy that does not need to know the answers: of ours, named as ``module:Class``, or itself."""
    if isinstance(policy, str):
        found: AbstractPolicy = (
            make_named("policy", policy, AbstractPolicy) if names_object(policy) else get_policy(policy)
        )
    else:
        found = policy
    if found.knows is Knowledge.ANSWERS:
        raise InputError(
            f"The {_called(policy)} knows the answers, so it runs only in `shadowprice bench`; choose another policy."
        )
    return found


def _called(policy: str | AbstractPolicy) -> str:
    return policy if isinstance(policy, str) else policy.name


def _plans(policy: AbstractPolicy) -> TypeGuard[AbstractPlanner]:
    return isinstance(policy, AbstractPlanner) and policy.commits and policy.knows not in _NOT_TOLD


def _runs(policy: AbstractPolicy) -> bool:
    return policy.knows is not Knowledge.ANSWERS and not policy.needs_pauses


def _is_static(saved: "SavedPredictor") -> bool:
    """Whether a predictor knows thresholds only; what is said of outcomes is said on a grid."""
    return not saved.card.grid
