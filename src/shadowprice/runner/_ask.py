"""Asking one question: streaming its reply for as long as the market says so, and trying again after failures."""

import asyncio
import logging
import random
import traceback
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from shadowprice._errors import (
    BrokenReplyError,
    EngineError,
    LedgerError,
    RefusedError,
    ShadowpriceError,
    StalledError,
    UnreachableError,
)
from shadowprice._pulse import Pulse
from shadowprice.engines import AbstractEngine, Confidence, Delta, Request
from shadowprice.grading import is_quick
from shadowprice.runner._arrivals import Arrivals
from shadowprice.runner._judge import is_right, read_answer, sample_seed
from shadowprice.runner._purse import Purse
from shadowprice.runner._reply import Reply
from shadowprice.runner._results import Reason, Result
from shadowprice.runner._settings import CUE, End, RunSettings
from shadowprice.tasks import Question, build_messages

if TYPE_CHECKING:
    from shadowprice.beliefs import WatchedOutlook

_LOG = logging.getLogger("shadowprice")
_STOPPED = "The run was stopped before this reply ended."
_WAITED = 0.01
"""Seconds for which a piece is waited for if it had not arrived already."""


@dataclass(slots=True)
class _Try:
    """One attempt at a question."""

    limit: int
    """Tokens that it may reach."""
    reply: Reply
    cap: int = 0
    """Tokens that its server was allowed."""
    stopped: bool = False
    """Whether the market ended it."""
    read: int = 0
    """Tokens of the reply that were read."""
    begun: int = 0
    """Of these, those that earlier requests have made, whose text this one goes on with."""
    note: str = ""
    """What people should know of how it ended."""
    current: float = 0.0
    """When all that had arrived was read, by the pulse's clock."""
    unsure: bool = False
    """Whether its server may have made all that it was allowed, because it was closed too late."""
    ending: int = 0
    """Tokens that its ending took."""
    unread: str = ""
    """What the outlook has not seen yet."""
    unheard: list[Confidence] = field(default_factory=list)
    """How sure the model was of tokens of which it has not heard yet."""


class Asker:
    """Asks questions, each in its own task.

    Args:
        engine: Who answers.
        purse: Who pays.
        settings: How to ask.
        outlook: What is told the text so far before the market is asked, if the market's beliefs come from it.
        fallback: Who answers after a stop, for `End.FALLBACK`.
        pulse: What notices that this program has stood still.
    """

    def __init__(
        self,
        engine: AbstractEngine,
        purse: Purse,
        settings: RunSettings,
        outlook: "WatchedOutlook | None" = None,
        fallback: AbstractEngine | None = None,
        pulse: Pulse | None = None,
    ) -> None:
        self._engine = engine
        self._purse = purse
        purse.resumes = engine.resumes
        self._pulse = pulse or Pulse()
        self._settings = settings
        self._outlook = outlook
        self._fallback = fallback
        self._chance = random.Random(settings.seed)
        self.unsettled: dict[int, Result] = {}
        """What was paid for questions that were left for another time, by row."""
        self._puzzled = False
        """Whether an error that nobody had foreseen was logged."""

    async def ask(self, row: int, question: Question, limit: int) -> Result:
        """Ask a question that has been granted tokens, and settle it; it counts once the purse has written that down.

        Raises:
            UnreachableError: Nobody answers any more; the question is left unsettled, and nothing was spent on it.
            asyncio.CancelledError: What was generated is paid for; the question is left unsettled.
        """
        price = self._purse.price
        wasted = 0
        retries = self._settings.retries
        for attempt in range(1, retries.times + 2):
            now = _Try(limit, Reply(), current=self._pulse.now())
            try:
                await self._stream(row, question, now)
                result = await self._end(question, now, price, attempts=attempt, wasted=wasted)
            except EngineError as error:
                lost, note, pause = self._lost(now, error), _words(error), retries.pause(error, attempt, self._chance)
                if pause is None and isinstance(error, UnreachableError):
                    self._leave(row, question, now, price, lost, wasted, note)
                    raise
            except asyncio.CancelledError:
                lost = self._charge(now)
                self._leave(row, question, now, price, lost, wasted, _STOPPED)
                raise
            except LedgerError:
                raise
            except Exception as error:  # noqa: BLE001  # what an engine does wrong costs a question, not the run
                lost, note, pause = self._charge(now), self._unexpected(error), None
            else:
                self._purse.settle(row, result)
                return result
            finally:
                if self._outlook is not None:
                    self._outlook.forget(np.array([row]))
            wasted += lost
            if pause is None:
                self._purse.give_up(row, lost, note)
                break
            limit = self._purse.retry(row, now.limit, lost, note)
            if not limit:
                note += " No tokens were left to ask again."
                break
            try:
                await asyncio.sleep(pause)
            except asyncio.CancelledError:
                self._leave(row, question, now, price, 0, wasted, _STOPPED)
                raise
        result = Result(question, Reason.FAILED, now.limit, 0, price, failure=note, attempts=attempt, wasted=wasted)
        self._purse.settle(row, result)
        return result

    def _leave(self, row: int, question: Question, now: _Try, price: float, lost: int, wasted: int, note: str) -> None:
        """Pay for an unfinished attempt, and leave the question unsettled."""
        self._purse.give_up(row, lost, note)
        self.unsettled[row] = Result(
            question, Reason.INTERRUPTED, now.limit, 0, price, now.reply.text, failure=note, wasted=wasted + lost
        )

    async def _stream(self, row: int, question: Question, now: _Try) -> None:
        """Read a reply up to its end, or until the market stops it; where its cap was too low, go on with its text."""
        reach = self._purse.reach(row)
        while True:
            now.cap = min(self._purse.cap(row), reach)
            try:
                await self._read(row, question, now)
            except RefusedError as error:
                if error.retryable or not now.begun:
                    raise
                # Some servers take no text to go on with, whatever their kind: what there is stays.
                self._purse.resumes, now.note = False, f"It could not be gone on with: {error}"
                now.reply.finish_reason = "length"
                return
            if now.read > now.cap + self._engine.overshoot:
                self._purse.resumes = False  # it keeps to no cap, so nothing more is asked of it than must be
            if now.stopped or now.reply.finish_reason != "length" or now.read >= reach or not self._purse.resumes:
                return
            if now.read == now.begun:
                return  # it has nothing to say, however often it is asked
            if now.read >= now.limit and not await self._go_on(row, now):
                return
            self._purse.hold(row, now.limit)
            now.reply.finish_reason = None

    async def _read(self, row: int, question: Question, now: _Try) -> None:
        """Send one request, which goes on with the text if there is one, and read what comes up to its cap."""
        settings = self._settings
        now.begun = begun = now.read
        most = now.cap - begun
        request = Request(
            request_id=question.query_id,
            messages=build_messages(question),
            max_tokens=most,
            temperature=settings.temperature,
            seed=sample_seed(settings.seed, question.query_id, 0),
            thinking_tokens=self._thinking_cap(now, most),
            effort=settings.effort,
            prefix=_written(now.reply) if begun else "",
            confidence=self._outlook is not None and self._outlook.hears and self._engine.tells_confidence,
        )
        # The answer to "may it go on?" must come before the tokens that it is about are generated.
        early = self._engine.overshoot
        arrivals = Arrivals(self._engine.stream(request))
        try:
            async with aclosing(arrivals):
                while (delta := await self._next(arrivals, now)) is not None:
                    _take(now, delta)
                    if now.read > now.cap + early and now.reply.finish_reason is None:
                        now.reply.finish_reason = "length"  # it keeps to no cap, so it is left here
                        return
                    if now.cap <= now.limit or now.read < now.limit - early or now.reply.finish_reason is not None:
                        continue
                    await self._catch_up(arrivals, now)
                    if not await self._go_on(row, now):
                        await self._catch_up(arrivals, now)
                        return
        finally:
            if now.reply.finish_reason is None and self._engine.runs_ahead:
                now.unsure = self._pulse.was_late(now.current)

    async def _next(self, arrivals: Arrivals, now: _Try) -> Delta | None:
        """The next delta; that it was waited for shows that nothing before it is unread."""
        asked = self._pulse.now()
        delta = await arrivals.next()
        if self._pulse.now() - asked > _WAITED and not self._pulse.was_late(asked):
            now.current = asked
        return delta

    async def _catch_up(self, arrivals: Arrivals, now: _Try) -> None:
        """Read what a server that does not wait has made meanwhile: it is paid for, so it should count."""
        if not self._engine.runs_ahead:
            return
        while deltas := await arrivals.here():
            for delta in deltas:
                _take(now, delta)
        now.current = self._pulse.now()

    def _thinking_cap(self, now: _Try, most: int) -> int | None:
        """The cap on reasoning for a request of so many tokens; None if it cannot be reached in it."""
        limit = self._settings.thinking_tokens
        if limit is None or (now.read and now.reply.text):
            return None
        if (now.read or self._purse.resumes) and limit - now.read >= most:
            return None
        # Servers count the reasoning that a text begins with.
        return limit if now.read else min(limit, most)

    async def _go_on(self, row: int, now: _Try) -> bool:
        """Ask the market for more, or take note that it stops the reply; whether it may go on."""
        if now.reply.finish_reason == "stop":
            return True
        if self._outlook is not None:
            self._outlook.read(np.array([row]), [now.unread])
            if now.unheard:
                self._outlook.hear(row, now.read, now.unheard)
            now.unread, now.unheard = "", []
        self._pulse.beyond += max(0, now.read - now.limit)
        limit = await self._purse.go_on(row, now.limit, now.read)
        now.stopped = limit <= max(now.limit, now.read)
        now.limit = max(limit, now.limit)
        return not now.stopped

    async def _end(self, question: Question, now: _Try, price: float, *, attempts: int, wasted: int) -> Result:
        """What a reply has come to, once it was ended by the model, its cap, or the market."""
        reply = now.reply
        reason = Reason.FINISHED if reply.finish_reason == "stop" else Reason.CUT_OFF
        if now.stopped:
            reason, reply = await self._close(question, now)
        answer, position = read_answer(question, reply)
        failure, right = now.note, None if not question.gold else False
        if question.gold and answer is not None:
            try:
                # Some graders take seconds over an odd answer; other replies should not wait for them.
                if is_quick(question.grader):
                    right = is_right(question, answer)
                else:
                    right = await asyncio.to_thread(is_right, question, answer)
            except ShadowpriceError as error:  # a reply is not lost because it cannot be graded
                failure, right = f"It was not graded: {error}", None
        return Result(
            question,
            reason,
            now.limit,
            self._charge(now),
            price,
            reply.text,
            reply.thinking,
            answer=answer,
            correct=right,
            position=position,
            failure=failure,
            attempts=attempts,
            wasted=wasted,
            explored=self._settings.exploring,
            ended=reply.finish_reason == "stop",
            past=self._past(now),
        )

    async def _close(self, question: Question, now: _Try) -> tuple[Reason, Reply]:
        """End a stopped reply as the settings say."""
        begun = now.reply
        try:
            if self._settings.end is End.ANSWER:
                said = await self._finish(self._engine, question, now, _written(begun, thought=True) + CUE)
                # Some servers take a reply whose thinking was closed for them for thinking.
                begun.add(Delta(CUE + (said.text or said.thinking), self._charge(now)))
                # What it was charged goes by how its own stream ended, and what is read of it by how the answer did.
                return Reason.ANSWERED, replace(begun, finish_reason=said.finish_reason)
            if self._settings.end is End.FALLBACK and self._fallback is not None:
                return Reason.FELL_BACK, await self._finish(self._fallback, question, now, "")
        except EngineError as error:
            now.ending = max(now.ending, error.tokens)
        return Reason.STOPPED, begun

    async def _finish(self, engine: AbstractEngine, question: Question, now: _Try, prefix: str) -> Reply:
        request = Request(
            request_id=question.query_id,
            messages=build_messages(question),
            max_tokens=self._settings.end_tokens,
            temperature=self._settings.temperature,
            seed=sample_seed(self._settings.seed, question.query_id, 1),
            prefix=prefix,
        )
        said = Reply()
        async with aclosing(engine.stream(request)) as deltas:
            async for delta in deltas:
                said.add(delta)
                cut = said.tokens > request.max_tokens
                now.ending = said.tokens + (engine.overshoot if cut else 0)
        return said

    def _past(self, now: _Try) -> int:
        """Tokens to charge for what was generated unread, within what is reserved or held."""
        if now.reply.finish_reason is not None:
            # Beyond its cap it was cut off here, as a stopped one is, and that much is kept back for it.
            return max(0, self._engine.overshoot - (now.read - now.cap)) if now.read > now.cap else 0
        past = self._engine.overshoot if now.read > 0 else 0
        return max(past, now.cap - now.read) if now.unsure else past

    def _unexpected(self, error: Exception) -> str:
        """What an engine raised without documenting it, and the line it came from; the log gets the first one whole."""
        if not self._puzzled:
            _LOG.error("An engine raised what it does not document.", exc_info=error)
        self._puzzled = True
        last = traceback.extract_tb(error.__traceback__)[-1:]
        return f"{type(error).__name__}: {error}" + "".join(f" ({Path(at.filename).name}:{at.lineno})" for at in last)

    def _charge(self, now: _Try) -> int:
        """Tokens that an attempt is charged."""
        return now.read + self._past(now) + now.ending

    def _lost(self, now: _Try, error: Exception) -> int:
        """Tokens that a failed attempt is charged."""
        reported = error.tokens if isinstance(error, EngineError) else 0
        # Where a connection broke, tokens may have been on their way; a server that refuses has none.
        if now.unsure or isinstance(error, BrokenReplyError | StalledError):
            return max(self._charge(now), reported + self._engine.overshoot if reported else 0)
        return max(now.read + now.ending, reported)


def _take(now: _Try, delta: Delta) -> None:
    now.read = now.begun + delta.tokens
    now.reply.add(replace(delta, tokens=now.read) if now.begun else delta)
    now.unread += delta.thinking + delta.text
    now.unheard += delta.confidence


def _written(reply: Reply, *, thought: bool = False) -> str:
    """What a reply has come to, as a text to go on with; its thinking is over if it has an answer, or `thought`."""
    if not reply.thinking:
        return reply.text
    return f"<think>\n{reply.thinking}" + (f"\n</think>\n\n{reply.text}" if thought or reply.text else "")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__
