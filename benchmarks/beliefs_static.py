"""What is believed of a question before it runs: figures, what adds to them, how much evidence they need, and speed.

python benchmarks/beliefs_static.py --data ../shared/data             the table
python benchmarks/beliefs_static.py --data ../shared/data --ablation  what each group of features adds
python benchmarks/beliefs_static.py --data ../shared/data --few       against the number of training questions; a plot
python benchmarks/beliefs_static.py --data ../shared/data --speed     100,000 questions, and one at a time

All beliefs are about questions that the predictor was not fitted on: two folds, split by question, for each seed.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import kendalltau
from sklearn.metrics import roc_auc_score

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import (
    AbstractPredictor,
    Beliefs,
    Evidence,
    OutcomePredictor,
    PriorPredictor,
    ThresholdPredictor,
    cross_fit,
)
from shadowprice.beliefs.reading import GROUPS, SURFACE_GROUPS
from shadowprice.traces import read_traces

ZEROEVAL = ("Meta-Llama-3.1-8B-Instruct", "Phi-3.5-mini-instruct", "Qwen2-7B-Instruct")
FILES = (
    *(f"zeroeval/{name}" for name in ZEROEVAL),
    "skythought/Qwen2.5-14B-Instruct",
    "skythought/Sky-T1-math-correct-5K-27B",
    "multisample/llama-3.2-3b-amc-aime-x50",
)
SIZES = (0, 5, 10, 20, 50, 100, 200, 500, 1000, 10**6)
FIGURES = ("AUC", "Kendall", "ECE", "Brier", "skill", "log score")


def figures(beliefs: Beliefs, evidence: Evidence) -> dict[str, float]:
    """How good beliefs are: AUC, calibration and log score of "right at any budget"; Brier score over the grid.

    ECE: ten bins of equal mass. Brier: mean over the grid's points from 32 to 4,096 tokens, over replies that were
    watched so far. Skill: share of it gained on believing the file's own mean of every question, which no predictor
    could know beforehand. Log score: −ln P(what happened), nats.
    """
    query, right = evidence.query, evidence.correct
    if (outcomes := beliefs.outcomes) is None:
        ranked = kendalltau(beliefs.threshold[query][right], evidence.answer_tokens[right]).statistic
        return {"Kendall": float(ranked)}
    believed = outcomes.right[query, -1]
    grid = (outcomes.tokens >= 32) & (outcomes.tokens <= 4096)
    tokens = outcomes.tokens[grid]
    happened = (right[:, None] & (evidence.answer_tokens[:, None] <= tokens)).astype(float)
    watched = ~evidence.censored[:, None] | (evidence.completion_tokens[:, None] >= tokens)
    brier = _mean(np.square(outcomes.right[query][:, grid] - happened), watched)
    usual = np.sum(happened * watched, axis=0) / np.maximum(1, watched.sum(axis=0))
    sure = np.clip(np.where(right, believed, 1.0 - believed), 1e-3, 1.0)
    bins = np.array_split(np.argsort(believed, kind="stable"), 10)
    return {
        "AUC": float(roc_auc_score(right, believed)),
        "Kendall": float(kendalltau(beliefs.threshold[query][right], evidence.answer_tokens[right]).statistic),
        "ECE": sum(len(rows) * abs(believed[rows].mean() - right[rows].mean()) for rows in bins) / len(right),
        "Brier": brier,
        "skill": 1.0 - brier / _mean(np.square(usual - happened), watched),
        "log score": float(-np.log(sure).mean()),
    }


def _mean(values: FloatArray, where: BoolArray) -> float:
    return float(np.mean(np.sum(values * where, axis=0) / np.maximum(1, where.sum(axis=0))))


def over_seeds(predictor: AbstractPredictor, evidence: Evidence, seeds: int) -> dict[str, FloatArray]:
    """Figures for each seed of the split."""
    found = [figures(cross_fit(predictor, evidence, seed=seed), evidence) for seed in range(seeds)]
    return {name: np.array([each[name] for each in found]) for name in found[0]}


def shown(found: dict[str, FloatArray], names: Sequence[str] = FIGURES) -> str:
    """Mean and standard deviation over the seeds."""
    return "  ".join(
        f"{found[name].mean():6.3f} ±{found[name].std():.3f}" if name in found else " " * 13 for name in names
    )


def table(evidence: dict[str, Evidence], seeds: int) -> None:
    """Every predictor on every file."""
    makers: dict[str, Callable[[], AbstractPredictor]] = {
        "outcome": OutcomePredictor,
        "threshold": ThresholdPredictor,
        "prior": PriorPredictor,
    }
    for name, make in makers.items():
        print(f"\n{name:32}" + "  ".join(f"{figure:>13}" for figure in FIGURES))
        every = []
        for file, replies in evidence.items():
            found = over_seeds(make(), replies, seeds if name != "prior" else 1)
            print(f"{file.split('/')[1]:32}{shown(found)}", flush=True)
            if file.startswith("zeroeval"):
                every.append(found)
        print(f"{'mean of zeroeval':32}{shown(pooled(every))}")


def ablation(evidence: dict[str, Evidence], seeds: int) -> None:
    """What each group of features, and each half of the model, adds; mean of the zeroeval files."""
    surface = tuple(SURFACE_GROUPS)
    variants: dict[str, OutcomePredictor] = {"all": OutcomePredictor()}
    for group in GROUPS:
        variants[f"without {group}"] = OutcomePredictor(groups=tuple(name for name in GROUPS if name != group))
    variants["without surface"] = OutcomePredictor(groups=("words", "characters", "directions"))
    variants["surface alone"] = OutcomePredictor(groups=surface)
    variants["words alone"] = OutcomePredictor(groups=("words", "directions"))
    variants["linear part alone"] = OutcomePredictor(linear_share=1.0)
    variants["trees alone"] = OutcomePredictor(linear_share=0.0)
    print(f"{'mean of zeroeval':24}" + "  ".join(f"{figure:>13}" for figure in FIGURES) + "   AUC and Kendall less all")
    full: dict[str, FloatArray] = {}
    for name, predictor in variants.items():
        found = pooled(
            [over_seeds(predictor, replies, seeds) for file, replies in evidence.items() if file.startswith("zeroeval")]
        )
        full = full or found
        moved = "  ".join(
            f"{(found[figure] - full[figure]).mean():+.3f} ±{(found[figure] - full[figure]).std():.3f}"
            for figure in ("AUC", "Kendall")
        )
        print(f"{name:24}{shown(found)}   {moved}", flush=True)


def pooled(files: list[dict[str, FloatArray]]) -> dict[str, FloatArray]:
    """Mean over files, seed by seed."""
    if not files:
        return {}
    return {name: np.mean([found[name] for found in files], axis=0) for name in files[0]}


def few(evidence: dict[str, Evidence], seeds: int, plot: Path) -> None:
    """Figures on half of the questions against the number of training questions from the other half."""
    curves: dict[str, dict[int, list[float]]] = {}
    for file, replies in evidence.items():
        if file.startswith("multisample"):
            continue
        rows: dict[int, list[dict[str, float]]] = {}
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(replies.n_queries)
            scored, training = order[: len(order) // 2], order[len(order) // 2 :]
            unseen = replies.of_questions(mask(scored, replies.n_queries))
            prior = figures(PriorPredictor().predict(unseen.questions), unseen)
            for size in SIZES:
                if size > len(training) and size != SIZES[-1]:
                    continue
                beliefs = PriorPredictor().predict(unseen.questions)
                if size:
                    seen = replies.of_questions(mask(training[:size], replies.n_queries))
                    beliefs = OutcomePredictor().fit(seen).predict(unseen.questions)
                found = figures(beliefs, unseen)
                rows.setdefault(min(size, len(training)), []).append(
                    {**found, **{f"{name} gain": found[name] - prior[name] for name in ("AUC", "Brier", "log score")}}
                )
        print(
            f"\n{file}\n{'questions':>9}  {'AUC':>6} {'Brier':>6} {'log':>6}   less the prior's: AUC, Brier, log score"
        )
        for size, each in rows.items():
            mean = {name: (np.mean([r[name] for r in each]), np.std([r[name] for r in each])) for name in each[0]}
            gains = "  ".join("{:+.3f} ±{:.3f}".format(*mean[f"{name} gain"]) for name in ("AUC", "Brier", "log score"))
            print(
                f"{size:9}  {mean['AUC'][0]:6.3f} {mean['Brier'][0]:6.3f} {mean['log score'][0]:6.3f}   {gains}",
                flush=True,
            )
        curves[file.split("/")[1]] = {
            size: [float(np.mean([r[name] for r in each])) for name in ("AUC", "Brier", "log score")]
            for size, each in rows.items()
        }
    _plot(curves, plot)


def mask(rows: IntArray, n: int) -> BoolArray:
    """Which of n questions are among these."""
    return np.asarray(np.isin(np.arange(n), rows))


def _plot(curves: dict[str, dict[int, list[float]]], path: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for axis, number, name in zip(axes, range(3), ("AUC", "Brier score", "log score, nats"), strict=True):
        for file, points in curves.items():
            axis.plot([max(size, 2) for size in points], [point[number] for point in points.values()], "o-", label=file)
        axis.set(xscale="log", xlabel="training questions (leftmost: none)", ylabel=name)
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize="x-small")
    figure.savefig(path, dpi=150)
    print(f"\n{path}")


def speed(evidence: Evidence) -> None:
    """100,000 questions at once, and one at a time, warm."""
    half = np.arange(evidence.n_queries) % 2 == 0
    start = time.perf_counter()
    predictor = OutcomePredictor().fit(evidence.of_questions(half))
    print(f"fitted on {half.sum()} questions in {time.perf_counter() - start:.1f} s")
    questions = [evidence.questions[int(number)] for number in np.flatnonzero(~half)]
    predictor.predict(questions[:10])
    many = (questions * (100_000 // len(questions) + 1))[:100_000]
    start, busy = time.perf_counter(), time.process_time()
    predictor.predict(many)
    print(f"100,000 questions: {time.perf_counter() - start:.1f} s, {time.process_time() - busy:.1f} s of one core")
    each = []
    for question in questions[:1000]:
        start = time.perf_counter()
        predictor.predict([question])
        each.append(1e3 * (time.perf_counter() - start))
    print(f"one question: p50 {np.median(each):.3f} ms, p95 {np.quantile(each, 0.95):.3f} ms")


def main() -> None:
    """Parse the command line and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--plot", type=Path, default=Path("beliefs_few.png"))
    arguments = parser.parse_args()
    files = FILES[2:3] if arguments.speed else FILES[:3] if arguments.ablation else FILES
    evidence = {file: read_traces(arguments.data / f"{file}.parquet").evidence for file in files}
    if arguments.speed:
        speed(evidence[FILES[2]])
    elif arguments.ablation:
        ablation(evidence, arguments.seeds)
    elif arguments.few:
        few(evidence, arguments.seeds, arguments.plot)
    else:
        table(evidence, arguments.seeds)


if __name__ == "__main__":
    main()
