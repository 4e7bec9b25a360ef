"""Print hashes of what predictors believe and policies plan: equal before and after a change, no bit has moved.

python benchmarks/hashes.py [--questions 150]

Seeds are fixed and the traces are bundled, so that hashes differ only by code, libraries and processor.
"""

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np

from shadowprice.beliefs import (
    Beliefs,
    Evidence,
    OutcomePredictor,
    Outcomes,
    Outlook,
    PredictorCard,
    PriorPredictor,
    RunningPredictor,
    ThresholdPredictor,
    fit_surge_likelihood,
    fit_surge_sweep,
    measure_accuracy,
    read_predictor,
    save_predictor,
    score_beliefs,
    score_thresholds,
    sweep_evidence,
)
from shadowprice.policies import get_planner, get_policy
from shadowprice.traces import read_traces

BUDGET = 100
"""Tokens per question."""


def main() -> None:
    """Fit, predict, plan, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=int, default=150)
    count = parser.parse_args().questions
    evidence = read_traces("bundled").evidence
    few = np.zeros(evidence.n_queries, np.bool_)
    few[np.random.default_rng(0).permutation(len(few))[: 2 * count]] = True
    half = np.flatnonzero(few)[::2]
    unseen = few.copy()
    unseen[half] = False
    known = few & ~unseen
    for name, content in results(evidence.of_questions(known), evidence.of_questions(unseen)):
        print(f"{name:24} {digest(content)}")


def results(known: Evidence, unseen: Evidence) -> Iterator[tuple[str, Any]]:
    """What is made of some questions, and believed of others, by name."""
    questions = list(unseen.questions)
    believed: dict[str, Beliefs] = {}
    for predictor in (OutcomePredictor(), ThresholdPredictor(), PriorPredictor()):
        name = type(predictor).__name__
        believed[name] = predictor.fit(known).predict(questions)
        yield name, parts(believed[name])
        yield f"{name} scored", astuple(score_thresholds(believed[name], unseen))
    outcomes = OutcomePredictor()
    running = RunningPredictor().fit(known, outcomes)
    reply = np.arange(len(unseen))
    before = believed["OutcomePredictor"].outcomes
    assert before is not None
    for tokens in (0, 5, 20, 80, 200):
        said = running.read(unseen, reply, np.full(len(reply), tokens))
        after = running.predict(before.take(unseen.query), np.full(len(reply), float(tokens)), said)
        yield f"RunningPredictor at {tokens}", [said, *table(after)]
    yield "scores", [repr(score_beliefs(believed["OutcomePredictor"], unseen, resamples=50))]
    yield from surges(known, unseen)
    yield from plans(believed["OutcomePredictor"], before)
    yield "read from a file", parts(through_a_file(outcomes.fit(known), running).predict(questions))


def surges(known: Evidence, unseen: Evidence) -> Iterator[tuple[str, Any]]:
    """Surges fitted to replies and to a sweep, and measured accuracy."""
    fit = fit_surge_likelihood(known)
    yield "surges", [fit.threshold, fit.pass_rate, fit.beta, fit.spread, fit.stray, fit.log_likelihood]
    budgets = np.array([16, 64, 256])
    accuracy = measure_accuracy(unseen, budgets.astype(np.float64))
    yield "accuracy", [accuracy.accuracy, accuracy.low, accuracy.high]
    right = known.correct[:, None] & (known.answer_tokens[:, None] <= budgets)
    counts = np.array([np.bincount(known.query, column, known.n_queries) for column in right.T]).T
    tries = np.bincount(known.query, minlength=known.n_queries)[:, None] + 0 * counts
    query = np.repeat(np.arange(known.n_queries), len(budgets))
    rows = query, np.tile(budgets, known.n_queries), counts.ravel(), tries.ravel()
    swept = fit_surge_sweep(*rows, labels=["all"] * known.n_queries)
    yield "surges of a sweep", [swept.threshold, swept.pass_rate, swept.beta, swept.log_likelihood]
    evidence = sweep_evidence(known.questions, *rows)
    yield "evidence of a sweep", [evidence.query, evidence.answer_tokens, evidence.correct, evidence.weight]


def plans(beliefs: Beliefs, before: Outcomes) -> Iterator[tuple[str, Any]]:
    """What policies grant."""
    n = len(beliefs)
    for name in ("expected", "clear-lambert"):
        yield name, [get_planner(name).plan(beliefs, BUDGET * n).tokens]
    market = get_policy("index").open(beliefs, BUDGET * n, outlook=Outlook(before))
    yield "index", [market.grant(np.arange(n), np.zeros(n, np.int64)), np.array([market.price])]


def through_a_file(predictor: Any, running: RunningPredictor) -> Any:
    """The predictor as it is read from a file that it was written to."""
    grid = tuple(predictor.predict(["x"]).outcomes.tokens.tolist())
    card = PredictorCard("bundled", "", 0, 0, "", "", grid=grid)
    with tempfile.TemporaryDirectory() as folder:
        save_predictor(predictor, card, Path(folder) / "p.shadow", running=running)
        return read_predictor(Path(folder) / "p.shadow").predictor


def parts(beliefs: Beliefs) -> list[Any]:
    """All arrays of beliefs."""
    arrays = [beliefs.threshold, beliefs.alpha, beliefs.beta]
    return arrays if beliefs.outcomes is None else [*arrays, *table(beliefs.outcomes)]


def table(outcomes: Outcomes) -> list[Any]:
    """All arrays of outcomes."""
    return [outcomes.tokens, outcomes.right, outcomes.finished]


def digest(content: Any) -> str:
    """Of arrays, numbers and texts, one after another."""
    total = hashlib.sha256()
    for one in content:
        total.update(one.encode() if isinstance(one, str) else np.ascontiguousarray(one).tobytes())
    return total.hexdigest()[:32]


if __name__ == "__main__":
    main()
