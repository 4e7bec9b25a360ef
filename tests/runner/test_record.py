import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from shadowprice._errors import EngineError, InputError
from shadowprice.engines import Confidence, Delta, ReplayEngine, Reply, Request
from shadowprice.runner import RecordSettings, Retries, check_questions, record
from shadowprice.tasks import Question
from shadowprice.traces import TRACE_SCHEMA, read_traces

SUM = Question("sum/0", "What is 1 + 1?", "2", dataset="sums", tier="easy")
PRODUCT = Question("product/0", "What is 3 * 3?", "9")


def recording(
    engine: ReplayEngine, output: Path, questions: list[Question] | None = None, resume: bool = False, **settings: Any
) -> pa.Table:
    asked = [SUM, PRODUCT] if questions is None else questions
    return asyncio.run(record(asked, engine, output, RecordSettings(**settings), concurrency=2, resume=resume))


class Sure(ReplayEngine):
    """Says how sure it is, less with every token, where it is asked."""

    tells_confidence = True

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        async with aclosing(super().stream(request)) as deltas:
            async for delta in deltas:
                told = (Confidence(-0.01 * delta.tokens, 0.02 * delta.tokens),) if request.confidence else ()
                yield replace(delta, confidence=told)


def test_how_sure_the_model_was_is_kept_where_that_is_asked_for(tmp_path: Path) -> None:
    # 40 characters in 20 tokens: "Answer: 2" ends at character 15, inside token 8.
    engine = Sure(lambda request: Reply("Well: \nAnswer: 2\n" + "." * 23, 20))
    (row,) = recording(engine, tmp_path / "t.parquet", [SUM], samples=1, confidence=True).to_pylist()
    kept = row["confidence"]
    assert [-0.025, -0.03, -0.035, -0.045, -0.055, -0.07, -0.085, -0.105] == pytest.approx(kept["mean"])
    assert [-0.025, -0.03, -0.035, -0.045, -0.055, -0.07, -0.085, -0.125] == pytest.approx(kept["lowest"])
    assert [0.05, 0.06, 0.07, 0.09, 0.11, 0.14, 0.17, 0.21] == pytest.approx(kept["entropy"])
    # At 8 tokens the last four have 0.13 each, the first four 0.05.
    assert [0.0, 0.0, 0.0, 0.08, 0.1, 0.13, 0.16, 0.2] == pytest.approx(kept["slope"])
    assert [-0.08, -0.08, 0.16] == pytest.approx(kept["answer"])
    assert recording(engine, tmp_path / "u.parquet", [SUM], samples=1)["confidence"].to_pylist() == [None]

    known = read_traces(tmp_path / "t.parquet").evidence.confidence
    assert known is not None
    assert np.isfinite(known[0, :8]).all()
    assert np.isnan(known[0, 8:]).all()
    assert read_traces(tmp_path / "u.parquet").evidence.confidence is None


def test_a_reply_is_graded_and_its_answer_found(tmp_path: Path) -> None:
    # 40 characters in 20 tokens: "Answer: 2" ends at character 15, inside token 8.
    text = "Well: \nAnswer: 2\n" + "." * 23
    engine = ReplayEngine(lambda request: Reply(text, 20), model="m")
    path = tmp_path / "t.parquet"
    table = recording(engine, path, [SUM], samples=1, max_tokens=30, temperature=0.25)
    (row,) = table.to_pylist()
    seed = row.pop("seed")
    assert 0 <= seed < 2**31
    assert row == {
        "query_id": "sum/0",
        "dataset": "sums",
        "tier": "easy",
        "model": "m",
        "protocol": "plain",
        "sample_index": 0,
        "temperature": 0.25,
        "question": "What is 1 + 1?",
        "gold": "2",
        "completion": text,
        "confidence": None,
        "answer": "2",
        "correct": True,
        "completion_tokens": 20,
        "answer_tokens": 8,
        "estimate": None,
        "estimate_tokens": None,
        "max_tokens": 30,
        "finish_reason": "stop",
        "schema_version": 1,
    }
    assert table.schema == TRACE_SCHEMA
    assert read_traces(path).table.to_pylist() == table.to_pylist()


@pytest.mark.parametrize(
    ("text", "answer", "correct", "tokens"),
    [
        ("Answer: 3........", "3........", False, 17),
        ("Answer: 3\n.......", "3", False, 9),
        ("Answer: 2\n......!", "2", True, 9),
        ("It is surely two, and nobody knows better", None, False, 41),
        ("2: Answer: 7\nAnswer: 2", "2", True, 22),
        ("Answer: \n", None, False, 9),
    ],
)
def test_answers_are_found_by_token_position(
    tmp_path: Path, text: str, answer: str | None, correct: bool, tokens: int
) -> None:
    engine = ReplayEngine(lambda request: Reply(text, len(text)))
    (row,) = recording(engine, tmp_path / "t.parquet", [SUM], samples=1).to_pylist()
    assert (row["answer"], row["correct"], row["answer_tokens"]) == (answer, correct, tokens)


def test_the_cap_cuts_a_reply(tmp_path: Path) -> None:
    engine = ReplayEngine(lambda request: Reply("Hm. Answer: 2", 13))
    (row,) = recording(engine, tmp_path / "t.parquet", [SUM], samples=1, max_tokens=10).to_pylist()
    assert ("Hm. Answer", "length", False) == (row["completion"], row["finish_reason"], row["correct"])
    assert (10, 10, 10) == (row["completion_tokens"], row["answer_tokens"], row["max_tokens"])


def test_tale_ep_asks_for_an_estimate_first_and_then_within_it(tmp_path: Path) -> None:
    asked: list[Request] = []

    def answer(request: Request) -> Reply:
        asked.append(request)
        return Reply("[[25]]", 6) if "Do not answer" in request.messages[-1]["content"] else Reply("Answer: 2", 9)

    settings: dict[str, Any] = {"samples": 1, "max_tokens": 40, "protocol": "tale-ep"}
    (row,) = recording(ReplayEngine(answer), tmp_path / "t.parquet", [SUM], **settings).to_pylist()
    assert ("tale-ep-v1", 25, 6) == (row["protocol"], row["estimate"], row["estimate_tokens"])
    assert (9, True) == (row["completion_tokens"], row["correct"])
    assert "What is 1 + 1?\nUse at most 25 tokens." == asked[1].messages[-1]["content"]
    assert [16, 40] == [request.max_tokens for request in asked]
    with pytest.raises(InputError, match="There is no protocol 'cot'; choose from plain, tale-ep"):
        RecordSettings(protocol="cot")  # type: ignore[arg-type]


def test_rows_are_in_the_order_of_the_questions_with_seeds_of_their_own(tmp_path: Path) -> None:
    def answer(request: Request) -> Reply:
        return Reply(str(request.seed), 9 if request.request_id == "sum/0#0" else 1)

    table = recording(ReplayEngine(answer), tmp_path / "a.parquet", samples=3)
    asked = list(zip(table["query_id"].to_pylist(), table["sample_index"].to_pylist(), strict=True))
    assert asked == [(question.query_id, sample) for question in (SUM, PRODUCT) for sample in range(3)]
    seeds = table["seed"].to_pylist()
    assert 6 == len(set(seeds))
    assert table["completion"].to_pylist() == [str(seed) for seed in seeds]
    turned = recording(ReplayEngine(answer), tmp_path / "b.parquet", [PRODUCT, SUM], samples=3)
    assert turned["seed"].to_pylist() == seeds[3:] + seeds[:3]
    other = recording(ReplayEngine(answer), tmp_path / "c.parquet", samples=3, seed=1)
    assert not set(seeds) & set(other["seed"].to_pylist())


class Flaky:
    """Answers a number of requests, then fails; remembers what it was asked."""

    def __init__(self, answers: int) -> None:
        self.asked: list[str] = []
        self._answers = answers

    def __call__(self, request: Request) -> Reply:
        if len(self.asked) == self._answers:
            raise EngineError("The line is dead.")
        self.asked.append(request.request_id)
        return Reply(f"Answer: {request.seed}", 5)


def questions(n: int) -> list[Question]:
    return [Question(f"q{number}", f"Is it {number}?", str(number)) for number in range(n)]


def test_a_resumed_recording_loses_and_repeats_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    flaky = Flaky(7)
    with pytest.raises(EngineError, match="The line is dead"):
        recording(ReplayEngine(flaky), path, questions(10), samples=2)
    assert not path.exists()
    journal = tmp_path / ".t.parquet.journal"
    kept = journal.read_bytes().count(b"\n") - 1
    assert 5 <= kept <= 7
    with journal.open("ab") as file:
        file.write(b'{"query_id": "q9", "sam')  # cut short by a crash
    rest = Flaky(100)
    table = recording(ReplayEngine(rest), path, questions(10), resume=True, samples=2)
    assert 20 - kept == len(rest.asked)
    whole = recording(ReplayEngine(Flaky(100)), tmp_path / "whole.parquet", questions(10), samples=2)
    assert table.equals(whole)
    assert ["t.parquet", "whole.parquet"] == sorted(file.name for file in tmp_path.iterdir())


def test_resuming_what_never_began_is_beginning(tmp_path: Path) -> None:
    assert 2 == recording(ReplayEngine(Flaky(100)), tmp_path / "t.parquet", resume=True, samples=1).num_rows


@pytest.fixture
def unfinished(tmp_path: Path) -> Path:
    """An output whose recording was cut off."""
    path = tmp_path / "t.parquet"
    with pytest.raises(EngineError):
        recording(ReplayEngine(Flaky(3)), path, samples=2)
    return path


def test_an_unfinished_recording_is_not_overwritten(unfinished: Path) -> None:
    journal = unfinished.with_name(".t.parquet.journal")
    before = journal.read_bytes()
    with pytest.raises(InputError, match="holds an unfinished run; go on with --resume, or delete that file"):
        recording(ReplayEngine(Flaky(9)), unfinished, samples=2)
    assert journal.read_bytes() == before


@pytest.mark.parametrize(
    "changed", [{"samples": 3}, {"max_tokens": 9}, {"temperature": 0.0}, {"seed": 5}, {"protocol": "tale-ep"}]
)
def test_changed_settings_are_refused(unfinished: Path, changed: dict[str, Any]) -> None:
    (name,) = changed
    with pytest.raises(InputError, match=f"was begun with {name} = .* use the same options, or delete that file"):
        recording(ReplayEngine(Flaky(9)), unfinished, resume=True, **({"samples": 2} | changed))


def test_another_model_and_other_questions_are_refused(unfinished: Path) -> None:
    with pytest.raises(InputError, match="was begun with model = 'replay', not 'other'"):
        recording(ReplayEngine(Flaky(9), model="other"), unfinished, resume=True, samples=2)
    with pytest.raises(InputError, match="was begun with questions = '2 questions"):
        recording(ReplayEngine(Flaky(9)), unfinished, [SUM], resume=True, samples=2)


def test_a_damaged_journal_is_named(unfinished: Path) -> None:
    journal = unfinished.with_name(".t.parquet.journal")
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines, b"\0\0\0\n"]))
    with pytest.raises(InputError, match=rf"^{journal}, line {len(lines) + 1}, is damaged: delete that line"):
        recording(ReplayEngine(Flaky(9)), unfinished, resume=True, samples=2)


def test_nothing_is_asked_if_the_output_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    flaky = Flaky(9)
    for path in (tmp_path / "none" / "t.parquet", tmp_path / "file" / "t.parquet", tmp_path, Path()):
        with pytest.raises(InputError, match="Cannot write"):
            recording(ReplayEngine(flaky), path)
    assert [] == flaky.asked
    assert ["file"] == [file.name for file in tmp_path.iterdir()]


def test_tokens_are_told_of_as_they_come_and_replies_as_they_end(tmp_path: Path) -> None:
    engine = ReplayEngine(lambda request: Reply("Answer: 2" + "." * 31, 20))
    steps: list[tuple[int, int]] = []
    settings, path = RecordSettings(samples=1), tmp_path / "t.parquet"
    told = lambda replies, tokens: steps.append((replies, tokens))  # noqa: E731
    asyncio.run(record([SUM], engine, path, settings, progress=told))
    assert (1, 20) == tuple(map(sum, zip(*steps, strict=True)))
    assert len(steps) > 3
    assert (1, 0) == steps[-1]


@pytest.mark.parametrize("settings", [{"samples": 0}, {"max_tokens": -1}, {"temperature": -0.1}])
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        RecordSettings(**settings)
    with pytest.raises(InputError, match="The temperature is nan"):
        RecordSettings(temperature=float("nan"))


def test_failures_that_may_pass_are_asked_again(tmp_path: Path) -> None:
    class Shaky(ReplayEngine):
        failures = 3

        async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
            if self.failures:
                self.failures -= 1
                yield Delta("Ans", 1)
                raise EngineError("Busy.", retryable=True)
            async with aclosing(super().stream(request)) as deltas:
                async for delta in deltas:
                    yield delta

    engine = Shaky(lambda request: Reply("Answer: 2", 9))
    path = tmp_path / "t.parquet"
    settings = RecordSettings(samples=2)
    table = asyncio.run(record(questions(2), engine, path, settings, retries=Retries(backoff=0.0)))
    assert ["Answer: 2"] * 4 == table["completion"].to_pylist()
    engine.failures = 2
    with pytest.raises(EngineError, match=r"Busy\."):
        work = record(
            questions(1), engine, tmp_path / "u.parquet", settings, concurrency=1, retries=Retries(1, backoff=0.0)
        )
        asyncio.run(work)


@pytest.mark.parametrize(("other", "ours"), [("a (estimate)", True), ("a (sample 2)", True), ("b (sample 2)", False)])
def test_ids_that_a_run_gives_to_its_own_requests_are_refused(other: str, ours: bool) -> None:
    asked = [Question("a", "What is 1 + 1?", "2"), Question(other, "What is 1 + 2?", "3")]
    if not ours:
        check_questions(asked)
        return
    with pytest.raises(InputError, match=re.escape(f"The id '{other}' is what a run calls a request of its own for")):
        check_questions(asked)
