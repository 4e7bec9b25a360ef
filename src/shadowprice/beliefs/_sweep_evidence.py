"""Budget sweeps as evidence: from shares of right answers at forced budgets to where right answers appear."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from sklearn.isotonic import isotonic_regression

from shadowprice._errors import InputError
from shadowprice.beliefs._evidence import Evidence

_STEPS = np.array([1.0, 2.0, 3.0]) / 3.0
"""Where between two budgets right answers are put, as shares of the way by log tokens."""


def sweep_evidence(
    questions: Sequence[str], query: ArrayLike, budget: ArrayLike, right: ArrayLike, samples: ArrayLike
) -> Evidence:
    """Evidence from a budget sweep: at each budget the model was forced to answer, and right answers were counted.

    Predictors learn P(a right answer has appeared by t), which never falls; measured accuracy may. The monotone
    maximum-likelihood estimate pools neighbours that fall (isotonic regression with binomial weights; Ayer et al.
    1955). Each rise then stands for right replies, as many as the mean number of samples per budget, that appear
    between the budget before and its own, evenly by log tokens (from half of it for the first), and what is missing
    at the last budget for replies that were cut off there, not right so far.

    Args:
        questions: ``(n,)`` question texts.
        query: ``(m,)`` question of each row, 0 … n−1.
        budget: ``(m,)`` tokens that replies were held to, above 0.
        right: ``(m,)`` replies that were right.
        samples: ``(m,)`` replies, above 0.

    Raises:
        InputError: Lengths differ, a count is out of range, or a question has two rows at one budget; it names the row.
    """
    number, held = np.asarray(query, dtype=np.int64), np.asarray(budget, dtype=np.int64)
    hits, tries = np.asarray(right, dtype=np.float64), np.asarray(samples, dtype=np.float64)
    if not number.shape == held.shape == hits.shape == tries.shape == (len(number),):
        raise InputError("query, budget, right and samples of a sweep must be equally long lists.")
    for name, bad in (
        ("budget must be above 0", held <= 0),
        ("samples must be above 0 and finite", ~((tries > 0.0) & np.isfinite(tries))),
        ("right must be from 0 to samples", ~((hits >= 0.0) & (hits <= tries))),
    ):
        if bad.any():
            raise InputError(f"{name}, but is not in row {int(np.flatnonzero(bad)[0])} of the sweep.")
    order = np.lexsort((held, number))
    twice = (np.diff(number[order]) == 0) & (np.diff(held[order]) == 0)
    if twice.any():
        row = int(order[1:][twice][0])
        raise InputError(f"Row {row} of the sweep repeats a budget of its question; add the counts up first.")
    rows: list[tuple[int, int, bool, float]] = []
    starts = np.flatnonzero(np.diff(number[order], prepend=-1))
    for place in np.split(order, starts[1:]) if len(order) else []:
        share = isotonic_regression(hits[place] / tries[place], sample_weight=tries[place], y_min=0.0, y_max=1.0)
        each = float(tries[place].mean())
        rises = np.diff(share, prepend=0.0)
        before = np.append(held[place[0]] / 2.0, held[place[:-1]])
        for row, rise, low in zip(place, rises, before, strict=True):
            if rise > 0.0:
                ends = np.unique(np.rint(low * (held[row] / low) ** _STEPS).astype(np.int64))
                ends = ends[ends >= 1]
                rows += [(int(number[row]), int(end), True, each * float(rise) / len(ends)) for end in ends]
        if share[-1] < 1.0:
            rows.append((int(number[place[0]]), int(held[place[-1]]), False, each * float(1.0 - share[-1])))
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    correct = np.array(columns[2], dtype=np.bool_)
    return Evidence(questions, columns[0], columns[1], correct, censored=~correct, weight=columns[3])
