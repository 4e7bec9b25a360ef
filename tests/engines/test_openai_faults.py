"""What servers do wrong, done by a real one: each is one sentence, with what to do, and says whether to ask again."""

import asyncio
import base64
import logging
import socket
import time
from email.utils import formatdate
from typing import Any

import pytest

from http_server import Serve, Wire
from shadowprice._errors import BrokenReplyError, EngineError, RefusedError, StalledError, UnreachableError
from shadowprice.engines import OpenAIEngine, Request

REQUEST = Request("q7", ({"role": "user", "content": "Hi."},), 20)


def fail(url: str, **options: Any) -> EngineError:
    """Asks, and gives the error that this must end with."""

    async def work() -> None:
        async with OpenAIEngine(url, "m", **options) as engine:
            async for _ in engine.stream(REQUEST):
                pass

    with pytest.raises(EngineError) as caught:
        asyncio.run(work())
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("Request q7: ")
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("status", "headers", "body", "said", "retryable", "retry_after"),
    [
        (429, {"Retry-After": "7"}, "Slow down.", "HTTP 429 (Slow down): wait 7 s and ask again.", True, 7.0),
        (429, {"retry-after-ms": "250", "Retry-After": "1"}, "x", "wait 0.25 s and ask again.", True, 0.25),
        (429, {}, "x", "HTTP 429 (x): ask less at once.", True, None),
        (429, {"Retry-After": "soon"}, "x", "HTTP 429 (x): ask less at once.", True, None),
        (429, {"x-should-retry": "false"}, "Budget spent.", "(Budget spent): raise the quota.", False, None),
        (500, {}, "Oops", "HTTP 500 (Oops): ask again, and see the server's log if it stays so.", True, None),
        (503, {"Retry-After": "2"}, "Loading model", "wait 2 s and ask again.", True, 2.0),
        (400, {}, "bad seed", "HTTP 400 (bad seed): change the request as it says, or choose another", False, None),
        (401, {}, "No.", "HTTP 401 (No): check the API key.", False, None),
        (404, {}, "", "HTTP 404 (Not Found): check the URL, which usually ends in /v1, and the name", False, None),
        (
            307,
            {"Location": "http://other/v1"},
            "",
            "(Temporary Redirect): give the URL that it points to.",
            False,
            None,
        ),
        (599, {}, "", "HTTP 599 (no reason given): ask again", False, None),
    ],
)
def test_http_errors(
    serve: Serve, status: int, headers: dict[str, str], body: str, said: str, retryable: bool, retry_after: float | None
) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer(body.encode(), status, "text/plain", headers)

    server = serve(reply)
    error = fail(server.url)
    assert isinstance(error, RefusedError)
    assert f"{server.url} refused it with HTTP {status}" in str(error)
    assert said in str(error)
    assert (retryable, retry_after, 0) == (error.retryable, error.retry_after, error.tokens)


@pytest.mark.parametrize("clock", [0.0, 86_400.0])
def test_retry_after_as_a_date_is_read_by_the_servers_clock(serve: Serve, clock: float) -> None:
    now = time.time() + clock

    async def reply(wire: Wire) -> None:
        headers = {"Retry-After": formatdate(now + 30, usegmt=True)}
        if clock:
            headers["Date"] = formatdate(now, usegmt=True)
        await wire.answer({}, 429, headers=headers)

    wait = fail(serve(reply).url).retry_after
    assert wait is not None
    assert 27 <= wait <= 30


def test_a_retry_after_that_has_passed_is_now(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer({}, 429, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})

    assert 0.0 == fail(serve(reply).url).retry_after


@pytest.mark.parametrize(
    ("body", "said", "retryable"),
    [
        ({"error": {"message": "Quota.", "code": "insufficient_quota"}}, "(Quota): raise the quota.", False),
        ({"error": {"message": "Rate.", "code": "rate_limit_exceeded"}}, "(Rate): ask less at once.", True),
        ({"error": "plain"}, "(plain)", True),
        ({"object": "error", "message": "old vLLM"}, "(old vLLM)", True),
        ({"detail": [{"msg": "field required"}]}, "field required", True),
        ([1], "([1])", True),
        (b"<html>Bad gateway</html>", "(Too Many Requests)", True),
        (b"\xff\xfe", "(��)", True),
        (b"", "(Too Many Requests)", True),
        (b"red \x1b[31m\n alert", "(red �[31m alert)", True),
        (b"long " * 1000, "…", True),
    ],
)
def test_what_servers_say_is_quoted(serve: Serve, body: Any, said: str, retryable: bool) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer(body, 429)

    error = fail(serve(reply).url)
    assert said in str(error)
    assert retryable == error.retryable
    assert len(str(error)) < 500


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
        error = fail(url)
    assert isinstance(error, UnreachableError)
    assert f"Request q7: no server can be reached at {url} (" in str(error)
    assert str(error).endswith("): start it, or correct the URL.")
    assert (True, 0) == (error.retryable, error.tokens)


def test_a_name_that_does_not_exist() -> None:
    assert isinstance(fail("http://no-such-host.invalid/v1"), UnreachableError)


def test_tls_where_there_is_none(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer({})

    assert isinstance(fail(serve(reply).url.replace("http:", "https:")), UnreachableError)


def test_a_connection_that_closes_without_a_word(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        wire.writer.close()

    error = fail(serve(reply).url)
    assert isinstance(error, BrokenReplyError)
    assert error.retryable


@pytest.mark.parametrize("how", ["reset", "truncated", "no finish_reason", "half an event"])
def test_a_stream_that_breaks_off(serve: Serve, how: str) -> None:
    async def reply(wire: Wire) -> None:
        piece = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'
        if how in ("no finish_reason", "half an event"):
            await wire.begin()
            await wire.send(3 * piece)
            if how == "half an event":
                await wire.send(b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n')
            else:
                await wire.event("[DONE]")
            return
        await wire.begin_chunked()
        await wire.chunked(3 * piece)
        await asyncio.sleep(0.1)
        if how == "reset":
            wire.reset()

    server = serve(reply)
    error = fail(server.url)
    assert isinstance(error, BrokenReplyError)
    assert f"the reply of {server.url} broke off after 3 tokens (" in str(error)
    assert (True, 3) == (error.retryable, error.tokens)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ('{"choices": [{"delta"', 'malformed JSON: \'{"choices": [{"delta"\''),
        ("nonsense", "malformed JSON: 'nonsense'"),
        ("[1, 2]", "the server sent a JSON list where an object was due"),
        ('{"choices": "none"}', "the server sent choices that are no list of objects"),
    ],
)
def test_chunks_that_make_no_sense(serve: Serve, data: str, said: str) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        await wire.event(data)
        await wire.gone()

    error = fail(serve(reply).url)
    assert isinstance(error, BrokenReplyError)
    assert f"after 1 token ({said}): ask again." in str(error)
    assert (True, 1) == (error.retryable, error.tokens)


@pytest.mark.parametrize("kind", ["text/html", "application/x-ndjson"])
def test_an_answer_that_is_no_stream(serve: Serve, kind: str) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer(b"<html>Welcome</html>", kind=kind)

    error = fail(serve(reply).url)
    assert f"(it is {kind}, no stream of events): check the URL, which usually ends in /v1." in str(error)
    assert not error.retryable


def test_an_event_without_end_does_not_fill_memory(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shadowprice.engines._chat._MOST_EVENT_BYTES", 10_000)

    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.send(b"data: ")
        while True:
            await wire.send(b"x" * 1000)

    assert "exceeded the 10000 byte limit" in str(fail(serve(reply).url))


@pytest.mark.parametrize("pieces", [0, 2])
def test_a_stall(serve: Serve, pieces: int) -> None:
    async def reply(wire: Wire) -> None:
        if pieces:
            await wire.begin()
        for _ in range(pieces):
            await wire.piece("x")
        await wire.gone()

    server = serve(reply)
    error = fail(server.url, stall=0.3)
    assert isinstance(error, StalledError)
    assert f"{server.url} sent nothing for 0.3 s after {pieces} tokens: " in str(error)
    assert (True, pieces) == (error.retryable, error.tokens)


def test_a_reply_that_takes_too_long_as_a_whole(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        while True:
            await wire.send(b": still here\n\n")
            await asyncio.sleep(0.05)

    server = serve(reply)
    error = fail(server.url, timeout=0.5)
    assert isinstance(error, StalledError)
    assert f"{server.url} had not finished after 0.5 s and 1 token: " in str(error)


@pytest.mark.parametrize(
    ("reported", "retryable"),
    [
        ({"message": "out of memory", "code": 500}, True),
        ({"message": "out of memory"}, True),
        ("out of memory", True),
        ({"message": "out of memory", "code": 400}, False),
        ({"message": "out of memory", "type": "invalid_request_error"}, False),
    ],
)
def test_an_error_in_the_middle(serve: Serve, reported: Any, retryable: bool) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        await wire.event({"error": reported})

    server = serve(reply)
    error = fail(server.url)
    assert isinstance(error, RefusedError)
    assert f"{server.url} failed after 1 token (out of memory): " in str(error)
    assert (retryable, 1) == (error.retryable, error.tokens)


SECRETS = ("sk-secret-123456", "p@ss-word-1", "qu3ry%2Fs3cr3t")


@pytest.mark.parametrize("how", ["echoed", "echoed in the stream", "reset", "no HTTP", "nobody"])
@pytest.mark.parametrize("credentials", ["key", "user"])
def test_secrets_are_nowhere(serve: Serve, caplog: pytest.LogCaptureFixture, how: str, credentials: str) -> None:
    """A server that repeats what it got, every logger at its most talkative, and the errors below ours."""

    async def reply(wire: Wire) -> None:
        heard = f"{wire.headers['authorization']} {wire.path}"
        if how == "echoed":
            await wire.answer({"error": {"message": f"Incorrect API key: {heard}"}}, 401)
        elif how == "echoed in the stream":
            await wire.begin()
            await wire.event({"error": {"message": heard}})
        elif how == "no HTTP":
            await wire.send(f"HTTP/9 {heard}\r\n\r\n".encode())
        else:
            wire.reset()

    server = serve(reply)
    url = f"{server.url}?key={SECRETS[2]}"
    key: str | None = SECRETS[0]
    if credentials == "user":
        url, key = url.replace("http://", "http://me:p%40ss-word-1@"), None
    if how == "nobody":
        url = url.replace(server.url.split(":")[2], "9/v1")
    secrets = [*SECRETS, "qu3ry/s3cr3t", "p%40ss-word-1", base64.b64encode(b"me:p@ss-word-1").decode()]
    with caplog.at_level(logging.DEBUG):
        error = fail(url, api_key=key)
    if how != "nobody":
        expected = f"Bearer {key}" if key else f"Basic {secrets[-1]}"
        assert expected == server.asked[0].headers["authorization"]
        assert server.asked[0].path.endswith(f"?key={SECRETS[2]}")
    said = [str(error), repr(error), repr(OpenAIEngine(url, "m", api_key=key)), str(vars(error)), caplog.text]
    said += [repr(cause) for cause in (error.__cause__, error.__context__)]
    assert [] == [(secret, text) for secret in secrets for text in said if secret in text]
