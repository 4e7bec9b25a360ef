import asyncio
import json
import math
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadowprice._errors import EngineError, InputError
from shadowprice.beliefs import Beliefs
from shadowprice.engines import AbstractEngine, Delta, LlamaCppEngine, ReplayEngine, Reply, Request
from shadowprice.policies import AbstractMarket, get_policy
from shadowprice.runner import Reason, RecordSettings, Result, RunSettings, record, result_line, run, write_results
from shadowprice.tasks import Question
from shadowprice.traces import read_traces


def questions(n: int, gold: str = "2") -> list[Question]:
    return [Question(f"q{number}", f"Question {number}?", gold) for number in range(n)]


def uniform(n: int, budget: int) -> AbstractMarket:
    return get_policy("uniform").open(Beliefs.certain(np.ones(n)), budget)


def answered(
    asked: list[Question], engine: AbstractEngine, market: AbstractMarket, concurrency: int = 3
) -> list[Result]:
    return asyncio.run(run(asked, engine, market, RunSettings(concurrency=concurrency)))


def saying(text: str, tokens: int | None = None) -> ReplayEngine:
    return ReplayEngine(lambda request: Reply(text, tokens or len(text)))


def test_a_finished_reply_is_graded_and_paid() -> None:
    (result,) = answered(questions(1), saying("Answer: 2"), uniform(1, 50))
    assert (Reason.FINISHED, 50, 9) == (result.reason, result.granted, result.generated)
    assert ("Answer: 2", "2", True) == (result.text, result.answer, result.correct)
    assert math.isnan(result.price)


def test_a_wrong_reply_and_one_that_nobody_can_grade() -> None:
    assert answered(questions(1, "3"), saying("Answer: 2"), uniform(1, 50))[0].correct is False
    assert answered(questions(1), saying("Well."), uniform(1, 50))[0].correct is False
    (result,) = answered(questions(1, ""), saying("Answer: 2"), uniform(1, 50))
    assert (Reason.FINISHED, None) == (result.reason, result.correct)


def test_a_grant_cuts_a_reply_off() -> None:
    (result,) = answered(questions(1), saying("Answer: 2"), uniform(1, 8))
    assert (Reason.CUT_OFF, "Answer: ", 8, False) == (result.reason, result.text, result.generated, result.correct)


def test_the_last_token_of_a_cut_reply_is_no_answer() -> None:
    asked, half = [Question("q0", "1 + 1?", "2", grader="number")], "1 + 1 = 2"
    (whole,) = answered(asked, saying(half), uniform(1, 9))
    (cut,) = answered(asked, saying(half + "4"), uniform(1, 9))
    (stated,) = answered(asked, saying("Answer: 2\nIndeed"), uniform(1, 10))
    assert (Reason.FINISHED, "2", True) == (whole.reason, whole.answer, whole.correct)
    assert (Reason.CUT_OFF, None, False, 9) == (cut.reason, cut.answer, cut.correct, cut.position)
    assert (Reason.CUT_OFF, "2", True, 9) == (stated.reason, stated.answer, stated.correct, stated.position)


def test_abandoned_questions_are_reported_with_the_price() -> None:
    beliefs = Beliefs(np.array([5.0, 500.0]), np.full(2, 0.2), np.full(2, 0.2))
    market = get_policy("clear-lambert").open(beliefs, 20)
    cheap, dear = answered(questions(2), saying("Hm, hm, hm. Answer: 2"), market)
    assert (Reason.CUT_OFF, Reason.ABANDONED) == (cheap.reason, dear.reason)
    assert (0, 0, "", None) == (dear.granted, dear.generated, dear.text, dear.correct)
    assert dear.price == market.price > 0.0
    error = result_line(dear, "m")["error"]
    assert "abandoned" == error["code"]
    assert f"{market.price:.3g} right answers per token" in error["message"]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_tokens_that_come_back_are_spent_on_what_was_abandoned(concurrency: int) -> None:
    # 3 tokens for 6 questions: the first three get one each, use one, nothing comes back.
    results = answered(questions(6), saying("2"), uniform(6, 3), concurrency)
    assert 3 == [result.reason for result in results].count(Reason.ABANDONED)
    # 12 tokens believed to be needed by each of 4; each uses 3 of them, so 24 reach all of them one by one.
    market = get_policy("oracle").open(Beliefs.certain(np.full(4, 12.0)), 24)
    results = answered(questions(4), saying("One"), market, concurrency)
    assert [Reason.FINISHED] * 4 == [result.reason for result in results]
    assert 12 == market.spent


class Broken(AbstractEngine):
    """Writes two tokens of every reply, then fails; what it was asked first works."""

    model = "broken"

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        if request.request_id == "q0":
            yield Delta("Answer: 2", 4, "stop")
            return
        yield Delta("Ans", 1)
        await asyncio.sleep(0)
        yield Delta("wer", 2)
        raise EngineError(f"Lost {request.request_id}.")


def test_a_failed_reply_is_paid_and_the_others_go_on() -> None:
    market = uniform(3, 30)
    results = answered(questions(3), Broken(), market)
    assert [Reason.FINISHED, Reason.FAILED, Reason.FAILED] == [result.reason for result in results]
    assert [(4, 0), (0, 2), (0, 2)] == [(result.generated, result.wasted) for result in results]
    assert ["", "Lost q1.", "Lost q2."] == [result.failure for result in results]
    assert [True, None, None] == [result.correct for result in results]
    assert 8 == market.spent


def test_a_cancelled_run_reports_what_it_has() -> None:
    asked: list[str] = []

    def reply(request: Request) -> Reply:
        asked.append(request.request_id)
        return Reply("Answer: 2", 9 if len(asked) == 1 else 10**6)

    engine = ReplayEngine(reply, step=3, delay=0.001)
    market = uniform(5, 10**7)
    seen: list[Result] = []

    async def cancelled() -> list[Result]:
        task = asyncio.ensure_future(
            run(questions(5), engine, market, RunSettings(concurrency=2), progress=seen.append)
        )
        while not seen:
            await asyncio.sleep(0.001)
        task.cancel()
        return await task

    results = asyncio.run(cancelled())
    by_id = {result.question.query_id: result for result in results}
    first, *others = asked
    assert Reason.FINISHED is by_id[first].reason
    assert [Reason.INTERRUPTED] * 4 == [result.reason for name, result in by_id.items() if name != first]
    assert 5 == len(seen)
    assert 0 < by_id[others[0]].wasted < 10**6
    assert not any(result.spent for name, result in by_id.items() if name not in asked)
    assert market.spent == sum(result.spent for result in results)


def test_no_questions_no_results() -> None:
    assert [] == answered([], saying("x"), uniform(0, 10))


@st.composite
def runs(draw: st.DrawFn) -> tuple[list[int], Beliefs, str, int, int]:
    n = draw(st.integers(1, 15))
    lengths = draw(st.lists(st.integers(1, 40), min_size=n, max_size=n))
    threshold = np.array(draw(st.lists(st.floats(1.0, 50.0), min_size=n, max_size=n)))
    beliefs = Beliefs(threshold, np.full(n, 0.2), np.full(n, 0.1))
    policy = draw(st.sampled_from(["uniform", "predictor", "clear-lambert", "oracle"]))
    return lengths, beliefs, policy, draw(st.integers(0, 40 * n)), draw(st.integers(1, 20))


@settings(deadline=None, max_examples=60)
@given(case=runs())
def test_a_budget_is_never_exceeded_and_every_question_has_one_result(
    case: tuple[list[int], Beliefs, str, int, int],
) -> None:
    lengths, beliefs, policy, budget, concurrency = case
    counted: dict[str, int] = {}

    class Metered(ReplayEngine):
        async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
            async with aclosing(super().stream(request)) as deltas:
                async for delta in deltas:
                    counted[request.request_id] = delta.tokens
                    assert sum(counted.values()) <= budget
                    yield delta

    engine = Metered(lambda request: Reply("x" * 40, lengths[int(request.request_id[1:])]), step=3)
    asked = questions(len(lengths))
    seen: list[Result] = []
    market = get_policy(policy).open(beliefs, budget)
    results = asyncio.run(run(asked, engine, market, RunSettings(concurrency=concurrency), progress=seen.append))
    assert [result.question for result in results] == asked
    assert sorted(result.question.query_id for result in seen) == sorted(question.query_id for question in asked)
    assert {r.question.query_id: r.generated for r in results if r.generated} == counted
    assert market.spent == sum(counted.values()) <= budget
    for result in results:
        assert (result.reason is Reason.ABANDONED) == (result.granted == 0)
        assert result.generated <= result.granted


def test_results_are_openai_batch_lines(tmp_path: Path) -> None:
    results = answered(questions(2), Broken(), uniform(2, 20))
    path = tmp_path / "out.jsonl"
    write_results(results, "m", path)
    done, failed = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    assert "q0" == done["custom_id"]
    assert done["error"] is None
    body = done["response"]["body"]
    assert {"role": "assistant", "content": "Answer: 2"} == body["choices"][0]["message"]
    assert (
        "stop",
        {"completion_tokens": 4},
        "m",
    ) == (body["choices"][0]["finish_reason"], body["usage"], body["model"])
    assert {
        "granted": 10,
        "generated": 4,
        "wasted": 0,
        "past": 0,
        "attempts": 1,
        "price": None,
        "reason": "finished",
        "answer": "2",
        "correct": True,
        "gold": "2",
        "grader": "exact",
    } == done["shadowprice"]
    assert (None, {"code": "failed", "message": "Lost q1."}) == (failed["response"], failed["error"])


def test_results_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Cannot write"):
        write_results([], "m", tmp_path / "none" / "out.jsonl")
    assert [] == list(tmp_path.iterdir())


@pytest.mark.model
def test_a_real_model_stays_inside_its_budget(smollm2: Path, tmp_path: Path) -> None:
    asked = [Question(f"q{number}", f"What is {number} + 1?", str(number + 1)) for number in range(12)]

    class Counted(LlamaCppEngine):
        """Remembers the engine's own count of every reply."""

        counts: dict[str, int]

        async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
            async with aclosing(super().stream(request)) as deltas:
                async for delta in deltas:
                    self.counts[request.request_id] = delta.tokens
                    yield delta

    async def session() -> tuple[list[Result], dict[str, int]]:
        async with Counted(smollm2, parallel=4, threads=1) as engine:
            engine.counts = {}
            short = RecordSettings(samples=1, max_tokens=24)
            await record(asked[:4], engine, tmp_path / "t.parquet", short, concurrency=4)
            engine.counts = {}
            return await run(asked, engine, uniform(12, 120), RunSettings(concurrency=4)), engine.counts

    results, counts = asyncio.run(session())
    traces = read_traces(tmp_path / "t.parquet")
    assert 4 == traces.n_queries
    assert (traces.completion_tokens <= 24).all()
    assert (traces.answer_tokens <= traces.completion_tokens).all()
    assert {result.question.query_id: result.generated for result in results if result.generated} == counts
    assert 0 < sum(counts.values()) <= 120
    assert {result.reason for result in results} <= {Reason.FINISHED, Reason.CUT_OFF, Reason.ABANDONED}
