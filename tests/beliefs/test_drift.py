"""A check of a saved predictor: what it calls drift, and what it does not."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from shadowprice import beliefs as package
from shadowprice._errors import InputError
from shadowprice.beliefs import (
    AbstractPredictor,
    Beliefs,
    Drift,
    Evidence,
    Outcomes,
    Past,
    PredictorCard,
    Reference,
    SavedPredictor,
    bets,
    score_beliefs,
)

check_drift = partial(package.check_drift, resamples=60)
WORDS = [f"w{letter}{other}" for letter in "abcdefghij" for other in "abcdefghij"]


class Sayer(AbstractPredictor):
    """Believes what the number in a question says."""

    def fit(self, evidence: Evidence) -> "Sayer":
        return self

    def predict(self, questions: Sequence[str], past: Past | None = None) -> Beliefs:
        chance = np.array([float(question.split()[0]) for question in questions])
        right = chance[:, None] * np.array([0.5, 1.0])
        ones = np.ones(len(chance))
        return Beliefs(20.0 + 60.0 * chance, ones, ones, Outcomes(np.array([50.0, 100.0]), right, right))


def replies(
    seed: int, n: int = 400, low: float = 0.0, high: float = 1.0, words: list[str] = WORDS, power: float = 1.0
) -> Evidence:
    """Questions that say how likely they are right, in some words, and one reply to each that keeps to it."""
    rng = np.random.default_rng(seed)
    chance = rng.uniform(low, high, n).round(6)
    questions = [f"{one} {' '.join(rng.choice(words, 12))} {seed}.{row}" for row, one in enumerate(chance)]
    tokens = np.rint((20 + 60 * chance) * rng.uniform(0.7, 1.3, n)).astype(int)
    return Evidence(questions, np.arange(n), tokens, rng.random(n) < chance**power)


@pytest.fixture(scope="module")
def saved() -> SavedPredictor:
    evidence = replies(0)
    beliefs = Sayer().predict(list(evidence.questions))
    scores = score_beliefs(beliefs, evidence, resamples=100)
    card = PredictorCard(
        "t", "m", 400, 400, "", "", horizon=scores.horizon, scores=PredictorCard.figures(scores), token_unit="u"
    )
    return SavedPredictor(Sayer(), card, Reference.of(evidence.questions, bets(beliefs, scores.horizon)))


def moved(drift: Drift) -> set[str]:
    return {finding.name for finding in drift.findings if finding.drifted}


def test_the_same_kind_of_questions_is_hardly_ever_drift(saved: SavedPredictor) -> None:
    checks = [check_drift(saved, replies(seed)) for seed in range(1, 16)]
    assert sum(check.drifted for check in checks) <= 1
    assert all(check.seen == 0 and check.questions == 400 for check in checks)


def test_each_kind_of_drift_is_called_by_its_name(saved: SavedPredictor) -> None:
    strange = check_drift(saved, replies(1, words=[word * 2 for word in WORDS]))
    assert {"unknown words"} <= moved(strange) <= {"unknown words", "length"}
    assert "Its beliefs hold on these replies though the questions are others" in strange.advice
    assert {"length"} == moved(check_drift(saved, replies(1, words=[f"{word} {word}" for word in WORDS])))
    assert "beliefs" in moved(check_drift(saved, replies(1, low=0.6)))
    assert "calibration" in moved(check_drift(saved, replies(1, power=3.0)))
    evidence = replies(1)
    nothing_to_do_with_it = np.random.default_rng(0).permutation(evidence.correct)
    shuffled = Evidence(evidence.questions, evidence.query, evidence.answer_tokens, nothing_to_do_with_it)
    found = check_drift(saved, shuffled)
    assert {"AUC"} <= moved(found)
    assert "calibration" not in moved(found)
    assert "Fit it again with these traces" in found.advice
    later = np.random.default_rng(0).permutation(evidence.answer_tokens)
    assert "Kendall τ" in moved(
        check_drift(saved, Evidence(evidence.questions, evidence.query, later, evidence.correct))
    )


def test_another_model_and_another_token_unit(saved: SavedPredictor) -> None:
    assert {"model"} == moved(check_drift(saved, replies(2), model="n"))
    assert set() == moved(check_drift(saved, replies(2), model="m", token_unit="u"))
    assert set() == moved(check_drift(saved, replies(2)))
    with pytest.raises(InputError, match="counts tokens of u, the traces those of v; fit one on them"):
        check_drift(saved, replies(2), token_unit="v")


def test_questions_of_the_fit_are_left_out_if_enough_others_remain(saved: SavedPredictor) -> None:
    old, new = replies(0), replies(3, n=30)
    both = Evidence(
        [*old.questions, *new.questions],
        np.arange(430),
        np.r_[old.answer_tokens, new.answer_tokens],
        np.r_[old.correct, new.correct],
    )
    check = check_drift(saved, both)
    assert (400, 30, False) == (check.seen, check.questions, check.flattered)
    few = check_drift(saved, both.of_questions(np.arange(430) < 429))
    assert (400, 429, True) == (few.seen, few.questions, few.flattered)


def test_what_cannot_be_checked(saved: SavedPredictor) -> None:
    with pytest.raises(InputError, match="saved without its questions' reference; fit it again"):
        check_drift(replace(saved, reference=None), replies(1))
    with pytest.raises(InputError, match="no replies to check the predictor on"):
        check_drift(saved, Evidence([], [], [], []))


def test_a_file_without_figures_can_still_be_checked_for_calibration(saved: SavedPredictor) -> None:
    bare = replace(saved, card=replace(saved.card, scores={}))
    assert set() == moved(check_drift(bare, replies(1)))
    assert {"calibration"} <= moved(check_drift(bare, replies(1, power=3.0)))


def test_a_handful_of_questions_proves_nothing(saved: SavedPredictor) -> None:
    checks = [check_drift(saved, replies(seed, n=12)) for seed in range(1, 11)]
    assert sum("calibration" in moved(check) for check in checks) <= 2
    assert sum("beliefs" in moved(check) for check in checks) == 0
