"""Bench several trace files and print the mean of their tables as Markdown.

python benchmarks/mean_table.py --budgets 64,128,256,512 A.parquet B.parquet C.parquet
"""

import argparse

from shadowprice.bench import STREAMS, BenchResult, kept_forecast, run_bench
from shadowprice.policies import POLICIES
from shadowprice.traces import Accounting, read_traces


def bench(path: str, budgets: list[int], accounting: Accounting) -> BenchResult:
    """Cross-fit and bench one file, 20 draws of every stream."""
    traces = read_traces(path)
    forecasts = kept_forecast(traces)
    return run_bench(traces, forecasts, budgets=budgets, accounting=accounting)


def main() -> None:
    """Print one row per policy and one column per stream, accuracies separated by strokes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("traces", nargs="+")
    parser.add_argument("--budgets", default="64,128,256,512")
    parser.add_argument("--accounting", type=Accounting, default=Accounting.ALLOCATED)
    options = parser.parse_args()
    budgets = [int(budget) for budget in options.budgets.split(",")]
    results = [bench(path, budgets, options.accounting) for path in options.traces]
    print(f"| policy | {' | '.join(STREAMS)} |")
    print(f"|---|{'---|' * len(STREAMS)}")
    for policy in POLICIES:
        columns = [
            " / ".join(
                f"{sum(result.cell(policy, stream, budget).accuracy for result in results) / len(results):.1f}"
                for budget in budgets
            )
            for stream in STREAMS
        ]
        print(f"| {policy} | {' | '.join(columns)} |")


if __name__ == "__main__":
    main()
