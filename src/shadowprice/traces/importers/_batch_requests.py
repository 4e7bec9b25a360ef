"""What was asked in a batch, as the input files of OpenAI, Anthropic and Gemini say it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice.traces.importers._fields import Message, Record, check_record, last_asked
from shadowprice.traces.importers._gemini import Turn, last_turn
from shadowprice.traces.importers._json import Advance, read_json_lines
from shadowprice.traces.importers._replies import AskedQuestion, ImportSettings

_GOLDS = ("gold", "answer", "target")


class _Body(Record):
    """What OpenAI calls body, Anthropic params and Gemini request."""

    messages: list[Message] | None = None
    prompt: Any = None
    input: Any = None
    contents: list[Turn] | None = None
    metadata: dict[str, Any] | None = None
    labels: dict[str, Any] | None = None


class _Request(Record):
    custom_id: str = Field(min_length=1)
    body: _Body
    metadata: dict[str, Any] | None = None


def is_request(record: Mapping[str, Any]) -> bool:
    """Is this a line of what was asked, and not of what was answered?"""
    if "custom_id" in record:
        return ("body" in record or "params" in record) and not {"response", "result"} & set(record)
    return {"key", "request"} <= set(record) and not {"response", "error"} & set(record)


def read_requests(path: Path, advance: Advance, settings: ImportSettings) -> dict[str, AskedQuestion]:
    """Read a batch input file: what was asked, by custom id; reference answers and graders from its metadata."""
    asked: dict[str, AskedQuestion] = {}
    for line, record in read_json_lines(path, advance):
        request = check_record(_Request, _as_openai(record), f"{path}, line {line}")
        body = request.body
        known = {**(body.labels or {}), **(body.metadata or {}), **(request.metadata or {})}
        gold = next((known[name] for name in _GOLDS if known.get(name) not in (None, "")), "")
        grader = str(known.get("grader") or "exact")
        try:
            if settings.grader is None:
                settings.admit(grader)
        except InputError as error:
            raise InputError(f"{path}, line {line}, field 'metadata.grader': {error}") from error
        asked[request.custom_id] = AskedQuestion(
            question=_asked(body),
            gold=str(gold),
            grader=grader,
            dataset=str(known.get("dataset") or ""),
            tier=str(known.get("tier") or ""),
        )
    return asked


def _as_openai(record: dict[str, Any]) -> dict[str, Any]:
    """The two fields that matter under OpenAI's names, if they have none of their own."""
    names = {"custom_id": "key", "body": "params" if "params" in record else "request"}
    return record | {name: record[other] for name, other in names.items() if name not in record and other in record}


def _asked(body: _Body) -> str:
    if body.messages:
        return last_asked(body.messages)
    if body.contents:
        return last_turn(body.contents)
    if isinstance(body.input, list):
        return last_asked([Message.model_validate(one) for one in body.input if isinstance(one, dict)])
    given = body.prompt if body.prompt is not None else body.input
    return given if isinstance(given, str) else ""
