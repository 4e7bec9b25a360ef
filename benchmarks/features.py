"""What vectors of the questions add to a file of traces or a budget sweep.

python benchmarks/features.py build/sweep/sweep.csv build/sweep/vectors.npz [--seeds 5] [--share 0.5]

Cross-fits predictors in two folds, once for each seed (of the folds), without vectors, with all, and with those of a
share of the questions; prints means over seeds and their standard deviation: AUC of all questions and within data sets,
and what `expected` closes of the distance from `uniform` and from `clear-lambert` to the oracle, generated tokens.
"""

import argparse
from pathlib import Path

import numpy as np

from shadowprice.beliefs import score_beliefs
from shadowprice.beliefs.encoders import Matched, read_vectors
from shadowprice.bench import Recipe, forecast, run_bench
from shadowprice.traces import Accounting, Traces, read_recorded

POLICIES = ("uniform", "clear-lambert", "expected", "oracle")


def figures(traces: Traces, seed: int, matched: Matched | None) -> tuple[float, ...]:
    """AUC, AUC within data sets, integrated Brier score, and what is closed."""
    known = forecast(traces, Recipe(reads=False, seed=seed), features=matched)
    assert known.outcomes is not None
    scores = score_beliefs(known.outcomes, traces.evidence, traces.datasets, seed=seed)
    result = run_bench(traces, known, policies=POLICIES, accounting=Accounting.GENERATED, seeds=5)
    closed = [result.closed("expected", reference) for reference in ("uniform", "clear-lambert")]
    return (
        scores.auc.value,
        scores.auc_within.value,
        scores.brier.value,
        *(float("nan") if value is None else value for value in closed),
    )


def main() -> None:
    """Print one row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path)
    parser.add_argument("vectors", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.5)
    options = parser.parse_args()
    traces, vectors = read_recorded(options.traces), read_vectors(options.vectors)
    pairs = list(zip(traces.query_ids, traces.questions, strict=True))
    print(f"{traces.n_queries} questions of {len(set(traces.datasets))} data sets, {options.seeds} seeds")
    print("| vectors | AUC | within a data set | Brier score | closed from uniform | from clear-lambert |")
    print("|---|---|---|---|---|---|")
    for name, share in (("none", 0.0), (f"of {options.share:.0%}", options.share), ("of all", 1.0)):
        rows = []
        for seed in range(options.seeds):
            there = np.random.default_rng(seed).random(len(pairs)) < share
            some = [pair for pair, has in zip(pairs, there, strict=True) if has]
            rows.append(figures(traces, seed, vectors.match(some) if some else None))
        means, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
        print(f"| {name} | {' | '.join(f'{mean:.3f} ± {sd:.3f}' for mean, sd in zip(means, spread, strict=True))} |")


if __name__ == "__main__":
    main()
