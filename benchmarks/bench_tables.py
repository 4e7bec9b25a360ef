"""How long does the price of tables take, what `expected` plans with? Time against n, beside other ways to find it.

python benchmarks/bench_tables.py --json tables.json --plot tables.svg
python benchmarks/bench_tables.py --sizes 500,1e6

Curves are tables of 30 points, S-shaped and not concave. `solve` and one streaming pass (the sum of the table on all
cores) take turns, 7 times; the medians are shown, of three markets of each size. `solve` returns whole tokens, the
price and a bound that no allocation can exceed; *gap* is the share of the bound that it leaves. The peers find only a
price or an allocation of parts of tokens: bisection halves the price 60 times over the slopes of all envelopes; HiGHS
solves the linear program of the envelopes (`scipy.optimize.linprog`). A market of 1,000 surges takes turns with them.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from bench_pricing import seconds, timed
from numba import njit, prange
from scipy.optimize import linprog
from scipy.sparse import csr_array

from shadowprice._types import FloatArray
from shadowprice.curves import Tabulated
from shadowprice.pricing import Problem, solve
from shadowprice.testing import random_surge

_POINTS = 30
_RUNS = 7
_MARKETS = 3
_SIZES = "10,30,100,300,500,999,1e3,3e3,1e4,3e4,1e5,3e5,1e6"
_GRID = np.round(8.0 * 2.0 ** (np.arange(_POINTS) / 3.0))


def values(n: int, seed: int) -> FloatArray:
    """Chances to be right by each token count: they rise late, at different places, to different heights."""
    rng = np.random.default_rng(seed)
    middle, width, height = rng.uniform(3.0, 8.0, n), rng.uniform(0.2, 1.0, n), rng.uniform(0.05, 1.0, n)
    chance = height[:, None] / (1.0 + np.exp(-(np.log(_GRID) - middle[:, None]) / width[:, None]))
    table: FloatArray = np.where(chance > 0.02 * height[:, None], chance, 0.0)
    return table


@njit(parallel=True, fastmath=True)  # type: ignore[untyped-decorator, unused-ignore]
def stream(table: FloatArray) -> float:
    """The floor: read the table once, on all cores."""
    total = 0.0
    for row in prange(table.shape[0]):
        for point in range(table.shape[1]):
            total += table[row, point]
    return total


def hulls(table: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Slopes and lengths of the envelopes' lines, ``(n, K)``; the peers are handed them."""
    curve = Tabulated(_GRID, table).envelope()
    slope = np.diff(curve.values, axis=1) / np.maximum(np.diff(curve.tokens, axis=1), 1e-9)
    return np.maximum(slope, 0.0), np.diff(curve.tokens, axis=1)


def bisection(slope: FloatArray, length: FloatArray, budget: float) -> float:
    """The usual way: 60 halvings of the price."""
    low, high = 0.0, float(slope.max())
    for _ in range(60):
        middle = 0.5 * (low + high)
        if length[slope >= middle].sum() > budget:
            low = middle
        else:
            high = middle
    return high


def highs(slope: FloatArray, length: FloatArray, budget: float) -> float:
    """The linear program of the envelopes: max Σ slope·x, 0 ≤ x ≤ length, Σ x ≤ B."""
    some = length > 0.0
    bounds = np.column_stack([np.zeros(int(some.sum())), length[some]])
    found = linprog(-slope[some], A_ub=csr_array(np.ones((1, len(bounds)))), b_ub=[budget], bounds=bounds)
    return float(-found.fun)


PEERS: dict[str, tuple[Callable[[FloatArray, FloatArray, float], float], int]] = {
    "bisection, 60 steps": (bisection, 1_000_000),
    "HiGHS": (highs, 3_000),
}
"""Name, function, and the greatest n at which it is measured."""


def measure(n: int) -> dict[str, Any]:
    """Median seconds of everything at one size."""
    surges = random_surge(1000, 0)
    small = Problem(surges, 0.3 * float(surges.peak_tokens().sum()))
    times: dict[str, list[float]] = {name: [] for name in ("solve", "stream", "surges", *PEERS)}
    gaps = []
    for seed in range(_MARKETS if n < 300_000 else 1):
        table = values(n, seed)
        curve = Tabulated(_GRID, table)
        problem = Problem(curve, np.floor(0.25 * float(curve.peak_tokens().sum())))
        found = solve(problem)
        gaps.append(found.gap / found.dual_bound)
        for _ in range(_RUNS):
            times["stream"].append(timed(lambda: stream(table)))  # noqa: B023
            times["solve"].append(timed(lambda: solve(problem)))  # noqa: B023
            times["surges"].append(timed(lambda: solve(small)))
        lines = hulls(table)
        for name, (peer, most) in PEERS.items():
            if n <= most:
                times[name].append(timed(lambda: peer(*lines, problem.budget)))  # noqa: B023
    return {"n": n, "gap": max(gaps), **{name: float(np.median(all_)) for name, all_ in times.items() if all_}}


def table_of(rows: list[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    head = ["n", "solve", "× 1,000 surges", "streaming pass", "ratio", "largest gap", *PEERS]
    lines = ["| " + " | ".join(head) + " |", "|" + "---:|" * len(head)]
    for row in rows:
        cells = [f"{row['n']:,}", seconds(row["solve"]), f"{row['solve'] / row['surges']:.1f}", seconds(row["stream"])]
        cells += [f"{row['solve'] / row['stream']:.0f}", f"{row['gap']:.0e}"]
        lines.append("| " + " | ".join([*cells, *(seconds(row[name]) if name in row else "" for name in PEERS)]) + " |")
    return "\n".join(lines)


def plot(rows: list[dict[str, Any]], path: str) -> None:
    """Time against n, both logarithmic."""
    figure, axes = plt.subplots(figsize=(7.0, 4.5), layout="constrained")
    styles = {"solve": ("shadowprice", "o-", "C3"), "stream": ("one streaming pass", "s-", "0.5")}
    styles |= {name: (name, ".-", f"C{number}") for number, name in enumerate(PEERS)}
    for name, (label, style, color) in styles.items():
        points = [(row["n"], row[name]) for row in rows if name in row]
        axes.loglog(*zip(*points, strict=True), style, color=color, label=label)
    axes.set(xlabel="queries", ylabel="seconds")
    axes.grid(alpha=0.3)
    axes.legend()
    figure.savefig(path)


def main() -> None:
    """Measure, print a table, and write what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default=_SIZES, help="numbers of queries, separated by commas")
    parser.add_argument("--json", help="write the measurements to this file")
    parser.add_argument("--plot", help="draw time against n to this file")
    options = parser.parse_args()
    stream(values(10, 0))
    rows = [measure(int(float(size))) for size in options.sizes.split(",")]
    print(table_of(rows))
    if options.json:
        Path(options.json).write_text(json.dumps({"rows": rows}, indent=2) + "\n", encoding="utf-8")
    if options.plot:
        plot(rows, options.plot)


if __name__ == "__main__":
    main()
