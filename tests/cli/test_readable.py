"""What is said where replies cannot be read, or all are wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from http_server import Serve, Wire
from shadowprice.jobs.told import EARLY, Reading, Watch, count_readable, reading_of, reading_of_row, told_readable
from shadowprice.runner import Reason, Result
from shadowprice.tasks import Question


def result(name: str, text: str, answer: str | None, gold: str = "7", reason: Reason = Reason.FINISHED) -> Result:
    question = Question(name, "Why?", gold, grader="number")
    return Result(question, reason, 9, 9, 0.01, text, answer=answer, correct=answer == gold)


def unread(name: str, text: str = "I cannot say.") -> Result:
    return result(name, text, None)


def read(name: str, answer: str = "7") -> Result:
    return result(name, f"Answer: {answer}", answer)


def warned(results: list[Result]) -> list[str]:
    said: list[str] = []
    watch = Watch(said.append)
    for one in results:
        watch.add(reading_of(one))
    return said


def test_few_readable_replies_are_told_once_with_three_examples() -> None:
    long = "x" * 100 + " and\nthat is \x1b[31mall\u202e"
    first = [unread("a", long), *(read(f"r{n}") for n in range(9)), *(unread(f"u{n}", "Well...") for n in range(10))]
    assert EARLY == len(first)
    assert not warned(first[:-1])
    (said,) = warned([*first, *(unread(f"more{n}") for n in range(50))])
    assert said.startswith("Only 9 of the first 20 replies that ended by themselves have an answer that can be read")
    ends = said.partition("Three of them end: ")[2].partition(" They are judged")[0].split("; ")
    assert [end.partition(":")[0] for end in ends] == ["a", "u0", "u1"]
    assert "…" in ends[0]
    assert "and that is \N{REPLACEMENT CHARACTER}[31mall\N{REPLACEMENT CHARACTER}»" in ends[0]
    assert len(ends[0]) < 90
    assert "u0: «Well...»" == ends[1]
    assert said.isprintable()
    assert "They are judged by number (number wants a number)." in said
    assert "(--grader choice, math or exact)" in said
    for option in ("--judge", "--template", "--no-instruction", "--max-tokens"):
        assert option in said


def test_half_that_can_be_read_is_enough() -> None:
    assert not warned([*(read(f"r{n}") for n in range(10)), *(unread(f"u{n}") for n in range(40))])


def test_what_was_cut_or_has_no_right_answer_says_nothing() -> None:
    cut = [result(f"c{n}", "17 * 6 = 1", None, reason=Reason.STOPPED) for n in range(40)]
    free = [result(f"f{n}", "A poem.", None, gold="") for n in range(40)]
    assert not warned([*cut, *free])
    assert ({"ended": 0, "readable": 0}, []) == count_readable(map(reading_of, [*cut, *free]))
    assert told_readable({"ended": 0, "readable": 0}) is None


def test_an_answer_without_a_number_cannot_be_read_as_one() -> None:
    reading = reading_of(result("a", "Answer: none", "none"))
    assert reading is not None
    assert not reading.readable


def test_the_readable_share() -> None:
    results = [*(read(f"r{n}") for n in range(7)), unread("u"), result("c", "Answer: 7\n", "7", reason=Reason.STOPPED)]
    numbers, odd = count_readable(map(reading_of, results))
    assert ({"ended": 8, "readable": 7}, []) == (numbers, odd)
    assert "Readable answers: 7 of 8 replies that ended by themselves (88 %)." == told_readable(numbers)


def test_many_answers_and_none_right_is_the_graders_fault_perhaps() -> None:
    wrong = [read(f"r{n}", f"{n}3") for n in range(10)]
    numbers, (remark,) = count_readable(map(reading_of, wrong))
    assert {"ended": 10, "readable": 10} == numbers
    assert "None of 10 readable answers is right; the grader may not fit." in remark
    assert "03 for 7; 13 for 7; 23 for 7." in remark
    assert not count_readable(map(reading_of, wrong[:9]))[1]
    assert not count_readable(map(reading_of, [*wrong, read("right")]))[1]


def test_rows_of_a_recording() -> None:
    row = {
        "query_id": "a",
        "completion": "Answer: 7",
        "answer": "7",
        "gold": "7",
        "correct": True,
        "finish_reason": "stop",
    }
    question = Question("a", "?", grader="number")
    assert Reading("a", "Answer: 7", "7", "7", True, True, True, "number") == reading_of_row(row, question)
    assert reading_of_row(row | {"gold": ""}, question) is None
    said: list[str] = []
    watch = Watch(said.append, [Question("a", "Why?", "7", grader="number")])
    for _ in range(EARLY):
        watch.add_row(row | {"answer": None, "completion": None})
    assert ["(no text)"] * 3 == [
        part.partition(": ")[2] for part in said[0].split("end: ")[1].split(". They are")[0].split("; ")
    ]


def test_run_and_record_say_it(shadowprice: Callable[..., Any], serve: Serve, tmp_path: Path) -> None:
    async def reply(wire: Wire) -> None:
        if wire.path.endswith("/chat/completions"):
            await wire.begin()
            await wire.piece("That depends, I should think.")
            await wire.finish(usage=6)
        else:
            await wire.answer({"data": [{"id": "m"}]})

    questions = tmp_path / "q.jsonl"
    lines = [{"query_id": f"q{n}", "question": f"{n} + 1?", "gold": str(n + 1)} for n in range(24)]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    server = ("--engine", serve(reply).url, "--model", "m", "--grader", "number")
    ran = shadowprice(
        "run", str(questions), *server, "--policy", "uniform", "--budget", "2k", "-o", str(tmp_path / "a.jsonl")
    )
    recorded = shadowprice(
        "record", str(questions), *server, "--samples", "1", "-o", str(tmp_path / "t.parquet"), "--json"
    )
    for said in (ran, recorded):
        assert 0 == said.code
        assert 1 == said.err.count("Only 0 of the first 20 replies that ended by themselves have an answer")
        assert said.err.count("«That depends, I should think.»") == 3
    assert "Readable answers: 0 of 24 replies that ended by themselves (0 %)." in ran.err
    assert (24, 0) == tuple(json.loads(recorded.out)[name] for name in ("ended", "readable"))
