"""Batch output of OpenAI, Anthropic and Gemini, joined with what was asked."""

from collections.abc import Iterator
from typing import Any

from shadowprice.traces.importers._anthropic import read_anthropic
from shadowprice.traces.importers._batch_reply import BatchReply
from shadowprice.traces.importers._endings import is_cut_off, no_answer
from shadowprice.traces.importers._gemini import read_gemini
from shadowprice.traces.importers._json import read_json_lines
from shadowprice.traces.importers._openai import read_openai
from shadowprice.traces.importers._replies import Entry, Log, LoggedReply, Skipped


def read_batch(log: Log) -> Iterator[Entry]:
    """Read the replies of a batch's output or error file; choices of a line are replies to the same question."""
    for line, record in read_json_lines(log.path, log.advance):
        where = f"{log.path}, line {line}"
        yield from _entries(_read(record, where), where, log)


def _read(record: dict[str, Any], where: str) -> BatchReply:
    if "result" in record:
        return read_anthropic(record, where)
    return read_gemini(record, where) if "key" in record and "custom_id" not in record else read_openai(record, where)


def _entries(reply: BatchReply, where: str, log: Log) -> Iterator[Entry]:
    if reply.failed or not reply.choices:
        yield Skipped(reply.reason if reply.failed else "no reply")
        return
    if reply.custom_id not in log.settings.questions:
        yield Skipped("no question of this id (give the batch's input as well, or --questions)")
        return
    single = len(reply.choices) == 1
    if not single and reply.tokens is not None:
        log.note("tokens of several replies to one request are split by their characters")
    lengths = [len(choice.message.text) + len(choice.message.thoughts) for choice in reply.choices]
    for choice, length in zip(reply.choices, lengths, strict=True):
        stopped = no_answer(choice.finish, choice.message)
        if stopped is not None:
            yield stopped
            continue
        tokens = reply.tokens
        yield LoggedReply(
            query_id=reply.custom_id,
            question="",
            model=reply.model,
            protocol=reply.protocol,
            text=choice.message.text,
            reasoning=choice.message.thoughts,
            correct=reply.correct,
            answer=reply.answer,
            tokens=tokens if tokens is None or single else round(tokens * length / max(1, sum(lengths))),
            reasoning_tokens=reply.reasoning_tokens if single else None,
            withheld=choice.withheld,
            censored=is_cut_off(choice.finish),
            where=where,
        )
