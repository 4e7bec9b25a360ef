import numpy as np
import pytest
from sklearn.base import clone

from shadowprice._errors import InputError
from shadowprice.beliefs import Evidence, OutcomePredictor, PriorPredictor

TEXTS = ["What is 1 plus 2?", "word " * 200, "Find $x$ with \\frac{x}{2} = 3.", ""]


def test_without_any_fit_the_prior_is_ignorant_and_sane() -> None:
    beliefs = PriorPredictor(max_tokens=4096).predict(TEXTS)
    outcomes = beliefs.outcomes
    assert outcomes is not None
    assert (np.diff(outcomes.right, axis=1) >= 0).all()
    assert (np.diff(outcomes.finished, axis=1) >= 0).all()
    assert (outcomes.finished <= 1).all()
    assert ((outcomes.right[:, -1] > 0.2) & (outcomes.right[:, -1] < 0.8)).all()
    assert (outcomes.right < outcomes.finished).all()
    assert np.isfinite([beliefs.threshold, beliefs.alpha, beliefs.beta]).all()


def test_longer_questions_take_longer_and_formulae_are_harder() -> None:
    beliefs = PriorPredictor().predict(TEXTS)
    assert beliefs.outcomes is not None
    plain, long, formula, _ = beliefs.threshold
    assert plain < formula < long
    assert beliefs.outcomes.right[2, -1] < beliefs.outcomes.right[0, -1]


def test_the_cap_sets_the_scale_and_nothing_happens_beyond_it() -> None:
    small, large = (PriorPredictor(cap).predict(TEXTS) for cap in (512, 8192))
    assert pytest.approx(16.0 * small.threshold) == large.threshold
    assert small.outcomes is not None
    beyond = small.outcomes.tokens >= 512
    assert (small.outcomes.right[:, beyond] == small.outcomes.right[:, -1:]).all()


def test_a_typical_length_sharpens_it() -> None:
    vague = PriorPredictor(max_tokens=6000).predict(TEXTS[:1]).outcomes
    sharp = PriorPredictor(max_tokens=6000, typical_tokens=500).predict(TEXTS[:1]).outcomes
    assert vague is not None
    assert sharp is not None
    spread = [int(((row > 0.1 * row[-1]) & (row < 0.9 * row[-1])).sum()) for row in (vague.right[0], sharp.right[0])]
    assert spread[0] > spread[1]


def test_it_takes_evidence_and_forgets_it() -> None:
    evidence = Evidence(["a"], [0], [3], [True])
    fitted = clone(PriorPredictor(1024)).fit(evidence)
    assert fitted.predict(TEXTS).threshold.tolist() == PriorPredictor(1024).predict(TEXTS).threshold.tolist()


def test_an_impossible_cap_is_named() -> None:
    with pytest.raises(InputError, match="max_tokens and typical_tokens must be above 0, but are 0 and None"):
        PriorPredictor(max_tokens=0).predict(TEXTS)
    with pytest.raises(InputError, match="must be above 0"):
        OutcomePredictor(max_tokens=-1).fit(Evidence(["a"], [0], [3], [True]))
