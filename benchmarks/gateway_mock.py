"""A fast server that streams replies as OpenAI does, for `gateway_load.py`: it costs as little as Python can.

python benchmarks/gateway_mock.py     prints its address, and serves until it is ended

A request says in its text what it wants: "16 pieces, 15 ms apart". At 0 ms each piece goes out in a turn of the loop of
its own. Whoever asks for usage gets it.
"""

import asyncio
import functools
import json
import re
from typing import Any

import uvloop

MODEL = "gpt-4o-mini"
WORD = "word"
"""What every piece holds, and nothing else does."""
_WISH = re.compile(rb"(\d+) pieces, (\d+) ms apart")
_USAGE = re.compile(rb'"include_usage": ?true')
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_MODELS = json.dumps({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "mock"}]}).encode()


@functools.cache
def reply(pieces: int, usage: bool) -> list[bytes]:
    """What is written, one part a time: each piece, the first with the head; and the end."""
    top = {
        "id": "chatcmpl-C0ffee0000000000000000000000",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": MODEL,
        "system_fingerprint": "fp_0000000000",
    }

    def event(data: dict[str, Any]) -> bytes:
        return chunk(f"data: {json.dumps({**top, **data}, separators=(',', ':'))}\n\n".encode())

    def choice(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    counts = {"prompt_tokens": 20, "completion_tokens": pieces, "total_tokens": 20 + pieces}
    parts = [event(choice({"content": f"{WORD} {number}"})) for number in range(pieces)]
    parts[0] = _HEAD + event(choice({"role": "assistant", "content": ""})) + parts[0]
    end = event(choice({}, "stop")) + (event({"choices": [], "usage": counts}) if usage else b"")
    return [*parts, end + chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"]


def chunk(data: bytes) -> bytes:
    """A part of a body, as HTTP/1.1 frames it."""
    return b"%x\r\n%s\r\n" % (len(data), data)


class Serving(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport: Any = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Answer a request that is whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(b"POST"):
            self._received = b""
            found = head.startswith(b"GET /v1/models ")
            page = _MODELS if found else b"{}"
            status = b"200 OK" if found else b"404 Not Found"
            self._transport.write(
                b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s"
                % (status, len(page), page)
            )
            return
        _, named, rest = head.lower().partition(b"content-length: ")
        if len(body) < int(rest.partition(b"\r\n")[0]) if named else not body.endswith(b"0\r\n\r\n"):
            return
        self._received = b""
        wish = _WISH.search(body)
        assert wish is not None, body
        parts = reply(int(wish[1]), _USAGE.search(body) is not None)
        pause = int(wish[2]) / 1000.0
        if pause:
            self._later(parts, 0, pause, self._loop.time() + pause)
        else:
            self._loop.call_soon(self._send, parts, 0)

    def _send(self, parts: list[bytes], number: int) -> None:
        self._transport.write(parts[number])
        if number + 1 < len(parts):
            self._loop.call_soon(self._send, parts, number + 1)

    def _later(self, parts: list[bytes], number: int, pause: float, when: float) -> None:
        """Send a piece at its time, whatever time the last one took."""
        self._loop.call_at(when, self._send_timed, parts, number, pause, when)

    def _send_timed(self, parts: list[bytes], number: int, pause: float, when: float) -> None:
        self._transport.write(parts[number])
        if number + 2 < len(parts):
            self._later(parts, number + 1, pause, when + pause)
        else:
            self._transport.write(parts[-1])


async def serve() -> None:
    """Serve until it is ended."""
    server = await asyncio.get_running_loop().create_server(Serving, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
