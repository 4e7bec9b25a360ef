"""The engine against a small real server: what it asks, what it makes of replies, and how it stops."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest

from http_server import Handler, Serve, Wire
from shadowprice._errors import BrokenReplyError, EngineError, InputError
from shadowprice.engines import Delta, OpenAIEngine, Request


def ask(max_tokens: int = 20, **options: Any) -> Request:
    return Request("q7", ({"role": "user", "content": "Hi."},), max_tokens, **options)


def read(url: str, request: Request | None = None, **options: Any) -> list[Delta]:
    async def work() -> list[Delta]:
        async with OpenAIEngine(url, "m", **options) as engine:
            return [delta async for delta in engine.stream(request or ask())]

    return asyncio.run(work())


def last(deltas: list[Delta]) -> tuple[int, str | None, str]:
    return deltas[-1].tokens, deltas[-1].finish_reason, deltas[-1].counted_by


def test_a_reply_is_streamed_and_counted(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
        await wire.piece("Hel")
        await wire.piece("lo")
        await wire.finish("stop", 4)

    server = serve(reply)
    deltas = read(server.url, ask(stop=("END",)), api_key="sk-1234567890")
    assert [
        Delta("Hel", 1, counted_by="deltas"),
        Delta("lo", 2, counted_by="deltas"),
        Delta("", 4, "stop", counted_by="usage"),
    ] == deltas
    (wire,) = server.asked
    assert ("POST", "/v1/chat/completions") == (wire.method, wire.path)
    assert "Bearer sk-1234567890" == wire.headers["authorization"]
    assert (20, ["END"]) == (wire.body["max_completion_tokens"], wire.body["stop"])


def test_many_at_once(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        for _ in range(wire.body["max_completion_tokens"]):
            await wire.piece("x")
        await wire.finish("length", wire.body["max_completion_tokens"])

    async def work() -> list[int]:
        async with OpenAIEngine(serve(reply).url, "m") as engine:

            async def one(cap: int) -> int:
                return [delta.tokens async for delta in engine.stream(ask(cap))][-1]

            return await asyncio.gather(*map(one, range(1, 121)))

    assert list(range(1, 121)) == asyncio.run(work())


def test_events_may_be_cut_anywhere(serve: Serve) -> None:
    """Comments, CRLF, several data lines, no space, line separators inside JSON, and a character in two packets."""

    async def reply(wire: Wire) -> None:
        await wire.begin_chunked()
        text = json.dumps({"choices": [{"delta": {"content": "a\u2028🦊"}}]}, ensure_ascii=False)
        head, _, tail = text.partition(": ")
        data = f": ping\r\n\r\nevent: x\r\nid: 1\r\ndata:{head}:\r\ndata: {tail}\r\n\r\n".encode()
        for byte in range(len(data)):
            await wire.chunked(data[byte : byte + 1])
        end = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\r\rdata: [DONE]\n\n'
        await wire.chunked(end)
        await wire.chunked(b"")

    deltas = read(serve(reply).url)
    assert "a\u2028🦊" == "".join(delta.text for delta in deltas)
    # One piece of two words.
    assert (2, "stop", "deltas") == last(deltas)


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_in_a_field_of_its_own(serve: Serve, name: str) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("", **{name: "Hm. "})
        await wire.piece("42", **{name: "So."})
        await wire.event({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        await wire.event(
            {"choices": [], "usage": {"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 6}}}
        )

    deltas = read(serve(reply).url)
    assert [("", "Hm. "), ("42", "So."), ("", "")] == [(delta.text, delta.thinking) for delta in deltas]
    assert [None, None, 6] == [delta.thinking_tokens for delta in deltas]


def test_reasoning_between_tags(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        for text in ("<th", "ink>", "Hm", ".</", "think>4", "2", "<"):
            await wire.piece(text)
        await wire.event(
            {
                "choices": [{"delta": {}, "finish_reason": "stop"}],
                "usage": {"completion_tokens": 8, "reasoning_tokens": 0},
            }
        )

    deltas = read(serve(reply).url)
    assert ("42<", "Hm.") == tuple("".join(getattr(delta, name) for delta in deltas) for name in ("text", "thinking"))
    # The server says 0 where it cannot tell; the last piece of reasoning was the fourth.
    assert (4, 8) == (deltas[-1].thinking_tokens, deltas[-1].tokens)


def test_reasoning_that_the_template_opens(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("Hm.</think>42")
        await wire.finish()

    deltas = read(serve(reply).url, thinking_opened=True)
    assert ("Hm.", "42") == (deltas[0].thinking, deltas[0].text)


def test_running_usage_counts_every_delta(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        for number in (2, 5):
            await wire.event(
                {"choices": [{"delta": {"content": "x"}}], "usage": {"completion_tokens": number, "prompt_tokens": 3}}
            )
        await wire.finish("stop", 6)

    deltas = read(serve(reply).url, dialect="vllm")
    assert [(2, "usage"), (5, "usage"), (6, "usage")] == [(delta.tokens, delta.counted_by) for delta in deltas]


def test_usage_lower_than_what_was_seen_is_not_believed(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        for _ in range(5):
            await wire.piece("x")
        await wire.finish("stop", 2)

    assert (5, "stop", "deltas") == last(read(serve(reply).url))


def test_without_usage_pieces_are_counted_or_the_reply_refused(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        await wire.piece("y")
        await wire.finish()

    server = serve(reply)
    assert (2, "stop", "deltas") == last(read(server.url))
    with pytest.raises(BrokenReplyError, match=r"after 2 tokens \(it reports no usage, which is required\)") as caught:
        read(server.url, require_usage=True)
    assert (2, False) == (caught.value.tokens, caught.value.retryable)


def test_a_cap_that_the_server_ignores_is_enforced_here(serve: Serve) -> None:
    stopped: list[int] = []

    async def reply(wire: Wire) -> None:
        await wire.begin()
        watch = asyncio.ensure_future(wire.gone())
        for number in range(1000):
            if watch.done():
                stopped.append(number)
                return
            await wire.piece(f"{number} ")
            await asyncio.sleep(0.005)

    deltas = read(serve(reply).url, ask(5))
    assert "0 1 2 3 4 " == "".join(delta.text for delta in deltas)
    assert (6, "length", "deltas") == last(deltas)
    # The server saw the connection close soon after.
    deadline = asyncio.run(_until(lambda: bool(stopped)))
    assert deadline
    assert stopped[0] < 50


async def _until(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    for _ in range(int(seconds / 0.02)):
        if condition():
            return True
        await asyncio.sleep(0.02)
    return condition()


def test_an_overrun_in_one_piece_is_counted_in_full(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("ok ")
        await wire.event({"choices": [{"delta": {"content": "far too much"}}], "usage": {"completion_tokens": 37}})
        await wire.gone()

    deltas = read(serve(reply).url, ask(10))
    assert ("ok ", (37, "length", "usage")) == ("".join(delta.text for delta in deltas), last(deltas))


def test_a_whole_reply_is_taken_if_it_is_counted(serve: Serve) -> None:
    def reply(usage: dict[str, int] | None) -> Handler:
        async def handler(wire: Wire) -> None:
            message = {"role": "assistant", "content": "<think>Hm.</think>42"}
            await wire.answer({"choices": [{"message": message, "finish_reason": "stop"}], "usage": usage})

        return handler

    deltas = read(serve(reply({"completion_tokens": 8})).url)
    assert [("42", "Hm.", 8), ("", "", 8)] == [(delta.text, delta.thinking, delta.tokens) for delta in deltas]
    with pytest.raises(BrokenReplyError, match="whole and without usage, so that its tokens cannot be counted"):
        read(serve(reply(None)).url)


def test_a_limit_of_the_servers_own_is_not_the_cap(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        await wire.finish("length", 12)

    with pytest.raises(BrokenReplyError, match=r"after 12 tokens .*before its cap of 20\): lower the cap") as caught:
        read(serve(reply).url)
    assert (12, False) == (caught.value.tokens, caught.value.retryable)
    assert (12, "length", "usage") == last(read(serve(reply).url, ask(13)))


@pytest.mark.parametrize(("reason", "retryable"), [("abort", True), ("content_filter", False)])
def test_endings_that_are_neither(serve: Serve, reason: str, retryable: bool) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        await wire.finish(reason, 3)

    with pytest.raises(EngineError, match="after 3 tokens") as caught:
        read(serve(reply).url)
    assert (3, retryable) == (caught.value.tokens, caught.value.retryable)


@pytest.mark.parametrize("end", ["no [DONE]", "reset", "stall"])
def test_a_reply_that_has_ended_is_whole_whatever_the_connection_does(
    serve: Serve, end: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shadowprice.engines._chat._GRACE", 0.2)

    async def reply(wire: Wire) -> None:
        await (wire.begin() if end != "reset" else wire.begin_chunked())
        data = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\ndata: {"choices":[{"finish_reason":"stop"}]}\n\n'
        await (wire.send(data) if end != "reset" else wire.chunked(data))
        if end == "reset":
            await asyncio.sleep(0.1)
            wire.reset()
        if end == "stall":
            await wire.gone()

    assert (1, "stop", "deltas") == last(read(serve(reply).url))


def test_closing_the_generator_closes_the_connection(serve: Serve) -> None:
    gone = []

    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        await wire.gone()
        gone.append(wire)

    async def work(url: str) -> None:
        async with OpenAIEngine(url, "m") as engine:
            async with aclosing(engine.stream(ask())) as deltas:
                await anext(deltas)
            assert await _until(lambda: len(gone) == 1)

            async def read_all() -> None:
                async for _ in engine.stream(ask()):
                    pass

            task = asyncio.ensure_future(read_all())
            await asyncio.sleep(0.2)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await _until(lambda: len(gone) == 2)

    asyncio.run(work(serve(reply).url))


def test_a_closed_engine_says_so(serve: Serve) -> None:
    async def work() -> None:
        engine = OpenAIEngine("http://127.0.0.1:9/v1", "m")
        await engine.aclose()
        await engine.aclose()
        with pytest.raises(EngineError, match=r"The engine of http://127.0.0.1:9/v1 was closed: make a new one."):
            await anext(engine.stream(ask()))

    asyncio.run(work())


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"model": ""}, "The model has no name"),
        ({"dialect": "x"}, "There is no dialect 'x'"),
        ({"timeout": 0.0}, "`timeout` must be more than 0 seconds, not 0.0"),
        ({"stall": float("nan")}, "`stall` must be more than 0 seconds, not nan"),
        ({"url": "host:8000"}, "write it as http://host:port/v1"),
        ({"url": "ftp://host"}, "write it as http://host:port/v1"),
        ({"url": "http://host:x"}, "write it as http://host:port/v1"),
        ({"url": "http://[::1"}, "write it as http://host:port/v1"),
        ({"api_key": "sk-1\n2"}, "holds characters that no HTTP header can carry"),
        ({"api_key": "sk-ü"}, "holds characters that no HTTP header can carry"),
    ],
)
def test_bad_settings_are_refused(given: dict[str, Any], complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        OpenAIEngine(**({"url": "http://host/v1", "model": "m"} | given))
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host:8000", "http://host:8000/v1"),
        ("http://host:8000/", "http://host:8000/v1"),
        ("http://host:8000/v1/", "http://host:8000/v1"),
        ("https://host/api/v1/chat/completions", "https://host/api/v1"),
        ("https://host/openai", "https://host/openai"),
        ("http://[::1]:8000", "http://[::1]:8000/v1"),
        ("https://me:pass@host/v1?api-version=2024&key=s3cr3t", "https://host/v1"),
    ],
)
def test_urls(url: str, shown: str) -> None:
    assert shown == OpenAIEngine(url, "m").url
