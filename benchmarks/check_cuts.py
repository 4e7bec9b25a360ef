"""Cut recorded replies at random and compare what is read of them with what the whole replies answer.

python benchmarks/check_cuts.py A.parquet B.parquet ... [--dataset gsm8k] [--cuts 4] [--seed 0]

Takes the replies of a data set that ended by themselves, cuts each at some places that are drawn evenly from its
characters, and prints one row for each way of reading: as if the reply had ended there, and with `cut=True`.
"""

import argparse
import random
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq

from shadowprice.grading import find_answer, grade

GRADER = "number"


def main() -> None:
    """Print one row per way of reading."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="+", type=Path)
    parser.add_argument("--dataset", default="gsm8k")
    parser.add_argument("--cuts", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    cuts = after = 0
    counts = {"as if it had ended": Counter[str](), "cut=True": Counter[str]()}
    for path in sorted(options.traces):
        for row in pq.read_table(path, columns=["dataset", "gold", "completion", "finish_reason"]).to_pylist():
            text, gold = row["completion"], row["gold"]
            if row["dataset"] != options.dataset or row["finish_reason"] != "stop":
                continue
            final = find_answer(text, GRADER)
            right = final is not None and grade(final.text, gold, GRADER)
            for _ in range(options.cuts):
                place = chance.randrange(1, len(text))
                late = final is not None and place > final.end
                cuts += 1
                after += late and right
                for count, cut in zip(counts.values(), (False, True), strict=True):
                    answer = find_answer(text[:place], GRADER, cut=cut)
                    verdict = answer is not None and grade(answer.text, gold, GRADER)
                    count["read"] += answer is not None
                    count["early"] += verdict and not late
                    count["wrong"] += answer is not None and not verdict and right
                    count["kept"] += verdict and late and right
    print(f"{cuts} cuts, {after} of them behind a right answer\n")
    print("| read | with an answer | right before it is stated | wrong, the whole is right | right behind it |")
    print("|---|---|---|---|---|")
    for name, count in counts.items():
        print(f"| {name} | {' | '.join(str(count[key]) for key in ('read', 'early', 'wrong', 'kept'))} |")


if __name__ == "__main__":
    main()
