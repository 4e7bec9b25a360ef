"""What each picture of a bench shows, in a sentence that is read off the numbers."""

from shadowprice.bench._equal import join
from shadowprice.bench._result import BenchResult
from shadowprice.policies import Oracle
from shadowprice.traces import TIERS

_LEVEL = 0.05
"""Points; what differs by less reads as the same."""


def accuracy_said(result: BenchResult, stream: str) -> str:
    """Who is ahead at the smallest and at the largest budget of a stream, and by how much."""
    few, many = result.budgets[0], result.budgets[-1]
    said = f"At {few} tokens per query {_ahead(result, stream, few)}"
    return f"{said}; at {many} {_ahead(result, stream, many)}." if many != few else f"{said}."


def _ahead(result: BenchResult, stream: str, budget: int) -> str:
    scores = {
        policy: result.cell(policy, stream, budget).accuracy for policy in result.measured if policy != Oracle.name
    }
    if not scores:
        return f"the oracle gets {result.cell(Oracle.name, stream, budget).accuracy:.1f} % right"
    top, low = max(scores.values()), min(scores.values())
    first = [policy for policy, score in scores.items() if top - score < _LEVEL]
    last = [policy for policy, score in scores.items() if score - low < _LEVEL]
    if len(scores) == 1:
        return f"{first[0]} gets {top:.1f} % right"
    if len(first) == len(scores):
        return f"all get {top:.1f} % right"
    most = f"{join(first)} {'gets' if len(first) == 1 else 'get'} most right, {top:.1f} %"
    return f"{most}, and {join(last)} least, {low:.1f} %"


def price_said(result: BenchResult) -> str:
    """What the next right answer costs where tokens are scarce and where they are not, by the best policy's price."""
    stream, few, many = result.streams[0], result.budgets[0], result.budgets[-1]
    priced = [policy for policy in result.measured if policy != Oracle.name and result.cell(policy, stream, few).price]
    if not priced:
        return "Only the oracle has a price here."
    policy = max(priced, key=lambda name: result.cell(name, stream, few).accuracy)
    first, last = (result.cell(policy, stream, budget).price or 0.0 for budget in (few, many))
    said = f"With {policy} the next right answer costs {1.0 / first:,.0f} tokens where there are {few} per query"
    if few == many:
        return f"{said}."
    if last * 1e6 < 1.0:
        return f"{said}; with {many} the price is 0, and everybody is served."
    moral = "scarce tokens are dear" if first > last else "more tokens are no cheaper here"
    return f"{said}, and {1.0 / last:,.0f} where there are {many}: {moral}."


def spend_said(result: BenchResult) -> str:
    """Who pays least and who pays most for a right answer at the smallest budget, all streams together."""
    few = result.budgets[0]
    costs = {policy: cost for policy in result.measured if (cost := _cost(result, policy, few)) is not None}
    rivals = {policy: cost for policy, cost in costs.items() if policy != Oracle.name}
    if not rivals:
        return f"Nobody but the oracle gets anything right at {few} tokens per query."
    least, most = min(rivals, key=lambda name: rivals[name]), max(rivals, key=lambda name: rivals[name])
    none = [policy for policy in result.measured if policy not in costs]
    said = f"At {few} tokens per query a right answer takes {rivals[least]:,.0f} tokens with {least}"
    if least != most:
        said += f", and {rivals[most]:,.0f} with {most}"
    return f"{said}{f'; {join(none)} got hardly any' if none else ''}. Lower is better."


def _cost(result: BenchResult, policy: str, budget: int) -> float | None:
    cells = [result.cell(policy, stream, budget) for stream in result.streams]
    right = sum(cell.accuracy for cell in cells) / 100.0
    # The picture leaves out the same.
    return sum(result.charged(cell) for cell in cells) / right if right > 0.05 else None


def abandoned_said(result: BenchResult, policy: str) -> str:
    """Which part of each tier a policy turns away at the smallest and at the largest budget."""
    said = []
    for budget in dict.fromkeys((result.budgets[0], result.budgets[-1])):
        cells = [result.cell(policy, stream, budget).abandoned_by_tier for stream in result.streams]
        shares = [sum(column) / len(cells) for column in zip(*cells, strict=True)]
        parts = join(f"{share:.0f} % of the {tier}" for tier, share in zip(TIERS, shares, strict=True))
        said.append(f"at {budget} tokens per query {parts}")
    return f"Gets nothing: {'; '.join(said)}."
