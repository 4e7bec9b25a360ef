"""What earlier replies to a question say of it: grades and lengths of anybody's."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Evidence, OutcomePredictor, Past, ThresholdPredictor, cross_fit
from shadowprice.beliefs.past import Cells, Similarity

QUICK = OutcomePredictor(n_trees=8, n_components=8)


def world(seed: int, n: int = 400, noise: float = 0.0) -> tuple[Evidence, Past]:
    """Questions whose texts say nothing, and two models that find the same ones hard; `noise` shuffles a share."""
    rng = np.random.default_rng(seed)
    hard = rng.normal(size=n)

    def asked() -> tuple[np.ndarray, np.ndarray]:
        right = hard + 0.7 * rng.normal(size=n) < 0.0
        return right, np.exp(4.5 + 0.4 * hard + 0.2 * rng.normal(size=n)).astype(np.int64)

    right, tokens = asked()
    theirs, long = asked()
    mixed = np.where(rng.random(n) < noise, rng.permutation(n), np.arange(n))
    questions = [f"question {number}" for number in rng.permutation(n)]
    past = Past(questions, np.arange(n), ["other"] * n, theirs[mixed], long[mixed])
    return Evidence(questions, np.arange(n), tokens, right), past


def auc(beliefs: Beliefs, evidence: Evidence) -> float:
    assert beliefs.outcomes is not None
    return float(roc_auc_score(evidence.correct, beliefs.outcomes.right[evidence.query, -1]))


def test_another_models_grades_tell_who_will_be_right_where_texts_do_not() -> None:
    evidence, past = world(0)
    without = auc(cross_fit(QUICK, evidence), evidence)
    after = auc(cross_fit(QUICK, evidence.after(past)), evidence)
    assert without < 0.6
    assert after > 0.72


def test_thresholds_follow_the_lengths_of_earlier_replies() -> None:
    evidence, past = world(1)
    right = evidence.correct

    def order(beliefs: Beliefs) -> float:
        return float(np.corrcoef(np.log(beliefs.threshold[right]), np.log(evidence.answer_tokens[right]))[0, 1])

    assert order(cross_fit(ThresholdPredictor(), evidence.after(past))) > 0.5
    assert order(cross_fit(ThresholdPredictor(), evidence)) < 0.3


def test_a_past_of_nonsense_says_nothing() -> None:
    evidence, past = world(2, noise=1.0)
    believed = cross_fit(QUICK, evidence.after(past)).outcomes
    usual = cross_fit(QUICK, evidence).outcomes
    assert believed is not None
    assert usual is not None
    assert np.abs(believed.right[:, -1] - usual.right[:, -1]).mean() < 0.05


def test_a_question_without_a_past_is_believed_as_if_there_were_none() -> None:
    evidence, past = world(3, n=200)
    plain = QUICK.fit(evidence).predict(evidence.questions)
    learnt = QUICK.fit(evidence.after(past))
    some = past.only(np.arange(200) < 100)
    mixed = learnt.predict(evidence.questions, some)
    assert plain.outcomes is not None
    assert mixed.outcomes is not None
    np.testing.assert_array_equal(plain.outcomes.right[100:], mixed.outcomes.right[100:])
    assert (plain.outcomes.right[:100] != mixed.outcomes.right[:100]).any()


def test_earlier_samples_of_the_model_itself_are_learnt_from_several_replies() -> None:
    rng = np.random.default_rng(4)
    chance = rng.choice([0.1, 0.9], 300)
    query = np.repeat(np.arange(300), 3)
    questions = [f"question {number}" for number in range(300)]
    evidence = Evidence(questions, query, np.full(900, 50), rng.random(900) < chance[query], model="mine")
    predictor = QUICK.fit(evidence)
    past = Past(["new", "other"], [0, 1], ["mine", "mine"], [1.0, 0.0], [50, 50])
    good, bad, unknown = predictor.predict(["new", "other", "third"], past).outcomes.right[:, -1]  # type: ignore[union-attr]
    assert good > unknown + 0.15
    assert bad < unknown - 0.15


def test_several_replies_say_more_than_one_and_a_stranger_less_than_a_friend() -> None:
    same = Similarity(2)
    same.common = np.array([[0.6, 0.5, 0.1], [0.5, 0.6, 0.1], [0.1, 0.1, 0.6]])

    def said(source: int, count: float) -> float:
        one = np.ones((1, 1))
        return float(same.predict(np.array([[source]]), 0.0 * one, one, count * one)[0])

    assert said(1, 4.0) > said(1, 1.0) > said(2, 1.0) > 0.0


def test_what_is_longer_ago_says_less_where_that_was_learnt() -> None:
    rng = np.random.default_rng(5)
    n = 3000
    now = rng.normal(size=n)
    age = np.tile([[1.0, 5.0]], (n, 1))
    residual = np.stack(
        [np.exp(-0.3 * a) * now + np.sqrt(1 - np.exp(-0.6 * a)) * rng.normal(size=n) for a in (1, 5)], 1
    )
    source = np.zeros((n, 2), np.int64)
    learnt = Similarity(1).fit(now, source, age, residual, np.ones((n, 2)))
    assert learnt.forgetting > 0.0
    one = np.ones((1, 1))
    late, early = (learnt.predict(np.zeros((1, 1), np.int64), a * one, one, one)[0] for a in (1.0, 5.0))
    assert late > 1.5 * early > 0.0


def test_replies_that_nobody_graded_are_told_by_their_agreement() -> None:
    past = Past(["a", "b"], [0, 0, 0, 1], ["m"] * 4, [np.nan] * 4, [9] * 4, answer=["4", " 4 ", "5", "7"])
    assert ("m (agreement)",) == past.sources
    np.testing.assert_allclose(past.right, [0.5, 0.5, 0.0, np.nan])


def test_a_question_that_is_asked_twice_has_its_past_twice() -> None:
    past = Past(["a", "b"], [0, 0, 1], ["m", "m", "n"], [1.0, 0.0, 1.0], [10, 1000, 10])
    cells = Cells.of(["b", "a", "c", "a"], past, {"m": 0})
    assert [True, True, False, True] == cells.any.tolist()
    np.testing.assert_allclose(cells.right[1], cells.right[3])
    assert (0.5, 2.0) == (cells.right[1, 0], cells.count[1, 0])
    assert 1 == cells.source[0, 0]  # who is not known has the number after the last


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"right": [2.0]}, "right must be from 0 to 1, or NaN, but does not in row 0"),
        ({"tokens": [0.0]}, "tokens must be at least 1"),
        ({"query": [3]}, "query must number the questions"),
        ({"age": [-1.0]}, "age must be at least 0"),
        ({"source": []}, "source and answer must have one entry"),
    ],
)
def test_a_past_that_cannot_be_is_refused(change: dict[str, list[float]], said: str) -> None:
    given = {"questions": ["a"], "query": [0], "source": ["m"], "right": [1.0], "tokens": [5.0], **change}
    with pytest.raises(InputError, match=said):
        Past(**given)  # type: ignore[arg-type]
