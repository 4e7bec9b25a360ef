"""The market of live traffic on days of recorded replies: what docs/online.md and benchmarks/online.md report.

python benchmarks/online.py --data ../shared/data [--seeds 2] [--json online.json] [--plot day.svg]

Days of 4,000 queries in 24 windows, budgets of 15, 30 and 60 % of full cost a window. Beliefs are cross-fitted, so no
question is priced by a predictor that has seen it. Parameters were chosen on seed 500; these are seeds 0 and up.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shadowprice._types import FloatArray
from shadowprice.bench import Recipe, kept_forecast
from shadowprice.bench.traffic import (
    BATCH,
    DAYS,
    ENTRANTS,
    FIXED,
    ONLINE,
    TrafficResult,
    compare_traffic,
    write_traffic_plot,
)
from shadowprice.policies import Knowledge
from shadowprice.traces import read_traces

FILES = (
    "zeroeval/Meta-Llama-3.1-8B-Instruct",
    "zeroeval/Qwen2-7B-Instruct",
    "zeroeval/Phi-3.5-mini-instruct",
    "reasoning-gym/llama-3.3-70b-instruct",
)
USUAL = ("stationary", "easy-hard", "burst", "easy-hard-burst", "drift")
HARSH = tuple(day for day in DAYS if day not in USUAL)
SHARES = (0.15, 0.30, 0.60)
CAP = "static-cap"


def pooled(results: Sequence[TrafficResult], policy: str, other: str, days: Sequence[str]) -> FloatArray:
    """Right answers as shares of another policy's, percent: every file, day, budget (rows) and seed (columns)."""
    rows = [100.0 * result.against(policy, other, day, share) for result in results for day in days for share in SHARES]
    return np.array(rows)


def show_policies(results: Sequence[TrafficResult], days: Sequence[str]) -> None:
    """A row for each policy, over all files, days, budgets and seeds."""
    print(
        "| policy | % of the best fixed price | worst cell | % of the batch market | used, % | limit hit, % of begun |"
    )
    print("|---|---|---|---|---|---|")
    for policy in [name for name in ENTRANTS if results[0].of(name)]:
        fixed, batch = (pooled(results, policy, other, days) for other in (FIXED, BATCH))
        served = [play.served for r in results for play in r.of(policy) if play.day in days and play.served is not None]
        more = ["–", "–"]
        if served:
            used = 100.0 * np.mean([one.used.sum() / one.budget.sum() for one in served])
            limited = 100.0 * sum(one.limited for one in served) / sum(one.begun for one in served)
            more = [f"{used:.1f}", f"{limited:.2f}"]
        worst = fixed.mean(axis=1).min()
        print(f"| {policy} | {fixed.mean():.1f} | {worst:.1f} | {batch.mean():.1f} | {' | '.join(more)} |")


def show_days(results: Sequence[TrafficResult]) -> None:
    """The online market on each day, over all files, budgets and seeds."""
    print("| day | % of the best fixed price | worst cell | % of the batch market | worst day | times the best cap |")
    print("|---|---|---|---|---|---|")
    for day in DAYS:
        fixed, batch, cap = (pooled(results, ONLINE, other, [day]) for other in (FIXED, BATCH, CAP))
        print(
            f"| {day} | {fixed.mean():.1f} | {fixed.mean(axis=1).min():.1f} | {batch.mean():.1f} | {batch.min():.1f} | "
            f"{cap.mean() / 100.0:.2f} |"
        )


def show_cells(result: TrafficResult) -> None:
    """Every cell of a file: the online market in % of the best fixed price, and of the batch market."""
    print(f"\n{result.traces}: % of the best fixed price / of the batch market, at 15, 30 and 60 %\n")
    print("| day | 15 % | 30 % | 60 % |\n|---|---|---|---|")
    for day in DAYS:
        rows = [result.row(ONLINE, day, share) for share in SHARES]
        print(f"| {day} | " + " | ".join(f"{row['of_fixed']:.1f} / {row['of_batch']:.1f}" for row in rows) + " |")


def show_promises(results: Sequence[TrafficResult]) -> None:
    """What was promised, and whether it is so."""
    batch, fixed, cap = (pooled(results, ONLINE, other, USUAL) for other in (BATCH, FIXED, CAP))
    harsh = pooled(results, ONLINE, FIXED, HARSH)
    served = [play.served for r in results for play in r.of(ONLINE) if play.served is not None]
    limited = 100.0 * sum(one.limited for one in served) / sum(one.begun for one in served)
    over = max(play.served.over for r in results for play in r.plays if play.served is not None)
    promises = (
        ("of the batch market, mean, %", batch.mean(), 97.0, ">="),
        ("of the batch market, worst day, %", batch.min(), 94.0, ">="),
        ("of the best fixed price, mean, %", fixed.mean(), 102.0, ">="),
        ("of the best fixed price, worst cell, %", fixed.mean(axis=1).min(), 98.0, ">="),
        ("times the best static cap, mean", cap.mean() / 100.0, 1.3, ">="),
        ("spikes, silence, burst-20: of the best fixed price, worst cell, %", harsh.mean(axis=1).min(), 92.0, ">="),
        ("limit hit, % of those begun", limited, 1.0, "<="),
        ("tokens over a window's budget, any policy", float(over), 0.0, "<="),
    )
    print("| figure | measured | promised | |\n|---|---|---|---|")
    for name, found, promised, sign in promises:
        kept = found >= promised if sign == ">=" else found <= promised
        print(f"| {name} | {found:.2f} | {sign} {promised:g} | {'kept' if kept else 'missed'} |")


def main() -> None:
    """Play all days, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the recorded traces")
    parser.add_argument("--seeds", type=int, default=2, help="days of each kind")
    parser.add_argument("--first-seed", type=int, default=0, help="the first of them")
    parser.add_argument("--arrivals", type=int, default=4000, help="queries of a day")
    parser.add_argument("--carry", type=float, default=0.0, help="share of the budget that may be carried over")
    parser.add_argument("--policies", default="", help="only these, separated by commas")
    parser.add_argument("--json", type=Path, help="write every figure")
    parser.add_argument("--plot", type=Path, help="draw one day of the first file")
    options = parser.parse_args()
    results = []
    for name in FILES:
        traces = read_traces(options.data / f"{name}.parquet")
        outlook = kept_forecast(traces, Recipe((Knowledge.OUTCOMES,))).outlook
        assert outlook is not None
        result = compare_traffic(
            traces,
            outlook,
            days=list(DAYS),
            shares=SHARES,
            seeds=range(options.first_seed, options.first_seed + options.seeds),
            arrivals=options.arrivals,
            policies=[policy for policy in options.policies.split(",") if policy],
            carry=options.carry,
        )
        results.append(result)
        if options.json is not None:
            tables = json.dumps([each.to_json() for each in results], indent=1)
            options.json.write_text(tables + "\n", encoding="utf-8")
        show_cells(result)
        if options.plot is not None and len(results) == 1:
            one = [play for play in result.plays if (play.day, play.share) == ("easy-hard-burst", 0.30)]
            write_traffic_plot(TrafficResult(result.traces, result.arrivals, result.windows, tuple(one)), options.plot)
    if not options.policies or {CAP, FIXED, ONLINE, BATCH} <= set(options.policies.split(",")):
        print(f"\nThe usual days ({', '.join(USUAL)}), {options.seeds} seeds:\n")
        show_policies(results, USUAL)
        print(f"\nThe harsh ones ({', '.join(HARSH)}):\n")
        show_policies(results, HARSH)
        print()
        show_days(results)
        print()
        show_promises(results)


if __name__ == "__main__":
    main()
