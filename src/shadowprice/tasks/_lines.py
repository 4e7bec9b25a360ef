"""A row of a file as a question: its fields, checked, or what is wrong with them in one sentence."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from shadowprice._columns import lookup, plain, shown
from shadowprice._errors import InputError
from shadowprice._json import parse_json
from shadowprice.tasks._choices import NONE, Choices, read_choices
from shadowprice.tasks._columns import NAMES, Columns
from shadowprice.tasks._golds import read_gold, read_scalar
from shadowprice.tasks._questions import Question
from shadowprice.tasks._rows import Row

_Written = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
_JSON: Final = ("entry", "messages")
"""Fields that a cell of a table may hold as JSON text."""
_READ_OF_BODY: Final = ("messages",)
_READ_OF_BATCH: Final = ("custom_id", "method", "url", "body")
_SCALARS: Final = ("query_id", "dataset", "tier", "family", "grader")


class _Message(BaseModel):
    role: _Written
    content: str


class _Turn(_Message):
    """A message of a question, which may hold what only its server understands."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, str]


class _Line(BaseModel):
    """A question as a line of a file holds it."""

    model_config = ConfigDict(extra="ignore")

    query_id: _Written
    question: _Written
    gold: str = ""
    dataset: str = ""
    tier: str = ""
    family: str = ""
    grader: _Written = "exact"
    entry: dict[str, Any] | None = None
    choices: tuple[str, ...] = ()
    messages: Annotated[tuple[_Turn, ...], Field(min_length=1)] | None = None


class _Body(BaseModel):
    messages: list[_Message]


class _BatchLine(BaseModel):
    """A line of an OpenAI Batch file."""

    custom_id: _Written
    body: _Body


@dataclass(frozen=True, slots=True)
class Draft:
    """A question as its row says it; what the right answer is may depend on the other rows."""

    question: Question
    place: str
    where: str
    """File, place and field of the right answer, for what is wrong with it."""
    gold: Any = ""
    """The right answer as it stands there."""
    choices: Choices = NONE
    names_grader: bool = False
    """Whether the row says how to grade."""


def is_batch(row: Row, wanted: Mapping[str, str]) -> bool:
    """Whether a row is a request of the OpenAI Batch format."""
    values = row.values
    return (
        values.get("body") is not None
        and not isinstance(values["body"], str)
        and values.get("question") is None
        and "question" not in wanted
    )


def read_batch(row: Row, source: Path) -> Draft:
    """A request of a batch, whose messages are taken as they are.

    Raises:
        InputError: A field is missing or not right, or no user asks anything.
    """
    where = f"{source}, {row.place}"
    try:
        request = _BatchLine.model_validate({name: value for name, value in row.values.items() if value is not None})
    except ValidationError as error:
        _refuse(error, where, {})
    beside = _gold_beside(row)
    gold = read_gold(row.values[beside], f"{where}, field '{shown(beside)}'") if beside else ""
    messages = tuple(message.model_dump() for message in request.body.messages)
    asked = _last_asked(messages)
    if not asked.strip():
        raise InputError(f"{where}, field 'body.messages': no user message asks anything: add one with content.")
    question = Question(
        query_id=request.custom_id, question=asked, messages=messages, gold=str(read_scalar(gold) or "")
    )
    return Draft(question, row.place, where, gold)


def ignored_of_batch(rows: Iterable[Row]) -> str:
    """What requests of a batch say that nobody here reads, such as ``model`` and ``max_tokens``; empty if nothing."""
    found: dict[str, None] = {}
    for row in rows:
        found.update(dict.fromkeys(name for name in row.values["body"] if name not in _READ_OF_BODY))
        known = {*_READ_OF_BATCH, _gold_beside(row)}
        found.update(dict.fromkeys(name for name in row.values if name not in known))
    return shown(*found)


def _gold_beside(row: Row) -> str:
    """The field of a batch's request that holds its right answer; the format has none, but people add one."""
    names = {plain(name): name for name in row.values}
    return next((names[name] for name in NAMES["gold"] if name in names), "")


def read_line(row: Row, columns: Columns, source: Path) -> Draft:
    """A question by its fields.

    Raises:
        InputError: A field is missing or not right.
    """
    where = f"{source}, {row.place}"

    def named(role: str) -> str:
        column = columns.taken.get(role, role)
        return f"{where}, field '{role}'" + (f" (column `{shown(column)}`)" if column != role else "")

    given = {role: lookup(row.values, name) for role, name in columns.taken.items()}
    given = {role: value for role, value in given.items() if value is not None and value == value}  # null and NaN
    for role in _JSON:
        if isinstance(given.get(role), str):
            advice = f"write it as JSON or leave it out (--columns {role}=)."
            given[role] = parse_json(given[role], named(role), strict=True, advice=advice)
    for role in _SCALARS:
        if role in given:
            given[role] = _scalar(given[role], named(role))
    choices = _choices(row, columns, given, named("choices"))
    gold = read_gold(given.pop("gold", ""), named("gold"))
    asked = given.get("question")
    if _is_chat(asked):
        given.setdefault("messages", asked)
        del given["question"]
    elif asked is not None and not isinstance(asked, str):
        raise InputError(f"{named('question')}: {repr(asked)[:40]} is not a text: write the question as a text.")
    if _is_chat(given.get("messages")) and not str(gold or "").strip():
        given["messages"], gold = _answered(given["messages"], gold)
    if "question" not in given and _is_chat(given.get("messages")):
        given["question"] = _last_asked(given["messages"])
    try:
        checked = _Line.model_validate(
            {"query_id": f"q{row.number}", **given, "gold": read_scalar(gold), "choices": choices.texts}
        )
    except ValidationError as error:
        _refuse(error, where, columns.taken)
    values = {field.name: getattr(checked, field.name) for field in fields(Question)}
    if checked.messages is not None:
        values["messages"] = tuple(message.model_dump() for message in checked.messages)
    return Draft(Question(**values), row.place, named("gold"), gold, choices, "grader" in given)


def _scalar(value: Any, where: str) -> str:
    said = read_scalar(value)
    if said is None:
        raise InputError(f"{where}: {repr(value)[:40]} is neither a text nor a number: correct it.")
    return said


def _choices(row: Row, columns: Columns, given: dict[str, Any], where: str) -> Choices:
    if columns.lettered:
        cells = [read_scalar(row.values.get(name)) or "" for name in columns.lettered]
        while cells and not cells[-1].strip():
            cells.pop()
        return read_choices(cells, where, columns.lettered)
    held = given.pop("choices", None)
    return NONE if held is None else read_choices(held, where)


def _is_chat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "role" in one for one in value)


def _answered(messages: list[Any], gold: Any) -> tuple[list[Any], Any]:
    """Messages as for fine-tuning: what the assistant says last is the right answer, and must not be sent along."""
    last = messages[-1]
    if last.get("role") != "assistant" or not isinstance(last.get("content"), str) or len(messages) == 1:
        return messages, gold
    return messages[:-1], last["content"].strip()


def _last_asked(messages: Any) -> str:
    asked = [message.get("content") for message in messages if message.get("role") == "user"]
    return asked[-1] if asked and isinstance(asked[-1], str) else ""


def _refuse(error: ValidationError, where: str, taken: Mapping[str, str]) -> NoReturn:
    problem = error.errors()[0]
    field = ".".join(str(part) for part in problem["loc"])
    column = taken.get(str(problem["loc"][0]), "") if problem["loc"] else ""
    said = f" (column `{shown(column)}`)" if column and column != str(problem["loc"][0]) else ""
    if problem["type"] == "missing":
        what = "missing: add it"
    elif problem["type"].startswith("string_") and problem["type"] != "string_type":
        what = "blank: fill it in"
    else:
        what = f"{problem['msg'][:1].lower()}{problem['msg'][1:]}: correct it"
    raise InputError(f"{where}, field '{field}'{said}: {what}.") from error
