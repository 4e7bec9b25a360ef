"""Whether questions are told apart from those that a predictor has learnt from, and how often that is a false alarm.

    python benchmarks/likeness.py --data ../shared/data

Half of each file is described, the other half and other files' are compared with it; prints the table of
`benchmarks/beliefs.md`, and the share of draws of the same kinds for which the sentence would be said.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shadowprice.beliefs import Reference, likeness
from shadowprice.tasks import make_questions
from shadowprice.traces import read_traces

Texts = NDArray[np.object_]
DRAWS = 200


def main() -> None:
    """The table, and false alarms."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    sets = _sets(parser.parse_args().data)
    rng = np.random.default_rng(0)
    halves = {name: rng.permutation(len(texts)) % 2 == 0 for name, texts in sets.items()}
    print("| fitted on |", " | ".join(sets), "|")
    for name, texts in sets.items():
        fitted = list(texts[halves[name]])
        reference = Reference.of(fitted, np.zeros(len(fitted)))
        found = [likeness(reference, list(other[~halves[one]])) for one, other in sets.items()]
        print(f"| {name} |", " | ".join(f"{one.share:.0%}{'' if one.enough else ' !'}" for one in found), "|")
        alarms = (f"{_alarms(reference, texts[~halves[name]], n, rng):.1%} of {n}" for n in (1, 5, 30))
        print(f"  false alarms: {', '.join(alarms)}")
    _families(rng)


def _sets(data: Path) -> dict[str, Texts]:
    zeroeval = read_traces(data / "zeroeval/Qwen2-7B-Instruct.parquet")
    sets = {
        "bundled": _texts(read_traces("bundled").questions),
        "zeroeval": _texts(zeroeval.questions),
        "skythought": _texts(read_traces(data / "skythought/Qwen2.5-14B-Instruct.parquet").questions),
        "reasoning-gym": _texts(read_traces(data / "reasoning-gym/llama-4-scout.parquet").questions),
    }
    names = np.array(zeroeval.datasets)
    return sets | {name: sets["zeroeval"][names == name] for name in sorted(set(zeroeval.datasets))}


def _families(rng: np.random.Generator) -> None:
    """Runs of unseen questions of one family each, with the predictor of all."""
    traces = read_traces("bundled")
    seen, reference = set(traces.questions), Reference.of(traces.questions, np.zeros(traces.n_queries))
    unseen = [one for one in make_questions(seed=99) if one.question not in seen]
    for family in sorted({one.family for one in unseen}):
        texts = _texts([one.question for one in unseen if one.family == family])
        share = likeness(reference, list(texts)).share
        print(f"{family}: {len(texts)} unseen, {share:.0%} like, alarms {_alarms(reference, texts, 10, rng):.1%} of 10")


def _alarms(reference: Reference, texts: Texts, size: int, rng: np.random.Generator) -> float:
    """Share of draws that the sentence is said for."""
    draws = (rng.choice(texts, min(size, len(texts)), replace=False) for _ in range(DRAWS))
    return float(np.mean([not likeness(reference, list(draw)).enough for draw in draws]))


def _texts(questions: list[str]) -> Texts:
    return np.array(questions, dtype=object)


if __name__ == "__main__":
    main()
