"""The budget of a window holds by the server's own count, whatever clients do, and whatever becomes of the gateway."""

import asyncio
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from counting_server import counting_server, made_tokens
from gateways import gateway_process
from raw_client import drive
from window_books import books

TOKENS = 1200
"""Of a window: some thirty replies, which 128 clients use up even where the machine is busy."""


_NOTICES = 10
"""Tokens that a busy server makes until it notices that nobody reads on, in these tests."""


@pytest.mark.parametrize("leave", [0.1, pytest.param(0.0, marks=pytest.mark.slow)])
def test_128_streams_over_several_windows(tmp_path: Path, leave: float) -> None:
    path = tmp_path / "serve.ledger"
    with counting_server() as server, gateway_process(server, path, tokens=TOKENS, seconds=1.5) as (url, process):
        seen = asyncio.run(drive(url, time.time() + 3.0, leave=leave))
        process.send_signal(signal.SIGTERM)
        assert 0 == process.wait(20)
        made = made_tokens(server)
    found = books(path)
    print(seen, made, {name: (totals.spent, totals.reasons) for name, totals in found.items()})
    assert 3 <= len(found) <= 12
    for totals in found.values():
        assert (0, 0, 0) == (totals.overrun, totals.open, totals.lost)
        assert totals.spent <= TOKENS
    left = sum(totals.reasons.get("client left", 0) for totals in found.values())
    spent = sum(totals.spent for totals in found.values())
    # What is charged is what was made; a server whose client has left makes a little more before it notices.
    assert spent == made if not left else abs(spent - made) <= _NOTICES * left
    assert max(totals.spent for totals in found.values()) >= 0.9 * TOKENS
    assert seen[200] > 50 and seen[429] > 20
    assert set(seen) <= {-1, 0, 200, 429}


@pytest.mark.parametrize("leave", [0.3, pytest.param(0.0, marks=pytest.mark.slow)])
def test_a_gateway_that_is_killed_leaves_nothing_behind(tmp_path: Path, leave: float) -> None:
    path = tmp_path / "serve.ledger"
    with counting_server(rate=100) as server:
        with gateway_process(server, path, tokens=2 * TOKENS, seconds=3600.0) as (url, process):
            asyncio.run(kill_while_it_serves(url, process, leave))
        held = books(path)
        settled = {name: totals.settled for name, totals in held.items()}
        assert 0 < sum(totals.open for totals in held.values())
        with gateway_process(server, path, tokens=2 * TOKENS, seconds=3600.0) as (url, process):
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
