"""One connection to a server, whatever comes on it; the bytes are a real server's."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from http_server import Serve, Wire
from shadowprice._connections import Connections
from shadowprice._exchange import Answer, Connection, HttpError
from shadowprice._http import NoWayError, as_url

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHe\r\n3;x=y\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n"
TO_THE_END = b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nHello"
HINTED = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + PLAIN


async def body(answer: Answer) -> bytes:
    """All of it."""
    blocks = []
    while block := await answer.read():
        blocks.append(block)
    return b"".join(blocks)


def ask(url: str, use: Callable[[Connections], Awaitable[Any]]) -> Any:
    async def work() -> Any:
        connections = Connections(url)
        try:
            return await use(connections)
        finally:
            await connections.aclose()

    return asyncio.run(work())


def get(url: str) -> tuple[int, bytes]:
    async def use(connections: Connections) -> tuple[int, bytes]:
        answer = await connections.request("GET", as_url(f"{url}/models"))
        try:
            return answer.status, await body(answer)
        finally:
            connections.part(answer)

    found: tuple[int, bytes] = ask(url, use)
    return found


def sends(*blocks: bytes) -> Callable[[Wire], Awaitable[None]]:
    async def handle(wire: Wire) -> None:
        for block in blocks:
            await wire.send(block)
            await asyncio.sleep(0.002)

    return handle


@pytest.mark.parametrize("answer", [PLAIN, CHUNKED, TO_THE_END, HINTED])
@pytest.mark.parametrize("cut", [1, 7, 10_000])
def test_an_answer_is_read_however_it_comes(serve: Serve, answer: bytes, cut: int) -> None:
    blocks = [answer[start : start + cut] for start in range(0, len(answer), cut)]
    assert (200, b"Hello") == get(serve(sends(*blocks)).url)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (PLAIN[:-1], "it closed the connection"),
        (CHUNKED[:-20], "it closed the connection"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "it closed the connection"),
        (b"", "it closed the connection"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "it does not speak HTTP as it should"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "it does not speak HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nHello", "it does not speak HTTP"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "something else than HTTP"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 12_000, "its headers are longer than 65536 bytes"),
        (b"HTTP/1.1 000 X\r\nContent-Length: 5\r\n\r\nHello", "it answers 000, which is no status"),
        (b"HTTP/1.1 099 X\r\nContent-Length: 5\r\n\r\nHello", "it answers 099, which is no status"),
        (b"HTTP/1.1 999 X\r\nContent-Length: 5\r\n\r\nHello", "it answers 999, which is no status"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "it does not speak HTTP"),
    ],
)
def test_what_is_no_whole_answer_is_said(serve: Serve, answer: bytes, said: str) -> None:
    with pytest.raises(HttpError, match=said):
        get(serve(sends(answer)).url)


def test_a_connection_is_used_again_only_after_an_answer_that_was_one(serve: Serve) -> None:
    """A second answer that nobody asked for must not become that of the next request."""

    async def handle(wire: Wire) -> None:
        while True:
            await wire.send(PLAIN + (PLAIN.replace(b"Hello", b"Other") if len(server.asked) == 1 else b""))
            await wire.reader.readuntil(b"\r\n\r\n")

    async def use(connections: Connections) -> list[bytes]:
        found = []
        for _ in range(4):
            answer = await connections.request("GET", as_url(f"{server.url}/models"))
            found.append(await body(answer))
            connections.part(answer)
            connections.part(answer)  # the connection is not its own any more
        return found

    server = serve(handle)
    assert [b"Hello"] * 4 == ask(server.url, use)
    assert 2 == len(server.asked)  # one for the first, one for the others


def test_a_server_that_sends_faster_than_is_read_waits(serve: Serve) -> None:
    """Otherwise whoever hands on to a slow client keeps all of it."""
    size, sent = 64 << 20, []

    async def handle(wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(size >> 16):
            await wire.send(bytes(1 << 16))
            sent.append(1 << 16)

    async def use(connections: Connections) -> int:
        answer = await connections.request("GET", as_url(f"{url}/models"))
        before = 0
        while not sent or before != sum(sent):
            before = sum(sent)
            await asyncio.sleep(0.3)
        assert before < size // 2
        found = len(await body(answer))
        connections.part(answer)
        return found

    url = serve(handle).url
    assert size == ask(url, use)


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\0b", "\u4e2d"])
def test_a_header_ends_where_it_ends(value: str) -> None:
    async def work() -> None:
        Connection(asyncio.get_running_loop()).ask("GET", "/", {"x": value}, None)

    with pytest.raises(ValueError, match=r"end of a line|codec"):
        asyncio.run(work())


def test_nobody_is_there() -> None:
    with pytest.raises(NoWayError, match="connection refused"):
        get("http://127.0.0.1:9/v1")


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_an_answer_or_an_error(data: bytes, cut: int) -> None:
    """What comes after a head is never read twice, and nothing else than our errors is raised."""

    async def work() -> None:
        loop = asyncio.get_running_loop()
        connection = Connection(loop)
        answer = Answer(connection)
        for start in range(0, len(data), cut):
            answer.feed(data[start : start + cut])
        answer.ended(None)
        try:
            await answer.head()
            assert len(await body(answer)) <= len(data)
        except HttpError as error:
            assert str(error)

    asyncio.run(work())


def test_what_comes_behind_an_answer_is_none_of_its_headers(serve: Serve) -> None:
    async def use(connections: Connections) -> tuple[list[tuple[bytes, bytes]], bytes]:
        answer = await connections.request("GET", as_url(f"{server.url}/models"))
        content = await body(answer)
        connections.part(answer)
        return answer.raw_headers, content

    server = serve(sends(CHUNKED))
    assert ([(b"transfer-encoding", b"chunked")], b"Hello") == ask(server.url, use)


def test_a_connection_whose_request_was_not_read_is_not_used_again() -> None:
    ended = asyncio.Event()

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(PLAIN)
        await ended.wait()
        writer.transport.abort()

    async def work() -> list[bytes]:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connections = Connections(url)
        contents = []
        async with asyncio.timeout(10):
            for _ in range(2):
                answer = await connections.request("POST", as_url(url), b"x" * (32 << 20))
                contents.append(await body(answer))
                connections.part(answer)
        await connections.aclose()
        ended.set()
        await asyncio.sleep(0.01)
        server.close()
        return contents

    assert [b"Hello"] * 2 == asyncio.run(work())


def test_a_request_that_cannot_be_written_leaves_no_connection_open() -> None:
    ended = asyncio.Event()

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()
        ended.set()

    async def work() -> None:
        server = await asyncio.start_server(connect, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        connections = Connections(url)
        with pytest.raises(ValueError, match="end of a line"):
            await connections.request("GET", as_url(url), None, {"x": "a\nb"})
        async with asyncio.timeout(10):
            await ended.wait()
        await asyncio.sleep(0.01)
        server.close()

    asyncio.run(work())


@pytest.mark.parametrize("line", [b"X: y\r\n", b"y"], ids=["headers", "header"])
def test_what_comes_behind_an_answer_has_an_end(serve: Serve, line: bytes) -> None:
    async def reply(wire: Wire) -> None:
        await wire.send(CHUNKED[:-2] + b"X: ")
        with suppress(ConnectionError):
            while True:
                await wire.send(line * 10_000)

    with pytest.raises(HttpError, match="longer than 65536 bytes"):
        get(serve(reply).url)
