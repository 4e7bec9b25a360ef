"""Clients that stream, in a process of their own, for `gateway_load.py`.

They speak HTTP on a bare socket, so that what they cost is small and the same for everybody. Either each asks again as
soon as its reply has ended, or replies are begun at a fixed rate, whatever becomes of them: time counts from when one
was to begin, so that a proxy which cannot keep up looks as slow as it is.
"""

import argparse
import asyncio
import json
import os
import random
import time
from collections import deque
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvloop
from gateway_mock import MODEL, WORD

_WORD = WORD.encode()
_END = b"0\r\n\r\n"
_TEXT = "Please write about the price of bread, in plain words and without a list, as if to a friend. "


@dataclass(slots=True)
class Load:
    """What is asked for."""

    url: str
    clients: int
    pieces: int
    apart: int
    """Milliseconds between pieces."""
    warm: int
    """Requests before anything is measured."""
    seconds: float = 0.0
    """How long new requests are begun; 0 for a fixed number of them."""
    count: int = 0
    """Requests, if not by time."""
    rate: float = 0.0
    """Requests begun in a second; 0 for as many as can be."""
    headers: dict[str, str] = field(default_factory=dict)
    """Further ones."""
    pids: list[int] = field(default_factory=list)
    """The proxy's processes, whose CPU time is taken."""

    def request(self) -> bytes:
        """A request as it goes over the wire."""
        at = urlsplit(self.url)
        content = f"{_TEXT}{self.pieces} pieces, {self.apart} ms apart"
        turns = [{"role": "system", "content": "You are helpful."}, {"role": "user", "content": content}]
        body = json.dumps({"model": MODEL, "messages": turns, "stream": True, "max_tokens": 64, "temperature": 0.7})
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        head = f"POST {at.path}/v1/chat/completions HTTP/1.1\r\nhost: {at.netloc}\r\ncontent-type: application/json\r\n"
        return f"{head}accept: */*\r\n{more}content-length: {len(body)}\r\n\r\n{body}".encode()


@dataclass(slots=True)
class Found:
    """What came of it."""

    done: int
    seconds: float
    cpu: float
    """Seconds of CPU time of the proxy."""
    first_half: float
    """Milliseconds until the first event of a reply, the median."""
    first_most: float
    """The same, the 99th percentile."""
    gap_half: float
    """Milliseconds between pieces."""
    gap_most: float


class Client(asyncio.Protocol):
    """One connection, one reply at a time."""

    def __init__(self, crowd: "Crowd") -> None:
        self._crowd = crowd
        self._head = b""
        self._in_head = True
        self._last = b""
        self._since = 0.0
        self._piece = 0.0
        self._pieces = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is connected."""
        self.transport: Any = transport

    def connection_lost(self, error: Exception | None) -> None:
        """It should not be."""
        self._crowd.lost(f"the connection was lost in a reply ({error})" if self._since else "", self)

    def ask(self, since: float) -> None:
        """Begin; time counts from then."""
        self._since, self._piece, self._pieces = since, 0.0, 0
        self._head, self._in_head, self._last = b"", True, b""
        self.transport.write(self._crowd.request)

    def data_received(self, data: bytes) -> None:
        """A part of a reply has come."""
        now = time.perf_counter()
        if self._in_head:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            if b" 200 " not in head.partition(b"\r\n")[0]:
                self._crowd.lost(f"it answered: {self._head[:600]!r}", self)
                return
            self._in_head = False
        found = data.count(_WORD)
        if found:
            if not self._pieces:
                self._crowd.firsts.append((now - self._since) * 1e3)
            else:
                self._crowd.gaps.append((now - self._piece) * 1e3)
            self._crowd.gaps.extend([0.0] * (found - 1))
            self._piece = now
            self._pieces += found
        self._last = (self._last + data)[-len(_END) :] if len(data) < len(_END) else data[-len(_END) :]
        if self._last == _END:
            self._since = 0.0
            self._crowd.ended(self, self._pieces)


class Crowd:
    """All clients."""

    def __init__(self, load: Load) -> None:
        self.request = load.request()
        self.firsts: list[float] = []
        self.gaps: list[float] = []
        self._load = load
        self._free: deque[Client] = deque()
        self._waiting: deque[float] = deque()
        self._closing = False

    async def run(self) -> Found:
        """Do it all."""
        load, loop = self._load, asyncio.get_running_loop()
        at = urlsplit(load.url)
        assert at.hostname is not None
        assert at.port is not None
        for _ in range(load.clients):
            _, client = await loop.create_connection(lambda: Client(self), at.hostname or "", at.port or 80)
            self._free.append(client)
        if load.warm:
            await self._at_full(load.warm, 0.0)
        self.firsts, self.gaps = [], []
        before, began = cpu(load.pids), time.perf_counter()
        if load.rate:
            done = await self._at_rate(load.rate, load.seconds)
        else:
            done = await self._at_full(load.count, load.seconds)
        took, used = time.perf_counter() - began, cpu(load.pids) - before
        self._closing = True
        for client in self._free:
            client.transport.close()
        half, most = at_share(self.firsts, 0.5), at_share(self.firsts, 0.99)
        return Found(done, took, used, half, most, at_share(self.gaps, 0.5), at_share(self.gaps, 0.99))

    async def _at_full(self, count: int, seconds: float) -> int:
        """Everybody asks again at once, so often in all, or for so long."""
        self._end = asyncio.get_running_loop().create_future()
        self._left = count or 1 << 60
        self._until = time.perf_counter() + (seconds or 1e9)
        self._begun, self._done, self._again = 0, 0, True
        for client in [self._free.popleft() for _ in range(min(len(self._free), self._left))]:
            self._next(client)
        await self._end
        return self._done

    def _next(self, client: Client) -> None:
        now = time.perf_counter()
        if self._left and now < self._until:
            self._left -= 1
            self._begun += 1
            client.ask(now)
        else:
            self._free.append(client)
            if self._done == self._begun and not self._end.done():
                self._end.set_result(None)

    async def _at_rate(self, rate: float, seconds: float) -> int:
        """So many are begun a second, each at a random moment of its slot."""
        loop = asyncio.get_running_loop()
        self._end = loop.create_future()
        dice = random.Random(1)
        count = round(rate * seconds)
        self._begun, self._done, self._again = count, 0, False
        start, zero = loop.time() + 0.05, time.perf_counter() + 0.05
        for number in range(count):
            when = (number + dice.random()) / rate
            loop.call_at(start + when, self._arrive, zero + when)
        await self._end
        return self._done

    def _arrive(self, since: float) -> None:
        if self._free:  # if our own timer was late, that is nobody else's fault
            self._free.popleft().ask(time.perf_counter())
        else:
            self._waiting.append(since)

    def ended(self, client: Client, pieces: int) -> None:
        """A reply has come to its end."""
        if pieces != self._load.pieces:
            self.lost(f"a reply had {pieces} pieces of {self._load.pieces}", client)
            return
        self._done += 1
        if self._again:
            self._next(client)
            return
        if self._waiting:
            client.ask(self._waiting.popleft())
        else:
            self._free.append(client)
        if self._done == self._begun and not self._end.done():
            self._end.set_result(None)

    def lost(self, why: str, client: Client) -> None:
        """Something is wrong, so nothing is measured."""
        if why and not self._closing and not self._end.done():
            self._end.set_exception(RuntimeError(why))
        elif client in self._free and not self._closing:
            self._free.remove(client)


def at_share(numbers: list[float], share: float) -> float:
    """A quantile; NaN of nothing."""
    return sorted(numbers)[min(len(numbers) - 1, int(share * len(numbers)))] if numbers else float("nan")


def cpu(pids: list[int]) -> float:
    """Seconds of CPU time of some processes, user and system."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Do what is asked for, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("load", help="a Load as JSON, as gateway_load.py writes it")
    asked: dict[str, Any] = json.loads(parser.parse_args().load)
    found = uvloop.run(Crowd(Load(**asked)).run())
    print(json.dumps(asdict(found)))


if __name__ == "__main__":
    main()
