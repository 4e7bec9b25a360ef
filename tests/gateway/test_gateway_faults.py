"""The fault drill: whatever servers, clients and the machine do, no window makes more than its budget."""

import asyncio
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from counting_server import counting_process, counting_server, made_tokens
from fault_proxy import OF_GATEWAYS, FaultProxy
from gateways import gateway_process
from http_server import Serve
from raw_client import Answer, drive, request, send
from window_books import WindowBooks, books, window_books

TOKENS = 1200
SECONDS = 2.0
_STALL = 1.5
_OVERSHOOT = 4
"""Tokens beyond what was read that are made for a stream that was cut off, with a proxy in between."""


@contextmanager
def driven(url: str, seconds: float, streams: int, seed: int) -> Iterator[None]:
    """Clients at work beside the block, one in five of which leaves in the middle."""
    work = drive(url, time.time() + seconds, streams=streams, leave=0.2, seed=seed)
    thread = threading.Thread(target=asyncio.run, args=(work,))
    thread.start()
    try:
        yield
    finally:
        thread.join()


def stand_still(process: Any, seconds: float) -> None:
    process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    process.send_signal(signal.SIGCONT)


def check(found: dict[str, WindowBooks], tokens: int, overshoot: int = _OVERSHOOT) -> None:
    for name, one in found.items():
        print(name, one)
        assert one.made <= tokens + overshoot * one.closed
        assert one.totals.spent - one.totals.overrun <= tokens
        assert one.totals.overrun <= overshoot * one.closed


def all_is_paid(found: dict[str, WindowBooks], overshoot: int = _OVERSHOOT) -> None:
    made, spent = (
        sum(counts) for counts in zip(*((one.made, one.totals.spent) for one in found.values()), strict=True)
    )
    closed = sum(one.closed for one in found.values()) // 2  # each counts for two windows
    assert made <= spent + overshoot * closed


def still_serves(url: str) -> None:
    content = request(url, {"messages": [{"role": "user", "content": "5 words"}], "stream": True, "max_tokens": 8})
    until = time.monotonic() + 20
    while (status := asyncio.run(send(url, content)).status) != 200:
        assert time.monotonic() < until, f"it says {status}"
        time.sleep(0.1)


def test_a_gateway_that_stood_still_takes_nobody_else_for_silent(tmp_path: Path) -> None:
    path = tmp_path / "serve.ledger"
    question = {"messages": [{"role": "user", "content": "60 words"}], "stream": True, "max_tokens": 64}
    with (
        counting_server(rate=50) as server,
        gateway_process(f"llamacpp+{server}", path, tokens=1000, seconds=3600.0, stall=1.0) as (url, process),
    ):

        async def ask_and_stop() -> Answer:
            asked = asyncio.create_task(send(url, request(url, question)))
            while made_tokens(server) < 10:
                await asyncio.sleep(0.02)
            stand_still(process, 2.5)
            return await asked

        answer = asyncio.run(ask_and_stop())
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20)
    assert 60 == answer.body.count(b'"a "')
    [one] = books(path).values()
    assert (60, {"finished": 1}) == (one.spent, one.reasons)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [1, pytest.param(12, marks=pytest.mark.soak)])
def test_no_window_makes_more_than_its_budget(serve: Serve, tmp_path: Path, rounds: int) -> None:
    path = tmp_path / "serve.ledger"
    chance = random.Random(rounds)
    with counting_process(rate=150) as (server, machine):
        proxy = FaultProxy(server, faults=OF_GATEWAYS + ("none",) * 2 * len(OF_GATEWAYS))
        upstream = f"llamacpp+{serve(proxy).url}"

        def gateway() -> Any:
            return gateway_process(upstream, path, tokens=TOKENS, seconds=SECONDS, stall=_STALL)

        for number in range(rounds):
            with gateway() as (url, process):
                still_serves(url)
                with driven(url, 7.0, streams=48, seed=number):
                    time.sleep(2.0 + chance.random())
                    stand_still(process, chance.uniform(0.5, 2.5))
                    time.sleep(chance.random())
                    stand_still(machine, chance.uniform(0.5, 2.5))
                still_serves(url)
                with driven(url, 2.0, streams=48, seed=number + 1000):
                    time.sleep(chance.uniform(0.5, 1.5))
                    process.kill()
            held = window_books(server, path, SECONDS)
            settled = {name: one.totals.settled for name, one in held.items()}
            with gateway() as (url, process):
                now = window_books(server, path, SECONDS)
                assert [0] * len(now) == [one.totals.open for one in now.values()]
                assert all(now[name].totals.settled == count for name, count in settled.items())
                with driven(url, 3.0, streams=48, seed=number + 2000):
                    pass
                still_serves(url)
                process.send_signal(signal.SIGTERM)
                assert 0 == process.wait(30)
            found = window_books(server, path, SECONDS)
            check(found, TOKENS)
            assert [0] * len(found) == [one.totals.open for one in found.values()]
    all_is_paid(found)
    assert set(OF_GATEWAYS) == set(proxy.struck)
    # Some windows were full, or nothing was shown.
    assert sum(one.made >= 0.8 * TOKENS for one in found.values()) >= rounds


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seconds", [7.0, pytest.param(120.0, marks=pytest.mark.soak)])
def test_two_gateways_at_one_ledger_share_each_window(tmp_path: Path, seconds: float) -> None:
    path = tmp_path / "serve.ledger"
    with counting_server(rate=150) as server, ExitStack() as stack:
        started = [
            stack.enter_context(gateway_process(f"llamacpp+{server}", path, tokens=TOKENS, seconds=SECONDS))
            for _ in range(2)
        ]
        with driven(started[0][0], seconds, streams=40, seed=1), driven(started[1][0], seconds, streams=40, seed=2):
            time.sleep(seconds / 2)
            stand_still(started[1][1], 2.5)  # over the end of a window, which the other one turns meanwhile
        for url, process in started:
            still_serves(url)
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(30)
        found = window_books(server, path, SECONDS)
    check(found, TOKENS, overshoot=2)
    all_is_paid(found, overshoot=2)
    assert [0] * len(found) == [one.totals.open for one in found.values()]
    assert sum(one.totals.spent >= 0.9 * TOKENS for one in found.values()) >= 2
