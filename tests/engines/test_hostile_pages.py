"""Pages, replies and errors by a server that means harm: one sentence, little memory, no long wait."""

import asyncio
import gzip
import json
import tracemalloc
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from http_server import Serve, Wire
from shadowprice._errors import BrokenReplyError, EngineError, InputError, RefusedError, StalledError
from shadowprice._pages import decode_json
from shadowprice.beliefs.encoders import EndpointEncoder
from shadowprice.engines import OpenAIEngine, Request, ServerAddress, identify
from shadowprice.engines._identify import read_counter

BOMB = gzip.compress(b" " * (64 << 20), 9)
"""64 MiB in 64 KiB."""
DEEP = b"[" * 200_000
METRIC = "vllm:generation_tokens_total"


def fail(url: str, **options: Any) -> EngineError:
    async def work() -> None:
        async with OpenAIEngine(url, "m", **options) as engine:
            async for _ in engine.stream(Request("q7", ({"role": "user", "content": "Hi."},), 20)):
                pass

    with pytest.raises(EngineError) as caught:
        asyncio.run(work())
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("kind", ["application/json", "text/event-stream"])
@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "gzip, gzip"])
def test_a_bomb_is_not_unpacked(serve: Serve, kind: str, coding: str) -> None:
    async def reply(wire: Wire) -> None:
        assert "identity" == wire.headers["accept-encoding"]
        await wire.answer(BOMB, kind=kind, headers={"Content-Encoding": coding})

    url = serve(reply).url
    tracemalloc.start()
    try:
        error = fail(url)
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert isinstance(error, BrokenReplyError)
    assert f"it is compressed ({coding}), which was not asked for" in str(error)
    assert not error.retryable


def test_a_bomb_as_the_list_of_models_and_as_an_error(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        status = 200 if wire.path == "/v1/models" else 429
        await wire.answer(BOMB, status, headers={"Content-Encoding": "gzip"})

    url = serve(reply).url
    with pytest.raises(BrokenReplyError, match=r"it is compressed \(gzip\), which was not asked for\): check the URL"):
        identify(ServerAddress(url))
    assert "HTTP 429 (Too Many Requests): ask less at once." in str(fail(url))


def test_a_reply_without_end_is_read_so_far_only(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shadowprice.engines._chat._MOST_REPLY_BYTES", 10_000)
    monkeypatch.setattr("shadowprice.engines._identify._MOST_BYTES", 10_000)

    async def reply(wire: Wire) -> None:
        await wire.begin("application/json")
        while True:
            await wire.send(b" " * 1000)

    url = serve(reply).url
    assert "(it is longer than 10000 bytes): choose a server that sends less." in str(fail(url))
    with pytest.raises(BrokenReplyError, match="it is longer than 10000 bytes"):
        identify(ServerAddress(url))
    assert read_counter(ServerAddress(url), METRIC) is None


@pytest.mark.parametrize("head", ["whole", "slow"])
def test_one_deadline_covers_a_whole_page(serve: Serve, monkeypatch: pytest.MonkeyPatch, head: str) -> None:
    monkeypatch.setattr("shadowprice.engines._identify._PATIENCE", 0.4)

    async def drip(wire: Wire) -> None:
        if head == "whole":
            await wire.begin("application/json")
        else:
            await wire.send(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        while True:
            await wire.send(b"1")
            await asyncio.sleep(0.05)

    url = serve(drip).url
    with pytest.raises(StalledError, match=r"had not answered in full after 0\.4 s") as caught:
        identify(ServerAddress(url))
    assert caught.value.retryable
    assert read_counter(ServerAddress(url), METRIC) is None
    with pytest.raises(EngineError, match=r"had not answered in full after 0\.4 s"):
        EndpointEncoder(url, timeout=0.4).transform(["a"])


def test_an_endpoint_that_means_harm(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shadowprice.beliefs.encoders._endpoint._MOST_BYTES", 300_000)

    async def reply(wire: Wire) -> None:
        model = wire.body["model"]
        if model == "bomb":
            await wire.answer(BOMB, headers={"Content-Encoding": "gzip"})
        else:
            await wire.answer({"deep": DEEP, "long": b" " * 300_001, "index": b'{"data":[{"index":1e999}]}'}[model])

    url = serve(reply).url
    for model, said in (
        ("bomb", "compressed"),
        ("deep", "did not send a list"),
        ("long", "longer than 300000 bytes"),
        ("index", "did not send a list"),
    ):
        with pytest.raises(EngineError, match=said):
            EndpointEncoder(url, model).transform(["a"])
    for secret in ("http://me:s3cr3t@host:x/v1", "me:s3cr3t@host", url.replace("//", "//me:s3cr3t@")):
        with pytest.raises((InputError, EngineError)) as caught:
            EndpointEncoder(secret, "deep").transform(["a"])
        assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "listing",
    [DEEP, b'{"data":' * 50_000, b"7" * 5000, b'{"data": [{"id": 5}, {"id": {"a": 1}}, {"id": ["x"]}]}', b"NaN"],
)
def test_listings_that_are_none_and_metrics_that_are_no_numbers(serve: Serve, listing: bytes) -> None:
    async def reply(wire: Wire) -> None:
        await (wire.answer(listing) if wire.path == "/v1/models" else wire.answer(DEEP))

    server = identify(ServerAddress(serve(reply).url))
    assert (None, (), None, None) == (server.dialect, server.models, server.version, server.counter)


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ("12", 12),
        ("1.2e+3 1700000000", 1200),
        ("1.2.3", None),
        ("1e999", None),
        ("1e300", None),
        ("nan", None),
        ("-1", None),
        ("", None),
        ("9" * 5000, None),
        (f'1\n{METRIC}{{a="b"}} 2', 3),
        (f"1\n{METRIC} x", None),
        (f"1\n{f'{METRIC}{{' * 10}\n" * 10_000, 1),
    ],
    ids=lambda given: str(given)[:20],
)
def test_what_metrics_say(serve: Serve, value: str, count: int | None) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer(f"# TYPE {METRIC} counter\n{METRIC} {value}\n{METRIC}s 7\n".encode(), kind="text/plain")

    url = serve(reply).url
    assert count == read_counter(ServerAddress(url), METRIC)

    async def total() -> tuple[int | None, list[str]]:
        async with OpenAIEngine(url, "m", counter=METRIC) as engine:
            return await engine.total_generated(), engine.remarks()

    said = [f"The server's metric {METRIC} cannot be read: what it has generated in all is unknown."]
    if len(value) < 100:
        assert (count, said if count is None else []) == asyncio.run(total())


@pytest.mark.parametrize("body", [DEEP, b'{"error":' * 50_000, b'{"error": {"code": ' + b"7" * 5000 + b"}}"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Retry-After": "Wed, 21 Oct 2015 07:28:00 +99999999999999"},
        {"Retry-After": "Wed, 21 Oct 0001 07:28:00 -0000"},
        {"Retry-After": "Wed, 99 Oct 9999999999999 07:28:00 GMT"},
        {"Retry-After": ","},
        {"Retry-After": "1e999"},
        {"Retry-After": "9" * 5000},
    ],
)
def test_an_absurd_429_is_an_ordinary_one(serve: Serve, body: bytes, headers: dict[str, str]) -> None:
    async def reply(wire: Wire) -> None:
        await wire.answer(body, 429, headers=headers)

    error = fail(serve(reply).url)
    assert isinstance(error, RefusedError)
    assert error.retryable
    assert error.retry_after in (None, 0.0)


def test_a_good_date_beside_an_absurd_clock(serve: Serve) -> None:
    async def reply(wire: Wire) -> None:
        headers = {"Retry-After": formatdate(usegmt=True), "Date": "Wed, 21 Oct 2015 07:28:00 +99999999999999"}
        await wire.answer({}, 429, headers=headers)

    assert 0.0 == fail(serve(reply).url).retry_after


@pytest.mark.parametrize(
    "data",
    [
        DEEP.decode(),
        '{"choices":' * 50_000,
        "7" * 5000,
        '{"usage":{"completion_tokens":' + "7" * 5000 + "}}",
        json.dumps({"choices": []})[:-1] + ', "x":' + "[" * 101 + "]" * 101 + "}",
    ],
    ids=range(5),
)
@pytest.mark.parametrize("whole", [False, True])
def test_chunks_that_nobody_can_decode(serve: Serve, data: str, whole: bool) -> None:
    async def reply(wire: Wire) -> None:
        if whole:
            await wire.answer(data.encode())
            return
        await wire.begin()
        await wire.piece("x")
        await wire.event(data)

    error = fail(serve(reply).url)
    assert isinstance(error, BrokenReplyError)
    assert f"after {'0 tokens' if whole else '1 token'} (malformed JSON: " in str(error)
    assert error.retryable


@pytest.mark.parametrize("code", ["9" * 5000, 5 * 10**3999, "²²²", [[]], {"a": 1}])
def test_errors_in_the_stream_with_absurd_codes(serve: Serve, code: Any) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.event({"error": {"message": "x", "code": code}})

    assert isinstance(fail(serve(reply).url), RefusedError)


@pytest.mark.parametrize("charset", ["zlib_codec", "undefined", "utf-7", "base64", "unicode_escape", "utf-16", "none"])
def test_a_stream_is_utf_8_whatever_its_type_says(serve: Serve, charset: str) -> None:
    async def reply(wire: Wire) -> None:
        await wire.begin(f"text/event-stream; charset={charset}")
        await wire.piece("é")
        await wire.finish("abort")

    assert "finish_reason abort" in str(fail(serve(reply).url))


@pytest.mark.parametrize(("text", "value"), [("[NaN, -Infinity, 1]", [None, None, 1]), (b'{"a": [[]]}', {"a": [[]]})])
def test_json_of_servers(text: str | bytes, value: Any) -> None:
    assert value == decode_json(text)


def test_json_that_is_wide_is_fine_and_deep_is_not() -> None:
    assert 1000 == len(decode_json("[" + "[]," * 999 + "[]]"))
    assert decode_json("[" * 100 + "]" * 100)
    for text in (
        "[" * 101 + "]" * 101,
        b"[" * 101 + b"]" * 101,
        "[" * 10**5,
        b'{"a":' * 101 + b"1" + b"}" * 101,
        b"\xff",
    ):
        with pytest.raises(ValueError):
            decode_json(text)


SPELLINGS = (
    "user:s3cr3t@host:1",
    "user:s3cr3t@host/v1",
    "//user:s3cr3t@host",
    "http:/user:s3cr3t@host",
    "http:user:s3cr3t@host",
    "http//user:s3cr3t@host",
    "http:///user:s3cr3t@host",
    "htp://user:s3cr3t@host",
    "vllm+user:s3cr3t@host",
    "vllm+htp://user:s3cr3t@host",
    "http://user:s3cr3t@host:port",
    "http://user:1234/s3cr3t@127.0.0.1:9/v1",
    "http://user:12#s3cr3t@127.0.0.1:9/v1",
    "http://user:12?s3cr3t@127.0.0.1:9/v1",
    "http://user:s3cr3t@127.0.0.1:9/v1",
    "http://127.0.0.1:9/v1?key=s3cr3t",
    " user:s3cr3t@host",
    "s3cr3t",
)


@pytest.mark.parametrize("url", SPELLINGS)
@pytest.mark.parametrize("command", ["probe", "run", "record"])
def test_a_secret_in_a_misspelt_url_is_not_repeated(
    shadowprice: Callable[..., Any], tmp_path: Path, command: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHADOWPRICE_CACHE", str(tmp_path / "cache"))
    questions = tmp_path / "q.jsonl"
    questions.write_text('{"question": "1 + 1?", "gold": "2"}\n')
    before = {
        "probe": ("engine", "probe", "--model", "m", url),
        "run": ("run", questions, "--policy", "uniform", "--budget", 40, "--engine", url, "-o", tmp_path / "a.jsonl"),
        "record": ("record", questions, "--engine", url, "-o", tmp_path / "t.parquet"),
    }
    said = shadowprice(*before[command])
    assert said.code in (2, 4)
    assert "s3cr3t" not in said.out + said.err
    assert "error: " in said.err
