"""Clients of a gateway that cost little, and that can send what no library would."""

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    """0 where nothing did."""
    headers: dict[str, str]
    body: bytes
    """Chunks joined."""

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def request(url: str, body: Any, path: str = "/v1/chat/completions", **headers: str) -> bytes:
    """A request as it is sent."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/1.1", f"Host: {place(url)[0]}", "Connection: close", f"Content-Length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


def place(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("http://").partition("/")[0].split(":")
    return host, int(port)


async def send(url: str, content: bytes, *, leave_after: int | None = None) -> Answer:
    """Send some bytes, and read what comes back, or leave after so many bytes of it."""
    try:
        reader, writer = await asyncio.open_connection(*place(url), limit=1 << 24)
    except OSError:
        return Answer(0, {}, b"")
    try:
        writer.write(content)
        await writer.drain()
        if leave_after is not None:
            await reader.readexactly(leave_after)
            return Answer(-1, {}, b"")
        got = await reader.read(-1)
    except (ConnectionError, asyncio.IncompleteReadError):
        return Answer(0, {}, b"")
    finally:
        writer.transport.abort() if leave_after is not None else writer.close()
    return read_answer(got)


async def drive(url: str, until: float, streams: int = 128, leave: float = 0.0, seed: int = 0) -> Counter[int]:
    """Ask again and again, so many at a time, until then; a share leaves in the middle. Answers by status."""
    seen: Counter[int] = Counter()
    chance = random.Random(seed)

    async def client() -> None:
        while time.time() < until:
            question = [{"role": "user", "content": f"{chance.randint(20, 60)} words"}]
            content = request(url, {"messages": question, "stream": True, "max_tokens": 64})
            leaves = chance.randint(700, 3000) if chance.random() < leave else None
            status = (await send(url, content, leave_after=leaves)).status
            seen[status] += 1
            if status in (0, 429):
                await asyncio.sleep(0.05 + 0.1 * chance.random())

    await asyncio.gather(*(client() for _ in range(streams)))
    return seen


def read_answer(got: bytes) -> Answer:
    """An answer from its bytes."""
    if not got:
        return Answer(0, {}, b"")
    head, _, body = got.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        blocks, rest = [], body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            blocks.append(rest[: int(size, 16)])
            rest = rest[int(size, 16) + 2 :]
        body = b"".join(blocks)
    return Answer(int(first.split()[1]), headers, body)
