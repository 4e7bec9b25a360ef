"""A run once all is open: what it believes, asks, and has to say in the end."""

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from shadowprice.beliefs import Beliefs, Expected, Misfit
from shadowprice.engines import AbstractEngine
from shadowprice.jobs._books import Books
from shadowprice.jobs._session import Session
from shadowprice.jobs._step import Follow, Tell
from shadowprice.jobs.given import nothing_known, predict
from shadowprice.jobs.told import Account, SoFar, Watch, reading_of
from shadowprice.policies import AbstractMarket, AbstractPolicy, Knowledge, Terms
from shadowprice.runner import Explored, Pulse, Reason, Result, RunSettings, estimate, explore
from shadowprice.runner import run as run_questions
from shadowprice.tasks import Question

if TYPE_CHECKING:
    from shadowprice.beliefs import RunningPredictor, SavedPredictor, WatchedOutlook

_GRADED: Final = (Reason.FINISHED, Reason.CUT_OFF, Reason.STOPPED)
"""Ends of replies that say whether the model itself came to a right answer with these tokens."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run, all of it read and checked."""

    questions: list[Question]
    """With the messages that ask them."""
    budget: int
    """Tokens."""
    terms: Terms
    policy: AbstractPolicy
    saved: "SavedPredictor | None"
    """Without one, a share of the budget explores."""
    settings: RunSettings
    explore: float
    """Share of the budget to learn with."""


@dataclass(frozen=True, slots=True)
class Listeners:
    """Who is told what of a run."""

    tell: Tell
    """Sentences that people should know."""
    follow: Follow
    """How far other work than spending is."""
    so_far: SoFar
    """How far spending is."""


class Job:
    """One run, from what is known to its results.

    Args:
        order: What is to be run.
        books: Its ledger.
        session: What stops it.
        listeners: Who is told of it.
    """

    def __init__(self, order: Order, books: Books, session: Session, listeners: Listeners) -> None:
        self.order = order
        self.books = books
        self.session = session
        self.price = float("nan")
        """Shadow price at the end."""
        self.more: dict[str, Any] = {}
        """What learning has cost, and what the ledger and the server say, for the summary."""
        self.beliefs: Beliefs | None = None
        """What was believed of the questions; None until that is known."""
        self._questions = order.questions
        self._tell, self._follow, self._so_far = listeners.tell, listeners.follow, listeners.so_far
        self._pulse = Pulse()
        self._watch = Watch(listeners.tell)
        self._done = dict(books.done)

    @property
    def results(self) -> list[Result]:
        """Results so far, in the order of the questions."""
        fresh = (Result(one, Reason.INTERRUPTED, 0, 0, self.price) for one in self._questions)
        return [self._done.get(one.question.query_id, one) for one in fresh]

    def account(self) -> Account:
        """What the run has come to, for its report; its ledger is still open."""
        ours = {one.query_id for one in self._questions}  # a run asks besides: for estimates, and several times
        there = [one for name, one in self._done.items() if name in ours and one.reason is not Reason.INTERRUPTED]
        totals = self.books.ledger.totals()
        return Account(self.results, there, totals, self.order.policy, self.price, self.beliefs, self.order.terms)

    def _last_price(self) -> float:
        """Who was turned away last was so at the price in the end, in whatever session that was."""
        last = [one.price for one in self._done.values() if one.reason is Reason.ABANDONED]
        return last[-1] if last else self.price

    async def work(self, source: AbstractEngine, fallback: AbstractEngine | None) -> None:
        """Ask what has no outcome yet."""
        for result in self.books.done.values():
            self._so_far.add(result)
        before, spent_before = await source.total_generated(), self.books.ledger.totals().spent
        beliefs, running = await self._believe(source)
        self.beliefs = beliefs
        misfit = self._compare(beliefs)
        await self._buy(source, fallback, beliefs, running, misfit)
        refuted = None if misfit is None else misfit.refuted
        if refuted is not None:
            self.more["misfit"] = asdict(refuted)
            if self.order.explore and not self.session.stopped:
                self.more["relearnt"] = True
                beliefs, running = await self._learn(source)
                self.beliefs = beliefs
                await self._buy(source, fallback, beliefs, running, None)
        after = await source.total_generated()
        totals = self.books.ledger.totals()
        self.more |= {"spent": totals.spent, "lost": totals.lost, "overrun": totals.overrun}
        self.more |= {"pauses": self._pulse.pauses, "paused_seconds": round(self._pulse.seconds, 1)}
        self.more |= {"made_beyond": self._pulse.beyond, "remarks": self._remarks(source, fallback)}
        if before is not None and after is not None:
            past = sum(one.past for name, one in self._done.items() if name not in self.books.done)
            read = totals.spent - spent_before - past
            self.more |= {"server_tokens": after - before, "made_past_stops": max(0, after - before - read)}
            self.more |= {"charged_past_stops": past}

    def _remarks(self, *engines: AbstractEngine | None) -> list[str]:
        """What was odd, a sentence each."""
        said = [remark for one in engines if one is not None for remark in one.remarks()]
        noted = [one for one in self._done.values() if one.reason.replied and one.failure]
        if noted:
            said.append(f"Something was left undone in {len(noted)} replies; the first: {noted[0].failure}")
        return said

    async def _believe(self, source: AbstractEngine) -> tuple[Beliefs, "RunningPredictor | None"]:
        policy, saved = self.order.policy, self.order.saved
        if policy.knows is Knowledge.ESTIMATES:
            said = await estimate(
                self._questions,
                source,
                self.order.budget,
                self.order.settings,
                ledger=self.books.ledger,
                stop=self.session.halt,
                pulse=self._pulse,
            )
            self.session.heed()
            self._questions = said.questions
            self.more = {"estimating_tokens": said.spent}
            return said.beliefs, None
        if saved is not None:
            return predict(saved.predictor, self._questions, self._follow), saved.running
        if policy.knows is Knowledge.NOTHING:
            return nothing_known(len(self._questions)), None
        return await self._learn(source)

    async def _learn(self, source: AbstractEngine) -> tuple[Beliefs, "RunningPredictor | None"]:
        """Beliefs from what these questions themselves teach; replies that there are already teach as well."""
        graded = [one for one in self._done.values() if one.reason in _GRADED and one.correct is not None]
        instead = self.order.saved is not None
        open_ones = [one for one in self._questions if one.query_id not in self._done] if instead else self._questions
        budget = self.books.ledger.totals().available if instead else self.order.budget
        spent = self.books.ledger.totals().spent
        found = await explore(
            open_ones,
            source,
            budget,
            self.order.settings,
            # What is guaranteed to everybody is not there to explore with.
            share=min(self.order.explore, max(0.0, 1.0 - int(self.order.terms.floor.sum()) / max(1, budget))),
            known=graded if instead else (),
            ledger=self.books.ledger,
            stop=self.session.halt,
            pulse=self._pulse,
            progress=self._add,
        )
        self.session.heed()
        self._done |= {result.question.query_id: result for result in found.results}
        self.more |= {"explored": len(found.results), "explored_tokens": found.spent}
        if self.order.explore and self.books.ledger.totals().spent > spent:
            self._tell(_told(found, budget, len(graded) if instead else 0))
        return predict(found.predictor, self._questions, self._follow), found.running

    async def _buy(
        self,
        source: AbstractEngine,
        fallback: AbstractEngine | None,
        beliefs: Beliefs,
        running: "RunningPredictor | None",
        misfit: Misfit | None,
    ) -> None:
        """Ask what has no outcome, until the budget is spent or it is seen that the beliefs do not fit."""
        todo = [row for row, one in enumerate(self._questions) if one.query_id not in self._done]
        asked = [self._questions[row] for row in todo]
        rows = {self._questions[row].query_id: row for row in todo}
        market, outlook = self._open(beliefs.take(todo), running, self.order.terms.take(todo))
        self._so_far.watch(market, beliefs.take(todo), [one.query_id for one in asked])
        explores, stop, halt = self.order.explore > 0, self.session.halt, asyncio.Event()
        relay = asyncio.ensure_future(_relay(stop, halt))

        def left_open(result: Result) -> bool:
            return result.reason is Reason.INTERRUPTED and halt.is_set() and not stop.is_set()

        def add(result: Result) -> None:
            if left_open(result):
                return
            self._add(result)
            if misfit is None or misfit.refuted:
                return
            refuted = _compared(misfit, rows[result.question.query_id], result)
            if refuted is not None:
                self._tell(_unbelieved(refuted, explores=explores))
                if explores:
                    halt.set()

        if stop.is_set() or (misfit is not None and misfit.refuted and explores):
            halt.set()
        try:
            results = await run_questions(
                asked,
                source,
                market,
                self.order.settings,
                outlook=outlook,
                ledger=self.books.ledger,
                fallback=fallback,
                stop=halt,
                pulse=self._pulse,
                progress=add,
            )
        finally:
            relay.cancel()
            self.price = market.price if asked else self.price
        self.session.heed()
        self._done |= {one.question.query_id: one for one in results if not left_open(one)}
        self.price = self._last_price()

    def _compare(self, beliefs: Beliefs) -> Misfit | None:
        """What tells whether a saved predictor's beliefs fit, after the replies of earlier sessions."""
        if self.order.saved is None or beliefs.outcomes is None:
            return None
        misfit = Misfit(beliefs.outcomes)
        for row, one in enumerate(self._questions):
            refuted = _compared(misfit, row, self._done[one.query_id]) if one.query_id in self._done else None
            if refuted is not None:
                self._tell(_unbelieved(refuted, explores=self.order.explore > 0))
                break
        return misfit

    def _open(
        self, beliefs: Beliefs, running: "RunningPredictor | None", terms: Terms
    ) -> tuple[AbstractMarket, "WatchedOutlook | None"]:
        outlook, policy = None, self.order.policy
        if policy.knows is Knowledge.OUTCOMES and beliefs.outcomes is not None and running is not None:
            from shadowprice.beliefs import WatchedOutlook

            outlook = WatchedOutlook(beliefs.outcomes, running)
        left = self.books.ledger.totals().available
        if self.books.done and int(terms.floor.sum()) > left:
            self._tell(
                f"{left} tokens are left, which is less than is guaranteed: what was lost or wasted cannot be kept."
            )
            terms = Terms(len(terms), terms.weight)
        return policy.open(beliefs, left, terms=terms, outlook=outlook), outlook

    def _add(self, result: Result) -> None:
        self._done[result.question.query_id] = result
        self._so_far.add(result)
        self._watch.add(reading_of(result))


async def _relay(stop: asyncio.Event, halt: asyncio.Event) -> None:
    await stop.wait()
    halt.set()


def _compared(misfit: Misfit, row: int, result: Result) -> Expected | None:
    """What refutes the beliefs, once this reply is counted."""
    if result.reason in _GRADED and result.correct is not None:
        tokens = result.position if result.correct else result.generated - result.past
        misfit.add(row, tokens, right=result.correct, ended=result.reason is Reason.FINISHED)
    return misfit.refuted


def _unbelieved(refuted: Expected, *, explores: bool) -> str:
    instead = (
        "What is left of the budget is spent by what these questions teach themselves."
        if explores
        else "Without exploring (--explore 0) there is nothing else to go by; record replies to your questions and fit."
    )
    return (
        f"The predictor's beliefs do not fit: of {refuted.replies} replies {refuted.right} are right, where "
        f"{refuted.expected:.0f} were expected for the tokens that they took. {instead}"
    )


def _told(found: Explored, budget: int, known: int) -> str:
    left = "what was left" if known else "the budget"
    share = f"{found.spent} tokens ({found.spent / max(1, budget):.0%} of {left})"
    if found.running is None:
        return f"Explored with {share}: too little to learn from, so usual replies are believed in."
    earlier = f"{known} replies from before and " if known else ""
    return (
        f"Explored with {share}: learnt from {earlier}{len(found.results)} questions, which are answered with that, "
        f"{found.right} of them right."
    )
