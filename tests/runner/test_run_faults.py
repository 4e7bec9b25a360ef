"""The fault drill: a real llama.cpp server behind a proxy that strikes nine requests of ten."""

import asyncio
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from fault_proxy import FAULTS, FaultProxy
from http_server import Serve
from llama_server import llama_server
from shadowprice.beliefs import PriorPredictor
from shadowprice.engines import OpenAIEngine
from shadowprice.ledger import Ledger, State
from shadowprice.policies import get_policy
from shadowprice.runner import Reason, Result, Retries, RunSettings, run
from shadowprice.tasks import make_questions

COUNT = 60
BUDGET = 1500
_STALL = 15.0
"""Seconds; the first prompts take a slow machine some of them."""


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.timeout(600)
@pytest.mark.parametrize("policy", ["index", pytest.param("uniform", marks=pytest.mark.soak)])
def test_the_run_ends_inside_its_budget_and_nothing_is_lost(
    smollm2: Path, serve: Serve, tmp_path: Path, policy: str
) -> None:
    asked = make_questions(["plus", "times", "minus", "mixed"], COUNT // 4, seed=11)
    beliefs = PriorPredictor(256, 40.0).predict([one.question for one in asked])
    market = get_policy(policy).open(beliefs, BUDGET)
    settings = RunSettings(temperature=0.5, retries=Retries(backoff=0.05), concurrency=8)
    with llama_server(smollm2, parallel=8, threads=2) as url, Ledger(tmp_path / "l") as ledger:
        proxy = FaultProxy(url)
        books = ledger.open_run(budget=BUDGET, settings={}, fingerprint="f")

        async def work() -> list[Result]:
            async with OpenAIEngine(serve(proxy).url, "smollm2", dialect="llamacpp", stall=_STALL) as engine:
                return await run(asked, engine, market, settings, ledger=books)

        results = asyncio.run(work())
        totals, wrong = books.totals(), ledger.check()
        attempts = ledger.attempts()
    print(table(proxy, results, {one.question: one.query_id for one in asked}))

    assert [] == wrong
    assert asked == [one.question for one in results]
    assert COUNT == totals.settled
    assert (0, 0) == (totals.open, totals.reserved)
    assert totals.spent == sum(one.spent for one in results) <= BUDGET
    assert totals.spent == sum(one.charged or 0 for one in attempts)
    # What the client was handed can be counted from outside, too.
    assert sum(proxy.delivered.values()) <= BUDGET
    assert {State.SETTLED, State.CHARGED} >= {one.state for one in attempts}
    assert not {Reason.INTERRUPTED} & {one.reason for one in results}
    assert set(FAULTS) == set(proxy.struck)
    assert sum(one.reason.replied for one in results) >= COUNT // 2


def table(proxy: FaultProxy, results: list[Result], ids: dict[str, str]) -> str:
    """What each fault has struck, and what became of these questions in the end."""
    ends: dict[str, Counter[str]] = defaultdict(Counter)
    by_id = {one.question.query_id: one for one in results}
    for fault, texts in proxy.struck.items():
        for text in texts:
            ends[fault][str(by_id[ids[text]].reason)] += 1
    lines = ["| fault | requests struck | pieces delivered | the questions in the end |", "|---|---|---|---|"]
    for fault in FAULTS:
        said = ", ".join(f"{reason} {count}" for reason, count in ends[fault].most_common())
        lines.append(f"| {fault} | {len(proxy.struck[fault])} | {proxy.delivered[fault]} | {said} |")
    spent, wasted = sum(one.spent for one in results), sum(one.wasted for one in results)
    return "\n".join([*lines, f"{spent} of {BUDGET} tokens, {wasted} of them for attempts that failed."])
