"""Runs whose market is asked at every step: what is stopped, what that costs, and that no budget is exceeded."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import EngineError, InputError, RefusedError, UnreachableError
from shadowprice._types import IntArray
from shadowprice.beliefs import Beliefs, Outcomes, Outlook
from shadowprice.engines import AbstractEngine, Confidence, Delta, Reply, Request
from shadowprice.ledger import Ledger
from shadowprice.ledger import Run as LedgerRun
from shadowprice.policies import AbstractMarket, Terms, get_policy
from shadowprice.runner import End, Reason, Result, Retries, RunSettings, run
from shadowprice.tasks import Question
from shadowprice.testing import MockEngine

GRID = np.array([8.0, 16.0, 32.0, 64.0, 128.0])
QUICK = Retries(backoff=0.0)
ENDING = 5


def questions(n: int) -> list[Question]:
    return [Question(f"q{number}", f"Question {number}?", "2") for number in range(n)]


def beliefs(*chances: float) -> Beliefs:
    """Replies that are right with some chance, at 16 tokens if at all, and end there or at 128."""
    right = np.array(chances)[:, np.newaxis] * (np.array([0.0, 1.0, 1.0, 1.0, 1.0]))
    finished = np.maximum(right, np.array([0.0, 0.0, 0.0, 0.0, 1.0]))
    n = len(chances)
    return Beliefs(np.full(n, 16.0), np.full(n, 0.1), np.full(n, 0.1), Outcomes(GRID, right, finished))


def index(budget: int, *chances: float, terms: Terms | None = None) -> AbstractMarket:
    return get_policy("index").open(beliefs(*chances), budget, terms=terms)


def metered(
    lengths: dict[str, int],
    overshoot: int = 0,
    text: str = "x" * 200,
    fail: Callable[[Request, int], EngineError | None] = lambda request, time: None,
    fail_after: int = 2,
    resumes: bool = False,
) -> MockEngine:
    """Replies of some lengths in tokens; the answer, to those who ask for that."""

    def reply(request: Request) -> Reply:
        if request.prefix:
            return Reply(" 2", 2)
        return Reply("Answer: 2", 2) if request.max_tokens == ENDING else Reply(text, lengths[request.request_id])

    return MockEngine(reply, overshoot=overshoot, fail=fail, fail_after=fail_after, resumes=resumes)


def answered(asked: list[Question], engine: AbstractEngine, market: AbstractMarket, **options: object) -> list[Result]:
    chosen = RunSettings(**options)  # type: ignore[arg-type]
    return asyncio.run(run(asked, engine, market, chosen))


def test_a_reply_is_stopped_once_its_answer_should_have_come() -> None:
    engine = metered({"q0": 128, "q1": 16})
    slow, quick = answered(questions(2), engine, index(144, 0.9, 0.9), concurrency=1)
    assert (Reason.FINISHED, 16) == (quick.reason, quick.generated)
    # With 0.9 the answer stands at 16 tokens or never; nothing is to be had from there on.
    assert (Reason.STOPPED, 16, 16) == (slow.reason, slow.generated, slow.granted)
    assert engine.generated == {"q0": 16, "q1": 16}


def test_the_market_is_asked_before_the_engine_can_go_too_far() -> None:
    engine = metered({"q0": 128}, overshoot=3)
    (slow,) = answered(questions(1), engine, index(600, 0.9))
    assert (Reason.STOPPED, 16, 3) == (slow.reason, slow.generated, slow.past)
    assert 16 == engine.generated["q0"]
    assert slow.text == ("x" * 200)[: 200 * 13 // 128]


def test_what_was_never_begun_is_abandoned() -> None:
    good, bad = answered(questions(2), metered({"q0": 16, "q1": 16}), index(20, 0.9, 0.0))
    assert (Reason.FINISHED, Reason.ABANDONED) == (good.reason, bad.reason)


class Scripted(Outlook):
    """Notes what it is told."""

    def __init__(self, before: Outcomes) -> None:
        super().__init__(before)
        self.read_texts: dict[int, str] = {}
        self.forgotten: list[int] = []
        self.heard: list[tuple[int, int, int]] = []

    hears = True

    def hear(self, row: int, tokens: int, told: list[Confidence]) -> None:
        self.heard.append((row, tokens, len(told)))

    def read(self, ids: IntArray, texts: list[str]) -> None:
        for row, text in zip(ids.tolist(), texts, strict=True):
            self.read_texts[row] = self.read_texts.get(row, "") + text

    def forget(self, ids: IntArray) -> None:
        self.forgotten.extend(ids.tolist())


def test_the_outlook_reads_what_has_been_written() -> None:
    known = beliefs(0.9).outcomes
    assert known is not None
    outlook = Scripted(known)
    market = get_policy("index").open(beliefs(0.9), 200, outlook=outlook)
    text = "".join(chr(97 + place % 26) for place in range(128))
    asyncio.run(run(questions(1), metered({"q0": 128}, text=text), market, outlook=outlook))  # type: ignore[arg-type]
    assert text[:16] == outlook.read_texts[0]
    assert [0] == outlook.forgotten
    assert [] == outlook.heard


def test_the_outlook_hears_how_sure_the_model_was_if_the_engine_tells() -> None:
    class Telling(MockEngine):
        tells_confidence = True

        async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
            async with aclosing(super().stream(request)) as deltas:
                async for delta in deltas:
                    yield replace(delta, confidence=(Confidence(-0.1, 0.2),) if request.confidence else ())

    known = beliefs(0.9).outcomes
    assert known is not None
    outlook = Scripted(known)
    market = get_policy("index").open(beliefs(0.9), 200, outlook=outlook)
    engine = Telling(lambda request: Reply("x" * 128, 128))
    asyncio.run(run(questions(1), engine, market, outlook=outlook))  # type: ignore[arg-type]
    assert [(0, 8, 8), (0, 16, 8)] == outlook.heard[:2]


@pytest.mark.parametrize("end", [End.ANSWER, End.FALLBACK])
def test_a_stopped_reply_is_ended_as_asked(end: End) -> None:
    engine = metered({"q0": 128}, overshoot=1, resumes=end is End.ANSWER)
    chosen = RunSettings(end=end, end_tokens=ENDING)
    work = run(questions(1), engine, index(200, 0.9), chosen, fallback=engine if end is End.FALLBACK else None)
    (result,) = asyncio.run(work)
    assert (18, 1, True) == (result.generated, result.past, result.correct)
    assert 18 == engine.generated["q0"]
    if end is End.ANSWER:
        assert Reason.ANSWERED is result.reason
        assert result.text.endswith("\nAnswer: 2")
        assert engine.requests[-1].prefix == result.text[:-2]
    else:
        assert (Reason.FELL_BACK, "Answer: 2") == (result.reason, result.text)


def test_an_ending_that_fails_leaves_the_reply_as_it_is() -> None:
    def fail(request: Request, time: int) -> EngineError | None:
        return EngineError("No.") if request.prefix else None

    (result,) = answered(
        questions(1), metered({"q0": 128}, fail=fail, fail_after=1, resumes=True), index(200, 0.9), end=End.ANSWER
    )
    assert (Reason.STOPPED, 17) == (result.reason, result.generated)


def flaky(failures: int, error: EngineError) -> MockEngine:
    """Fails some times after two tokens, then works."""
    times = iter(range(failures))
    return metered({"q0": 16, "q1": 16}, fail=lambda request, time: None if next(times, None) is None else error)


def test_failures_that_may_pass_are_tried_again_and_paid() -> None:
    engine = flaky(2, EngineError("Hm.", retryable=True))
    (result,) = answered(questions(1), engine, index(100, 0.9), retries=QUICK)
    assert (Reason.FINISHED, 16, 4, 3) == (result.reason, result.generated, result.wasted, result.attempts)
    assert 20 == engine.generated["q0"] == result.spent


def test_failures_that_go_on_end_the_question_and_not_the_run() -> None:
    engine = flaky(3, EngineError("Hm.", retryable=True))
    results = answered(questions(2), engine, index(200, 0.9, 0.9), retries=Retries(2, backoff=0.0), concurrency=1)
    assert [Reason.FAILED, Reason.FINISHED] == sorted((one.reason for one in results), reverse=False)
    failed = next(one for one in results if one.reason is Reason.FAILED)
    assert ("Hm.", 6, 3, 0) == (failed.failure, failed.wasted, failed.attempts, failed.generated)


def test_a_server_that_asks_for_too_long_a_wait_is_not_waited_for() -> None:
    engine = flaky(1, RefusedError("Busy.", retryable=True, retry_after=301.0))
    (result,) = answered(questions(1), engine, index(200, 0.9))
    assert (Reason.FAILED, "Busy.") == (result.reason, result.failure)


def test_retry_after_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await real(0)

    monkeypatch.setattr("shadowprice.runner._ask.asyncio.sleep", sleep)
    engine = flaky(1, RefusedError("Busy.", retryable=True, retry_after=7.0))
    (result,) = answered(questions(1), engine, index(200, 0.9))
    assert Reason.FINISHED is result.reason
    assert [7.0] == [seconds for seconds in slept if seconds >= 0.5]  # shorter ones are the pulse's


def test_tokens_that_failures_took_are_not_spent_twice() -> None:
    engine = flaky(10**6, EngineError("Hm.", retryable=True))
    results = answered(questions(2), engine, index(20, 0.9, 0.9), retries=Retries(100, backoff=0.0))
    assert sum(engine.generated.values()) == sum(one.spent for one in results) <= 20
    assert "No tokens were left to ask again." in "".join(one.failure for one in results)


def test_a_server_that_has_gone_ends_the_run_and_loses_nothing(tmp_path: Path) -> None:
    def fail(request: Request, time: int) -> EngineError | None:
        return UnreachableError("Nobody there.", retryable=True) if len(engine.requests) > 2 else None

    asked = questions(4)
    lengths = {one.query_id: 16 for one in asked}
    engine = metered(lengths, fail=fail, fail_after=0)
    with Ledger(tmp_path / "l") as ledger:
        books = opened(ledger, 400)
        chosen = RunSettings(retries=Retries(1, backoff=0.0), concurrency=1)
        with pytest.raises(UnreachableError, match=r"Nobody there\. What is settled is kept\."):
            asyncio.run(run(asked, engine, index(400, 0.9, 0.9, 0.9, 0.9), chosen, ledger=books))
        assert 2 == len(books.outcomes())
        engine = metered(lengths)
        results = asyncio.run(run(asked, engine, index(400, 0.9, 0.9, 0.9, 0.9), chosen, ledger=books))
        assert [Reason.FINISHED] * 4 == [one.reason for one in results]
        assert 2 == len(engine.generated)
        assert [] == ledger.check()
        assert 64 == books.totals().spent


def opened(ledger: Ledger, budget: int) -> LedgerRun:
    return ledger.open_run(budget=budget, settings={}, fingerprint="f", resume=True)


def test_the_ledger_holds_every_result(tmp_path: Path) -> None:
    asked = questions(3)
    engine = metered({"q0": 128, "q1": 16, "q2": 16})
    with Ledger(tmp_path / "l") as ledger:
        books = opened(ledger, 170)
        results = asyncio.run(run(asked, engine, index(170, 0.9, 0.9, 0.001), ledger=books))
        kept = [Result.restore(one, books.outcomes()[one.query_id].payload) for one in asked]
        assert [str(one) for one in results] == [str(one) for one in kept]
        assert sum(engine.generated.values()) == books.totals().spent
        again = asyncio.run(run(asked, metered({}), index(170, 0.9, 0.9, 0.001), ledger=books))
        assert [str(one) for one in results] == [str(one) for one in again]
        assert [] == ledger.check()


def test_stopping_lets_what_runs_end_and_the_rest_wait(tmp_path: Path) -> None:
    asked = questions(6)
    lengths = {one.query_id: 16 for one in asked}
    stop = asyncio.Event()
    with Ledger(tmp_path / "l") as ledger:
        books = opened(ledger, 600)
        work = run(
            asked,
            metered(lengths),
            index(600, *[0.9] * 6),
            RunSettings(concurrency=2),
            ledger=books,
            stop=stop,
            progress=lambda result: stop.set(),
        )
        results = asyncio.run(work)
        reasons = Counter(one.reason for one in results)
        assert {Reason.FINISHED, Reason.INTERRUPTED} == set(reasons)
        assert reasons[Reason.FINISHED] <= 3
        rest = metered(lengths)
        results = asyncio.run(run(asked, rest, index(600, *[0.9] * 6), ledger=books))
        assert {Reason.FINISHED} == {one.reason for one in results}
        assert reasons[Reason.INTERRUPTED] == len(rest.generated)


def test_guarantees_are_kept_to_those_who_are_worth_nothing() -> None:
    engine = metered({"q0": 128, "q1": 128})
    results = answered(questions(2), engine, index(400, 0.9, 0.0, terms=Terms(2, floor=12)))
    assert 12 <= results[1].generated


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"concurrency": 0}, "concurrency is 0; it must be 1 or more."),
        ({"max_tokens": 0}, "max_tokens is 0; it must be 1 or more."),
        ({"thinking_tokens": -1}, "thinking_tokens is -1; it must be 0 or more."),
        ({"temperature": float("nan")}, "The temperature is nan; it must be between 0 and 10."),
        ({"end": End.ANSWER, "end_tokens": 0}, "end_tokens is 0; it must be 1 or more."),
    ],
)
def test_settings_that_make_no_sense(option: dict[str, float], complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        RunSettings(**option)  # type: ignore[arg-type]
    assert complaint == str(caught.value)


def test_a_small_budget_is_spent_by_fewer_at_a_time() -> None:
    assert 16 == RunSettings().width(10**6, 4)
    assert 5 == RunSettings().width(1000, 4)
    assert 1 == RunSettings().width(10, 4)
    assert 2 == RunSettings(end=End.ANSWER, end_tokens=20).width(200, 0)


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[int], list[float], int, int, int, str, End]:
    n = draw(st.integers(1, 12))
    lengths = draw(st.lists(st.integers(1, 140), min_size=n, max_size=n))
    chances = draw(st.lists(st.floats(0.0, 1.0), min_size=n, max_size=n))
    policy = draw(st.sampled_from(["index", "uniform", "expected", "clear-lambert"]))
    end = draw(st.sampled_from([End.ABANDON, End.ANSWER]))
    budget = draw(st.integers(0, 100 * n))
    return lengths, chances, budget, draw(st.integers(1, 16)), draw(st.integers(0, 3)), policy, end


@settings(deadline=None, max_examples=80)
@given(case=runs(), failing=st.sampled_from([0, 3]))
def test_no_budget_is_exceeded_by_the_engines_own_count(
    case: tuple[list[int], list[float], int, int, int, str, End], failing: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lengths, chances, budget, concurrency, overshoot, policy, end = case
    asked = questions(len(lengths))

    def fail(request: Request, time: int) -> EngineError | None:
        strikes = failing and len(engine.requests) % failing == 0 and not request.prefix
        return EngineError("Hm.", retryable=True) if strikes else None

    lengths_of = {one.query_id: length for one, length in zip(asked, lengths, strict=True)}
    engine = metered(lengths_of, overshoot, fail=fail, fail_after=1, resumes=end is End.ANSWER)
    market = get_policy(policy).open(beliefs(*chances), budget)
    chosen = RunSettings(concurrency=concurrency, end=end, end_tokens=2, retries=QUICK)
    with Ledger(tmp_path_factory.mktemp("books") / "l") as ledger:
        books = opened(ledger, budget)
        results = asyncio.run(run(asked, engine, market, chosen, ledger=books))
        totals = books.totals()
        assert [] == ledger.check()
    assert asked == [one.question for one in results]
    assert (0, 0, 0) == (totals.reserved, totals.open, totals.overrun)
    assert sum(engine.generated.values()) <= sum(one.spent for one in results) == totals.spent <= budget
    assert len(asked) == totals.settled


@pytest.mark.parametrize(
    ("option", "complaint"),
    [
        ({"times": -1}, "retries is -1; it must be 0 or more."),
        ({"patience": -1.0}, "patience is -1.0 seconds; it must be 0 or more."),
        ({"backoff": float("nan")}, "backoff is nan seconds; it must be 0 or more."),
    ],
)
def test_retries_that_make_no_sense(option: dict[str, float], complaint: str) -> None:
    with pytest.raises(InputError) as caught:
        Retries(**option)  # type: ignore[arg-type]
    assert complaint == str(caught.value)


def test_exact_runs_send_every_step_as_a_cap_and_go_on_with_the_text() -> None:
    text = "".join(chr(97 + place % 26) for place in range(128))

    def reply(request: Request) -> Reply:
        assert text.startswith(request.prefix)
        rest = text[len(request.prefix) :]
        return Reply(rest, len(rest))  # a token for each character

    engine = MockEngine(reply, overshoot=4, resumes=True)
    (stopped,) = answered(questions(1), engine, index(600, 0.9), exact=True)
    assert (Reason.STOPPED, text[:16], 16, 0) == (stopped.reason, stopped.text, stopped.generated, stopped.past)
    assert [(8, ""), (8, text[:8])] == [(one.max_tokens, one.prefix) for one in engine.requests]
    assert 16 == engine.generated["q0"]

    engine = MockEngine(reply, overshoot=4, resumes=True)
    hopeful = get_policy("index").open(later(0.9), 600)
    (finished,) = answered(questions(1), engine, hopeful, exact=True)
    assert (Reason.FINISHED, text, 128) == (finished.reason, finished.text, finished.generated)
    assert [8, 8, 16, 32, 64] == [one.max_tokens for one in engine.requests]


def later(chance: float) -> Beliefs:
    """A reply that is right at 128 tokens, if at all, and ends there."""
    right = np.array([[0.0, 0.0, 0.0, 0.0, chance]])
    ones = np.ones(1)
    return Beliefs(128 * ones, 0.1 * ones, 0.1 * ones, Outcomes(GRID, right, np.array([[0.0, 0.0, 0.0, 0.0, 1.0]])))


@pytest.mark.parametrize(
    ("cap", "sent"),
    [
        (3, [3, 3, 3, 3, 3]),
        (8, [None, 8, 8, 8, 8]),
        (20, [None, None, 20, 20, 20]),
        (64, [None, None, None, None, 64]),
    ],
)
def test_a_cap_on_thinking_is_sent_with_the_step_in_which_it_is_reached(cap: int, sent: list[int | None]) -> None:
    class Thinking(AbstractEngine):
        model = "thinking"
        resumes = True

        def __init__(self) -> None:
            self.caps: list[int | None] = []

        async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
            self.caps.append(request.thinking_tokens)
            yield Delta("", request.max_tokens, "length", thinking="hm " * request.max_tokens)

    engine = Thinking()
    answered(questions(1), engine, get_policy("index").open(later(0.9), 600), exact=True, thinking_tokens=cap)
    assert sent == engine.caps
