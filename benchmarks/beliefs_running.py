"""What is believed of a query while its reply is being written: figures, what adds to them, and speed.

python benchmarks/beliefs_running.py --data ../shared/data             the table, static against running beliefs
python benchmarks/beliefs_running.py --data ../shared/data --ablation  without each group of progress features
python benchmarks/beliefs_running.py --data ../shared/data --few       against the number of training questions
python benchmarks/beliefs_running.py --data ../shared/data --tokens MODEL.gguf  real token boundaries against shares
python benchmarks/beliefs_running.py --data ../shared/data --speed     a step of 64 running queries, and of one

All beliefs are about questions that neither predictor was fitted on: two folds, split by question, for each seed. A
query counts as right if a right answer was yet to come. Beliefs are looked at when a reply reaches a share of the
model's median length, on all replies that are longer. `before` is the static model as it was before the first token,
`static` the same given that the reply has come so far.
"""

import argparse
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import (
    CONFIDENCE_GRID,
    PROGRESS_GROUPS,
    SUMMARY,
    Beliefs,
    ConfidenceSoFar,
    Evidence,
    OutcomePredictor,
    Outcomes,
    Progress,
    RunningPredictor,
    cross_fit,
    given_running,
)
from shadowprice.traces import read_traces

FILES = {
    "Sky-T1-27B": "skythought/Sky-T1-math-correct-5K-27B",
    "Qwen2.5-14B": "skythought/Qwen2.5-14B-Instruct",
    "Llama-3.1-8B": "zeroeval/Meta-Llama-3.1-8B-Instruct",
}
SHARES = (0.25, 0.5, 0.75, 1.0)


class Half(NamedTuple):
    """Two halves of the questions, with static beliefs about either that have not seen it."""

    train: Evidence
    train_beliefs: Beliefs
    test: Evidence
    test_outcomes: Outcomes
    median: float


class Moment(NamedTuple):
    """Queries of a test half that are running at one token count."""

    rows: IntArray
    tokens: FloatArray
    outcomes: Outcomes
    to_come: BoolArray


@cache
def halves(path: Path, seed: int) -> tuple[Half, Half]:
    """Both ways to train on one half and look at the other."""
    evidence = read_traces(path).evidence
    texts, text = np.unique(np.asarray(evidence.questions, dtype=object), return_inverse=True)
    fold = (np.random.default_rng(seed).permutation(len(texts)) % 2)[text]
    median = float(np.median(evidence.completion_tokens))

    def half(unseen: int) -> Half:
        train, test = evidence.of_questions(fold != unseen), evidence.of_questions(fold == unseen)
        static = OutcomePredictor()
        beliefs = cross_fit(static, train, folds=4, seed=seed)
        outcomes = static.fit(train).predict(test.questions).outcomes
        assert outcomes is not None
        return Half(train, beliefs, test, outcomes, median)

    return half(0), half(1)


def moment(half: Half, share: float) -> Moment:
    """The queries that run when a share of the median length is reached."""
    tokens = round(share * half.median)
    rows = np.flatnonzero(half.test.completion_tokens > tokens).astype(np.int64)
    return Moment(
        rows,
        np.full(len(rows), float(tokens)),
        half.test_outcomes.take(half.test.query[rows]),
        half.test.correct[rows] & (half.test.answer_tokens[rows] > tokens),
    )


def figures(chance: FloatArray, happened: BoolArray) -> tuple[float, float, float]:
    """AUC, expected calibration error in 10 bins of equal width, Brier score."""
    place = np.minimum((chance * 10).astype(np.int64), 9)
    error = np.abs(np.bincount(place, chance - happened, minlength=10)).sum() / len(chance)
    return float(roc_auc_score(happened, chance)), float(error), float(np.mean((chance - happened) ** 2))


def ended_soon(half: Half, now: Moment, outcomes: Outcomes) -> tuple[FloatArray, BoolArray]:
    """P(finished by the first grid point from 1.5 times here), and whether it had."""
    place = int(np.searchsorted(outcomes.tokens, 1.5 * now.tokens[0]))
    done = half.test.completion_tokens[now.rows] <= outcomes.tokens[place]
    return outcomes.finished[:, place], done & ~half.test.censored[now.rows]


def compare(
    path: Path, seed: int, share: float, predictors: Sequence[RunningPredictor]
) -> dict[str, tuple[float, ...]]:
    """Figures of static and running beliefs at one moment, both halves together."""
    chances: dict[str, list[FloatArray]] = {
        name: [] for name in ("before", "static", "running", "static end", "running end")
    }
    happened, done = [], []
    for half, predictor in zip(halves(path, seed), predictors, strict=True):
        now = moment(half, share)
        static = given_running(now.outcomes, now.tokens)
        running = predictor.predict(now.outcomes, now.tokens, predictor.read(half.test, now.rows, now.tokens))
        chances["before"].append(now.outcomes.right[:, -1])
        for name, believed in (("static", static), ("running", running)):
            soon, ended = ended_soon(half, now, believed)
            chances[name].append(believed.right[:, -1])
            chances[f"{name} end"].append(soon)
        happened.append(now.to_come)
        done.append(ended)
    right, ends = np.concatenate(happened), np.concatenate(done)
    return {
        name: figures(np.concatenate(chance), ends if name.endswith("end") else right)
        for name, chance in chances.items()
    }


def fitted(path: Path, seed: int, **options: object) -> list[RunningPredictor]:
    """A predictor for each half."""
    return [RunningPredictor(**options).fit(half.train, half.train_beliefs) for half in halves(path, seed)]  # type: ignore[arg-type]


def table(data: Path, seeds: int) -> None:
    """Static against running beliefs."""
    print(
        "share of median | static → running: AUC of right | ECE | Brier | AUC of ending by 1.5 times here | its Brier"
    )
    gains: dict[str, list[float]] = {"before": [], "static": []}
    for name, file in FILES.items():
        path = data / f"{file}.parquet"
        predictors = [fitted(path, seed) for seed in range(seeds)]
        for share in SHARES:
            runs = [compare(path, seed, share, predictors[seed]) for seed in range(seeds)]
            values = {key: np.array([run[key] for run in runs]) for key in runs[0]}
            cells = [
                f"{values['static' + end][:, column].mean():.3f} → {values['running' + end][:, column].mean():.3f}"
                f" ± {values['running' + end][:, column].std():.3f}"
                for end, column in (("", 0), ("", 1), ("", 2), (" end", 0), (" end", 2))
            ]
            print(f"{name:13s} {share:.2f} | " + " | ".join(cells), flush=True)
            if share == 1.0:
                for than, found in gains.items():
                    gain = values["running"][:, 0] - values[than][:, 0]
                    found.append(float(gain.mean()))
                    print(
                        f"{name:13s} AUC {than} {values[than][:, 0].mean():.3f}, gain over it at the median length by "
                        f"seed: {np.round(gain, 3).tolist()}",
                        flush=True,
                    )
    for than, found in gains.items():
        print(f"mean gain in AUC over {than} at the median length: {np.mean(found):.3f}")


def ablation(data: Path, seeds: int) -> None:
    """Without each group, and with the token count only."""
    choices = {"all": PROGRESS_GROUPS, "token count only": ()}
    choices |= {
        f"without {left_out}": tuple(g for g in PROGRESS_GROUPS if g != left_out) for left_out in PROGRESS_GROUPS
    }
    choices |= {f"only {kept}": (kept,) for kept in PROGRESS_GROUPS}
    print("groups | AUC at the median length: " + ", ".join(FILES) + " | mean")
    for label, groups in choices.items():
        means = []
        for file in FILES.values():
            path = data / f"{file}.parquet"
            runs = [compare(path, seed, 1.0, fitted(path, seed, groups=groups)) for seed in range(seeds)]
            means.append(np.mean([run["running"][0] for run in runs]))
        print(f"{label:20s} " + " ".join(f"{mean:.3f}" for mean in means) + f" | {np.mean(means):.3f}", flush=True)


def few(data: Path, seeds: int) -> None:
    """How many questions it takes to beat static beliefs that have learnt from all questions."""
    for name, file in FILES.items():
        path = data / f"{file}.parquet"
        for size in (8, 16, 32, 64, 128, 256):
            scores = []
            for seed in range(seeds):
                predictors = []
                for half in halves(path, seed):
                    keep = np.random.default_rng(seed).permutation(half.train.n_queries) < size
                    predictors.append(
                        RunningPredictor().fit(half.train.of_questions(keep), half.train_beliefs.take(keep))
                    )
                run = compare(path, seed, 1.0, predictors)
                scores.append((*run["static"], *run["running"]))
            static, learnt = np.split(np.mean(scores, axis=0), 2)
            print(f"{name:13s} {size:4d} questions: AUC, ECE, Brier {static.round(3)} → {learnt.round(3)}", flush=True)


def boundaries(data: Path, model: Path) -> None:
    """The same queries, cut at real tokens and at shares of their characters."""
    from shadowprice.engines import LlamaCppEngine

    engine = LlamaCppEngine(model, parallel=1)
    for name, file in FILES.items():
        path = data / f"{file}.parquet"
        half, predictor = halves(path, 0)[0], fitted(path, 0)[0]
        now = moment(half, 1.0)
        some = np.sort(np.random.default_rng(0).permutation(len(now.rows))[:300])
        outcomes, tokens, rows = now.outcomes.take(some), now.tokens[some], now.rows[some]
        texts = half.test.completions
        assert texts is not None
        cut = [b"".join(engine.tokenize(texts[row])[: int(tokens[0])]).decode("utf-8", "ignore") for row in rows]
        progress = Progress(len(rows), predictor.words_)
        progress.update(np.arange(len(rows)), cut)
        real = predictor.predict(outcomes, tokens, progress.features(np.arange(len(rows)))).right[:, -1]
        share = predictor.predict(outcomes, tokens, predictor.read(half.test, rows, tokens)).right[:, -1]
        length = np.array([len(texts[row]) for row in rows]) * tokens / half.test.completion_tokens[rows]
        off = np.array([len(text) for text in cut]) / length - 1.0
        happened = now.to_come[some]
        print(
            f"{name:13s} {len(rows)} queries, cut by characters and by tokens: "
            f"AUC {figures(share, happened)[0]:.4f}, {figures(real, happened)[0]:.4f}; "
            f"ECE {figures(share, happened)[1]:.3f}, {figures(real, happened)[1]:.3f}; "
            f"mean |difference| of the beliefs {np.abs(real - share).mean():.4f}; "
            f"characters off by {off.mean():+.3f} ± {off.std():.3f}",
            flush=True,
        )


def speed(data: Path) -> None:
    """Time of reading 50 to 200 new tokens and updating the beliefs, per query and step."""
    path = data / f"{FILES['Sky-T1-27B']}.parquet"
    half = halves(path, 0)[0]
    for told in (False, True):
        _time_steps(half, told=told)


def _time_steps(half: Half, *, told: bool) -> None:
    """Time with texts alone, and where how sure the model was is told too (made up: what it says costs nothing)."""
    train = _made_up(half.train) if told else half.train
    start = time.perf_counter()
    predictor = RunningPredictor().fit(train, half.train_beliefs)
    said = ", told how sure the model was" if told else ""
    print(f"fit on {len(half.train)} replies{said}: {time.perf_counter() - start:.1f} s")
    texts, rng = half.test.completions, np.random.default_rng(0)
    assert texts is not None
    for batch in (64, 1):
        wall, reading, believing = [], [], []
        for _ in range(60 if batch > 1 else 300):
            rows = rng.choice(np.flatnonzero(half.test.completion_tokens > 800), batch, replace=False)
            lengths = half.test.completion_tokens[rows]
            begun = rng.uniform(50, lengths - 250)
            ahead = begun + rng.uniform(50, 200, batch)
            outcomes = half.test_outcomes.take(half.test.query[rows])
            letters = np.array([len(texts[row]) for row in rows]) / lengths
            progress, places = Progress(batch, predictor.words_), np.arange(batch)
            progress.update(places, [texts[row][: int(a * k)] for row, a, k in zip(rows, begun, letters, strict=True)])
            sure = ConfidenceSoFar(batch)
            heard = [-rng.exponential(0.3, (int(b - a), 2)) for a, b in zip(begun, ahead, strict=True)]
            new = [
                texts[row][int(a * k) : int(b * k)] for row, a, b, k in zip(rows, begun, ahead, letters, strict=True)
            ]
            start, first = time.perf_counter(), time.thread_time()
            progress.update(places, new)
            features = progress.features(places)
            if told:
                for place, (end, values) in enumerate(zip(ahead, heard, strict=True)):
                    sure.update(place, int(end), values)
            second = time.thread_time()
            predictor.predict(outcomes, ahead, features, sure.at(places, ahead) if told else None)
            reading.append((second - first) / batch * 1e3)
            believing.append((time.thread_time() - second) / batch * 1e3)
            wall.append((time.perf_counter() - start) / batch * 1e3)
        cpu = np.add(reading, believing)
        print(
            f"batch of {batch}, ms per query and step, p50 (p95): "
            f"wall {np.median(wall):.3f} ({np.quantile(wall, 0.95):.3f}), "
            f"processor {np.median(cpu):.3f} ({np.quantile(cpu, 0.95):.3f}); "
            f"of which reading {np.median(reading):.3f}, believing {np.median(believing):.3f}"
        )


def _made_up(evidence: Evidence) -> Evidence:
    values = np.random.default_rng(0).exponential(0.3, (len(evidence), len(CONFIDENCE_GRID), len(SUMMARY)))
    return Evidence(
        evidence.questions,
        evidence.query,
        evidence.answer_tokens,
        evidence.correct,
        evidence.completion_tokens,
        evidence.censored,
        completions=evidence.completions,
        confidence=values * np.array([-1.0, -1.0, 1.0, 1.0]),
    )


def main() -> None:
    """Read the options and print what they ask for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with skythought/ and zeroeval/")
    parser.add_argument("--seeds", type=int, default=3, help="splits of the questions")
    parser.add_argument("--ablation", action="store_true")
    parser.add_argument("--few", action="store_true")
    parser.add_argument("--tokens", type=Path, help="a GGUF file whose tokenizer counted the recordings (SmolLM2)")
    parser.add_argument("--speed", action="store_true")
    options = parser.parse_args()
    with threadpool_limits(1):
        if options.ablation:
            ablation(options.data, options.seeds)
        elif options.few:
            few(options.data, options.seeds)
        elif options.tokens:
            boundaries(options.data, options.tokens)
        elif options.speed:
            speed(options.data)
        else:
            table(options.data, options.seeds)


if __name__ == "__main__":
    main()
