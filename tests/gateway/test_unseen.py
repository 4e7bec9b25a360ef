"""What a server may have made without showing it is paid for, and nothing that costs nothing is."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx2
import pytest

from gateways import Running, Start
from http_server import Serve, Wire
from shadowprice.ledger import Ledger

ASKED: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def ask(url: str, timeout: float = 20.0, **more: Any) -> httpx2.Response:
    with httpx2.Client(timeout=timeout, trust_env=False) as client:
        return client.post(f"{url}/chat/completions", json={**ASKED, "max_tokens": 50, **more})


def spent(running: Running) -> int:
    running.requests()  # when all have ended
    with Ledger(running.path, read_only=True) as ledger:
        return sum(ledger.totals(run.name).spent for run in ledger.runs())


async def silent(wire: Wire) -> None:
    await asyncio.sleep(0.05)


async def head_only(wire: Wire) -> None:
    await wire.begin()


async def garbage(wire: Wire) -> None:
    await wire.begin()
    await wire.send(b"data: {this is none\n\n")


async def error(wire: Wire) -> None:
    await wire.begin()
    await wire.event({"error": {"message": "no memory"}})


async def compressed(wire: Wire) -> None:
    await wire.answer(b"\x1f\x8b", headers={"Content-Encoding": "gzip"})


async def gave_up(wire: Wire) -> None:
    await wire.answer({"error": "the server behind took too long"}, 504)


@pytest.mark.parametrize("handler", [silent, head_only, garbage, error, compressed, gave_up])
@pytest.mark.parametrize(("dialect", "charged"), [("", 50), ("llamacpp+", 2)])
def test_whoever_shows_nothing_may_have_made_all(
    serve: Serve, gateway: Start, handler: Any, dialect: str, charged: int
) -> None:
    running = gateway(dialect + serve(handler).url)
    for _ in range(3):  # a machine that stands still meanwhile makes it more
        ask(running.url)
    tokens = [line["tokens"] for line in running.requests()]
    assert (3, charged) == (len(tokens), min(tokens))
    assert sum(tokens) == spent(running)


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_a_refusal_costs_nothing(serve: Serve, gateway: Start, status: int) -> None:
    async def refuse(wire: Wire) -> None:
        await wire.answer({"error": {"message": "no"}}, status)

    running = gateway(serve(refuse).url)
    assert status == ask(running.url).status_code
    running.requests()
    assert 0 == spent(running)


def test_a_client_that_leaves_before_anything_came_pays(serve: Serve, gateway: Start) -> None:
    async def thinks(wire: Wire) -> None:
        await wire.gone()

    running = gateway(serve(thinks).url)
    with pytest.raises(httpx2.TimeoutException):
        ask(running.url, timeout=0.3)
    [line] = running.requests()
    assert ("client left", 50) == (line["outcome"], line["tokens"])
    assert 50 == spent(running)


@pytest.mark.parametrize("dialect", ["", "llamacpp+"])
def test_a_reply_that_falls_silent_in_the_middle_may_have_been_made(serve: Serve, gateway: Start, dialect: str) -> None:
    """Whoever stands between may have stopped handing it on."""

    async def falls_silent(wire: Wire) -> None:
        await wire.begin()
        for _ in range(5):
            await wire.piece("word ")
        await wire.gone()

    running = gateway(dialect + serve(falls_silent).url, stall=0.5)
    ask(running.url)
    [line] = running.requests()
    assert ("stalled", 5, 50) == (line["outcome"], line["read"], line["tokens"])
    assert 50 == spent(running)


def test_nobody_is_asked_again_who_was_at_work(serve: Serve, gateway: Start) -> None:
    async def handler(wire: Wire) -> None:
        if len(server.asked) == 1:
            await wire.begin_chunked()
            await wire.chunked(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
            await wire.chunked(b"")
        else:
            await asyncio.sleep(0.7)
            wire.reset()

    server = serve(handler)
    running = gateway(server.url)
    assert 200 == ask(running.url).status_code
    assert 502 == ask(running.url).status_code
    assert 2 == len(server.asked)


async def two_choices(wire: Wire) -> None:
    await wire.begin()
    for index in (0, 1, 0, 1):
        await wire.event({"choices": [{"index": index, "delta": {"content": "word "}, "finish_reason": None}]})
    await wire.finish()


def test_all_names_for_several_replies_count(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(two_choices).url)
    ask(running.url, n_cmpl=4)
    [line] = running.requests()
    assert (4, 200) == (line["choices"], line["cap"])


def test_a_reply_that_nobody_asked_for_is_stopped(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(two_choices).url)
    assert 1 == ask(running.url).text.count("word")
    [line] = running.requests()
    assert "beyond its cap" == line["outcome"]
    assert 2 <= spent(running) <= 5


def test_a_server_that_sends_clients_elsewhere_is_not_followed(serve: Serve, gateway: Start) -> None:
    async def elsewhere(wire: Wire) -> None:
        await wire.answer({}, 302, headers={"Location": "http://127.0.0.1:1/x"})

    reply = ask(gateway(serve(elsewhere).url).url)
    assert (502, None) == (reply.status_code, reply.headers.get("location"))


def test_a_window_smaller_than_a_usual_reply_serves_one(serve: Serve, gateway: Start) -> None:
    server = serve(two_choices)
    running = gateway(server.url, tokens=30, mean=400.0)
    assert 200 == ask(running.url, max_tokens=None).status_code
    assert 30 == server.bodies[0]["max_completion_tokens"]


def test_refusals_say_what_is_left(serve: Serve, gateway: Start) -> None:
    async def one(wire: Wire) -> None:
        await wire.begin()
        for _ in range(50):
            await wire.piece("word ")
        await wire.finish("length", 50)

    running = gateway(serve(one).url, tokens=50)
    assert 200 == ask(running.url).status_code
    refused = ask(running.url)
    assert (429, "0") == (refused.status_code, refused.headers["x-ratelimit-remaining-tokens"])
    assert refused.headers["x-shadowprice-request"]


def test_a_body_of_too_many_parts_is_refused(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(two_choices).url)
    refused = ask(running.url, x=[[] for _ in range(100_001)])
    assert (400, "too_large") == (refused.status_code, refused.json()["error"]["code"])


DIES = """
import os, sys
from shadowprice.ledger import Ledger
ledger = Ledger(sys.argv[1])
run = ledger.open_run("serve", budget=1000, settings={}, fingerprint="f", resume=True)
run.reserve("q", 10, ahead=300)
ledger.beat()
os._exit(9)
"""


@pytest.mark.parametrize(("caps_are_lost", "stood", "charged"), [(False, 9, 10), (True, 0, 18), (True, 9, 310)])
def test_a_crash_charges_what_servers_may_have_made(
    tmp_path: Path, caps_are_lost: bool, stood: int, charged: int
) -> None:
    """A gateway that was at work has read nearly all; one that may have stood still before it was killed has not."""
    path = tmp_path / "serve.ledger"
    subprocess.run([sys.executable, "-c", DIES, str(path)], check=False, capture_output=True)
    [lock] = tmp_path.glob("serve.ledger-holder-*")
    os.utime(lock, (time.time() - stood,) * 2)
    with Ledger(path, caps_are_lost=caps_are_lost) as ledger:
        run = ledger.open_run("serve", budget=1000, settings={}, fingerprint="f", resume=True)
        assert (1, charged) == (run.recovered.requests, run.recovered.tokens)
        totals = run.totals()
        assert (charged, 0, 1000 - charged) == (totals.spent, totals.overrun, totals.available)
        assert [] == ledger.check()
