"""Grade recorded replies anew and compare with their recorded verdicts, answers and positions.

python benchmarks/check_grading.py A.parquet B.parquet ... [--show 5]

Reads each reply's `completion`, finds its final answer, grades it with the grader of its data set, and prints one row
per file and data set as Markdown: verdicts that agree with `correct`, verdicts that only one of the two calls right,
and how much earlier right answers emerge than at their last statement, which is where `answer_tokens` counts.
The share of the characters up to there is applied to `answer_tokens`.
"""

import argparse
import statistics
import time
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq

from shadowprice.grading import emergence, find_answer, grade

GRADERS = {"gsm8k": "number", "cruxeval-o": "literal"}
"""Graders by data set; all others are graded by math-verify."""

COLUMNS = ["dataset", "gold", "completion", "answer", "correct", "completion_tokens", "answer_tokens", "finish_reason"]


class Checked(NamedTuple):
    """One reply, graded anew."""

    row: dict[str, Any]
    found: str | None
    right: bool
    share: float
    """Where the answer emerges, as a share of the characters up to its last statement."""


def check(row: dict[str, Any]) -> Checked:
    """Grade one recorded reply."""
    grader = GRADERS.get(row["dataset"], "math")
    cut = row["finish_reason"] == "length"
    answer = find_answer(row["completion"], grader, cut=cut)
    right = answer is not None and grade(answer.text, row["gold"], grader)
    place = emergence(row["completion"], grader, cut=cut)
    share = place.position / answer.end if place and answer else 1.0
    return Checked(row, answer.text if answer else None, right, share)


def summary(checked: list[Checked]) -> str:
    """The cells of one data set's row."""
    recorded = [bool(one.row["correct"]) for one in checked]
    agree = sum(one.right == right for one, right in zip(checked, recorded, strict=True))
    only_ours = sum(one.right and not right for one, right in zip(checked, recorded, strict=True))
    only_theirs = len(checked) - agree - only_ours
    both = [one for one in checked if one.right and one.row["correct"]]
    earlier = [1 - one.share for one in both if one.share < 1]
    saved = sum((1 - one.share) * one.row["answer_tokens"] for one in both)
    before = sum(one.row["answer_tokens"] for one in both)
    stopped = [
        one.right == right for one, right in zip(checked, recorded, strict=True) if one.row["finish_reason"] == "stop"
    ]
    cells = [
        f"{len(checked)}",
        f"{agree / len(checked):.1%}",
        f"{sum(stopped) / len(stopped):.1%}" if stopped else "",
        f"{only_ours} / {only_theirs}",
        f"{len(earlier) / len(both):.1%}" if both else "",
        f"{statistics.median(earlier):.0%}" if earlier else "",
        f"{saved / before:.1%}" if before else "",
    ]
    return " | ".join(cells)


def main() -> None:
    """Print one row per file and data set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", nargs="+", type=Path)
    parser.add_argument("--show", type=int, default=0, help="print this many disagreements of each row")
    options = parser.parse_args()
    print(
        "| file | data set | replies | agree | agree, stopped | right only here / there | earlier | by | tokens saved |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    started, replies = time.perf_counter(), 0
    for path in options.traces:
        by_dataset = defaultdict(list)
        for row in pq.read_table(path, columns=COLUMNS).to_pylist():
            by_dataset[row["dataset"]].append(check(row))
        for dataset, checked in by_dataset.items():
            replies += len(checked)
            print(f"| {path.stem} | {dataset} | {summary(checked)} |", flush=True)
            disagreeing = [one for one in checked if one.right != one.row["correct"]]
            for one in disagreeing[: options.show]:
                print(
                    f"    gold {one.row['gold']!r}: found {one.found!r}, {one.right}; recorded {one.row['answer']!r}, "
                    f"{one.row['correct']}, {one.row['finish_reason']}; ends {one.row['completion'][-100:]!r}"
                )
    print(f"\n{replies} replies in {time.perf_counter() - started:.0f} s.")


if __name__ == "__main__":
    main()
