"""What the gateway costs: CPU time of a request, beside a bare aiohttp proxy.

python benchmarks/gateway_http.py                replies of 2 and of 16 pieces; medians of three in turn
python benchmarks/gateway_http.py --profile      where the time goes

Four processes: a server that streams the same reply to everybody, each piece in a turn of its own; a proxy; clients, 64
at a time, on connections that are kept. The proxy is ours, with market, ledger on disk and counting at work, or the
bare one: uvicorn with uvloop and httptools, and aiohttp, which reads nothing of what it hands on. CPU time is the
proxy's, user and system; wall time is shown beside it and depends on the machine.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

WARM = 300
"""Requests before the clock starts."""
BODY = json.dumps({"model": "m", "messages": [{"role": "user", "content": "What is 6 times 8?"}], "stream": True})


class Cost(NamedTuple):
    """What some requests took, one by one."""

    cpu: float
    """Microseconds of CPU time of the proxy."""
    rate: float
    """Requests a second."""
    first: float
    """Milliseconds until the first byte, median."""
    slow: float
    """The same, the 99th percentile."""


def main() -> None:
    """Measure in turn and print, or be one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1500, help="requests of each measurement")
    parser.add_argument("--times", type=int, default=3, help="measurements of each kind")
    parser.add_argument("--pieces", type=int, nargs="+", default=[2, 16])
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--profile", action="store_true", help="profile ours, and measure nothing")
    parser.add_argument("--be", choices=["ours", "bare", "server"], help=argparse.SUPPRESS)
    parser.add_argument("--url", default="", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.be == "server":
        asyncio.run(serve(asked.pieces[0]))
    elif asked.be == "bare":
        proxy_barely(asked.url)
    elif asked.be == "ours":
        proxy(asked.url, profile=asked.profile)
    for pieces in asked.pieces if asked.be is None else ():
        compare(pieces, asked)


def compare(pieces: int, asked: argparse.Namespace) -> None:
    """Both proxies, and none, with replies of so many pieces."""
    kinds = ["ours"] if asked.profile else ["ours", "bare", "none"]
    costs: dict[str, list[Cost]] = {kind: [] for kind in kinds}
    with process("server", "--pieces", str(pieces)) as (server, _):
        for _ in range(1 if asked.profile else asked.times):
            for kind in kinds:
                costs[kind].append(measure(kind, server, asked))
    print(f"{pieces} pieces, {asked.count:,} requests, {asked.clients} at a time; medians of {len(costs['ours'])}")
    bare = statistics.median(cost.cpu for cost in costs.get("bare", costs["ours"]))
    for kind, found in costs.items():
        cpu, rate, first, slow = (statistics.median(numbers) for numbers in zip(*found, strict=True))
        told = f"{kind:5} {rate:6,.0f} requests/s, first byte {first:5.1f} ms, p99 {slow:5.1f} ms"
        print(told + (f"; {cpu:6,.0f} µs of CPU a request, {cpu / bare:4.2f} of bare" if kind != "none" else ""))


def measure(kind: str, server: str, asked: argparse.Namespace) -> Cost:
    """One measurement with a new proxy."""
    if kind == "none":
        return asyncio.run(load(server, asked.count, asked.clients, lambda: 0.0))
    with process(kind, "--url", server, *["--profile"] * asked.profile) as (url, pid):
        return asyncio.run(load(url, asked.count, asked.clients, lambda: cpu_of(pid)))


@contextmanager
def process(kind: str, *words: str) -> Iterator[tuple[str, int]]:
    """One of the other processes; its URL and id."""
    with subprocess.Popen([sys.executable, __file__, "--be", kind, *words], stdout=subprocess.PIPE, text=True) as one:
        assert one.stdout is not None
        try:
            url = one.stdout.readline().strip()
            assert url, f"{kind} did not start"
            yield url, one.pid
        finally:
            one.send_signal(signal.SIGTERM)
            sys.stdout.write(one.stdout.read())
            one.wait(20)


def cpu_of(pid: int) -> float:
    """Seconds of CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def load(url: str, count: int, clients: int, used: Any) -> Cost:
    """Ask so often, so many at a time."""
    host, port = url.removeprefix("http://").split("/")[0].split(":")
    request = (
        f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(BODY)}\r\n\r\n{BODY}"
    ).encode()
    firsts: list[float] = []

    async def client(share: int) -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        for _ in range(share):
            began = time.perf_counter()
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 200 " in head.partition(b"\r\n")[0], head + await reader.read(300)
            firsts.append(time.perf_counter() - began)
            await reader.readuntil(b"0\r\n\r\n")
        writer.close()

    async def ask(number: int) -> None:
        await asyncio.gather(*(client(number // clients) for _ in range(clients)))

    await ask(WARM)
    firsts.clear()
    before, began = used(), time.perf_counter()
    await ask(count)
    done = count // clients * clients
    rate = done / (time.perf_counter() - began)
    firsts.sort()
    return Cost((used() - before) * 1e6 / done, rate, firsts[done // 2] * 1e3, firsts[done * 99 // 100] * 1e3)


async def serve(pieces: int) -> None:
    """Stream the same reply to everybody; models and pages for whoever looks."""
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    texts = [
        {**chunk, "choices": [{"index": 0, "delta": {"content": f"word{n} "}, "finish_reason": None}]}
        for n in range(pieces)
    ]
    end = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {
        **chunk,
        "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": pieces, "total_tokens": 9 + pieces},
    }
    events = [f"data: {json.dumps(one)}\n\n".encode() for one in (*texts, end, usage)] + [b"data: [DONE]\n\n"]
    blocks = [f"{len(event):x}\r\n".encode() + event + b"\r\n" for event in events] + [b"0\r\n\r\n"]
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    page = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 22\r\n\r\n{"data":[{"id": "m"}]}'

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (int(line[15:]) for line in asked.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
                )
                await reader.readexactly(length)
                if not asked.startswith(b"POST"):
                    writer.write(page)
                    continue
                writer.write(head)
                for block in blocks[:pieces]:
                    writer.write(block)
                    await asyncio.sleep(0)
                writer.write(b"".join(blocks[pieces:]))
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, os._exit, 0)
    await asyncio.Event().wait()


def proxy_barely(url: str) -> None:
    """The cheapest proxy with this client and this server."""
    import aiohttp
    import uvicorn

    session: aiohttp.ClientSession | None = None

    async def app(scope: Any, receive: Any, send: Any) -> None:
        nonlocal session
        session = session or aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        content, more = b"", True
        while more:
            message = await receive()
            content, more = content + message["body"], message.get("more_body", False)
        async with session.post(
            url + scope["path"], data=content, headers={"content-type": "application/json"}
        ) as found:
            head = [(b"content-type", found.headers["content-type"].encode())]
            await send({"type": "http.response.start", "status": found.status, "headers": head})
            async for block in found.content.iter_any():
                await send({"type": "http.response.body", "body": block, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    from shadowprice.gateway._server import listen

    place = listen("127.0.0.1", 0)
    place.listen(1024)
    print(f"http://127.0.0.1:{place.getsockname()[1]}", flush=True)
    config = uvicorn.Config(app, http="httptools", loop="uvloop", lifespan="off", access_log=False, log_level="error")
    uvicorn.Server(config).run(sockets=[place])


def proxy(url: str, *, profile: bool) -> None:
    """Ours, as `shadowprice serve` runs it, without a log line for each request."""
    from shadowprice.jobs import ServeOptions, serve

    def ready(at: str) -> None:
        print(at.removesuffix("/v1"), flush=True)

    with tempfile.TemporaryDirectory() as folder:
        options = ServeOptions(
            upstream=(url,), budget="1G/h", port=0, ledger=Path(folder) / "serve.ledger", log="events"
        )
        if not profile:
            serve(options, ready=ready)
            return
        import cProfile
        import pstats

        profiled = cProfile.Profile()

        def begin(at: str) -> None:
            ready(at)
            # Once all is loaded, so that nothing but serving is seen.
            asyncio.get_running_loop().call_later(1.0, profiled.enable)

        serve(options, ready=begin)
        profiled.disable()
        pstats.Stats(profiled).sort_stats("cumtime").print_stats(90)


if __name__ == "__main__":
    main()
