from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from sklearn.base import clone
from sklearn.metrics import roc_auc_score

from shadowprice._errors import InputError
from shadowprice.beliefs import (
    Beliefs,
    Evidence,
    OutcomePredictor,
    Outcomes,
    PriorPredictor,
    cross_fit,
    sweep_evidence,
)
from shadowprice.traces import Traces, read_traces

DATA = Path(__file__).parents[3] / "shared" / "data"
QUESTIONS = [f"What is {number} plus {number * number}?" for number in range(12)]


def outcomes_of(beliefs: Beliefs) -> Outcomes:
    assert beliefs.outcomes is not None
    return beliefs.outcomes


def small(random_state: int = 0) -> OutcomePredictor:
    return OutcomePredictor(n_trees=20, random_state=random_state)


def assert_sane(beliefs: Beliefs, n: int) -> None:
    outcomes = outcomes_of(beliefs)
    assert (n, n) == (len(beliefs), len(outcomes))
    for table in (outcomes.right, outcomes.finished):
        assert np.isfinite(table).all()
        assert (table >= 0).all()
        assert (table <= 1).all()
        assert (np.diff(table, axis=1) >= 0).all()
    for column in (beliefs.threshold, beliefs.alpha, beliefs.beta):
        assert np.isfinite(column).all()
        assert (column > 0).all()
    assert n == len(beliefs.curve)
    assert n == len(outcomes.curve)


@pytest.fixture(scope="module")
def unseen(sums: Traces) -> Beliefs:
    return cross_fit(small(), sums.evidence)


def test_beliefs_about_unseen_sums(unseen: Beliefs, sums: Traces) -> None:
    evidence = sums.evidence
    assert_sane(unseen, 90)
    right = outcomes_of(unseen).right[evidence.query, -1]
    assert roc_auc_score(evidence.correct, right) > 0.65
    assert abs(right.mean() - evidence.correct.mean()) < 0.05
    threshold, position = unseen.threshold[evidence.query], evidence.answer_tokens
    assert kendalltau(threshold[evidence.correct], position[evidence.correct]).statistic > 0.6


def test_right_answers_are_expected_where_they_appear(unseen: Beliefs, sums: Traces) -> None:
    evidence, outcomes = sums.evidence, outcomes_of(unseen)
    ends = (evidence.correct[:, None] & (evidence.answer_tokens[:, None] <= outcomes.tokens)).mean(axis=0)
    assert np.abs(outcomes.right.mean(axis=0) - ends).max() < 0.08
    finished = (evidence.completion_tokens[:, None] <= outcomes.tokens).mean(axis=0)
    assert np.abs(outcomes.finished.mean(axis=0) - finished).max() < 0.08


def test_folds_share_a_grid_whatever_they_have_seen() -> None:
    short = small().fit(Evidence(QUESTIONS, np.arange(12), np.full(12, 9), np.ones(12)))
    long = small().fit(Evidence(QUESTIONS, np.arange(12), np.full(12, 9000), np.ones(12)))
    Beliefs.concatenate([short.predict(["a"]), long.predict(["a"]), PriorPredictor().predict(["a"])])


def test_the_same_evidence_gives_the_same_beliefs(sums: Traces) -> None:
    evidence = sums.evidence.of_questions(np.arange(sums.n_queries) < 30)
    first, again = (outcomes_of(small(random_state=3).fit(evidence).predict(sums.questions)).right for _ in range(2))
    other = outcomes_of(small(random_state=4).fit(evidence).predict(sums.questions)).right
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_one_question_is_believed_as_among_many(sums: Traces) -> None:
    predictor = small().fit(sums.evidence.of_questions(np.arange(sums.n_queries) < 40))
    together = outcomes_of(predictor.predict(sums.questions)).right
    alone = outcomes_of(predictor.predict([sums.questions[7]])).right
    assert pytest.approx(together[7]) == alone[0]
    assert_sane(predictor.predict([]), 0)


def test_scikit_learn_can_clone_it(sums: Traces) -> None:
    predictor = small(random_state=5).fit(sums.evidence.of_questions(np.arange(sums.n_queries) < 20))
    copy = clone(predictor)
    assert copy.get_params() == predictor.get_params()
    assert not hasattr(copy, "text_")


def test_a_weight_is_as_many_replies() -> None:
    correct = np.arange(12) % 3 > 0
    once = Evidence(QUESTIONS, np.arange(12), 20 + np.arange(12), correct, weight=np.full(12, 2.0))
    twice = Evidence(QUESTIONS, np.tile(np.arange(12), 2), np.tile(20 + np.arange(12), 2), np.tile(correct, 2))
    got = [outcomes_of(small().fit(evidence).predict(["What is 3 plus 4?"])).right for evidence in (once, twice)]
    assert pytest.approx(got[0], abs=1e-6) == got[1]


def test_a_reply_of_no_weight_is_as_none() -> None:
    correct = np.arange(12) % 2 == 0
    some = Evidence(QUESTIONS[:8], np.arange(8), 20 + np.arange(8), correct[:8])
    weight = (np.arange(12) < 8).astype(float)
    all_of_them = Evidence(QUESTIONS, np.arange(12), 20 + np.arange(12), correct, weight=weight)
    got = [outcomes_of(small().fit(evidence).predict(["x"])).right for evidence in (some, all_of_them)]
    assert got[0].tolist() == got[1].tolist()


def test_replies_that_were_cut_off_say_only_that_nothing_had_happened() -> None:
    # Half are cut off at 80 tokens, when few have ended; what is cut is no wrong answer.
    rng = np.random.default_rng(0)
    questions = [f"Question {number}" for number in range(400)]
    right = rng.random(400) < 0.6
    ends = np.rint(np.where(right, 120, 200) * np.exp(0.3 * rng.standard_normal(400)))
    cut = (np.arange(400) % 2 == 0) & (ends > 80)
    evidence = Evidence(questions, np.arange(400), np.where(cut, 80, ends), right & ~cut, censored=cut)
    believed = outcomes_of(small().fit(evidence).predict(questions)).right[:, -1].mean()
    assert pytest.approx(right.mean(), abs=0.06) == believed
    assert evidence.correct.mean() < 0.4


EDGES = {
    "one question, right": ([0], [40], [True], None),
    "one question, wrong": ([0], [40], [False], None),
    "no reply right": (range(12), range(20, 32), [False] * 12, None),
    "every reply right": (range(12), range(20, 32), [True] * 12, None),
    "all cut off": (range(12), [64] * 12, [False] * 12, [True] * 12),
    "all ends alike": (range(12), [64] * 12, [True, False] * 6, None),
    "ends at nothing": (range(12), [0] * 12, [True, False] * 6, None),
    "ends beyond the grid": (range(12), [10**9] * 12, [True, False] * 6, None),
    "one question, many replies": ([0] * 40, range(40, 80), [True, False] * 20, None),
}


@pytest.mark.parametrize("edge", EDGES)
def test_odd_evidence_gives_sane_beliefs(edge: str) -> None:
    query, tokens, correct, cut = EDGES[edge]
    predictor = small().fit(Evidence(QUESTIONS, np.array(query), np.array(tokens), np.array(correct), censored=cut))
    beliefs = predictor.predict([*QUESTIONS, "", " ", "😀" * 50, "9" * 400, "\\boxed{" * 30])
    assert_sane(beliefs, 17)
    right = outcomes_of(beliefs).right[:, -1]
    if edge == "no reply right":
        assert (right < 0.4).all()
    if edge == "every reply right":
        assert (right > 0.6).all()


def test_empty_texts_can_be_learnt_from() -> None:
    texts = ["", " ", "\n"] * 5
    beliefs = small().fit(Evidence(texts, np.arange(15), 10 + np.arange(15), np.arange(15) % 2 == 0)).predict([""])
    assert_sane(beliefs, 1)


def test_without_a_reply_the_prior_is_named() -> None:
    nothing = Evidence([], [], [], [])
    with pytest.raises(InputError, match="use PriorPredictor, which needs none"):
        small().fit(nothing)
    with pytest.raises(InputError, match="There is no reply to learn from"):
        small().fit(Evidence(["a"], [0], [3], [True], weight=[0.0]))


def test_bad_weights_and_options_are_named() -> None:
    with pytest.raises(InputError, match=r"weight must be finite and at least 0, but is -1\.0 for reply 1"):
        small().fit(Evidence(["a"], [0, 0], [3, 4], [True, True], weight=[1.0, -1.0]))
    with pytest.raises(InputError, match="pseudo_questions must be above 0, but is 0"):
        OutcomePredictor(pseudo_questions=0).fit(Evidence(["a"], [0], [3], [True]))


def test_little_evidence_moves_the_prior_little_and_much_evidence_much() -> None:
    rng = np.random.default_rng(1)
    questions = [f"Task {number}: {rng.integers(1000)}" for number in range(200)]
    prior = outcomes_of(PriorPredictor().predict(questions)).right
    moved = []
    for n in (2, 20, 200):
        evidence = Evidence(questions, np.arange(n), rng.integers(20, 40, n), np.ones(n))
        right = outcomes_of(small().fit(evidence).predict(questions)).right
        moved.append(float(np.abs(right[:, -1] - prior[:, -1]).mean()))
    assert moved == sorted(moved)
    assert moved[0] < 0.15
    assert moved[2] > 0.25
    assert right[:, -1].min() > 0.9


def test_a_sweep_is_evidence_of_where_right_answers_appear() -> None:
    # Of 10 samples each: 2, 6 and 5 right at 16, 32 and 64 tokens. The last two pool to 5.5.
    evidence = sweep_evidence(["a", "b"], [0, 0, 0, 1], [64, 16, 32, 16], [5, 2, 6, 10], [10, 10, 10, 4 * 5 // 2])
    assert [0] * 7 + [1] * 3 == evidence.query.tolist()
    assert [10, 13, 16, 20, 25, 32, 64, 10, 13, 16] == evidence.answer_tokens.tolist()

    assert [64] == evidence.completion_tokens[evidence.censored].tolist()
    assert [64] == evidence.answer_tokens[~evidence.correct].tolist()
    by_budget = [evidence.weight[:3].sum(), evidence.weight[3:6].sum(), evidence.weight[6], evidence.weight[7:].sum()]
    assert pytest.approx([2.0, 3.5, 4.5, 10.0]) == by_budget


def test_beliefs_from_a_sweep_follow_its_accuracy() -> None:
    rng = np.random.default_rng(0)
    budgets, n = np.array([16, 32, 64, 128, 256]), 60
    truth = np.array([0.02, 0.1, 0.45, 0.6, 0.62])
    questions = [f"Question {number}, {rng.integers(99)} apples?" for number in range(n)]
    query, budget = np.repeat(np.arange(n), 5), np.tile(budgets, n)
    right = rng.binomial(20, np.tile(truth, n))
    predictor = small().fit(sweep_evidence(questions, query, budget, right, np.full(5 * n, 20)))
    outcomes = outcomes_of(predictor.predict(questions))
    at = outcomes.right[:, np.searchsorted(outcomes.tokens, budgets)].mean(axis=0)
    assert pytest.approx(truth, abs=0.06) == at


@pytest.mark.parametrize(
    ("columns", "complaint"),
    [
        (([0], [16, 32], [1], [2]), "must be equally long"),
        (([0], [0], [1], [2]), "budget must be above 0, but is not in row 0"),
        (([0, 0], [16, 32], [1, 3], [2, 2]), "right must be from 0 to samples, but is not in row 1"),
        (([0], [16], [0], [0]), "samples must be above 0 and finite, but is not in row 0"),
        (([0, 0], [16, 16], [1, 1], [2, 2]), "Row 1 of the sweep repeats a budget"),
    ],
)
def test_a_sweep_that_cannot_be(columns: tuple[list[int], ...], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        sweep_evidence(["a"], *columns)


def test_longer_sums_are_expected_later(sums: Traces) -> None:
    predictor = small().fit(sums.evidence)
    terms = np.arange(2, 13)
    questions = [f"What is {' '.join(f'{number % 10} plus' for number in range(count))} 999?" for count in terms]
    beliefs = predictor.predict(questions)
    assert spearmanr(beliefs.threshold, terms).statistic > 0.9
    outcomes = outcomes_of(beliefs)
    half = np.array([np.interp(0.5 * row[-1], row, outcomes.tokens) for row in outcomes.right])
    assert spearmanr(half, terms).statistic > 0.9


def expected_calibration_error(believed: np.ndarray, right: np.ndarray) -> float:
    bins = np.array_split(np.argsort(believed, kind="stable"), 10)
    return float(sum(len(rows) * abs(believed[rows].mean() - right[rows].mean()) for rows in bins) / len(right))


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "zeroeval").is_dir(), reason=f"the public traces are not in {DATA}")
def test_the_bars_on_public_traces() -> None:
    """Issue "Beliefs", items 3 and 6: mean of the three zeroeval files, two folds."""
    found = []
    for model in ("Meta-Llama-3.1-8B-Instruct", "Phi-3.5-mini-instruct", "Qwen2-7B-Instruct"):
        evidence = read_traces(DATA / "zeroeval" / f"{model}.parquet").evidence
        beliefs = cross_fit(OutcomePredictor(), evidence)
        assert_sane(replace(beliefs), evidence.n_queries)
        right = outcomes_of(beliefs).right[evidence.query, -1]
        ranked = beliefs.threshold[evidence.query][evidence.correct]
        found.append(
            (
                roc_auc_score(evidence.correct, right),
                kendalltau(ranked, evidence.answer_tokens[evidence.correct]).statistic,
                expected_calibration_error(right, evidence.correct),
            )
        )
    auc, kendall, error = np.mean(found, axis=0)
    print(f"AUC {auc:.4f}, Kendall's tau-b {kendall:.4f}, expected calibration error {error:.4f}")
    assert auc >= 0.82
    assert kendall >= 0.42
    assert error <= 0.03


def test_a_curve_that_goes_along_with_some_queries_is_the_one_they_would_have() -> None:
    rng = np.random.default_rng(3)
    right = np.sort(rng.random((40, 9)), axis=1)
    whole = Outcomes(np.cumsum(rng.uniform(1.0, 9.0, size=9)), right, right)
    rows = rng.permutation(40)[:7]
    fresh = Outcomes(whole.tokens, right[rows], right[rows]).curve
    assert 40 == len(whole.curve)
    kept = whole.take(rows).curve
    for price in np.append(fresh.reservation_price(), [0.0, 1.0]):
        assert fresh.demand(price).tolist() == kept.demand(price).tolist()
        assert fresh.committed_demand(price).tolist() == kept.committed_demand(price).tolist()
    assert fresh.value(np.arange(7.0)).tolist() == kept.value(np.arange(7.0)).tolist()
