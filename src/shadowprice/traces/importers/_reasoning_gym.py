"""Results of reasoning-gym's evaluation scripts: `{category}/{dataset}.json`, or all data sets of a run in one file."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice.traces.importers._fields import Record, check_record
from shadowprice.traces.importers._json import JsonStream
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply, Skipped, read_score

_MAX_SUMMARY = 2**22


class _Completion(Record):
    model_answer: str | None = None
    full_model_response: str | None = None
    score: Any = None


class _Result(_Completion):
    question: str = Field(min_length=1)
    expected_answer: str = ""
    completions: list[_Completion] | None = None


class _Head(Record):
    name: str | None = None
    dataset_name: str | None = None
    model: str | None = None


class _Dataset(Record):
    name: str | None = None
    results: list[Any] = Field(default_factory=list)


class _Category(Record):
    datasets: list[_Dataset] = Field(default_factory=list)


class _Run(Record):
    model: str | None = None


def read_reasoning_gym(log: Log) -> Iterator[Entry]:
    """Read the replies to a data set's questions, each with its own score."""
    fields: dict[str, Any] = {}
    with JsonStream(log.path, log.advance) as stream:
        stream.expect("{", "the beginning")
        while not stream.take("}"):
            name = stream.value("a field's name")
            stream.expect(":", f"field '{name}'")
            if name == "results" and stream.peek() == "[":
                head = check_record(_Head, fields, str(log.path))
                for number, record in stream.items("result"):
                    yield from _entries(log, head, record, f"{log.path}, result {number}")
                return
            if name == "categories" and stream.peek() == "[":
                run = check_record(_Run, fields.get("metadata") or {}, f"{log.path}, field 'metadata'")
                for number, record in stream.items("category"):
                    category = check_record(_Category, record, f"{log.path}, category {number}")
                    yield from _datasets(log, category, run, f"{log.path}, category {number}")
                return
            fields[str(name)] = stream.value(f"field '{name}'")
            if not stream.take(","):
                break
    raise InputError(f"{log.path}: no results of single questions; give a file {{category}}/{{dataset}}.json.")


def _datasets(log: Log, category: _Category, run: _Run, where: str) -> Iterator[Entry]:
    for one in category.datasets:
        for number, record in enumerate(one.results):
            place = f"{where}, data set '{one.name}', result {number}"
            yield from _entries(log, _Head(name=one.name, model=run.model), record, place)


def _entries(log: Log, head: _Head, record: Any, where: str) -> Iterator[Entry]:
    result = check_record(_Result, record, where)
    dataset = log.settings.dataset or head.name or head.dataset_name or log.path.stem
    digest = blake2b(result.question.encode("utf-8", "replace"), digest_size=8).hexdigest()
    model = log.settings.model or head.model or _model(log)
    for one in [result] if result.completions is None else result.completions:
        correct = read_score(one.score)
        if not one.full_model_response:
            yield Skipped("no reply")
        elif isinstance(correct, Skipped) and log.settings.grader is None:
            yield correct
        else:
            yield LoggedReply(
                query_id=f"{dataset}/{digest}",
                key=digest,
                question=result.question,
                golds=(result.expected_answer,),
                dataset=dataset,
                model=model,
                protocol="reasoning-gym",
                text=one.full_model_response,
                correct=None if isinstance(correct, Skipped) else correct,
                answer=one.model_answer,
                where=where,
            )


def _model(log: Log) -> str | None:
    """The model, which newer versions name in the summary above the folders of the categories alone."""
    summary = log.path.resolve().parent.parent / "summary.json"
    try:
        if not summary.is_file() or summary.stat().st_size > _MAX_SUMMARY:
            return None
        content = parse_json(summary.read_bytes(), str(summary))
    except OSError:
        return None
    name = content.get("model") if isinstance(content, dict) else None
    return name if isinstance(name, str) and name else None
