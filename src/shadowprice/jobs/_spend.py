"""Spending a budget on questions: what it takes is opened, asked, and what came of it written."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shadowprice._errors import InputError, LedgerError
from shadowprice.beliefs import Beliefs
from shadowprice.engines import AbstractEngine, EngineChoice
from shadowprice.jobs._answered import Answered
from shadowprice.jobs._books import open_books
from shadowprice.jobs._job import Job, Listeners, Order
from shadowprice.jobs._run_files import RunFiles
from shadowprice.jobs._session import Session
from shadowprice.jobs._step import Follow, Tell, steps
from shadowprice.jobs.given import LEARNT, NamedPredictor, Wish, doubts, show_asking
from shadowprice.jobs.told import SoFar, summarise
from shadowprice.runner import Reason
from shadowprice.tasks import Asking, Question

GivenEngine = str | EngineChoice | AbstractEngine
"""An engine by its name, with its model and patience, or itself."""

_INSTEAD: Final = "leave --predictor out, so that a tenth of the budget explores, or record and fit your own"


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions of a run, and what is to be said of them once nothing can be refused any more."""

    given: list[Question]
    asking: Asking
    remarks: list[str]
    wish: Wish
    predictor: NamedPredictor | None
    known: Beliefs | None
    """What is believed of them, where the budget depends on it."""

    def tell(self, order: Order, tell: Tell) -> None:
        """Say how they are asked, for how much, and what speaks against believing the predictor."""
        show_asking(self.asking, self.given, tell)
        tell(self.wish.said(order.budget, len(self.given), self.known))
        named = self.predictor
        if named is not None and order.policy.knows in LEARNT:
            temperature = order.settings.temperature
            for doubt in doubts(named.saved, named.name, self.given, self.asking, _INSTEAD, temperature):
                tell(doubt)


@dataclass(frozen=True, slots=True)
class Engines:
    """Who answers, and who does after a stop."""

    first: EngineChoice | AbstractEngine
    second: EngineChoice | AbstractEngine | None

    @property
    def files(self) -> dict[str, str | None]:
        """What may be files of models, by the options that name them."""
        named = {"model": self.first, "fallback_model": self.second}
        return {option: one.file for option, one in named.items() if isinstance(one, EngineChoice)}

    async def open(self, concurrency: int, stack: AsyncExitStack) -> tuple[AbstractEngine, AbstractEngine | None]:
        """Both, ready to answer; what is opened here is closed with the stack."""

        async def opened(engine: EngineChoice | AbstractEngine) -> AbstractEngine:
            if isinstance(engine, AbstractEngine):
                return engine
            return await stack.enter_async_context(engine.open(concurrency))

        return await opened(self.first), None if self.second is None else await opened(self.second)


@dataclass(frozen=True, slots=True)
class Hooks:
    """Who is told what, and when."""

    tell: Tell
    progress: Follow
    begun: Callable[[Session], object]


async def spend(
    order: Order, told: Asked, engines: Engines, files: RunFiles, choices: dict[str, Any], hooks: Hooks
) -> Answered:
    """Open what a run needs, ask, and write what came of it."""
    tell, n = hooks.tell, len(order.questions)
    async with AsyncExitStack() as stack:
        # An engine that cannot be had leaves no ledger behind.
        engine, fallback = await engines.open(order.settings.concurrency, stack)
        for remark in told.remarks:
            tell(remark)
        made = choices | {"model": engine.model}
        place = (files.ledger, files.output)
        books = stack.enter_context(
            open_books(*place, order.questions, order.budget, made, resume=files.resume, tell=tell)
        )
        told.tell(order, tell)  # only now, so that what is refused is refused in one sentence
        work = stack.enter_context(steps(hooks.progress, "spending", max(1, order.budget)))
        session = Session(books.ledger)
        hooks.begun(session)
        job = Job(order, books, session, Listeners(tell, hooks.progress, SoFar(work, order.budget, n)))
        try:
            await job.work(engine, fallback)
        except BaseException:
            _write_what_there_is(job, engine.model, told.wish, files, tell)
            raise
        try:
            files.write(job.results, engine.model)
        except InputError as error:
            raise InputError(f"{error} The answers are in {job.books.path}: --resume writes them.") from error
        answered = _answered(job, engine.model, told.wish, files.output)
        if answered.finished:
            books.ledger.finish()
        files.write_report(answered, tell)
    if session.cancelled:
        raise asyncio.CancelledError
    return answered


def _write_what_there_is(job: Job, model: str, wish: Wish, files: RunFiles, tell: Tell) -> None:
    """Write the answers so far of a run that failed; why it failed is more than that they cannot be written."""
    if all(result.reason is Reason.INTERRUPTED for result in job.results):
        return  # nothing was bought, and what stands there may have been
    try:
        files.write(job.results, model)
        if files.report is not None:
            files.write_report(_answered(job, model, wish, files.output), tell)
    except (InputError, LedgerError) as error:
        tell(f"{error} The answers are in {job.books.path}: --resume writes them once that is mended.")


def _answered(job: Job, model: str, wish: Wish, output: Path | None) -> Answered:
    order = job.order
    more = job.more | wish.spent(job.more.get("spent", 0))
    budget = job.books.ledger.totals().budget  # others may have topped it up meanwhile
    summary = summarise(job.results, budget, order.policy.name, job.price, output, job.books.path, **more)
    return Answered(job.account(), model, wish, job.more, summary)
