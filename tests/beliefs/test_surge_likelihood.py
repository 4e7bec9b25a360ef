"""Surges by maximum likelihood, where the truth is known because it was simulated."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import Evidence, SurgeFit, fit_surge_likelihood, fit_surge_sweep, measure_accuracy, plot_surges
from shadowprice.curves import ShiftedSurge
from shadowprice.traces import read_traces

MULTISAMPLE = Path(__file__).parents[3] / "shared" / "data" / "multisample" / "llama-3.2-3b-amc-aime-x50.parquet"


def rising(rng: np.random.Generator, width: float, size: int) -> FloatArray:
    """Excesses that are distributed as a surge rises: inverse of z·e^(1 − z) on 0 … 1."""
    z = np.linspace(0.0, 1.0, 4001)
    return width * np.interp(rng.uniform(size=size), z * np.exp(1.0 - z), z)


def simulated(
    law: str, width: float, threshold: FloatArray, rate: float, samples: int, seed: int, cap: float = np.inf
) -> Evidence:
    rng = np.random.default_rng(seed)
    query = np.repeat(np.arange(len(threshold)), samples)
    excess = rising(rng, width, len(query)) if law == "rise" else rng.gamma(2.0, width, len(query))
    correct = rng.uniform(size=len(query)) < rate
    tokens = np.rint(threshold[query] + excess)
    cut = tokens > cap
    ends = np.minimum(tokens, cap).astype(np.int64)
    return Evidence([f"Q{i}" for i in range(len(threshold))], query, ends, correct & ~cut, ends, cut)


@pytest.mark.parametrize("law", ["rise", "gamma"])
@settings(max_examples=4, deadline=None)
@given(
    width=st.floats(20.0, 400.0),
    spread=st.floats(0.05, 0.6),
    rate=st.floats(0.3, 0.9),
    seed=st.integers(0, 2**31),
)
def test_it_recovers_what_was_simulated(law: str, width: float, spread: float, rate: float, seed: int) -> None:
    threshold = 300.0 * np.exp(spread * np.random.default_rng(seed).standard_normal(40))
    evidence = simulated(law, width, threshold, rate, 30, seed)
    fit = fit_surge_likelihood(evidence, law="rise" if law == "rise" else "gamma")
    # Some 12 × 40 × rate right answers: β to about 1/√(2 × right) were τ known, and τ costs one answer a question.
    right = evidence.correct.sum()
    assert abs(np.log(fit.beta[0] * width)) < 6.0 / np.sqrt(right) + 0.06
    measured_rate = evidence.correct.mean()
    assert pytest.approx(measured_rate * np.e * fit.beta[0], rel=0.05) == fit.alpha[0]
    error = (fit.threshold - threshold) / width
    assert np.sqrt(np.mean(error**2)) < 0.45
    assert abs(float(np.median(error))) < 0.2


def test_the_gamma_law_is_two_over_the_mean_excess() -> None:
    """With many replies to one question and the threshold at its place, β̂ is the textbook's."""
    evidence = simulated("gamma", 50.0, np.array([200.0]), 1.0, 800, 3)
    fit = fit_surge_likelihood(evidence, law="gamma")
    assert pytest.approx(2.0 / (evidence.answer_tokens.mean() - fit.threshold[0]), rel=0.05) == fit.beta[0]
    assert pytest.approx(200.0, abs=6.0) == fit.threshold[0]


def test_groups_have_their_own_surges() -> None:
    narrow = simulated("rise", 40.0, np.full(20, 100.0), 0.9, 20, 1)
    wide = simulated("rise", 400.0, np.full(20, 500.0), 0.3, 20, 2)
    both = Evidence(
        [f"Q{i}" for i in range(40)],
        np.concatenate([narrow.query, wide.query + 20]),
        np.concatenate([narrow.answer_tokens, wide.answer_tokens]),
        np.concatenate([narrow.correct, wide.correct]),
    )
    fit = fit_surge_likelihood(both, ["a"] * 20 + ["b"] * 20)
    assert ("a", "b") == fit.groups
    assert [40.0, 400.0] == pytest.approx(1.0 / fit.beta, rel=0.2)
    assert [0.9, 0.3] == pytest.approx(fit.alpha / (fit.beta * np.e), abs=0.06)
    alone = fit_surge_likelihood(narrow)
    assert alone.threshold == pytest.approx(fit.threshold[:20], rel=0.02)


def test_a_threshold_is_shrunk_to_the_group_unless_replies_say_more() -> None:
    """Question 0 answers late: with 2 replies it is drawn to the others, with 60 it is not."""
    others = simulated("rise", 60.0, 200.0 * np.exp(0.1 * np.random.default_rng(0).standard_normal(30)), 1.0, 20, 0)
    found = []
    for replies in (2, 60):
        late = simulated("rise", 60.0, np.array([400.0]), 1.0, replies, 5)
        evidence = Evidence(
            ["late"] + [f"Q{i}" for i in range(30)],
            np.concatenate([late.query, others.query + 1]),
            np.concatenate([late.answer_tokens, others.answer_tokens]),
            np.ones(len(late) + len(others), np.bool_),
        )
        found.append(float(fit_surge_likelihood(evidence).threshold[0]))
    assert found[0] < found[1]
    assert pytest.approx(400.0, abs=15.0) == found[1]


def test_a_prediction_carries_to_questions_without_a_right_reply() -> None:
    threshold = np.geomspace(80.0, 900.0, 30)
    evidence = simulated("rise", 60.0, threshold, 0.8, 10, 0)
    blank = Evidence(
        evidence.questions,
        evidence.query,
        evidence.answer_tokens,
        evidence.correct & (evidence.query != 29),
    )
    fit = fit_surge_likelihood(blank, predicted=threshold / 7.0)
    assert pytest.approx(900.0, rel=0.15) == fit.threshold[29]
    assert fit_surge_likelihood(blank).threshold[29] < 500.0
    assert fit.spread[0] < 0.2


def test_strays_do_not_widen_the_surge() -> None:
    evidence = simulated("rise", 60.0, np.full(20, 300.0), 1.0, 30, 0)
    tokens = evidence.answer_tokens.copy()
    tokens[::25] = 4000
    fit = fit_surge_likelihood(Evidence(evidence.questions, evidence.query, tokens, evidence.correct))
    assert 50.0 < 1.0 / fit.beta[0] < 80.0
    assert 0.02 < fit.stray[0] < 0.08


def test_weights_stand_for_replies() -> None:
    one = simulated("rise", 60.0, np.full(5, 300.0), 0.7, 8, 0)
    twice = Evidence(one.questions, np.tile(one.query, 2), np.tile(one.answer_tokens, 2), np.tile(one.correct, 2))
    weighed = Evidence(one.questions, one.query, one.answer_tokens, one.correct, weight=np.full(len(one), 2.0))
    assert fit_surge_likelihood(twice).threshold == pytest.approx(fit_surge_likelihood(weighed).threshold, rel=1e-3)
    assert fit_surge_likelihood(twice).alpha == pytest.approx(fit_surge_likelihood(weighed).alpha, rel=1e-2)


def test_a_reply_that_was_cut_off_early_says_nothing_of_the_pass_rate() -> None:
    whole = simulated("rise", 200.0, np.full(20, 300.0), 0.6, 40, 0)
    assert pytest.approx(0.6, abs=0.06) == fit_surge_likelihood(whole).pass_rate.mean()
    early = Evidence(
        whole.questions,
        np.concatenate([whole.query, np.arange(20)]),
        np.append(whole.answer_tokens, np.full(20, 50)),
        np.append(whole.correct, np.zeros(20, np.bool_)),
        np.append(whole.answer_tokens, np.full(20, 50)),
        np.append(np.zeros(len(whole), np.bool_), np.ones(20, np.bool_)),
    )
    assert fit_surge_likelihood(early).pass_rate == pytest.approx(fit_surge_likelihood(whole).pass_rate, rel=1e-6)


@pytest.mark.parametrize("tokens", [[100], [100] * 50, [1], [1, 1], [2**40], [1, 10**6]])
@pytest.mark.parametrize("law", ["rise", "gamma"])
def test_little_or_odd_evidence_gives_a_sane_surge(tokens: list[int], law: str) -> None:
    evidence = Evidence(["Q", "blank"], [0] * len(tokens) + [1], [*tokens, 9], [*[True] * len(tokens), False])
    fit = fit_surge_likelihood(evidence, law="rise" if law == "rise" else "gamma")
    assert 0.0 < fit.threshold[0] <= max(tokens)
    assert np.isfinite(fit.threshold).all()
    assert (1.0 <= 1.0 / fit.beta).all() and (1.0 / fit.beta <= 30 * max(tokens)).all()
    assert (0.0 < fit.pass_rate).all() and (fit.pass_rate < 1.0).all()
    assert fit.pass_rate[1] <= fit.pass_rate[0]
    assert isinstance(fit.curve, ShiftedSurge)


def test_one_reply_does_not_make_a_surge_of_one_token() -> None:
    fit = fit_surge_likelihood(Evidence(["Q"], [0], [400], [True]))
    assert 20.0 < 1.0 / fit.beta[0] < 800.0


def test_a_group_without_a_right_reply_has_the_common_shape_and_next_to_no_height() -> None:
    evidence = simulated("rise", 60.0, np.full(20, 300.0), 1.0, 30, 0)
    correct = evidence.correct & (evidence.query < 10)
    blank = Evidence(evidence.questions, evidence.query, evidence.answer_tokens, correct)
    fit = fit_surge_likelihood(blank, ["a"] * 10 + ["b"] * 10)
    assert fit.beta[1] == pytest.approx(fit.beta[0], rel=1e-6)
    assert 0.01 > fit.pass_rate[10:].max()
    assert fit.accuracy(np.array([1000.0]))[1, 0] < 0.01


def test_without_a_right_reply_there_is_nothing_to_fit() -> None:
    with pytest.raises(InputError, match="No reply in these traces is right"):
        fit_surge_likelihood(Evidence(["Q"], [0], [10], [False]))
    with pytest.raises(InputError, match="No reply in this sweep is right"):
        fit_surge_sweep([0], [10], [0], [5], ["all"])


def test_arguments_must_fit_the_questions() -> None:
    evidence = Evidence(["Q"], [0], [10], [True])
    with pytest.raises(InputError, match="1 questions but 2 labels"):
        fit_surge_likelihood(evidence, ["a", "b"])
    with pytest.raises(InputError, match="predicted must be finite and above 0"):
        fit_surge_likelihood(evidence, predicted=np.array([np.nan]))
    with pytest.raises(InputError, match="Row 1 of the sweep says 6 right of 5 at 20 tokens"):
        fit_surge_sweep([0, 0], [10, 20], [1, 6], [5, 5], ["all"])


@pytest.mark.parametrize("seed", range(3))
def test_it_recovers_a_sweep_that_falls_beyond_its_peak(seed: int) -> None:
    rng = np.random.default_rng(seed)
    threshold, rate = 200.0 * np.exp(0.3 * rng.standard_normal(30)), rng.beta(8.0, 4.0, 30)
    budgets = np.array([64, 128, 256, 384, 512, 768, 1024, 2048, 4096])
    query = np.repeat(np.arange(30), len(budgets))
    truth = ShiftedSurge.from_peak(threshold[query], rate[query], 1.0 / 300.0)
    budget = np.tile(budgets, 30)
    right = rng.binomial(40, truth.value(budget))
    fit = fit_surge_sweep(query, budget, right, np.full(len(query), 40), ["all"] * 30)
    assert pytest.approx(300.0, rel=0.08) == 1.0 / fit.beta[0]
    assert np.sqrt(np.mean((fit.threshold - threshold) ** 2)) < 25.0
    assert np.sqrt(np.mean((fit.pass_rate - rate) ** 2)) < 0.06
    measured = (right / 40).reshape(30, -1).mean(axis=0)
    assert fit.accuracy(budgets.astype(float), forced=True)[0] == pytest.approx(measured, abs=0.02)


def test_binomial_weights_count() -> None:
    """A thousand replies outvote ten, row for row."""
    fit = fit_surge_sweep([0, 0, 0, 0], [100, 200, 100, 200], [500, 900, 10, 0], [1000, 1000, 10, 10], ["all"])
    assert fit.accuracy(np.array([100.0, 200.0]))[0] == pytest.approx([0.5, 0.9], abs=0.06)


def test_measured_accuracy_and_its_bands() -> None:
    evidence = Evidence(["a", "b"], [0, 0, 1, 1], [10, 20, 30, 40], [True, False, True, True])
    measured = measure_accuracy(evidence, np.array([5.0, 10.0, 30.0, 50.0]))
    assert [0.0, 0.25, 0.5, 0.75] == measured.accuracy[0].tolist()
    assert (measured.low <= measured.accuracy).all() and (measured.accuracy <= measured.high).all()
    apart = measure_accuracy(evidence, np.array([50.0]), ["x", "y"], resample="replies")
    assert [[0.5], [1.0]] == apart.accuracy.tolist()
    assert apart.low[1, 0] == pytest.approx(0.342, abs=0.001)  # Wilson's interval for 2 of 2


def test_bands_cover_what_is_drawn_again() -> None:
    threshold = np.full(30, 300.0)
    budgets = np.array([400.0])
    truth = float(measure_accuracy(simulated("rise", 200.0, threshold, 0.6, 3000, 99), budgets).accuracy[0, 0])
    inside = 0
    for seed in range(100):
        measured = measure_accuracy(simulated("rise", 200.0, threshold, 0.6, 10, seed), budgets, resample="replies")
        inside += bool(measured.low[0, 0] <= truth <= measured.high[0, 0])
    assert 88 <= inside


def test_the_plot_has_a_panel_per_group_and_units() -> None:
    evidence = simulated("rise", 60.0, np.full(20, 300.0), 0.7, 10, 0)
    hard = evidence.query < 10
    evidence = Evidence(evidence.questions, evidence.query, evidence.answer_tokens, evidence.correct & ~hard)
    labels = ["hard"] * 10 + ["easy"] * 10
    fit = fit_surge_likelihood(evidence)
    measured = measure_accuracy(evidence, np.geomspace(64, 2048, 20), labels)
    figure = plot_surges(fit, measured, labels)
    assert ["easy", "hard"] == [axes.get_title() for axes in figure.axes]
    assert all("tokens" in axes.get_xlabel() for axes in figure.axes)
    assert "%" in figure.axes[0].get_ylabel()
    with pytest.raises(InputError, match="'hard' was measured but not fitted"):
        plot_surges(fit, measured)


@pytest.mark.skipif(not MULTISAMPLE.is_file(), reason=f"the public traces are not in {MULTISAMPLE.parent}")
def test_fitted_surges_meet_the_accuracy_of_the_other_half_of_the_replies() -> None:
    traces = read_traces(MULTISAMPLE)
    half = np.asarray(traces.table["sample_index"].to_numpy()) % 2 == 0
    budgets = np.geomspace(64.0, 4096.0, 49)

    def part(keep: FloatArray) -> Evidence:
        return Evidence(traces.questions, traces.query[keep], traces.answer_tokens[keep], traces.correct[keep])

    for fitted in (half, ~half):
        fit: SurgeFit = fit_surge_likelihood(part(fitted), traces.tiers)
        held_out = measure_accuracy(part(~fitted), budgets, traces.tiers)
        error = fit.accuracy(budgets) - held_out.accuracy
        assert np.sqrt(np.mean(error**2)) <= 0.03
        assert np.sqrt(np.mean(error**2, axis=1)).max() <= 0.03
