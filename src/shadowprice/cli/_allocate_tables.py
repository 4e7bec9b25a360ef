"""The tables of `shadowprice allocate`."""

from collections.abc import Sequence
from typing import Any, Final

from rich.console import Console

from shadowprice.cli._tables import print_table, words
from shadowprice.jobs.told import GROUPS
from shadowprice.policies import Explanation, Why

_MOST_GROUPS: Final = 20


def print_summary(summary: dict[str, Any], plan: Explanation, console: Console) -> None:
    """Print what a plan does, to whom and why."""
    _print_reasons(summary, console)
    for name in GROUPS:
        _print_groups(name, summary[f"{name}s"], plan, console)
    funded = [reason for reason in summary["reasons"] if not reason["abandoned"]]
    abandoned = [reason for reason in summary["reasons"] if reason["abandoned"]]
    _print_examples("Funded, the best bargains first:", funded, console)
    _print_examples("Abandoned, those first that were nearest to being funded:", abandoned, console)
    if summary["what_if"] is not None:
        _print_what_if(summary, console)


def _print_examples(title: str, reasons: Sequence[dict[str, Any]], console: Console) -> None:
    """Some questions of each reason, with their texts."""
    if not reasons:
        return
    console.print(title)
    for reason in reasons:
        for example in reason["examples"]:
            tokens = f"{example['tokens']:,} tokens, " if example["tokens"] else ""
            why = example["reason"].removeprefix("abandoned: ")
            console.print(f"  {example['query_id']} “{example['question']}”")
            console.print(f"    {tokens}{why}")
        if reason["questions"] > len(reason["examples"]):
            rest = reason["questions"] - len(reason["examples"])
            console.print(f"  … {rest:,} more {reason['means'].removeprefix('abandoned: ')}")
    console.print()


def _print_reasons(summary: dict[str, Any], console: Console) -> None:
    print_table(
        console,
        f"{summary['policy']}, {summary['planned']:,} of {summary['budget']:,} tokens{_terms(summary)}",
        [words("reason"), "questions", "tokens", "expected right"],
        [
            (reason["means"], f"{reason['questions']:,}", f"{reason['tokens']:,}", _right(reason["expected"]))
            for reason in summary["reasons"]
        ],
        last=("all", f"{summary['questions']:,}", f"{summary['planned']:,}", _right(summary["expected"])),
    )
    if price := summary["price"]:
        console.print(
            f"The price is {price:.3g} right answers per token: the budget pays at most {1.0 / price:,.0f} tokens per "
            f"right answer{' of weight 1' if summary['weighted'] else ''}.",
        )
    if price == 0.0:
        console.print("The price is 0: the budget pays for everything that helps.")
    if summary["weighted"]:
        console.print(f"The right answers are worth {_right(summary['worth'])} by their weights.")
    console.print()


def _terms(summary: dict[str, Any]) -> str:
    return f", {summary['guaranteed']:,} of them guaranteed" if summary["guaranteed"] else ""


def _print_groups(name: str, groups: list[dict[str, Any]], plan: Explanation, console: Console) -> None:
    if not groups:
        return
    whys = [why for why in Why if why in set(plan.whys) and (why.abandons or why is Why.GUARANTEED)]
    print_table(
        console,
        "",
        [words(name), "questions", "tokens", "expected right", *(_short(why) for why in whys)],
        [
            (
                group["name"],
                f"{group['questions']:,}",
                f"{group['tokens']:,}",
                _right(group["expected"]),
                *(f"{group['reasons'].get(why.name.lower(), 0):,}" for why in whys),
            )
            for group in groups[:_MOST_GROUPS]
        ],
    )
    if len(groups) > _MOST_GROUPS:
        console.print(f"… {len(groups) - _MOST_GROUPS:,} more; --json has them all.")
    console.print()


def _short(why: Why) -> str:
    return why.name.lower().replace("_", " ")


def _print_what_if(summary: dict[str, Any], console: Console) -> None:
    rows, questions = summary["what_if"], summary["questions"]
    lines = []
    for row in rows:
        price = "–" if row["price"] is None else f"{1000.0 * row['price']:.3g}"
        mark = "→ " if row["budget"] == summary["budget"] else ""
        lines.append(
            (
                f"{mark}{row['budget']:,}",
                f"{row['budget'] / questions:,.1f}",
                price,
                f"{row['expected']:,.1f}",
                f"{row['funded']:,}",
                _next(row, weighted=summary["weighted"]),
            )
        )
    figures = ("budget, tokens", "per question", "price", "expected right", "funded")
    print_table(
        console,
        "what if the budget were another; the price is right answers per 1,000 tokens",
        [*figures, words("the next tokens")],
        lines,
    )


def _next(row: dict[str, Any], *, weighted: bool) -> str:
    if row["more_tokens"] is None:
        return ""
    worth = f", worth {row['more_worth']:,.1f}" if weighted else ""
    return f"another {row['more_tokens']:,} buy {_right(row['more_right'])} more right{worth}"


def _right(expected: float | None) -> str:
    return "–" if expected is None else f"{expected:,.1f}"
