"""The table: policies × streams × budgets."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from shadowprice._errors import InputError
from shadowprice._types import FloatArray
from shadowprice.beliefs import Beliefs
from shadowprice.bench._streams import STREAMS, StreamSampler, get_stream
from shadowprice.policies import POLICIES, Oracle, get_policy
from shadowprice.traces import Accounting, Outcome, Replies, Traces, replay

SCHEMA_VERSION: Final = 1
_RESAMPLES: Final = 2000


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
    price: float | None
    """Shadow price, right answers per token; None for a policy without one."""


@dataclass(frozen=True)
class BenchResult:
    """All cells of a table, and what they were measured on."""

    traces: str
    accounting: str
    streams: tuple[str, ...]
    budgets: tuple[int, ...]
    policies: tuple[str, ...]
    seeds: int
    folds: int
    stream_sizes: tuple[int, ...]
    """Queries in each stream."""
    rows: tuple[Cell, ...]

    def cell(self, policy: str, stream: str, budget: int) -> Cell:
        """One cell, by its coordinates."""
        return self._index[policy, stream, budget]

    def best(self, stream: str, budget: int) -> frozenset[str]:
        """The policies with the highest accuracy of a column, to the printed tenth; the oracle does not compete."""
        scores = {
            policy: round(self.cell(policy, stream, budget).accuracy, 1)
            for policy in self.policies
            if policy != Oracle.name
        }
        return frozenset(policy for policy, score in scores.items() if score == max(scores.values()))

    @cached_property
    def _index(self) -> dict[tuple[str, str, int], Cell]:
        return {(row.policy, row.stream, row.budget): row for row in self.rows}

    def to_json(self) -> dict[str, Any]:
        """The result as JSON-able data."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}


def run_bench(
    traces: Traces,
    beliefs: Beliefs,
    *,
    streams: Sequence[str] = tuple(STREAMS),
    budgets: Sequence[int] = (),
    policies: Sequence[str] = tuple(POLICIES),
    accounting: Accounting = Accounting.ALLOCATED,
    seeds: int = 20,
    folds: int = 2,
    advance: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Replay every policy on every stream at every budget.

    All policies see the same draws: the same questions, and the same recorded reply to each.

    Args:
        traces: Recorded replies.
        beliefs: n rows, made for each question without it (`cross_fit`).
        streams: Names of the mixes.
        budgets: Mean tokens per query; empty chooses four from the traces.
        policies: Names of the policies.
        accounting: What is charged.
        seeds: Draws of each stream.
        folds: Into how many folds the beliefs were cross-fitted; only reported.
        advance: Called after each draw of a stream has been replayed by all policies at all budgets.

    Raises:
        InputError: An unknown name, a budget below 1, or no seed.
    """
    if seeds < 1:
        raise InputError(f"{seeds} seeds measure nothing; use 20 or more.")
    budgets = tuple(sorted(set(budgets))) or default_budgets(traces)
    if budgets[0] < 1:
        raise InputError(f"A budget of {budgets[0]} tokens per query buys nothing; use whole numbers from 1 up.")
    for name in policies:
        get_policy(name)
    rows: list[Cell] = []
    sizes = []
    for name in streams:
        sampler = StreamSampler(traces, get_stream(name))
        sizes.append(sampler.size)
        outcomes: dict[tuple[str, int], list[Outcome]] = {(p, b): [] for p in policies for b in budgets}
        for seed in range(seeds):
            rng = np.random.default_rng([seed, list(STREAMS).index(name)])
            replies = Replies.draw(traces, sampler.draw(rng), rng)
            known = {False: beliefs.take(replies.queries), True: Beliefs.certain(replies.threshold)}
            for (policy, budget), draws in outcomes.items():
                market = get_policy(policy).open(known[policy == Oracle.name], budget * sampler.size)
                draws.append(replay(market, replies, accounting, np.random.default_rng(seed)))
            advance()
        rows += [_cell(p, name, b, sampler.size, draws) for (p, b), draws in outcomes.items()]
    return BenchResult(
        traces.name,
        str(accounting),
        tuple(streams),
        budgets,
        tuple(policies),
        seeds,
        folds,
        tuple(sizes),
        tuple(rows),
    )


def default_budgets(traces: Traces) -> tuple[int, ...]:
    """Four budgets, each twice the last, from scarce to ample, tokens per query.

    The largest is the power of two nearest to where nine in ten right answers have appeared.
    """
    if not traces.correct.any():
        raise InputError(f"No reply in {traces.name} is right; give --budgets yourself.")
    ample = float(np.quantile(traces.answer_tokens[traces.correct], 0.9))
    top = max(3, round(np.log2(max(ample, 1.0))))
    return tuple(2 ** (top - step) for step in (3, 2, 1, 0))


def _cell(policy: str, stream: str, budget: int, size: int, draws: list[Outcome]) -> Cell:
    accuracy = np.array([100.0 * draw.right / size for draw in draws])
    low, high = _bootstrap(accuracy)
    price = float(np.mean([draw.price for draw in draws]))
    return Cell(
        policy=policy,
        stream=stream,
        budget=budget,
        accuracy=float(accuracy.mean()),
        ci_low=low,
        ci_high=high,
        allocated=float(np.mean([draw.allocated for draw in draws])) / size,
        generated=float(np.mean([draw.generated for draw in draws])) / size,
        abandoned=float(np.mean([100.0 * draw.abandoned / size for draw in draws])),
        price=None if np.isnan(price) else price,
    )


def _bootstrap(values: FloatArray) -> tuple[float, float]:
    """Percentile bootstrap 95 % interval of the mean."""
    picks = np.random.default_rng(0).integers(len(values), size=(_RESAMPLES, len(values)))
    low, high = np.quantile(values[picks].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)
