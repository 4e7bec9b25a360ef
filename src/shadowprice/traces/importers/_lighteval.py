"""Details of lighteval: `details_{task}_{date}.parquet`, a row per question, of older and of newer versions."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice.traces.importers._fields import Record, check_record
from shadowprice.traces.importers._generic import parquet_rows
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply, Skipped, read_score

OLDER_DETAILS = {"full_prompt", "predictions", "metrics", "gold"}
"""Columns that older versions write."""

NEWER_DETAILS = {"doc", "model_response", "metric"}
"""Columns that newer versions write."""

_NAME = re.compile(r"details_(?P<task>.+)_\d{4}-\d\d-\d\dT[\d.-]+\.parquet")


class _Doc(Record):
    query: str = Field(min_length=1)
    choices: list[str] | None = None
    gold_index: int | list[int] | None = None
    id: str = ""
    task_name: str = ""

    @property
    def golds(self) -> list[str]:
        """The choices that are right."""
        given = self.gold_index if isinstance(self.gold_index, list) else [self.gold_index]
        choices = self.choices or []
        return [choices[index] for index in given if index is not None and 0 <= index < len(choices)]


class _Response(Record):
    text: list[str | None] | None = None
    output_tokens: list[Any] | None = None


class _Row(Record):
    """A row in the words of newer versions."""

    doc: _Doc
    model_response: _Response
    metric: dict[str, Any] | None = None


def read_lighteval(log: Log) -> Iterator[Entry]:
    """Read the replies to the questions of a generating task; of several replies one verdict says too little."""
    name = _NAME.fullmatch(log.path.name)
    task = name["task"] if name else log.path.stem
    for row in parquet_rows(log.path, log.advance):
        record = dict(row.values) if "doc" in row.values else _newer(row.values, row.where)
        yield from _entries(log, check_record(_Row, record, row.where), row.where, task)


def _newer(values: Mapping[str, Any], where: str) -> dict[str, Any]:
    """A row of an older version in the words of a newer one."""
    for column in ("predictions", "metrics"):
        if isinstance(values.get(column), str):
            raise InputError(
                f"{where}, column '{column}': a text in which lighteval has written down a Python value; run it anew "
                "with a newer version."
            )
    gold = values.get("gold")
    golds = gold if isinstance(gold, list) else [gold]
    question = values.get("example") or values.get("full_prompt")
    return {
        "doc": {"query": question, "choices": golds, "gold_index": list(range(len(golds)))},
        "model_response": {"text": values.get("predictions"), "output_tokens": values.get("cont_tokens")},
        "metric": values.get("metrics"),
    }


def _entries(log: Log, row: _Row, where: str, task: str) -> Iterator[Entry]:
    replies = row.model_response.text or []
    if not any(replies):
        yield Skipped("no reply (a task of log-likelihoods?)")
        return
    verdict = _verdict(log, row.metric or {}, where)
    counts = row.model_response.output_tokens or []
    dataset = log.settings.dataset or row.doc.task_name or task
    key = row.doc.id or where.rpartition(" ")[2]
    for number, text in enumerate(replies):
        if not text:
            yield Skipped("no reply")
        elif log.settings.grader is None and len(replies) > 1:
            yield Skipped("several replies under one verdict (--grader grades each)")
        elif log.settings.grader is None and isinstance(verdict, Skipped):
            yield verdict
        else:
            tokens = counts[number] if len(counts) == len(replies) else None
            yield LoggedReply(
                query_id=f"{dataset}/{key}",
                key=key,
                question=row.doc.query,
                golds=tuple(row.doc.golds),
                dataset=dataset,
                protocol="lighteval",
                text=text,
                correct=None if isinstance(verdict, Skipped) or len(replies) > 1 else verdict,
                tokens=len(tokens) if isinstance(tokens, list) and tokens else None,
                where=where,
            )


def _verdict(log: Log, metrics: Mapping[str, Any], where: str) -> bool | Skipped:
    names = [name for name, value in metrics.items() if isinstance(value, bool | int | float)]
    wanted = log.settings.metric
    if wanted is not None and wanted not in names:
        raise InputError(f"{where}: there is no metric '{wanted}'; choose --metric from {', '.join(names)}.")
    if not names:
        return Skipped("no score")
    if wanted is None and len(names) > 1:
        log.note(f"verdicts are those of '{names[0]}'; --metric takes another of {', '.join(names)}")
    return read_score(metrics[wanted or names[0]])
