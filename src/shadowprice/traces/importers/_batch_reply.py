"""A line of a batch's output, whoever wrote it."""

from dataclasses import dataclass, field

from shadowprice.traces.importers._fields import Message


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the replies to a request."""

    message: Message
    finish: str | None = None
    """Why it ended, in the words of its server."""
    withheld: bool = False
    """Is its reasoning missing or only summed up?"""


@dataclass(frozen=True, slots=True)
class BatchReply:
    """What a line says; no choices where the request failed."""

    custom_id: str
    protocol: str
    failed: bool = False
    model: str | None = None
    choices: list[Choice] = field(default_factory=list)
    tokens: int | None = None
    """Reasoning and reply of all choices together."""
    reasoning_tokens: int | None = None
    correct: bool | None = None
    """Verdict of `shadowprice run`."""
    answer: str | None = None
    reason: str = "the request failed"
    """Why there are no choices."""
