"""What other models' replies say of a question, beside the replies of the model that will be asked."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from shadowprice.beliefs.reading._regression import Target

_SHARE: Final = 0.5
"""What a reply of another model counts beside one's own. On the five files of the evaluation 0.3 and 1 are as good in
the mean; 1 is a little worse between models that are far apart."""
_ENOUGH: Final = 20
"""Questions that both have answered, from which on only those say how the models differ."""


class Heard(NamedTuple):
    """What one model's replies say of its questions."""

    texts: Sequence[str]
    """``(n,)`` questions, distinct."""
    targets: Sequence[Target]
    """``(H,)`` what is to be learnt of them, by their numbers; each row has a weight above 0."""


def pooled(own: Heard, others: Sequence[Heard]) -> Heard:
    """What regressions learn from several models: f(question) that is common to them, in this model's terms.

    Another model's values are moved by one constant, so that the mean difference over the questions that both have
    answered is 0 (over all, where these are few); then each counts half. That is a random intercept for each model
    (Laird and Ware 1982) with the slopes in common; what that leaves of this model's own, the calibration on its own
    replies finds.

    Returns:
        This model's questions first, then those that only others have answered.
    """
    place = {text: number for number, text in enumerate(own.texts)}
    for other in others:
        for text in other.texts:
            place.setdefault(text, len(place))
    theirs = []
    for other in others:
        number = np.array([place[text] for text in other.texts], dtype=np.int64)
        theirs.append([target._replace(rows=number[target.rows]) for target in other.targets])
    targets = [_pooled(target, [each[head] for each in theirs]) for head, target in enumerate(own.targets)]
    return Heard(list(place), targets)


def _pooled(own: Target, others: Sequence[Target]) -> Target:
    if not len(own.rows):
        return own  # without a value of its own there is nothing to bring the others' to
    rows, value, weight = [own.rows], [own.value], [own.weight]
    for other in others:
        if len(other.rows):
            rows.append(other.rows)
            value.append(other.value + _difference(own, other))
            weight.append(_SHARE * other.weight)
    texts, place = np.unique(np.concatenate(rows), return_inverse=True)
    counts = np.concatenate(weight)
    total = np.bincount(place, counts).astype(np.float64)
    return Target(texts, np.bincount(place, counts * np.concatenate(value)) / total, total)


def _difference(own: Target, other: Target) -> float:
    """How much higher this model's values are than another's."""
    _, mine, theirs = np.intersect1d(own.rows, other.rows, assume_unique=True, return_indices=True)
    if len(mine) < _ENOUGH:
        mine, theirs = np.arange(len(own.rows)), np.arange(len(other.rows))
    level, other_level = (
        float(np.average(target.value[rows], weights=target.weight[rows]))
        for target, rows in ((own, mine), (other, theirs))
    )
    return level - other_level
