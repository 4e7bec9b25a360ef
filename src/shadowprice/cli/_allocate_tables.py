"""What `shadowprice allocate` says of a plan: for programs, and in tables."""

import math
from collections.abc import Callable, Sequence
from textwrap import shorten
from typing import Any, Final

from rich.console import Console

from shadowprice.cli._tables import print_table, words
from shadowprice.policies import Explanation, Tally, Terms, WhatIf, Why, nearest, tally
from shadowprice.tasks import Question

_EXAMPLES: Final = 3
_TEXT: Final = 60
"""Characters of a question's text that are shown."""
_MOST_GROUPS: Final = 20
_GROUPS: Final[dict[str, Callable[[Question], str]]] = {
    "tier": lambda question: question.tier,
    "dataset": lambda question: question.dataset,
}


def summarise(
    plan: Explanation,
    questions: Sequence[Question],
    terms: Terms,
    policy: str,
    budget: int,
    compared: WhatIf | None,
) -> dict[str, Any]:
    """All that is said of a plan, as data."""
    (whole,) = tally(plan, [""] * len(plan))
    return {
        "policy": policy,
        "budget": budget,
        "planned": whole.tokens,
        "price": plan.price,
        "tokens_per_right_answer": 1.0 / plan.price if plan.price else None,
        "questions": whole.questions,
        "expected": whole.expected,
        "worth": float((terms.weight * plan.expected).sum()),
        "weighted": bool((terms.weight != 1.0).any()),
        "guaranteed": int(terms.floor.sum()),
        "funded": whole.funded,
        "abandoned": whole.abandoned,
        "reasons": [_reason(plan, questions, why, count) for why, count in whole.reasons.items()],
        **{f"{name}s": _by_group(plan, [label(one) for one in questions]) for name, label in _GROUPS.items()},
        "what_if": None if compared is None else _what_if(compared),
    }


def _reason(plan: Explanation, questions: Sequence[Question], why: Why, count: int) -> dict[str, Any]:
    rows = [row for row, own in enumerate(plan.whys) if own is why]
    return {
        "kind": why.name.lower(),
        "means": why.value,
        "abandoned": why.abandons,
        "questions": count,
        "tokens": int(plan.tokens[rows].sum()),
        "expected": float(plan.expected[rows].sum()),
        "examples": [
            {
                "query_id": questions[row].query_id,
                "question": shorten(questions[row].question, _TEXT, placeholder=" …"),
                "tokens": int(plan.tokens[row]),
                "reason": plan.reasons[row],
            }
            for row in nearest(plan, why, _EXAMPLES)
        ],
    }


def _by_group(plan: Explanation, labels: list[str]) -> list[dict[str, Any]]:
    """One entry per group; none where no question names its group."""
    return [_group(one) for one in tally(plan, labels)] if any(labels) else []


def _group(one: Tally) -> dict[str, Any]:
    return {
        "name": one.group or "(none)",
        "questions": one.questions,
        "funded": one.funded,
        "abandoned": one.abandoned,
        "tokens": one.tokens,
        "expected": one.expected,
        "reasons": {why.name.lower(): count for why, count in one.reasons.items()},
    }


def _what_if(compared: WhatIf) -> list[dict[str, Any]]:
    columns = {name: getattr(compared, name).tolist() for name in ("budgets", "price", "expected", "worth", "funded")}
    more = {name: [*getattr(compared, name).tolist(), None] for name in ("more_tokens", "more_right", "more_worth")}
    columns = {"budget": columns.pop("budgets"), **columns, **more}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def print_summary(summary: dict[str, Any], plan: Explanation, console: Console) -> None:
    """Print what a plan does, to whom and why."""
    _print_reasons(summary, console)
    for name in _GROUPS:
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
    if (price := summary["price"]) > 0.0:
        console.print(
            f"The price is {price:.3g} right answers per token: the budget pays at most {1.0 / price:,.0f} tokens per "
            f"right answer{' of weight 1' if summary['weighted'] else ''}.",
        )
    if price == 0.0:
        console.print("The price is 0: the budget pays for everything that helps.")
    if summary["weighted"]:
        console.print(f"The right answers are worth {summary['worth']:,.1f} by their weights.")
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
        price = "–" if math.isnan(row["price"]) else f"{1000.0 * row['price']:.3g}"
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


def _right(expected: float) -> str:
    return "–" if math.isnan(expected) else f"{expected:,.1f}"
