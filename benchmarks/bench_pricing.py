"""How long does a price take? Time against the number of queries, beside other ways to find it.

python benchmarks/bench_pricing.py --json pricing.json --plot pricing.svg
python benchmarks/bench_pricing.py --sizes 1e3,1e6

`solve` and one streaming pass take turns on the same arrays, 7 times; the medians are shown. The pass is the sum of
the three arrays on all cores, which no method that reads its input can beat. `solve` returns whole tokens, the price
and the dual bound; the peers only find a price or an allocation in real tokens. They run 7 times up to 1e5 queries
and 3 times beyond, and are scaled with n where they would take minutes, which is marked ~. 1e8 queries are float32.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from numba import njit, prange
from scipy.optimize import brentq
from scipy.special import lambertw

from shadowprice._types import FloatArray
from shadowprice.curves import ShiftedSurge
from shadowprice.pricing import Problem, solve

_RUNS = 7
_BLOCK = 1_000_000
_SINGLE = 50_000_000
"""From this number of queries on, arrays are float32 and peers are not run."""

Columns = tuple[FloatArray, FloatArray, FloatArray]


def market(n: int) -> tuple[Columns, float]:
    """Heterogeneous τ, α and β, as `shadowprice.testing.random_surge` draws them, and half a median budget."""
    kind: type[np.floating] = np.float32 if n >= _SINGLE else np.float64
    columns: Columns = (np.empty(n, kind), np.empty(n, kind), np.empty(n, kind))
    for start in range(0, n, _BLOCK):
        rng = np.random.default_rng(start)
        part = slice(start, min(start + _BLOCK, n))
        size = part.stop - part.start
        columns[0][part] = np.exp(rng.normal(6.5, 0.8, size))
        beta = np.exp(rng.normal(-5.5, 0.5, size))
        columns[1][part] = rng.uniform(0.2, 1.0, size) * beta * np.e
        columns[2][part] = beta
    return columns, 500.0 * n


@njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator, unused-ignore]
def stream(threshold: FloatArray, alpha: FloatArray, beta: FloatArray) -> float:
    """The floor: read everything once, on all cores."""
    total = 0.0
    for i in prange(threshold.size):
        total += threshold[i] + alpha[i] + beta[i]
    return total


@njit  # type: ignore[untyped-decorator, unused-ignore]
def no_op(threshold: FloatArray, alpha: FloatArray, beta: FloatArray) -> float:
    """What calling into compiled code costs."""
    return 0.0


def reservation_price(threshold: FloatArray, alpha: FloatArray, beta: FloatArray) -> FloatArray:
    """Where utility per token is best: x₀ = (√(τ² + 4τ/β) − τ)/2."""
    over = 0.5 * (np.sqrt(threshold * (threshold + 4.0 / beta)) - threshold)
    price: FloatArray = alpha * np.exp(-beta * over) * (1.0 - beta * over)
    return price


def demand(columns: Columns, bar: FloatArray, price: float) -> FloatArray:
    """t*(λ) with SciPy's W₀."""
    threshold, alpha, beta = columns
    w = lambertw(np.minimum(price / alpha, 1.0) * np.e).real
    return np.where(bar >= price, threshold + (1.0 - w) / beta, 0.0)


def bisection(columns: Columns, budget: float) -> float:
    """The usual way: 60 halvings of the price."""
    bar = reservation_price(*columns)
    low, high = 0.0, float(bar.max())
    for _ in range(60):
        middle = 0.5 * (low + high)
        if demand(columns, bar, middle).sum() > budget:
            low = middle
        else:
            high = middle
    return high


def root_of_dual(columns: Columns, budget: float) -> float:
    """SciPy's root finder on the slope of the dual, B − D(λ)."""
    bar = reservation_price(*columns)
    top = float(bar.max())
    return float(
        brentq(
            lambda price: budget - demand(columns, bar, price).sum(), top * 1e-9, top * (1.0 + 1e-9), xtol=top * 1e-15
        )
    )


def greedy(columns: Columns, budget: float) -> float:
    """Sort by reservation price, give everybody the tokens at which utility per token is best; utility."""
    threshold, alpha, beta = columns
    over = 0.5 * (np.sqrt(threshold * (threshold + 4.0 / beta)) - threshold)
    order = np.argsort(-reservation_price(*columns))
    funded = order[: np.searchsorted(np.cumsum((threshold + over)[order]), budget, side="right")]
    return float((alpha * over * np.exp(-beta * over))[funded].sum())


PEERS: dict[str, tuple[Callable[[Columns, float], float], int]] = {
    "bisection, 60 steps": (bisection, 1_000_000),
    "brentq on the dual": (root_of_dual, 1_000_000),
    "sorted greedy": (greedy, 10_000_000),
}
"""Name, function, and the greatest n at which it is measured."""


def timed(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def peak_memory() -> int:
    """Most bytes this process has held since `forget_peak`; 0 where Linux does not say."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def forget_peak() -> None:
    """Start to measure the peak anew."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def measure(n: int, scaled: dict[str, float]) -> dict[str, Any]:
    """Median seconds of everything at one size; ``scaled`` has seconds per query of the peers, and gets new ones."""
    columns, budget = market(n)
    problem = Problem(ShiftedSurge(*columns, copy=False), budget)
    solve(problem)
    stream(*columns)
    no_op(*columns)
    forget_peak()
    before = peak_memory()
    pairs = [(timed(lambda: stream(*columns)), timed(lambda: solve(problem))) for _ in range(_RUNS)]
    streaming, solving = (float(np.median(times)) for times in zip(*pairs, strict=True))
    row: dict[str, Any] = {
        "n": n,
        "dtype": str(columns[0].dtype),
        "solve": solving,
        "stream": streaming,
        "no_op": float(np.median([timed(lambda: no_op(*columns)) for _ in range(_RUNS)])),
        "ratio": solving / streaming,
        "extra_bytes": max(peak_memory() - before - 8 * n, 0),
        "peers": {},
    }
    for name, (peer, most) in PEERS.items():
        if n <= most:
            runs = _RUNS if n <= 100_000 else 3
            seconds = float(np.median([timed(lambda: peer(columns, budget)) for _ in range(runs)]))  # noqa: B023
            scaled[name] = seconds / n
        if name in scaled:
            row["peers"][name] = {"seconds": scaled[name] * n, "scaled": n > most}
    return row


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    names = list(PEERS)
    head = ["n", "solve", "no-op call", "streaming pass", "ratio", "memory beyond input and output"]
    head += [*names, f"× vs {names[0]}"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for row in rows:
        peers = [row["peers"].get(name) for name in names]
        shown = [f"{'~' if peer['scaled'] else ''}{seconds(peer['seconds'])}" if peer else "" for peer in peers]
        first = peers[0]
        times = f"{first['seconds'] / row['solve']:.0f}" if first else ""
        cells = [f"{row['n']:.0e}".replace("e+0", "e"), *(seconds(row[name]) for name in ("solve", "no_op", "stream"))]
        cells += [f"{row['ratio']:.1f}", f"{row['extra_bytes'] / 2**20:.0f} MB", *shown, times]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def seconds(value: float) -> str:
    """A time in three digits and a fitting unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-6:.3g} µs"


def plot(rows: list[dict[str, Any]], path: str) -> None:
    """Time against n, both logarithmic; scaled times are dashed."""
    figure, axes = plt.subplots(figsize=(7.0, 4.5), layout="constrained")
    n = [row["n"] for row in rows]
    axes.loglog(n, [row["solve"] for row in rows], "o-", color="C3", linewidth=2, label="shadowprice")
    axes.loglog(n, [row["stream"] for row in rows], "s-", color="0.5", label="one streaming pass")
    for number, name in enumerate(PEERS):
        for dashed in (False, True):
            # The dashed part begins at the last measured point.
            points = [(row["n"], row["peers"][name]) for row in rows if name in row["peers"]]
            measured = [(x, peer["seconds"]) for x, peer in points if not peer["scaled"]]
            beyond = [(x, peer["seconds"]) for x, peer in points if peer["scaled"]]
            part = measured[-1:] + beyond if dashed else measured
            if part and (beyond or not dashed):
                label = None if dashed else name
                axes.loglog(*zip(*part, strict=True), "--" if dashed else ".-", color=f"C{number}", label=label)
    axes.set(xlabel="queries", ylabel="seconds")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Measure, print a table, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--sizes",
        default="10,30,100,300,500,999,1e3,3e3,1e4,3e4,1e5,3e5,1e6,3e6,1e7,3e7,1e8",
        help="numbers of queries, separated by commas",
    )
    parser.add_argument("--json", help="write the measurements to this file")
    parser.add_argument("--plot", help="draw time against n to this file")
    options = parser.parse_args()
    free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    rows: list[dict[str, Any]] = []
    scaled: dict[str, float] = {}
    for n in sorted(math.floor(float(size)) for size in options.sizes.split(",")):
        # Input and output: 20 or 32 bytes a query; a fifth more for the rest. Sorting peers take more at 1e7.
        if n * (26 if n >= _SINGLE else 80) > free:
            print(f"{n:.0e} queries do not fit into the {free / 2**30:.1f} GB that are free.")
            continue
        rows.append(measure(n, scaled))
    print(table(rows))
    if options.json:
        Path(options.json).write_text(json.dumps({"cores": os.cpu_count(), "rows": rows}, indent=2) + "\n")
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
