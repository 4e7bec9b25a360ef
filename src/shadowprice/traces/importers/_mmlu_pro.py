"""Outputs of MMLU-Pro's own scripts: a JSON list of questions with the replies beside them, or a zip of such."""

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice.traces.importers._fields import Record, check_record
from shadowprice.traces.importers._json import JsonStream
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply, Skipped
from shadowprice.traces.importers._zip import ZipLog

MMLU_PRO_FIELDS = {"question_id", "question", "options", "answer"}
"""What every question has."""

MMLU_PRO_REPLIES = {"response", "model_outputs", "generated_text"}
"""Where the reply is: its scripts for servers, for newer and for local models."""

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIX = "model_outputs_"


class _Item(Record):
    question_id: str
    question: str = Field(min_length=1)
    options: list[str]
    answer: str = Field(min_length=1)
    category: str | None = None
    pred: str | None = None
    response: str | None = None
    model_outputs: str | None = None
    generated_text: str | None = None


def read_mmlu_pro(log: Log) -> Iterator[Entry]:
    """Read the replies; a verdict is whether the letter that the scripts read from a reply is the right one.

    Where they read none they guess one when they count, and the reply is graded here.
    """
    with log.path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    for where, record in _zipped(log) if is_zip else _listed(log):
        if not isinstance(record, dict):
            raise InputError(f"{where}: not a JSON object; give an unchanged output file.")
        yield _entry(log, check_record(_Item, record, where), where)


def _listed(log: Log) -> Iterator[tuple[str, Any]]:
    with JsonStream(log.path, log.advance) as stream:
        for number, record in stream.items("item"):
            yield f"{log.path}, item {number}", record


def _zipped(log: Log) -> Iterator[tuple[str, Any]]:
    with ZipLog(log.path) as archive:
        for name in json_members(archive.names):
            where = f"{log.path}, member '{name}'"
            log.advance(archive.size(name))
            records = parse_json(archive.read(name), where)
            if not isinstance(records, list):
                log.note(f"'{name}' is no list of replies and was left out")
                continue
            for number, record in enumerate(records):
                yield f"{where}, item {number}", record


def json_members(names: list[str]) -> list[str]:
    """The JSON files in a zip, without those that a Mac adds."""
    return [name for name in names if name.endswith(".json") and not name.startswith("__MACOSX")]


def _entry(log: Log, item: _Item, where: str) -> Entry:
    text = item.response or item.model_outputs or item.generated_text
    if not text:
        return Skipped("no reply")
    choices = [f"{letter}) {option}" for letter, option in zip(_LETTERS, item.options, strict=False)]
    return LoggedReply(
        query_id=f"{log.settings.dataset or 'mmlu-pro'}/{item.question_id}",
        key=item.question_id,
        question="\n".join([item.question, *choices]),
        golds=(item.answer,),
        dataset=log.settings.dataset or (f"mmlu-pro/{item.category}" if item.category else "mmlu-pro"),
        model=_model(log),
        protocol="mmlu-pro",
        text=text,
        correct=None if item.pred is None else item.pred == item.answer,
        answer=item.pred,
        grader="choice",
        where=where,
    )


def _model(log: Log) -> str | None:
    """The model, which the name of a zip file tells."""
    stem = log.path.stem
    return stem.removeprefix(_PREFIX).rpartition("_")[0] or None if stem.startswith(_PREFIX) else None
