"""Lines of a Gemini batch: `{"key": …, "response": …}`, a GenerateContentResponse of the public API."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import AliasChoices, Field

from shadowprice.traces.importers._batch_reply import BatchReply, Choice
from shadowprice.traces.importers._endings import count_generated
from shadowprice.traces.importers._fields import Count, Message, Record, check_record


def _either(camel: str, snake: str) -> Any:
    """A field in the spelling of the API or of its Python library."""
    return Field(default=None, validation_alias=AliasChoices(camel, snake))


class _Part(Record):
    text: str | None = None
    thought: bool | None = None
    call: Any = _either("functionCall", "function_call")


class Turn(Record):
    """What one side said."""

    role: str | None = None
    parts: list[_Part] | None = None

    def said(self, *, thought: bool = False) -> str:
        """The text, or the thoughts before it."""
        return "".join(part.text for part in self.parts or () if part.text and bool(part.thought) is thought)


class _Candidate(Record):
    content: Turn | None = None
    finish: str | None = _either("finishReason", "finish_reason")


class _Usage(Record):
    candidates: Count | None = _either("candidatesTokenCount", "candidates_token_count")
    thoughts: Count | None = _either("thoughtsTokenCount", "thoughts_token_count")


class _Feedback(Record):
    blocked: str | None = _either("blockReason", "block_reason")


class _Response(Record):
    candidates: list[_Candidate] | None = None
    feedback: _Feedback | None = _either("promptFeedback", "prompt_feedback")
    usage: _Usage | None = _either("usageMetadata", "usage_metadata")
    model: str | None = _either("modelVersion", "model_version")


class _Line(Record):
    key: str = Field(min_length=1)
    response: Any = None
    error: Any = None


def last_turn(turns: Sequence[Turn]) -> str:
    """The text of the user's last turn; who says nothing of a role is the user."""
    asked = [turn.said() for turn in turns if turn.role in (None, "", "user")]
    return asked[-1] if asked else ""


def read_gemini(record: dict[str, Any], where: str) -> BatchReply:
    """Read a line; what was thought is counted apart from the candidates.

    Raises:
        InputError: A field is not what it should be.
    """
    line = check_record(_Line, record, where)
    if line.error or line.response is None:
        return BatchReply(line.key, "gemini-batch", failed=True)
    body = check_record(_Response, line.response, f"{where}, field 'response'")
    choices = list(_choices(body))
    if not choices and body.feedback and body.feedback.blocked:
        choices = [Choice(Message(), "content_filter")]
    usage = body.usage or _Usage()
    written = usage.candidates if usage.candidates is not None or usage.thoughts is None else 0
    return BatchReply(
        line.key,
        "gemini-batch",
        model=body.model,
        choices=choices,
        tokens=None if written is None else count_generated(written + (usage.thoughts or 0), None),
        reasoning_tokens=usage.thoughts,
    )


def _choices(body: _Response) -> Iterator[Choice]:
    for candidate in body.candidates or ():
        content = candidate.content or Turn()
        message = Message(
            role="assistant",
            content=content.said(),
            reasoning=content.said(thought=True),
            tool_calls=[part.call for part in content.parts or () if part.call],
        )
        yield Choice(message, candidate.finish)
