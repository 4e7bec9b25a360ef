"""What it adds to know how sure the model is while it writes: figures within a family, and what `index` gains.

python benchmarks/beliefs_confidence.py --record smollm2 -o sure.parquet   record replies with it, of the embedded model
python benchmarks/beliefs_confidence.py sure.parquet [more.parquet …]      the two tables

`shadowprice record … --confidence` makes such files as well. The first table is about replies that have come to half of
the median length of their family: how well beliefs tell, within a family, those of which a right answer is yet to come.
AUCs of families are averaged by their pairs of a right and a wrong reply. All beliefs are about questions that nobody
was fitted on: two folds, split by question, for each seed. `alone` is how well the mean entropy ranks by itself. The
second table is the share of the distance from clear-lambert to the oracle that `index` closes, with generated tokens
charged, and beliefs cross-fitted in the same way; both rows see the same draws of the same streams.
"""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import OutcomePredictor, RunningPredictor, cross_fit, given_running, known_confidence
from shadowprice.bench import Recipe, forecast, run_bench
from shadowprice.engines import LlamaCppEngine
from shadowprice.runner import RecordSettings, record
from shadowprice.tasks import make_questions
from shadowprice.traces import Accounting, Traces, read_traces

FAMILIES = ("plus", "minus", "mixed", "product", "gcd", "lcm", "product-3", "sum")
"""Those of which the embedded model gets some right and some wrong."""
SHARE = 0.5


def within(chance: FloatArray, happened: BoolArray, family: IntArray) -> tuple[float, float]:
    """AUC within families, averaged by their pairs, and over all of them together."""
    found, pairs = [], []
    for number in np.unique(family):
        mine = family == number
        right, wrong = int(happened[mine].sum()), int((~happened[mine]).sum())
        if right and wrong:
            found.append(roc_auc_score(happened[mine], chance[mine]))
            pairs.append(right * wrong)
    return float(np.average(found, weights=pairs)), float(roc_auc_score(happened, chance))


def moments(traces: Traces) -> tuple[IntArray, IntArray, FloatArray]:
    """Replies that run when half of their family's median length is reached, their families, and that length."""
    names, number = np.unique(traces.datasets, return_inverse=True)
    family, length = number[traces.query], traces.completion_tokens
    half = np.array([round(SHARE * np.median(length[family == one])) for one in range(len(names))], dtype=np.float64)
    rows = np.flatnonzero(length > half[family])
    return rows, family[rows], half[family[rows]]


def ranked(traces: Traces, seed: int) -> dict[str, tuple[float, float]]:
    """AUCs of one split."""
    evidence = traces.evidence
    rows, family, tokens = moments(traces)
    happened = evidence.correct[rows] & (evidence.answer_tokens[rows] > tokens)
    texts, text = np.unique(np.asarray(evidence.questions, dtype=object), return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(texts)) % 2)[text]
    chance: dict[str, FloatArray] = {
        name: np.zeros(len(rows)) for name in ("static", "running", "with confidence", "with, not told")
    }
    for unseen in (0, 1):
        train = evidence.of_questions(fold != unseen)
        static = OutcomePredictor()
        beliefs = cross_fit(static, train, folds=4, seed=seed)
        outcomes = static.fit(train).predict(evidence.questions).outcomes
        assert outcomes is not None
        mine = fold[evidence.query[rows]] == unseen
        before, now = outcomes.take(evidence.query[rows[mine]]), tokens[mine]
        chance["static"][mine] = given_running(before, now).right[:, -1]
        for name, knows in (("running", False), ("with confidence", True)):
            predictor = RunningPredictor(confidence=knows, random_state=seed).fit(train, beliefs)
            said, sure = predictor.read(evidence, rows[mine], now), known_confidence(evidence, rows[mine], now)
            chance[name][mine] = predictor.predict(before, now, said, sure).right[:, -1]
            if knows:
                chance["with, not told"][mine] = predictor.predict(before, now, said).right[:, -1]
    if (sure := known_confidence(evidence, rows, tokens)) is not None:
        chance["alone"] = -np.nan_to_num(sure[:, 2])
    return {name: within(value, happened, family) for name, value in chance.items()}


def closed(traces: Traces, seed: int, draws: int, budgets: Sequence[int]) -> dict[str, float]:
    """What `index` closes of the distance to the oracle, by time alone, by texts, and with confidence."""
    bare = Traces(traces.table.drop_columns(["confidence"]), traces.query, traces.name)
    found = {}
    for name, known, reads in (("static", bare, False), ("running", bare, True), ("with confidence", traces, True)):
        result = run_bench(
            known,
            forecast(known, Recipe(seed=seed, reads=reads)),
            budgets=budgets,
            policies=("clear-lambert", "index", "oracle"),
            accounting=Accounting.GENERATED,
            seeds=draws,
        )
        share = result.closed("index")
        found[name] = np.nan if share is None else share
    return found


def table(files: Sequence[Path], seeds: int, draws: int) -> None:
    """Both tables, of each file."""
    for path in files:
        traces = read_traces(path)
        if traces.evidence.confidence is None:
            print(f"{path}: nothing is known of how sure its model was; record it with --confidence.")
            continue
        rows = moments(traces)[0]
        print(
            f"{path.stem}: {len(traces.query)} replies, {traces.correct.mean():.0%} right, {len(rows)} running at half"
        )
        runs = [ranked(traces, seed) for seed in range(seeds)]
        for name in runs[0]:
            values = np.array([run[name] for run in runs])
            print(
                f"  {name:16s} AUC within a family {values[:, 0].mean():.3f} ± {values[:, 0].std():.3f}, "
                f"over all {values[:, 1].mean():.3f} ± {values[:, 1].std():.3f}",
                flush=True,
            )
        gain = np.array([run["with confidence"][0] - run["running"][0] for run in runs])
        print(f"  gain within a family by seed: {np.round(gain, 3).tolist()}")
        median = float(np.median(traces.completion_tokens))
        budgets = [max(1, round(share * median)) for share in (0.25, 0.5, 0.75)]
        shares = [closed(traces, seed, draws, budgets) for seed in range(seeds)]
        for name in shares[0]:
            share = np.array([one[name] for one in shares])
            print(f"  index, {name:16s} closed {share.mean():.3f} ± {share.std():.3f}")
        gain = np.array([one["with confidence"] - one["running"] for one in shares])
        print(f"  gain of index by seed: {np.round(gain, 3).tolist()}", flush=True)


async def make(model: str, output: Path, count: int, samples: int) -> pa.Table:
    """Record replies, with how sure the model was."""
    questions = make_questions(FAMILIES, count, seed=0)
    async with LlamaCppEngine(model) as engine:
        return await record(questions, engine, output, RecordSettings(samples=samples, confidence=True))


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, nargs="*")
    parser.add_argument("--record", metavar="MODEL", help="a pulled model or a GGUF file")
    parser.add_argument("-o", "--output", type=Path, default=Path("sure.parquet"))
    parser.add_argument("-n", type=int, default=80, help="questions of each family to record")
    parser.add_argument("--samples", type=int, default=1)
    parser.add_argument("--seeds", type=int, default=5, help="splits of the questions")
    parser.add_argument("--draws", type=int, default=4, help="draws of each stream")
    options = parser.parse_args()
    if options.record:
        asyncio.run(make(options.record, options.output, options.n, options.samples))
    with threadpool_limits(1):
        table(options.traces, options.seeds, options.draws)


if __name__ == "__main__":
    main()
