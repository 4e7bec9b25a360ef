"""Recording traces: ask a model every question several times, grade the replies, find where answers emerge."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa

from shadowprice._errors import EngineError, InputError, no_such
from shadowprice._text import all_kept
from shadowprice.engines import AbstractEngine, Request
from shadowprice.runner._journal import Journal
from shadowprice.runner._judge import check_questions, judge, sample_seed
from shadowprice.runner._reply import Reply, read_reply
from shadowprice.runner._retries import Retries
from shadowprice.tasks import (
    BARE,
    ESTIMATE_TOKENS,
    PROTOCOL,
    TALE_PROTOCOL,
    Asking,
    Question,
    ask_for_estimate,
    ask_within,
    build_messages,
    fingerprint,
    read_estimate,
)
from shadowprice.traces import SCHEMA_VERSION, TRACE_SCHEMA, pack_confidence, write_traces

PROTOCOLS: Final = ("plain", "tale-ep")
"""Ways of asking."""
_MOST_SAMPLES: Final = 1_000_000
_BARE: Final = Asking(instruction=False)


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """How to ask."""

    samples: int = 4
    """Replies per question."""
    max_tokens: int = 256
    """Hard cap on each reply, tokens."""
    temperature: float = 0.5
    """Sampling temperature; 0 is greedy."""
    seed: int = 0
    """Every reply's own seed is derived from it, the question's id and the sample's number."""
    protocol: Literal["plain", "tale-ep"] = "plain"
    """`tale-ep` first asks the model how many tokens it needs, then asks for an answer within them."""
    confidence: bool = False
    """Ask how sure the model is of its tokens, where the engine tells, and keep that."""

    def __post_init__(self) -> None:
        if self.samples < 1 or self.max_tokens < 1:
            raise InputError(
                f"Asked for {self.samples} samples of at most {self.max_tokens} tokens; both must be 1 or more."
            )
        if self.samples > _MOST_SAMPLES or self.max_tokens > 2**53:
            raise InputError(
                f"Asked for {self.samples} samples of at most {self.max_tokens} tokens; at most {_MOST_SAMPLES} and "
                "2**53 can be."
            )
        if self.protocol not in PROTOCOLS:
            raise no_such("protocol", self.protocol, PROTOCOLS)
        if not 0.0 <= self.temperature <= 10.0:
            raise InputError(f"The temperature is {self.temperature}; it must be between 0 and 10.")


async def record(
    questions: Sequence[Question],
    engine: AbstractEngine,
    output: str | Path,
    settings: RecordSettings,
    *,
    asking: Asking = _BARE,
    concurrency: int = 16,
    resume: bool = False,
    retries: Retries | None = None,
    progress: Callable[[int, int], None] = lambda replies, tokens: None,
    seen: Callable[[dict[str, Any]], None] = lambda row: None,
) -> pa.Table:
    """Record graded traces into a Parquet file.

    Replies are kept in a journal beside the output as they finish, so an interrupted recording goes on with `resume`
    and asks nothing twice. Sampling seeds do not depend on the order in which replies finish.

    Args:
        questions: What to ask.
        engine: Who answers.
        output: The Parquet file to write; it appears when everything is recorded.
        settings: How to ask.
        asking: How to ask questions that have neither messages nor a family; if left out, they are asked alone.
        concurrency: Replies generated at the same time.
        resume: Go on with an earlier recording into the same output.
        retries: When a reply is asked for again after failures that may pass; what failed is not recorded.
        progress: Called with (finished replies, tokens that have arrived) of each step.
        seen: Called with the row of each new reply.

    Returns:
        The recorded table, columns of `TRACE_SCHEMA`.

    Raises:
        InputError: Bad settings, an output that cannot be written, or a journal that does not fit.
        EngineError: The engine failed for good or too often; what was finished is kept.
    """
    protocols = {question.query_id: _protocol(asking.protocol(question), settings) for question in questions}
    questions = asking.ask_all(questions)
    check_questions(questions)
    patient = _Patient(engine, retries or Retries(), settings.seed, lambda tokens: progress(0, tokens))
    target = Path(output)
    chosen = asdict(settings)
    if not settings.confidence:  # as it was before there was a choice, so that older recordings can be gone on with
        del chosen["confidence"]
    begun = {**chosen, "asking": asking.options, "model": engine.model, "questions": fingerprint(questions)}
    with Journal(target, begun, resume=resume) as journal:
        done = {(row["query_id"], row["sample_index"]) for row in journal.entries}
        rows = journal.entries
        progress(len(rows), 0)
        todo = (
            (question, sample)
            for question in questions
            for sample in range(settings.samples)
            if (question.query_id, sample) not in done
        )

        async def work() -> None:
            for question, sample in todo:
                row = await _record_one(question, sample, patient, settings, protocols[question.query_id])
                journal.add(row)
                rows.append(row)
                progress(1, 0)
                seen(row)

        await _run_all(work, max(1, concurrency))
        place = {question.query_id: number for number, question in enumerate(questions)}
        rows.sort(key=lambda row: (place[row["query_id"]], row["sample_index"]))
        table = pa.Table.from_pylist(rows, schema=TRACE_SCHEMA)
        write_traces(table, target)
        journal.finish()
    return table


async def _run_all(work: Callable[[], Any], workers: int) -> None:
    """Run several workers; the first failure stops the others and is raised as itself."""
    tasks = [asyncio.ensure_future(work()) for _ in range(workers)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


class _Patient:
    """Reads whole replies, and asks again after failures that may pass."""

    def __init__(self, engine: AbstractEngine, retries: Retries, seed: int, arrived: Callable[[int], None]) -> None:
        self.model = engine.model
        self.tells_confidence = engine.tells_confidence
        self._arrived = arrived
        self._engine = engine
        self._retries = retries
        self._chance = random.Random(seed)

    async def read(self, request: Request) -> Reply:
        for attempt in count(1):
            try:
                return await read_reply(self._engine, request, self._arrived)
            except EngineError as error:
                pause = self._retries.pause(error, attempt, self._chance)
                if pause is None:
                    raise
                await asyncio.sleep(pause)
        raise AssertionError


async def _record_one(
    question: Question, sample: int, engine: _Patient, settings: RecordSettings, protocol: str
) -> dict[str, Any]:
    seed = sample_seed(settings.seed, question.query_id, sample)
    request = Request(
        request_id=f"{question.query_id}#{sample}",
        messages=build_messages(question),
        max_tokens=settings.max_tokens,
        temperature=settings.temperature,
        seed=seed,
        confidence=settings.confidence and engine.tells_confidence,
    )
    estimate = estimate_tokens = None
    if settings.protocol == "tale-ep":
        asked = replace(request, messages=ask_for_estimate(question), max_tokens=ESTIMATE_TOKENS, confidence=False)
        said = await engine.read(asked)
        estimate, estimate_tokens = read_estimate(said.text, settings.max_tokens), said.tokens
        request = replace(request, messages=ask_within(question, estimate))
    reply = await engine.read(request)
    # Some graders take seconds over an odd answer; other replies should not wait for them.
    text, right, position = await asyncio.to_thread(judge, question, reply)
    row: dict[str, Any] = all_kept(
        {
            "query_id": question.query_id,
            "dataset": question.family or question.dataset,
            "tier": question.tier,
            "model": engine.model,
            "protocol": protocol,
            "sample_index": sample,
            "seed": seed,
            "temperature": settings.temperature,
            "question": question.question,
            "gold": question.gold,
            "completion": reply.text,
            "answer": text,
            "correct": right,
            "completion_tokens": reply.tokens,
            "answer_tokens": position,
            "estimate": estimate,
            "estimate_tokens": estimate_tokens,
            "max_tokens": settings.max_tokens,
            "finish_reason": reply.finish_reason,
            "confidence": _confidence(reply, text, position),
            "schema_version": SCHEMA_VERSION,
        }
    )
    return row


def _confidence(reply: Reply, answer: str | None, position: int) -> Mapping[str, Any] | None:
    if not reply.told:
        return None
    # The answer's tokens are those of as many characters as it has, up to where it had emerged.
    begin = reply.tokens_before(reply.characters_at(position) - len(answer)) if answer else position
    return pack_confidence(reply.told, reply.told_at, reply.tokens, (begin, position))


def _protocol(asked: str, settings: RecordSettings) -> str:
    """How a question is asked, with what TALE-EP adds to it."""
    if settings.protocol == "plain":
        return asked
    return TALE_PROTOCOL if asked in (BARE, PROTOCOL) else f"{TALE_PROTOCOL}+{asked}"
