"""Replies of other models to the same questions, beside one's own."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from shadowprice._types import FloatArray
from shadowprice.beliefs import AbstractPredictor, Evidence, OutcomePredictor, ThresholdPredictor, cross_fit
from shadowprice.beliefs.reading._pooling import Heard, pooled
from shadowprice.beliefs.reading._regression import Target

FEW, MANY = 60, 1500
# fmt: off
SUBJECTS = [
    "moss", "bread", "owls", "glass", "tides", "copper", "violins", "snow",
    "chess", "ferries", "wool", "comets", "salt", "bridges", "dice", "maps",
]
# fmt: on


def target(rows: list[int], value: list[float], weight: list[float] | None = None) -> Target:
    return Target(np.array(rows), np.array(value), np.ones(len(rows)) if weight is None else np.array(weight))


def test_others_are_moved_to_this_models_level_and_count_half() -> None:
    n = 30
    rows = list(range(n))
    own = Heard([f"q{i}" for i in rows], [target(rows, [float(i % 3) for i in rows])])
    other = Heard([*own.texts, "new"], [target([*rows, n], [i % 3 + 5.0 for i in rows] + [7.0])])
    found = pooled(own, [other])
    assert [*own.texts, "new"] == list(found.texts)
    together = found.targets[0]
    assert [*rows, n] == together.rows.tolist()
    assert [float(i % 3) for i in rows] + [2.0] == pytest.approx(together.value.tolist())
    assert [1.5] * n + [0.5] == together.weight.tolist()


def test_where_few_questions_are_shared_all_of_them_are_compared() -> None:
    own = Heard(["a", "b"], [target([0, 1], [1.0, 3.0])])
    other = Heard(["b", "c"], [target([0, 1], [10.0, 20.0])])
    assert [1.0, (3.0 - 0.5 * 3.0) / 1.5, 7.0] == pytest.approx(pooled(own, [other]).targets[0].value.tolist())


def test_nothing_of_ones_own_leaves_nothing_to_be_brought_to() -> None:
    found = pooled(Heard(["a"], [target([], [])]), [Heard(["a"], [target([0], [1.0])])])
    assert 0 == len(found.targets[0].rows)


def exams(seed: int, n: int, slow: float, able: float) -> Evidence:
    """Questions of sixteen subjects: the later in the list, the harder and longer, by how able and slow a model is."""
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, len(SUBJECTS), n)
    questions = [f"Case {rng.integers(1000, 9999)} about {SUBJECTS[number]}?" for number in subject]
    correct = rng.normal(size=n) < able - 0.2 * subject
    tokens = np.exp(3.0 + slow + 0.1 * subject + 0.1 * rng.normal(size=n))
    return Evidence(questions, np.arange(n), tokens.astype(np.int64), correct)


def auc(evidence: Evidence, right: FloatArray) -> float:
    return float(roc_auc_score(evidence.correct, right))


def fit(predictor: AbstractPredictor, evidence: Evidence, others: list[Evidence]) -> AbstractPredictor:
    return predictor.fit(evidence.beside(others))


def test_with_few_replies_of_its_own_a_predictor_learns_from_others_who_is_hard() -> None:
    mine, unseen, other = exams(0, FEW, 1.0, 1.0), exams(1, MANY, 1.0, 1.0), exams(2, MANY, 0.0, 2.0)
    right = []
    for others in ([], [other]):
        outcomes = fit(OutcomePredictor(n_trees=60), mine, others).predict(unseen.questions).outcomes
        assert outcomes is not None
        right.append(outcomes.right[:, -1])
    assert auc(unseen, right[1]) > auc(unseen, right[0]) + 0.02
    # How often, it learns from its own: the other is right twice as often.
    assert other.correct.mean() > 1.5 * unseen.correct.mean()
    assert right[1].mean() == pytest.approx(unseen.correct.mean(), abs=0.08)


def test_thresholds_stay_in_this_models_tokens() -> None:
    mine, unseen, other = exams(0, FEW, 1.0, 1.0), exams(1, MANY, 1.0, 1.0), exams(2, MANY, 0.0, 2.0)
    alone, beside = (fit(ThresholdPredictor(), mine, others).predict(unseen.questions) for others in ([], [other]))
    log_tokens = np.log(unseen.answer_tokens)

    def error(threshold: FloatArray) -> float:
        miss = np.log(threshold) - log_tokens
        return float(np.std(miss))

    assert error(beside.threshold) < error(alone.threshold)
    # The other model's replies are a third as long.
    assert 0.6 < np.median(beside.threshold / unseen.answer_tokens) < 1.4


def test_no_question_is_scored_by_a_predictor_that_saw_another_model_answer_it() -> None:
    # Texts that say nothing: whoever has seen the others' replies to these very questions would know.
    rng = np.random.default_rng(0)
    n = 400
    questions = [f"Riddle {number}?" for number in rng.permutation(10 * n)[:n]]
    correct = rng.random(n) < 0.5
    evidence = Evidence(questions, np.arange(n), np.full(n, 50), correct)
    outcomes = cross_fit(OutcomePredictor(n_trees=40), evidence.beside([evidence])).outcomes
    assert outcomes is not None
    assert 0.35 < auc(evidence, outcomes.right[:, -1]) < 0.65


def test_others_who_never_replied_change_nothing() -> None:
    mine = exams(0, FEW, 1.0, 1.0)
    silent = Evidence(["?"], [], [], [])
    alone, beside = (fit(OutcomePredictor(n_trees=20), mine, each).predict(["1 + 2"]) for each in ([], [silent]))
    assert alone.outcomes is not None
    assert beside.outcomes is not None
    assert np.array_equal(alone.outcomes.right, beside.outcomes.right)
