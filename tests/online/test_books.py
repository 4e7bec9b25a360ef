"""The window's budget is hard, in whatever order calls come, for every market."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import InputError
from shadowprice.online import (
    AbstractOnlineMarket,
    FirstCome,
    FixedPrice,
    Hopes,
    MirrorDescent,
    OnlineMarket,
    Ticket,
)

GRID = [4, 8, 16, 32, 64]
LENGTH = 100.0


def hopes(chance: float, median: float = 20.0, generated: int = 0) -> Hopes:
    """Of a reply that is right with that chance, and half of those are over by the median."""
    by = 1.0 / (1.0 + (median / np.array(GRID)) ** 2)
    now = 0.0 if generated == 0 else 1.0 / (1.0 + (median / generated) ** 2)
    done = np.clip((by - now) / (1.0 - now), 0.0, 1.0)
    return Hopes(chance * done, done)


MARKETS: dict[str, Callable[[int, float], AbstractOnlineMarket]] = {
    "online": lambda budget, carry: OnlineMarket(GRID, budget, length=LENGTH, carry=carry),
    "first-come": lambda budget, carry: FirstCome(GRID, budget, length=LENGTH, carry=carry),
    "capped": lambda budget, carry: FirstCome(GRID, budget, cap=13, length=LENGTH, carry=carry),
    "fixed": lambda budget, carry: FixedPrice(GRID, budget, price=0.005, length=LENGTH, carry=carry),
    "mirror": lambda budget, carry: MirrorDescent(GRID, budget, price=0.005, length=LENGTH, carry=carry),
}
SHARE = st.floats(0.0, 1.0)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("admit"), SHARE, st.floats(0.1, 10.0), st.none() | st.integers(1, 100)),
        st.tuples(st.just("write"), st.integers(0, 20), SHARE, st.booleans()),
        st.tuples(st.just("ask"), st.integers(0, 20), SHARE),
        st.tuples(st.just("settle"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.floats(0.0, 60.0)),
        st.tuples(st.just("wait"), st.just(350.0)),
    ),
    max_size=60,
)


class Books:
    """What is really generated, and when."""

    def __init__(self, market: AbstractOnlineMarket) -> None:
        self.market, self.now = market, 0.0
        self.running: list[tuple[Ticket, int]] = []
        self.made = 0
        """Tokens made in this window."""

    def check(self, pool: int) -> None:
        market = self.market
        held = sum(ticket.granted - made for ticket, made in self.running)
        assert market.pool >= 0
        assert self.made + held <= market.window.budget - market.pool
        assert all(ticket.granted <= ticket.most for ticket, _ in self.running)
        assert market.window.start <= self.now < market.window.end
        assert pool >= 0

    def play(self, step: tuple[Any, ...]) -> None:
        kind, *rest = step
        if kind == "admit":
            ticket = self.market.admit(self.now, hopes(rest[0]), weight=rest[1], most=rest[2])
            if ticket is not None:
                assert 1 <= ticket.granted <= GRID[0]
                self.running.append((ticket, 0))
        elif kind == "wait":
            self.now += rest[0]
            begun = self.market.window.start
            self.market.advance(self.now)
            if self.market.window.start != begun:
                self.made = 0
        elif self.running:
            place = rest[0] % len(self.running)
            ticket, made = self.running[place]
            if kind == "write":
                more = int(rest[1] * (ticket.granted - made))
                self.made += more
                self.running[place] = ticket, made + more
                if rest[2]:
                    ticket.generated = made + more
            elif kind == "ask":
                before = ticket.granted
                limit = self.market.grant(ticket, self.now, made, hopes(rest[1], generated=made))
                assert ticket.granted >= before
                assert limit in (made, max(ticket.granted, made))
            else:
                self.market.settle(ticket, self.now, made)
                del self.running[place]


@pytest.mark.parametrize("name", MARKETS)
@given(budget=st.integers(0, 300), carry=st.sampled_from([0.0, 0.1, 1.0]), steps=STEPS)
@settings(max_examples=40, deadline=None)
def test_no_window_is_overspent(name: str, budget: int, carry: float, steps: list[tuple[Any, ...]]) -> None:
    books = Books(MARKETS[name](budget, carry))
    for step in steps:
        books.play(step)
        books.check(books.market.pool)
        assert books.market.window.budget <= budget + carry * budget


@given(steps=STEPS, changes=st.lists(st.integers(-200, 200), max_size=60))
@settings(max_examples=40, deadline=None)
def test_what_others_use_is_not_granted_again(steps: list[tuple[Any, ...]], changes: list[int]) -> None:
    books = Books(OnlineMarket(GRID, 200, length=LENGTH))
    for step, change in zip(steps, changes, strict=False):
        books.market.adjust(change)
        pool = books.market.pool
        granted = sum(ticket.granted for ticket, _ in books.running)
        if step[0] in ("admit", "ask"):
            books.play(step)
            more = sum(ticket.granted for ticket, _ in books.running) - granted
            assert books.market.pool == pool - more
            assert more <= max(pool, 0)


def test_tokens_that_were_not_used_are_there_again() -> None:
    market = FirstCome(GRID, 20, length=LENGTH)
    ticket = market.admit(1.0, hopes(0.5))
    assert ticket is not None
    assert 16 == market.pool
    market.settle(ticket, 2.0, 1)
    market.settle(ticket, 3.0, 0)
    assert 19 == market.pool


def test_a_reply_that_goes_over_its_grant_is_charged() -> None:
    market = FirstCome(GRID, 20, length=LENGTH)
    ticket = market.admit(1.0, hopes(0.5))
    assert ticket is not None
    market.settle(ticket, 2.0, 7)
    assert 13 == market.pool


def test_what_was_written_before_the_boundary_is_charged_to_its_own_window() -> None:
    market = FirstCome(GRID, 20, length=LENGTH)
    ticket = market.admit(99.0, hopes(0.5))
    assert ticket is not None
    ticket.generated = 3
    market.advance(100.0)
    assert (19, 20) == (market.pool, market.window.budget)
    market.settle(ticket, 101.0, 4)
    assert 19 == market.pool


def test_a_part_of_what_is_left_over_is_carried() -> None:
    market = FirstCome(GRID, 20, length=LENGTH, carry=0.25)
    ticket = market.admit(1.0, hopes(0.5))
    assert ticket is not None
    market.settle(ticket, 2.0, 2)
    market.advance(100.0)
    assert (25, 25) == (market.pool, market.window.budget)
    market.advance(1000.0)
    assert (25, 25) == (market.pool, market.window.budget)
    assert (1000.0, 1100.0) == (market.window.start, market.window.end)


def test_whoever_is_asked_ahead_gets_one_step_and_no_more() -> None:
    market = FirstCome(GRID, 1000, length=LENGTH)
    ticket = market.admit(1.0, hopes(0.5))
    assert ticket is not None
    assert 8 == market.grant(ticket, 1.0, 3, hopes(0.5, generated=3))
    assert 8 == market.grant(ticket, 1.0, 3, hopes(0.5, generated=3))
    assert 16 == market.grant(ticket, 1.0, 8, hopes(0.5, generated=8))


def test_an_empty_window_stops_a_reply_at_the_end_of_its_grant_and_says_so() -> None:
    market = FirstCome(GRID, 6, length=LENGTH)
    ticket = market.admit(1.0, hopes(0.5))
    assert ticket is not None
    assert 6 == market.grant(ticket, 1.0, 4, hopes(0.5, generated=4))
    assert (6, False) == (market.grant(ticket, 1.0, 5, hopes(0.5, generated=5)), ticket.limited)
    assert (6, True) == (market.grant(ticket, 1.0, 6, hopes(0.5, generated=6)), ticket.limited)
    assert market.admit(1.0, hopes(0.9)) is None


def test_time_does_not_go_back() -> None:
    market = FirstCome(GRID, 6, length=LENGTH)
    market.advance(250.0)
    market.advance(10.0)
    assert 200.0 == market.window.start


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: FirstCome([8, 8], 10), "whole token counts that rise"),
        (lambda: FirstCome([], 10), "whole token counts that rise"),
        (lambda: FirstCome(GRID, -1), "-1 tokens; it must be 0 or more"),
        (lambda: FirstCome(GRID, 10, length=0.0), "window of 0 seconds"),
        (lambda: FirstCome(GRID, 10, carry=1.5), "0 to 1, not 1.5"),
        (lambda: FirstCome(GRID, 10, cap=0), "cap of 0 tokens"),
        (lambda: FixedPrice(GRID, 10, price=float("nan")), "not nan"),
        (lambda: FirstCome(GRID, 10).admit(0.0, hopes(0.5), weight=0.0), "weight must be finite and above 0"),
        (lambda: FirstCome(GRID, 10).admit(0.0, hopes(0.5), most=0), "may reach 0 tokens"),
    ],
)
def test_what_cannot_be_is_refused(build: Callable[[], object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        build()
