"""A client that stands still: its servers go on, and the budget holds by their own count."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest

from counting_server import counting_server, made_tokens
from http_server import Serve, Wire
from shadowprice._errors import InputError
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.engines import Delta, OpenAIEngine, Request
from shadowprice.ledger import Ledger
from shadowprice.policies import get_policy
from shadowprice.runner import End, Pulse, Reason, Result, RunSettings, run
from shadowprice.tasks import Question

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "pauses.py"
GRID = np.round(8.0 * 2.0 ** (np.arange(25) / 3.0))
BUDGET = 1500
WIDTH = 8


def hopeful(count: int) -> Beliefs:
    """Right at some 300 tokens, if at all: worth going on with for a long time."""
    right = np.tile(0.8 * (GRID >= 300), (count, 1))
    ones = np.ones(count)
    return Beliefs(300 * ones, 0.1 * ones, 0.1 * ones, Outcomes(GRID, right, np.tile(1.0 * (GRID >= 2000), (count, 1))))


def words(count: int, most: int) -> list[Question]:
    chance = np.random.default_rng(0)
    return [Question(f"q{n}", f"Write {chance.integers(20, most)} words.", "a") for n in range(count)]


@pytest.mark.parametrize(("dialect", "ledger"), [("llamacpp", True), ("llamacpp", False), ("openai", True)])
def test_what_servers_make_meanwhile_is_within_the_budget(tmp_path: Path, dialect: str, ledger: bool) -> None:
    """The event loop is blocked for a second and a half, in which the server could make 6,000 tokens."""
    questions, pulse = words(40, 600), Pulse()
    blocked: list[float] = []

    async def work(url: str) -> list[Result]:
        def block(result: Result) -> None:
            if result.reason.replied and not blocked:
                blocked.append(1.5)
                time.sleep(1.5)

        market = get_policy("index").open(hopeful(len(questions)), BUDGET)
        async with OpenAIEngine(url, "words", dialect=dialect) as engine:
            with Ledger(tmp_path / "l") as books:
                opened = books.open_run(budget=BUDGET, settings={}, fingerprint="f") if ledger else None
                results = await run(
                    questions,
                    engine,
                    market,
                    RunSettings(concurrency=WIDTH),
                    ledger=opened,
                    pulse=pulse,
                    progress=block,
                )
                if opened is not None:
                    assert (0, 0, 0) == (opened.totals().overrun, opened.totals().reserved, opened.totals().ahead)
                    assert opened.totals().spent == sum(result.spent for result in results) <= BUDGET
                assert [] == books.check()
        return results

    with counting_server(500.0) as url:
        results = asyncio.run(work(url))
        made = made_tokens(url)
        assert made <= BUDGET + WIDTH * 2
        assert 0.9 * BUDGET <= made
    assert [1.5] == blocked
    assert (1, True) == (pulse.pauses, pulse.seconds >= 1.4)
    assert {Reason.FAILED} & {result.reason for result in results} == set()


def test_a_cap_that_was_too_low_is_gone_on_with(tmp_path: Path) -> None:
    """Eight long replies at once, whose caps share what is free: all come to their end, in more requests than eight."""
    questions = [Question(f"q{n}", f"Write {100 + n} words.", "a") for n in range(WIDTH)]
    requests: list[Request] = []

    class Watched(OpenAIEngine):
        def stream(self, request: Request) -> AsyncGenerator[Delta]:
            requests.append(request)
            return super().stream(request)

    async def work(url: str) -> list[Result]:
        # Room for a last step of each: with less, the market stops one for the others.
        market = get_policy("index").open(hopeful(len(questions)), 960)
        async with Watched(url, "words", dialect="llamacpp", overshoot=0) as engine:
            return await run(questions, engine, market, RunSettings(concurrency=WIDTH))

    with counting_server(500.0) as url:
        results = asyncio.run(work(url))
        assert made_tokens(url) == sum(result.generated for result in results) == sum(100 + n for n in range(WIDTH))
    assert {Reason.FINISHED} == {result.reason for result in results}
    assert [100 + n for n in range(WIDTH)] == [len(result.text.split()) for result in results]
    assert WIDTH < len(requests)


def test_a_server_with_nothing_to_say_is_not_asked_for_ever(serve: Serve) -> None:
    async def empty(wire: Wire) -> None:
        await wire.begin()
        await wire.finish("length")

    server = serve(empty)

    async def work() -> list[Result]:
        market = get_policy("index").open(hopeful(3), BUDGET)
        async with OpenAIEngine(server.url, "m", dialect="llamacpp") as engine:
            return await run(words(3, 600), engine, market)

    assert [Reason.CUT_OFF] * 3 == [result.reason for result in asyncio.run(work())]
    assert 3 == len(server.asked)


def test_an_answer_is_not_asked_for_where_no_text_can_be_gone_on_with() -> None:
    engine = OpenAIEngine("http://127.0.0.1:1/v1", "m")
    market = get_policy("index").open(hopeful(3), BUDGET)
    with pytest.raises(InputError, match="cannot go on with a text, which asking for an answer needs"):
        asyncio.run(run(words(3, 600), engine, market, RunSettings(end=End.ANSWER)))


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("smollm2")
@pytest.mark.parametrize(("pauses", "tokens"), [(1, 300), pytest.param(10, 2000, marks=pytest.mark.soak)])
def test_stopped_processes_keep_to_the_budget_by_their_servers_counts(pauses: int, tokens: int) -> None:
    """SIGSTOP for 1 to 5 s at random moments; a real llama.cpp, and a fast server with and without going on."""
    asked = ["--pauses", str(pauses), "--tokens", str(tokens), "--json"]
    done = subprocess.run([sys.executable, str(SCRIPT), *asked], stdout=subprocess.PIPE, text=True, check=True)
    rows = json.loads(done.stdout)
    assert {"words", "words-openai", "llama"} == {row["kind"] for row in rows}
    for row in rows:
        assert row["made"] <= row["bound"]
        assert row["pauses"] >= 1
        assert 0 == row["failed"] == row["interrupted"]
