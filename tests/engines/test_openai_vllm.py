"""The engine against a real vLLM, where one runs: SHADOWPRICE_VLLM is its URL, SHADOWPRICE_API_KEY its key, if any.

Its install is too large for the default run; `make test-vllm` brings one. The model must reason; one of random weights
does, if its chat template opens <think> and vLLM runs with --reasoning-parser qwen3.
"""

import asyncio
import os
from contextlib import aclosing
from typing import Any

import pytest

from shadowprice.engines import Delta, OpenAIEngine, Request, ServerAddress, identify, probe

URL = os.environ.get("SHADOWPRICE_VLLM", "")
KEY = os.environ.get("SHADOWPRICE_API_KEY")

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not URL, reason="SHADOWPRICE_VLLM names no server")]


def read(max_tokens: int, **options: Any) -> list[Delta]:
    (model,) = identify(ServerAddress(URL, KEY)).models
    request = Request("r1", ({"role": "user", "content": "Write a story."},), max_tokens, temperature=1.0, **options)

    async def work() -> list[Delta]:
        async with OpenAIEngine(URL, model, api_key=KEY, dialect="vllm") as engine:
            return [delta async for delta in engine.stream(request)]

    return asyncio.run(work())


def test_the_server_is_recognised() -> None:
    server = identify(ServerAddress(URL, KEY))
    assert ("vllm", "vllm:generation_tokens_total") == (server.dialect, server.counter)
    assert server.version


@pytest.mark.parametrize("cap", [1, 7, 40])
def test_the_cap_binds_and_usage_is_in_every_piece(cap: int) -> None:
    deltas = read(cap)
    assert (cap, "length") == (deltas[-1].tokens, deltas[-1].finish_reason)
    assert {"usage"} == {delta.counted_by for delta in deltas}
    assert deltas == sorted(deltas, key=lambda delta: delta.tokens)


def test_the_budget_of_reasoning_binds() -> None:
    """Usage of streamed replies counts pieces of reasoning, not tokens, where a piece holds several: ours is higher."""
    (free, capped) = (read(60), read(60, thinking_tokens=16))
    assert free[-1].thinking_tokens is not None
    assert free[-1].thinking_tokens > 40
    assert capped[-1].thinking_tokens is not None
    assert 0 < capped[-1].thinking_tokens <= 17
    assert any(delta.text.strip() for delta in capped)
    assert all(not delta.thinking for delta in read(60, effort="none"))


def test_seeds_choose_the_sample() -> None:
    texts = ["".join(delta.thinking + delta.text for delta in read(20, seed=seed)) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_the_probe_and_closing() -> None:
    report = asyncio.run(probe(URL, api_key=KEY))
    assert ("vLLM", "max_tokens", "usage") == (report.server, report.cap, report.counted_by)
    for check in ("max_tokens binds", "max_completion_tokens binds", "it streams", "closing the stream stops it"):
        assert "yes" == report.verdict(check)
    assert "yes" == report.verdict("a cap on reasoning binds")

    async def close() -> None:
        async with (
            OpenAIEngine(URL, report.model, api_key=KEY, dialect="vllm") as engine,
            aclosing(engine.stream(Request("r1", ({"role": "user", "content": "Hi."},), 400))) as deltas,
        ):
            await anext(deltas)

    asyncio.run(close())
    assert 5 == read(5)[-1].tokens
