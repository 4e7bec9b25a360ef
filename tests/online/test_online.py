"""The price of live traffic: what moves it, and what it remembers."""

import json
from typing import Any

import numpy as np
import pytest

from shadowprice._errors import InputError
from shadowprice.online import FixedPrice, Hopes, OnlineMarket, Tuning
from shadowprice.online._kernels import BINS, LOWEST, WIDTH, cut, expect, stairs
from shadowprice.policies import staircases

GRID = np.array([4, 8, 16, 32, 64, 128])
HOUR = 3600.0


def hopes(chance: float, generated: int = 0) -> Hopes:
    by = 1.0 / (1.0 + (30.0 / GRID) ** 2)
    now = 0.0 if generated == 0 else 1.0 / (1.0 + (30.0 / generated) ** 2)
    done = np.clip((by - now) / (1.0 - now), 0.0, 1.0)
    return Hopes(chance * done, done)


def traffic(
    market: OnlineMarket,
    n: int,
    every: float,
    start: float = 0.0,
    seed: int = 0,
    longer: float = 1.0,
    alike: float = 0.0,
) -> int:
    """Queries at a steady pace, each written at once, all alike if that is asked for; how many were let in."""
    rng, let_in = np.random.default_rng(seed), 0
    for number in range(n):
        now = start + number * every
        chance, length = alike or float(rng.uniform(0.05, 0.95)), longer * 30.0 / np.sqrt(1.0 / rng.uniform() - 1.0)
        ticket = market.admit(now, hopes(chance))
        if ticket is None:
            continue
        let_in += 1
        made = 0
        while made < min(ticket.granted, length):
            made = int(min(ticket.granted, np.ceil(length)))
            if made < length:
                market.grant(ticket, now, made, hopes(chance, made))
        market.settle(ticket, now, made)
    return let_in


def test_a_budget_that_does_for_all_lets_everybody_in() -> None:
    market = OnlineMarket(GRID, 10**6)
    assert 300 == traffic(market, 300, 10.0)
    assert market.price == pytest.approx(1e-6)


def test_a_scarce_budget_lets_in_who_is_worth_most() -> None:
    market = OnlineMarket(GRID, 1500)
    traffic(market, 360, 10.0)
    assert 1e-3 < market.price
    assert market.admit(HOUR, hopes(0.02)) is None
    assert market.admit(HOUR, hopes(0.99)) is not None


def test_a_weight_buys_what_is_refused_without_it() -> None:
    market = OnlineMarket(GRID, 1500)
    traffic(market, 400, 10.0)
    assert market.admit(4000.0, hopes(0.05)) is None
    assert market.admit(4000.0, hopes(0.05), weight=50.0) is not None


def test_the_price_rises_in_a_burst_and_falls_in_silence() -> None:
    market = OnlineMarket(GRID, 8000)
    traffic(market, 360, 10.0)
    market.advance(HOUR)
    calm = market.price
    traffic(market, 60, 1.0, start=HOUR)
    burst = market.price
    assert burst > 1.2 * calm
    market.advance(HOUR + 1200.0)
    assert market.price < burst / 1.2


def test_what_running_replies_want_raises_the_price() -> None:
    market = OnlineMarket(GRID, 1800)
    traffic(market, 60, 20.0)
    running = [market.admit(1200.0 + 20.0 * number, hopes(0.99)) for number in range(10)]
    market.advance(1410.0)
    before, pool = market.price, market.pool
    nothing = Hopes(np.zeros(len(GRID)), np.zeros(len(GRID)))
    for ticket in running:
        assert ticket is not None
        assert 4 == market.grant(ticket, 1410.0, 4, nothing)
    market.advance(1415.0)
    # They hold the same tokens, but want no more.
    assert pool == market.pool
    assert before > 1.05 * market.price


def test_spending_more_than_was_foreseen_raises_the_price() -> None:
    """The pools are made equal, so what is left to see is the correction alone."""
    prices = []
    for longer in (0.5, 1.0, 2.0):
        market = OnlineMarket(GRID, 3000)
        traffic(market, 300, 10.0, longer=longer)
        market.adjust(800 - market.pool)
        prices.append(market.price)
    assert prices[0] < prices[1] < prices[2]


def test_a_past_of_ups_and_downs_keeps_more_for_what_may_come() -> None:
    """As many arrivals in all, evenly or in spikes: a token may be worth more later where traffic varies."""
    prices = []
    for spiky in (False, True):
        market = OnlineMarket(GRID, 4500, tuning=Tuning(slow=1e9, fast=1e9))
        for hour in range(0, 12, 2):
            traffic(market, 240, 3.0 if spiky else 30.0, start=hour * HOUR, seed=hour)
        market.advance(12.0 * HOUR + 1.0)
        prices.append(market.price)
    assert prices[1] > prices[0]


def test_the_price_outlives_its_window() -> None:
    market, cold = OnlineMarket(GRID, 1500), OnlineMarket(GRID, 1500)
    traffic(market, 540, 10.0)
    middle = market.price
    traffic(market, 180, 10.0, start=5400.0)
    for each in (market, cold):
        each.advance(2 * HOUR)
    assert middle / 2.0 < market.price < middle * 2.0
    assert cold.price < market.price / 2.0


def test_a_reply_is_stopped_when_it_is_no_longer_worth_its_price() -> None:
    market = OnlineMarket(GRID, 1500)
    traffic(market, 360, 10.0)
    ticket = market.admit(3601.0, hopes(0.9))
    assert ticket is not None
    nothing = Hopes(np.zeros(len(GRID)), np.linspace(0.0, 0.5, len(GRID)))
    assert 4 == market.grant(ticket, 3602.0, 4, nothing)
    assert not ticket.limited
    ticket = market.admit(3603.0, hopes(0.9))
    assert ticket is not None
    assert 8 == market.grant(ticket, 3604.0, 4, hopes(0.9, generated=4))


def test_a_query_that_can_bring_nothing_is_refused_even_for_nothing() -> None:
    assert OnlineMarket(GRID, 10**6).admit(0.0, hopes(0.0)) is None


def test_a_client_with_a_small_cap_hopes_for_less() -> None:
    grid = GRID.astype(np.int64)
    whole = hopes(0.8)
    ends, by, done = cut(grid, *whole.rows(), 24, 0)
    assert [4, 8, 16, 24, 24, 24] == ends.tolist()
    assert by[0, 3] == pytest.approx((whole.right[2] + whole.right[3]) / 2.0)
    assert [1.0, 1.0, 1.0] == done[0, 3:].tolist()
    ends, by, _ = cut(grid, *hopes(0.8, generated=20).rows(), 24, 20)
    assert by[0, 3] == pytest.approx(hopes(0.8, generated=20).right[3] * 4.0 / 12.0)
    market = OnlineMarket(GRID, 1000)
    ticket = market.admit(0.0, whole, most=6)
    assert ticket is not None
    assert 6 == market.grant(ticket, 0.0, 4, hopes(0.8, generated=4))
    assert 6 == market.grant(ticket, 0.0, 6, hopes(0.8, generated=6))


def test_stairs_without_a_cap_are_those_of_a_batch() -> None:
    one = hopes(0.7)
    least, expected = np.zeros(len(GRID)), np.zeros(len(GRID))
    stairs(GRID, *one.rows(), 10**6, 2.0, least, expected)
    theirs, tokens = np.zeros((1, len(GRID))), np.zeros((1, len(GRID)))
    staircases(GRID, one.right[np.newaxis], one.finished[np.newaxis], theirs, tokens)
    assert least == pytest.approx(2.0 * theirs[0])
    assert expected == pytest.approx(tokens[0])


@pytest.mark.parametrize("seed", range(20))
def test_the_price_is_where_demand_meets_what_is_left(seed: int) -> None:
    rng = np.random.default_rng(seed)
    sample, running = rng.uniform(0.0, 10.0, BINS), rng.uniform(0.0, 5.0, BINS) * (rng.uniform(size=BINS) < 0.1)
    usual, burst, left = rng.uniform(0.0, 2.0), rng.uniform(-0.5, 0.5), rng.uniform(1.0, 2000.0)
    factors = np.array([0.5, 1.0, 1.5])
    prices = []
    for factor in factors:
        demand = np.cumsum((max(usual * factor + burst, 0.0) * sample + running)[::-1])[::-1]
        fits = np.flatnonzero(demand <= left)
        lowest = fits[0] if fits.size else BINS
        if lowest == 0:
            prices.append((0.0, 1e-12))
            continue
        prices.append((np.exp(LOWEST + WIDTH * (lowest - 1)), np.exp(LOWEST + WIDTH * lowest)))
    # Two arrivals at the edges of each bin: what lies between is taken to be all of it.
    bins = np.arange(BINS).repeat(2).reshape(2, BINS, order="F")
    least = np.exp(LOWEST + WIDTH * (bins + np.array([[0.0], [1.0]])))
    found = expect(least, bins, sample, running, factors, usual, burst, left, 1e-12)
    assert np.mean([low for low, _ in prices]) <= found * (1 + 1e-9)
    assert found <= np.mean([high for _, high in prices]) * (1 + 1e-9)


@pytest.mark.parametrize("chance", [0.3, 0.313, 0.327, 0.342])
def test_of_queries_that_nobody_can_tell_apart_as_many_are_served_as_there_are_tokens_for(chance: float) -> None:
    """Whatever they are worth, and not only where that lies well on the ladder; and some in each quarter."""
    market = OnlineMarket(GRID, 2000)
    took = traffic(market, 720, 10.0, alike=chance)  # two windows; each could take three times its budget
    assert 40 < took
    quarters = []
    for quarter in range(4):
        before = market.pool
        traffic(market, 90, 10.0, start=2 * HOUR + quarter * HOUR / 4, seed=quarter + 1, alike=chance)
        quarters.append((before if quarter else 2000) - market.pool)
    assert min(quarters) > 200
    assert 0.97 * 2000 <= sum(quarters) <= 2000


def test_a_snapshot_goes_on_where_it_was_taken() -> None:
    market = OnlineMarket(GRID, 1500, carry=0.1)
    traffic(market, 500, 10.0)
    state = json.loads(json.dumps(market.snapshot()))
    again = OnlineMarket(GRID, 1500, carry=0.1)
    again.restore(state)
    assert (market.pool, market.window) == (again.pool, again.window)
    market.advance(5000.0)
    again.advance(5000.0)
    assert again.price == pytest.approx(market.price, rel=3e-2)
    for number in range(200):
        now, one = 5000.0 + 7.0 * number, hopes((number * 37 % 100) / 100.0)
        mine, theirs = market.admit(now, one), again.admit(now, one)
        assert (mine is None) == (theirs is None)
        assert again.price == pytest.approx(market.price, rel=3e-2)


def test_the_time_that_a_server_was_away_is_no_silence() -> None:
    market = OnlineMarket(GRID, 4000)
    traffic(market, 500, 10.0)
    again = OnlineMarket(GRID, 4000)
    again.restore(market.snapshot())
    for each in (market, again):
        each.advance(10.0 * HOUR)
    assert (4000, 4000) == (market.pool, again.pool)
    assert again.price > 1.5 * market.price


def test_open_tickets_of_a_snapshot_count_as_spent() -> None:
    market = OnlineMarket(GRID, 10_000)
    assert market.admit(1.0, hopes(0.9)) is not None
    again = OnlineMarket(GRID, 20_000)
    again.restore(market.snapshot())
    assert 19_996 == again.pool


def test_silence_before_it_listens_is_no_traffic() -> None:
    """A server that is started late in an hour does not take what went before for an hour without queries."""
    early, late = OnlineMarket(GRID, 1500), OnlineMarket(GRID, 1500)
    traffic(early, 60, 10.0, start=0.0)
    traffic(late, 60, 10.0, start=100 * HOUR + 2400.0)
    late.adjust(early.pool - late.pool)
    late.advance(101 * HOUR)
    early.advance(HOUR)
    assert late.price > early.price / 5.0


@pytest.mark.parametrize(
    "change",
    [
        lambda state: None,
        lambda state: state | {"grid": [1, 2]},
        lambda state: state | {"window": [0, 1]},
        lambda state: state | {"pool": "all"},
        lambda state: state | {"pool": float("nan")},
        lambda state: state | {"arrivals": [[1.0, [[BINS, 3.0]]]]},
        lambda state: state | {"arrivals": [[1.0, [[3, -1.0]]]]},
        lambda state: state | {"arrivals": [[1.0, [[3, 1.0]] * 1000]]},
        lambda state: state | {"arrivals": 3},
        lambda state: state | {"arrivals": [*state["arrivals"][:-1], None]},
        lambda state: state | {"arrivals": [[1e308, [[3, 1.0]]]] * 5},
        lambda state: state | {"budget": 10**400},
        lambda state: state | {"rates": [[1.0, 0.0, 0.0]]},
        lambda state: state | {"rates": [[1.0, 0.0, 1e308]] * 3},
        lambda state: state | {"rates": [[1.0, "nan", 0.0]] * 3},
        lambda state: state | {"counts": [-1]},
        lambda state: {name: value for name, value in state.items() if name != "spent"},
    ],
)
def test_a_damaged_snapshot_is_refused(change: Any) -> None:
    market = OnlineMarket(GRID, 1500)
    traffic(market, 20, 10.0)
    again, fresh = OnlineMarket(GRID, 1500), OnlineMarket(GRID, 1500)
    with pytest.raises(InputError, match="begins anew"):
        again.restore(change(market.snapshot()))
    traffic(again, 20, 10.0)
    traffic(fresh, 20, 10.0)
    assert (fresh.price, fresh.pool) == (again.price, again.pool)  # nothing of it was believed


def test_a_burst_is_forgiven_when_it_says_so() -> None:
    """Ten ask within ten seconds, and nobody afterwards: whoever is refused is told when it is worth coming again."""
    market, now = OnlineMarket(GRID, 4000, length=3600.0), 0.0
    while (ticket := market.admit(now, hopes(0.9))) is not None:
        market.settle(ticket, now + 1.0, 60)
        now += 1.0
        assert now < 100.0
    wait = market.reprieve
    assert 1.0 <= wait < 3600.0
    assert market.admit(now + wait + 1.0, hopes(0.9)) is not None


def test_who_is_refused_by_a_price_that_nothing_changes_comes_again_in_the_next_window() -> None:
    market = FixedPrice(GRID, 4000, price=1.0, length=3600.0)
    assert market.admit(0.0, hopes(0.9)) is None
    assert 3600.0 == market.reprieve
