from functools import partial

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import Beliefs, Evidence, ThresholdPredictor, cross_fit, score_thresholds
from shadowprice.traces import Traces

cross_fit_sums = partial(cross_fit, ThresholdPredictor())


def fitted(traces: Traces) -> ThresholdPredictor:
    return ThresholdPredictor().fit(traces.evidence)


def replies(questions: list[str], tokens: list[int], correct: list[bool] | None = None) -> Evidence:
    """One reply to each question, right unless said otherwise."""
    return Evidence(
        questions, np.arange(len(questions)), np.array(tokens), np.array(correct or [True] * len(questions))
    )


@pytest.fixture(scope="module")
def predictor(sums: Traces) -> ThresholdPredictor:
    return fitted(sums)


def columns(beliefs: Beliefs) -> FloatArray:
    return np.stack([beliefs.threshold, beliefs.alpha, beliefs.beta])


def test_longer_questions_need_more_tokens(predictor: ThresholdPredictor) -> None:
    terms = np.arange(2, 13)
    unseen = [f"What is {' '.join(f'{number % 10} plus' for number in range(count))} 999?" for count in terms]
    threshold = predictor.predict(unseen).threshold
    assert spearmanr(threshold, terms).statistic > 0.9
    assert threshold[-1] > 2 * threshold[0]


def test_all_questions_share_one_surge(predictor: ThresholdPredictor) -> None:
    beliefs = predictor.predict(["What is 1 plus 2?", "What is it?", ""])
    assert beliefs.alpha.tolist() == [predictor.surge_.alpha] * 3
    assert beliefs.beta.tolist() == [predictor.surge_.beta] * 3
    assert (beliefs.threshold > 0).all()
    assert 0 == len(predictor.predict([]))


def test_the_same_traces_give_the_same_predictor(sums: Traces, predictor: ThresholdPredictor) -> None:
    assert columns(fitted(sums).predict(sums.questions)).tolist() == columns(predictor.predict(sums.questions)).tolist()


def test_scikit_learn_can_clone_it(predictor: ThresholdPredictor) -> None:
    assert {"n_components": 5, "encoder": None, "random_state": 3} == ThresholdPredictor(5, random_state=3).get_params()
    copy = clone(predictor)
    assert copy.get_params() == predictor.get_params()
    assert not hasattr(copy, "model_")


def test_few_questions_get_their_mean() -> None:
    questions = ["One?", "Two?", "Three?"]
    beliefs = ThresholdPredictor().fit(replies(questions, [10, 10, 10])).predict(["Four?"])
    assert pytest.approx([10.0]) == beliefs.threshold.tolist()


def test_questions_that_share_no_word_get_their_mean() -> None:
    questions = [letter * 5 for letter in "abcdefghijklmnop"]
    beliefs = ThresholdPredictor().fit(replies(questions, [20] * 16)).predict(["zzz"])
    assert pytest.approx([20.0]) == beliefs.threshold.tolist()


def test_an_answer_at_the_first_token_is_no_trouble() -> None:
    beliefs = ThresholdPredictor().fit(replies(["One?", "Two?"], [0, 1])).predict(["x"])
    assert np.isfinite(columns(beliefs)).all()


def test_without_a_right_reply_there_is_nothing_to_learn() -> None:
    with pytest.raises(InputError, match="No reply in these traces is right"):
        ThresholdPredictor().fit(replies(["One?", "Two?"], [3, 4], [False, False]))


def test_cross_fitted_beliefs_follow_the_answers(sums: Traces) -> None:
    beliefs = cross_fit_sums(sums.evidence)
    scores = score_thresholds(beliefs, sums.evidence)
    assert (scores.queries, scores.replies, scores.right) == (90, 180, int(sums.correct.sum()))
    assert scores.spearman > 0.8
    assert scores.kendall > 0.6
    assert 0.5 < scores.r2_log <= 1.0
    assert 0.5 < scores.auc < 1.0


def test_what_a_question_is_believed_to_need_does_not_depend_on_its_own_replies(sums: Traces) -> None:
    # Two questions with the same text are one: neither may be priced by what was learnt from the other.
    questions = [*sums.questions[:30], sums.questions[0]]
    rows = sums.query < 30
    query = np.append(sums.query[rows], 30)
    tokens, correct = np.append(sums.answer_tokens[rows], 12), np.append(sums.correct[rows], True)
    before = columns(cross_fit_sums(Evidence(questions, query, tokens, correct)))
    own = np.isin(query, [0, 30])
    after = columns(cross_fit_sums(Evidence(questions, query, np.where(own, 50 * tokens, tokens), correct | own)))
    moved = np.flatnonzero((before != after).any(axis=0))
    assert not np.isin(moved, [0, 30]).any()
    assert 10 <= moved.size <= 16  # the other half has learnt from it


def test_folds_are_whole_and_not_more_than_the_questions() -> None:
    for folds in (0, 1, 3):
        with pytest.raises(InputError, match=f"Cannot split 2 different questions into {folds} folds"):
            cross_fit_sums(replies(["a", "b", "a"], [1, 1, 1]), folds=folds)


def test_scores_of_a_perfect_and_of_an_empty_prediction() -> None:
    questions, tokens = list("abcd"), [10, 20, 40, 80]
    perfect = score_thresholds(
        Beliefs.certain(3.0 * np.array(tokens)), replies(questions, tokens, [True, True, True, False])
    )
    assert pytest.approx((1.0, 1.0, 1.0)) == (perfect.spearman, perfect.kendall, perfect.auc)
    assert pytest.approx(1.0) == perfect.r2_log
    constant = score_thresholds(Beliefs.certain(np.ones(4)), replies(questions, tokens))
    assert np.isnan([constant.spearman, constant.kendall, constant.r2_log, constant.auc]).all()
