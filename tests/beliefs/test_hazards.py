import numpy as np
import pytest

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs.past import Scores
from shadowprice.beliefs.static._hazards import (
    TOKEN_GRID,
    Counts,
    Hazards,
    _design,
    _softmax,
    _starting_odds,
    cells_of,
    count_ends,
)

SPREAD = np.array([0.6, 0.6])
"""Not the true one, which is 0.4: the corrections have to find that."""


def draw(
    n: int, seed: int = 0, cap: float = np.inf
) -> tuple[Scores, FloatArray, BoolArray, BoolArray, tuple[FloatArray, FloatArray]]:
    """Scores, where replies end, whether right, whether cut off, and the true P(right by t), P(wrong by t)."""
    from scipy.special import expit, ndtr

    rng = np.random.default_rng(seed)
    scores = Scores(rng.normal(0, 1.5, n), rng.normal(5, 0.5, n), rng.normal(5.5, 0.5, n))
    right = rng.random(n) < expit(scores.logit)
    end = np.exp(np.where(right, scores.right, scores.wrong) + 0.4 * rng.normal(size=n))
    truth = tuple(
        share[:, None] * ndtr((np.log(TOKEN_GRID) - centre[:, None]) / 0.4)
        for share, centre in ((expit(scores.logit), scores.right), (expit(-scores.logit), scores.wrong))
    )
    cut = end > cap
    return scores, np.minimum(end, cap), right & ~cut, cut, (truth[0], truth[1])


def counts_of(end: FloatArray, right: BoolArray, cut: BoolArray) -> Counts:
    n = len(end)
    return count_ends(
        n, np.arange(n), cells_of(end), np.stack([np.ones(n), right], axis=1), (~right & ~cut).astype(float)
    )


def cells_reached(end: FloatArray) -> int:
    return int(cells_of(end).max()) + 1


def test_the_grid_is_the_same_for_all_and_three_to_the_doubling() -> None:
    assert 8 == TOKEN_GRID[0]
    assert 65_536 == TOKEN_GRID[-1]
    assert (np.diff(TOKEN_GRID) > 0).all()
    assert [0, 0, 1, 1, 2, 39, 39] == cells_of(np.array([1, 8, 9, 10, 11, 65_536, 10**7])).tolist()


def test_counts_follow_each_reply_until_it_ends() -> None:
    cell: IntArray = np.array([2, 4, 3])
    counts = count_ends(2, np.array([0, 0, 1]), cell, np.array([[1.0, 1], [2.0, 0], [1.0, 0]]), np.array([0.0, 1, 0]))
    assert [3, 3, 3, 2, 2, 0] == counts.running[0, :6].tolist()
    assert [0, 0, 1, 0, 0, 0] == counts.right[0, :6].tolist()
    assert [0, 0, 0, 0, 2, 0] == counts.wrong[0, :6].tolist()
    assert [1, 1, 1, 1, 0] == counts.running[1, :5].tolist()
    assert 0 == counts.right[1].sum() + counts.wrong[1].sum()


def test_hazards_recover_the_truth() -> None:
    scores, end, right, cut, _ = draw(4000)
    hazards = Hazards().fit(scores, counts_of(end, right, cut), cells_reached(end), SPREAD)
    fresh, _, _, _, (by_right, by_wrong) = draw(500, seed=1)
    got_right, got_wrong = (part.cumsum(axis=1) for part in hazards.predict(fresh))
    assert np.abs(got_right - by_right).mean() < 0.012
    assert np.abs(got_wrong - by_wrong).mean() < 0.012
    assert (got_right + got_wrong <= 1 + 1e-12).all()


def test_replies_that_were_cut_off_do_not_bend_what_came_before() -> None:
    # A third is cut off. Up to the cap the hazards are the same; taking the cut for wrong ends would show there.
    scores, end, right, cut, _ = draw(4000, cap=256.0)
    assert 0.2 < cut.mean() < 0.4
    fresh, _, _, _, (by_right, by_wrong) = draw(500, seed=1)
    before = TOKEN_GRID <= 256
    hazards = Hazards().fit(scores, counts_of(end, right, cut), cells_reached(end), SPREAD)
    got_right, got_wrong = (part.cumsum(axis=1) for part in hazards.predict(fresh))
    assert np.abs(got_right - by_right)[:, before].mean() < 0.012
    assert np.abs(got_wrong - by_wrong)[:, before].mean() < 0.012
    assert (got_right[:, ~before] == got_right[:, before][:, -1:]).all()  # nothing is claimed beyond
    wrong = Hazards().fit(scores, counts_of(end, right, np.zeros_like(cut)), cells_reached(end), SPREAD)
    assert np.abs(wrong.predict(fresh)[1].cumsum(axis=1) - by_wrong)[:, before].mean() > 0.015


def test_compiled_prediction_is_the_model_that_was_fitted() -> None:
    rng = np.random.default_rng(0)
    scores = draw(60)[0]
    hazards = Hazards()
    hazards.cells, hazards.right, hazards.wrong = 25, rng.normal(size=18), rng.normal(size=18)
    by_right, by_wrong = _design(scores, 25)
    start = _starting_odds(scores, hazards.spread)
    risen, fallen, _ = _softmax(
        start[0][:, :25] + by_right @ hazards.right, start[1][:, :25] + by_wrong @ hazards.wrong
    )
    still = np.hstack([np.ones((60, 1)), np.cumprod(1 - risen - fallen, axis=1)[:, :-1]])
    got = hazards.predict(scores)
    assert pytest.approx(still * risen) == got[0][:, :25]
    assert pytest.approx(still * fallen) == got[1][:, :25]


def test_hazards_of_another_shape_are_refused() -> None:
    hazards = Hazards()
    with pytest.raises(ValueError, match="do not fit the grid"):
        hazards.check_sound()
