"""Budget sweeps in the place of traces: what a question gets right is what was measured at the budget it is held to."""

import csv
import os
from collections.abc import Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from shadowprice._errors import InputError
from shadowprice._parquet import DAMAGED
from shadowprice._types import FloatArray, IntArray
from shadowprice.beliefs import Beliefs, Evidence, Outcomes
from shadowprice.traces._files import BUNDLED, BUNDLED_TALE, read_traces
from shadowprice.traces._replay import Replies
from shadowprice.traces._schema import TRACE_SCHEMA
from shadowprice.traces._sweeps import Sweep, read_sweeps
from shadowprice.traces._traces import Traces

_PARQUET: Final = b"PAR1"
_HEAD: Final = 2**16


@dataclass(frozen=True)
class SweepTraces(Traces):
    """A sweep as predictors and benches take it.

    Its rows are no replies: they stand for the rises of each question's curve, as `beliefs.sweep_evidence` has it, and
    none has a text. What is measured is read off the curves themselves.
    """

    sweep: Sweep = field(kw_only=True)
    evidence: Evidence = field(kw_only=True)

    def __repr__(self) -> str:
        return f"SweepTraces({self.n_queries:,} questions, {len(self.budgets)} budgets, from {self.name})"

    @classmethod
    def of(cls, sweep: Sweep) -> Self:
        """A sweep whose questions have texts.

        Raises:
            InputError: One has none, or a budget is 0.
        """
        blank = [number for number, text in enumerate(sweep.questions) if not text.strip()]
        if blank:
            raise InputError(
                f"{sweep.name} has no text for the question '{sweep.query_ids[blank[0]]}' and {len(blank) - 1} others, "
                "which beliefs are read from; add a column `question`, or `import` it with --questions FILE."
            )
        if (sweep.budget < 1).any():
            name = sweep.query_ids[int(sweep.query[np.flatnonzero(sweep.budget < 1)[0]])]
            raise InputError(
                f"{sweep.name} holds the question '{name}' to a budget of 0 tokens, but an answer takes some: budgets "
                "count all that is generated, the answer too."
            )
        from shadowprice.beliefs import sweep_evidence  # scikit-learn comes with it

        evidence = sweep_evidence(sweep.questions, sweep.query, sweep.budget, sweep.right, sweep.samples)
        return cls(_table(sweep, evidence), evidence.query, sweep.name, sweep=sweep, evidence=evidence)

    @cached_property
    def budgets(self) -> IntArray:
        """``(K,)`` budgets at which any question was asked, rising, tokens."""
        return np.unique(self.sweep.budget)

    @cached_property
    def last(self) -> IntArray:
        """``(n,)`` the largest budget of each question, beyond which nothing is known of it."""
        ends = np.flatnonzero(np.diff(self.sweep.query, append=-1))
        return self.sweep.budget[ends]

    @cached_property
    def shares(self) -> FloatArray:
        """``(n, K)`` share right at each question's largest budget up to each of `budgets`; 0 below its first."""
        shares = np.full((self.n_queries, len(self.budgets)), np.nan)
        place = np.searchsorted(self.budgets, self.sweep.budget)
        shares[self.sweep.query, place] = self.sweep.right / self.sweep.samples
        for column in range(shares.shape[1]):
            before = shares[:, column - 1] if column else np.zeros(self.n_queries)
            shares[:, column] = np.where(np.isnan(shares[:, column]), before, shares[:, column])
        return shares

    @property
    def pass_rate(self) -> FloatArray:
        """``(n,)`` share right at the largest budget."""
        return self.shares[:, -1]

    def right_within(self, tokens: IntArray) -> FloatArray:
        """``(n,)`` share right of each question that is held to its number of tokens."""
        return _held(self.budgets, self.shares, tokens)

    def without(self, questions: Set[str]) -> "SweepTraces":
        """The sweep of all other questions, by problem text.

        Raises:
            InputError: None is left.
        """
        kept = np.array([text not in questions for text in self.questions], dtype=np.bool_)
        if not kept.any():
            raise InputError(f"All questions of {self.name} are excluded, so nothing is left.")
        sweep, rows = self.sweep, kept[self.sweep.query]
        number = np.cumsum(kept) - 1
        labels = ("query_ids", "questions", "datasets", "tiers", "models")
        some = {name: [one for one, keep in zip(getattr(sweep, name), kept, strict=True) if keep] for name in labels}
        counts = {name: getattr(sweep, name)[rows] for name in ("budget", "right", "samples")}
        rest: dict[str, Any] = {**some, **counts, "query": number[sweep.query[rows]].astype(np.int64)}
        return type(self).of(replace(sweep, **rest))


@dataclass(frozen=True, slots=True)
class ForcedReplies(Replies):
    """n questions of a sweep, each to be held to a budget: what comes of it is a share, not one reply."""

    budgets: IntArray = field(kw_only=True)
    """``(K,)`` budgets, rising, tokens."""
    shares: FloatArray = field(kw_only=True)
    """``(n, K)`` share right at each."""

    def right(self, granted: IntArray) -> FloatArray:
        """``(n,)`` share right at the largest budget up to what was granted: its expectation, no draw from it.

        A share may fall with the budget, and then more tokens make it worse.
        """
        return _held(self.budgets, self.shares, granted)

    @property
    def certain(self) -> Beliefs:
        """The curves themselves, for the oracle: the best that a question had reached at each budget."""
        best = np.maximum.accumulate(self.shares, axis=1)
        grid = self.budgets.astype(np.float64)
        ones = np.ones(len(self.queries))
        return Beliefs(ones, ones, ones, Outcomes(grid, best, self._ended(grid)))

    def seen(self, beliefs: Beliefs) -> Beliefs:
        """Beliefs as they are where no reply ends before its budget does: that one still runs says nothing of it."""
        if beliefs.outcomes is None:
            return beliefs
        grid = beliefs.outcomes.tokens
        forced = Outcomes(grid, beliefs.outcomes.right, self._ended(grid))
        return Beliefs(beliefs.threshold, beliefs.alpha, beliefs.beta, forced)

    def _ended(self, grid: FloatArray) -> FloatArray:
        return (grid >= self.completion_tokens[:, np.newaxis]).astype(np.float64)


def draw_replies(traces: Traces, queries: IntArray, rng: np.random.Generator) -> Replies:
    """What each of some questions would say: one of its recorded replies, or what a sweep has measured."""
    if not isinstance(traces, SweepTraces):
        return Replies.draw(traces, queries, rng)
    last = traces.last[queries]
    nothing = np.zeros(len(queries), dtype=np.bool_)
    rows = traces.first[queries]
    return ForcedReplies(
        queries, rows, nothing, last, last, budgets=traces.budgets, shares=traces.shares[queries]
    )  # fmt: skip


def read_recorded(source: str | os.PathLike[str]) -> Traces:
    """Read traces, or a budget sweep in their place, told by what is in the file.

    Raises:
        InputError: As `read_traces` and `read_sweeps`, or the questions of a sweep have no texts.
    """
    if str(source) in (BUNDLED, BUNDLED_TALE) or not is_sweep(Path(source)):
        return read_traces(source)
    return SweepTraces.of(read_sweeps(source))


def is_traces(path: Path) -> bool:
    """Whether a file is one of traces, or of a budget sweep."""
    return is_sweep(path) or {"answer_tokens", "completion_tokens"} <= _columns(path)


def is_sweep(path: Path) -> bool:
    """Whether a file is that of a budget sweep: a table with budgets and verdicts, and no replies."""
    columns = _columns(path)
    return {"query_id", "budget", "correct"} <= columns and "completion_tokens" not in columns


def _columns(path: Path) -> set[str]:
    """Names of the columns of a CSV or Parquet file; none where it is neither, as whoever reads it says."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
        if head.startswith(_PARQUET):
            return set(pq.read_schema(path).names)
    except (*DAMAGED, OSError):
        return set()
    line = head.decode("utf-8-sig", "replace").splitlines()[:1]
    try:
        return {name.strip() for name in next(csv.reader(line), [])}
    except csv.Error:
        return set()


def _held(budgets: IntArray, shares: FloatArray, tokens: IntArray) -> FloatArray:
    """``(n,)`` share at the largest budget up to each number of tokens; 0 below the first."""
    place = np.searchsorted(budgets, tokens, side="right") - 1
    held = shares[np.arange(len(shares)), np.maximum(place, 0)]
    return np.where(place >= 0, held, 0.0)


def _table(sweep: Sweep, evidence: Evidence) -> pa.Table:
    number = evidence.query

    def each(labels: list[str]) -> list[str]:
        return [labels[row] for row in number.tolist()]

    columns = {
        "query_id": each(sweep.query_ids),
        "dataset": each(sweep.datasets),
        "tier": each(sweep.tiers),
        "model": each(sweep.models),
        "question": each(sweep.questions),
        "correct": evidence.correct,
        "completion_tokens": evidence.completion_tokens,
        "answer_tokens": evidence.answer_tokens,
        "finish_reason": np.where(evidence.censored, "length", "stop").tolist(),
    }
    if not any(sweep.tiers):
        del columns["tier"]
    return pa.table(columns, schema=pa.schema([TRACE_SCHEMA.field(name) for name in columns]))
