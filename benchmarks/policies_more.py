"""What the policies gain from other models' replies and from a model that reads the questions.

python benchmarks/policies_more.py --data ../shared/data

Generated accounting, 20 draws of the four streams; one row for each policy and each kind of beliefs. Two references, as
the paper's policy may be given the same: `clear-lambert` as in every table, and `clear-lambert` with these beliefs.
"""

import argparse
from pathlib import Path

import numpy as np
from beliefs_static import ZEROEVAL

from shadowprice.bench import Entrant, Recipe, compare, kept_forecast
from shadowprice.policies import AbstractPolicy, ClearLambert, Index, IndexResume, Oracle
from shadowprice.traces import Accounting, Traces, read_traces

BUDGETS = (64, 128, 256, 512)
BELIEFS = {"alone": (False, None), "beside others, with a reader": (True, "smollm2")}
FINER = "index-resume, 2 of 500 at a time"


def rows(own: Traces, others: list[Traces]) -> list[Entrant]:
    """Policies with each kind of beliefs; the finer index-resume with all there is."""
    entrants = []
    for kind, (beside, encoder) in BELIEFS.items():
        known = kept_forecast(own, Recipe(encoder=encoder), others=others if beside else ())
        policies: list[AbstractPolicy] = [ClearLambert(), Index(), IndexResume()]
        entrants += [Entrant(f"{policy.name}|{kind}", policy, known) for policy in policies]
    entrants.append(Entrant(f"{FINER}|{kind}", IndexResume(at_once=0.004), known))
    return [*entrants, Entrant(Oracle.name, Oracle(), known)]


def main() -> None:
    """Replay, and print means over the three zeroeval files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with the recorded traces")
    parser.add_argument("--seeds", type=int, default=20, help="draws of each stream")
    options = parser.parse_args()
    traces = {name: read_traces(options.data / "zeroeval" / f"{name}.parquet") for name in ZEROEVAL}
    found: dict[str, list[tuple[float, ...]]] = {}
    for name, own in traces.items():
        others = [each for other, each in traces.items() if other != name]
        result = compare(
            own,
            rows(own, others),
            budgets=BUDGETS,
            accounting=Accounting.GENERATED,
            seeds=options.seeds,
            jobs=-1,
        )
        for label in result.policies:
            if label == Oracle.name:
                continue
            right = float(np.mean([cell.accuracy for cell in result.rows if cell.policy == label]))
            closed = [result.closed(label, f"{ClearLambert.name}|{kind}") for kind in ("alone", label.split("|")[1])]
            found.setdefault(label, []).append((right, *(np.nan if share is None else share for share in closed)))
        print(f"{name}: " + ", ".join(f"{label} {each[-1][1]:.3f}" for label, each in found.items()), flush=True)
    print("\n| policy | beliefs | right, % | closed | with clear-lambert given the same |\n|---|---|---|---|---|")
    for label, every in found.items():
        policy, _, kind = label.partition("|")
        mean = np.mean(every, axis=0)
        print(f"| {policy} | {kind} | {mean[0]:.2f} | {mean[1]:.4f} | {mean[2]:.4f} |")


if __name__ == "__main__":
    main()
