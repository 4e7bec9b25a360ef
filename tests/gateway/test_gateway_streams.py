"""What a client gets of a stream, and what is paid for it."""

import json
from typing import Any

import httpx2

from gateways import Running, Start
from http_server import Serve, Wire
from shadowprice.ledger import Ledger

ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


def ask(url: str, body: Any = None, path: str = "/chat/completions", **options: Any) -> httpx2.Response:
    with httpx2.Client(timeout=20, trust_env=False) as client:
        return client.post(url + path, json=ASKED if body is None else body, **options)


def spent(running: Running) -> int:
    running.requests()  # when all have ended
    with Ledger(running.path, read_only=True) as ledger:
        return sum(ledger.totals(run.name).spent for run in ledger.runs())


async def words(wire: Wire, count: int = 5, end: str = "stop", usage: bool = True) -> None:
    await wire.begin()
    for _ in range(count):
        await wire.piece("word ")
    await wire.finish(end, count if usage else None)


def test_bytes_are_handed_on_as_they_came(serve: Serve, gateway: Start) -> None:
    stream = (
        b": a comment\n\n"
        b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""}}], "odd":  1.50}\n\n'
        b'event: x\ndata: {"choices":[{"index":0,"delta":{"content":"h\\u00e9"}}]}\n\n'
        b'id: 7\r\ndata: {"choices":[{"index":0,\r\ndata: "delta":{"content":"\xc3\xa9"}}]}\r\n\r\n'
        b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
        b"data: [DONE]\n\n"
    )

    async def handler(wire: Wire) -> None:
        await wire.begin()
        for place in range(0, len(stream), 7):
            await wire.send(stream[place : place + 7])

    running = gateway(serve(handler).url)
    assert stream == ask(running.url).content


def test_a_usage_that_the_client_did_not_ask_for_stays_here(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url)
    assert b"usage" not in ask(running.url).content
    assert (
        b'"usage": {"completion_tokens": 5'
        in ask(running.url, {**ASKED, "stream_options": {"include_usage": True}}).content
    )
    assert [True, True] == [body["stream_options"]["include_usage"] for body in server.bodies]
    assert 10 == spent(running)


def test_a_stopped_stream_ends_as_streams_end(serve: Serve, gateway: Start) -> None:
    async def forever(wire: Wire) -> None:
        await wire.begin()
        for _ in range(200):
            await wire.piece("word ")

    running = gateway(serve(forever).url, stop=16)
    reply = ask(running.url, {**ASKED, "stream_options": {"include_usage": True}})
    events = [line.removeprefix("data: ") for line in reply.text.split("\n\n") if line]
    assert "[DONE]" == events[-1]
    last, usage = json.loads(events[-3]), json.loads(events[-2])
    assert [{"index": 0, "delta": {}, "finish_reason": "length"}] == last["choices"]
    assert "stopped" == last["shadowprice"]["outcome"]
    assert [] == usage["choices"]
    written = sum("word" in event for event in events)
    assert written == usage["usage"]["completion_tokens"]
    [line] = running.requests()
    assert ("stopped", written, written + 2) == (line["outcome"], line["read"], line["tokens"])
    assert written + 2 == spent(running)


def test_a_reply_that_is_wanted_whole_is_put_together(serve: Serve, gateway: Start) -> None:
    calls = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "add", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"a": 1,'}},
        {"index": 0, "function": {"arguments": ' "b": 2}'}},
    ]

    async def handler(wire: Wire) -> None:
        await wire.begin()
        top = {"id": "x1", "created": 5, "model": "m", "system_fingerprint": "fp", "odd": [1]}
        for delta in [
            {"role": "assistant", "content": "Let "},
            {"content": "me."},
            *({"tool_calls": [call]} for call in calls),
        ]:
            await wire.event(
                {**top, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": None}]}
            )
        await wire.event({**top, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]})
        await wire.event(
            {**top, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12}}
        )
        await wire.event("[DONE]")

    running = gateway(serve(handler).url)
    reply = ask(running.url, {**ASKED, "stream": False})
    assert "application/json" == reply.headers["content-type"]
    assert ("finished", "9") == (reply.headers["x-shadowprice-outcome"], reply.headers["x-shadowprice-generated"])
    function = {"name": "add", "arguments": '{"a": 1, "b": 2}'}
    message = {
        "role": "assistant",
        "content": "Let me.",
        "tool_calls": [{"id": "c1", "type": "function", "function": function}],
    }
    assert {
        "id": "x1",
        "created": 5,
        "model": "m",
        "system_fingerprint": "fp",
        "odd": [1],
        "object": "chat.completion",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12},
    } == reply.json()


def test_a_stopped_reply_that_is_wanted_whole_says_so(serve: Serve, gateway: Start) -> None:
    async def forever(wire: Wire) -> None:
        await wire.begin()
        for _ in range(200):
            await wire.piece("word ")

    running = gateway(serve(forever).url, stop=16)
    reply = ask(running.url, {**ASKED, "stream": False})
    [choice] = reply.json()["choices"]
    assert "length" == choice["finish_reason"]
    assert choice["message"]["content"].count("word ") == reply.json()["usage"]["completion_tokens"]
    assert "stopped" == reply.headers["x-shadowprice-outcome"]


def test_a_server_that_ignores_its_cap_is_cut_off(serve: Serve, gateway: Start) -> None:
    async def ignores(wire: Wire) -> None:
        await words(wire, 500)

    running = gateway(serve(ignores).url)
    reply = ask(running.url, {**ASKED, "max_tokens": 20})
    assert 20 == reply.text.count("word ")
    assert '"finish_reason": "length"' in reply.text
    [line] = running.requests()
    assert ("beyond its cap", 20) == (line["outcome"], line["cap"])
    assert 21 <= line["tokens"] <= 23


def test_a_reply_that_was_cut_off_although_all_of_it_had_come_leaves_no_connection_open(
    serve: Serve, gateway: Start
) -> None:
    """Its connection is good for the next request, or closed."""
    gone: list[int] = []

    async def at_once(wire: Wire) -> None:
        pieces = b"".join(
            b'data: {"choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}\n\n' for _ in range(40)
        )
        while True:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
            await wire.send(head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(pieces), pieces))
            if not await wire.reader.read(10_000):
                gone.append(1)
                return

    server = serve(at_once)
    running = gateway(server.url)
    for _ in range(3):
        assert 20 >= ask(running.url, {**ASKED, "max_tokens": 20}).text.count("word ")
    assert ["beyond its cap"] * 3 == [line["outcome"] for line in running.requests()]
    assert len(server.asked) - len(gone) <= 1


def test_without_a_usage_what_arrived_is_counted(serve: Serve, gateway: Start) -> None:
    async def silent(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("many words in one piece, which cannot be a single token")
        await wire.finish()

    running = gateway(serve(silent).url)
    ask(running.url)
    assert 11 <= spent(running) <= 13


def test_a_usage_that_lies_low_does_not_count(serve: Serve, gateway: Start) -> None:
    async def lies(wire: Wire) -> None:
        await wire.begin()
        for _ in range(30):
            await wire.piece("word ")
        await wire.finish("stop", 1)

    running = gateway(serve(lies).url)
    ask(running.url)
    assert 30 == spent(running)


def test_a_server_that_does_not_stream_is_counted_too(serve: Serve, gateway: Start) -> None:
    whole = {
        "choices": [{"index": 0, "message": {"content": "four"}, "finish_reason": "stop"}],
        "usage": {"completion_tokens": 7},
    }

    async def handler(wire: Wire) -> None:
        await wire.answer(whole)

    running = gateway(serve(handler).url)
    assert whole == ask(running.url, {**ASKED, "stream": False}).json()
    assert 7 == spent(running)


def test_a_stream_that_breaks_off_is_paid_for_and_said(serve: Serve, gateway: Start) -> None:
    async def breaks(wire: Wire) -> None:
        await wire.begin_chunked()
        for _ in range(6):
            await wire.chunked(b'data: {"choices":[{"index":0,"delta":{"content":"word "}}]}\n\n')
        wire.reset()

    running = gateway(serve(breaks).url)
    reply = ask(running.url)
    assert '"code": "upstream_broken"' in reply.text
    [line] = running.requests()
    assert "failed" == line["outcome"]
    assert 6 <= line["tokens"] <= 8
    assert 502 == ask(running.url, {**ASKED, "stream": False}).status_code
