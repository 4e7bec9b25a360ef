"""How `run`, `record` and `allocate` ask, what they say of it, and whether beliefs go with it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from http_server import Serve, Served, Wire
from shadowprice.beliefs import read_predictor

Command = Callable[..., Any]
INSTRUCTION = "\n\nEnd with 'Answer: ' and the number."


@pytest.fixture
def asked() -> list[list[dict[str, str]]]:
    """The messages of every request."""
    return []


@pytest.fixture
def server(serve: Serve, asked: list[list[dict[str, str]]]) -> Served:
    async def reply(wire: Wire) -> None:
        if wire.path.endswith("/chat/completions"):
            asked.append(wire.body["messages"])
            await wire.begin()
            await wire.piece("Answer: 2")
            await wire.finish(usage=4)
        else:
            await wire.answer({"data": [{"id": "m"}]})

    return serve(reply)


@pytest.fixture
def questions(tmp_path: Path) -> Path:
    path = tmp_path / "q.jsonl"
    lines = [{"question": f"What is {n} - {n - 2}?", "gold": "2", "grader": "number"} for n in (5, 6, 7)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def run(server: Served, questions: Path, *options: object) -> list[object]:
    engine = ["--engine", server.url, "--model", "m", "--policy", "uniform", "--budget", "200"]
    return ["run", questions, *engine, "-o", questions.parent / "a.jsonl", *options]


def test_questions_are_told_how_to_end_and_people_are_told_so(
    shadowprice: Command, server: Served, questions: Path, asked: list[list[dict[str, str]]]
) -> None:
    said = shadowprice(*run(server, questions))
    assert 0 == said.code
    assert {f"What is {n} - {n - 2}?{INSTRUCTION}" for n in (5, 6, 7)} == {one[-1]["content"] for one in asked}
    shown = "Asked like this (number, 3 questions):\n  What is 5 - 3?\n  End with 'Answer: ' and the number.\n"
    assert said.err.startswith(shown)
    assert 1 == said.err.count("Asked like this")


def test_options_say_otherwise(
    shadowprice: Command, server: Served, questions: Path, asked: list[list[dict[str, str]]]
) -> None:
    system, template = questions.parent / "system.txt", questions.parent / "t.jinja"
    system.write_text("Be brief.\n", encoding="utf-8")
    template.write_text("Q: {{ question }}\nA:\n", encoding="utf-8")
    for options, wanted in (
        (["--no-instruction"], [("user", "What is 5 - 3?")]),
        (["--system", "Be kind."], [("system", "Be kind."), ("user", f"What is 5 - 3?{INSTRUCTION}")]),
        (
            ["--system", f"@{system}", "--template", template],
            [("system", "Be brief."), ("user", "Q: What is 5 - 3?\nA:")],
        ),
    ):
        asked.clear()
        said = shadowprice(*run(server, questions, *options, "--concurrency", "1"))
        assert 0 == said.code
        assert wanted in [[(turn["role"], turn["content"]) for turn in one] for one in asked]
        assert f"  {wanted[-1][1].splitlines()[0]}\n" in said.err
    assert "  system: Be brief.\n" in said.err


def test_long_conversations_are_shown_in_short(shadowprice: Command, server: Served, questions: Path) -> None:
    long = " ".join(f"word{n}" for n in range(200))
    text = "\n".join(f"line {n} {long}" for n in range(30))
    own = {"question": "Hm?", "messages": [{"role": "user", "content": "Own \x1b[2Jwords"}]}
    questions.write_text(
        "".join(json.dumps(one) + "\n" for one in ({"question": text, "gold": "2", "grader": "number"}, own)),
        encoding="utf-8",
    )
    said = shadowprice(*run(server, questions, "--system", "Be kind."))
    lines = said.err.split("Asked like this (own messages, 1 question):\n")
    remark, *shown = lines[0].splitlines()
    assert "1 of 2 questions have no gold and are not judged." == remark
    assert "Asked like this (number, 1 question):" == shown[0]
    assert 7 == len(shown)
    assert all(len(line) < 170 for line in shown)
    assert ["  system: Be kind.", "  …", "  End with 'Answer: ' and the number."] == [shown[1], shown[4], shown[6]]
    assert "  Own \N{REPLACEMENT CHARACTER}[2Jwords\n" in lines[1]
    assert "1 question of 2 have messages or worked examples of their own and are asked as they are" in lines[1]


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--template", "t.jinja"], "t.jinja, line 2: there is no 'answer'; a template can use question, choices,"),
        (["--template", "none.jinja"], "none.jinja of --template cannot be read: No such file or directory"),
        (["--system", "@none.txt"], "none.txt of --system cannot be read: No such file or directory"),
        (["--system", "@latin.txt"], "latin.txt: not UTF-8 text (byte 0): save it as UTF-8."),
        (["--system", " "], "The system message is blank; write one, or leave it out."),
        (["--template", "a.jsonl"], "a.jsonl"),
    ],
)
def test_nothing_is_written_where_it_cannot_be_asked_so(
    shadowprice: Command,
    server: Served,
    questions: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    complaint: str,
) -> None:
    monkeypatch.chdir(questions.parent)
    Path("t.jinja").write_text("{{ question }}\n{{ answer }}\n", encoding="utf-8")
    Path("latin.txt").write_bytes(b"\xe9")
    said = shadowprice(*run(server, questions, *options))
    assert (2, True) == (said.code, complaint in said.err), said.err
    assert not Path("a.jsonl").exists()
    assert not Path("a.jsonl.ledger").exists()


def test_going_on_asks_in_the_same_way(shadowprice: Command, server: Served, questions: Path) -> None:
    ledger = ["--ledger", questions.parent / "l"]
    assert 0 == shadowprice(*run(server, questions, *ledger)).code
    assert 0 == shadowprice(*run(server, questions, *ledger, "--resume")).code
    said = shadowprice(*run(server, questions, *ledger, "--resume", "--no-instruction"))
    assert 2 == said.code
    assert "was begun with other questions, or asked them otherwise (fingerprint 3 questions, sha256" in said.err
    said = shadowprice(*run(server, questions, *ledger, "--resume", "--system", "Be kind."))
    assert (2, True) == (said.code, "begun with asking = None, not 'system-" in said.err)


def test_traces_and_beliefs_remember_how_was_asked(shadowprice: Command, server: Served, tmp_path: Path) -> None:
    questions, traces, predictor = tmp_path / "q.jsonl", tmp_path / "t.parquet", tmp_path / "p.shadow"
    lines = [
        {"question": f"What is {n} - {n - 2 + n % 2}?", "gold": "2", "grader": "number"} | {"tier": "easy"}
        for n in range(20, 60)
    ]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    engine = ["--engine", server.url, "--model", "m"]
    said = shadowprice("record", questions, *engine, "--samples", "1", "-o", traces)
    assert (0, True) == (said.code, "Asked like this (number, 40 questions):" in said.err), said.err
    assert ["instruction-number-v1"] * 40 == pq.read_table(traces)["protocol"].to_pylist()
    assert 0 == shadowprice("fit", traces, "--predictor", "threshold", "-o", predictor).code
    assert {"instruction-number-v1": 40} == read_predictor(predictor).card.asked

    plan = ["allocate", questions, "--predictor", predictor, "--budget", "900"]
    assert "asked" not in shadowprice(*plan).err
    said = shadowprice(*plan, "--no-instruction")
    assert 0 == said.code
    assert (
        f"{predictor} learnt from questions asked in another way (instruction-number-v1) than 40 of your 40" in said.err
    )
    asked_plainly = run(server, questions, "--no-instruction", "--predictor", predictor)
    policy = asked_plainly.index("uniform")
    assert "asked in another way" not in shadowprice(*asked_plainly).err  # uniform believes nothing
    asked_plainly[policy] = "clear-lambert"
    said = shadowprice(*asked_plainly)
    assert f"{predictor} learnt from questions asked in another way" in said.err

    fresh = ["--samples", "1", "-o", tmp_path / "u.parquet", "--protocol", "tale-ep", "--no-instruction"]
    assert 0 == shadowprice("record", questions, *engine, *fresh).code
    assert {"tale-ep-v1"} == set(pq.read_table(tmp_path / "u.parquet")["protocol"].to_pylist())


def test_a_predictor_of_other_questions_is_not_believed_in_silence(
    shadowprice: Command, sums_file: Path, tmp_path: Path
) -> None:
    predictor, questions = tmp_path / "p.shadow", tmp_path / "q.jsonl"
    assert 0 == shadowprice("fit", sums_file, "--predictor", "threshold", "-o", predictor).code
    lines = [{"question": f"Who were the {n} consuls that Livy says quarrelled over the grain?"} for n in range(20)]
    questions.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    said = shadowprice("allocate", questions, "--predictor", predictor, "--budget", "2k")
    assert f"Of your questions, only 0% are like the 90 that {predictor} has learnt from." in said.err
    assert "record and fit your own." in said.err
    assert f"{predictor} does not say how its questions were asked" in said.err
