from functools import partial

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.base import clone

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import Beliefs, ThresholdPredictor, cross_fit, score_thresholds
from shadowprice.traces import Traces

cross_fit_sums = partial(cross_fit, ThresholdPredictor())


def fitted(traces: Traces) -> ThresholdPredictor:
    questions = [traces.questions[number] for number in traces.query]
    return ThresholdPredictor().fit(questions, traces.answer_tokens, traces.correct)


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
    assert {"n_components": 5, "random_state": 3} == ThresholdPredictor(5, 3).get_params()
    copy = clone(predictor)
    assert copy.get_params() == predictor.get_params()
    assert not hasattr(copy, "model_")


def test_few_questions_get_their_mean() -> None:
    questions = ["One?", "Two?", "Three?"]
    beliefs = ThresholdPredictor().fit(questions, np.array([10, 10, 10]), np.array([True] * 3)).predict(["Four?"])
    assert pytest.approx([10.0]) == beliefs.threshold.tolist()


def test_questions_that_share_no_word_get_their_mean() -> None:
    questions = [letter * 5 for letter in "abcdefghijklmnop"]
    tokens = np.array([20] * 16)
    beliefs = ThresholdPredictor().fit(questions, tokens, np.ones(16, dtype=np.bool_)).predict(["zzz"])
    assert pytest.approx([20.0]) == beliefs.threshold.tolist()


def test_an_answer_at_the_first_token_is_no_trouble() -> None:
    beliefs = ThresholdPredictor().fit(["One?", "Two?"], np.array([0, 1]), np.array([True, True])).predict(["x"])
    assert np.isfinite(columns(beliefs)).all()


def test_without_a_right_reply_there_is_nothing_to_learn() -> None:
    with pytest.raises(InputError, match="No reply in these traces is right"):
        ThresholdPredictor().fit(["One?", "Two?"], np.array([3, 4]), np.array([False, False]))


def test_lengths_must_agree() -> None:
    with pytest.raises(InputError, match="1 questions, 2 positions and 1 verdicts"):
        ThresholdPredictor().fit(["One?"], np.array([3, 4]), np.array([True]))


def test_cross_fitted_beliefs_follow_the_answers(sums: Traces) -> None:
    beliefs = cross_fit_sums(sums.questions, sums.query, sums.answer_tokens, sums.correct)
    scores = score_thresholds(beliefs, sums.query, sums.answer_tokens, sums.correct)
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
    before = columns(cross_fit_sums(questions, query, tokens, correct))
    own = np.isin(query, [0, 30])
    after = columns(cross_fit_sums(questions, query, np.where(own, 50 * tokens, tokens), correct | own))
    moved = np.flatnonzero((before != after).any(axis=0))
    assert not np.isin(moved, [0, 30]).any()
    assert 10 <= moved.size <= 16  # the other half has learnt from it


def test_folds_are_whole_and_not_more_than_the_questions() -> None:
    for folds in (0, 1, 3):
        with pytest.raises(InputError, match=f"Cannot split 2 different questions into {folds} folds"):
            cross_fit_sums(
                ["a", "b", "a"], np.arange(3), np.ones(3, dtype=np.int64), np.ones(3, dtype=bool), folds=folds
            )


def test_scores_of_a_perfect_and_of_an_empty_prediction() -> None:
    query, tokens = np.arange(4), np.array([10, 20, 40, 80])
    perfect = score_thresholds(Beliefs.certain(3.0 * tokens), query, tokens, np.array([True, True, True, False]))
    assert pytest.approx((1.0, 1.0, 1.0)) == (perfect.spearman, perfect.kendall, perfect.auc)
    assert pytest.approx(1.0) == perfect.r2_log
    constant = score_thresholds(Beliefs.certain(np.ones(4)), query, tokens, np.ones(4, dtype=np.bool_))
    assert np.isnan([constant.spearman, constant.kendall, constant.r2_log, constant.auc]).all()
