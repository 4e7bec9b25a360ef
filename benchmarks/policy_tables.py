"""Print results of `shadowprice bench` as Markdown tables: each file, their mean, and what is promised of them.

shadowprice bench A.parquet --budgets 64,128,256,512 --accounting both --json a.json
python benchmarks/policy_tables.py a.json b.json c.json [--only-mean]
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Table = dict[tuple[str, str, int], float]
SCARCE = 2
"""Budgets of a file that count as scarce, the lowest ones."""


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """All results in some files, a file holding one or several."""
    found: list[dict[str, Any]] = []
    for path in paths:
        data = json.loads(path.read_text(encoding="utf-8"))
        found += data if isinstance(data, list) else [data]
    return found


def cells(result: dict[str, Any]) -> Table:
    """Accuracy by policy, stream and budget."""
    return {(row["policy"], row["stream"], row["budget"]): row["accuracy"] for row in result["rows"]}


def show(title: str, results: Sequence[dict[str, Any]]) -> None:
    """One table: the mean of some results on equal streams and budgets; the best but the oracle is bold."""
    first = results[0]
    tables = [cells(result) for result in results]
    mean: Table = {place: float(np.mean([table[place] for table in tables])) for place in tables[0]}
    budgets = " / ".join(str(budget) for budget in first["budgets"])
    print(f"\n**{title}**, {first['accounting']} tokens, budgets {budgets}, {first['seeds']} draws\n")
    print(f"| policy | {' | '.join(first['streams'])} | closed |")
    print(f"|---|{'---|' * (len(first['streams']) + 1)}")
    for policy in first["policies"]:
        row = []
        for stream in first["streams"]:
            column = [entry(mean, first["policies"], policy, stream, budget) for budget in first["budgets"]]
            row.append(" / ".join(column) if any(text != "–" for text in column) else "–")
        shares = [result["closed"][policy] for result in results]
        closed = "–" if None in shares else f"{np.mean(shares):.2f}"
        print(f"| {policy} | {' | '.join(row)} | {closed} |")


def entry(table: Table, policies: Sequence[str], policy: str, stream: str, budget: int) -> str:
    """One accuracy, or a dash."""
    if (policy, stream, budget) not in table:
        return "–"
    scores = [round(table[name, stream, budget], 1) for name in policies if (name, stream, budget) in table]
    rivals = [
        score
        for name, score in zip([n for n in policies if (n, stream, budget) in table], scores, strict=True)
        if name != "oracle"
    ]
    text = f"{table[policy, stream, budget]:.1f}"
    return f"**{text}**" if policy != "oracle" and round(table[policy, stream, budget], 1) == max(rivals) else text


def promises(results: Sequence[dict[str, Any]]) -> None:
    """What is promised of the mean of some results: expected against clear-lambert, and the oracle as the ceiling."""
    tables = [cells(result) for result in results]
    places = [(stream, budget) for stream in results[0]["streams"] for budget in results[0]["budgets"]]
    lead = {
        place: float(np.mean([table["expected", *place] - table["clear-lambert", *place] for table in tables]))
        for place in places
    }
    scarce = [lead[place] for place in places if place[1] in results[0]["budgets"][:SCARCE]]
    print(
        f"\nexpected − clear-lambert: lowest of {len(places)} cells {min(lead.values()):+.2f}, mean of the "
        f"{len(scarce)} scarcest {np.mean(scarce):+.2f} points."
    )
    above = max(
        table[name, *place] - table["oracle", *place]
        for table in tables
        for name in results[0]["policies"]
        for place in places
        if (name, *place) in table
    )
    print(f"Highest lead of any policy over the oracle, in any cell of any file: {above:+.2f} points.")


def main() -> None:
    """Group results by accounting; show each, and the mean of those with equal budgets."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--only-mean", action="store_true")
    options = parser.parse_args()
    results = read(options.results)
    for accounting in dict.fromkeys(result["accounting"] for result in results):
        same = [result for result in results if result["accounting"] == accounting]
        for result in [] if options.only_mean else same:
            show(Path(result["traces"]).stem, [result])
        for budgets in dict.fromkeys(tuple(result["budgets"]) for result in same):
            group = [result for result in same if tuple(result["budgets"]) == budgets]
            if len(group) > 1:
                show(f"mean of {len(group)}", group)
                promises(group)


if __name__ == "__main__":
    main()
