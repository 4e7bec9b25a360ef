"""Traces in memory: questions, and under each its recorded replies."""

from collections.abc import Set
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from shadowprice._errors import InputError
from shadowprice._types import BoolArray, FloatArray, IntArray
from shadowprice.beliefs import Evidence
from shadowprice.traces._confidence import confidence_of

TIERS = ("easy", "medium", "hard")


@dataclass(frozen=True)
class Traces:
    """Recorded replies of one model, grouped by question.

    Questions are numbered 0 … n−1 in order of first appearance; rows are sorted by question.
    """

    table: pa.Table
    """``(m,)`` rows sorted by question, columns of `TRACE_SCHEMA` as far as the source has them."""
    query: IntArray
    """``(m,)`` number of the question that each row answers, non-decreasing."""
    name: str = "traces"
    """Where the traces are from: a path, or `bundled`."""

    def __repr__(self) -> str:
        return f"Traces({self.n_queries:,} questions, {len(self.query):,} replies, from {self.name})"

    @property
    def n_queries(self) -> int:
        """Number of questions, n."""
        return len(self.first)

    @cached_property
    def first(self) -> IntArray:
        """``(n,)`` first row of each question."""
        return np.flatnonzero(np.diff(self.query, prepend=-1)).astype(np.int64)

    @cached_property
    def samples(self) -> IntArray:
        """``(n,)`` recorded replies of each question."""
        return np.diff(np.append(self.first, len(self.query))).astype(np.int64)

    @cached_property
    def correct(self) -> BoolArray:
        """``(m,)`` was the reply right."""
        return np.asarray(self.table["correct"].to_numpy(), dtype=np.bool_)

    @cached_property
    def answer_tokens(self) -> IntArray:
        """``(m,)`` tokens up to the end of the final answer."""
        return np.asarray(self.table["answer_tokens"].to_numpy(), dtype=np.int64)

    @cached_property
    def completion_tokens(self) -> IntArray:
        """``(m,)`` tokens of the whole reply."""
        return np.asarray(self.table["completion_tokens"].to_numpy(), dtype=np.int64)

    @cached_property
    def questions(self) -> list[str]:
        """``(n,)`` problem texts."""
        texts: list[str] = self.table["question"].take(pa.array(self.first)).to_pylist()
        return texts

    @cached_property
    def censored(self) -> BoolArray:
        """``(m,)`` was the reply cut off by the recording's cap."""
        if "finish_reason" not in self.table.column_names:
            return np.zeros(len(self.query), np.bool_)
        return np.asarray(pc.equal(self.table["finish_reason"], "length").fill_null(False).to_numpy(), dtype=np.bool_)

    @cached_property
    def evidence(self) -> Evidence:
        """What predictors learn from."""
        kept = "completion" in self.table.column_names and not self.table["completion"].null_count
        return Evidence(
            self.questions,
            self.query,
            self.answer_tokens,
            self.correct,
            self.completion_tokens,
            self.censored,
            completions=self.table["completion"].to_pylist() if kept else None,
            confidence=confidence_of(self.table),
        )

    @property
    def token_unit(self) -> str:
        """Whose tokens are counted: Parquet metadata `token_unit`, a tokenizer's name; empty where it is missing."""
        unit: bytes = (self.table.schema.metadata or {}).get(b"token_unit", b"")
        return unit.decode("utf-8", "replace")

    @cached_property
    def model(self) -> str:
        """Who answered, as a past names it; empty where the source does not say, or it was several."""
        names = set(self._labels("model"))
        return names.pop() if len(names) == 1 else ""

    @cached_property
    def query_ids(self) -> list[str]:
        """``(n,)`` names of the questions."""
        names: list[str] = self.table["query_id"].take(pa.array(self.first)).to_pylist()
        return names

    @cached_property
    def datasets(self) -> list[str]:
        """``(n,)`` data set of each question; empty strings where the source does not say."""
        return self._labels("dataset")

    @cached_property
    def protocols(self) -> list[str]:
        """``(n,)`` how each question was asked; empty strings where the source does not say."""
        return self._labels("protocol")

    @cached_property
    def pass_rate(self) -> FloatArray:
        """``(n,)`` share of the recorded replies that are right."""
        right = np.bincount(self.query, weights=self.correct, minlength=self.n_queries)
        return np.asarray(right / self.samples, dtype=np.float64)

    @cached_property
    def tiers(self) -> list[str]:
        """``(n,)`` easy, medium or hard; without a column `tier`, the data sets ranked by accuracy in thirds."""
        if "tier" in self.table.column_names:
            return self._labels("tier")
        datasets = np.array(self.datasets)
        names = sorted(set(self.datasets), key=lambda name: -float(self.pass_rate[datasets == name].mean()))
        if len(names) == 1:
            return ["medium"] * self.n_queries
        rank = {name: round(2 * place / (len(names) - 1)) for place, name in enumerate(names)}
        return [TIERS[rank[name]] for name in self.datasets]

    @cached_property
    def strata(self) -> list[str]:
        """``(n,)`` easy, medium or hard, for mixing streams: `tiers` where there are any, else thirds of the questions.

        Thirds go by how many of a question's replies are right, then by how short they are. They follow from what
        happened, so they say nothing of how well a question's outcome could have been foreseen.
        """
        if set(TIERS) <= set(self.tiers) or self._has("tier"):
            return self.tiers
        length = np.bincount(self.query, weights=self.completion_tokens, minlength=self.n_queries) / self.samples
        rank = np.empty(self.n_queries, dtype=np.int64)
        rank[np.lexsort((length, -self.pass_rate))] = np.arange(self.n_queries)
        return [TIERS[place * len(TIERS) // self.n_queries] for place in rank.tolist()]

    def _has(self, column: str) -> bool:
        return any(self._labels(column))

    def _labels(self, column: str) -> list[str]:
        if column not in self.table.column_names:
            return [""] * self.n_queries
        labels = self.table[column].take(pa.array(self.first)).to_pylist()
        return [label or "" for label in labels]

    def right_within(self, tokens: IntArray) -> FloatArray:
        """``(n,)`` share of each question's replies that are right within its number of tokens."""
        granted = tokens[self.query]
        right = self.correct & (self.answer_tokens <= granted) & (granted > 0)
        return np.asarray(np.bincount(self.query, right, minlength=self.n_queries) / self.samples, dtype=np.float64)

    def without(self, questions: Set[str]) -> "Traces":
        """The traces of all other questions, by problem text.

        Raises:
            InputError: None is left.
        """
        keep = np.array([text not in questions for text in self.questions], dtype=np.bool_)
        if not keep.any():
            raise InputError(f"All questions of {self.name} are excluded, so no trace is left.")
        rows = np.flatnonzero(keep[self.query])
        number = np.cumsum(keep) - 1
        return Traces(self.table.take(pa.array(rows)), number[self.query[rows]].astype(np.int64), self.name)
