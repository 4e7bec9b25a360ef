"""Results of lm-evaluation-harness with the samples inside: what its Python interface returns, written as JSON."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shadowprice.traces.importers._containers import object_fields
from shadowprice.traces.importers._fields import check_record
from shadowprice.traces.importers._json import JsonStream
from shadowprice.traces.importers._lm_eval import Sample, is_written, sample_entries
from shadowprice.traces.importers._replies import Entry, Log, Skipped

_PRETRAINED = re.compile(r"(?:^|,)\s*(?:pretrained|model)=([^,]+)")


def read_lm_eval_results(log: Log) -> Iterator[Entry]:
    """Read the replies of all generating tasks; those of log-likelihoods are left out."""
    model = log.settings.model or _model(log.path)
    filters: dict[str, str] = {}
    for name, stream in object_fields(log.path, log.advance):
        if name != "samples":
            stream.value(f"field '{name}'")
            continue
        for task, number, record in _samples(stream):
            where = f"{log.path}, task '{task}', sample {number}"
            sample = check_record(Sample, record, where)
            chosen = log.settings.filter or filters.setdefault(task, sample.filter)
            yield from _entries(log, sample, record, task, model, chosen, where)


def _samples(stream: JsonStream) -> Iterator[tuple[str, int, Any]]:
    """The samples with their task and number, one by one: together they may be long."""
    stream.expect("{", "field 'samples'")
    while not stream.take("}"):
        task = str(stream.value("a task's name"))
        stream.expect(":", f"task '{task}'")
        for number, record in stream.items(f"task '{task}', sample"):
            yield task, number, record
        if not stream.take(","):
            stream.expect("}", f"task '{task}'")
            return


def _entries(
    log: Log, sample: Sample, record: dict[str, Any], task: str, model: str | None, chosen: str, where: str
) -> Iterator[Entry]:
    if not is_written(sample, where):
        yield Skipped("a task of log-likelihoods, where nothing is written")
    elif sample.filter != chosen:
        yield Skipped(f"the same reply under the filter '{sample.filter}' (--filter takes it instead)")
    else:
        yield from sample_entries(log, sample, record, log.settings.dataset or task, model, where)


def _model(path: Path) -> str | None:
    """The model's name, or what the arguments of the model say; they may stand behind the samples."""
    found: dict[str, Any] = {}
    for name, stream in object_fields(path):
        if name == "samples":
            for _ in _samples(stream):
                pass
        else:
            found[name] = stream.value(f"field '{name}'")
    if isinstance(found.get("model_name"), str) and found["model_name"]:
        return str(found["model_name"])
    config = found.get("config")
    arguments = config.get("model_args") if isinstance(config, dict) else None
    if isinstance(arguments, dict):
        given = arguments.get("pretrained") or arguments.get("model")
        return given if isinstance(given, str) else None
    match = _PRETRAINED.search(arguments) if isinstance(arguments, str) else None
    return match[1].strip() if match else None
