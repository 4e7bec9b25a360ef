"""What nobody should send: it gets a clean answer, and costs nothing; the gateway serves on."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateways import Running, Start
from http_server import Serve, Wire
from raw_client import Answer, read_answer, request, send

ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
BODY = json.dumps(ASKED).encode()


async def words(wire: Wire) -> None:
    await wire.begin()
    await wire.piece("word ")
    await wire.finish("stop", 1)


def clean(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses, answer
    assert {"message", "type", "param", "code"} == set(answer.json["error"])


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


HEADS = [
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", f"Content-Length: {len(BODY)}", "Content-Length: 5") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Content-Length: 5", "Transfer-Encoding: chunked") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Transfer-Encoding: chunked", "Content-Length: 5") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Content-Length: -1") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Content-Length: 1e2") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Transfer-Encoding: xchunked", "Connection: close") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Content-Length : 5") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", "X-A: b\nContent-Length: 5") + BODY,
    head("POST /v1/chat/completions HTTP/1.1", "Host: x", " folded: 1") + BODY,
    head("POST /v1/chat/completions HTTP/9.9", "Host: x") + BODY,
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
    b"NONSENSE\r\n\r\n",
    head("GET /v1/models HTTP/1.1", "Connection: close", "X-Big: " + "a" * 70_000),
    head("GET /v1/models HTTP/1.1", "Connection: close", *(f"X-{n}: {'b' * 50}" for n in range(2000))),
    head("GET /" + "a" * 80_000 + " HTTP/1.1", "Host: x"),
]


def test_smuggled_and_oversized_heads(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url)
    for content in HEADS:
        clean(asyncio.run(send(running.url, content)), 400, 431)
    assert [] == server.asked
    assert 200 == asyncio.run(send(running.url, request(running.url, ASKED))).status


PATHS = [
    "/v1/chat/../models",
    "/v1//chat/completions",
    "/v1/chat/completions/",
    "/V1/chat/completions",
    "/v1/chat/completions%00",
    "/v1/chat/completions;x=1",
    "/../../etc/passwd",
    "http://169.254.169.254/v1/chat/completions",
    "/v1/models%0d%0aX-Evil:%201",
    "//127.0.0.1:1/v1/chat/completions",
    "/v1/chat%252fcompletions",
]


def test_paths_are_those_that_are_served_or_none(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url)
    for path in PATHS:
        server.asked.clear()
        answer = asyncio.run(send(running.url, request(running.url, ASKED, path)))
        if answer.status == 200:  # an absolute form names a host, which is ours whatever it says
            assert path.startswith("http://")
            assert ["/v1/chat/completions"] == [wire.path for wire in server.asked]
        else:
            clean(answer, 400, 404, 405)
            assert [] == server.asked
        assert "x-evil" not in answer.headers


def test_a_query_goes_nowhere(serve: Serve, gateway: Start) -> None:
    server = serve(words)
    running = gateway(server.url)
    asyncio.run(send(running.url, request(running.url, ASKED, "/v1/chat/completions?url=http://evil/&x=../..")))
    assert ["/v1/chat/completions"] == [wire.path for wire in server.asked]


def test_bodies_have_an_end(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(words).url, most_body=2000)
    clean(asyncio.run(send(running.url, request(running.url, b"x" * 3000))), 413)
    big = head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Connection: close", f"Content-Length: {10**14}")
    clean(asyncio.run(send(running.url, big)), 413)
    chunks = head("POST /v1/chat/completions HTTP/1.1", "Host: x", "Connection: close", "Transfer-Encoding: chunked")
    clean(
        asyncio.run(send(running.url, chunks + b"400\r\n" + b"y" * 1024 + b"\r\n400\r\n" + b"y" * 1024 + b"\r\n")), 413
    )


def test_hop_by_hop_headers_go_no_further(serve: Serve, gateway: Start) -> None:
    async def answers(wire: Wire) -> None:
        headers = {"Keep-Alive": "timeout=5", "X-Hop": "1", "Proxy-Authenticate": "Basic", "X-Shadowprice-Price": "9"}
        await wire.answer(
            {"a": 1}, headers={**headers, "Connection": "close, X-Hop", "Set-Cookie": "a=b", "X-Stays": "2"}
        )

    server = serve(answers)
    running = gateway(server.url)
    sent = {
        "Connection": "close, X-Secret",
        "X_Secret": "1",
        "TE": "trailers",
        "Upgrade": "h2c",
        "Proxy_Authorization": "b",
    }
    content = head(
        "GET /v1/models HTTP/1.1", "Host: x", *(f"{k.replace('_', '-')}: {v}" for k, v in sent.items()), "X-Stays: 3"
    )
    answer = asyncio.run(send(running.url, content))
    assert (200, "2") == (answer.status, answer.headers["x-stays"])
    assert not {"keep-alive", "x-hop", "proxy-authenticate", "set-cookie", "x-shadowprice-price"} & set(answer.headers)
    got = server.asked[0].headers
    assert "3" == got["x-stays"]
    assert not {"x-secret", "te", "upgrade", "proxy-authorization"} & set(got)


def test_a_name_of_a_model_breaks_no_line_of_the_log(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(words).url)
    evil = 'm\n{"event": "request", "outcome": "free"}\x1b[2J\u202e' + "x" * 5000
    asyncio.run(send(running.url, request(running.url, ASKED | {"model": evil})))
    lines = running.requests()
    assert 1 == len(lines)
    assert len(lines[0]["model"]) <= 120
    assert lines[0]["model"].isprintable()


UPGRADE = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13")


def test_what_is_no_http_leaves_no_lines_that_are_not_the_logs_own(
    serve: Serve, gateway: Start, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    running = gateway(serve(words).url)
    for content in (b"NONSENSE\r\n\r\n", head("GET /healthz HTTP/1.1", "Host: x", *UPGRADE, "X-Bad: \0")):
        clean(asyncio.run(send(running.url, content)), 400)
    running.requests()
    assert ([], "", []) == (caplog.records, capfd.readouterr().err, running.events)


def test_an_error_of_ours_is_told_in_the_log_without_what_it_says(
    serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(wire: Any) -> None:
        raise asyncio.CancelledError(f"{wire.path} of somebody")

    with Running(serve(words).url, tmp_path / "serve.ledger") as running:
        monkeypatch.setattr(running.gateway, "_answer", broken)
        assert 500 == asyncio.run(send(running.url, request(running.url, ASKED))).status
    [line, _] = running.events
    assert ("error", "CancelledError", "broken") == (line["event"], line["kind"], line["where"].partition(":")[0])
    assert "somebody" not in running.said.getvalue()
    assert [] == caplog.records


STREAMS = [
    b"data: " + b"x" * (5 << 20) + b"\n\n",
    b"data: " + b"[" * 100_000 + b"\n\n",
    b'data: {"choices": 7}\n\n',
    b'data: {"choices": [{"delta": "text"}]}\n\n',
    b'data: {"choices": [[]]}\n\n',
    b"data: 5\n\n",
    b"data: \xff\xff\n\n",
    b'data: {"choices":[{"delta":{"content":"a"}}]\n\n',
]


def test_streams_that_make_no_sense_end_in_an_error(serve: Serve, gateway: Start) -> None:
    streams = [stream for stream in STREAMS for _ in range(2)]

    async def handler(wire: Wire) -> None:
        await wire.begin()
        await wire.send(streams.pop(0))

    running = gateway(serve(handler).url)
    for _ in STREAMS:
        answer = asyncio.run(send(running.url, request(running.url, ASKED)))
        assert 200 == answer.status
        last = [line for line in answer.body.split(b"\n\n") if line][-1]
        assert "upstream_broken" == json.loads(last.removeprefix(b"data: "))["error"]["code"]
        clean(asyncio.run(send(running.url, request(running.url, ASKED | {"stream": False}))), 502)
    assert ["failed"] * 2 * len(STREAMS) == [line["outcome"] for line in running.requests()]


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b",
    b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nX-Bad: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    b"nonsense",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{",
    b"",
]


def test_answers_that_make_no_sense_are_a_502(serve: Serve, gateway: Start) -> None:
    answers = list(ANSWERS)

    async def handler(wire: Wire) -> None:
        await wire.send(answers.pop(0) if answers else b"")  # what a kept connection lost is sent again

    running = gateway(serve(handler).url)
    for _ in ANSWERS:
        got = asyncio.run(send(running.url, request(running.url, ASKED)))
        clean(got, 502)
        assert "location" not in got.headers


def test_pipelined_requests_are_answered_in_order(serve: Serve, gateway: Start) -> None:
    running = gateway(serve(words).url)

    async def pipeline() -> list[Any]:
        from raw_client import place

        reader, writer = await asyncio.open_connection(*place(running.url))
        one = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(one + one + one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        got = await reader.read(-1)
        writer.close()
        return [read_answer(b"HTTP/1.1 " + part).status for part in got.split(b"HTTP/1.1 ")[1:]]

    assert [200, 200, 200] == asyncio.run(pipeline())
