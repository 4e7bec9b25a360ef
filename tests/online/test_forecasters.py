"""Hopes for live requests: lengths of replies learnt from traffic, or a predictor."""

import json
from typing import Any

import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import PriorPredictor, RunningPredictor, ThresholdPredictor
from shadowprice.online import AbstractForecaster, Asked, Finishing, OnlineMarket, Predicted
from shadowprice.traces import Traces

GRID = np.array([8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096])


def learnt(n: int, median: float, key: str = "chat", cut: bool = False) -> Finishing:
    forecaster, rng = Finishing(GRID), np.random.default_rng(0)
    for length in (median * np.exp(0.5 * rng.standard_normal(n))).astype(int) + 1:
        most = int(rng.integers(1, int(3 * median))) if cut else 10**6
        forecaster.learn(Asked(key=key), min(int(length), most), bool(length <= most))
    return forecaster


@pytest.mark.parametrize("cut", [False, True])
def test_lengths_are_learnt_from_whole_and_from_cut_replies(cut: bool) -> None:
    truth = np.exp(0.5 * np.random.default_rng(1).standard_normal(100_000)) * 300.0
    believed = learnt(1500, 300.0, cut=cut).before(Asked(key="chat"))
    for point in (4, 5, 6):
        assert believed.finished[point] == pytest.approx(float((truth <= GRID[point]).mean()), abs=0.06)
    assert believed.right.tolist() == believed.finished.tolist()


def test_a_kind_of_which_nothing_is_known_is_like_all_traffic() -> None:
    forecaster = learnt(500, 40.0)
    other = forecaster.before(Asked(key="another"))
    assert other.finished[4] > 0.9
    assert Finishing(GRID).before(Asked()).finished[4] < 0.5


def test_kinds_are_kept_apart() -> None:
    forecaster = learnt(500, 40.0, key="short")
    for _ in range(200):
        forecaster.learn(Asked(key="long"), 1500, True)
    short, long = (forecaster.before(Asked(key=key)).finished[5] for key in ("short", "long"))
    assert short > 0.95
    assert long < 0.1


def test_a_change_is_followed() -> None:
    forecaster = learnt(6000, 40.0)
    for _ in range(4000):
        forecaster.learn(Asked(key="chat"), 1500, True)
    assert forecaster.before(Asked(key="chat")).finished[5] < 0.4


def test_hopes_of_a_running_reply_are_given_that_it_runs() -> None:
    forecaster = learnt(500, 100.0)
    asked = Asked(key="chat")
    place = forecaster.follow(asked, forecaster.before(asked))
    now = forecaster.running(place, 64, "")
    assert (now.finished[:4] == 0.0).all()
    before = forecaster.before(asked).finished
    assert now.finished[5] == pytest.approx((before[5] - before[3]) / (1.0 - before[3]))
    forecaster.forget(place)
    forecaster.forget(place)
    with pytest.raises(KeyError):
        forecaster.running(place, 64, "")


def test_made_up_kinds_do_not_fill_the_memory() -> None:
    forecaster = Finishing(GRID)
    for number in range(3000):
        forecaster.learn(Asked(key=str(number)), 10, True)
        forecaster.before(Asked(key=str(number)))
    assert 1000 == len(forecaster.snapshot()["kinds"])


def test_lengths_outlive_a_restart() -> None:
    forecaster = learnt(500, 100.0)
    again = Finishing(GRID)
    again.restore(json.loads(json.dumps(forecaster.snapshot())))
    assert again.before(Asked(key="chat")).finished == pytest.approx(forecaster.before(Asked(key="chat")).finished)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: 7,
        lambda state: {},
        lambda state: state | {"grid": [1, 2]},
        lambda state: state | {"all": [[1.0], [1.0]]},
        lambda state: state | {"all": [[1.0] * 10, [2.0] * 10]},
        lambda state: state | {"kinds": {"a": [["x"] * 10] * 2}},
        lambda state: state | {"kinds": [1]},
    ],
)
def test_a_damaged_snapshot_is_refused(change: Any) -> None:
    with pytest.raises(InputError, match="learnt anew"):
        Finishing(GRID).restore(change(learnt(10, 100.0).snapshot()))


@pytest.fixture(scope="module")
def predicted(sums: Traces) -> Predicted:
    """A prior, and a reader of replies that has seen too little to say more than time does."""
    few = sums.evidence.of_questions(np.arange(90) < 6)
    prior = PriorPredictor()
    return Predicted(prior, RunningPredictor().fit(few, prior.predict(few.questions)))


def test_a_predictor_says_how_likely_a_reply_is_right(predicted: Predicted) -> None:
    easy = predicted.before(Asked(question="2 + 2?"))
    hard = predicted.before(Asked(question="Prove " + "that this long statement holds " * 30 + "$\\int$"))
    assert easy.right[-1] > hard.right[-1]
    assert predicted.before(Asked()).right[-1] > 0.0


def test_replies_are_followed_apart_from_each_other(predicted: Predicted) -> None:
    asked = [Asked(question=f"{number} + 1?") for number in range(300)]
    places = [predicted.follow(one, predicted.before(one)) for one in asked]
    assert 300 == len(set(places))
    first, last = (predicted.running(place, 32, "It is 4. So ") for place in (places[0], places[-1]))
    assert first.right == pytest.approx(last.right)
    assert (first.right[predicted.grid <= 32] == 0.0).all()
    for place in places:
        predicted.forget(place)
    again = predicted.follow(asked[0], predicted.before(asked[0]))
    assert again in places
    predicted.forget(again)


def test_without_a_reader_time_alone_tells() -> None:
    forecaster = Predicted(PriorPredictor())
    before = forecaster.before(Asked(question="Why?"))
    place = forecaster.follow(Asked(), before)
    now = forecaster.running(place, 64, "text")
    at = int(np.searchsorted(forecaster.grid, 64))
    assert now.finished[-1] == pytest.approx((before.finished[-1] - before.finished[at]) / (1.0 - before.finished[at]))
    forecaster.forget(place)


def test_a_predictor_without_outcomes_is_refused(sums: Traces) -> None:
    with pytest.raises(InputError, match="--predictor outcome"):
        Predicted(ThresholdPredictor().fit(sums.evidence.of_questions(np.arange(90) < 12)))


@pytest.mark.parametrize("make", [lambda: Finishing(GRID), lambda: Predicted(PriorPredictor())])
def test_hopes_are_on_the_grid_of_a_market(make: Any) -> None:
    forecaster: AbstractForecaster = make()
    market = OnlineMarket(forecaster.grid, 10**6)
    ticket = market.admit(1.0, forecaster.before(Asked(question="Why?")))
    assert ticket is not None
    place = forecaster.follow(Asked(), forecaster.before(Asked()))
    assert market.grant(ticket, 2.0, ticket.granted, forecaster.running(place, ticket.granted, "")) > 8
