"""What becomes of running queries, from features of their present: chance, scale and shape.

P(right by t + s | x) = p(x) · G_r(log s − μ(x)): p is the chance that a right answer is yet to come, μ the log tokens
that are left, and G the distribution of the rest, one for each end, as in mixture models of competing risks (Larson
and Dinse 1985). p and μ are each the mean of a penalised linear model and of extremely randomised trees; p is
calibrated, and G estimated (Kaplan and Meier 1958), on predictions for questions that the models had not seen.
"""

from typing import Any, NamedTuple, Self

import numpy as np
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression, Ridge

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs._logistic import logistic
from shadowprice.beliefs.reading import Forest, grow_tree
from shadowprice.beliefs.running._landmarks import Landmarks

_FOLDS = 4
_STATIC_COLUMNS = 2
"""The first columns are static log odds of a right answer."""
_EMPHASIS = 3.0
"""How much lighter than a word the linear model's penalty weighs on them."""
_INVERSE_PENALTY = 0.002
_RIDGE_PENALTY = 300.0
_FEWEST_PER_LEAF = 10
_SHARE_OF_GROUPS = 0.6
"""Questions that a tree sees; the others show how good it is."""
_MOST_GROUPS = 120
"""Questions that a tree sees at most: what trees have not seen in common makes their mean better, if anything. Where
there are 500 and more, the distance that `index` closes is the same with 120 as with three fifths."""
_FEWEST_PER_SHAPE = 150
"""Ends that a distribution of the rest is estimated from, at least, before it is split by μ."""
_MOST_SHAPES = 3
_KNOTS = np.linspace(-6.0, 4.0, 101)
"""Where the distributions of the rest are kept, in log tokens from μ."""
_LEAST_CHANCE = 0.01


class Future(NamedTuple):
    """Beliefs about the future of n running queries, on a grid of token counts from the start."""

    right: FloatArray
    """``(n, K)`` P(a right answer appears by then | running now)."""
    finished: FloatArray
    """``(n, K)`` P(the reply ends by then | running now)."""


class FutureModel:
    """Learns the future of running queries from landmarks; holds nothing but arrays.

    Features begin with `TIME_FEATURES`. The trees for p come in two halves: some are grown on whether a right answer
    came, the others on by how much that surprises who holds the static beliefs.

    Args:
        n_trees: Trees in each half for p, and for μ.
        seed: Seed of everything random.
    """

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(self, n_trees: int, seed: int) -> None:
        self.n_trees = n_trees
        self.seed = seed

    def fit(self, features: FloatArray, marks: Landmarks, telling: int = 0) -> Self:
        """Learn from ``(p, F)`` features of landmarks, of which the last `telling` weigh as static log odds do."""
        self.centre = features.mean(axis=0)
        spread = features.std(axis=0)
        # A column that hardly ever differs must not be blown up by one that does.
        self.spread = np.where(spread > 1e-6, spread, 1.0)
        column, columns = np.arange(features.shape[1]), features.shape[1]
        emphasised = (column < _STATIC_COLUMNS) | (column >= columns - telling)
        self.emphasis = np.where(emphasised, _EMPHASIS, 1.0)
        rows, trees = self._scaled(features), features.astype(np.float32)
        fold = np.random.default_rng(self.seed).permutation(marks.group.max() + 1)[marks.group] % _FOLDS
        told = marks.ended & (marks.weight > 0.0)
        linear, self.right_slopes, self.right_level = _fit_linear(rows, marks, fold, None)
        static = expit(features[:, 0])
        grown, self.right_trees = _grow(trees, marks.right, marks, None, self.n_trees, self.seed)
        surprise, self.surprise_trees = _grow(trees, marks.right - static, marks, None, self.n_trees, self.seed + 1)
        log_odds = linear / 2.0 + (_logit(grown) + _logit(static + surprise)) / 4.0
        linear, self.rest_slopes, self.rest_level = _fit_linear(rows, marks, fold, told)
        grown, self.rest_trees = _grow(trees, marks.to_end, marks, told, self.n_trees, self.seed)
        rest = (linear + grown) / 2.0
        self._calibrate(log_odds, marks)
        self._shape(rest, marks)
        return self

    def predict(self, features: FloatArray, tokens: FloatArray, grid: FloatArray) -> Future:
        """The future of n queries with ``(n, F)`` features after ``(n,)`` tokens, on a grid ``(K,)``."""
        rows, trees = self._scaled(features), features.astype(np.float32)
        linear = rows @ self.right_slopes + self.right_level
        surprised = expit(features[:, 0]) + self.surprise_trees.predict(trees)
        log_odds = linear / 2.0 + (_logit(self.right_trees.predict(trees)) + _logit(surprised)) / 4.0
        rest = (rows @ self.rest_slopes + self.rest_level + self.rest_trees.predict(trees)) / 2.0
        chance = expit(_calibration_columns(log_odds, tokens) @ self.calibration)[:, None]
        ahead = grid - tokens[:, None]
        place = np.log(np.maximum(ahead, 1e-9)) - rest[:, None]
        place = np.clip((place - _KNOTS[0]) / (_KNOTS[1] - _KNOTS[0]), 0.0, len(_KNOTS) - 1.0)
        left = np.minimum(place.astype(np.int64), len(_KNOTS) - 2)
        share = place - left
        shape = np.searchsorted(self.edges, rest)[:, None]
        answered, ended, given_up = (
            np.where(ahead > 0.0, table[shape, left] + share * (table[shape, left + 1] - table[shape, left]), 0.0)
            for table in self.shapes
        )
        return Future(chance * answered, chance * ended + (1.0 - chance) * given_up)

    def check_sound(self) -> None:
        """Raise ValueError if the parts are not of one size, as compiled code would not notice."""
        columns = len(self.centre)
        same = {len(self.spread), len(self.emphasis), len(self.right_slopes), len(self.rest_slopes)}
        trees = (self.right_trees, self.surprise_trees, self.rest_trees)
        if same != {columns} or any(not isinstance(part, Forest) or part.columns != columns for part in trees):
            raise ValueError("the parts of a model of the future are about different features")
        if self.shapes.shape != (3, len(self.edges) + 1, len(_KNOTS)):
            raise ValueError("the distributions of the rest do not fit their bins")

    def _scaled(self, features: FloatArray) -> FloatArray:
        return np.asarray(np.clip((features - self.centre) / self.spread, -8.0, 8.0) * self.emphasis)

    def _calibrate(self, log_odds: FloatArray, marks: Landmarks) -> None:
        """Platt's (1999) scaling, with a level and a slope that may drift with log tokens."""
        design = _calibration_columns(log_odds, marks.tokens)
        # The prior is no correction at all, worth a few observations.
        start, worth = np.array([0.0, 1.0, 0.0, 0.0, 0.0]), np.array([1.0, 4.0, 4.0, 4.0, 4.0])
        self.calibration = logistic(design, marks.right, marks.weight, start, worth)

    def _shape(self, rest: FloatArray, marks: Landmarks) -> None:
        """Distributions of the rest: of right answers, of the replies that gave them, and of the others."""
        right, wrong = marks.weight * marks.right, marks.weight * (1.0 - marks.right)
        fewer = int(min((right > 0.5).sum(), ((wrong > 0.5) & marks.ended).sum()))
        count = max(1, min(_MOST_SHAPES, fewer // _FEWEST_PER_SHAPE))
        self.edges = np.quantile(rest, np.arange(1, count) / count)
        shape = np.searchsorted(self.edges, rest)
        cases = ((marks.to_answer, right), (marks.to_end, right), (marks.to_end, wrong))
        tables = []
        for to, weight in cases:
            known = weight if (weight * marks.ended).any() else marks.weight
            tables.append(
                [_distribution((to - rest)[mine], marks.ended[mine], known[mine]) for mine in _each(shape, count)]
            )
        self.shapes = np.array(tables)


def _each(shape: IntArray, count: int) -> list[BoolArray]:
    return [shape == number for number in range(count)]


def _calibration_columns(log_odds: FloatArray, tokens: FloatArray) -> FloatArray:
    age = np.clip((np.log(np.maximum(tokens, 1.0)) - 5.0) / 2.0, -3.0, 3.0)
    return np.column_stack([np.ones(len(age)), log_odds, age, age**2, age * log_odds])


def _logit(chance: FloatArray) -> FloatArray:
    return np.asarray(logit(np.clip(chance, _LEAST_CHANCE, 1.0 - _LEAST_CHANCE)))


def _fit_linear(
    rows: FloatArray, marks: Landmarks, fold: IntArray, told: BoolArray | None
) -> tuple[FloatArray, FloatArray, float]:
    """Mean linear model over folds of questions, and its predictions for the fold that each left out.

    Log odds of a right answer, by logistic regression, or the log rest of the rows that are `told`, by ridge.
    """
    unseen = np.zeros(len(rows))
    slopes, levels = [], []
    for number in range(_FOLDS):
        seen = fold != number
        learn = seen if told is None else seen & told
        if not learn.any():
            learn = np.ones(len(rows), np.bool_)
        slope, level = (_chance if told is None else _rest)(rows[learn], marks, learn)
        unseen[~seen] = rows[~seen] @ slope + level
        slopes.append(slope)
        levels.append(level)
    return unseen, np.mean(slopes, axis=0), float(np.mean(levels))


def _chance(rows: FloatArray, marks: Landmarks, learn: BoolArray) -> tuple[FloatArray, float]:
    # A share of a right answer is a right and a wrong row with its weights.
    right, weight = marks.right[learn], marks.weight[learn]
    total = np.concatenate([weight * right, weight * (1.0 - right)])
    heard = total > 0.0
    target = np.repeat([1, 0], len(right))[heard]
    if not 0 < target.sum() < len(target):
        return np.zeros(rows.shape[1]), float(_logit(np.array([right.mean()]))[0])
    model = LogisticRegression(C=_INVERSE_PENALTY, max_iter=300)
    model.fit(np.vstack([rows, rows])[heard], target, sample_weight=total[heard])
    return model.coef_[0], float(model.intercept_[0])


def _rest(rows: FloatArray, marks: Landmarks, learn: BoolArray) -> tuple[FloatArray, float]:
    weight = marks.weight[learn]
    model = Ridge(_RIDGE_PENALTY).fit(rows, marks.to_end[learn], sample_weight=weight)
    return model.coef_, float(model.intercept_)


def _grow(
    rows: Any, target: FloatArray, marks: Landmarks, told: BoolArray | None, trees: int, seed: int
) -> tuple[FloatArray, Forest]:
    """A forest whose trees each see some of the questions, and for each row the mean of those that have not."""
    rng = np.random.default_rng(seed)
    groups = int(marks.group.max()) + 1
    sees = min(max(1.0, _SHARE_OF_GROUPS * groups), _MOST_GROUPS)
    total, count, grown = np.zeros(len(rows)), np.zeros(len(rows)), []
    for number in range(trees):
        seen = (rng.permutation(groups) < sees)[marks.group]
        learn = seen if told is None else seen & told
        if not learn.any():
            learn = np.ones(len(rows), np.bool_) if told is None or not told.any() else told
        tree = grow_tree(rows[learn], target[learn], marks.weight[learn], _FEWEST_PER_LEAF, seed + number)
        if not seen.all():
            total[~seen] += tree.predict(rows[~seen])[:, 0]
            count += ~seen
        grown.append(tree)
    mean = float(np.average(target, weights=marks.weight))
    return np.where(count > 0, total / np.maximum(count, 1.0), mean), Forest.of(grown, rows.shape[1])


def _distribution(rest: FloatArray, ended: BoolArray, weight: FloatArray) -> FloatArray:
    """Kaplan and Meier's estimate of P(rest ≤ knot) at the knots."""
    order = np.argsort(rest, kind="stable")
    rest, weight, ended = rest[order], weight[order], ended[order]
    at_risk = np.cumsum(weight[::-1])[::-1]
    hazard = np.where(ended & (weight > 0.0), weight / np.maximum(at_risk, 1e-12), 0.0)
    gone = np.append(0.0, 1.0 - np.cumprod(1.0 - np.minimum(hazard, 1.0)))
    return np.asarray(gone[np.searchsorted(rest, _KNOTS, side="right")], dtype=np.float64)
