"""From a logged reply to a row of traces: the verdict, the lengths, and where the answer emerges."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from shadowprice._errors import InputError
from shadowprice.grading import emergence, find_answer, grade
from shadowprice.traces._schema import SCHEMA_VERSION
from shadowprice.traces.importers._replies import ImportSettings, LoggedReply, Skipped

_INT64 = 2**63


def make_row(reply: LoggedReply, settings: ImportSettings) -> dict[str, Any] | Skipped:
    """Judge a reply and measure it; the row still lacks its sample index.

    Raises:
        InputError: The question has no text, or the grader cannot be used.
    """
    asked = settings.questions.get(reply.query_id) or settings.questions.get(reply.key)
    question = reply.question or (asked.question if asked else "")
    if not question.strip():
        raise InputError(f"{reply.where}: the question has no text; give the questions with --questions.")
    golds = (asked.gold,) if asked and asked.gold else tuple(gold for gold in reply.golds if gold)
    grader = settings.grader or (asked.grader if asked and asked.gold else reply.grader)
    choices = asked.choices if asked else ()
    answer, end = _final_answer(reply, grader, choices, anew=settings.grader is not None)
    correct = reply.correct
    if settings.grader is not None or correct is None:
        if not golds:
            return Skipped("no reference answer to grade by (give --questions)")
        entry = asked.entry if asked else None
        correct = any(grade(answer or "", gold, grader, entry, choices) for gold in golds) and answer is not None
    completion = _length(reply, settings.chars_per_token)
    return {
        "query_id": reply.query_id,
        "dataset": settings.dataset or (asked.dataset if asked and asked.dataset else reply.dataset),
        "tier": (asked.tier if asked else "") or reply.tier,
        "model": settings.model or reply.model,
        "protocol": reply.protocol,
        "seed": reply.seed if reply.seed is not None and -_INT64 <= reply.seed < _INT64 else None,
        "temperature": reply.temperature,
        "question": question,
        "gold": golds[0] if golds else None,
        "completion": whole_text(reply) or None,
        "answer": answer,
        "correct": correct,
        "completion_tokens": completion,
        "answer_tokens": _emergence(reply, end, completion, settings.chars_per_token),
        "max_tokens": reply.max_tokens,
        "finish_reason": None if reply.censored is None else ("length" if reply.censored else "stop"),
        "schema_version": SCHEMA_VERSION,
    }


def whole_text(reply: LoggedReply) -> str:
    """Reasoning and reply, as a reasoning model writes them."""
    return f"<think>\n{reply.reasoning}\n</think>\n\n{reply.text}" if reply.reasoning else reply.text


class _Final(NamedTuple):
    """The final answer, and the position in the reply where it has emerged, each as far as it can be told."""

    answer: str | None
    end: int | None


def _final_answer(reply: LoggedReply, grader: str, choices: Sequence[str], *, anew: bool) -> _Final:
    """Find the final answer where it is stated.

    An answer that the log has read some other way counts in place of the stated one, unless it is graded anew; it
    stands where the reply has it last.
    """
    cut = bool(reply.censored)
    stated = find_answer(reply.text, grader, cut=cut, choices=choices)
    read = None if anew and stated is not None else reply.answer
    if stated is not None and (read is None or read in stated.text or stated.text in read):
        emerged = emergence(reply.text, grader, cut=cut, choices=choices)
        return _Final(stated.text if read is None else read, emerged.position if emerged else stated.end)
    if not read:
        return _Final(None, None)
    start = reply.text.rfind(read)
    return _Final(read, start + len(read) if start >= 0 else None)


def _length(reply: LoggedReply, chars_per_token: float) -> int:
    if reply.tokens is not None:
        return reply.tokens
    return math.ceil((len(reply.reasoning) + len(reply.text)) / chars_per_token)


def _emergence(reply: LoggedReply, end: int | None, completion: int, chars_per_token: float) -> int:
    """Tokens until the answer stands: its share of the characters, after the tokens of the reasoning.

    Where the answer cannot be found the whole reply counts. Reasoning that the log counts but does not show comes
    before every character that it shows; where it is neither shown nor counted, it is what the reply leaves over.
    """
    if reply.answer_tokens is not None:
        return min(reply.answer_tokens, completion)
    if end is None or not reply.text:
        return completion
    thoughts = reply.reasoning_tokens or 0
    if reply.withheld and not thoughts:
        thoughts = max(0, completion - math.ceil(len(reply.text) / chars_per_token))
    elif reply.reasoning and not thoughts:
        thoughts = round(completion * len(reply.reasoning) / (len(reply.reasoning) + len(reply.text)))
    thoughts = min(thoughts, completion)
    return thoughts + math.ceil((completion - thoughts) * min(1.0, end / len(reply.text)))
