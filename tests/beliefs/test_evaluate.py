"""Figures against scikit-learn and against cases worked out by hand; and the manners of every predictor."""

import copy
import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import kendalltau
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from shadowprice import beliefs as package
from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import (
    MEASURES,
    AbstractPredictor,
    Beliefs,
    Evidence,
    OutcomePredictor,
    Outcomes,
    PriorPredictor,
    bets,
    chance_right,
    cross_fit,
    reliability,
    score_beliefs,
    scoring_grid,
    share_right,
)
from shadowprice.beliefs.scoring._censoring import Censoring, known_weights
from shadowprice.traces import Traces


def outcomes(tokens: list[float], right: Any, threshold: Any = None) -> Beliefs:
    """Beliefs with these outcomes, and thresholds if they matter."""
    table = np.asarray(right, dtype=np.float64)
    ones = np.ones(len(table))
    return Beliefs(ones if threshold is None else threshold, ones, ones, Outcomes(np.array(tokens), table, table))


def made_up(n: int = 120, seed: int = 3, censored: bool = False) -> tuple[Evidence, Beliefs, list[str]]:
    """Two replies to each of n questions, beliefs that know a little of them, and two data sets."""
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(n), 2)
    easy = rng.random(n)
    correct = rng.random(2 * n) < easy[query]
    tokens = rng.integers(5, 100, 2 * n)
    cut = (rng.random(2 * n) < 0.2) & censored
    evidence = Evidence(
        [f"Question {number}?" for number in range(n)],
        query,
        tokens,
        correct,
        tokens,
        cut,
    )
    believed = np.clip(easy + 0.3 * rng.standard_normal(n), 0.05, 0.95)
    beliefs = outcomes([25.0, 50.0, 100.0], np.outer(believed, [0.25, 0.5, 1.0]), 20.0 + 50.0 * rng.random(n))
    return evidence, beliefs, ["even" if number % 2 == 0 else "odd" for number in range(n)]


def test_auc_and_kendall_are_those_of_scikit_learn_and_scipy() -> None:
    evidence, beliefs, places = made_up()
    scores = score_beliefs(beliefs, evidence, places, resamples=20)
    horizon = scores.horizon
    bet = bets(beliefs, horizon)[evidence.query]
    assert pytest.approx(roc_auc_score(evidence.correct, bet)) == scores.auc.value
    right = evidence.correct
    tau = kendalltau(beliefs.threshold[evidence.query[right]], evidence.answer_tokens[right]).statistic
    assert pytest.approx(tau) == scores.kendall.value
    odd = (evidence.query % 2).astype(bool)
    areas, pairs = [], []
    for part in (odd, ~odd):
        areas.append(roc_auc_score(right[part], bet[part]))
        pairs.append(right[part].sum() * (~right[part]).sum())
    assert pytest.approx(np.average(areas, weights=pairs)) == scores.auc_within.value


def test_auc_with_ties_and_weights_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    correct, weight = rng.random(200) < 0.4, rng.integers(0, 4, 200).astype(float)
    level = rng.integers(1, 5, 200) / 5
    evidence = Evidence(
        [str(number) for number in range(200)], np.arange(200), np.full(200, 10), correct, weight=weight
    )
    scores = score_beliefs(outcomes([10.0], level[:, None]), evidence, resamples=1)
    assert pytest.approx(roc_auc_score(correct, level, sample_weight=weight)) == scores.auc.value


def test_brier_and_log_score_without_censoring_are_means_of_scikit_learns() -> None:
    evidence, beliefs, _ = made_up()
    scores, grid = score_beliefs(beliefs, evidence, resamples=20), scoring_grid(evidence)
    believed = chance_right(beliefs, grid)[evidence.query]
    happened = evidence.correct[:, None] & (evidence.answer_tokens[:, None] <= grid)
    pairs = list(zip(happened.T, np.clip(believed, 1e-3, 1 - 1e-3).T, strict=True))
    plain = [brier_score_loss(right, chance) for right, chance in zip(happened.T, believed.T, strict=True)]
    assert pytest.approx(np.mean(plain)) == scores.brier.value
    assert pytest.approx(np.mean([log_loss(right, chance, labels=[0, 1]) for right, chance in pairs])) == (
        scores.log_score.value
    )
    base = happened.mean(axis=0)
    assert pytest.approx(1 - np.mean(plain) / np.mean(base * (1 - base))) == scores.brier_skill.value


def test_scores_worked_out_by_hand() -> None:
    # Two questions, certain and indifferent, one reply each: right at 10 tokens, wrong.
    evidence = Evidence(["a", "b"], [0, 1], [10, 8], [True, False])
    scores = score_beliefs(outcomes([10.0], [[1.0], [0.5]]), evidence, resamples=1)
    assert pytest.approx((0.0 + 0.25) / 2) == scores.brier.value
    assert pytest.approx((-math.log(0.999) - math.log(0.5)) / 2) == scores.log_score.value
    assert pytest.approx(0.75 - 0.5) == scores.bias.value
    assert pytest.approx((0.0 + 0.5) / 2) == scores.calibration_error.value
    assert 1.0 == scores.auc.value
    assert 10.0 == scores.horizon
    assert (2, 2, 1, 0) == (scores.questions, scores.replies, scores.right, scores.censored)


def test_the_censoring_distribution_is_kaplan_and_meiers() -> None:
    # Ends at 1 and 5, cuts at 2, 3 and 3 (of five): G falls to 3/4 after 2, and to 3/4 · 1/3 after 3.
    evidence = Evidence(
        list("abcde"), range(5), [1, 2, 3, 3, 5], [True, False, False, False, False], censored=[0, 1, 1, 1, 0]
    )
    censoring = Censoring.of(evidence)
    assert [2.0, 3.0] == censoring.tokens.tolist()
    assert pytest.approx([0.75, 0.25]) == censoring.watched.tolist()
    assert pytest.approx([1.0, 0.75, 0.25]) == censoring.at(np.array([1.9, 2.0, 9.0])).tolist()
    assert pytest.approx([1.0, 0.75]) == censoring.before(np.array([2.0, 3.0])).tolist()
    # At 4 tokens: the right answer counts once, the last stands for itself and the three that were cut off.
    assert pytest.approx([1.0, 0.0, 0.0, 0.0, 4.0]) == known_weights(evidence, np.array([4.0]))[:, 0].tolist()
    assert pytest.approx([0.2]) == share_right(evidence, np.array([4.0])).tolist()


def test_censoring_does_not_move_the_figures_but_for_noise() -> None:
    """Cutting replies off at random points must not make a right belief look wrong."""
    rng = np.random.default_rng(1)
    n = 20_000
    tokens, correct = rng.integers(1, 101, n), rng.random(n) < 0.6
    cap = rng.integers(1, 201, n)
    cut = cap < tokens
    observed = Evidence(
        ["q"] * n, np.arange(n), np.where(cut, cap, tokens), correct & ~cut, np.where(cut, cap, tokens), cut
    )
    grid = np.array([25.0, 50.0, 75.0, 100.0])
    assert pytest.approx(0.6 * grid / 100, abs=0.015) == share_right(observed, grid).tolist()
    true = outcomes(list(grid), np.tile(0.6 * grid / 100, (n, 1)))
    scores = score_beliefs(true, observed, grid=grid, resamples=1)
    assert abs(scores.bias.value) < 0.02
    assert pytest.approx(np.mean(0.6 * grid / 100 * (1 - 0.6 * grid / 100)), abs=0.01) == scores.brier.value
    naive = np.mean(observed.correct) - 0.6
    assert naive < -0.1  # taking cut-off replies for wrong ones would have been off by this


def test_chance_right_of_a_table_is_read_along_straight_lines() -> None:
    beliefs = outcomes([10.0, 20.0], [[0.2, 0.6]])
    tokens = np.array([0.0, 5.0, 10.0, 15.0, 20.0, 99.0])
    assert pytest.approx([0.0, 0.1, 0.2, 0.4, 0.6, 0.6]) == chance_right(beliefs, tokens)[0].tolist()
    assert beliefs.outcomes is not None
    assert pytest.approx([float(beliefs.outcomes.curve.value(np.array([t]))[0]) for t in tokens]) == (
        chance_right(beliefs, tokens)[0].tolist()
    )
    single = outcomes([10.0], [[0.5]])
    assert pytest.approx([0.25, 0.5, 0.5]) == chance_right(single, np.array([5.0, 10.0, 11.0]))[0].tolist()
    from_nothing = outcomes([0.0, 10.0], [[0.1, 0.5]])
    assert pytest.approx([0.1, 0.3]) == chance_right(from_nothing, np.array([0.0, 5.0]))[0].tolist()


def test_chance_right_of_a_surge_stays_at_its_peak() -> None:
    beliefs = Beliefs(np.array([100.0]), np.array([0.01 * math.e * 0.8]), np.array([0.01]))
    right = chance_right(beliefs, np.array([50.0, 100.0, 150.0, 200.0, 1000.0]))[0]
    assert right[:2].tolist() == [0.0, 0.0]
    assert pytest.approx(float(beliefs.curve.value(np.array([150.0]))[0])) == right[2]
    assert pytest.approx([0.8, 0.8]) == right[3:].tolist()


def test_reliability_of_beliefs_that_are_half_right() -> None:
    # 50 questions believed with 0.9, of which all are right, 50 believed with 0.1, of which 40 are wrong.
    correct = np.r_[np.ones(50, bool), np.arange(50) < 10]
    evidence = Evidence([str(number) for number in range(100)], np.arange(100), np.full(100, 10), correct)
    groups = reliability(outcomes([10.0], np.r_[np.full(50, 0.9), np.full(50, 0.1)][:, None]), evidence, 10.0)
    assert pytest.approx([0.1, 0.9]) == groups.believed.tolist()
    assert pytest.approx([0.2, 1.0]) == groups.observed.tolist()
    assert pytest.approx([0.5, 0.5]) == groups.share.tolist()
    assert pytest.approx(0.1) == groups.error


def test_intervals_cover_the_figure_and_are_by_question() -> None:
    evidence, beliefs, places = made_up()
    scores = score_beliefs(beliefs, evidence, places, resamples=200)
    for name in MEASURES:
        figure = getattr(scores, name)
        assert figure.low < figure.high
        assert figure.low - 0.02 <= figure.value <= figure.high + 0.02
    # Ten times the same replies to the same questions say nothing new about questions.
    again = np.tile(np.arange(len(evidence)), 10)
    many = Evidence(evidence.questions, evidence.query[again], evidence.answer_tokens[again], evidence.correct[again])
    wide, narrow = scores.auc, score_beliefs(beliefs, many, resamples=200).auc
    assert pytest.approx(wide.high - wide.low, rel=0.15) == narrow.high - narrow.low
    assert scores == score_beliefs(beliefs, evidence, places, resamples=200)


def test_an_interval_of_the_bias_covers_zero_as_often_as_it_says() -> None:
    covered = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chance = rng.random(150)
        evidence = Evidence([str(q) for q in range(150)], np.arange(150), np.full(150, 9), rng.random(150) < chance)
        bias = score_beliefs(outcomes([9.0], chance[:, None]), evidence, resamples=100).bias
        covered += bias.low <= 0.0 <= bias.high
    assert covered >= 34  # 95 % of 40 is 38


def test_what_the_replies_do_not_determine_is_not_a_number() -> None:
    evidence = Evidence(["a", "b"], [0, 1], [10, 10], [True, True])
    scores = score_beliefs(outcomes([10.0], [[0.5], [0.6]]), evidence, resamples=5)
    assert np.isnan([scores.auc.value, scores.auc_within.low, scores.kendall.value, scores.kendall.high]).all()
    assert np.isfinite(scores.brier.value)


def test_nothing_right_cannot_be_scored_without_a_grid() -> None:
    evidence = Evidence(["a"], [0], [10], [False])
    with pytest.raises(InputError, match="No reply in these traces is right, so beliefs cannot be scored"):
        score_beliefs(outcomes([10.0], [[0.5]]), evidence)
    assert 0.5 == score_beliefs(outcomes([10.0], [[0.5]]), evidence, grid=np.array([10.0]), resamples=1).bias.value
    with pytest.raises(InputError, match="must be about the 1 questions"):
        score_beliefs(outcomes([10.0], [[0.5]]), evidence, ["a", "b"])


def test_the_grid_ends_where_hardly_anybody_watched() -> None:
    # Twenty right at 1 … 20; of 100 others all but 1 in 20 are cut off at 10.
    tokens = np.r_[np.arange(1, 21), np.full(100, 10)]
    evidence = Evidence(
        [str(q) for q in range(120)], np.arange(120), tokens, np.arange(120) < 20, censored=np.arange(120) >= 20
    )
    assert 9.0 == scoring_grid(evidence)[-1]


def test_cross_fitting_says_how_far_it_is(sums: Traces) -> None:
    steps: list[int] = []
    cross_fit(PriorPredictor(), sums.evidence, folds=3, advance=lambda: steps.append(1))
    assert 3 == len(steps)


WRAPPING = {"FeaturePredictor", "AfterPast"}
"""Predictors that stand for another one."""
PREDICTORS = [
    member
    for name in package.__all__
    if inspect.isclass(member := getattr(package, name))
    and issubclass(member, AbstractPredictor)
    and not inspect.isabstract(member)
    and name not in WRAPPING
    and name != "TransformerPredictor"  # needs an extra, and a model to start from: see test_encoders_models.py
]


def everything(beliefs: Beliefs) -> list[FloatArray]:
    columns = [beliefs.threshold, beliefs.alpha, beliefs.beta]
    if (table := beliefs.outcomes) is not None:
        columns += [table.tokens, table.right, table.finished]
    return columns


def same(one: Beliefs, other: Beliefs) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(everything(one), everything(other), strict=True))


FREE = {"PriorPredictor"}
"""Predictors that learn nothing: there is nothing random in them, and they need no fit."""


def seeded(kind: type[AbstractPredictor], seed: int) -> AbstractPredictor:
    if kind is OutcomePredictor:
        return OutcomePredictor(n_trees=8, n_components=8, random_state=seed)
    return kind() if kind.__name__ in FREE else kind(random_state=seed)


@pytest.fixture(scope="module")
def fitted(sums: Traces) -> Callable[[type[AbstractPredictor]], AbstractPredictor]:
    """Fits each kind once."""
    made: dict[type[AbstractPredictor], AbstractPredictor] = {}

    def fit(kind: type[AbstractPredictor]) -> AbstractPredictor:
        if kind not in made:
            made[kind] = seeded(kind, 3).fit(sums.evidence)
        return made[kind]

    return fit


@pytest.mark.parametrize("kind", PREDICTORS, ids=lambda kind: kind.__name__)
class TestMannersOfPredictors:
    """Scikit-learn's conventions, for every predictor that the package exports."""

    def test_parameters_are_kept_and_cloned(self, kind: type[AbstractPredictor]) -> None:
        predictor = seeded(kind, 5)
        before = predictor.get_params()
        assert set(before) == set(inspect.signature(kind.__init__).parameters) - {"self"}
        twin = clone(predictor)
        assert before == twin.get_params()
        assert before == predictor.get_params()
        name = "max_tokens" if kind.__name__ in FREE else "random_state"
        assert 6 == twin.set_params(**{name: 6}).get_params()[name] != before[name] == predictor.get_params()[name]

    def test_nothing_is_predicted_before_the_fit(self, kind: type[AbstractPredictor]) -> None:
        if kind.__name__ in FREE:
            assert 1 == len(kind().predict(["One?"]))
            return
        with pytest.raises(NotFittedError):
            kind().predict(["One?"])

    def test_the_fit_sets_attributes_that_end_in_an_underscore(
        self, kind: type[AbstractPredictor], fitted: Callable[[Any], AbstractPredictor]
    ) -> None:
        predictor = fitted(kind)
        learnt = set(vars(predictor)) - set(predictor.get_params())
        assert bool(learnt) != (kind.__name__ in FREE)
        assert [] == [name for name in learnt if not name.endswith("_") or name.startswith("__")]
        assert {} == {k: v for k, v in vars(clone(predictor)).items() if k not in predictor.get_params()}

    def test_the_same_seed_gives_the_same_beliefs_and_inputs_are_left_alone(
        self, kind: type[AbstractPredictor], fitted: Callable[[Any], AbstractPredictor], sums: Traces
    ) -> None:
        evidence, questions = copy.deepcopy(sums.evidence), [*sums.questions[:10], "Something else?"]
        asked = list(questions)
        again = seeded(kind, 3)
        assert again.fit(evidence) is again
        assert same(again.predict(questions), fitted(kind).predict(questions))
        assert questions == asked
        assert list(evidence.questions) == list(sums.evidence.questions)
        for name in ("query", "answer_tokens", "correct", "completion_tokens", "censored", "weight"):
            assert np.array_equal(getattr(evidence, name), getattr(sums.evidence, name))

    def test_predicting_has_no_side_effects(
        self, kind: type[AbstractPredictor], fitted: Callable[[Any], AbstractPredictor], sums: Traces
    ) -> None:
        predictor = fitted(kind)
        names, before = set(vars(predictor)), predictor.predict(sums.questions)
        predictor.predict(["Quite another question?"])
        assert same(before, predictor.predict(sums.questions))
        assert names == set(vars(predictor))
        # Whom a question is asked with does not matter.
        assert same(before.take(np.arange(3)), predictor.predict(sums.questions[:3]))
        assert 0 == len(predictor.predict([]))
