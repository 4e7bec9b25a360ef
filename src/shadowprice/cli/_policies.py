"""What `run` and `allocate` share: the policy, what it believes of the questions, and the terms of the budget."""

from pathlib import Path
from typing import TypeGuard

import numpy as np

from shadowprice._errors import InputError
from shadowprice._named import make_named, names_object
from shadowprice.beliefs import AbstractPredictor, Beliefs, SavedPredictor, read_predictor
from shadowprice.cli._doubts import say_doubts
from shadowprice.cli._encoders import read_once
from shadowprice.cli._progress import progress_bar
from shadowprice.policies import POLICIES, AbstractPlanner, AbstractPolicy, Knowledge, Terms, get_policy
from shadowprice.tasks import Asking, Question, read_weights

_AT_ONCE = 2_000
"""Questions that are predicted between two steps of the progress bar."""
_MOST_TOKENS = 2**53
_NOT_TOLD = (Knowledge.ANSWERS, Knowledge.ESTIMATES)
"""What the text of a question does not tell anybody."""
LEARNT = (Knowledge.THRESHOLDS, Knowledge.OUTCOMES)
"""What predictors say."""


def get_planner(name: str, command: str) -> AbstractPlanner:
    """A policy that decides all tokens beforehand, and can do so from the text of questions alone.

    Raises:
        InputError: There is no such policy, or it is of another kind.
    """
    policy = _real_policy(name)
    if not _plans(policy):
        usable = ", ".join(other.name for other in POLICIES.values() if _plans(other))
        raise InputError(
            f"The policy {name} decides while replies run, so `shadowprice {command}` cannot follow it; choose from "
            f"{usable}, or replay it with `shadowprice bench`."
        )
    return policy


def read_terms(questions: Path, n: int, floor: int, weights: str | None, minimum: int) -> Terms:
    """The terms that the options state for the n questions of a file.

    Raises:
        InputError: A number of tokens is out of range, or a weight is not right.
    """
    for option, tokens in (("--floor", floor), ("--minimum", minimum)):
        if not 0 <= tokens <= _MOST_TOKENS:
            raise InputError(f"{option} is {tokens} tokens; it must be from 0 to {_MOST_TOKENS}.")
    worth = 1.0 if weights is None else read_weights(questions, weights)
    return Terms(n, worth, floor, minimum)


def believe(
    questions: list[Question], predictor: Path | None, policy: AbstractPolicy | None, asking: Asking
) -> Beliefs | None:
    """What a predictor file says of questions, with a progress bar; None if there is none and the policy needs none.

    What speaks against believing it is said on stderr.

    Raises:
        InputError: The file is not right, or the policy needs one.
    """
    if predictor is None:
        if policy is not None and policy.knows is Knowledge.NOTHING:
            return None
        needs = "A plan by prices" if policy is None else f"The policy {policy.name}"
        raise InputError(f"{needs} needs beliefs: give --predictor FILE (from `shadowprice fit`), or --policy uniform.")
    saved = read_predictor(predictor)
    if policy is None or policy.knows in LEARNT:
        say_doubts(saved, predictor, questions, asking, "record and fit your own")
    return predict(saved.predictor, questions)


def predict(predictor: AbstractPredictor, questions: list[Question]) -> Beliefs:
    """What a predictor says of questions, with a progress bar."""
    texts = [question.question for question in questions]
    read_once(getattr(predictor, "encoder", None), texts)
    parts = []
    with progress_bar("predicting", len(texts)) as bar:
        for start in range(0, len(texts), _AT_ONCE):
            some = texts[start : start + _AT_ONCE]
            parts.append(predictor.predict(some))
            bar.advance(len(some))
    return Beliefs.concatenate(parts) if parts else predictor.predict([])


def nothing_known(n: int) -> Beliefs:
    """Beliefs for a policy that looks at none of them."""
    return Beliefs.certain(np.ones(n))


def choose_live_policy(name: str | None, saved: SavedPredictor | None) -> AbstractPolicy:
    """The policy that was asked for, or the best that the predictor allows.

    Raises:
        InputError: It cannot drive replies, or needs beliefs that the predictor has not.
    """
    if name is None:
        name = "clear-lambert" if saved is not None and _is_static(saved) else "index"
    policy = get_live_policy(name)
    if saved is not None and policy.knows is Knowledge.OUTCOMES and _is_static(saved):
        raise InputError(
            f"The policy {name} needs beliefs about outcomes; fit with `shadowprice fit --predictor outcome`, or "
            "choose clear-lambert."
        )
    return policy


def get_live_policy(name: str) -> AbstractPolicy:
    """A policy that can drive replies as they are written, in one pass and from the text of questions alone.

    Raises:
        InputError: There is no such policy, or it is of another kind.
    """
    policy = _real_policy(name)
    if not _runs(policy):
        usable = ", ".join(other.name for other in POLICIES.values() if _runs(other))
        raise InputError(
            f"The policy {name} needs replies that pause and go on later, so it is only replayed, with "
            f"`shadowprice bench`; choose from {usable}."
        )
    return policy


def _real_policy(name: str) -> AbstractPolicy:
    """A policy that does not need to know the answers, of ours or named as ``module:Class``."""
    policy: AbstractPolicy = make_named("policy", name, AbstractPolicy) if names_object(name) else get_policy(name)
    if policy.knows is Knowledge.ANSWERS:
        raise InputError(
            f"The {name} knows the answers, so it runs only in `shadowprice bench`; choose another policy."
        )
    return policy


def _plans(policy: AbstractPolicy) -> TypeGuard[AbstractPlanner]:
    return isinstance(policy, AbstractPlanner) and policy.commits and policy.knows not in _NOT_TOLD


def _runs(policy: AbstractPolicy) -> bool:
    return policy.knows is not Knowledge.ANSWERS and not policy.needs_pauses


def _is_static(saved: SavedPredictor) -> bool:
    """Whether a predictor knows thresholds only."""
    return saved.predictor.predict(["?"]).outcomes is None
