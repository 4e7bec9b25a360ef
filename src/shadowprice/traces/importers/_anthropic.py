"""Lines of Anthropic's Message Batches: `{"custom_id": …, "result": …}`."""

from typing import Any

from pydantic import Field

from shadowprice.traces.importers._batch_reply import BatchReply, Choice
from shadowprice.traces.importers._fields import Content, Count, Message, Part, Record, check_record


class _Usage(Record):
    output_tokens: Count | None = None


class _Message(Record):
    model: str | None = None
    content: Content = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Result(Record):
    type: str
    message: _Message | None = None


class _Line(Record):
    custom_id: str = Field(min_length=1)
    result: _Result


def read_anthropic(record: dict[str, Any], where: str) -> BatchReply:
    """Read a line; the output tokens include the thinking, of which the text may be a summary.

    Raises:
        InputError: A field is not what it should be.
    """
    line = check_record(_Line, record, where)
    message = line.result.message
    if line.result.type != "succeeded" or message is None:
        return BatchReply(line.custom_id, "anthropic-batch", failed=True)
    parts = message.content if isinstance(message.content, list) else ()
    calls = [part.type for part in parts if isinstance(part, Part) and part.type == "tool_use"]
    said = Message(role="assistant", content=message.content, tool_calls=calls)
    return BatchReply(
        line.custom_id,
        "anthropic-batch",
        model=message.model,
        choices=[Choice(said, message.stop_reason, withheld=bool(said.thoughts) or said.withheld)],
        tokens=message.usage.output_tokens if message.usage else None,
    )
