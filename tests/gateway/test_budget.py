"""The budget of a window holds by the server's own count, whatever clients do, and whatever becomes of the gateway."""

import asyncio
import random
import signal
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from counting_server import counting_server, made_tokens
from gateways import gateway_process
from shadowprice.ledger import Ledger, Totals

TOKENS = 3000
"""Of a window; at 500 tokens a second, 128 streams use it up in a tenth of a second."""


async def drive(url: str, until: float, streams: int = 128, leave: float = 0.0, seed: int = 0) -> dict[int, int]:
    """Ask again and again, so many at a time, until then; a share leaves in the middle. Answers by status."""
    seen: dict[int, int] = {}
    chance = random.Random(seed)

    async def client(http: httpx2.AsyncClient, number: int) -> None:
        while time.time() < until:
            left = chance.random() < leave
            body = {
                "messages": [{"role": "user", "content": f"{chance.randint(5, 90)} words"}],
                "stream": True,
                "max_tokens": 128,
            }
            try:
                async with http.stream("POST", url + "/chat/completions", json=body) as reply:
                    seen[reply.status_code] = seen.get(reply.status_code, 0) + 1
                    async for _ in reply.aiter_bytes():
                        if left and chance.random() < 0.2:
                            break
                if reply.status_code == 429:
                    await asyncio.sleep(0.1 + 0.2 * chance.random())
            except httpx2.TransportError:
                seen[0] = seen.get(0, 0) + 1
                await asyncio.sleep(0.05)

    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=streams)
    async with httpx2.AsyncClient(timeout=20, trust_env=False, limits=limits) as http:
        await asyncio.gather(*(client(http, number) for number in range(streams)))
    return seen


def books(path: Path) -> dict[str, Totals]:
    with Ledger(path, read_only=True) as ledger:
        assert [] == ledger.check()
        return {run.name: ledger.totals(run.name) for run in ledger.runs()}


def test_128_streams_over_several_windows(tmp_path: Path) -> None:
    path = tmp_path / "serve.ledger"
    with counting_server() as server, gateway_process(server, path, tokens=TOKENS, seconds=1.0) as (url, process):
        seen = asyncio.run(drive(url, time.time() + 3.5, leave=0.1))
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20)
        made = made_tokens(server)
    found = books(path)
    print(seen, made, found)
    assert 4 <= len(found) <= 7
    assert all(totals.spent <= TOKENS and totals.overrun == 0 == totals.open == totals.lost for totals in found.values())
    # What is charged is what was made, and what may have been made after a client had left.
    spent = sum(totals.spent for totals in found.values())
    assert made <= spent <= made + 2 * sum(totals.reasons.get("client left", 0) for totals in found.values()) + 0.02 * made
    assert sorted(totals.spent for totals in found.values())[-3] >= 0.9 * TOKENS
    assert seen[200] > 100 and seen[429] > 100
    assert set(seen) <= {200, 429, 503}


@pytest.mark.parametrize("leave", [0.0, 0.3])
def test_a_gateway_that_is_killed_leaves_nothing_behind(tmp_path: Path, leave: float) -> None:
    path = tmp_path / "serve.ledger"
    seconds = 20.0
    time.sleep(max(0.0, time.time() % seconds - seconds + 6.0))  # not across the end of a window
    with counting_server(rate=100) as server:
        with gateway_process(server, path, tokens=2 * TOKENS, seconds=seconds) as (url, process):
            asyncio.run(kill_while_it_serves(url, process, leave))
        held = books(path)
        settled = {name: totals.settled for name, totals in held.items()}
        assert 0 < sum(totals.open for totals in held.values())
        with gateway_process(server, path, tokens=2 * TOKENS, seconds=seconds) as (url, process):
            now = books(path)
            # What was reserved is charged at once, and what was settled stays.
            assert [0] * len(now) == [totals.open for totals in now.values()]
            assert all(now[name].settled == settled[name] for name in settled)
            seen = asyncio.run(drive(url, time.time() + 1.5))
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(20)
        made = made_tokens(server)
    found = books(path)
    assert 0 < seen.get(200, 0)
    assert made <= sum(totals.spent for totals in found.values())
    assert all(totals.spent <= totals.budget and totals.overrun == 0 for totals in found.values())


async def kill_while_it_serves(url: str, process: Any, leave: float) -> None:
    driving = asyncio.create_task(drive(url, time.time() + 1.2, streams=64, leave=leave))
    await asyncio.sleep(0.7)
    process.kill()
    await driving
