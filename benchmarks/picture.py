"""Draw the README's picture from results of `shadowprice bench`: right answers against the budget.

shadowprice bench bundled --accounting generated --seeds 4 --json b.json
python benchmarks/picture.py b.json -o docs/picture.svg
"""

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.ticker import NullLocator

SHOWN = {
    "oracle": ("oracle: knows the answers", "#8a8f98", ":"),
    "index": ("index: ours", "#d1495b", "-"),
    "clear-lambert": ("clear-lambert: the paper", "#3f8fca", "-"),
    "uniform": ("uniform: the same cap for all", "#8a8f98", "-"),
}
"""Policies in the picture: how they are called, their colour and their line."""
GREY = "#6b7280"
"""Legible on white and on black alike: the picture has no background of its own."""


def draw(result: dict[str, Any], output: Path) -> None:
    """One panel per stream, one line per policy."""
    streams, budgets = result["streams"], result["budgets"]
    mpl.rcParams.update({"svg.hashsalt": "shadowprice", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure, panels = plt.subplots(1, len(streams), figsize=(10, 3.1), sharex=True)
    for panel, stream in zip(panels, streams, strict=True):
        for policy, (name, color, line) in SHOWN.items():
            rows = {row["budget"]: row["accuracy"] for row in result["rows"] if _is(row, policy, stream)}
            panel.plot(budgets, [rows[budget] for budget in budgets], line, color=color, label=name, marker="o", ms=3)
        panel.set_title(stream, color=GREY, fontsize=10)
        panel.set_xscale("log", base=2)
        panel.set_xticks(budgets, [str(budget) for budget in budgets])
        panel.xaxis.set_minor_locator(NullLocator())
        panel.set_ylim(bottom=0)
        panel.tick_params(colors=GREY, labelsize=8)
        panel.patch.set_alpha(0.0)
        for side in ("top", "right"):
            panel.spines[side].set_visible(False)
        for side in ("bottom", "left"):
            panel.spines[side].set_color(GREY)
    panels[0].set_ylabel("right answers, %", color=GREY, fontsize=9)
    figure.supxlabel("tokens per question", color=GREY, fontsize=9, y=0.1)
    lines, names = panels[0].get_legend_handles_labels()
    figure.legend(lines, names, loc="lower center", ncols=len(SHOWN), frameon=False, labelcolor=GREY, fontsize=9)
    figure.patch.set_alpha(0.0)
    figure.tight_layout(rect=(0, 0.09, 1, 1))
    figure.savefig(output, metadata={"Date": None})


def _is(row: dict[str, Any], policy: str, stream: str) -> bool:
    return bool(row["policy"] == policy and row["stream"] == stream)


def main() -> None:
    """Read results and draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/picture.svg"))
    asked = parser.parse_args()
    found = json.loads(asked.results.read_text(encoding="utf-8"))
    draw(found[0] if isinstance(found, list) else found, asked.output)


if __name__ == "__main__":
    main()
