"""A process that dies while another one waits for tokens that it holds."""

import asyncio
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from counting_server import counting_server, made_tokens
from shadowprice.beliefs import Beliefs, Outcomes
from shadowprice.engines import OpenAIEngine
from shadowprice.ledger import Ledger
from shadowprice.policies import get_policy
from shadowprice.runner import Reason, Result, RunSettings, run
from shadowprice.tasks import Question

COUNT = 4
BUDGET = 2000
GRID = np.round(8.0 * 2.0 ** (np.arange(25) / 3.0))
RUN = "'run', budget=2000, settings={}, fingerprint='f'"

HOLDER = f"""
import sys
from shadowprice.ledger import Ledger
books = Ledger(sys.argv[1])
run = books.open_run({RUN}, resume=True)
print(run.reserve("elsewhere", 100, ahead=1700), flush=True)
sys.stdin.read()
"""


@pytest.mark.timeout(60)
def test_what_it_held_ahead_comes_back_to_those_who_wait(tmp_path: Path) -> None:
    """Every reply here waits to go on, because a dead process's server might still make what is left."""
    right = np.tile(0.8 * (GRID >= 300), (COUNT, 1))
    ones = np.ones(COUNT)
    beliefs = Beliefs(300 * ones, 0.1 * ones, 0.1 * ones, Outcomes(GRID, right, 1.0 * (GRID >= 2000) * ones[:, None]))
    questions = [Question(f"q{n}", f"Write {250 + n} words.", "a") for n in range(COUNT)]

    async def work(url: str) -> list[Result]:
        market = get_policy("index").open(beliefs, BUDGET)
        async with OpenAIEngine(url, "words", dialect="llamacpp", overshoot=0) as engine:
            return await run(questions, engine, market, RunSettings(concurrency=COUNT), ledger=ours)

    with Ledger(tmp_path / "l") as books, counting_server(500.0) as url:
        ours = books.open_run(budget=BUDGET, settings={}, fingerprint="f")
        other = subprocess.Popen(
            [sys.executable, "-c", HOLDER, tmp_path / "l"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert other.stdout is not None
        assert "1700" in other.stdout.readline()
        other.kill()
        other.communicate()
        results = asyncio.run(asyncio.wait_for(work(url), 40))
        totals = ours.totals()
        assert made_tokens(url) == sum(250 + n for n in range(COUNT)) == sum(result.generated for result in results)
    assert [Reason.FINISHED] * COUNT == [result.reason for result in results]
    assert (100, 0, 0) == (totals.lost, totals.reserved, totals.ahead)
