"""What a bench found."""

from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np

from shadowprice.policies import ClearLambert, Oracle

SCHEMA_VERSION: Final = 2
ROOM: Final = 2.0
"""Points between clear-lambert and the oracle below which a cell says nothing about who is better."""

_TELLING: Final = 7.0
"""Points; what is known less closely is no headline."""
_ENOUGH: Final = 200
"""Questions that tell as much as that."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One policy on one stream at one budget, averaged over seeded draws of the stream."""

    policy: str
    stream: str
    budget: int
    """Mean tokens per query."""
    accuracy: float
    """Right answers, percent of the stream."""
    ci_low: float
    """Lower end of the bootstrap 95 % interval of `accuracy` over draws, percent."""
    ci_high: float
    """Upper end of it, percent."""
    allocated: float
    """Tokens granted, per query."""
    generated: float
    """Tokens generated, per query."""
    abandoned: float
    """Queries that were granted nothing, percent of the stream."""
    abandoned_by_tier: tuple[float, ...]
    """The same of the easy, the medium and the hard ones, percent of the tier."""
    price: float | None
    """Shadow price, right answers per token; None for a policy without one."""
    draws: tuple[float, ...]
    """Accuracy on each draw, percent."""


@dataclass(frozen=True)
class BenchResult:
    """All cells of a table, and what they were measured on."""

    traces: str
    accounting: str
    streams: tuple[str, ...]
    budgets: tuple[int, ...]
    policies: tuple[str, ...]
    """All rows that were asked for, in order; those that could not run have no cells, and a note."""
    seeds: int
    folds: int
    stream_sizes: tuple[int, ...]
    """Queries in each stream."""
    rows: tuple[Cell, ...]
    notes: dict[str, str] = field(default_factory=dict)
    """Footnotes of policies: why they have no cells, or what is different about them."""
    questions: int = field(kw_only=True)
    """Different questions in the traces."""

    @property
    def margin(self) -> float:
        """Points to which so many questions can tell an accuracy at best: a binomial 95 % interval at one half."""
        return 98.0 / float(np.sqrt(self.questions))

    @property
    def telling(self) -> bool:
        """Whether there are questions enough for a headline."""
        return self.margin <= _TELLING

    @property
    def caution(self) -> str:
        """How little these questions can tell, a sentence; empty where they tell enough."""
        if self.telling:
            return ""
        return (
            f"{self.questions} questions tell a share of right answers to within about {self.margin:.0f} points: "
            f"smaller differences between policies may be chance; bench {_ENOUGH} questions or more."
        )

    def cell(self, policy: str, stream: str, budget: int) -> Cell:
        """One cell, by its coordinates; KeyError where there is none."""
        return self._index[policy, stream, budget]

    @cached_property
    def measured(self) -> tuple[str, ...]:
        """The policies that have cells."""
        there = {row.policy for row in self.rows}
        return tuple(policy for policy in self.policies if policy in there)

    def best(self, stream: str, budget: int) -> frozenset[str]:
        """The policies with the highest accuracy of a column, to the printed tenth; the oracle does not compete."""
        scores = {
            policy: round(self.cell(policy, stream, budget).accuracy, 1)
            for policy in self.measured
            if policy != Oracle.name
        }
        return frozenset(policy for policy, score in scores.items() if score == max(scores.values()))

    def charged(self, cell: Cell) -> float:
        """Tokens that a cell's policy was charged per query, by the accounting of the table and its notes."""
        granted = self.accounting == "allocated" and cell.policy not in self.notes
        return cell.allocated if granted else cell.generated

    def closed(self, policy: str, reference: str = ClearLambert.name) -> float | None:
        """Share of the distance from a reference, clear-lambert by default, to the oracle that a policy closes.

        The mean over the cells where that distance is over 2 points; None where there is none, or one of the three was
        not measured.
        """
        if not {policy, reference, Oracle.name} <= set(self.measured):
            return None
        shares = []
        for stream in self.streams:
            for budget in self.budgets:
                got, start, oracle = (
                    self.cell(name, stream, budget).accuracy for name in (policy, reference, Oracle.name)
                )
                if oracle - start > ROOM:
                    shares.append((got - start) / (oracle - start))
        return float(np.mean(shares)) if shares else None

    @cached_property
    def _index(self) -> dict[tuple[str, str, int], Cell]:
        return {(row.policy, row.stream, row.budget): row for row in self.rows}

    def to_json(self) -> dict[str, Any]:
        """The result as JSON-able data."""
        closed = {policy: self.closed(policy) for policy in self.policies}
        return {"schema_version": SCHEMA_VERSION, **asdict(self), "closed": closed}
