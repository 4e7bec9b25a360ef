"""What a run costs over HTTP besides the model: CPU time of a request, beside a bare aiohttp loop.

python benchmarks/run_http.py                       replies of 2 and of 16 pieces; medians of five in turn
python benchmarks/run_http.py --beside ../main/src  the same with another version of this library, too
python benchmarks/run_http.py --profile             where the time goes

A server in a process of its own streams the same reply to everybody, each piece in a turn of its own. Ours is a run
with everything at work, in another process: the market grants, the ledger on disk reserves and settles, the reply is
graded. The peer is what is cheapest with the same HTTP client: tasks that send the same requests, read each stream to
its end, and decode every event's JSON. All are warm before they are measured, all use asyncio's own loop, 64 requests
at a time. The server's own CPU time is shown apart.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

CONCURRENCY = 64
TEXT = "48 is 6 times 8, and 6 times 8 is 48, so we are done.\nAnswer: 48"
TOKENS = 24
BUDGET = 40
"""Tokens for each question."""
WARM = 300
"""Requests before the clock starts."""


class Cost(NamedTuple):
    """What some requests took, one by one."""

    cpu: float
    """Microseconds of CPU time of the client, user and system."""
    server: float
    """The same of the server."""
    rate: float
    """Requests a second."""


def main() -> None:
    """Measure in turn and print, or be one of the processes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1500, help="requests of each measurement")
    parser.add_argument("--times", type=int, default=5, help="measurements of each kind")
    parser.add_argument("--pieces", type=int, nargs="+", default=[2, 16])
    parser.add_argument("--beside", type=Path, help="the src folder of another version of this library")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--be", choices=["ours", "peer", "server"], help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.be == "server":
        serve_forever(asked.pieces[0])
    elif asked.be is not None:
        be(asked.be, asked.url, asked.count, profile=asked.profile)
    for pieces in asked.pieces if asked.be is None else ():
        compare(pieces, asked)


def compare(pieces: int, asked: argparse.Namespace) -> None:
    """All kinds of client with replies of so many pieces."""
    here = Path(__file__).parents[1] / "src"
    kinds = {"run": ("ours", here)} | ({"run, other version": ("ours", asked.beside)} if asked.beside else {})
    kinds["bare aiohttp loop"] = ("peer", here)
    costs: dict[str, list[Cost]] = {name: [] for name in kinds}
    with served(pieces) as url:
        for _ in range(1 if asked.profile else asked.times):
            for name, (role, source) in kinds.items():
                costs[name].append(measure(role, source, url, asked.count, profile=asked.profile))
    print(f"{pieces} pieces, {asked.count:,} requests, {CONCURRENCY} at a time; medians of {asked.times}")
    peer = statistics.median(cost.cpu for cost in costs["bare aiohttp loop"])
    for name, found in costs.items():
        cpu, server, rate = (statistics.median(numbers) for numbers in zip(*found, strict=True))
        spread = f"{min(one.cpu for one in found):,.0f} to {max(one.cpu for one in found):,.0f}"
        print(
            f"{name:20} {cpu:7,.0f} µs of CPU a request ({spread}), {cpu / peer:5.2f} of the loop; "
            f"{rate:6,.0f} requests/s; the server {server:5,.0f} µs"
        )


def measure(role: str, source: Path, url: str, count: int, *, profile: bool) -> Cost:
    """One measurement in a new process."""
    words = [sys.executable, __file__, "--be", role, "--url", url, "--count", str(count)]
    environment = {**os.environ, "PYTHONPATH": str(source.resolve())}
    done = subprocess.run(
        words + ["--profile"] * profile, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    *before, last = done.stdout.splitlines()
    print("\n".join(before), end="\n" * bool(before))
    return Cost(*json.loads(last))


def be(role: str, url: str, count: int, *, profile: bool) -> None:
    """One client: warm up, then measure, and print what it took."""
    work = prepare_run(url) if role == "ours" else lambda number: asyncio.run(ask_barely(url, number))
    work(WARM)
    before, served_before, began = cpu(), server_cpu(url), time.perf_counter()
    if profile and role == "ours":
        profiled(lambda: work(count))
    else:
        work(count)
    took = time.perf_counter() - began
    micro = 1e6 / count
    print(json.dumps([(cpu() - before) * micro, (server_cpu(url) - served_before) * micro, count / took]))


def cpu() -> float:
    """Seconds of CPU time of this process, all threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def profiled(work: Callable[[], None]) -> None:
    """Print where the time goes."""
    import cProfile
    import pstats

    profile = cProfile.Profile()
    profile.runcall(work)
    pstats.Stats(profile).sort_stats("tottime").print_stats(45)


# ---- ours --------------------------------------------------------------------------------------------------------


def prepare_run(url: str) -> Callable[[int], None]:
    """A run over HTTP with a ledger on disk."""
    import numpy as np

    from shadowprice.beliefs import Beliefs, Outcomes
    from shadowprice.engines import OpenAIEngine
    from shadowprice.ledger import Ledger
    from shadowprice.policies import get_policy
    from shadowprice.runner import Result, RunSettings, run
    from shadowprice.tasks import Question

    grid = np.round(8.0 * 2.0 ** (np.arange(40) / 3.0))

    def work(count: int) -> None:
        questions = [Question(f"q{number}", f"What is 6 times 8, and {number}?", "48") for number in range(count)]
        # All alike: right at 24 tokens with a chance of 0.8.
        right, ones = np.tile(0.8 * (grid >= TOKENS), (count, 1)), np.ones(count)
        outcomes = Outcomes(grid, right, np.tile(1.0 * (grid >= TOKENS), (count, 1)))
        market = get_policy("index").open(Beliefs(TOKENS * ones, 0.1 * ones, 0.1 * ones, outcomes), BUDGET * count)

        async def serve() -> list[Result]:
            async with OpenAIEngine(url, "m") as engine:
                return await run(questions, engine, market, RunSettings(concurrency=CONCURRENCY), ledger=books)

        with tempfile.TemporaryDirectory() as folder, Ledger(Path(folder) / "l") as ledger:
            books = ledger.open_run(budget=BUDGET * count, settings={}, fingerprint="f")
            results = asyncio.run(serve())
            assert all(one.correct for one in results)
            assert books.totals().spent == TOKENS * count

    return work


# ---- the peer ----------------------------------------------------------------------------------------------------


async def ask_barely(url: str, count: int) -> None:
    """The same requests, whose events are read and decoded, and nothing else."""
    import aiohttp

    numbers = iter(range(count))
    told = {"stream": True, "stream_options": {"include_usage": True}, "temperature": 0.0, "seed": 0}

    async def one() -> None:
        for number in numbers:
            turns = [{"role": "user", "content": f"What is 6 times 8, and {number}?"}]
            body = {"model": "m", "messages": turns, "max_completion_tokens": BUDGET, **told}
            async with session.post(f"{url}/chat/completions", json=body) as response:
                usage = None
                async for line in response.content:
                    if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                        usage = json.loads(line[6:]).get("usage") or usage
                assert usage is not None
                assert usage["completion_tokens"] == TOKENS

    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(one() for _ in range(CONCURRENCY)))


# ---- the server --------------------------------------------------------------------------------------------------


def reply(pieces: int) -> list[bytes]:
    """What is sent: the head, pieces of the text, how it ended, the usage, and the end; each goes out by itself."""

    def event(data: Any) -> bytes:
        text = data if isinstance(data, str) else json.dumps({"id": "c1", "object": "chat.completion.chunk", **data})
        line = f"data: {text}\n\n".encode()
        return f"{len(line):x}\r\n".encode() + line + b"\r\n"

    def choice(delta: dict[str, str], finish: str | None = None) -> dict[str, Any]:
        return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    ends = [round(len(TEXT) * number / pieces) for number in range(pieces + 1)]
    texts = [TEXT[begin:end] for begin, end in itertools.pairwise(ends)]
    usage = {"prompt_tokens": 20, "completion_tokens": TOKENS, "total_tokens": 20 + TOKENS}
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    last = event(choice({}, "stop")) + event({"choices": [], "usage": usage}) + event("[DONE]") + b"0\r\n\r\n"
    return [head, *(event(choice({"content": text})) for text in texts), last]


class Serving(asyncio.Protocol):
    """One connection: whatever is asked, the same is answered."""

    def __init__(self, parts: list[bytes]) -> None:
        self._parts = parts
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody has connected."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Answer every request that is whole."""
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        if head.startswith(b"GET"):
            answer = json.dumps(cpu()).encode()
            self._write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(answer), answer))
        else:
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(body) < length:
                return
            self._send(0)
        self._received = b""

    def _send(self, number: int) -> None:
        self._write(self._parts[number])
        if number + 1 < len(self._parts):
            self._loop.call_soon(self._send, number + 1)

    def _write(self, data: bytes) -> None:
        assert isinstance(self._transport, asyncio.Transport)
        self._transport.write(data)


def serve_forever(pieces: int) -> None:
    """The server's process: prints its address, serves until it is ended."""

    async def work() -> None:
        parts = reply(pieces)
        server = await asyncio.get_running_loop().create_server(lambda: Serving(parts), "127.0.0.1", 0)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
        await server.serve_forever()

    asyncio.run(work())


@contextmanager
def served(pieces: int) -> Iterator[str]:
    """A server in a process of its own; gives its base URL."""
    words = [sys.executable, __file__, "--be", "server", "--pieces", str(pieces)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def server_cpu(url: str) -> float:
    """Seconds of CPU time of the server so far."""
    import urllib.request

    with urllib.request.urlopen(f"{url}/cpu") as page:
        return float(page.read())


if __name__ == "__main__":
    main()
