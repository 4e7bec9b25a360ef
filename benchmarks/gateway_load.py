"""What the gateway costs and adds under load, beside no proxy, a bare one, and other people's.

python benchmarks/gateway_load.py                      rounds of all in turn; medians of five
python benchmarks/gateway_load.py --litellm venv/bin/litellm      beside one of theirs; likewise the others
python benchmarks/gateway_load.py --memory 200000      and then so many requests: does memory grow?
python benchmarks/gateway_load.py --rounds 1 --seconds 0.5 --json load.json     a short one

A server, 64 streaming clients and each proxy have a process of their own, all on two cores. The bare proxy is the
yardstick: uvicorn with uvloop and httptools, aiohttp, bytes handed on unread. Ours is `shadowprice serve` with its
market, a ledger on disk, a log line for each request, and a budget that is never reached.

At full load every client asks again as soon as its reply has ended: requests a second depend on the machine, CPU time
of the proxy alone does hardly. At a fixed rate, below what it can do, replies have 16 pieces, 15 ms apart: what a proxy
adds is its time less the time without one, percentile by percentile, in the same round.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from gateway_clients import Load
from gateway_proxies import Peers, Proxy, proxies

OURS = ("no proxy", "bare aiohttp", "shadowprice", "shadowprice, other")
HERE = Path(__file__).parent
CORES = 2
APART = 15
"""Milliseconds between pieces at a fixed rate."""
TIMED = 16
"""Pieces of a reply then."""
SPARE = 1.2
"""Who cannot do so much more at full load is not measured at a fixed rate, where it would only fall behind."""
WARM = 300
MARKS = 10
"""Looks at the memory."""


def main() -> None:
    """Measure in turn, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--pieces", type=int, nargs="+", default=[2, 16], help="pieces of a reply at full load")
    parser.add_argument("--rate", type=float, default=150.0, help="replies a second at a fixed rate; 0 for none")
    parser.add_argument("--memory", type=int, default=0, metavar="N", help="then N requests to ours alone")
    parser.add_argument("--litellm", type=Path, help="program `litellm`, from PyPI's litellm[proxy]")
    parser.add_argument("--portkey", type=Path, help="start-server.js of npm's @portkey-ai/gateway")
    parser.add_argument("--inferrail", type=Path, help="program `inferrail`, from PyPI")
    parser.add_argument("--beside", type=Path, help="the src folder of another version of this library")
    parser.add_argument("--json", type=Path, help="keep all figures in this file")
    parser.add_argument("--plot", type=Path, help="draw them into this file")
    asked = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    peers = Peers(*(path and path.absolute() for path in (asked.litellm, asked.portkey, asked.inferrail)))
    rows: list[dict[str, Any]] = []
    memory: list[dict[str, float]] = []
    with (
        tempfile.TemporaryDirectory() as name,
        mock() as upstream,
        proxies(upstream, Path(name), peers, asked.beside) as started,
    ):
        # What others were built for may have changed since.
        found = [one for one in started if one.name in OURS or works(one)]
        for number in range(asked.rounds):
            rows += [{"round": number, **row} for row in one_round(found, asked)]
        if rows:
            show(rows, asked)
        if asked.memory:
            memory = watch(next(one for one in found if one.name == "shadowprice"), Path(name), asked)
    if asked.json is not None:
        kept = {"options": {key: str(value) for key, value in vars(asked).items()}, "rows": rows, "memory": memory}
        asked.json.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    if asked.plot is not None:
        draw(rows, asked.plot)


@contextmanager
def mock() -> Iterator[str]:
    """The server; its root."""
    with subprocess.Popen([sys.executable, HERE / "gateway_mock.py"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def one_round(found: list[Proxy], asked: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Everything once, of all in turn; who cannot do one thing is not asked for the next."""
    able = list(found)
    base = {"clients": asked.clients, "warm": WARM, "seconds": asked.seconds}
    kinds = [(f"full {pieces}", {"pieces": pieces, "apart": 0}) for pieces in asked.pieces]
    if asked.rate:
        kinds.append(("timed", {"pieces": TIMED, "apart": APART, "rate": asked.rate}))
    for kind, more in kinds:
        for proxy in list(able):
            try:
                row = measure(proxy, Load(proxy.url, **base, **more))
            except RuntimeError as error:
                if proxy.name in OURS:
                    raise
                print(error, file=sys.stderr)
                able.remove(proxy)
                continue
            yield {"kind": kind, **row}
            if kind != "timed" and row["done"] / row["seconds"] < asked.rate * SPARE:
                print(f"{proxy.name} cannot keep up with {asked.rate:g} replies a second.", file=sys.stderr)
                able.remove(proxy)


def works(proxy: Proxy) -> bool:
    """Whether it hands on a stream at all."""
    try:
        measure(proxy, Load(proxy.url, clients=1, pieces=2, apart=0, warm=0, count=2))
    except RuntimeError as error:
        print(f"{error} It is left out.", file=sys.stderr)
        return False
    return True


def measure(proxy: Proxy, load: Load) -> dict[str, Any]:
    """One measurement.

    Raises:
        RuntimeError: The proxy did not do what it should.
    """
    load.headers, load.pids = proxy.headers, proxy.pids
    words = [sys.executable, str(HERE / "gateway_clients.py"), json.dumps(asdict(load))]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{proxy.name} failed ({done.stderr.strip().splitlines()[-1]}).")
    found: dict[str, Any] = json.loads(done.stdout)
    return {"name": proxy.name, **found, "memory": proxy.memory()}


def show(rows: list[dict[str, Any]], asked: argparse.Namespace) -> None:
    """Tables of medians, and what lies between the rounds."""
    print(
        f"{asked.clients} streaming clients on {CORES} cores; medians of {asked.rounds} rounds of {asked.seconds:g} s"
    )
    names = list(dict.fromkeys(row["name"] for row in rows))
    for pieces in asked.pieces:
        print(f"\nFull load, replies of {pieces} pieces")
        print(f"{'':19}{'requests/s':>11}{'CPU µs/request':>16}{'(rounds)':>15}{'of bare':>9}")
        bare = {row["round"]: micros(row) for row in rows if one_of(row, f"full {pieces}", "bare aiohttp")}
        for name in names:
            here = [row for row in rows if one_of(row, f"full {pieces}", name)]
            if not here:
                print(f"{name:19}{'-':>11}")
                continue
            line = f"{name:19}{statistics.median(row['done'] / row['seconds'] for row in here):11,.0f}"
            if here[0]["cpu"]:
                cost = [micros(row) for row in here]
                spread = f"{min(cost):,.0f}-{max(cost):,.0f}"
                ratio = statistics.median(micros(row) / bare[row["round"]] for row in here)
                line += f"{statistics.median(cost):16,.0f}{spread:>15}{ratio:9.2f}"
            print(line)
    if not asked.rate:
        return
    print(f"\n{asked.rate:g} replies a second of {TIMED} pieces, {APART} ms apart; milliseconds added (rounds)")
    print(f"{'':19}{'first p50':>20}{'first p99':>20}{'gap p99':>20}")
    for name in names:
        added = [added_ms(rows, row) for row in rows if one_of(row, "timed", name)]
        if not added:
            print(f"{name:19}{'cannot keep up':>20}")
        elif name == names[0]:
            here = [row for row in rows if one_of(row, "timed", name)]
            columns = ([row[key] for row in here] for key in ("first_half", "first_most", "gap_most"))
            print(f"{name + ' itself':19}" + "".join(cells(numbers) for numbers in columns))
        else:
            print(f"{name:19}" + "".join(cells(list(numbers)) for numbers in zip(*added, strict=True)))
    print("\nMemory, MB: " + ", ".join(f"{name} {last(rows, name):,.0f}" for name in names[1:]))


def one_of(row: dict[str, Any], kind: str, name: str) -> bool:
    """Whether a measurement is of that kind and of that proxy."""
    return (row["kind"], row["name"]) == (kind, name)


def micros(row: dict[str, Any]) -> float:
    """CPU time of a request."""
    return float(row["cpu"] * 1e6 / row["done"])


def added_ms(rows: list[dict[str, Any]], row: dict[str, Any]) -> tuple[float, float, float]:
    """What a proxy added in its round."""
    own = next(one for one in rows if (one["kind"], one["round"], one["name"]) == ("timed", row["round"], "no proxy"))
    first, most, gap = (row[key] - own[key] for key in ("first_half", "first_most", "gap_most"))
    return first, most, gap


def cells(numbers: list[float]) -> str:
    """The median, and the least and the most."""
    return f"{f'{statistics.median(numbers):.2f} ({min(numbers):.1f}-{max(numbers):.1f})':>20}"


def last(rows: list[dict[str, Any]], name: str) -> float:
    """Memory at the end."""
    return float([row["memory"] for row in rows if row["name"] == name][-1])


def watch(proxy: Proxy, folder: Path, asked: argparse.Namespace) -> list[dict[str, float]]:
    """Memory of the gateway while it serves many requests, and what its ledger takes on disk."""
    found = []
    each = max(asked.clients, asked.memory // MARKS)
    done = 0
    print(f"\nMemory over {each * MARKS:,} requests\n{'requests':>10}{'MB':>8}{'ledger, MB':>12}")
    for mark in range(MARKS + 1):
        if mark:
            load = Load(proxy.url, clients=asked.clients, pieces=2, apart=0, warm=0, count=each)
            done += measure(proxy, load)["done"]
        size = sum(file.stat().st_size for file in folder.glob("shadowprice.ledger*")) / 1e6
        found.append({"requests": done, "memory": proxy.memory(), "ledger": size})
        print(f"{done:10,}{found[-1]['memory']:8.1f}{size:12.1f}", flush=True)
    return found


def draw(rows: list[dict[str, Any]], place: Path) -> None:
    """CPU time of a request by contestant, one dot a round."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot

    kinds = sorted({row["kind"] for row in rows if row["kind"] != "timed"}, key=lambda kind: int(kind[5:]))
    names = list(dict.fromkeys(row["name"] for row in rows if row["cpu"]))
    figure, axes = pyplot.subplots(1, len(kinds), figsize=(9.0, 0.5 * len(names) + 1.2), sharey=True, squeeze=False)
    for kind, axis in zip(kinds, axes[0], strict=True):
        for place_, name in enumerate(names):
            costs = [micros(row) for row in rows if one_of(row, kind, name)] or [float("nan")]
            axis.barh(place_, statistics.median(costs), color="C0" if name.startswith("shadow") else "0.75")
            axis.plot(costs, [place_] * len(costs), "k.", markersize=3)
        axis.set_yticks(range(len(names)), names)
        axis.set_xscale("log")
        axis.set_xlabel(f"CPU µs a request, {kind[5:]} pieces")
    axes[0][0].invert_yaxis()
    figure.tight_layout()
    figure.savefig(place)


if __name__ == "__main__":
    main()
