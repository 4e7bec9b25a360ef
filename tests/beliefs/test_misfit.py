"""Beliefs that are refuted while replies end: true ones hardly ever, wrong ones soon, however replies are stopped."""

import numpy as np
import pytest

from shadowprice.beliefs import Misfit, Outcomes

GRID = np.round(8.0 * 2.0 ** (np.arange(31) / 3.0))


def world(count: int, seed: int) -> tuple[Outcomes, np.ndarray, np.ndarray]:
    """Beliefs that hold: P(right) and the medians differ, right answers end their replies, wrong ones take longer."""
    chance = np.random.default_rng(seed)
    share, median = chance.uniform(0.05, 0.95, count), chance.uniform(30, 600, count)
    by_then = 1.0 / (1.0 + (median[:, None] / GRID) ** 3)
    wrong = (1.0 - share)[:, None] / (1.0 + (2.0 * median[:, None] / GRID) ** 3)
    outcomes = Outcomes(GRID, share[:, None] * by_then, share[:, None] * by_then + wrong)
    right = chance.random(count) < share
    draw = chance.random(count)
    length = np.where(right, 1.0, 2.0) * median * (draw / (1.0 - draw)) ** (1 / 3)
    return outcomes, right, length


def told(outcomes: Outcomes, right: np.ndarray, length: np.ndarray, stops: np.ndarray) -> tuple[Misfit, int]:
    """What is found, and the number of replies after which beliefs were first refuted; 0 for never."""
    misfit, first = Misfit(outcomes), 0
    for row in range(len(right)):
        ended = bool(length[row] <= stops[row])
        misfit.add(row, min(length[row], stops[row]), right=bool(right[row]) and ended, ended=ended)
        if misfit.refuted and not first:
            first = misfit.for_tokens.replies
    return misfit, first


@pytest.mark.parametrize("stop", [np.inf, 200.0, 40.0])
def test_as_many_are_expected_as_come_whenever_replies_are_stopped(stop: float) -> None:
    misfit, first = told(*world(4000, 1), np.full(4000, stop))
    assert 0 == first
    for one in (misfit.for_tokens, misfit.among_ends):
        assert one.right == pytest.approx(one.expected, abs=2.5 * np.sqrt(one.expected))
        assert one.odds < 1000
    assert 4000 == misfit.for_tokens.replies >= misfit.among_ends.replies


def test_true_beliefs_are_refuted_in_no_run_of_two_hundred() -> None:
    refuted = 0
    for seed in range(200):
        stops = np.exp(np.random.default_rng(seed).uniform(3, 9, 150))
        refuted += told(*world(150, seed), stops)[1] > 0
    assert 0 == refuted


def test_a_model_that_gets_nothing_right_is_noticed_after_a_dozen_expected_ones() -> None:
    outcomes, right, length = world(150, 3)
    misfit, first = told(outcomes, np.zeros_like(right), length, np.full(150, np.inf))
    assert 0 < first < 40
    assert misfit.among_ends.factor < 0.1


def test_a_model_that_is_far_better_than_believed_is_noticed_too() -> None:
    outcomes, right, length = world(300, 4)
    meek = Outcomes(GRID, 0.2 * outcomes.right, outcomes.finished)
    misfit, first = told(meek, right, length, np.full(300, np.inf))
    assert 0 < first < 100
    assert misfit.among_ends.factor > 2


def test_beliefs_that_are_a_third_too_hopeful_are_kept_for_their_order() -> None:
    outcomes, right, length = world(4000, 5)
    keen = Outcomes(GRID, np.minimum(1.3 * outcomes.right, 0.99), outcomes.finished)
    assert 0 == told(keen, right, length, np.full(4000, np.inf))[1]


def test_before_any_reply_nothing_is_known() -> None:
    misfit = Misfit(world(3, 0)[0])
    assert (1.0, 1.0, None) == (misfit.for_tokens.odds, misfit.among_ends.factor, misfit.refuted)


def test_a_model_that_is_a_little_quicker_than_believed_is_no_misfit() -> None:
    outcomes, right, length = world(600, 6)
    misfit, first = told(outcomes, right, 0.5 * length, np.full(600, np.inf))
    assert 0 == first
    assert misfit.for_tokens.factor > 1.5


def test_a_model_that_is_ten_times_as_quick_is_one() -> None:
    outcomes, right, length = world(600, 6)
    assert 0 < told(outcomes, right, 0.1 * length, np.full(600, np.inf))[1] < 100


def test_a_model_that_never_comes_to_an_answer_is_noticed_though_nothing_ends() -> None:
    outcomes, right, length = world(300, 7)
    misfit, first = told(outcomes, right, 100 * length, np.full(300, 300.0))
    assert 0 < first < 60
    assert misfit.among_ends.replies < 3
