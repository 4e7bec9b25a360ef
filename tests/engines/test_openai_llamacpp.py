"""The engine against the real llama.cpp server, over HTTP."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import openai
import pytest

from llama_server import llama_server
from shadowprice._errors import BrokenReplyError, RefusedError
from shadowprice.engines import Delta, OpenAIEngine, Request, ServerAddress, identify, probe
from shadowprice.engines._identify import read_counter

pytestmark = pytest.mark.model

KEY = "sk-for-this-test-only"
CONTEXT = 256


@pytest.fixture(scope="module")
def url(smollm2: Path) -> Iterator[str]:
    """A llama.cpp server with the embedded model, on a free port of this machine."""
    with llama_server(smollm2, parallel=4, context=CONTEXT, key=KEY) as served:
        yield served


def ask(content: str = "Write a long story about a fox.", max_tokens: int = 20, **options: Any) -> Request:
    return Request("r1", ({"role": "user", "content": content},), max_tokens, **options)


def read(url: str, *requests: Request, dialect: str = "llamacpp") -> list[list[Delta]]:
    async def one(engine: OpenAIEngine, request: Request) -> list[Delta]:
        return [delta async for delta in engine.stream(request)]

    async def work() -> list[list[Delta]]:
        async with OpenAIEngine(url, "smollm2", api_key=KEY, dialect=dialect) as engine:
            return await asyncio.gather(*(one(engine, request) for request in requests))

    return asyncio.run(work())


def text_of(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


def generated(url: str) -> int:
    """Tokens of all requests, by the server's own metrics, once they stand still."""

    async def settled() -> int:
        count = -1
        while count != (count := read_counter(ServerAddress(url, KEY), "llamacpp:tokens_predicted_total") or 0):
            await asyncio.sleep(0.3)
        return count

    return asyncio.run(settled())


def test_the_server_is_recognised(url: str) -> None:
    server = identify(ServerAddress(url, KEY))
    assert ("llamacpp", "llama.cpp", ("smollm2",)) == (server.dialect, server.software, server.models)
    assert "llamacpp:tokens_predicted_total" == server.counter


@pytest.mark.parametrize("dialect", ["llamacpp", "openai"])
@pytest.mark.parametrize("cap", [1, 7, 40])
def test_the_cap_binds_and_every_token_is_a_delta(url: str, dialect: str, cap: int) -> None:
    before = generated(url)
    (deltas,) = read(url, ask(max_tokens=cap), dialect=dialect)
    assert (cap, "length", "usage") == (deltas[-1].tokens, deltas[-1].finish_reason, deltas[-1].counted_by)
    assert [*range(1, cap + 1), cap] == [delta.tokens for delta in deltas]
    assert {"timings" if dialect == "llamacpp" else "deltas"} == {delta.counted_by for delta in deltas[:-1]}
    assert cap == generated(url) - before


def test_usage_is_the_servers_count_for_many_at_once(url: str) -> None:
    before = generated(url)
    replies = read(url, *(ask(max_tokens=5 + number, temperature=0.8, seed=number) for number in range(10)))
    assert list(range(5, 15)) == [deltas[-1].tokens for deltas in replies]
    assert sum(range(5, 15)) == generated(url) - before


def test_tokens_that_make_no_text_of_their_own_are_counted(url: str) -> None:
    """Emoji take several tokens each, and come as one piece: timings see them, pieces do not."""
    request = ask("Repeat: 😀🎉🚀🦊🐙😀🎉🚀🦊🐙", 20, temperature=0.3, seed=3)
    (exact,), (floor,) = read(url, request), read(url, request, dialect="openai")
    assert text_of(exact) == text_of(floor)
    assert 20 == exact[-1].tokens == floor[-1].tokens
    assert exact[-2].tokens > floor[-2].tokens


def test_stop_strings_and_seeds(url: str) -> None:
    (whole,) = read(url, ask())
    word = text_of(whole).split()[3]
    (stopped,) = read(url, ask(stop=(word,)))
    assert ("stop", text_of(whole)[: text_of(whole).index(word)]) == (stopped[-1].finish_reason, text_of(stopped))
    texts = [text_of(read(url, ask(temperature=1.0, seed=seed))[0]) for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_a_reply_that_ends_by_itself(url: str) -> None:
    (deltas,) = read(url, ask("Say hi.", 200))
    assert "stop" == deltas[-1].finish_reason
    assert deltas[-1].tokens < 200


def test_the_fields_that_cap_reasoning_are_taken(url: str) -> None:
    """The model does not reason, so only that nothing breaks can be seen."""
    (deltas,) = read(url, ask(max_tokens=6, thinking_tokens=3, effort="low"))
    assert (6, None) == (deltas[-1].tokens, deltas[-1].thinking_tokens)


def test_closing_stops_the_generation(url: str) -> None:
    async def read_ten() -> None:
        async with (
            OpenAIEngine(url, "smollm2", api_key=KEY, dialect="llamacpp") as engine,
            aclosing(engine.stream(ask(max_tokens=400))) as deltas,
        ):
            async for delta in deltas:
                if delta.tokens == 10:
                    return

    before = generated(url)
    asyncio.run(read_ten())
    assert 10 <= generated(url) - before <= 16


def test_cancelling_stops_the_generation_and_waiting_requests(url: str) -> None:
    async def cancel() -> None:
        async with OpenAIEngine(url, "smollm2", api_key=KEY) as engine:

            async def one() -> None:
                async for _ in engine.stream(ask(max_tokens=400)):
                    pass

            tasks = [asyncio.ensure_future(one()) for _ in range(10)]
            await asyncio.sleep(0.7)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    before = generated(url)
    asyncio.run(cancel())
    assert generated(url) - before < 400


def test_limits_and_refusals(url: str) -> None:
    with pytest.raises(
        RefusedError, match=r"^Request r1: .* refused it with HTTP 400 \(.*exceeds the available context"
    ):
        read(url, ask("word " * 2 * CONTEXT))
    request = ask("Once upon a time there was a fox. " * 22 + "Write a long story about a fox.", 100)
    with pytest.raises(BrokenReplyError, match="ended it before its cap of 100") as caught:
        read(url, request)
    assert 0 < caught.value.tokens < 100

    async def wrong_key() -> None:
        async with OpenAIEngine(url, "smollm2", api_key="sk-wrong-98765") as engine:
            await anext(engine.stream(ask()))

    with pytest.raises(RefusedError, match=r"HTTP 401 \(Invalid API Key\): check the API key"):
        asyncio.run(wrong_key())


def test_openais_own_client_sees_the_same_reply(url: str) -> None:
    (deltas,) = read(url, ask(max_tokens=30))
    with openai.OpenAI(base_url=url, api_key=KEY) as client:
        stream = client.chat.completions.create(
            model="smollm2",
            messages=[{"role": "user", "content": "Write a long story about a fox."}],
            max_completion_tokens=30,
            temperature=0.0,
            seed=0,
            stream=True,
            stream_options={"include_usage": True},
        )
        text, finish, usage = "", None, None
        for chunk in stream:
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish = choice.finish_reason or finish
            usage = chunk.usage or usage
    assert usage is not None
    assert (text, finish, usage.completion_tokens) == (text_of(deltas), deltas[-1].finish_reason, deltas[-1].tokens)


def test_the_probe(url: str) -> None:
    before = generated(url)
    report = asyncio.run(probe(url, api_key=KEY))
    assert ("llama.cpp", "llamacpp", "max_tokens", "timings") == (
        report.server,
        report.dialect,
        report.cap,
        report.counted_by,
    )
    untested = {finding.check for finding in report.findings if finding.verdict != "yes"}
    assert {"reasoning is told apart"} == untested
    assert report.tokens == generated(url) - before
    assert report.tokens < 80


@pytest.mark.parametrize("command", ["run", "record"])
def test_the_commands(
    url: str,
    shadowprice: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
) -> None:
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("SHADOWPRICE_API_KEY", KEY)
    questions = tmp_path / "q.jsonl"
    questions.write_text(
        "".join(json.dumps({"question": f"What is {n} + 1?", "gold": str(n + 1)}) + "\n" for n in range(4))
    )
    options = (
        ["--policy", "uniform", "--budget", "100"] if command == "run" else ["--samples", "1", "--max-tokens", "25"]
    )
    before = generated(url)
    said = shadowprice(command, questions, *options, "-o", tmp_path / "out", "--engine", url, "--json")
    assert 0 == said.code
    spent = json.loads(said.out)["spent" if command == "run" else "tokens"]
    assert spent == generated(url) - before
    assert spent <= 100
    assert KEY.encode() not in (tmp_path / "out").read_bytes()
