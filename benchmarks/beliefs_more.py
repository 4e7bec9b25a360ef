"""What static beliefs gain from other models' replies to the same questions, and from a model that reads questions.

python benchmarks/beliefs_more.py --data ../shared/data        the table
python benchmarks/beliefs_more.py --data ../shared/data --few  with few replies of one's own

Two folds by question: no question is scored by a predictor that saw any model's reply to it. The embedded model reads
each question once (a fifth of a second on two cores) and keeps what it read.
"""

import argparse
from pathlib import Path

import numpy as np
from beliefs_static import FILES, figures, mask, over_seeds, pooled, shown

from shadowprice._types import FloatArray
from shadowprice.beliefs import Evidence, OutcomePredictor
from shadowprice.beliefs.encoders import AbstractEncoder, ReaderEncoder
from shadowprice.traces import read_traces

FIGURES = ("AUC", "Kendall", "ECE", "Brier", "log score")
SIZES = (20, 50, 100, 200, 500)


def family(file: str, evidence: dict[str, Evidence]) -> list[Evidence]:
    """The other files of the same folder: other models, the same questions."""
    folder = file.split("/")[0]
    return [replies for other, replies in evidence.items() if other != file and other.split("/")[0] == folder]


def table(evidence: dict[str, Evidence], seeds: int) -> None:
    """Every file: alone, with other models' replies, with a reader, with both."""
    settings: list[tuple[str, bool, AbstractEncoder | None]] = [
        ("alone", False, None),
        ("beside others", True, None),
        ("with a reader", False, ReaderEncoder()),
        ("both", True, ReaderEncoder()),
    ]
    print(f"{'':38}" + "  ".join(f"{figure:>13}" for figure in FIGURES))
    zeroeval: dict[str, list[dict[str, FloatArray]]] = {}
    for file, replies in evidence.items():
        for name, beside, encoder in settings:
            known = replies.beside(family(file, evidence) if beside else [])
            found = over_seeds(OutcomePredictor(encoder=encoder), known, seeds)
            print(f"{file.split('/')[1][:22]:24}{name:14}{shown(found, FIGURES)}", flush=True)
            if file.startswith("zeroeval"):
                zeroeval.setdefault(name, []).append(found)
    for name, files in zeroeval.items():
        print(f"{'mean of zeroeval':24}{name:14}{shown(pooled(files), FIGURES)}")


def few(evidence: dict[str, Evidence], seeds: int) -> None:
    """AUC on half of the questions against the number of one's own questions from the other half."""
    print(f"{'':24}{'':16}" + "".join(f"{size:>8}" for size in SIZES))
    for file, replies in evidence.items():
        found = np.zeros((2, len(SIZES), seeds))
        for seed in range(seeds):
            order = np.random.default_rng(seed).permutation(replies.n_queries)
            half = len(order) // 2
            unseen = replies.of_questions(mask(order[:half], replies.n_queries))
            theirs = [other.without(set(unseen.questions)) for other in family(file, evidence)]
            for row, known in enumerate(([], theirs)):
                for column, size in enumerate(SIZES):
                    mine = replies.of_questions(mask(order[half : half + size], replies.n_queries))
                    predictor = OutcomePredictor().fit(mine.beside(known))
                    found[row, column, seed] = figures(predictor.predict(unseen.questions), unseen)["AUC"]
        for name, row in zip(("alone", "beside others"), found.mean(axis=2), strict=True):
            print(f"{file.split('/')[1][:22]:24}{name:16}" + "".join(f"{value:8.3f}" for value in row), flush=True)


def main() -> None:
    """Parse the options and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the recorded traces")
    parser.add_argument("--seeds", type=int, default=3, help="splits into folds")
    parser.add_argument("--only", default="", help="folder of the files to measure on; all if left out")
    parser.add_argument("--few", action="store_true", help="against the number of one's own questions")
    options = parser.parse_args()
    files = [file for file in FILES if not file.startswith("multisample") and file.startswith(options.only)]
    evidence = {file: read_traces(options.data / f"{file}.parquet").evidence for file in files}
    (few if options.few else table)(evidence, options.seeds)


if __name__ == "__main__":
    main()
