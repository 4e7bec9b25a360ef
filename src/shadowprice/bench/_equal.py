"""Policies that get the same right, compared by what it takes them."""

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shadowprice.bench._result import BenchResult
from shadowprice.policies import Oracle


class Needs(NamedTuple):
    """What each policy is charged to get the same share right on one stream."""

    stream: str
    accuracy: float
    """Right answers, percent."""
    tokens: dict[str, float]
    """Tokens charged per query, by policy, the fewest first; those that never get there are left out."""


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


def reached_by_all(result: BenchResult, stream: str) -> float:
    """The most that every policy but the oracle gets right on a stream at some budget, in tenths of a percent."""
    tops = [
        max(result.cell(policy, stream, budget).accuracy for budget in result.budgets)
        for policy in result.measured
        if policy != Oracle.name
    ]
    return math.floor(10.0 * min(tops, default=0.0)) / 10.0


def ties(result: BenchResult, stream: str) -> list[str]:
    """A sentence for each budget at which several policies share the first place: what the same takes each of them."""
    said = []
    for budget in result.budgets:
        first = result.best(stream, budget)
        level = min((result.cell(policy, stream, budget).accuracy for policy in first), default=0.0)
        if len(first) < 2 or level <= 0.0:  # one is no tie
            continue
        found = needs(result, stream, level, sorted(first, key=result.policies.index)).tokens
        if found:
            each = join(f"{policy} takes {tokens:,.0f}" for policy, tokens in found.items())
            said.append(
                f"At {budget} tokens per query {join(found)} get the same, {level:.1f} %; to get there, {each} tokens "
                "per query."
            )
    return said


def join(parts: Iterable[str]) -> str:
    """Words in a list, with `and` before the last."""
    words = list(parts)
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
