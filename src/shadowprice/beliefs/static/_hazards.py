"""Discrete-time competing risks: what ends a reply, and when, given a few scores of its question.

On the token grid e₁ < … < e_K a query that is still running at e_{k−1} gives its right answer in (e_{k−1}, e_k] with
hazard hʳ_k, ends wrong with hazard hʷ_k, or goes on. Where to start is a mixture: right with the odds that the scores
give, after a log-normal number of tokens, and wrong after another. Its hazards are corrected: log hʳ/h⁰ and log hʷ/h⁰,
with h⁰ = 1 − hʳ − hʷ, differ from the mixture's by linear terms in functions of the scores and of log e_k, whose
coefficients maximise the multinomial likelihood (Cox 1972; Allison 1982). A reply that was cut off counts as running in
the cells that it reached and nowhere else. From the hazards, S_k = Π(1 − hʳ − hʷ) and P(right by e_k) = Σ S_{j−1} hʳ_j
never falls in k.
"""

# mypy: disable-error-code="untyped-decorator"

from typing import Any, Final, NamedTuple, Self

import numpy as np
from numba import njit
from scipy.special import expit, ndtr

from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs.past import Scores

TOKEN_GRID: Final[FloatArray] = np.round(8.0 * 2.0 ** (np.arange(40) / 3.0))
"""``(K,)`` token counts of all our outcome tables, three to the doubling, 8 to 65,536: the same for every evidence."""

_SHAPE_KNOTS = np.array([-2.0, -1.2, -0.8, -0.5, -0.25, 0.0, 0.25, 0.5, 0.8, 1.2, 2.0])
"""Where the log hazard may bend, in log tokens from the predicted end."""
_AGE_KNOTS = np.log([64.0, 512.0, 4096.0])
"""Where it may bend with age alone: caps and endless replies come at a token count, whatever the question."""
_STARTING_ODDS = (-8.0, 3.0)
_PENALTY = 3.0
_STEPS = 50
_PRECISION = 1e-7


class Counts(NamedTuple):
    """What happened in each cell of the grid, per question; weighted, so not whole."""

    running: FloatArray
    """``(n, K)`` replies that were running when the cell began, and were watched in it."""
    right: FloatArray
    """``(n, K)`` right answers that appeared in it."""
    wrong: FloatArray
    """``(n, K)`` replies that ended wrong in it."""


def cells_of(tokens: IntArray | FloatArray) -> IntArray:
    """The cell (e_{k−1}, e_k] of each token count, the last for those beyond the grid."""
    return np.minimum(np.searchsorted(TOKEN_GRID, tokens), len(TOKEN_GRID) - 1).astype(np.int64)


def count_ends(n: int, query: IntArray, cell: IntArray, right: FloatArray, wrong: FloatArray) -> Counts:
    """Counts for n questions of replies that end in a cell: `right` and `wrong` are weights, and so is the rest.

    Args:
        n: Number of questions.
        query: ``(m,)`` question of each reply.
        cell: ``(m,)`` cell in which it ended or was cut off. A cut reply counts as running to the end of its cell:
            it was cut by a cap, and what nobody is allowed to generate does not happen.
        right: ``(m, 2)`` weight of the reply, and whether it was right.
        wrong: ``(m,)`` whether it was wrong; neither for one that was cut off.
    """
    shape = (n, len(TOKEN_GRID))
    running, ended_right, ended_wrong = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    weight, is_right = right[:, 0], right[:, 1]
    np.add.at(running, (query, cell), weight)
    np.add.at(ended_right, (query, cell), weight * is_right)
    np.add.at(ended_wrong, (query, cell), weight * wrong)
    # Running in a cell: ended there or later.
    running = running[:, ::-1].cumsum(axis=1)[:, ::-1]
    return Counts(running, ended_right, ended_wrong)


class Hazards:
    """The two hazards as functions of the scores; fitted arrays only."""

    __module__ = "shadowprice.beliefs"  # predictor files name it so: modules may move

    def __init__(self) -> None:
        self.right = np.zeros(0)
        self.wrong = np.zeros(0)
        self.spread: FloatArray = np.ones(2)
        self.cells = 0

    def fit(self, scores: Scores, counts: Counts, cells: int, spread: FloatArray) -> Self:
        """Maximise the penalised likelihood by Newton's method.

        Args:
            scores: Of n questions, made without their replies.
            counts: Of their replies, and of what is believed beforehand.
            cells: Cells that the evidence reaches; nothing happens beyond.
            spread: ``(2,)`` standard deviation of log tokens of right answers and of wrong replies.
        """
        self.cells, self.spread = cells, spread
        watched = counts.running[:, :cells] > 0.0
        by_right, by_wrong = (part[watched] for part in _design(scores, cells))
        running, right, wrong = (part[:, :cells][watched] for part in counts)
        start = tuple(part[:, :cells][watched] for part in _starting_odds(scores, spread))
        width = by_right.shape[1]
        theta = np.zeros(2 * width)
        loss = np.inf
        step = np.zeros_like(theta)
        for _ in range(_STEPS):
            trial = _loss(theta + step, start, by_right, by_wrong, running, right, wrong)
            while not trial <= loss and np.abs(step).max() > _PRECISION:
                step /= 2.0
                trial = _loss(theta + step, start, by_right, by_wrong, running, right, wrong)
            theta = theta + step
            gain, loss = loss - trial, trial
            if gain < _PRECISION * max(1.0, abs(loss)):
                break
            gradient, curvature = _slopes(theta, start, by_right, by_wrong, running, right, wrong)
            step = -np.linalg.solve(curvature, gradient)
        self.right, self.wrong = theta[:width], theta[width:]
        return self

    def predict(self, scores: Scores) -> tuple[FloatArray, FloatArray]:
        """P(right answer in each cell) and P(wrong end in each cell), both ``(n, K)``."""
        ends: tuple[FloatArray, FloatArray] = _ends(
            np.log(TOKEN_GRID),
            self.cells,
            _SHAPE_KNOTS,
            _AGE_KNOTS,
            self.right,
            self.wrong,
            *_starting_odds(scores, self.spread),
            *scores,
        )
        return ends

    def check_sound(self) -> None:
        """Raise ValueError if there are not the coefficients and cells that prediction expects."""
        width = len(_SHAPE_KNOTS) + 4 + len(_AGE_KNOTS)
        if self.right.shape != (width,) or self.wrong.shape != (width,) or not 0 <= self.cells <= len(TOKEN_GRID):
            raise ValueError("hazards have coefficients or cells that do not fit the grid")


@njit(cache=True, nogil=True)
def _ends(
    age: Any,
    cells: int,
    knots: Any,
    age_knots: Any,
    by_right: Any,
    by_wrong: Any,
    start_right: Any,
    start_wrong: Any,
    odds: Any,
    at_right: Any,
    at_wrong: Any,
) -> Any:
    """What `_design` and `_softmax` say, row by row and without the arrays between."""
    n = len(odds)
    right, wrong = np.zeros((n, len(age))), np.zeros((n, len(age)))
    for row in range(n):
        still = 1.0
        for cell in range(cells):
            up = start_right[row, cell] + _log_hazard(
                age[cell], knots, age_knots, by_right, odds[row], at_right[row], at_wrong[row]
            )
            down = start_wrong[row, cell] + _log_hazard(
                age[cell], knots, age_knots, by_wrong, odds[row], at_wrong[row], at_right[row]
            )
            top = max(up, down, 0.0)
            hazard_right, hazard_wrong, on = np.exp(up - top), np.exp(down - top), np.exp(-top)
            total = hazard_right + hazard_wrong + on
            right[row, cell] = still * hazard_right / total
            wrong[row, cell] = still * hazard_wrong / total
            still *= on / total
    return right, wrong


@njit(cache=True, nogil=True)
def _log_hazard(age: float, knots: Any, age_knots: Any, theta: Any, odds: float, own: float, other: float) -> float:
    ahead = age - own
    place = min(max(ahead, knots[0]), knots[-1])
    left = 0
    while left < len(knots) - 2 and place >= knots[left + 1]:
        left += 1
    share = (place - knots[left]) / (knots[left + 1] - knots[left])
    near = min(max(ahead, -1.0), 1.0)
    gap = min(max(other - own, -2.0), 2.0)
    first = len(knots)
    value = theta[left] * (1.0 - share) + theta[left + 1] * share
    value += (theta[first] + theta[first + 1] * near) * odds + (theta[first + 2] + theta[first + 3] * near) * gap
    for number in range(len(age_knots)):
        value += theta[first + 4 + number] * max(age - age_knots[number], 0.0)
    return float(value)


def mixture_ends(scores: Scores, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """P(right answer in each cell) and P(wrong end in each cell), ``(n, K)``, of the log-normal mixture."""
    edges = np.log(TOKEN_GRID)
    right = ndtr((edges - scores.right[:, None]) / spread[0]) * expit(scores.logit)[:, None]
    wrong = ndtr((edges - scores.wrong[:, None]) / spread[1]) * expit(-scores.logit)[:, None]
    return np.diff(right, axis=1, prepend=0.0), np.diff(wrong, axis=1, prepend=0.0)


def _starting_odds(scores: Scores, spread: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Log hʳ/h⁰ and log hʷ/h⁰ of the mixture, ``(n, K)``, kept within what the corrections can outweigh."""
    right, wrong = mixture_ends(scores, spread)
    on = np.maximum(1.0 - np.cumsum(right + wrong, axis=1), 1e-12)
    low, high = _STARTING_ODDS
    return (
        np.clip(np.log(np.maximum(right, 1e-300) / on), low, high),
        np.clip(np.log(np.maximum(wrong, 1e-300) / on), low, high),
    )


def _design(scores: Scores, cells: int) -> tuple[FloatArray, FloatArray]:
    """What the two log odds are linear in: ``(n, cells, p)`` each."""
    age = np.log(TOKEN_GRID[:cells])
    late = np.stack([np.maximum(age - knot, 0.0) for knot in _AGE_KNOTS], axis=-1)
    parts = []
    for own, other in ((scores.right, scores.wrong), (scores.wrong, scores.right)):
        ahead = age - own[:, None]
        columns = np.empty((*ahead.shape, len(_SHAPE_KNOTS) + 4 + len(_AGE_KNOTS)))
        columns[..., : len(_SHAPE_KNOTS)] = _hats(ahead)
        near = np.clip(ahead, -1.0, 1.0)
        first = len(_SHAPE_KNOTS)
        columns[..., first] = scores.logit[:, None]
        columns[..., first + 1] = scores.logit[:, None] * near
        columns[..., first + 2] = np.clip(other - own, -2.0, 2.0)[:, None]
        columns[..., first + 3] = np.clip(other - own, -2.0, 2.0)[:, None] * near
        columns[..., first + 4 :] = late
        parts.append(columns)
    return parts[0], parts[1]


def _hats(ahead: FloatArray) -> FloatArray:
    """Piecewise linear functions that are 1 at one knot and 0 at the others, constant outside."""
    knots = _SHAPE_KNOTS
    place = np.clip(ahead, knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, place, side="right") - 1, 0, len(knots) - 2)
    share = (place - knots[left]) / (knots[left + 1] - knots[left])
    hats = np.zeros((*ahead.shape, len(knots)))
    np.put_along_axis(hats, left[..., None], (1.0 - share)[..., None], axis=-1)
    np.put_along_axis(hats, left[..., None] + 1, share[..., None], axis=-1)
    return hats


def _softmax(right: FloatArray, wrong: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The two hazards, and minus the log of what is left over."""
    top = np.maximum(np.maximum(right, wrong), 0.0)
    up, down, on = np.exp(right - top), np.exp(wrong - top), np.exp(-top)
    total = up + down + on
    return up / total, down / total, top + np.log(total)


def _loss(
    theta: FloatArray,
    start: tuple[FloatArray, ...],
    by_right: FloatArray,
    by_wrong: FloatArray,
    running: FloatArray,
    right: FloatArray,
    wrong: FloatArray,
) -> float:
    width = by_right.shape[1]
    eta_right, eta_wrong = start[0] + by_right @ theta[:width], start[1] + by_wrong @ theta[width:]
    rest = _softmax(eta_right, eta_wrong)[2]
    return float(running @ rest - right @ eta_right - wrong @ eta_wrong + _PENALTY * _rough(theta, width)[0])


def _slopes(
    theta: FloatArray,
    start: tuple[FloatArray, ...],
    by_right: FloatArray,
    by_wrong: FloatArray,
    running: FloatArray,
    right: FloatArray,
    wrong: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """Gradient and Hessian of the loss."""
    width = by_right.shape[1]
    hazard_right, hazard_wrong, _ = _softmax(start[0] + by_right @ theta[:width], start[1] + by_wrong @ theta[width:])
    _, gradient, curvature = _rough(theta, width)
    gradient = _PENALTY * gradient
    gradient[:width] += by_right.T @ (running * hazard_right - right)
    gradient[width:] += by_wrong.T @ (running * hazard_wrong - wrong)
    curvature = _PENALTY * curvature
    curvature[:width, :width] += by_right.T @ ((running * hazard_right * (1.0 - hazard_right))[:, None] * by_right)
    curvature[width:, width:] += by_wrong.T @ ((running * hazard_wrong * (1.0 - hazard_wrong))[:, None] * by_wrong)
    mixed = by_right.T @ ((-running * hazard_right * hazard_wrong)[:, None] * by_wrong)
    curvature[:width, width:] += mixed
    curvature[width:, :width] += mixed.T
    return gradient, curvature


def _rough(theta: FloatArray, width: int) -> tuple[float, FloatArray, FloatArray]:
    """How much the log hazards bend from knot to knot, and how much they lean on the rest: value, gradient, Hessian."""
    knots = len(_SHAPE_KNOTS)
    bend = np.diff(np.eye(knots), n=2, axis=0)
    curvature = np.eye(2 * width)
    for first in (0, width):
        curvature[first : first + knots, first : first + knots] = bend.T @ bend + 1e-3 * np.eye(knots)
    gradient = curvature @ theta
    return float(theta @ gradient) / 2.0, gradient, curvature
