"""Fields of a record, checked; what is wrong is said with its place."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NoReturn, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shadowprice._errors import InputError
from shadowprice.traces.importers._replies import MAX_COUNT

Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
"""A number of tokens."""


class Record(BaseModel):
    """Part of a log; fields that nobody asked for are let pass."""

    # Built when first used: this package is imported by every command.
    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True, defer_build=True)


_R = TypeVar("_R", bound=Record)


def check_record(kind: type[_R], record: Any, where: str) -> _R:
    """Read the fields of a record.

    Raises:
        InputError: One is missing or is not what it should be.
    """
    try:
        return kind.model_validate(record)
    except ValidationError as error:
        _refuse(error, record, where)


def _refuse(error: ValidationError, record: Any, where: str) -> NoReturn:
    problem = error.errors(include_url=False, include_input=False)[0]
    is_missing = problem["type"] == "missing"
    field = ".".join(_place(record, problem["loc"], is_missing)) or "the whole"
    if is_missing:
        raise InputError(f"{where}, field '{field}': missing; is the log of another version, or cut short?") from error
    message = problem["msg"]
    raise InputError(f"{where}, field '{field}': {message[:1].lower()}{message[1:]}; correct it.") from error


def _place(record: Any, location: tuple[int | str, ...], is_missing: bool) -> Iterator[str]:
    """The keys that lead to a value, without the kinds that pydantic names where a value may be of several."""
    for depth, part in enumerate(location, start=1):
        inside = part in record if isinstance(record, dict) else isinstance(record, list) and isinstance(part, int)
        if inside:
            record = record[part]
        if inside or (is_missing and depth == len(location)):
            yield str(part)


class Part(Record):
    """A part of a message: text, or the reasoning before it."""

    type: str = "text"
    text: str | None = None
    reasoning: str | None = None
    thinking: "str | list[Part] | None" = None
    summary: Any = None
    redacted: bool = False

    @property
    def thoughts(self) -> str:
        """The reasoning, its summary where it is encrypted, or nothing."""
        if self.redacted:
            return self.summary if isinstance(self.summary, str) else ""
        if isinstance(self.thinking, list):
            return "\n".join(part.text for part in self.thinking if part.text)
        return self.reasoning or self.thinking or ""


Content = str | list[str | Part] | None


def plain_text(content: Content) -> str:
    """The text of a message, without its reasoning, pictures and tool calls."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part if isinstance(part, str) else part.text or "" for part in content).strip("\n")


def reasoning_text(content: Content) -> str:
    """The reasoning in a message."""
    if content is None or isinstance(content, str):
        return ""
    return "\n".join(part.thoughts for part in content if isinstance(part, Part) and part.thoughts)


class Message(Record):
    """A chat message."""

    role: str = ""
    content: Content = None
    source: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: Any = None
    tool_calls: Any = None

    @property
    def refused(self) -> bool:
        """Does it say, in place of a reply, that there will be none?"""
        parts = self.content if isinstance(self.content, list) else ()
        return bool(self.refusal) or any(isinstance(part, Part) and part.type == "refusal" for part in parts)

    @property
    def withheld(self) -> bool:
        """Is reasoning encrypted or only summed up, so that its characters do not say how long it was?"""
        parts = self.content if isinstance(self.content, list) else ()
        return any(isinstance(part, Part) and (part.redacted or part.type == "redacted_thinking") for part in parts)

    @property
    def text(self) -> str:
        """What was said."""
        return plain_text(self.content)

    @property
    def thoughts(self) -> str:
        """What was reasoned before."""
        return self.reasoning_content or self.reasoning or reasoning_text(self.content)


def last_asked(messages: Sequence[Message]) -> str:
    """The text of the last user message; of the last message if no user speaks."""
    asked = [message.text for message in messages if message.role == "user"]
    return asked[-1] if asked else (messages[-1].text if messages else "")
