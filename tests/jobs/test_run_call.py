"""`shadowprice.run` and `run_async`: what they take, tell, refuse and leave behind, and how they are ended early."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import scripted_engine
import shadowprice
from scripted_engine import COUNT, Scripted, asked
from shadowprice._errors import BudgetTooSmallError, EngineError, InputError, RefusedError
from shadowprice._json import finite
from shadowprice.engines import EngineChoice, Reply
from shadowprice.jobs import Answered, Fitted, QuestionOptions, Session, Step, TermOptions
from shadowprice.ledger import Ledger
from shadowprice.policies import get_policy
from shadowprice.runner import End, Reason, RunSettings
from shadowprice.tasks import Question
from shadowprice.testing import MockEngine

CALM = RunSettings(concurrency=4)
ALONE = RunSettings(concurrency=1)
"""With others, who comes when differs by microseconds."""


def answers(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_questions_that_are_given_are_answered_in_their_order(scripted_questions: list[Question]) -> None:
    ran = shadowprice.run(scripted_questions, budget=1200, engine=Scripted(), policy="uniform")
    assert [one.query_id for one in scripted_questions] == [one.question.query_id for one in ran.results]
    assert ran.finished
    assert "Answered(48 questions, 32 right, 648 of 1,200 tokens spent)" == repr(ran)
    assert (None, None, 32) == tuple(ran.summary[name] for name in ("output", "ledger", "right"))
    assert (648, 1200) == (ran.totals.spent, ran.totals.budget)
    assert ran.beliefs is not None


def test_texts_are_questions_that_nobody_can_judge() -> None:
    told: list[str] = []
    ran = shadowprice.run(
        ["What is 4 + 2?", "What is 5 + 2?"], budget=100, engine=Scripted(), policy="uniform", tell=told.append
    )
    assert [("q1", "6"), ("q2", "7")] == [(one.question.query_id, one.answer) for one in ran.results]
    assert [None, None] == [one.correct for one in ran.results]
    assert "No question has a gold, so no reply is judged." in told
    assert "2 answered" in repr(ran)


def test_nothing_is_printed_and_the_logger_is_told(
    scripted_questions: list[Question], caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO, "shadowprice"):
        shadowprice.run(scripted_questions, budget=1200, engine=Scripted(), policy="uniform")
    assert ("", "") == capsys.readouterr()
    assert "Budget: 1,200 tokens (25 a question)." in caplog.messages
    assert {"INFO"} == {one.levelname for one in caplog.records}


def test_progress_says_how_far_each_piece_of_work_is(scripted_questions: list[Question], scripted_fit: Fitted) -> None:
    steps: list[Step] = []
    ran = shadowprice.run(
        scripted_questions, budget="60%", engine=Scripted(), predictor=scripted_fit.predictor, progress=steps.append
    )
    assert ["predicting", "spending"] == list(dict.fromkeys(one.doing for one in steps))
    assert 2 <= sum(one.ended for one in steps)
    spent = [one for one in steps if one.doing == "spending"]
    assert (0.0, float(ran.totals.spent)) == (spent[0].done, spent[-1].done)
    assert {float(ran.totals.budget)} == {one.total for one in spent}
    assert {"tokens", "answered", "right", "price"} == set(spent[-1].lines)


def test_a_predictor_in_memory_and_its_file_spend_alike(
    scripted_questions: list[Question], scripted_fit: Fitted, scripted_predictor: Path
) -> None:
    told: dict[str, list[str]] = {"file": [], "memory": []}
    one = shadowprice.run(
        scripted_questions,
        budget="50%",
        engine=Scripted(),
        predictor=scripted_predictor,
        settings=ALONE,
        tell=told["file"].append,
    )
    other = shadowprice.run(
        scripted_questions,
        budget="50%",
        engine=Scripted(),
        predictor=scripted_fit.predictor,
        settings=ALONE,
        tell=told["memory"].append,
    )
    assert one.summary == other.summary
    assert any(line.startswith(f"{scripted_predictor} does not say how") for line in told["file"])
    assert any(line.startswith("SavedPredictor(t.parquet) does not say how") for line in told["memory"])


def test_weights_by_number_and_by_column(
    scripted_file: Path, scripted_questions: list[Question], scripted_fit: Fitted
) -> None:
    lines = [json.loads(line) for line in scripted_file.read_text(encoding="utf-8").splitlines()]
    worth = np.linspace(0.2, 5.0, COUNT)
    for line, weight in zip(lines, worth, strict=True):
        line["value"] = weight
    scripted_file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    common: dict[str, Any] = {"budget": 200, "predictor": scripted_fit.predictor, "settings": ALONE}
    column = shadowprice.run(scripted_file, engine=Scripted(), terms=TermOptions(weights="value"), **common)
    numbers = shadowprice.run(
        scripted_questions, engine=Scripted(), terms=TermOptions(weights=worth.tolist()), **common
    )
    assert column.summary == numbers.summary
    assert worth == pytest.approx(column.account.terms.weight)


def test_who_opens_an_engine_closes_it(scripted_questions: list[Question]) -> None:
    engine = Scripted()
    asyncio.run(shadowprice.run_async(scripted_questions, budget=1200, engine=engine, policy="uniform"))
    assert not engine.closed
    shadowprice.run(scripted_questions, budget=1200, engine=engine, policy="uniform")
    assert engine.closed  # its connections would belong to a loop that has ended


def test_a_policy_of_ones_own_is_given(scripted_questions: list[Question]) -> None:
    ran = shadowprice.run(scripted_questions, budget=1200, engine=Scripted(), policy=get_policy("uniform"))
    assert "uniform" == ran.summary["policy"]


def test_another_model_answers_after_a_stop(scripted_questions: list[Question], scripted_fit: Fitted) -> None:
    ran = shadowprice.run(
        scripted_questions,
        budget=420,
        engine=Scripted(),
        fallback=Scripted("other"),
        predictor=scripted_fit.predictor,
        settings=RunSettings(concurrency=2, end=End.FALLBACK),
    )
    assert ran.totals.spent <= 420
    assert not {one.reason for one in ran.results} & {Reason.STOPPED, Reason.FAILED}


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        ({"budget": "much"}, "The budget 'much' is none"),
        ({"budget": "30%"}, "is a share of full cost"),
        ({"explore": 0.5}, "--explore is 0.5; it must be from 0 to 0.1."),
        ({"engine": "x"}, "There is no engine 'x'"),
        ({"engine": EngineChoice("nobody:Nobody")}, "could not be imported"),
        ({"policy": "oracle"}, "The oracle knows the answers"),
        ({"predictor": "none.shadow"}, "none.shadow: no such file"),
        ({"resume": True}, "There is no run to resume without an output or a ledger"),
        ({"output": "nowhere/a.jsonl"}, "Cannot write nowhere/a.jsonl: give a file name in a folder that exists."),
        ({"output": "a.jsonl", "report": "a.jsonl"}, "--report and --output name the same file"),
        ({"fallback": "llamacpp"}, "--end fallback and --fallback ENGINE go together"),
        ({"settings": RunSettings(end=End.FALLBACK)}, "--end fallback and --fallback ENGINE go together"),
        ({"reading": QuestionOptions(columns="question=x")}, "Columns are of a file, and these questions are none"),
        ({"reading": QuestionOptions(grader="nothing")}, "nothing"),
        ({"terms": TermOptions(weights="value")}, "The weights are column 'value', and these questions are no file"),
        ({"terms": TermOptions(weights=[1.0])}, "weight"),
        ({"terms": TermOptions(floor=-1)}, "--floor is -1 tokens"),
        ({"terms": TermOptions(floor=100)}, "4800 tokens are guaranteed"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_asked(
    scripted_questions: list[Question],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    more: dict[str, Any],
    complaint: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    engine = Scripted()
    with pytest.raises(InputError, match=complaint.replace("(", r"\(")):
        arguments: dict[str, Any] = {"budget": 1200, "engine": engine, "policy": "uniform"}
        shadowprice.run(scripted_questions, **(arguments | more))
    assert ([], []) == (engine.seen, list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("questions", "complaint"),
    [
        ([], "There are no questions"),
        (["Why?", " "], "Question 2 is blank"),
        ([{"question": "Why?"}], "Question 1 is dict; give a text, or a Question"),
        ([asked(1), asked(1)], "Two questions have the id 'q1'"),
        ([Question("a", "Why?", "x", grader="number")], "cannot read 1 of 1 golds: question 1"),
        (
            [Question("a", "Why?", "x", grader="python:os:getcwd")],
            "Question 1: 'python:os:getcwd' is a grader",
        ),
        ("none.jsonl", "none.jsonl"),
    ],
)
def test_what_are_no_questions(questions: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        shadowprice.run(questions, budget=1200, engine=Scripted(), policy="uniform")


def test_a_budget_that_buys_nothing(scripted_questions: list[Question]) -> None:
    with pytest.raises(BudgetTooSmallError, match="0 tokens buy nothing for these 48 questions"):
        shadowprice.run(scripted_questions, budget=0, engine=Scripted(), policy="uniform")
    ran = shadowprice.run(scripted_questions, budget=0, engine=Scripted(), policy="uniform", check=False)
    assert {Reason.ABANDONED} == {one.reason for one in ran.results}


def test_requests_that_all_fail(scripted_questions: list[Question], tmp_path: Path) -> None:
    engine = MockEngine(lambda request: Reply("no", 2), fail=lambda request, time: RefusedError("Not with this key."))
    output = tmp_path / "a.jsonl"
    with pytest.raises(EngineError, match=r"Every request failed, the first with: Not with this key\."):
        shadowprice.run(scripted_questions, budget=1200, engine=engine, policy="uniform", output=output)
    assert {"failed"} == {line["error"]["code"] for line in answers(output)}


def test_in_a_loop_there_is_a_call_to_wait_for(scripted_questions: list[Question], tmp_path: Path) -> None:
    async def work() -> list[int]:
        with pytest.raises(InputError, match=r"write `await shadowprice\.run_async\(\.\.\.\)` with the same arguments"):
            shadowprice.run(scripted_questions, budget=1200, engine=Scripted(), policy="uniform")
        both = [
            shadowprice.run_async(
                scripted_questions, budget=1200, engine=Scripted(), policy="uniform", output=tmp_path / f"{name}.jsonl"
            )
            for name in "ab"
        ]
        return [ran.totals.spent for ran in await asyncio.gather(*both)]

    assert [648, 648] == asyncio.run(work())
    one, other = (answers(tmp_path / f"{name}.jsonl") for name in "ab")
    assert [line["shadowprice"]["answer"] for line in one] == [line["shadowprice"]["answer"] for line in other]


def test_two_runs_share_the_budget_of_a_ledger(scripted_questions: list[Question], tmp_path: Path) -> None:
    async def work() -> list[Answered]:
        both = [
            shadowprice.run_async(
                scripted_questions,
                budget=500,
                engine=Scripted(),
                policy="uniform",
                ledger=tmp_path / "l.ledger",
                resume=True,
                settings=CALM,
            )
            for _ in range(2)
        ]
        return await asyncio.gather(*both)

    one, other = asyncio.run(work())
    assert finite([a.payload() for a in one.results]) == finite([b.payload() for b in other.results])
    with Ledger(tmp_path / "l.ledger", read_only=True) as ledger:
        assert [] == ledger.check()
        assert ledger.totals("run").spent <= 500


def spent_so_far(limit: int, wish: Any) -> Any:
    """Progress that wishes something, once, when so many tokens are spent."""
    wished: list[float] = []

    def follow(step: Step) -> None:
        if step.doing == "spending" and step.done >= limit and not wished:
            wished.append(step.done)
            wish()

    return follow


@pytest.mark.parametrize("wish", ["stop", "abort"])
def test_a_run_is_stopped_and_gone_on_with(scripted_questions: list[Question], tmp_path: Path, wish: str) -> None:
    sessions: list[Session] = []
    output = tmp_path / "a.jsonl"
    common: dict[str, Any] = {"budget": 1200, "policy": "uniform", "settings": CALM, "output": output}
    first = shadowprice.run(
        scripted_questions,
        engine=Scripted(),
        begun=sessions.append,
        progress=spent_so_far(100, lambda: getattr(sessions[0], wish)()),
        **common,
    )
    assert not first.finished
    assert 0 < first.summary["interrupted"] < COUNT
    assert first.summary["interrupted"] == sum(line["error"] is not None for line in answers(output))
    first.check()  # it has not come to its end, so that is no complaint
    engine = Scripted()
    second = shadowprice.run(scripted_questions, engine=engine, resume=True, **common)
    assert second.finished
    assert first.summary["interrupted"] == len(engine.seen)
    assert 32 == second.summary["right"]


def test_a_run_is_not_gone_on_with_by_another_predictor(
    scripted_questions: list[Question], scripted_fit: Fitted, tmp_path: Path
) -> None:
    common: dict[str, Any] = {"budget": 300, "ledger": tmp_path / "l.ledger", "resume": True, "settings": CALM}
    shadowprice.run(scripted_questions, engine=Scripted(), predictor=scripted_fit.predictor, **common)
    other = replace(scripted_fit.predictor, card=replace(scripted_fit.predictor.card, created="later"))
    with pytest.raises(InputError, match="predictor"):
        shadowprice.run(scripted_questions, engine=Scripted(), predictor=other, **common)


@pytest.mark.parametrize("policy", ["uniform", None])
def test_cancelling_goes_on_once_what_there_is_is_written(
    scripted_questions: list[Question], tmp_path: Path, policy: str | None
) -> None:
    """Without a policy the run explores first, and what comes after that must not begin."""
    output, engine = tmp_path / "a.jsonl", Scripted(delay=0.001)

    async def work() -> None:
        task: asyncio.Task[Answered] = asyncio.create_task(
            shadowprice.run_async(
                scripted_questions,
                budget=1200,
                engine=engine,
                policy=policy,
                settings=CALM,
                output=output,
                progress=spent_so_far(30, lambda: task.cancel()),
            )
        )
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(work())
    lines = answers(output)
    assert COUNT == len(lines)
    interrupted = [line for line in lines if line["error"] is not None and line["error"]["code"] == "interrupted"]
    assert COUNT - 8 < len(interrupted) < COUNT
    assert len(engine.seen) <= 8
    again = shadowprice.run(
        scripted_questions, budget=1200, engine=Scripted(), policy=policy, settings=CALM, output=output, resume=True
    )
    assert again.finished
    assert again.totals.spent <= 1200


PROGRAM = """
import signal
import shadowprice
from scripted_engine import Scripted, asked

signal.signal(signal.SIGINT, signal.default_int_handler)  # who runs tests in the background has taken it away

def follow(step):
    if step.doing == "spending" and step.done > 20:
        print("spending", flush=True)

shadowprice.run(
    [asked(number) for number in range(48)], budget=1200, engine=Scripted(delay=0.05), policy="uniform",
    output="a.jsonl", progress=follow,
)
"""


def test_ctrl_c_ends_the_program_once_what_there_is_is_written(tmp_path: Path) -> None:
    places = [str(Path(module.__file__ or "").parents[up]) for module, up in ((shadowprice, 1), (scripted_engine, 0))]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert "spending\n" == process.stdout.readline()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = process.communicate(timeout=60)
    assert err.rstrip().endswith("KeyboardInterrupt")
    assert time.monotonic() - began < 30
    settled = [line for line in answers(tmp_path / "a.jsonl") if line["error"] is None]
    assert 0 < len(settled) < 48
    with Ledger(tmp_path / "a.jsonl.ledger", read_only=True) as ledger:
        assert (0, []) == (ledger.totals("run").open, ledger.check())
