"""A plan in numbers, with the reasons of its questions."""

from collections.abc import Callable, Sequence
from pathlib import Path
from textwrap import shorten
from typing import Any, Final

from shadowprice._json import finite
from shadowprice.policies import Explanation, Tally, Terms, WhatIf, Why, nearest, tally
from shadowprice.tasks import Question

_EXAMPLES: Final = 3
_TEXT: Final = 60
"""Characters of a question's text that are shown."""
GROUPS: Final[dict[str, Callable[[Question], str]]] = {
    "tier": lambda question: question.tier,
    "dataset": lambda question: question.dataset,
}
"""What questions are grouped by."""


def summarise_plan(
    plan: Explanation,
    questions: Sequence[Question],
    terms: Terms,
    policy: str,
    budget: int,
    compared: WhatIf | None,
    output: Path | None,
) -> dict[str, Any]:
    """All that is said of a plan, as JSON has it: there is null where there is no price or nothing is expected."""
    (whole,) = tally(plan, [""] * len(plan))
    said: dict[str, Any] = {
        "output": None if output is None else str(output),
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
        **{f"{name}s": _by_group(plan, [label(one) for one in questions]) for name, label in GROUPS.items()},
        "what_if": None if compared is None else _what_if(compared),
    }
    summary: dict[str, Any] = finite(said)
    return summary


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
