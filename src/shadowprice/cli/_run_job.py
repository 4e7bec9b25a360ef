"""What `shadowprice run` does once all is open: what it believes, asks, and has to say in the end."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

from shadowprice.beliefs import Beliefs, RunningPredictor, SavedPredictor, WatchedOutlook
from shadowprice.cli._options import say
from shadowprice.cli._policies import nothing_known, predict
from shadowprice.cli._readable import Watch, reading_of
from shadowprice.cli._run_books import Books
from shadowprice.cli._run_display import Display
from shadowprice.cli._signals import listen
from shadowprice.engines import AbstractEngine
from shadowprice.policies import AbstractMarket, AbstractPolicy, Knowledge, Terms
from shadowprice.runner import Explored, Pulse, Reason, Result, RunSettings, estimate, explore
from shadowprice.runner import run as run_questions
from shadowprice.tasks import Question


@dataclass
class Job:
    """One run, from what is known to its results."""

    questions: list[Question]
    budget: int
    terms: Terms
    policy: AbstractPolicy
    saved: SavedPredictor | None
    settings: RunSettings
    learn: float
    books: Books
    shown: Display
    price: float = float("nan")
    """Shadow price at the end."""
    pulse: Pulse = field(default_factory=Pulse)
    """What notices that this program has stood still."""
    watch: Watch = field(default_factory=Watch)
    """What warns where few replies can be read."""
    more: dict[str, Any] = field(default_factory=dict)
    """What learning has cost, and what the ledger and the server say, for the summary."""

    def __post_init__(self) -> None:
        self._done = dict(self.books.done)

    @property
    def results(self) -> list[Result]:
        """Results so far, in the order of the questions."""
        fresh = (Result(one, Reason.INTERRUPTED, 0, 0, self.price) for one in self.questions)
        return [self._done.get(one.question.query_id, one) for one in fresh]

    async def work(self, source: AbstractEngine, fallback: AbstractEngine | None) -> None:
        """Ask what has no outcome yet."""
        for result in self.books.done.values():
            self.shown.add(result)
        stop = asyncio.Event()
        listen(stop)
        before, spent_before = await source.total_generated(), self.books.ledger.totals().spent
        beliefs, running = await self._believe(source, stop)
        todo = [row for row, one in enumerate(self.questions) if one.query_id not in self._done]
        asked = [self.questions[row] for row in todo]
        market, outlook = self._open(beliefs.take(todo), running, self.terms.take(todo))
        self.shown.watch(market, beliefs.take(todo), [one.query_id for one in asked])
        try:
            results = await run_questions(
                asked,
                source,
                market,
                self.settings,
                outlook=outlook,
                ledger=self.books.ledger,
                fallback=fallback,
                stop=stop,
                pulse=self.pulse,
                progress=self._add,
            )
            self._done |= {result.question.query_id: result for result in results}
        finally:
            self.price = market.price
        after = await source.total_generated()
        totals = self.books.ledger.totals()
        self.more |= {"spent": totals.spent, "lost": totals.lost, "overrun": totals.overrun}
        self.more |= {"pauses": self.pulse.pauses, "paused_seconds": round(self.pulse.seconds, 1)}
        self.more |= {"made_beyond": self.pulse.beyond, "remarks": self._remarks(source, fallback)}
        if before is not None and after is not None:
            past = sum(one.past for name, one in self._done.items() if name not in self.books.done)
            read = totals.spent - spent_before - past
            self.more |= {"server_tokens": after - before, "made_past_stops": max(0, after - before - read)}

    def _remarks(self, *engines: AbstractEngine | None) -> list[str]:
        """What was odd, a sentence each."""
        said = [remark for one in engines if one is not None for remark in one.remarks()]
        noted = [one for one in self._done.values() if one.reason.replied and one.failure]
        if noted:
            said.append(f"Something was left undone in {len(noted)} replies; the first: {noted[0].failure}")
        return said

    async def _believe(self, source: AbstractEngine, stop: asyncio.Event) -> tuple[Beliefs, RunningPredictor | None]:
        if self.policy.knows is Knowledge.ESTIMATES:
            said = await estimate(
                self.questions,
                source,
                self.budget,
                self.settings,
                ledger=self.books.ledger,
                stop=stop,
                pulse=self.pulse,
            )
            self.questions = said.questions
            self.more = {"estimating_tokens": said.spent}
            return said.beliefs, None
        if self.saved is not None:
            return predict(self.saved.predictor, self.questions), self.saved.running
        if self.policy.knows is Knowledge.NOTHING:
            return nothing_known(len(self.questions)), None
        found = await explore(
            self.questions,
            source,
            self.budget,
            self.settings,
            # What is guaranteed to everybody is not there to explore with.
            share=min(self.learn, max(0.0, 1.0 - int(self.terms.floor.sum()) / max(1, self.budget))),
            ledger=self.books.ledger,
            stop=stop,
            pulse=self.pulse,
            progress=self._add,
        )
        self._done |= {result.question.query_id: result for result in found.results}
        self.more = {"explored": len(found.results), "explored_tokens": found.spent}
        if self.learn:
            say(_told(found, self.budget))
        return predict(found.predictor, self.questions), found.running

    def _open(
        self, beliefs: Beliefs, running: RunningPredictor | None, terms: Terms
    ) -> tuple[AbstractMarket, WatchedOutlook | None]:
        outlook = None
        if self.policy.knows is Knowledge.OUTCOMES and beliefs.outcomes is not None and running is not None:
            outlook = WatchedOutlook(beliefs.outcomes, running)
        left = self.books.ledger.totals().available
        if self.books.done and int(terms.floor.sum()) > left:
            say(f"{left} tokens are left, which is less than is guaranteed: what was lost or wasted cannot be kept.")
            terms = Terms(len(terms), terms.weight)
        return self.policy.open(beliefs, left, terms=terms, outlook=outlook), outlook

    def _add(self, result: Result) -> None:
        self._done[result.question.query_id] = result
        self.shown.add(result)
        self.watch.add(reading_of(result))


def _told(found: Explored, budget: int) -> str:
    share = f"{found.spent} tokens ({found.spent / max(1, budget):.0%} of the budget)"
    if found.running is None:
        return f"Explored with {share}: too little to learn from, so usual replies are believed in."
    return (
        f"Explored with {share}: learnt from {len(found.results)} questions, which are answered with that, "
        f"{found.right} of them right."
    )
