"""A predictor that is given another model's reading of the questions uses it."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from shadowprice._errors import InputError
from shadowprice.beliefs import Evidence, OutcomePredictor, ThresholdPredictor, cross_fit
from shadowprice.beliefs.encoders import FeatureEncoder, Vectors
from shadowprice.cli import app

N = 400


def riddles() -> tuple[Evidence, FeatureEncoder]:
    """Questions whose texts say nothing, and vectors that say who is answered right and how late."""
    rng = np.random.default_rng(0)
    questions = [f"Riddle {number}: what is it?" for number in rng.permutation(10 * N)[:N]]
    easy, late = rng.normal(size=N), rng.normal(size=N)
    correct = easy + 0.3 * rng.normal(size=N) > 0.0
    tokens = np.exp(5.0 + 0.7 * late + 0.1 * rng.normal(size=N))
    vectors = np.stack([easy, late, rng.normal(size=N)], axis=1)
    found = Vectors(vectors, questions=questions).match((text, text) for text in questions)
    return Evidence(questions, np.arange(N), tokens.astype(np.int64), correct), FeatureEncoder.of(found)


def test_outcomes_follow_what_only_the_encoder_can_see() -> None:
    evidence, encoder = riddles()
    seen, blind = (
        cross_fit(OutcomePredictor(n_trees=40, encoder=reading), evidence).outcomes for reading in (encoder, None)
    )
    assert seen is not None
    assert blind is not None
    assert roc_auc_score(evidence.correct, seen.right[:, -1]) > 0.85
    assert roc_auc_score(evidence.correct, blind.right[:, -1]) < 0.7


def test_thresholds_too() -> None:
    evidence, encoder = riddles()
    threshold = cross_fit(ThresholdPredictor(encoder=encoder), evidence).threshold
    right = evidence.correct
    assert np.corrcoef(np.log(threshold[right]), np.log(evidence.answer_tokens[right]))[0, 1] > 0.6


def test_an_encoder_is_a_parameter_like_any_other() -> None:
    _, encoder = riddles()
    copy = clone(OutcomePredictor(encoder=encoder))
    assert isinstance(copy.encoder, FeatureEncoder)
    with pytest.raises(InputError, match="There is no encoder 'bert'; leave it out, or choose smollm2 or sentence"):
        app(["fit", "bundled", "--encoder", "bert"], standalone_mode=False)
