"""Running questions for real, inside a budget."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from shadowprice._errors import EngineError, InputError, UnreachableError
from shadowprice._pulse import Pulse
from shadowprice.engines import AbstractEngine
from shadowprice.ledger import Run as LedgerRun
from shadowprice.policies import AbstractMarket
from shadowprice.runner._ask import Asker
from shadowprice.runner._judge import check_questions
from shadowprice.runner._purse import Purse
from shadowprice.runner._results import Reason, Result
from shadowprice.runner._settings import End, RunSettings
from shadowprice.tasks import Question

if TYPE_CHECKING:
    from shadowprice.beliefs import WatchedOutlook

_NEWS = 0.2
"""Seconds between two looks at what other processes have done with the budget."""


async def run(
    questions: Sequence[Question],
    engine: AbstractEngine,
    market: AbstractMarket,
    settings: RunSettings | None = None,
    *,
    outlook: "WatchedOutlook | None" = None,
    ledger: LedgerRun | None = None,
    fallback: AbstractEngine | None = None,
    stop: asyncio.Event | None = None,
    abandon: bool = True,
    pulse: Pulse | None = None,
    progress: Callable[[Result], None] = lambda result: None,
) -> list[Result]:
    """Answer questions through an engine, each for as long as the market lets it go on.

    Every token is granted by the market and reserved in the ledger before it is asked for, and a reply is stopped when
    the market says so. A request's cap goes beyond what is granted by a fair share of what is free, and no further:
    what a server makes while this program stands still is within the budget, too. Questions that are not funded are
    offered again as tokens come back, until nothing running can return any more. What has an outcome in the ledger
    already is not asked.

    When `stop` is set, nothing new begins and what runs may end. When the task is cancelled, replies under way are
    stopped too. Either way the rest is reported as interrupted, and a run with a ledger can be gone on with.

    Args:
        questions: n questions, in the order of the market's rows.
        engine: Who answers.
        market: A freshly opened market for these questions.
        settings: How to ask.
        outlook: What the market's beliefs come from, if it wants to be told what replies say.
        ledger: Keeps the budget beyond a crash, and shares it with other processes. Its budget is what the market was
            opened with, less what others have used.
        fallback: Who answers after a stop, for `End.FALLBACK`.
        stop: Set it to begin no more.
        abandon: Write into the ledger that questions which nobody bought are abandoned; otherwise they may be asked in
            another run.
        pulse: Told when this program stands still, so that it can be said.
        progress: Called with each result as it is known.

    Returns:
        n results, in the order of the questions. Tokens generated, by the engine's own count, never exceed the budget
        as long as the engine makes no more than its `overshoot` after a stream was closed or its cap was reached.

    Raises:
        InputError: A question cannot be asked or graded; nothing was spent.
        UnreachableError: The server has gone away; what is settled is in the ledger.
        LedgerError: The ledger cannot be written any more; what it holds is not lost.
    """
    check_questions(questions)
    settings = settings or RunSettings()
    for needs, what in ((settings.exact, "exact runs do"), (settings.end is End.ANSWER, "asking for an answer needs")):
        if needs and not engine.resumes:
            raise InputError(f"The engine of {engine.model} cannot go on with a text, which {what}; leave that out.")
    session = _Session(questions, engine, market, settings, outlook, ledger, fallback, pulse or Pulse(), progress)
    try:
        await session.serve(stop or asyncio.Event())
    except asyncio.CancelledError:
        session.interrupted = True
    return session.results(abandon=abandon)


class _Session:
    """The state of one run. Its tasks share one event loop, so nothing here needs a lock."""

    def __init__(
        self,
        questions: Sequence[Question],
        engine: AbstractEngine,
        market: AbstractMarket,
        settings: RunSettings,
        outlook: "WatchedOutlook | None",
        ledger: LedgerRun | None,
        fallback: AbstractEngine | None,
        pulse: Pulse,
        progress: Callable[[Result], None],
    ) -> None:
        self.interrupted = False
        self._questions = questions
        self._ledger = ledger
        self._progress = progress
        self._width = settings.width(market.unreserved, engine.overshoot)
        names = [question.query_id for question in questions]
        spare = engine.overshoot + settings.ending
        self._purse = Purse(
            market, names, ledger, spare, self._width, longest=settings.max_tokens, ahead=not settings.exact
        )
        self._asker = Asker(engine, self._purse, settings, outlook, fallback, pulse)
        self._pulse = pulse
        self._results: dict[int, Result] = {}
        # A file's order says something about its questions, and prices are to be found on a fair sample of them.
        self._order = np.random.default_rng(settings.seed).permutation(len(questions))
        self._waits = np.ones(len(questions), dtype=np.bool_)
        self._funded: deque[int] = deque()
        """Rows that would have been granted tokens when that was last looked at."""
        self._dry = False
        """Whether nobody buys until something is settled."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended: list[tuple[int, Result]] = []
        """Rows that have ended and are not settled yet."""
        self._changed = asyncio.Event()
        self._failure: BaseException | None = None
        self._looked = 0.0

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until nobody runs and nobody buys, or `stop` is set and nobody runs."""
        stopping, beating = asyncio.ensure_future(self._tell(stop)), asyncio.ensure_future(self._pulse.beat())
        try:
            while self._failure is None:
                self._sync()
                if self._take_in() and not stop.is_set():
                    with self._purse.step():
                        self._begin()
                if not self._tasks:
                    if stop.is_set():
                        self.interrupted = True
                        break
                    if not self._purse.elsewhere:
                        if not self._purse.narrow():
                            break
                        self._width, self._dry = 1, False
                        continue
                    self._purse.recover()
                self._changed.clear()
                await self._change()
        finally:
            for task in (stopping, beating, *self._tasks):
                task.cancel()
            await asyncio.gather(stopping, beating, *self._tasks, return_exceptions=True)
            self._take_in()
        if self._failure is not None:
            raise self._failure

    def _take_in(self) -> bool:
        """Write down what has ended, in one step of the ledger, as steps are what it costs; whether more may begin."""
        ended, self._ended = self._ended, []
        awaited = self._purse.awaited
        self._purse.write()
        for row, result in ended:
            self._keep(row, result)
        if ended and awaited:
            # Who waited for tokens to go on is awake now, and comes before whoever is to begin.
            asyncio.get_running_loop().call_soon(self._changed.set)
            return False
        return bool(self._funded) or not self._dry

    def results(self, *, abandon: bool) -> list[Result]:
        """All results; what nobody bought is abandoned, unless the run was interrupted."""
        self._collect(abandon=abandon and not self.interrupted)
        for row, question in enumerate(self._questions):
            if row in self._results:
                continue
            reason = Reason.INTERRUPTED if self.interrupted else Reason.ABANDONED
            fresh = Result(question, reason, 0, 0, self._purse.price)
            self._keep(row, self._asker.unsettled.get(row, fresh))
        return [self._results[row] for row in range(len(self._questions))]

    def _collect(self, *, abandon: bool) -> None:
        """Take over what other processes have settled, and settle what nobody bought, in one step."""
        if self._ledger is None:
            return
        with self._ledger.together():
            outcomes = self._ledger.outcomes()
            for row, question in enumerate(self._questions):
                if row in self._results:
                    continue
                outcome = outcomes.get(question.query_id)
                if outcome is not None:
                    self._keep(row, Result.restore(question, outcome.payload))
                elif abandon:
                    result = Result(question, Reason.ABANDONED, 0, 0, self._purse.price)
                    self._purse.record(row, result)
                    self._keep(row, result)

    def _keep(self, row: int, result: Result) -> None:
        self._results[row] = result
        self._progress(result)

    def _begin(self) -> None:
        """Start as many questions as there is room for."""
        while (free := self._room() - len(self._tasks)) > 0:
            if not self._funded:
                if self._dry:
                    return
                waiting = self._order[self._waits[self._order]]
                self._funded.extend(self._purse.funds(waiting).tolist())
                if not self._funded:
                    self._dry = True
                    return
            self._purse.room = min(self._room(), len(self._tasks) + len(self._funded))
            some = [self._funded.popleft() for _ in range(min(free, len(self._funded)))]
            rows = [row for row in some if self._waits[row]]
            begun = self._purse.begin(np.array(rows, dtype=np.int64))
            for row, limit in begun:
                self._waits[row] = False
                self._start(row, limit)
            self._drop_gone()
            if self._purse.held:
                self._funded.extendleft(row for row in reversed(rows) if self._waits[row])
                self._dry = True
                return
            if not begun and not self._funded:
                self._dry = True

    def _room(self) -> int:
        """Questions to run at once: fewer at the end, so that tokens which the last ones leave over find somebody."""
        return min(self._width, max(1, int(np.count_nonzero(self._waits))))

    def _start(self, row: int, limit: int) -> None:
        task = asyncio.ensure_future(self._serve_one(row, limit))
        self._tasks.add(task)
        task.add_done_callback(self._is_over)

    async def _serve_one(self, row: int, limit: int) -> None:
        result = await self._asker.ask(row, self._questions[row], limit)
        self._ended.append((row, result))

    def _is_over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._dry = False
        self._changed.set()
        if not task.cancelled() and (error := task.exception()) is not None and self._failure is None:
            self._failure = _gone(error) if isinstance(error, UnreachableError) else error

    async def _tell(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._changed.set()

    async def _change(self) -> None:
        """Wait until something has ended, or others may have done something."""
        if self._ledger is None or (self._tasks and not self._purse.elsewhere and not self._dry):
            await self._changed.wait()
            return
        try:
            async with asyncio.timeout(_NEWS):
                await self._changed.wait()
        except TimeoutError:
            pass

    def _sync(self) -> None:
        now = time.monotonic()
        if self._ledger is None or now - self._looked < _NEWS:
            return
        self._looked = now
        if self._purse.sync():
            self._dry = False
            self._drop_gone()

    def _drop_gone(self) -> None:
        if self._purse.gone:
            gone = list(self._purse.gone)
            self._waits[gone] = False
            self._purse.withdraw(gone)
            self._purse.gone.clear()


def _gone(error: EngineError) -> UnreachableError:
    return UnreachableError(f"{error} What is settled is kept.", retryable=error.retryable)
