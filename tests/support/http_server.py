"""A small real HTTP server that does what a test tells it to, on a free port of this machine."""

import asyncio
import json
import socket
import ssl
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class Wire:
    """One request, and the connection to answer it on."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    """As JSON says it, bytes where it is none; None without one."""
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(
        self, body: Any, status: int = 200, kind: str = "application/json", headers: dict[str, str] | None = None
    ) -> None:
        """A whole answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} X", f"Content-Type: {kind}", f"Content-Length: {len(data)}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        await self.send("\r\n".join([*lines, "", ""]).encode() + data)

    async def begin(self, kind: str = "text/event-stream") -> None:
        """The head of a stream whose end is the connection's."""
        await self.send(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nConnection: close\r\n\r\n".encode())

    async def begin_chunked(self) -> None:
        """The head of a stream whose end must be said."""
        await self.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")

    async def chunked(self, data: bytes) -> None:
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def event(self, data: Any) -> None:
        text = data if isinstance(data, str) else json.dumps(data)
        await self.send(f"data: {text}\n\n".encode())

    async def piece(self, text: str, **delta: str) -> None:
        await self.event({"choices": [{"index": 0, "delta": {"content": text, **delta}, "finish_reason": None}]})

    async def finish(self, reason: str = "stop", usage: int | None = None, *, done: bool = True) -> None:
        await self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
        if usage is not None:
            await self.event({"choices": [], "usage": {"completion_tokens": usage, "prompt_tokens": 5}})
        if done:
            await self.event("[DONE]")

    async def gone(self) -> None:
        """Waits until the client has closed the connection."""
        while await self.reader.read(1024):
            pass

    def reset(self) -> None:
        """Breaks the connection, with a reset instead of an end."""
        connection = self.writer.get_extra_info("socket")
        with suppress(OSError):  # the client has gone already
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Handler = Callable[[Wire], Awaitable[None]]
Serve = Callable[..., "Served"]


@dataclass
class Served:
    """A server that runs in a thread of its own."""

    handler: Handler
    host: str = "127.0.0.1"
    secure: ssl.SSLContext | None = None
    asked: list[Wire] = field(default_factory=list)
    url: str = ""
    failures: list[BaseException] = field(default_factory=list)
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    def start(self) -> None:
        started = threading.Event()

        async def run() -> None:
            self._stop = asyncio.Event()
            server = await asyncio.start_server(self._serve, self.host, 0, ssl=self.secure)
            host = f"[{self.host}]" if ":" in self.host else self.host
            scheme = "http" if self.secure is None else "https"
            self.url = f"{scheme}://{host}:{server.sockets[0].getsockname()[1]}/v1"
            started.set()
            await self._stop.wait()
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(run()))
        self._thread.start()
        assert started.wait(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()
        assert [] == self.failures

    @property
    def bodies(self) -> list[Any]:
        """Bodies of the chat requests so far."""
        return [wire.body for wire in self.asked if wire.path.endswith("/chat/completions")]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            start = await reader.readexactly(1)
            if start == b"\x16":  # TLS, which this server does not speak
                return
            head = (start + await reader.readuntil(b"\r\n\r\n")).decode()
            first, *lines = head.strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            data = await reader.readexactly(int(headers.get("content-length", 0)))
            method, path, _ = first.split(" ")
            wire = Wire(method, path, headers, _read(data), reader, writer)
            self.asked.append(wire)
            await self.handler(wire)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the client went away, as some tests want, or the test is over
        except BaseException as error:  # noqa: BLE001  # shown when the test ends
            self.failures.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()


def _read(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that end with the test; options are fields of `Served`."""
    servers: list[Served] = []

    def start(handler: Handler, **options: Any) -> Served:
        served = Served(handler, **options)
        served.start()
        servers.append(served)
        return served

    yield start
    for served in servers:
        served.stop()
