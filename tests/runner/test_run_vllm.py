"""Runs on a real vLLM with a model that reasons; `make test-vllm` brings one."""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest

from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.engines import OpenAIEngine, ServerAddress, identify
from shadowprice.ledger import Ledger
from shadowprice.policies import get_policy
from shadowprice.runner import End, Reason, Result, RunSettings, run
from shadowprice.tasks import Question

URL = os.environ.get("SHADOWPRICE_VLLM", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not URL, reason="SHADOWPRICE_VLLM names no vLLM server"),
]
GRID = np.array([8.0, 16.0, 32.0, 64.0, 128.0, 256.0])
COUNT = 12


def stops_at(tokens: int) -> Beliefs:
    """Whoever has written so many tokens without ending will not be right any more."""
    right = np.tile(0.9 * (tokens <= GRID), (COUNT, 1))
    finished = np.maximum(right, np.tile(1.0 * (GRID >= 256), (COUNT, 1)))
    ones = np.ones(COUNT)
    return Beliefs(tokens * ones, 0.1 * ones, 0.1 * ones, Outcomes(GRID, right, finished))


def answered(tmp_path: Path, stop: int, settings: RunSettings) -> list[Result]:
    asked = [Question(f"q{number}", f"What is {number} plus {number}?") for number in range(COUNT)]
    server = identify(ServerAddress(URL, None))
    budget = 100 * COUNT

    async def work() -> list[Result]:
        async with OpenAIEngine(URL, server.models[0], dialect="vllm", counter=server.counter) as engine:
            before = await engine.total_generated()
            results = await run(asked, engine, market, settings, ledger=books)
            after = await engine.total_generated()
            assert before is not None
            assert after is not None
            spent = sum(one.spent for one in results)
            # It writes 500 tokens a second and hands them out late, so that it is far ahead of its streams.
            print(f"{spent} tokens charged of {budget}, {after - before} by the server's count")
            assert spent <= budget
            if settings.exact:
                assert after - before == spent
            return results

    with Ledger(tmp_path / "l") as ledger:
        books = ledger.open_run(budget=budget, settings={}, fingerprint="f")
        market = get_policy("index").open(stops_at(stop), budget)
        results = asyncio.run(work())
        assert [] == ledger.check()
        assert books.totals().spent == sum(one.spent for one in results)
        return results


def test_stopped_while_it_thinks(tmp_path: Path) -> None:
    for one in answered(tmp_path, 32, RunSettings(temperature=0.8, thinking_tokens=200)):
        assert Reason.STOPPED is one.reason
        assert one.thinking
        assert "" == one.text
        assert one.generated <= 34


def test_a_cap_on_thinking_leaves_room_for_an_answer_which_is_stopped(tmp_path: Path) -> None:
    for one in answered(tmp_path, 64, RunSettings(temperature=0.8, thinking_tokens=8)):
        assert Reason.STOPPED is one.reason
        assert one.thinking
        assert one.text
        assert one.generated <= 66


def test_stopped_while_it_thinks_and_asked_for_its_answer(tmp_path: Path) -> None:
    settings = RunSettings(temperature=0.8, thinking_tokens=200, end=End.ANSWER, end_tokens=6)
    for one in answered(tmp_path, 32, settings):
        assert Reason.ANSWERED is one.reason
        assert one.thinking
        assert one.text.startswith("\nAnswer:")
        assert len("\nAnswer:") < len(one.text)
        assert one.generated <= 34 + 6


@pytest.mark.parametrize("thinking", [8, 20])
def test_exact_runs_keep_the_budget_by_the_servers_own_count(tmp_path: Path, thinking: int) -> None:
    """The cap on thinking falls on the end of a step, and within one."""
    settings = RunSettings(temperature=0.8, thinking_tokens=thinking, exact=True)
    for one in answered(tmp_path, 64, settings):
        assert Reason.STOPPED is one.reason
        assert one.thinking
        assert one.text
        assert (64, 0) == (one.generated, one.past)
