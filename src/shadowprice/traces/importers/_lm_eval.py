"""Samples of lm-evaluation-harness: `samples_{task}_{date}.jsonl`, written with --log_samples."""

import json
import re
from collections.abc import Iterator
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice.traces.importers._fields import Count, Message, Record, check_record, last_asked
from shadowprice.traces.importers._json import read_json_lines
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply, Skipped, read_score

_NAME = re.compile(r"samples_(?P<task>.+?)(?:_(?P<date>\d{4}-\d\d-\d\dT[\d.:-]+))?\.jsonl")
_QUESTION_FIELDS = ("question", "Question", "problem", "query", "instruction", "input", "prompt")
_KNOWN = {
    *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
    *("doc_hash", "prompt_hash", "target_hash"),
}
_MAX_RESULTS = 64 * 2**20


class Sample(Record):
    """What is logged of one document under one filter."""

    doc_id: str
    doc: Any = None
    target: Any = None
    arguments: Any = None
    resps: list[Any]
    filtered_resps: Any = None
    filter: str = "none"
    metrics: list[str] | None = None


class _Generation(Record):
    max_gen_toks: Count | None = None
    max_tokens: Count | None = None
    temperature: float | None = None
    seed: int | None = None


class _Turns(Record):
    turns: list[Message] = Field(default_factory=list)


def read_lm_eval(log: Log) -> Iterator[Entry]:
    """Read the replies of a generating task."""
    name = _NAME.fullmatch(log.path.name)
    task = log.settings.dataset or (name["task"] if name else log.path.stem)
    model = log.settings.model or _model(log, name["date"] if name else None)
    chosen = log.settings.filter
    filters: dict[str, None] = {}
    for line, record in read_json_lines(log.path, log.advance):
        where = f"{log.path}, line {line}"
        sample = check_record(Sample, record, where)
        filters.setdefault(sample.filter)
        chosen = chosen or sample.filter
        if sample.filter != chosen:
            yield Skipped(f"the same reply under the filter '{sample.filter}' (--filter takes it instead)")
            continue
        yield from sample_entries(log, sample, record, task, model, where)
    if chosen is not None and chosen not in filters:
        raise InputError(f"{log.path}: there is no filter '{chosen}'; choose --filter from {', '.join(filters)}.")


def sample_entries(
    log: Log, sample: Sample, record: dict[str, Any], task: str, model: str | None, where: str
) -> Iterator[Entry]:
    """The replies of a sample of a generating task.

    Raises:
        InputError: It is none of a generating task, or is not what the harness writes.
    """
    prompt, settings = _arguments(sample.arguments, where)
    if settings is None:
        raise InputError(
            f"{where}: a task of log-likelihoods, where nothing is written; give the samples of a task with "
            "output_type generate_until."
        )
    replies = [text for request in sample.resps for text in (request if isinstance(request, list) else [request])]
    if not replies or not all(isinstance(text, str) for text in replies):
        raise InputError(f"{where}, field 'resps': not a list of replies; give the samples of a generate_until task.")
    correct = _verdict(log, sample, record, where)
    if len(replies) > 1 and log.settings.grader is None:
        for _ in replies:
            yield Skipped("several replies under one verdict (--grader grades each)")
        return
    if isinstance(correct, Skipped) and log.settings.grader is None:
        yield correct
        return
    for text in replies:
        yield LoggedReply(
            query_id=f"{task}/{sample.doc_id}",
            key=sample.doc_id,
            question=_question(sample.doc, prompt),
            golds=_golds(sample.target),
            dataset=task,
            model=model,
            protocol="lm-evaluation-harness",
            text=text,
            correct=None if isinstance(correct, Skipped) or len(replies) > 1 else correct,
            answer=_filtered(sample.filtered_resps, text) if len(replies) == 1 else None,
            max_tokens=settings.max_gen_toks if settings.max_gen_toks is not None else settings.max_tokens,
            temperature=settings.temperature,
            seed=settings.seed,
            where=where,
        )


def is_written(sample: Sample, where: str) -> bool:
    """Whether a reply was asked for, and not how likely one is."""
    return _arguments(sample.arguments, where)[1] is not None


def _filtered(responses: Any, text: str) -> str | None:
    """The answer, where the filter has cut it out of the reply."""
    first = responses[0] if isinstance(responses, list) and responses else responses
    if isinstance(first, str) and first.strip() and first in text and first.strip() != text.strip():
        return first.strip()
    return None


def _arguments(arguments: Any, where: str) -> tuple[str, _Generation | None]:
    """The prompt and how it was continued; None where only its likelihood was asked for."""
    first: Any = arguments
    if isinstance(first, dict):
        first = next(iter(first.values()), None)
    elif isinstance(first, list):  # versions before 0.4.3
        first = first[0] if first else None
    parts = list(first.values()) if isinstance(first, dict) else first
    if not isinstance(parts, list) or not parts:
        raise InputError(f"{where}, field 'arguments': not the arguments of a request; give an unchanged log.")
    prompt = parts[0][0] if isinstance(parts[0], list) and parts[0] else parts[0]
    if len(parts) < 2 or not isinstance(parts[1], dict):
        return str(prompt), None
    return str(prompt), check_record(_Generation, parts[1], f"{where}, field 'arguments'")


def _verdict(log: Log, sample: Sample, record: dict[str, Any], where: str) -> bool | Skipped:
    names = sample.metrics if sample.metrics is not None else [name for name in record if name not in _KNOWN]
    if not names:
        return Skipped("no score")
    wanted = log.settings.metric or names[0]
    if wanted not in names:
        raise InputError(f"{where}: there is no metric '{wanted}'; choose --metric from {', '.join(names)}.")
    if log.settings.metric is None and len(names) > 1:
        log.note(f"verdicts are those of '{wanted}'; --metric takes another of {', '.join(names)}")
    return read_score(record.get(wanted))


def _question(doc: Any, prompt: str) -> str:
    """The question as the data set has it; the prompt, where it has no field that says so."""
    if isinstance(doc, dict):
        for name in _QUESTION_FIELDS:
            if isinstance(doc.get(name), str) and doc[name].strip():
                return str(doc[name])
    if prompt.startswith("[{"):
        try:
            turns = parse_json(prompt, "")
            return last_asked(check_record(_Turns, {"turns": turns}, "").turns)
        except InputError:
            return prompt
    return prompt


def _golds(target: Any) -> tuple[str, ...]:
    if target is None:
        return ()
    targets = target if isinstance(target, list) else [target]
    return tuple(one if isinstance(one, str) else json.dumps(one) for one in targets)


def _model(log: Log, date: str | None) -> str | None:
    """The model, which only the results beside the samples name."""
    results = log.path.with_name(f"results_{date}.json")
    if date is None or not results.is_file() or results.stat().st_size > _MAX_RESULTS:
        return None
    content = parse_json(results.read_bytes(), str(results))
    name = content.get("model_name") if isinstance(content, dict) else None
    return name if isinstance(name, str) and name else None
