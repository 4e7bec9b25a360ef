"""Lines of an OpenAI Batch, as providers, vLLM and `shadowprice run` write them: `{"custom_id": …, "response": …}`."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from shadowprice.traces.importers._batch_reply import BatchReply, Choice
from shadowprice.traces.importers._endings import count_generated, count_reasoning
from shadowprice.traces.importers._fields import Content, Count, Message, Part, Record, check_record, plain_text

_OK = 200


class _Details(Record):
    reasoning_tokens: Count | None = None


class _Usage(Record):
    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    total_tokens: Count | None = None
    reasoning_tokens: Count | None = None
    completion_tokens_details: _Details | None = None
    output_tokens_details: _Details | None = None

    @property
    def _output(self) -> int | None:
        return self.completion_tokens if self.completion_tokens is not None else self.output_tokens

    @property
    def _reasoning(self) -> int | None:
        """Tokens of the reasoning, wherever the server puts them."""
        details = self.completion_tokens_details or self.output_tokens_details
        return self.reasoning_tokens if details is None else details.reasoning_tokens

    @property
    def generated(self) -> int | None:
        """Tokens of reasoning and reply together."""
        prompt = self.prompt_tokens if self.prompt_tokens is not None else self.input_tokens
        return count_generated(self._output, self._reasoning, total=self.total_tokens, prompt=prompt)

    @property
    def thoughts(self) -> int | None:
        """Tokens of the reasoning."""
        return count_reasoning(self._output, self._reasoning, self.generated)


class _Choice(Record):
    message: Message | None = None
    text: str | None = None
    finish_reason: str | None = None


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


def read_openai(record: dict[str, Any], where: str) -> BatchReply:
    """Read a line of any of the endpoints.

    Raises:
        InputError: A field is not what it should be.
    """
    line = check_record(_Line, record, where)
    if line.error or line.response is None or line.response.status_code not in (None, _OK):
        reason = "no reply (abandoned or interrupted)" if _is_ours(line) else "the request failed"
        return BatchReply(line.custom_id, "openai-batch", failed=True, reason=reason)
    body = check_record(_Body, line.response.body, f"{where}, field 'response.body'")
    return BatchReply(
        line.custom_id,
        "openai-batch",
        model=body.model,
        choices=_from_output(body) if body.choices is None else [_from_chat(choice) for choice in body.choices],
        tokens=body.usage.generated if body.usage else None,
        reasoning_tokens=body.usage.thoughts if body.usage else None,
        correct=line.shadowprice.correct if line.shadowprice else None,
        answer=line.shadowprice.answer if line.shadowprice else None,
    )


def _is_ours(line: _Line) -> bool:
    code = line.error.get("code") if isinstance(line.error, Mapping) else None
    return line.shadowprice is not None and code in ("abandoned", "interrupted")


def _from_chat(choice: _Choice) -> Choice:
    message = choice.message or Message(role="assistant", content=choice.text)
    return Choice(message, choice.finish_reason, withheld=message.withheld)


def _from_output(body: _Body) -> list[Choice]:
    """The reply of the endpoint /v1/responses, in the words of /v1/chat/completions."""
    items = body.output or ()
    parts: list[str | Part] = []
    for item in items:
        if item.type == "message":
            parts += item.content if isinstance(item.content, list) else [plain_text(item.content)]
    thoughts = "\n\n".join(
        plain_text(item.content) or plain_text(item.summary) for item in items if item.type == "reasoning"
    )
    calls = [item.type for item in items if item.type.endswith("_call")]
    message = Message(role="assistant", content=parts, reasoning=thoughts, tool_calls=calls)
    if not message.text and not thoughts and not calls and not message.refused:
        return []
    reason = body.incomplete_details.reason if body.incomplete_details else "stop"
    return [Choice(message, reason, withheld=any(item.type == "reasoning" and not item.content for item in items))]
