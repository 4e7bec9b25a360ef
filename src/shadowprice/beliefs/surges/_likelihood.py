"""Maximum likelihood for surges, from where the right answers of recorded replies stand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs._evidence import Evidence
from shadowprice.beliefs._groups import number_groups
from shadowprice.beliefs.surges._fit import SurgeFit
from shadowprice.beliefs.surges._pass_rates import shrunk_pass_rates

_NODES = 40
"""Places for a threshold on either side of a question's first right answer."""
_STARTS = (0.3, 1.0, 3.0)
"""Widths 1/β to start from, as multiples of the median position."""
_VAGUE = 1.5
"""Standard deviation of log(width / median position) that is believed before any reply: a factor of 4½ either way.

It decides only where a handful of replies cannot, and keeps a single one from being explained by a width of 0."""
_BOUNDS = ((-5.0, 5.0), (-4.0, 1.5), (-8.0, 3.0), (-7.0, -0.5))
"""Of the shift of log τ, log spread, log width relative to the median position, log-odds of a stray."""


def fit_surge_likelihood(
    evidence: Evidence,
    labels: Sequence[str] | None = None,
    predicted: FloatArray | None = None,
    law: Literal["rise", "gamma"] = "rise",
) -> SurgeFit:
    """Fit τ of every question, and α and β of every group, by maximum likelihood.

    A right answer stands x tokens beyond its question's threshold. Two laws of x can be fitted:

    * `rise`: what a surge says if it is utility. Whoever stops at its peak has a right answer within x with
      probability p·φ(x)/φ(1/β), so the density is eβ(1 − βx)e^(−βx) up to x = 1/β. The fitted surge, held at its
      peak, is then the accuracy that a budget buys.
    * `gamma`: the surge's own shape as a density, Gamma(2, β), whose likelihood gives β = 2 / mean excess. It says
      where answers stand; the surge that it gives reaches its peak after only 1 − 2/e = 26 % of them.

    log τ is normal around the group's mean (or around the logarithm of the prediction, up to a shift) with a spread
    that is fitted too, and integrated out; a share of strays, log-uniform over all positions, is fitted with them.
    So a question with many right replies has the threshold that those say, and one with none has the group's.
    Pass rates are beta-binomial over the group's questions; a censored reply counts for as far as it was watched.

    Args:
        evidence: Replies, best several to a question.
        labels: ``(n,)`` group of each question, such as its tier or data set; by default all are one group, which
            is the paper's shared surge.
        predicted: ``(n,)`` predicted answer positions or thresholds, tokens, above 0; their unit does not matter.
        law: Which of the two.

    Raises:
        InputError: No reply is right, or an argument does not have one entry per question.
    """
    positions = _Positions.of(evidence, predicted)
    groups, group = number_groups(labels, evidence.n_queries)
    density = _rise if law == "rise" else _gamma
    shared = _fit_group(positions, density)
    found = [shared] * len(groups)
    for number in range(len(groups)):
        chosen = positions.take(group[positions.questions] == number)
        if len(groups) > 1 and len(chosen.questions):
            found[number] = _fit_group(chosen, density)
    anchor = np.ones(evidence.n_queries) if predicted is None else np.asarray(predicted, dtype=np.float64)
    threshold = anchor * np.exp(np.array([one.shift + one.spread**2 / 2.0 for one in found]))[group]
    for number, one in enumerate(found):
        mine = positions.take(group[positions.questions] == number)
        threshold[mine.questions] = _posterior_mean(mine, density, one)
    width = np.array([one.width for one in found])
    return SurgeFit(
        groups=groups,
        group=group,
        threshold=threshold,
        pass_rate=_pass_rates(evidence, group, threshold, width[group], density),
        beta=1.0 / width,
        spread=np.array([one.spread for one in found]),
        stray=np.array([one.stray for one in found]),
        log_likelihood=np.array([one.log_likelihood for one in found]),
        law=law,
    )


Density = Callable[[FloatArray], FloatArray]


def _rise(z: FloatArray) -> FloatArray:
    """Density of z = βx for answers that come as a surge rises: e(1 − z)e^(−z) from 0 to its peak at 1."""
    return np.where((z > 0.0) & (z < 1.0), np.e * (1.0 - z) * np.exp(-np.maximum(z, 0.0)), 0.0)


def _gamma(z: FloatArray) -> FloatArray:
    """Density of z = βx that has the surge's shape: z·e^(−z)."""
    above = np.maximum(z, 0.0)
    return np.asarray(above * np.exp(-above), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Positions:
    """Right answers' positions of q questions, with places where each threshold may be."""

    questions: IntArray
    """``(q,)`` numbers of the questions that were answered right at least once."""
    tokens: FloatArray
    """``(r,)`` positions, question after question."""
    weight: FloatArray
    """``(r,)`` how many replies each stands for."""
    owner: IntArray
    """``(r,)`` which of the q questions."""
    nodes: FloatArray
    """``(q, J)`` thresholds to integrate over, tokens."""
    log_cell: FloatArray
    """``(q, J)`` log of the width of each node's cell in log τ."""
    anchor: FloatArray
    """``(q,)`` log of the prediction, or 0."""
    log_range: float
    """Log of how far apart the recording's right answers stand, plus 1: a stray is uniform on this scale."""

    @classmethod
    def of(cls, evidence: Evidence, predicted: FloatArray | None) -> "_Positions":
        rows = np.flatnonzero(evidence.correct & (evidence.weight > 0))
        if not rows.size:
            raise InputError("No reply in these traces is right, so there is no surge to fit; record an easier task.")
        rows = rows[np.argsort(evidence.query[rows], kind="stable")]
        tokens = np.maximum(evidence.answer_tokens[rows], 1).astype(np.float64)
        questions, owner = np.unique(evidence.query[rows], return_inverse=True)
        log_range = float(np.log(tokens.max() / tokens.min())) + 1.0
        anchor = np.zeros(len(questions))
        if predicted is not None:
            guess = np.asarray(predicted, dtype=np.float64)
            if guess.shape != (evidence.n_queries,) or not (np.isfinite(guess) & (guess > 0.0)).all():
                raise InputError(
                    f"predicted must be finite and above 0 for each of {evidence.n_queries} questions; "
                    f"its shape is {guess.shape}."
                )
            anchor = np.log(guess[questions])
        nodes, log_cell = _places(tokens, owner.astype(np.int64))
        weight = evidence.weight[rows]
        return cls(questions, tokens, weight, owner.astype(np.int64), nodes, log_cell, anchor, log_range)

    def take(self, keep: Any) -> "_Positions":
        """Some of the questions, by ``(q,)`` mask."""
        rows = keep[self.owner]
        owner = (np.cumsum(keep) - 1)[self.owner[rows]]
        parts = (self.nodes[keep], self.log_cell[keep], self.anchor[keep], self.log_range)
        return _Positions(self.questions[keep], self.tokens[rows], self.weight[rows], owner, *parts)


def _places(tokens: FloatArray, owner: IntArray) -> tuple[FloatArray, FloatArray]:
    """Thresholds to integrate over, closest together around a question's first right answer."""
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    first = np.minimum.reduceat(tokens, starts)
    last = np.maximum.reduceat(tokens, starts)
    steps = np.linspace(0.0, 1.0, _NODES)
    before = first[:, None] * (1.0 - 0.99 * (0.25 / first[:, None]) ** (1.0 - steps))
    beyond = (last - first + 1.0)[:, None]
    after = first[:, None] + 0.25 * (beyond / 0.25) ** steps
    nodes = np.concatenate([before[:, ::-1], first[:, None], after], axis=1)
    return nodes, np.log(np.gradient(np.log(nodes), axis=1))


@dataclass(frozen=True, slots=True)
class _Found:
    shift: float
    spread: float
    width: float
    stray: float
    log_likelihood: float


class _Joint:
    """Log of prior × likelihood × cell, at every place of every question's threshold.

    A search by differences asks for many points that differ in one parameter, and most of the work depends on width
    and stray alone: what it came to at the last few is kept.
    """

    def __init__(self, positions: _Positions, density: Density) -> None:
        self._positions, self._density = positions, density
        self._excess = positions.tokens[:, None] - positions.nodes[positions.owner]
        self._far = (1.0 / (positions.tokens * positions.log_range))[:, None]
        self._starts = np.flatnonzero(np.diff(positions.owner, prepend=-1))
        self._log_nodes = np.log(positions.nodes)
        self._near = lru_cache(maxsize=2)(self._near_of)
        self._likelihood = lru_cache(maxsize=2)(self._likelihood_of)

    def __call__(self, at: _Found) -> FloatArray:
        """``(q, J)``."""
        error = (self._log_nodes - self._positions.anchor[:, None] - at.shift) / at.spread
        prior = -0.5 * error**2 - np.log(at.spread * np.sqrt(2.0 * np.pi))
        joint: FloatArray = self._likelihood(at.width, at.stray) + prior + self._positions.log_cell
        return joint

    def _near_of(self, width: float) -> FloatArray:
        return self._density(self._excess / width) / width

    def _likelihood_of(self, width: float, stray: float) -> FloatArray:
        near = self._near(width)
        each = self._positions.weight[:, None] * np.log((1.0 - stray) * near + stray * self._far)
        likelihood: FloatArray = np.add.reduceat(each, self._starts, axis=0)
        return likelihood


def _log_sum(joint: FloatArray) -> FloatArray:
    top = joint.max(axis=1, keepdims=True)
    return np.asarray(top[:, 0] + np.log(np.exp(joint - top).sum(axis=1)), dtype=np.float64)


def _posterior_mean(positions: _Positions, density: Density, at: _Found) -> FloatArray:
    if not len(positions.questions):
        return np.empty(0)
    joint = _Joint(positions, density)(at)
    share = np.exp(joint - _log_sum(joint)[:, None])
    return np.asarray((share * positions.nodes).sum(axis=1), dtype=np.float64)


def _fit_group(positions: _Positions, density: Density) -> _Found:
    from scipy.optimize import minimize

    median = float(np.median(positions.tokens))
    centre = float(np.median(np.log(positions.tokens) - positions.anchor[positions.owner]))
    joint = _Joint(positions, density)

    def found(parameters: Any) -> _Found:
        shift, log_spread, log_width, odds = (float(value) for value in parameters)
        # Tokens are whole: no surge is narrower than one.
        width = max(1.0, median * np.exp(log_width))
        return _Found(centre + shift, float(np.exp(log_spread)), width, 1.0 / (1.0 + np.exp(-odds)), 0.0)

    def cost(parameters: Any) -> float:
        total = float(_log_sum(joint(found(parameters))).sum())
        return -total + 0.5 * (float(parameters[2]) / _VAGUE) ** 2

    runs = [minimize(cost, (-0.3, -1.0, np.log(start), -3.0), method="L-BFGS-B", bounds=_BOUNDS) for start in _STARTS]
    best = min(runs, key=lambda run: float(run.fun))
    one = found(best.x)
    likelihood = float(_log_sum(joint(one)).sum())
    return _Found(one.shift, one.spread, one.width, one.stray, likelihood)


def _pass_rates(
    evidence: Evidence, group: IntArray, threshold: FloatArray, width: FloatArray, density: Density
) -> FloatArray:
    """Pass rates ``(n,)``; a reply that was cut off after c tokens says that no right answer came by then."""
    from scipy.special import gammainc

    n = evidence.n_queries
    ended = evidence.weight * ~(evidence.correct | evidence.censored)
    right = np.bincount(evidence.query, evidence.weight * evidence.correct, minlength=n).astype(np.float64)
    wrong = np.bincount(evidence.query, ended, minlength=n).astype(np.float64)
    cut = np.flatnonzero(evidence.censored)
    owner = evidence.query[cut]
    z = np.maximum(evidence.completion_tokens[cut] - threshold[owner], 0.0) / width[owner]
    by_then = np.minimum(z, 1.0) * np.exp(1.0 - np.minimum(z, 1.0)) if density is _rise else gammainc(2.0, z)
    return shrunk_pass_rates(right, wrong, group, owner, evidence.weight[cut], by_then)
