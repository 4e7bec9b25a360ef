"""Days of traffic, and every policy on them."""

import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.beliefs import Outcomes, given_running
from shadowprice.bench.traffic import (
    DAYS,
    ENTRANTS,
    Traffic,
    TrafficMaker,
    TrafficResult,
    compare_traffic,
    get_day,
    serve_day,
)
from shadowprice.bench.traffic._hindsight import Hindsight
from shadowprice.online import FirstCome, FixedPrice, OnlineMarket
from shadowprice.traces import RecordedOutlook, Traces

GRID = np.round(4.0 * 2.0 ** (np.arange(24) / 2.0))


def knowing(traces: Traces, noise: float = 0.3) -> RecordedOutlook:
    """Beliefs of somebody who knows nearly how every reply goes, and what time tells while it runs."""
    rng = np.random.default_rng(0)
    n = len(traces.correct)
    blur = np.exp(noise * rng.standard_normal(n))[:, np.newaxis]
    done = 1.0 / (1.0 + (traces.completion_tokens[:, np.newaxis] * blur / GRID) ** 4)
    by = 1.0 / (1.0 + (traces.answer_tokens[:, np.newaxis] * blur / GRID) ** 4)
    chance = np.where(traces.correct, 0.8, 0.2)[:, np.newaxis] * rng.uniform(0.7, 1.2, (n, 1))
    before = Outcomes(GRID, chance * by, done)
    moments = np.append(0.0, GRID)
    count = (moments < traces.completion_tokens[:, np.newaxis]).sum(axis=1)
    rows = np.repeat(np.arange(n), count)
    first = np.cumsum(count) - count
    now = given_running(before.take(rows), moments[np.arange(len(rows)) - first[rows]])
    return RecordedOutlook(before, first, count, now.right, now.finished)


@pytest.fixture(scope="module")
def outlook(sums: Traces) -> RecordedOutlook:
    return knowing(sums)


def draw(traces: Traces, day: str, arrivals: int = 600, seed: int = 0) -> Traffic:
    return TrafficMaker(traces).draw(get_day(day), arrivals=arrivals, windows=24, seed=seed)


@pytest.mark.parametrize("day", DAYS)
def test_a_day_is_in_order_and_the_same_again(sums: Traces, day: str) -> None:
    one, again, other = draw(sums, day), draw(sums, day), draw(sums, day, seed=1)
    assert (np.diff(one.at) >= 0.0).all()
    assert 0.0 <= one.at[0]
    assert one.at[-1] < 24 * 3600.0
    assert (one.at == again.at).all()
    assert (one.rows == again.rows).all()
    assert (one.at != other.at).any()


def test_days_are_what_they_say(sums: Traces) -> None:
    many = {day: np.bincount(draw(sums, day, 24_000).window, minlength=24) for day in DAYS}
    assert many["stationary"].min() > 850
    assert 0 == many["silence"][8:16].sum()
    assert many["burst"][11] > 4 * many["burst"][3]
    assert many["burst-20"][12] > 8 * many["burst-20"][3]
    assert many["drift"][-1] > 2 * many["drift"][0]
    assert many["spikes"].max() > 1.8 * many["spikes"].min()
    traffic, tiers = draw(sums, "easy-hard", 6000), np.array(sums.strata)[sums.query]
    hard = [(tiers[traffic.rows[traffic.window == window]] == "hard").mean() for window in (2, 12, 20)]
    assert hard == pytest.approx([0.1, 0.8, 0.1], abs=0.08)


def test_a_market_is_charged_for_what_is_written_in_each_window(sums: Traces, outlook: RecordedOutlook) -> None:
    traffic = draw(sums, "stationary")
    mine = outlook.take(traffic.rows)
    ample = serve_day(FirstCome(GRID, 10**9), traffic, mine)
    assert (len(traffic.at), 0, 0) == (ample.begun, ample.limited, ample.over)
    assert ample.right.sum() == traffic.correct.sum()
    # What the last replies write after the day is over is in no window.
    assert 0 <= traffic.completion_tokens.sum() - ample.used.sum() < 3 * traffic.completion_tokens.max()
    scarce = serve_day(FirstCome(GRID, traffic.budget(0.3)), traffic, mine)
    assert scarce.over == 0
    assert scarce.used.max() <= traffic.budget(0.3)
    assert scarce.used.sum() > 0.95 * 24 * traffic.budget(0.3)
    assert scarce.limited > 0


@pytest.mark.parametrize("share", [0.15, 0.6])
def test_hindsight_is_like_the_markets_that_it_stands_for(sums: Traces, outlook: RecordedOutlook, share: float) -> None:
    traffic = draw(sums, "burst")
    mine, budget = outlook.take(traffic.rows), traffic.budget(share)
    known = Hindsight(traffic, mine)
    price, cap = float(known.prices(budget)[0]), int(known.caps(budget)[0])
    told = known.right(np.array([price, -1.0]), np.array([2**40, cap]), budget)
    fixed = serve_day(FixedPrice(GRID, budget, price=price), traffic, mine).right.sum()
    capped = serve_day(FirstCome(GRID, budget, cap=cap), traffic, mine).right.sum()
    assert told[0] == pytest.approx(fixed, abs=0.02 * fixed + 2)
    assert told[1] == pytest.approx(capped, abs=0.02 * capped + 2)
    for other in (price / 3.0, price * 3.0):
        assert fixed >= 0.97 * serve_day(FixedPrice(GRID, budget, price=other), traffic, mine).right.sum()


@pytest.fixture(scope="module")
def result(sums: Traces, outlook: RecordedOutlook) -> TrafficResult:
    return compare_traffic(
        sums, outlook, days=["easy-hard-burst"], shares=[0.3], seeds=[0, 1], arrivals=900, windows=12
    )


def test_every_policy_plays_every_day(result: TrafficResult) -> None:
    assert 2 * len(ENTRANTS) == len(result.plays)
    assert all(play.served is None or play.served.over == 0 for play in result.plays)
    assert list(ENTRANTS) == [row["policy"] for row in result.to_json()["rows"]]


def test_who_knows_more_gets_more(result: TrafficResult) -> None:
    rows = {row["policy"]: row for row in result.to_json()["rows"]}
    assert rows["online"]["right"] > 1.3 * rows["static-cap"]["right"]
    assert rows["online"]["of_batch"] > 90.0
    assert rows["online"]["of_fixed"] > 97.0
    assert rows["static-cap"]["right"] > rows["first-come"]["right"]
    assert rows["online"]["limited"] < rows["first-come"]["limited"]
    assert rows["fixed-price"]["regret"] == 0.0
    assert rows["batch"]["used"] is None


def test_carrying_over_is_no_worse(sums: Traces, outlook: RecordedOutlook) -> None:
    traffic = draw(sums, "easy-hard-burst", 900)
    mine, budget = outlook.take(traffic.rows), traffic.budget(0.3)
    without, carried = (serve_day(OnlineMarket(GRID, budget, carry=carry), traffic, mine) for carry in (0.0, 0.25))
    assert 0 == carried.over
    assert carried.budget.max() <= 1.25 * budget
    assert carried.used.sum() > without.used.sum()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"days": ["sunday"]}, "no day 'sunday'"),
        ({"policies": ["onlin"]}, "did you mean online"),
        ({"days": []}, "nothing to play"),
        ({"shares": [0.0]}, "above 0"),
        ({"arrivals": 0}, "0 arrivals"),
    ],
)
def test_what_cannot_be_played_is_refused(
    sums: Traces, outlook: RecordedOutlook, change: dict[str, object], said: str
) -> None:
    asked: dict[str, object] = {"days": ["burst"], "shares": [0.3], "arrivals": 10, "windows": 2}
    with pytest.raises(InputError, match=said):
        compare_traffic(sums, outlook, **(asked | change))  # type: ignore[arg-type]
