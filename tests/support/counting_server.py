"""A chat server in a process of its own that obeys its caps and counts what it makes, read or not.

    python tests/support/counting_server.py --rate 500

prints its URL and serves until its standard input ends. A reply is as many words as its question's number says, one
token each; a request that ends with an assistant's text is gone on with from there. `/metrics` tells the count under
the name that llama.cpp uses.
"""

import argparse
import asyncio
import json
import math
import re
import subprocess
import sys
import time
import urllib.request
from array import array
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

WORD: Final = "a "


@contextmanager
def counting_server(rate: float = 500.0) -> Iterator[str]:
    """Serve `rate` tokens a second to each request; gives the base URL of the API."""
    with counting_process(rate) as (url, _):
        yield url


@contextmanager
def counting_process(rate: float = 500.0) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """The same, and the process, for whoever wants to stop it for a while."""
    with subprocess.Popen(
        [sys.executable, __file__, "--rate", str(rate)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"{process.stdout.readline().strip()}/v1", process
        finally:
            process.kill()


def made_tokens(url: str) -> int:
    """Tokens that the server has made so far."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/metrics") as page:
        return int(page.read().split()[-1])


def made_times(url: str) -> "array[float]":
    """When the server made each of its tokens, seconds since 1970 by its own clock."""
    with urllib.request.urlopen(url.removesuffix("/v1") + "/times") as page:
        return array("d", page.read())


def made_in_windows(url: str, seconds: float) -> Counter[int]:
    """Tokens that the server made in each stretch of so many seconds, by how many of these there were since 1970."""
    return Counter(math.floor(when / seconds) for when in made_times(url))


class _Server:
    def __init__(self, rate: float) -> None:
        self._pause = 1.0 / rate
        self._made = array("d")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if head.startswith("POST"):
                length = re.search(r"(?i)content-length: (\d+)", head)
                assert length is not None
                await self._reply(json.loads(await reader.readexactly(int(length[1]))), writer)
            elif "/metrics" in head.partition("\r\n")[0]:
                await _send(writer, "text/plain", f"llamacpp:tokens_predicted_total {len(self._made)}\n")
            elif "/times" in head.partition("\r\n")[0]:
                await _send(writer, "application/octet-stream", "")
                writer.write(self._made.tobytes())
                await writer.drain()
            else:
                await _send(writer, "application/json", json.dumps({"data": [{"id": "words"}]}))
        writer.close()

    async def _reply(self, body: Any, writer: asyncio.StreamWriter) -> None:
        turns = body["messages"]
        begun = turns[-1]["content"].count(WORD) if turns[-1]["role"] == "assistant" else 0
        asked = next(turn["content"] for turn in reversed(turns) if turn["role"] == "user")
        number = re.search(r"\d+", asked)
        left = (int(number[0]) if number else 50) - begun
        cap = body.get("max_completion_tokens") or body.get("max_tokens")
        await _send(writer, "text/event-stream", "")
        for _ in range(min(left, cap)):
            await asyncio.sleep(self._pause)
            self._made.append(time.time())
            await _event(writer, {"choices": [{"index": 0, "delta": {"content": WORD}, "finish_reason": None}]})
        end = "stop" if left <= cap else "length"
        await _event(writer, {"choices": [{"index": 0, "delta": {}, "finish_reason": end}]})
        writer.write(b"data: [DONE]\n\n")
        await writer.drain()


async def _send(writer: asyncio.StreamWriter, kind: str, text: str) -> None:
    writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n{text}".encode())
    await writer.drain()


async def _event(writer: asyncio.StreamWriter, data: Any) -> None:
    writer.write(f"data: {json.dumps(data)}\n\n".encode())
    await writer.drain()


async def _main(rate: float) -> None:
    server = await asyncio.start_server(_Server(rate).serve, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rate", type=float, default=500.0)
    asyncio.run(_main(parser.parse_args().rate))
