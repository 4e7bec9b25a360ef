"""Replies that ended in something other than a reply, and what a usage counts."""

from typing import Final

from shadowprice.traces.importers._fields import Message
from shadowprice.traces.importers._replies import MAX_COUNT, Skipped

CUT_OFF: Final = ("length", "max_output_tokens", "max_tokens", "model_length", "model_context_window_exceeded")
"""Reasons why a reply ended that mean a limit, as servers and logs spell them, in small letters."""

_FILTERED: Final = ("content_filter", "safety", "recitation", "blocklist", "prohibited_content", "spii", "language")
_CALLS: Final = ("tool_calls", "tool_use", "function_call", "malformed_function_call", "unexpected_tool_call")


def is_cut_off(reason: str | None) -> bool | None:
    """Was a reply cut off by a limit? None where the log does not say."""
    return None if reason is None else reason.casefold() in CUT_OFF


def no_answer(reason: str | None, message: Message) -> Skipped | None:
    """Why what the model wrote says nothing of whether it could answer; None where it is a reply.

    A filter's cut, a refusal and a call of a tool are neither right nor wrong, and as long as somebody else made them.
    """
    ended = (reason or "").casefold()
    if ended in _FILTERED:
        return Skipped("a content filter ended the reply")
    if ended == "refusal" or (message.refused and not message.text):
        return Skipped("the model refused to answer")
    if (ended in _CALLS or message.tool_calls) and not message.text:
        return Skipped("a tool call in place of a reply")
    if ended in _CALLS:
        return Skipped("the reply ends in a tool call")
    return None


def count_generated(
    output: int | None, reasoning: int | None, *, total: int | None = None, prompt: int | None = None
) -> int | None:
    """Tokens of reasoning and reply together, None where nothing is counted.

    Some servers leave the reasoning out of the output and count it in the total alone.

    Args:
        output: What the server calls output or completion.
        reasoning: What it says was reasoning.
        total: Of prompt and everything that was written.
        prompt: Everything that was read.
    """
    if output is None:
        return None
    written = output if output >= (reasoning or 0) else output + (reasoning or 0)
    if total is not None and prompt is not None:
        written = max(written, total - prompt)
    return min(written, MAX_COUNT)


def count_reasoning(output: int | None, reasoning: int | None, generated: int | None) -> int | None:
    """Tokens of the reasoning, where the server says, or leaves them out of the output."""
    outside = (generated or 0) - (output or 0)
    return max(reasoning or 0, outside) if reasoning is not None or outside > 0 else None
