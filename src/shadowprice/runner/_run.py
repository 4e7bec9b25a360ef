"""Running questions for real, inside a budget."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from shadowprice.engines import AbstractEngine, Request
from shadowprice.policies import AbstractMarket
from shadowprice.runner._judge import check_questions, judge, sample_seed
from shadowprice.runner._reply import Reply
from shadowprice.tasks import Question, build_messages


class Reason(StrEnum):
    """How a question ended; every question ends in exactly one of these ways."""

    FINISHED = "finished"
    """The model ended its reply by itself."""
    CUT_OFF = "cut off"
    """The reply reached the tokens granted."""
    ABANDONED = "abandoned"
    """It was worth less than its tokens cost, and was never asked."""
    FAILED = "failed"
    """The engine failed; what it had generated is paid for."""
    INTERRUPTED = "interrupted"
    """The run was stopped before this question's reply ended."""


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one question."""

    question: Question
    reason: Reason
    granted: int
    """Tokens it was allowed."""
    generated: int
    """Tokens generated for it, by the engine's own count."""
    price: float
    """Shadow price when it was decided, right answers per token; NaN for a policy without one."""
    text: str = ""
    answer: str | None = None
    correct: bool | None = None
    """None where no reference answer is known or nothing was asked."""
    failure: str = ""


async def run(
    questions: Sequence[Question],
    engine: AbstractEngine,
    market: AbstractMarket,
    *,
    temperature: float = 0.0,
    seed: int = 0,
    concurrency: int = 16,
    progress: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Answer questions through an engine, each with what the market grants it.

    Abandoned questions are asked about again as tokens come back, until nothing running can return any more. When
    the task is cancelled, replies under way are stopped and the rest is reported as interrupted.

    Args:
        questions: n questions, in the order of the market's rows.
        engine: Who answers.
        market: A freshly opened market for these questions.
        temperature: Sampling temperature; 0 is greedy.
        seed: Every question's own seed is derived from it and the question's id.
        concurrency: Replies generated at the same time.
        progress: Called with each result as it is known.

    Returns:
        n results, in the order of the questions. Tokens generated never exceed the market's budget as long as the
        engine obeys `max_tokens`.

    Raises:
        InputError: A question cannot be asked or graded; nothing was spent.
    """
    check_questions(questions)
    session = _Session(questions, engine, market, temperature, seed, progress)
    workers = [asyncio.ensure_future(session.work()) for _ in range(max(1, min(concurrency, len(questions))))]
    try:
        await asyncio.gather(*workers)
    except asyncio.CancelledError:
        session.interrupted = True
    finally:
        for worker in workers:
            worker.cancel()
        await asyncio.gather(*workers, return_exceptions=True)
    return session.results()


class _Session:
    """The state of one run. Workers share one event loop, so nothing here needs a lock."""

    def __init__(
        self,
        questions: Sequence[Question],
        engine: AbstractEngine,
        market: AbstractMarket,
        temperature: float,
        seed: int,
        progress: Callable[[Result], None],
    ) -> None:
        self.interrupted = False
        self._questions = questions
        self._engine = engine
        self._market = market
        self._temperature = temperature
        self._seed = seed
        self._progress = progress
        self._results: dict[int, Result] = {}
        self._waiting = deque(range(len(questions)))
        self._running = 0
        self._refused = 0
        """Refusals since a query was last funded or settled; as many as wait means that nobody buys now."""
        self._settled = asyncio.Event()

    async def work(self) -> None:
        while self._waiting:
            if self._refused >= len(self._waiting):
                if not self._running:
                    return
                self._settled.clear()
                await self._settled.wait()
                continue
            query = self._waiting.popleft()
            granted = int(self._market.grant(np.array([query]), np.array([0]))[0])
            if granted == 0:
                self._waiting.append(query)
                self._refused += 1
                continue
            self._refused = 0
            await self._ask(query, granted)

    async def _ask(self, query: int, granted: int) -> None:
        question, price = self._questions[query], self._market.price
        request = Request(
            request_id=question.query_id,
            messages=tuple(build_messages(question)),
            max_tokens=granted,
            temperature=self._temperature,
            seed=sample_seed(self._seed, question.query_id, 0),
        )
        reply, failure = Reply(), ""
        reason = Reason.INTERRUPTED
        self._running += 1
        try:
            async with aclosing(self._engine.stream(request)) as deltas:
                async for delta in deltas:
                    reply.add(delta)
            reason = Reason.FINISHED if reply.finish_reason == "stop" else Reason.CUT_OFF
        except Exception as error:  # noqa: BLE001  # what an engine does wrong costs a question, not the run
            reason, failure = Reason.FAILED, str(error) or type(error).__name__
        finally:
            self._running -= 1
            self._refused = 0
            self._market.settle(np.array([query]), np.array([reply.tokens]), np.array([reason is Reason.FINISHED]))
            result = Result(question, reason, granted, reply.tokens, price, reply.text, failure=failure)
            if question.gold and reason in (Reason.FINISHED, Reason.CUT_OFF):
                answer, right, _ = judge(question, reply)
                result = replace(result, answer=answer, correct=right)
            self._results[query] = result
            self._settled.set()
            self._progress(result)

    def results(self) -> list[Result]:
        unasked = Reason.INTERRUPTED if self.interrupted else Reason.ABANDONED
        for query, question in enumerate(self._questions):
            if query not in self._results:
                self._results[query] = Result(question, unasked, 0, 0, self._market.price)
                self._progress(self._results[query])
        return [self._results[query] for query in range(len(self._questions))]
