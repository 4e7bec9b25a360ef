"""Windows, their books, and what goes from one into the next."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from shadowprice.gateway import Till
from shadowprice.gateway._refusals import RefusedRequestError
from shadowprice.ledger import Ledger
from window_tills import HOPES, NINE, Clock, admit, books, open_till


def test_a_clock_that_is_set_back_stops_no_window(tmp_path: Path) -> None:
    async def hours() -> None:
        with Ledger(tmp_path / "l") as ledger:
            clock, steady = Clock(), Clock(50.0)
            till = open_till(ledger, clock, steady=steady)
            till.settle(await admit(till, "a"), 50, "finished", {})
            await asyncio.sleep(0)
            clock.now -= 7200.0
            steady.now += 3601.0
            till.tick()
            till.settle(await admit(till, "b"), 30, "finished", {})
            clock.now += 3 * 3600.0 + 10.0  # it is right again
            steady.now += 1.0
            assert NINE + 3610.0 <= till.now()
            till.close()
            assert {"09:00:00Z": 50, "10:00:00Z": 30} == {name: one.spent for name, one in books(ledger).items()}

    asyncio.run(hours())


def test_a_window_is_a_run_of_its_own(tmp_path: Path) -> None:
    async def hour() -> None:
        with Ledger(tmp_path / "l") as ledger:
            clock = Clock()
            till = open_till(ledger, clock)
            account = await admit(till, "a")
            assert (8, 200) == (account.granted, account.cap)
            assert 992 == till.left
            till.settle(account, 50, "finished", {"route": "/"})
            till.close()
            assert 950 == till.left
            found = books(ledger)
            assert ["09:00:00Z"] == list(found)
            assert (1000, 50, 0) == tuple(getattr(found["09:00:00Z"], name) for name in ("budget", "spent", "open"))

    asyncio.run(hour())


@pytest.mark.parametrize(("carry", "budget"), [(0.0, 1000), (0.1, 1100), (1.0, 1960)])
def test_what_runs_across_the_end_of_a_window_is_charged_where_it_was_made(
    tmp_path: Path, carry: float, budget: int
) -> None:
    async def night() -> None:
        with Ledger(tmp_path / "l") as ledger:
            clock = Clock()
            till = open_till(ledger, clock, carry=carry)
            account = await admit(till, "a", most=300)
            assert 64 == till.grant(account, 40, HOPES)
            await asyncio.sleep(0)
            clock.now += 3600.0
            till.tick()
            await asyncio.sleep(0)
            found = books(ledger)
            assert (40, {"went on": 1}) == (found["09:00:00Z"].spent, found["09:00:00Z"].reasons)
            assert (budget, 0, 24, 236) == tuple(
                getattr(found["10:00:00Z"], name) for name in ("budget", "spent", "reserved", "ahead")
            )
            assert budget - 24 == till.left
            assert 128 == till.grant(account, 100, HOPES)
            till.settle(account, 120, "finished", {})
            till.close()
            assert 80 == books(ledger)["10:00:00Z"].spent
            assert budget - 80 == till.left
            assert [] == ledger.check()

    asyncio.run(night())


def test_a_gateway_that_comes_back_goes_on_with_the_window(tmp_path: Path) -> None:
    async def visit(left: int, **options: Any) -> None:
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, Clock(NINE + 60), **options)
            assert left == till.left
            till.settle(await admit(till, f"q{left}"), 100, "finished", {})
            till.close()

    asyncio.run(visit(1000))
    asyncio.run(visit(900))
    asyncio.run(visit(1300, tokens=1500))  # a larger budget counts at once
    asyncio.run(visit(1200, tokens=200))  # a smaller one from the next window on


def test_a_window_that_nobody_has_closed_is_closed(tmp_path: Path) -> None:
    async def day() -> None:
        with Ledger(tmp_path / "l") as ledger:
            await admit(open_till(ledger, Clock()), "lost", most=50)
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, Clock(NINE + 3600.0), carry=0.5)
            assert 1 == till.window.recovered
            found = books(ledger)
            assert (8, 8, 0) == tuple(getattr(found["09:00:00Z"], name) for name in ("spent", "lost", "open"))
            assert 1500 == till.window.budget  # of the 992 that were left
            till.close()

    asyncio.run(day())


def test_a_window_in_which_nobody_asked_anything_leaves_no_books(tmp_path: Path) -> None:
    async def day() -> None:
        clock = Clock()
        with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as beside:
            till, other = open_till(ledger, clock, carry=0.1), open_till(beside, clock, carry=0.1)

            async def turn(*tills: Till) -> None:
                clock.now += 3600.0
                for one in tills:
                    one.tick()
                    await asyncio.sleep(0)

            till.settle(await admit(till, "a"), 50, "finished", {})
            await asyncio.sleep(0)
            for _ in range(3):
                await turn(till, other)
            assert ["09:00:00Z", "12:00:00Z"] == list(books(ledger))
            await turn(other, till)
            assert {"09:00:00Z": 1000, "13:00:00Z": 1100} == {n: t.budget for n, t in books(ledger).items()}
            # Both have the same books now, whoever turned first, and what is under way stays there.
            account, more = await admit(till, "b"), await admit(other, "c")
            till.settle(account, 30, "finished", {})
            other.settle(more, 20, "finished", {})
            till.close()
            other.close()
            assert (50, 0) == (books(ledger)["13:00:00Z"].spent, books(ledger)["13:00:00Z"].open)
            assert [] == ledger.check()
            clock.now += 3600.0
        for _ in range(2):  # started twice, and nobody asked anything
            clock.now += 3600.0
            with Ledger(tmp_path / "l") as ledger:
                open_till(ledger, clock).close()
                assert ["09:00:00Z", "13:00:00Z"] == list(books(ledger))[:2]
                assert 3 == len(books(ledger))

    asyncio.run(day())


def test_what_another_gateway_has_under_way_has_room_in_the_next_window(tmp_path: Path) -> None:
    """Whoever turns first must not let others have it: what is made then would be beyond the budget."""

    async def night() -> None:
        clock = Clock()
        with Ledger(tmp_path / "l") as ledger, Ledger(tmp_path / "l") as beside:
            till, other = open_till(ledger, clock, patience=0.0), open_till(beside, clock)
            running = await admit(other, "a", most=700, enough=700)
            assert 700 == running.cap
            clock.now += 3600.0
            till.tick()
            await asyncio.sleep(0)
            with pytest.raises(RefusedRequestError, match="held by replies under way"):
                await admit(till, "b", most=400, enough=400)
            account = await admit(till, "c", most=600, enough=200)
            assert 300 == account.cap
            other.tick()
            await asyncio.sleep(0)
            totals = books(ledger)["10:00:00Z"]
            assert (2, 1000) == (totals.open, totals.reserved + totals.ahead)
            other.settle(running, 690, "finished", {})
            till.settle(account, 300, "length", {})
            other.close()
            till.close()
            found = books(ledger)
            assert (0, 990) == tuple(found[name].spent for name in ("09:00:00Z", "10:00:00Z"))
            assert [0, 0] == [totals.open for totals in found.values()]
            assert [] == ledger.check()

    asyncio.run(night())


def test_what_a_gateway_held_that_has_died_is_charged_when_the_window_ends(tmp_path: Path) -> None:
    async def night() -> None:
        clock = Clock()
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, clock, carry=1.0)
            beside = Ledger(tmp_path / "l")
            await admit(open_till(beside, clock), "a", most=300)
            beside.close()  # as the death of its process does
            clock.now += 3600.0
            till.tick()
            await asyncio.sleep(0)
            found = books(ledger)
            assert (8, 8, 0) == tuple(getattr(found["09:00:00Z"], name) for name in ("spent", "lost", "open"))
            assert 1992 == till.window.budget
            till.close()

    asyncio.run(night())


def test_who_arrives_when_all_is_held_waits_a_moment(tmp_path: Path) -> None:
    async def rush() -> None:
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, Clock(), tokens=100, patience=5.0)
            first = await admit(till, "a", most=100)
            waiting = asyncio.create_task(admit(till, "b", most=60, enough=60))
            await asyncio.sleep(0.01)
            assert not waiting.done()
            till.settle(first, 20, "finished", {})
            second = await waiting
            assert 60 <= second.cap
            # Nothing that is held could come to so much.
            with pytest.raises(
                RefusedRequestError, match=r"20 tokens, is less than such a reply may need; send a smaller"
            ) as refused:
                await admit(till, "c", most=90, enough=90)
            assert ("budget_exhausted", 3600.0) == (refused.value.code, refused.value.wait)
            till.settle(second, 1, "finished", {})
            till.close()

    asyncio.run(rush())


def test_who_has_waited_long_enough_is_refused(tmp_path: Path) -> None:
    async def rush() -> None:
        with Ledger(tmp_path / "l") as ledger:
            clock = Clock()
            till = open_till(ledger, clock, tokens=100, patience=0.01)
            first = await admit(till, "a", most=100)
            waiting = asyncio.create_task(admit(till, "b", most=60, enough=60))
            await asyncio.sleep(0)
            clock.now += 0.02
            with pytest.raises(RefusedRequestError, match="held by replies under way"):
                await waiting
            till.settle(first, 1, "finished", {})
            till.close()

    asyncio.run(rush())


def test_many_arrivals_are_one_transaction(tmp_path: Path) -> None:
    async def rush() -> int:
        with Ledger(tmp_path / "l") as ledger:
            till = open_till(ledger, Clock(), tokens=100_000)
            written: list[str] = []
            ledger._db.set_trace_callback(written.append)
            accounts = await asyncio.gather(*(admit(till, f"q{number}") for number in range(50)))
            for account in accounts:
                till.settle(account, 10, "finished", {})
            await asyncio.sleep(0)
            ledger._db.set_trace_callback(None)
            till.close()
            assert 500 == next(iter(books(ledger).values())).spent
            return sum(line.startswith("BEGIN") for line in written)

    assert 2 == asyncio.run(rush())


def test_while_the_ledger_cannot_be_written_nothing_begins_and_nothing_is_lost(tmp_path: Path) -> None:
    async def full() -> None:
        events: list[str] = []
        with Ledger(tmp_path / "l", patience=0.0) as ledger, Ledger(tmp_path / "l") as other:
            till = open_till(ledger, Clock(), tell=lambda event, **fields: events.append(event))
            account = await admit(till, "a")
            with other.batch():  # it keeps everybody else from writing
                till.settle(account, 30, "finished", {})
                with pytest.raises(RefusedRequestError, match="ledger cannot be written"):
                    await admit(till, "b")
                assert till.broken
            till.tick()
            await asyncio.sleep(0)
            assert not till.broken
            with other.batch(), pytest.raises(RefusedRequestError, match="ledger cannot be written"):
                await admit(till, "c")
            till.tick()
            await asyncio.sleep(0)
            assert not till.broken  # although nobody asked anything meanwhile
            assert ["ledger cannot be written"] * 2 == events
            assert 30 == next(iter(books(ledger).values())).spent
            assert 970 == till.left
            till.close()

    asyncio.run(full())
