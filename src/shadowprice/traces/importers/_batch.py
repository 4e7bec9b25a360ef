"""OpenAI Batch output, as providers, vLLM and `shadowprice run` write it, joined with what was asked."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from shadowprice._errors import InputError
from shadowprice.traces.importers._fields import Content, Count, Message, Record, check_record, last_asked, plain_text
from shadowprice.traces.importers._json import Advance, read_json_lines
from shadowprice.traces.importers._replies import AskedQuestion, Entry, ImportSettings, Log, LoggedReply, Skipped

_GOLDS = ("gold", "answer", "target")
_OK = 200


class _Details(Record):
    reasoning_tokens: Count | None = None


class _Usage(Record):
    completion_tokens: Count | None = None
    output_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    completion_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None

    @property
    def generated(self) -> int | None:
        """Tokens of reasoning and reply together."""
        return self.completion_tokens if self.completion_tokens is not None else self.output_tokens

    @property
    def thoughts(self) -> int | None:
        """Tokens of the reasoning, wherever the server puts them."""
        details = self.completion_tokens_details or self.output_tokens_details
        return self.reasoning_tokens if details is None else details.reasoning_tokens


class _Choice(Record):
    message: Message | None = None
    text: str | None = None
    finish_reason: str | None = None

    @property
    def reply(self) -> str:
        return self.message.text if self.message else self.text or ""

    @property
    def thoughts(self) -> str:
        return self.message.thoughts if self.message else ""


class _Item(Record):
    """An item of the output of a response."""

    type: str = ""
    content: Content = None
    summary: Content = None


class _Incomplete(Record):
    reason: str | None = None


class _Body(Record):
    model: str | None = None
    choices: list[_Choice] | None = None
    output: list[_Item] | None = None
    usage: _Usage | None = None
    incomplete_details: _Incomplete | None = None


class _Response(Record):
    status_code: int | None = None
    body: Any = None


class _Ours(Record):
    """What `shadowprice run` adds."""

    correct: bool | None = None
    answer: str | None = None


class _Line(Record):
    custom_id: str = Field(min_length=1)
    response: _Response | None = None
    error: Any = None
    shadowprice: _Ours | None = None


class _RequestBody(Record):
    messages: list[Message] | None = None
    prompt: Any = None
    input: Any = None
    metadata: dict[str, Any] | None = None


class _Request(Record):
    custom_id: str = Field(min_length=1)
    body: _RequestBody
    metadata: dict[str, Any] | None = None


def read_requests(path: Path, advance: Advance, settings: ImportSettings) -> dict[str, AskedQuestion]:
    """Read a Batch input file: what was asked, by custom id; reference answers and graders from its metadata."""
    asked: dict[str, AskedQuestion] = {}
    for line, record in read_json_lines(path, advance):
        request = check_record(_Request, record, f"{path}, line {line}")
        known = {**(request.body.metadata or {}), **(request.metadata or {})}
        gold = next((known[name] for name in _GOLDS if known.get(name) not in (None, "")), "")
        grader = str(known.get("grader") or "exact")
        try:
            if settings.grader is None:
                settings.admit(grader)
        except InputError as error:
            raise InputError(f"{path}, line {line}, field 'metadata.grader': {error}") from error
        asked[request.custom_id] = AskedQuestion(
            question=_asked(request.body),
            gold=str(gold),
            grader=grader,
            dataset=str(known.get("dataset") or ""),
            tier=str(known.get("tier") or ""),
        )
    return asked


def _asked(body: _RequestBody) -> str:
    if body.messages:
        return last_asked(body.messages)
    if isinstance(body.input, list):
        return last_asked([Message.model_validate(one) for one in body.input if isinstance(one, dict)])
    given = body.prompt if body.prompt is not None else body.input
    return given if isinstance(given, str) else ""


def read_batch(log: Log) -> Iterator[Entry]:
    """Read the replies of a Batch output or error file; choices of a line are replies to the same question."""
    for line, record in read_json_lines(log.path, log.advance):
        yield from _entries(check_record(_Line, record, f"{log.path}, line {line}"), f"{log.path}, line {line}", log)


def _entries(line: _Line, where: str, log: Log) -> Iterator[Entry]:
    if line.error or line.response is None or line.response.status_code not in (None, _OK):
        yield Skipped("the request failed" if not _is_ours(line) else "no reply (abandoned or interrupted)")
        return
    body = check_record(_Body, line.response.body, f"{where}, field 'response.body'")
    choices = body.choices if body.choices is not None else _from_output(body)
    if not choices:
        yield Skipped("no reply")
        return
    if line.custom_id not in log.settings.questions:
        yield Skipped("no question of this id (give the Batch input as well, or --questions)")
        return
    tokens = body.usage.generated if body.usage else None
    if len(choices) > 1 and tokens is not None:
        log.note("tokens of several replies to one request are split by their characters")
    lengths = [len(choice.reply) + len(choice.thoughts) for choice in choices]
    for choice, length in zip(choices, lengths, strict=True):
        yield LoggedReply(
            query_id=line.custom_id,
            question="",
            model=body.model,
            protocol="openai-batch",
            text=choice.reply,
            reasoning=choice.thoughts,
            correct=line.shadowprice.correct if line.shadowprice else None,
            answer=line.shadowprice.answer if line.shadowprice else None,
            tokens=tokens if tokens is None or len(choices) == 1 else round(tokens * length / max(1, sum(lengths))),
            reasoning_tokens=body.usage.thoughts if body.usage and len(choices) == 1 else None,
            censored=None if choice.finish_reason is None else choice.finish_reason in ("length", "max_output_tokens"),
            where=where,
        )


def _is_ours(line: _Line) -> bool:
    code = line.error.get("code") if isinstance(line.error, Mapping) else None
    return line.shadowprice is not None and code in ("abandoned", "interrupted")


def _from_output(body: _Body) -> list[_Choice]:
    """The reply of the endpoint /v1/responses, in the words of /v1/chat/completions."""
    text = "\n\n".join(plain_text(item.content) for item in body.output or () if item.type == "message")
    thoughts = "\n\n".join(
        plain_text(item.content) or plain_text(item.summary) for item in body.output or () if item.type == "reasoning"
    )
    if not text and not thoughts:
        return []
    reason = body.incomplete_details.reason if body.incomplete_details else "stop"
    message = Message(role="assistant", content=text, reasoning=thoughts)
    return [_Choice(message=message, finish_reason=reason)]
