"""How servers are reached: TLS, both families of addresses, proxies, names; and what is never done on the way."""

import asyncio
import base64
import socket
import ssl
import time
from pathlib import Path
from typing import Any

import pytest

from http_server import Serve, Wire
from shadowprice._errors import EngineError, InputError, UnreachableError
from shadowprice.beliefs.encoders import EndpointEncoder
from shadowprice.engines import Delta, OpenAIEngine, Request, ServerAddress, identify

DATA = Path(__file__).parent / "data"
PIECE = b'data: {"choices":[{"delta":{"content":"x "}}]}\n\n'
STOP = b'data: {"choices":[{"delta":{},"finish_reason":"stop"}]}\n\n'


def ask(content: str = "Hi.") -> Request:
    return Request("q7", ({"role": "user", "content": content},), 20)


def read(url: str, *requests: Request, **options: Any) -> list[str]:
    """The texts of replies to requests, one after the other."""

    async def work() -> list[str]:
        async with OpenAIEngine(url, "m", **options) as engine:
            return ["".join([delta.text async for delta in engine.stream(request)]) for request in requests or (ask(),)]

    return asyncio.run(work())


async def hello(wire: Wire) -> None:
    if wire.path.partition("?")[0].endswith("/chat/completions"):
        await wire.begin()
        await wire.piece("Hello.")
        await wire.finish("stop", 2)
    else:
        await wire.answer({"data": [{"id": "m"}]})


@pytest.fixture
def secure() -> ssl.SSLContext:
    """A certificate for this machine, by nobody whom it knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(DATA / "tls-server.pem")
    return context


def test_tls(serve: Serve, secure: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    url = serve(hello, secure=secure, host="0.0.0.0").url.replace("0.0.0.0", "127.0.0.1")
    with pytest.raises(UnreachableError, match="certificate verify failed"):
        read(url)
    monkeypatch.setenv("SSL_CERT_FILE", str(DATA / "tls-authority.pem"))
    assert ["Hello."] == read(url)
    assert ["Hello."] == read(url.replace("127.0.0.1", "localhost"))
    assert ("m",) == identify(ServerAddress(url)).models
    with pytest.raises(UnreachableError, match="certificate"):  # it is another machine's
        read(url.replace("127.0.0.1", "127.0.0.2"))


def test_closing_a_stream_closes_its_connection_at_once(
    serve: Serve, secure: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where TLS would have the server agree first."""
    monkeypatch.setenv("SSL_CERT_FILE", str(DATA / "tls-authority.pem"))
    gone: list[float] = []

    async def reply(wire: Wire) -> None:
        await wire.begin()
        await wire.piece("x")
        await wire.gone()
        gone.append(time.monotonic())

    async def work() -> None:
        async with OpenAIEngine(serve(reply, secure=secure).url, "m") as engine:
            stream = engine.stream(ask())
            await anext(stream)
            began = time.monotonic()
            await stream.aclose()
            while not gone:
                await asyncio.sleep(0.01)
                assert time.monotonic() - began < 5

    asyncio.run(work())


def has_ipv6() -> bool:
    with socket.socket(socket.AF_INET6) as one:
        try:
            one.bind(("::1", 0))
        except OSError:
            return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_localhost_is_both_families(serve: Serve, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever of the two a server listens on."""
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")

    def both(name: str, port: int, *_: Any, **__: Any) -> list[Any]:
        assert "localhost" == name
        tcp = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [(socket.AF_INET6, *tcp, ("::1", port, 0, 0)), (socket.AF_INET, *tcp, ("127.0.0.1", port))]

    server = serve(hello, host=host)
    assert ["Hello."] == read(server.url)
    monkeypatch.setattr("socket.getaddrinfo", both)  # some machines know one of them only
    assert ["Hello."] == read(f"http://localhost:{server.url.rpartition(':')[2]}")


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment without proxies, for now."""
    for name in ("http", "https", "all", "no"):
        for spelling in (f"{name}_proxy", f"{name}_proxy".upper()):
            monkeypatch.delenv(spelling, raising=False)
    return monkeypatch


@pytest.mark.parametrize("variable", ["http_proxy", "ALL_PROXY"])
def test_proxies_of_the_environment(serve: Serve, proxied: pytest.MonkeyPatch, variable: str) -> None:
    """They are asked for servers elsewhere, by names that they can look up, and told whose they are."""
    proxy = serve(hello)
    place = proxy.url.removeprefix("http://").removesuffix("/v1")
    proxied.setenv(variable, f"http://me:s3cr3t@{place}")
    assert ["Hello."] == read("http://bücher.example:81/v1?key=a%2Fb", api_key="sk-123456")
    assert ("m",) == identify(ServerAddress("http://models.example")).models
    asked = proxy.asked[0]
    assert "http://xn--bcher-kva.example:81/v1/chat/completions?key=a%2Fb" == asked.path
    assert "xn--bcher-kva.example:81" == asked.headers["host"]
    assert f"Basic {base64.b64encode(b'me:s3cr3t').decode()}" == asked.headers["proxy-authorization"]
    assert "Bearer sk-123456" == asked.headers["authorization"]
    proxied.setenv(variable, place)  # without a scheme it is http
    assert ["Hello."] == read("http://models.example")


def test_who_is_asked_without_a_proxy(serve: Serve, proxied: pytest.MonkeyPatch) -> None:
    proxy, server = serve(hello), serve(hello)
    proxied.setenv("http_proxy", proxy.url)
    assert ["Hello."] == read(server.url)  # it is on this machine
    proxied.setenv("no_proxy", "models.invalid, 10.0.0.1")
    with pytest.raises(UnreachableError):
        read("http://models.invalid")
    proxied.setenv("http_proxy", "http://127.0.0.1:9")
    assert [[1.0]] == EndpointEncoder(serve(vectors).url).encode(["a"]).tolist()
    assert [] == proxy.asked


async def vectors(wire: Wire) -> None:
    await wire.answer({"data": [{"index": 0, "embedding": [1.0]}]})


def test_a_proxy_that_is_none_of_http_or_refuses(serve: Serve, proxied: pytest.MonkeyPatch) -> None:
    async def refuse(wire: Wire) -> None:
        await wire.answer({}, 407)

    proxied.setenv("https_proxy", serve(refuse).url)
    with pytest.raises(UnreachableError, match="the proxy answered 407 X"):
        read("https://models.example/v1?key=s3cr3t")
    proxied.setenv("https_proxy", "http://me:s3cr3t@127.0.0.1:9")
    with pytest.raises(UnreachableError) as caught:
        read("https://models.example")
    assert "s3cr3t" not in str(caught.value)
    proxied.setenv("ALL_PROXY", "socks5://me:s3cr3t@127.0.0.1:1080")
    for use in (
        lambda: OpenAIEngine("http://models.example", "m"),
        lambda: identify(ServerAddress("http://m.example")),
    ):
        with pytest.raises(
            InputError, match="a proxy of the kind socks5, and only http and https are known"
        ) as refused:
            use()
        assert "s3cr3t" not in str(refused.value)
    OpenAIEngine("http://127.0.0.1:8000", "m")


@pytest.mark.parametrize("query", ["?sig=a%2Fb%3D%3d&x=1+2&%41=~", "?q=a b&r=ü", ""])
def test_a_query_is_sent_as_it_is_written(serve: Serve, query: str) -> None:
    server = serve(hello)
    read(f"{server.url}/x%2Fy{query}")
    sent = query.replace(" ", "%20").replace("ü", "%C3%BC")
    assert "a b" in query or f"/v1/x%2Fy/chat/completions{sent}" == server.asked[0].path
    assert server.asked[0].path.startswith("/v1/x%2Fy/chat/completions")


def test_what_is_not_done(serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cookie is kept, no redirect followed, no password looked up."""
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password s3cr3t\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    elsewhere = serve(hello)

    async def reply(wire: Wire) -> None:
        if wire.path.endswith("/models"):
            await wire.answer({}, 302, headers={"Location": f"{elsewhere.url}/models"})
            return
        await wire.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nSet-Cookie: a=b\r\nConnection: close\r\n\r\n"
        )
        await wire.finish()

    server = serve(reply)
    read(server.url, ask(), ask())
    assert () == identify(ServerAddress(server.url)).models
    assert [] == elsewhere.asked
    assert not [wire for wire in server.asked if {"cookie", "authorization"} & wire.headers.keys()]


def test_a_prompt_may_be_long(serve: Serve) -> None:
    server = serve(hello)
    read(server.url, ask("ü" * (2 << 20)))
    assert "ü" * (2 << 20) == server.bodies[0]["messages"][0]["content"]


@pytest.mark.parametrize("end", ["at once", "later", "never"])
def test_a_connection_is_used_again_once_its_stream_has_ended(serve: Serve, end: str) -> None:
    """A server may say that a stream is over a moment before it ends it."""

    async def reply(wire: Wire) -> None:
        while True:
            await wire.begin_chunked()
            last = b"0\r\n\r\n"
            for data in (PIECE, STOP):
                await wire.chunked(data)
            done = b"data: [DONE]\n\n"
            await wire.send(f"{len(done):x}\r\n".encode() + done + b"\r\n" + (last if end == "at once" else b""))
            if end == "later":
                await asyncio.sleep(0.01)
                await wire.send(last)
            elif end == "never":
                await wire.gone()
                return
            await wire.reader.readuntil(b"\r\n\r\n")
            await wire.reader.read(10_000)

    server = serve(reply)
    began = time.monotonic()
    assert ["x ", "x ", "x "] == read(server.url, ask(), ask(), ask())
    assert time.monotonic() - began < 5
    assert (3 if end == "never" else 1) == len(server.asked)


@pytest.mark.parametrize("ended", [True, False])
@pytest.mark.parametrize("how", ["cut short", "reset"])
def test_what_had_arrived_is_read_although_the_connection_broke(serve: Serve, ended: bool, how: str) -> None:
    """While somebody thinks about the first piece, all others come and the connection breaks: they were made."""

    async def reply(wire: Wire) -> None:
        await wire.begin_chunked()
        for number in range(5):
            await wire.chunked(PIECE)
            await asyncio.sleep(0.02 if number == 0 else 0)
        if ended:
            await wire.chunked(STOP)
        await asyncio.sleep(0.1)
        if how == "reset":
            wire.reset()

    async def work(url: str) -> list[Delta]:
        deltas = []
        async with OpenAIEngine(url, "m") as engine:
            async for delta in engine.stream(ask()):
                deltas.append(delta)
                if len(deltas) == 1:
                    await asyncio.sleep(0.5)
        return deltas

    url = serve(reply).url
    if ended:
        assert [1, 2, 3, 4, 5, 5] == [delta.tokens for delta in asyncio.run(work(url))]
        return
    with pytest.raises(EngineError) as caught:
        asyncio.run(work(url))
    assert 5 == caught.value.tokens


@pytest.mark.parametrize("served", [0, 1])
def test_a_request_on_a_connection_that_was_kept_and_closed_is_sent_once_more(serve: Serve, served: int) -> None:
    """A server that hangs up without a word is asked again only where it may have meant the connection."""

    async def reply(wire: Wire) -> None:
        if len(server.asked) > served:
            wire.reset()
            return
        await wire.begin_chunked()
        for data in (PIECE, STOP, b"data: [DONE]\n\n"):
            await wire.chunked(data)
        await wire.send(b"0\r\n\r\n")
        await wire.reader.readuntil(b"\r\n\r\n")

    server = serve(reply)
    with pytest.raises(EngineError, match="broke off after 0 tokens"):
        read(server.url, *[ask()] * (served + 1))
    # The request that was lost on the first connection has come once more on another.
    assert served + 1 == len(server.asked)


def test_a_server_that_closes_after_each_reply_is_asked_all_the_same(serve: Serve) -> None:
    """As llama.cpp does: it says that it keeps the connection, and closes it a moment later."""

    async def reply(wire: Wire) -> None:
        await wire.begin_chunked()
        for data in (PIECE, STOP, b"data: [DONE]\n\n"):
            await wire.chunked(data)
        await wire.send(b"0\r\n\r\n")
        await asyncio.sleep(0.0005 * (len(server.asked) % 5))

    server = serve(reply)
    assert ["x "] * 100 == read(server.url, *[ask()] * 100)
    assert 100 == len(server.asked)


def test_what_a_kept_connection_has_lost_comes_on_a_connection_of_its_own(serve: Serve) -> None:
    """Where a server has closed one that was kept, it has closed the others too."""

    async def reply(wire: Wire) -> None:
        while len(server.asked) < 2:  # so that two connections are kept
            await asyncio.sleep(0.001)
        await wire.begin_chunked()
        for data in (PIECE, STOP, b"data: [DONE]\n\n"):
            await wire.chunked(data)
        await wire.send(b"0\r\n\r\n")
        if await wire.reader.read(1):
            wire.reset()

    async def text(engine: OpenAIEngine) -> str:
        return "".join([delta.text async for delta in engine.stream(ask())])

    async def work() -> list[str]:
        async with OpenAIEngine(server.url, "m") as engine:
            return [*await asyncio.gather(text(engine), text(engine)), await text(engine)]

    server = serve(reply)
    assert ["x "] * 3 == asyncio.run(work())
    assert 3 == len(server.asked)


def test_a_server_that_was_at_work_is_not_asked_again(serve: Serve) -> None:
    """What it has made by then is to be paid for; a connection that it had closed before is found lost at once."""

    async def reply(wire: Wire) -> None:
        await wire.begin_chunked()
        for data in (PIECE, STOP, b"data: [DONE]\n\n"):
            await wire.chunked(data)
        await wire.send(b"0\r\n\r\n")
        await wire.reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.4)
        wire.reset()

    server = serve(reply)
    with pytest.raises(EngineError, match="broke off after 0 tokens"):
        read(server.url, *[ask()] * 2)
    assert 1 == len(server.asked)
