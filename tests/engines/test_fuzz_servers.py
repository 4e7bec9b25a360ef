"""Whatever a server sends: errors of ours, counts that are finite and never fall, and no more text than was sent."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import strategies as st

from fuzzing import altered, damaged, fuzz
from http_server import Serve, Wire
from shadowprice._errors import EngineError
from shadowprice.engines import Delta, OpenAIEngine, Request, ServerAddress, identify
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._identify import read_counter
from shadowprice.engines._reading import MOST_TOKENS
from shadowprice.engines._reply_reader import ReplyReader
from shadowprice.engines._text_floor import TextFloor

pytestmark = pytest.mark.fuzz

DATA = Path(__file__).parent / "data"
REQUEST = Request("q7", ({"role": "user", "content": "Hi."},), 40)
COMPLAINTS = Complaints(ServerAddress("http://host/v1"), "Request q7")
METRIC = "llamacpp:tokens_predicted_total"


def chunk(delta: Any, finish: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def usage(tokens: int, thinking: int = 0) -> dict[str, Any]:
    details = {"reasoning_tokens": thinking}
    return {"completion_tokens": tokens, "prompt_tokens": 9, "total_tokens": 9 + tokens} | (
        {"completion_tokens_details": details} if thinking else {}
    )


PART = {"type": "text", "text": "Hm"}
CHUNKS: dict[str, list[Any]] = {
    "llamacpp": [
        json.loads(line.removeprefix("data: "))
        for line in (DATA / "llamacpp.sse").read_text().splitlines()
        if line.startswith("data: {")
    ],
    "openai": [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        chunk({"content": "So many"}),
        chunk({"tool_calls": [{"index": 0, "id": "t1", "function": {"name": "f", "arguments": "{}"}}]}),
        chunk({}, "stop"),
        {"choices": [], "usage": usage(9, 4)},
    ],
    "vllm": [
        chunk({"role": "assistant", "content": ""}, usage=usage(0)),
        chunk({"reasoning": "Hm. ", "reasoning_content": "Hm. "}, usage=usage(3)),
        chunk({"content": "42"}, "length", stop_reason=None, usage=usage(40)),
    ],
    "parts": [
        chunk(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]},
                    {"type": "text", "text": "x"},
                ]
            }
        ),
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]}, "stop"),
    ],
    "error": [chunk({"content": "a"}), {"error": {"message": "out of memory", "code": 500, "type": "server_error"}}],
}
WHOLE = {"choices": [{"message": {"content": "<think>Hm.</think>42"}, "finish_reason": "stop"}], "usage": usage(8)}
STREAMS = {
    name: b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in them) for name, them in CHUNKS.items()
}


def response(body: bytes, kind: str, status: int = 200, *more: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *more, "", ""]
    return "\r\n".join(lines).encode() + body


RESPONSES = {
    **{name: response(body + b"data: [DONE]\n\n", "text/event-stream") for name, body in STREAMS.items()},
    "chunked": b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
    + b"Transfer-Encoding: chunked\r\n\r\n"
    + b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in STREAMS["openai"].split(b"\n"))
    + b"0\r\n\r\n",
    "whole": response(json.dumps(WHOLE).encode(), "application/json"),
    "refused": response(
        b'{"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}',
        "application/json",
        429,
        "Retry-After: Wed, 21 Oct 2015 07:28:00 GMT",
        "Date: Wed, 21 Oct 2015 07:28:00 GMT",
        "x-should-retry: true",
    ),
}
PAGES = {
    "models": (DATA / "llamacpp-models.json").read_bytes(),
    "version": b'{"version": "0.32.0", "build_info": "b1-x"}',
    "metrics": (DATA / "llamacpp-metrics.txt").read_bytes(),
    "counter": f'# TYPE {METRIC} counter\n{METRIC}{{model="m"}} 12.5\n{METRIC} 1e+03 1700000000\n'.encode(),
}


def check_deltas(deltas: list[Delta], sent: int) -> None:
    counts = [delta.tokens for delta in deltas]
    assert counts == sorted(counts)
    assert all(0 <= count <= MOST_TOKENS for count in counts)
    floor = TextFloor()
    for delta in deltas:
        # Text that waits for the end of a tag comes late, never early.
        floor.add(delta.text + delta.thinking)
        assert delta.tokens >= floor.tokens or delta.thinking
        assert delta.thinking_tokens is None or 0 <= delta.thinking_tokens <= delta.tokens
    assert sum(len(delta.text) + len(delta.thinking) for delta in deltas) <= sent


def check_error(error: EngineError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 1000
    assert 0 <= error.tokens <= MOST_TOKENS
    assert error.retry_after is None or 0 <= error.retry_after < float("inf")


def test_chunks() -> None:
    def check(chunks: Any) -> None:
        reader = ReplyReader(REQUEST, COMPLAINTS)
        deltas: list[Delta] = []
        try:
            for one in chunks if isinstance(chunks, list) else [chunks]:
                if (delta := reader.read(one)) is not None:
                    deltas.append(delta)
                if reader.cut:
                    break
            deltas.append(reader.end())
        except EngineError as error:
            check_error(error)
        check_deltas(deltas, len(json.dumps(chunks)))
        assert reader.tokens <= MOST_TOKENS
        assert isinstance(reader.doubts(), list)

    fuzz(altered(CHUNKS, most=4), check, examples=100)


def test_whole_replies() -> None:
    def check(reply: Any) -> None:
        reader = ReplyReader(REQUEST, COMPLAINTS)
        try:
            check_deltas([one for one in (reader.read(reply, whole=True), reader.end()) if one], len(json.dumps(reply)))
        except EngineError as error:
            check_error(error)

    fuzz(altered({"whole": WHOLE}, most=3), check, examples=100)


class Answers:
    """A server that sends what it is told to, as it is."""

    def __init__(self) -> None:
        self.data = b""

    async def __call__(self, wire: Wire) -> None:
        await wire.send(self.data)


def test_responses(serve: Serve) -> None:
    answers = Answers()
    engine = OpenAIEngine(serve(answers).url, "m", timeout=5.0)

    async def ask(data: bytes) -> None:
        answers.data = data
        deltas: list[Delta] = []
        try:
            async for delta in engine.stream(REQUEST):
                deltas.append(delta)  # noqa: PERF401  # those before an error are wanted, too
        except EngineError as error:
            check_error(error)
        check_deltas(deltas, len(data))
        assert len(engine.remarks()) <= 4

    with asyncio.Runner() as runner:
        fuzz(damaged(RESPONSES), lambda data: runner.run(ask(data)), examples=100)
        runner.run(engine.aclose())


def test_pages(serve: Serve) -> None:
    answers = Answers()
    address = ServerAddress(serve(answers).url)

    def check(page: bytes) -> None:
        answers.data = response(page, "application/json")
        try:
            server = identify(address)
            assert all(isinstance(name, str) for name in server.models)
        except EngineError as error:
            check_error(error)
        count = read_counter(address, METRIC)
        assert count is None or 0 <= count <= 2**53

    fuzz(damaged(PAGES), check, examples=10)


def test_refusals() -> None:
    dates = st.from_regex(
        r"[A-Z][a-z]{2}, \d{1,3} (Oct|Jan|x) \d{1,20} \d\d:\d\d:\d\d (GMT|[+-]\d{1,20}|)", fullmatch=True
    )
    texts = (
        dates | st.text(st.characters(max_codepoint=255), max_size=20) | st.floats().map(str) | st.integers().map(str)
    )
    headers = st.dictionaries(st.sampled_from(["retry-after", "retry-after-ms", "date", "x-should-retry"]), texts)
    bodies = damaged({"body": b'{"error": {"message": "Slow down.", "code": "rate_limit_exceeded", "type": "x"}}'})

    def check(said: tuple[int, dict[str, str], bytes]) -> None:
        check_error(COMPLAINTS.refused(*said))

    fuzz(st.tuples(st.integers(100, 999), headers, bodies), check, examples=100)


def test_errors_in_the_stream() -> None:
    reported = altered(
        {"error": {"error": {"message": "m", "code": 500, "type": "t", "detail": [{"msg": "x"}]}}}, most=3
    )
    fuzz(reported, lambda error: check_error(COMPLAINTS.failed(error, 3)), examples=100)
