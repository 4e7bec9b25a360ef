"""Windows of several gateways, and of those that die, come late, or had another clock: what an attack on them found."""

import asyncio
import io
from pathlib import Path
from typing import Any

import pytest

from gateways import GRID, Steady
from shadowprice.gateway import (
    Gateway,
    Keyhole,
    Log,
    Memory,
    Upstream,
    UpstreamChoice,
    Upstreams,
    Worth,
)
from shadowprice.gateway._account import Account
from shadowprice.gateway._refusals import RefusedRequestError
from shadowprice.ledger import Ledger
from shadowprice.online import FirstCome
from window_tills import HOPES, NINE, Clock, admit, books, open_till


@pytest.mark.parametrize("carry", [0.0, 0.5])
def test_a_larger_budget_counts_once(tmp_path: Path, carry: float) -> None:
    async def visit(hour: int, tokens: int) -> int:
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, Clock(NINE + 3600.0 * hour), tokens=tokens, carry=carry)
            if not hour:
                till.settle(await admit(till, "a", most=90, enough=90), 90, "finished", {})
            till.close()
            return till.window.budget

    asyncio.run(visit(0, 100))
    carried = round(10 * 2 * carry)
    budgets = [asyncio.run(visit(1, tokens)) for tokens in (100, 200, 200, 150, 200, 300)]
    assert [budget + carried for budget in (100, 200, 200, 200, 200, 300)] == budgets


def test_what_another_gateway_still_holds_in_the_last_window_is_not_carried_over(tmp_path: Path) -> None:
    async def night() -> None:
        clock = Clock()
        with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as beside:
            other = open_till(beside, clock, tokens=100, carry=1.0)
            running = await admit(other, "a", most=90, enough=90)
            clock.now += 3600.0
            till = open_till(ledger, clock, tokens=100, carry=1.0)
            assert 110 == till.window.budget
            other.settle(running, 90, "finished", {})
            other.close()
            till.close()

    asyncio.run(night())


def test_what_a_gateway_held_that_has_died_before_it_turned_is_kept_free_for_nobody(tmp_path: Path) -> None:
    async def night() -> None:
        clock = Clock()
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, clock, patience=0.0)
            beside = Ledger(tmp_path / "l")
            await admit(open_till(beside, clock), "a", most=700, enough=700)
            clock.now += 3600.0
            till.tick()
            await asyncio.sleep(0)
            with pytest.raises(RefusedRequestError, match="held by replies under way"):
                await admit(till, "b", most=400, enough=400)
            beside.close()  # as the death of its process does
            till.tick()
            till.settle(await admit(till, "c", most=400, enough=400), 400, "finished", {})
            till.close()
            found = books(ledger)
            assert [0, 0] == [totals.open for totals in found.values()]
            assert [8, 400] == [totals.spent for totals in found.values()]
            assert [] == ledger.check()

    asyncio.run(night())


def test_who_comes_late_into_a_window_does_not_take_the_books_of_the_next(tmp_path: Path) -> None:
    """Whoever is started at the turn, and looks at the clock before it and into the ledger behind it."""

    async def night() -> None:
        clock, late = Clock(), Clock()
        with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as beside:
            till = open_till(ledger, clock)
            clock.now += 3600.0
            till.tick()
            await asyncio.sleep(0)
            other = open_till(beside, late, patience=0.0)
            till.settle(await admit(till, "a", most=900, enough=900), 900, "finished", {})
            await asyncio.sleep(0)
            late.now = clock.now
            other.tick()
            with pytest.raises(RefusedRequestError, match=r"used up|is less than such"):
                await admit(other, "b", most=400, enough=400)
            assert 900 == books(ledger)["10:00:00Z"].spent
            other.close()
            till.close()

    asyncio.run(night())


def test_more_choices_than_a_window_has_tokens_are_too_many_for_ever(tmp_path: Path) -> None:
    async def rush() -> None:
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, Clock(), tokens=20)
            with pytest.raises(RefusedRequestError, match="raise --budget") as refused:
                await till.admit(Account("a", HOPES, 1280, choices=128, weight=128.0))
            assert "budget_too_small" == refused.value.code
            till.close()

    asyncio.run(rush())


def test_who_is_called_off_in_the_very_moment_that_it_is_let_in_holds_nothing(tmp_path: Path) -> None:
    """As other servers than ours do with requests whose client has left."""

    async def call_off() -> None:
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, Clock())
            upstreams = Upstreams([Upstream(UpstreamChoice("http://127.0.0.1:9/v1"))])
            log = Log(io.StringIO())
            gateway = Gateway(till, upstreams, Worth(Steady(), 64), keyhole=Keyhole(None), log=log)
            body = b'{"messages": [{"role": "user", "content": "Hi."}]}'
            scope = {"type": "http", "method": "POST", "path": "/v1/chat/completions", "headers": []}

            async def receive() -> dict[str, Any]:
                return {"type": "http.request", "body": body}

            async def send(message: Any) -> None:
                raise AssertionError(message)

            task = asyncio.create_task(gateway(scope, receive, send))
            await asyncio.sleep(0)  # what writes for it is to run in the next pass, and this behind it
            asyncio.get_running_loop().call_soon(task.cancel)
            with pytest.raises(asyncio.CancelledError):
                await task
            till.close()
            await upstreams.aclose()
            totals = next(iter(books(ledger).values()))
            assert ({"interrupted": 1}, 0, 0, 0) == (totals.reasons, totals.open, totals.reserved, totals.spent)

    asyncio.run(call_off())


@pytest.mark.parametrize(("hours", "warm"), [(-2, True), (0, True), (2, False)])
def test_what_was_learnt_by_a_clock_that_was_ahead_is_left(tmp_path: Path, hours: int, warm: bool) -> None:
    """Time would stand still until then, and every arrival would be one more of the same moment."""

    def market(start: float) -> FirstCome:
        return FirstCome(GRID, 1000, length=3600.0, start=start)

    events: list[str] = []
    before = Memory(tmp_path / "l", market(NINE + 3600.0 * hours), Steady(), lambda event, **fields: None)
    before.save()
    found = market(NINE)
    memory = Memory(tmp_path / "l", found, Steady(), lambda event, **fields: events.append(event))
    assert warm == memory.load()
    assert ([] if warm else ["begins cold"]) == events
    found.advance(NINE + 3600.0)
    assert NINE + 3600.0 == found.window.start
