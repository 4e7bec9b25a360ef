"""Two connections on one file against a plain Python model, in any order of calls."""

import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shadowprice._errors import InputError
from shadowprice.ledger import Answer, Grant, Ledger, Recovered, Run

CONNECTIONS = st.sampled_from([0, 1])
REQUESTS = st.sampled_from("abcd")
TOKENS = st.integers(1, 60)
COUNTS = st.integers(0, 80)
REASONS = st.sampled_from(["finished", "cut off"])


@dataclass
class Try:
    """What the model knows of an attempt."""

    holder: int
    reserved: int
    ahead: int = 0
    state: str = "open"
    charged: int = 0


@dataclass
class Book:
    """The model: lists and dictionaries, and sums taken anew each time."""

    budget: int
    tries: dict[str, list[Try]] = field(default_factory=dict)
    outcomes: dict[str, tuple[str, int]] = field(default_factory=dict)

    def all(self) -> list[Try]:
        return [one for tries in self.tries.values() for one in tries]

    @property
    def spent(self) -> int:
        return sum(one.charged for one in self.all())

    @property
    def reserved(self) -> int:
        return sum(one.reserved for one in self.all() if one.state == "open")

    @property
    def overrun(self) -> int:
        return sum(max(0, one.charged - one.reserved) for one in self.all())

    @property
    def ahead(self) -> int:
        return sum(one.ahead for one in self.all())

    @property
    def left(self) -> int:
        return self.budget - self.spent - self.reserved

    @property
    def free(self) -> int:
        return self.left - self.ahead

    def last(self, request: str) -> Try | None:
        return self.tries[request][-1] if self.tries.get(request) else None

    def close(self, request: str, holder: int, state: str, charged: int) -> bool:
        """Close an open attempt of this holder; False if there is none."""
        last = self.last(request)
        if last is None or last.state != "open" or last.holder != holder:
            return False
        last.reserved = max(last.reserved, min(charged, last.reserved + last.ahead))
        last.state, last.charged, last.ahead = state, charged, 0
        return True


class LedgerMachine(RuleBasedStateMachine):
    """Both sides are told the same; they must answer the same and have the same totals."""

    @initialize(budget=st.integers(0, 200))
    def begin(self, budget: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.book = Book(budget)
        self.holders = [0, 1]
        self.ledgers: list[Ledger] = []
        self.runs: list[Run] = []
        for _ in range(2):
            ledger, run = self.open()
            self.ledgers.append(ledger)
            self.runs.append(run)

    def open(self) -> tuple[Ledger, Run]:
        ledger = Ledger(Path(self.folder.name) / "l")
        return ledger, ledger.open_run(budget=self.book.budget, settings={}, fingerprint="f", resume=True)

    def teardown(self) -> None:
        if hasattr(self, "ledgers"):
            for ledger in self.ledgers:
                ledger.close()
            self.folder.cleanup()

    def do(self, allowed: bool, act: Any, *arguments: Any) -> Any:
        if allowed:
            return act(*arguments)
        with pytest.raises(InputError):
            act(*arguments)
        return None

    @rule(
        who=CONNECTIONS,
        request=REQUESTS,
        tokens=TOKENS,
        least=TOKENS,
        ahead=COUNTS,
        among=st.integers(1, 4),
        enough=COUNTS,
    )
    def reserve(self, who: int, request: str, tokens: int, least: int, ahead: int, among: int, enough: int) -> None:
        last, granted = self.book.last(request), min(tokens, self.book.free)
        needed = min(ahead, enough)
        if request in self.book.outcomes:
            expected = Grant(0, Answer.SETTLED)
        elif last is not None and last.state == "open":
            mine = last.holder == self.holders[who]
            expected = Grant(last.reserved, Answer.GRANTED, last.ahead) if mine else Grant(0, Answer.ELSEWHERE)
        elif granted < min(tokens, least):
            expected = Grant(0, Answer.HELD if self.book.left >= min(tokens, least) else Answer.NOTHING_LEFT)
        elif self.book.free - granted < needed:
            expected = Grant(0, Answer.HELD)
        else:
            held = min(ahead, max(needed, (self.book.free - granted) // among))
            expected = Grant(granted, Answer.GRANTED, held)
            self.book.tries.setdefault(request, []).append(Try(self.holders[who], granted, held))
        run = self.runs[who]
        assert expected == run.reserve(request, tokens, least=least, ahead=ahead, among=among, enough=enough)

    @rule(who=CONNECTIONS, request=REQUESTS, tokens=TOKENS)
    def extend(self, who: int, request: str, tokens: int) -> None:
        last = self.book.last(request)
        allowed = last is not None and last.state == "open" and last.holder == self.holders[who]
        expected = None
        if allowed and last is not None:
            more = max(0, min(tokens - last.reserved, self.book.free + last.ahead))
            last.reserved, last.ahead = last.reserved + more, max(0, last.ahead - more)
            short = Answer.HELD if self.book.left > 0 else Answer.NOTHING_LEFT
            expected = Grant(last.reserved, short if last.reserved < tokens else Answer.GRANTED, last.ahead)
        assert expected == self.do(allowed, self.runs[who].extend, request, tokens)

    @rule(who=CONNECTIONS, request=REQUESTS, ahead=COUNTS, among=st.integers(1, 4))
    def hold(self, who: int, request: str, ahead: int, among: int) -> None:
        last = self.book.last(request)
        allowed = last is not None and last.state == "open" and last.holder == self.holders[who]
        if allowed and last is not None:
            last.ahead += max(0, min(ahead - last.ahead, self.book.free // among))
        now = self.do(allowed, lambda: self.runs[who].hold(request, ahead, among=among))
        assert (last.ahead if allowed and last is not None else None) == now

    @rule(who=CONNECTIONS, request=REQUESTS, count=COUNTS, reason=REASONS)
    def settle(self, who: int, request: str, count: int, reason: str) -> None:
        last = self.book.last(request)
        if request in self.book.outcomes:
            allowed = self.book.outcomes[request] == (reason, count)
        elif self.book.close(request, self.holders[who], "settled", count):
            allowed = True
        else:
            allowed = count == 0 and (last is None or last.state != "open")
        if allowed:
            self.book.outcomes[request] = (reason, count)
        self.do(allowed, self.runs[who].settle, request, count, reason)

    @rule(who=CONNECTIONS, request=REQUESTS, count=COUNTS)
    def charge(self, who: int, request: str, count: int) -> None:
        last = self.book.last(request)
        again = last is not None and (last.state, last.charged) == ("charged", count)
        allowed = self.book.close(request, self.holders[who], "charged", count) or again
        self.do(allowed, self.runs[who].charge, request, count)

    @rule(who=CONNECTIONS, request=REQUESTS)
    def release(self, who: int, request: str) -> None:
        last = self.book.last(request)
        again = last is not None and last.state == "released"
        allowed = self.book.close(request, self.holders[who], "released", 0) or again
        self.do(allowed, self.runs[who].release, request)

    @rule(who=CONNECTIONS, request=REQUESTS, count=COUNTS)
    def correct(self, who: int, request: str, count: int) -> None:
        tries = self.book.tries.get(request, [])
        lost = [number for number, one in enumerate(tries, 1) if one.state == "lost"]
        number = lost[-1] if lost else 1
        allowed = bool(lost) and tries[number - 1].charged >= min(count, tries[number - 1].reserved)
        if allowed:
            tries[number - 1].charged = count
        self.do(allowed, self.runs[who].correct, request, number, count)

    @rule(who=CONNECTIONS)
    def die_and_come_back(self, who: int) -> None:
        left = [one for one in self.book.all() if one.state == "open" and one.holder == self.holders[who]]
        for one in left:
            one.state, one.charged, one.ahead = "lost", one.reserved, 0
        self.ledgers[who].close()
        assert Recovered(len(left), sum(one.reserved for one in left)) == self.runs[1 - who].recover()
        self.ledgers[who], self.runs[who] = self.open()
        assert Recovered(0, 0) == self.runs[who].recovered
        self.holders[who] = max(self.holders) + 1

    @precondition(lambda self: self.book.free > 0)
    @rule(who=CONNECTIONS)
    def fail_in_a_batch(self, who: int) -> None:
        with pytest.raises(ZeroDivisionError), self.ledgers[who].batch():
            self.runs[who].reserve("e", 10)
            raise ZeroDivisionError

    @invariant()
    def both_see_the_same_totals(self) -> None:
        if not hasattr(self, "runs"):
            return
        for run in self.runs:
            totals = run.totals()
            assert (self.book.spent, self.book.reserved) == (totals.spent, totals.reserved)
            assert (self.book.overrun, max(0, self.book.left)) == (totals.overrun, totals.available)
            assert self.book.ahead == totals.ahead
            assert totals.spent - totals.overrun + totals.reserved + totals.ahead <= totals.budget
            assert self.book.outcomes == {name: (one.reason, one.generated) for name, one in run.outcomes().items()}
        assert [] == self.ledgers[0].check()


def check_machine(examples: int, steps: int) -> None:
    bounds = settings(
        max_examples=examples, stateful_step_count=steps, suppress_health_check=[HealthCheck.too_slow], deadline=None
    )
    run_state_machine_as_test(LedgerMachine, settings=bounds)


def test_the_ledger_does_what_the_model_does() -> None:
    check_machine(20, 30)


@pytest.mark.slow
@pytest.mark.parametrize("examples", [100, pytest.param(300, marks=pytest.mark.soak)])
def test_the_ledger_does_what_the_model_does_for_long(examples: int) -> None:
    check_machine(examples, 60)
