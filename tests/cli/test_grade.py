"""`grade`: replies that are there already are judged again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from http_server import Serve, Wire
from shadowprice.grading import _code
from shadowprice.traces import read_traces, write_traces

Command = Callable[..., Any]


def lines(path: Path, *entries: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def replies(tmp_path: Path) -> Path:
    return lines(
        tmp_path / "replies.jsonl",
        {"id": "a", "reply": "Answer: 1,234 pears.", "gold": "1234"},
        {"id": "b", "reply": "Answer: 7\n", "gold": "8", "finish_reason": "stop"},
        {"id": "c", "reply": "17 * 6 = 1", "gold": "1", "finish_reason": "length"},
        {"id": "d", "reply": "I do not know.", "gold": "3"},
        {"id": "e", "reply": "Answer: 9"},
    )


def test_lines_of_replies(shadowprice: Command, replies: Path, tmp_path: Path) -> None:
    said = shadowprice("grade", str(replies), "--grader", "number", "--json")
    assert 0 == said.code
    summary = json.loads(said.out)
    counts = ("lines", "graded", "not_judged", "right", "unread", "ended", "readable", "first_judged")
    assert (5, 4, 1, 1, 2, 3, 2, 4) == tuple(summary[name] for name in counts)
    assert summary["output"] is None

    output = tmp_path / "judged.jsonl"
    said = shadowprice("grade", str(replies), "--grader", "number", "-o", str(output))
    assert 0 == said.code
    assert "Readable answers: 2 of 3 replies that ended by themselves (67 %)." in said.err
    first, _, cut, _, ungraded = read(output)
    assert {"answer": "1,234 pears", "correct": True, "gold": "1234", "grader": "number"} == first["shadowprice"]
    assert ("Answer: 1,234 pears.", None) == (first["reply"], cut["shadowprice"]["answer"])
    assert {"id": "e", "reply": "Answer: 9"} == ungraded

    again = json.loads(shadowprice("grade", str(output), "--grader", "exact", "--json").out)
    assert (1, 0, 1, 0) == tuple(again[name] for name in ("right_before", "became_right", "became_wrong", "right"))
    (change,) = again["changes"]
    assert ("a", "1,234 pears", True, False) == (
        change["id"],
        change["answer_before"],
        change["correct_before"],
        change["correct"],
    )
    assert 1 == json.loads(shadowprice("grade", str(output), "--json").out)["right"]  # the grader is in the file


def test_what_run_has_written(shadowprice: Command, serve: Serve, tmp_path: Path) -> None:
    async def reply(wire: Wire) -> None:
        if wire.path.endswith("/chat/completions"):
            await wire.begin()
            await wire.piece("Answer: 5 pears")
            await wire.finish(usage=4)
        else:
            await wire.answer({"data": [{"id": "m"}]})

    asked = [{"query_id": f"q{n}", "question": f"{n} + 4?", "gold": str(n + 4)} for n in range(4)]
    questions = lines(tmp_path / "q.jsonl", *asked)
    answers, again = tmp_path / "a.jsonl", tmp_path / "again.jsonl"
    server = ("--engine", serve(reply).url, "--model", "m", "--policy", "uniform", "--budget", "40")
    assert 0 == shadowprice("run", str(questions), *server, "--grader", "exact", "-o", str(answers)).code
    same = json.loads(shadowprice("grade", str(answers), "--json").out)
    assert (4, 0, 0, []) == tuple(same[name] for name in ("graded", "right", "became_right", "changes"))
    said = shadowprice("grade", str(answers), "--grader", "number", "-o", str(again))
    assert 0 == said.code
    assert "5 pears" in said.out
    before, after = read(answers), read(again)
    assert [False, True, False, False] == [line["shadowprice"]["correct"] for line in after]
    for line, other in zip(before, after, strict=True):
        assert other == line | {"shadowprice": other["shadowprice"]}
        assert other["shadowprice"] == line["shadowprice"] | {
            "correct": other["shadowprice"]["correct"],
            "grader": "number",
        }

    # Right answers may come from the questions, for lines that hold none.
    for line in before:
        line["shadowprice"] = {}
    bare = lines(tmp_path / "bare.jsonl", *before)
    given = shadowprice("grade", str(bare), "--questions", str(questions), "--grader", "number", "--json")
    assert (4, 1) == tuple(json.loads(given.out)[name] for name in ("graded", "right"))

    # Ids and right answers are enough, under whatever names.
    golds = tmp_path / "golds.csv"
    golds.write_text("custom_id,answer\n" + "".join(f"q{n},{n + 4}\n" for n in range(4)), encoding="utf-8")
    given = shadowprice("grade", str(bare), "--questions", str(golds), "--json")
    assert (4, 1) == tuple(json.loads(given.out)[name] for name in ("graded", "right"))
    golds.write_text(golds.read_text(encoding="utf-8").replace("custom_id,answer", "key,right"), encoding="utf-8")
    named = ("--columns", "query_id=key,gold=right")
    given = shadowprice("grade", str(bare), "--questions", str(golds), *named, "--json")
    assert (4, 1) == tuple(json.loads(given.out)[name] for name in ("graded", "right"))
    assert "give that, too" in shadowprice("grade", str(bare), *named).err
    refused = shadowprice("grade", str(bare), "--grader", "number")
    assert 2 == refused.code
    assert "None of the 4 lines" in refused.err
    assert "give the questions with --questions" in refused.err


def test_traces(shadowprice: Command, trace_table: Callable[..., pa.Table], tmp_path: Path) -> None:
    path, output = tmp_path / "t.parquet", tmp_path / "again.parquet"
    table = trace_table(
        gold=["1234", "8", None],
        completion=["Answer: 1,234 pears. Well.", "So 2 * 4 = 8", "Hm."],
        answer=["1,234 pears. Well", "8", None],
        finish_reason=["stop", "length", "stop"],
        correct=[False, True, True],
    )
    write_traces(table, path)
    said = shadowprice("grade", str(path), "--grader", "number", "-o", str(output), "--json")
    assert 0 == said.code
    summary = json.loads(said.out)
    assert (2, 1, 1, 1, 1) == tuple(
        summary[name] for name in ("graded", "right", "became_right", "became_wrong", "not_judged")
    )
    written = read_traces(output).table.sort_by("completion_tokens")
    assert ([False, True, True], [None, "1,234 pears. Well", None]) == (
        written["correct"].to_pylist(),
        written["answer"].to_pylist(),
    )
    assert [20, 10, 40] == written["answer_tokens"].to_pylist()
    refused = shadowprice("grade", str(path))
    assert 2 == refused.code
    assert "row 1: nothing says how to judge it; add --grader" in refused.err


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]\n", "line 2: a reply is a JSON object"),
        ('{"id": "x"}\n', "line 2: there is no reply in it; put its text into a field 'reply'"),
        ('{"id": "x", "reply": \n', "line 2: not JSON"),
        ('{"id": "x", "reply": "Answer: 1", "gold": "one"}\n', "line 2: The right answer 'one' has no number"),
        ('{"response": {"body": {"choices": [{}, {}]}}}\n', "line 2, field 'choices': it has to hold one reply"),
    ],
)
def test_what_is_no_reply_is_refused_and_nothing_written(
    shadowprice: Command, tmp_path: Path, line: str, message: str
) -> None:
    path, output = lines(tmp_path / "r.jsonl", {"id": "a", "reply": "Answer: 1", "gold": "1"}), tmp_path / "o.jsonl"
    path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    said = shadowprice("grade", str(path), "--grader", "number", "-o", str(output))
    assert 2 == said.code
    assert message in said.err
    assert not output.exists()


def test_what_is_read_is_not_written_over_and_code_is_not_run(
    shadowprice: Command, replies: Path, tmp_path: Path
) -> None:
    before = replies.read_bytes()
    said = shadowprice("grade", str(replies), "--grader", "number", "-o", str(replies))
    assert (2, True) == (said.code, "name the same file" in said.err)
    assert before == replies.read_bytes()
    code = {"id": "a", "reply": "Answer: 1", "gold": "1", "grader": "python:os:system"}
    said = shadowprice("grade", str(lines(tmp_path / "code.jsonl", code)))
    assert 2 == said.code
    assert "line 1, field 'grader': 'python:os:system' is a grader that names code" in said.err
    said = shadowprice("grade", str(tmp_path / "none.jsonl"))
    assert (2, True) == (said.code, "There is no file" in said.err)


def test_every_line_has_its_place_after_an_abandoned_question(shadowprice: Command, tmp_path: Path) -> None:
    abandoned = {"custom_id": "a", "response": None, "error": {"code": "abandoned"}, "shadowprice": {"gold": "1"}}
    body = {"choices": [{"message": {"content": "Answer: 2"}, "finish_reason": "stop"}]}
    answered = {"custom_id": "b", "response": {"body": body}, "shadowprice": {"gold": "2", "correct": False}}
    path, output = lines(tmp_path / "r.jsonl", abandoned, answered), tmp_path / "o.jsonl"
    assert 0 == shadowprice("grade", str(path), "--grader", "number", "-o", str(output)).code
    first, second = read(output)
    assert abandoned == first
    assert second["shadowprice"]["correct"] is True


def test_code_of_replies_runs_only_where_that_is_allowed(
    shadowprice: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_code, "_runs_replies", False)
    reply = "Here:\n```python\ndef f(x):\n    return x + 1\n```\n"
    path = lines(
        tmp_path / "r.jsonl",
        {"id": "a", "reply": reply, "gold": "assert f(1) == 2"},
        {"id": "b", "reply": reply, "gold": "assert f(1) == 3"},
    )
    for refused in (
        shadowprice("grade", str(path), "--grader", "tests"),
        shadowprice("grade", str(lines(tmp_path / "named.jsonl", {**read(path)[0], "grader": "tests"}))),
    ):
        assert 2 == refused.code
        assert "runs the code that replies hold" in refused.err
        assert "--allow-code" in refused.err
    said = shadowprice("grade", str(path), "--grader", "tests", "--allow-code", "--json")
    assert (0, 1, 2) == (said.code, json.loads(said.out)["right"], json.loads(said.out)["graded"])


def test_a_model_judges_what_no_grader_can(shadowprice: Command, serve: Serve, tmp_path: Path) -> None:
    asked: list[str] = []

    async def reply(wire: Wire) -> None:
        if wire.path.endswith("/chat/completions"):
            asked.append(wire.body["messages"][-1]["content"])
            await wire.begin()
            await wire.piece("Perhaps." if "Oslo" in asked[-1] else "Yes." if "capital of Peru" in asked[-1] else "No")
            await wire.finish(usage=2)
        else:
            await wire.answer({"data": [{"id": "m"}]})

    path = lines(
        tmp_path / "r.jsonl",
        {"id": "same", "reply": "Answer: Lima", "gold": "Lima"},
        {"id": "other", "reply": "It is what they call the capital of Peru, which lies by the sea.", "gold": "Lima"},
        {"id": "wrong", "reply": "Answer: Quito", "gold": "Lima"},
        {"id": "odd", "reply": "Answer: Oslo", "gold": "Lima"},
        {"id": "cut", "reply": "Let me th", "gold": "Lima", "finish_reason": "length"},
    )
    output, judge = tmp_path / "o.jsonl", ("--judge", serve(reply).url, "--judge-model", "m")
    said = shadowprice("grade", str(path), *judge, "-o", str(output), "--json")
    assert 0 == said.code
    summary = json.loads(said.out)
    assert 3 == len(asked)
    assert (4, 2, 1) == (summary["graded"], summary["right"], summary["not_judged"])
    assert ("m", 3, 6, 1) == tuple(summary["judge"][name] for name in ("model", "asked", "tokens", "unjudged"))
    assert {"m gave its verdict on 3 answers, with 6 tokens of its own."} < set(summary["remarks"])
    verdicts = [line.get("shadowprice", {}).get("correct") for line in read(output)]
    assert [True, True, False, None, False] == verdicts
    assert "judge:m" == read(output)[1]["shadowprice"]["grader"]

    for options, message in (
        ((*judge, "--grader", "number"), "--judge and --grader are two ways to judge"),
        (("--judge-budget", "4k"), "need --judge ENGINE"),
        ((*judge, "--judge-budget", "many"), "is not a number of tokens"),
    ):
        refused = shadowprice("grade", str(path), *options)
        assert (2, True) == (refused.code, message in refused.err)
