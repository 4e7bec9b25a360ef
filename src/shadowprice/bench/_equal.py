"""Policies that get the same right, compared by what it takes them."""

import math
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from shadowprice.bench._result import BenchResult
from shadowprice.policies import Oracle

_PART: Final = 0.75


class Needs(NamedTuple):
    """What each policy is charged to get the same share right on one stream."""

    stream: str
    accuracy: float
    """Right answers, percent."""
    tokens: dict[str, float]
    """Tokens charged per query, by policy, the fewest first; those that never get there are left out."""

    @property
    def fewest(self) -> frozenset[str]:
        """The policies that need fewest, to the whole token; the oracle does not compete."""
        rivals = {policy: round(tokens) for policy, tokens in self.tokens.items() if policy != Oracle.name}
        return frozenset(policy for policy, tokens in rivals.items() if tokens == min(rivals.values()))


def tokens_for(result: BenchResult, policy: str, stream: str, accuracy: float) -> float:
    """Tokens per query that a policy is charged when it first gets a share right; NaN if it never does.

    Between two budgets of the bench the line between them is read off; below the smallest nothing is known, so that is
    what is said then.

    Args:
        result: The bench.
        policy: A row that was measured.
        stream: A stream of it.
        accuracy: Right answers, percent.
    """
    cells = [result.cell(policy, stream, budget) for budget in result.budgets]
    for number, cell in enumerate(cells):
        if cell.accuracy < accuracy:
            continue
        tokens = result.charged(cell)
        if number == 0 or cell.accuracy == accuracy:
            return tokens
        last = cells[number - 1]
        share = (accuracy - last.accuracy) / (cell.accuracy - last.accuracy)
        return result.charged(last) + share * (tokens - result.charged(last))
    return math.nan


def needs(result: BenchResult, stream: str, accuracy: float, policies: Sequence[str]) -> Needs:
    """What each of some policies is charged for the same share right."""
    found = {policy: tokens_for(result, policy, stream, accuracy) for policy in policies}
    there = sorted((tokens, policy) for policy, tokens in found.items() if not math.isnan(tokens))
    return Needs(stream, accuracy, {policy: tokens for tokens, policy in there})


def within_reach(result: BenchResult, stream: str) -> float:
    """Three quarters of the most that every policy but the oracle gets right on a stream at some budget, percent.

    Near its top the curve of every policy is flat, and what the last points take says little.
    """
    tops = [
        max(result.cell(policy, stream, budget).accuracy for budget in result.budgets)
        for policy in result.measured
        if policy != Oracle.name
    ]
    return round(_PART * min(tops, default=0.0), 1)


def tie(result: BenchResult, stream: str) -> str:
    """What the same share right takes those who share the first place, at the smallest budget where some do.

    Empty where nobody does, or where it takes all of them the same.
    """
    for budget in result.budgets:
        first = result.best(stream, budget)
        level = min((result.cell(policy, stream, budget).accuracy for policy in first), default=0.0)
        if len(first) < 2 or level <= 0.0:  # one is no tie
            continue
        found = needs(result, stream, level, sorted(first, key=result.policies.index)).tokens
        if len({round(tokens) for tokens in found.values()}) > 1:
            each = join(f"{policy} takes {tokens:,.0f}" for policy, tokens in found.items())
            return (
                f"At {budget} tokens per query several get the same, {level:.1f} %; to get there {each} tokens a query."
            )
    return ""


def join(parts: Iterable[str]) -> str:
    """Words in a list, with `and` before the last."""
    words = list(parts)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
