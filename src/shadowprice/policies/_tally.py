"""Who was abandoned, and why, in numbers."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shadowprice.policies._explain import Explanation, Why


@dataclass(frozen=True, slots=True)
class Tally:
    """What a plan does to one group of queries."""

    group: str
    questions: int
    funded: int
    """Queries that get tokens, guarantees included."""
    tokens: int
    expected: float
    """Expected number of right answers; NaN without beliefs."""
    reasons: dict[Why, int]
    """Queries by kind of reason, in the order of `Why`; kinds that do not occur are left out."""

    @property
    def abandoned(self) -> int:
        """Queries that get nothing."""
        return self.questions - self.funded


def tally(explanation: Explanation, labels: Sequence[str]) -> list[Tally]:
    """Count by group.

    Args:
        explanation: n queries.
        labels: ``(n,)`` group of each query; equal labels, for instance all empty, count as one group.

    Returns:
        One tally per group, in the order in which groups first appear.
    """
    members: dict[str, list[int]] = {}
    for row, label in enumerate(labels):
        members.setdefault(label, []).append(row)
    return [_count(explanation, label, rows) for label, rows in members.items()]


def nearest(explanation: Explanation, why: Why, count: int) -> list[int]:
    """Row numbers of at most `count` queries of that kind, those first that were nearest to buying at the price."""
    rows = [row for row, own in enumerate(explanation.whys) if own is why]
    return sorted(rows, key=lambda row: -float(explanation.best_price[row]))[:count]


def _count(explanation: Explanation, label: str, rows: list[int]) -> Tally:
    tokens = explanation.tokens[rows]
    seen = Counter(explanation.whys[row] for row in rows)
    return Tally(
        label,
        len(rows),
        int((tokens > 0).sum()),
        int(tokens.sum()),
        float(explanation.expected[rows].sum()),
        {why: seen[why] for why in Why if seen[why]},
    )
