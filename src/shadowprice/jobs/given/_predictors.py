"""What is believed of the questions: by a predictor's file, or a predictor that is there already."""

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Union

import numpy as np

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs
from shadowprice.jobs._step import Follow, Tell, steps, unseen
from shadowprice.jobs.given._doubts import doubts
from shadowprice.jobs.given._encoders import read_once
from shadowprice.jobs.given._files import GivenPath
from shadowprice.jobs.given._policies import LEARNT
from shadowprice.policies import AbstractPolicy, Knowledge
from shadowprice.tasks import Asking, Question

if TYPE_CHECKING:
    from shadowprice.beliefs import AbstractPredictor, SavedPredictor

_AT_ONCE = 2_000
"""Questions that are predicted between two steps of the progress."""

GivenPredictor = Union[GivenPath, "SavedPredictor"]  # a class that is imported when it is needed
"""A predictor's file, or what such a file holds."""


@dataclass(frozen=True, slots=True)
class NamedPredictor:
    """A predictor, and what people call it."""

    saved: "SavedPredictor"
    name: str
    mark: str
    """Tells it from others, by its content."""


def get_predictor(predictor: GivenPredictor) -> NamedPredictor:
    """The predictor of a file, or the one that is given.

    Raises:
        InputError: The file is no predictor's.
    """
    if not isinstance(predictor, str | os.PathLike):
        text = json.dumps(asdict(predictor.card), sort_keys=True)
        mark = f"card sha256 {hashlib.sha256(text.encode()).hexdigest()[:16]}"
        return NamedPredictor(predictor, f"SavedPredictor({predictor.card.traces})", mark)
    path = Path(predictor)
    from shadowprice.beliefs import read_predictor  # scikit-learn comes with it

    saved = read_predictor(path)
    return NamedPredictor(saved, str(path), fingerprint_of(path))


def predictor_file(predictor: GivenPredictor | None) -> GivenPath | None:
    """The file of a predictor; None if it is there already."""
    return predictor if isinstance(predictor, str | os.PathLike) else None


def fingerprint_of(file: Path) -> str:
    """Tells a file from others, by its content."""
    with file.open("rb") as content:
        return f"sha256 {hashlib.file_digest(content, 'sha256').hexdigest()[:16]}"


def believe(
    questions: list[Question],
    predictor: GivenPredictor | None,
    policy: AbstractPolicy | None,
    asking: Asking,
    tell: Tell,
    follow: Follow = unseen,
    *,
    featured: Callable[[NamedPredictor], NamedPredictor] = lambda named: named,
) -> Beliefs | None:
    """What a predictor says of questions; None if there is none and the policy needs none.

    What speaks against believing it is told. `featured` gives it what it needs to know of the questions besides.

    Raises:
        InputError: The file is not right, or the policy needs one.
    """
    if predictor is None:
        if policy is not None and policy.knows is Knowledge.NOTHING:
            return None
        needs = "A plan by prices" if policy is None else f"The policy {policy.name}"
        raise InputError(f"{needs} needs beliefs: give --predictor FILE (from `shadowprice fit`), or --policy uniform.")
    named = featured(get_predictor(predictor))
    if policy is None or policy.knows in LEARNT:
        for doubt in doubts(named.saved, named.name, questions, asking, "record and fit your own"):
            tell(doubt)
    return predict(named.saved.predictor, questions, follow)


def predict(predictor: "AbstractPredictor", questions: list[Question], follow: Follow = unseen) -> Beliefs:
    """What a predictor says of questions."""
    texts = [question.question for question in questions]
    read_once(getattr(predictor, "encoder", None), texts, follow)
    parts = []
    with steps(follow, "predicting", len(texts)) as work:
        for start in range(0, len(texts), _AT_ONCE):
            some = texts[start : start + _AT_ONCE]
            parts.append(predictor.predict(some))
            work.advance(len(some))
    return Beliefs.concatenate(parts) if parts else predictor.predict([])


def nothing_known(n: int) -> Beliefs:
    """Beliefs for a policy that looks at none of them."""
    return Beliefs.certain(np.ones(n))
