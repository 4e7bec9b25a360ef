"""A gateway on a free port, in a thread of this process, or in a process of its own that a test may kill.

    python tests/support/gateways.py --upstream URL --ledger FILE --tokens 4000 --seconds 2

prints its URL and serves until SIGTERM. Its market has no price and serves whoever comes; its forecaster believes the
same of everybody, always.
"""

import argparse
import asyncio
import contextlib
import io
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shadowprice._types import IntArray
from shadowprice.gateway import Gateway, Keyhole, Log, Till, Upstream, UpstreamChoice, Upstreams, WindowBudget, Worth
from shadowprice.ledger import Ledger
from shadowprice.online import AbstractForecaster, AbstractOnlineMarket, Asked, FirstCome, FixedPrice, Hopes, Ticket

GRID = np.array([8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096])


class Steady(AbstractForecaster):
    """Believes that replies end after so many tokens on average, whatever happens."""

    def __init__(self, mean: float = 40.0, grid: IntArray = GRID) -> None:
        self.grid = grid
        self._mean = mean
        self.learnt: list[tuple[Asked, int, bool]] = []
        self.followed: set[int] = set()
        self.read: dict[int, str] = {}

    def before(self, asked: Asked) -> Hopes:
        return self._hopes(0)

    def follow(self, asked: Asked, before: Hopes) -> int:
        place = len(self.read)
        self.read[place] = ""
        self.followed.add(place)
        return place

    def running(self, place: int, generated: int, text_since: str) -> Hopes:
        self.read[place] += text_since
        return self._hopes(generated)

    def forget(self, place: int) -> None:
        self.followed.remove(place)

    def learn(self, asked: Asked, generated: int, finished: bool) -> None:
        self.learnt.append((asked, generated, finished))

    def snapshot(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Any) -> None:
        pass

    def _hopes(self, generated: int) -> Hopes:
        ended = 1.0 - np.exp(-np.maximum(0, self.grid - generated) / self._mean)
        return Hopes(ended, ended)


class StopsAt(FirstCome):
    """Lets nobody go on beyond so many tokens."""

    def __init__(self, stop: int, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._stop = stop

    def _goes_on(self, ticket: Ticket, hopes: Hopes) -> bool:
        return ticket.generated < self._stop


class Running:
    """A gateway that serves in a thread."""

    def __init__(self, upstream: str, path: Path, **options: Any) -> None:
        self.path = path
        self.url = ""
        self.said = io.StringIO()
        self.forecaster = Steady(options.pop("mean", 40.0))
        self.gateway: Gateway
        self._upstreams = [upstream] if isinstance(upstream, str) else upstream
        self._options = {"tokens": 100_000, "seconds": 3600.0, "stop": None, "key": None, "drain": 2.0} | options
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Running":
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(20)
        assert not self._thread.is_alive()
        assert set() == self.forecaster.followed

    @property
    def root(self) -> str:
        """Its URL without the version of the API."""
        return self.url.removesuffix("/v1")

    @property
    def events(self) -> list[dict[str, Any]]:
        """What it has logged."""
        return [json.loads(line) for line in self.said.getvalue().splitlines()]

    def requests(self) -> list[dict[str, Any]]:
        """The lines about requests, all that have ended by now."""
        deadline = time.monotonic() + 5
        while self.gateway.generations and time.monotonic() < deadline:
            time.sleep(0.01)
        self._loop.call_soon_threadsafe(self.gateway.log.flush)
        time.sleep(0.15)
        return [event for event in self.events if event["event"] == "request"]

    def _run(self) -> None:
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        from shadowprice.gateway import _server

        asked = self._options
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        with Ledger(self.path, caps_are_lost=True) as ledger, _server.listen("127.0.0.1", 0) as place:
            upstreams = Upstreams(
                [
                    Upstream(UpstreamChoice(url, asked.get("upstream_key"), asked.get("on_leave", "abort")))
                    for url in self._upstreams
                ]
            )
            if asked.get("look"):
                await asyncio.gather(*(one.look() for one in upstreams.all))
            log = Log(self.said)
            window = WindowBudget(asked["tokens"], asked["seconds"], asked.get("carry", 0.0))
            start = window.start(time.time())
            market: AbstractOnlineMarket
            shape: dict[str, Any] = {"length": window.seconds, "start": start, "carry": window.carry}
            if "price" in asked:
                market = FixedPrice(GRID, window.tokens, price=asked["price"], **shape)
            elif asked["stop"] is None:
                market = FirstCome(GRID, window.tokens, **shape)
            else:
                market = StopsAt(asked["stop"], GRID, window.tokens, **shape)
            till = Till(ledger, market, window, tell=log.tell)
            more = {name: asked[name] for name in ("most_body", "stall", "timeout", "thinking") if name in asked}
            self.gateway = Gateway(
                till,
                upstreams,
                Worth(self.forecaster, asked.get("longest", 2048)),
                keyhole=Keyhole(asked["key"], asked.get("tenants", ())),
                log=log,
                **more,
            )

            def ready(url: str) -> None:
                self.url = url
                self._ready.set()
                asked.get("ready", lambda _: None)(url)

            await _server.serve(self.gateway, place, drain=asked["drain"], ready=ready, stop=self._stopping)
            till.close()
            log.flush()


Start = Callable[..., Running]


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Start]:
    """Starts gateways that end with the test, and whose books are in order then."""
    with contextlib.ExitStack() as stack:
        started: list[Running] = []

        def start(upstream: Any, **options: Any) -> Running:
            path = tmp_path / f"serve{len(started)}.ledger"
            started.append(stack.enter_context(Running(upstream, path, **options)))
            return started[-1]

        yield start
        stack.close()
        for one in started:
            with Ledger(one.path, read_only=True) as ledger:
                assert [] == ledger.check()
                assert [0] * len(ledger.runs()) == [ledger.totals(run.name).open for run in ledger.runs()]
            assert [] == [event for event in one.events if event["event"] == "error"]


@contextmanager
def gateway_process(
    upstream: str, ledger: Path, *, tokens: int, seconds: float, stall: float = 120.0
) -> Iterator[tuple[str, Any]]:
    """A gateway in a process of its own: its URL, and the process."""
    words = ["--upstream", upstream, "--ledger", str(ledger), "--tokens", str(tokens), "--seconds", str(seconds)]
    words += ["--stall", str(stall)]
    with subprocess.Popen([sys.executable, __file__, *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            assert url, "the gateway did not start"
            yield url, process
        finally:
            process.kill()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--upstream")
    parser.add_argument("--ledger", type=Path)
    parser.add_argument("--tokens", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--stall", type=float, default=120.0)
    asked = parser.parse_args()
    running = Running(
        asked.upstream,
        asked.ledger,
        tokens=asked.tokens,
        seconds=asked.seconds,
        stall=asked.stall,
        ready=lambda url: print(url, flush=True),
    )
    running._run()


if __name__ == "__main__":
    main()
