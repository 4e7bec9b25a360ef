"""Text from outside: kept whole, and shown without being obeyed."""

import json
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadowprice._text import Joiner, all_kept, kept, shown
from shadowprice.bench._page import _plain
from shadowprice.cli._options import out, print_json, say
from shadowprice.engines import Request
from shadowprice.engines._address import ServerAddress
from shadowprice.engines._chunks import ChunkReader
from shadowprice.engines._complaints import Complaints
from shadowprice.engines._reply_reader import ReplyReader
from shadowprice.grading import find_answer
from shadowprice.runner import Reason, Result, write_results
from shadowprice.tasks import Question
from shadowprice.traces import write_traces

Command = Callable[..., Any]

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[])) | st.text("a\ud83d\ude00\udc00")
"""Halves of surrogate pairs, too."""
OBEYED = "\x1b]0;x\x07\x9b2J\x7f\u202e\u2066\u200f\u061c\u200b\u2028\ufeff\x00"


def test_pairs_are_joined_and_halves_replaced() -> None:
    assert "😀" == kept("\ud83d\ude00")
    assert "a�b��" == kept("a\ud83db\ude00\ud83d")
    assert {"�": ["😀", 1, None]} == all_kept({"\ud83d": ("\ud83d\ude00", 1, None)})


@given(ANY_TEXT)
def test_what_is_kept_can_be_written_and_is_as_it_was_where_it_could_be(text: str) -> None:
    found = kept(text)
    found.encode()
    assert kept(found) == found
    try:
        text.encode()
    except UnicodeEncodeError:
        assert "�" in found or len(found) < len(text)
    else:
        assert text == found


@given(st.lists(ANY_TEXT))
def test_pieces_are_joined_like_the_whole(pieces: list[str]) -> None:
    joiner = Joiner()
    parts = [joiner.join(piece) for piece in pieces]
    for part in parts:
        part.encode()
    assert kept("".join(pieces)) == "".join(parts) + joiner.join("", last=True)


@given(ANY_TEXT)
def test_nothing_that_is_shown_is_obeyed(text: str) -> None:
    found = shown(text)
    assert len(text) == len(found)
    assert found.isprintable()
    assert not {unicodedata.category(one) for one in found} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def test_words_are_shown_as_they_are() -> None:
    assert "Größe 日本 😀 א é" == shown("Größe 日本 😀 א é")
    assert "a b c d" == shown("a\nb\tc\N{NO-BREAK SPACE}d")
    assert "�[31m" == shown("\x1b[31m")


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        (r'{"answer": "\ud83d\ude00"}', "😀"),
        (r'{"answer": "\ud83d"}', "�"),
        (r'{"answer": "\ude00\ud83d"}', "��"),
    ],
)
def test_escaped_halves_in_an_answer(reply: str, answer: str) -> None:
    found = find_answer(reply)
    assert found is not None
    assert answer == found.text


def _chunk(**delta: str) -> dict[str, Any]:
    return {"choices": [{"delta": delta}]}


def _reader() -> ReplyReader:
    request = Request("q", ({"role": "user", "content": "?"},), 100)
    return ReplyReader(request, Complaints(ServerAddress("http://host", None), "Request q"))


@pytest.mark.parametrize(("second", "text"), [("\ude00!", "a😀!"), ("!", "a�!"), ("", "a�")])
@pytest.mark.parametrize("field", ["content", "reasoning_content"])
def test_a_pair_that_a_server_splits_over_two_pieces(second: str, text: str, field: str) -> None:
    reader = _reader()
    deltas = [reader.read(_chunk(**{field: "a\ud83d"})), reader.read(_chunk(**{field: second}))]
    reader.read({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    deltas.append(reader.end())
    said = [(delta.text, delta.thinking) for delta in deltas if delta is not None]
    assert (text if field == "content" else "") == "".join(one for one, _ in said)
    assert (text if field != "content" else "") == "".join(one for _, one in said)


def test_a_pair_that_the_model_in_this_process_splits() -> None:
    reader = ChunkReader(Request("q", (), 100), 1000)
    pieces = ["\ud83d", "\ude00", "\ud83d"]
    deltas = [
        reader.read(
            {
                "choices": [{"delta": {"content": piece}, "finish_reason": None}],
                "timings": {"predicted_n": number},
            }
        )
        for number, piece in enumerate(pieces, 1)
    ]
    last = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": 3}}
    deltas.append(reader.read(last))
    assert ["", "😀", "", "�"] == [delta.text for delta in deltas if delta is not None]


def test_what_a_server_complains_of_is_shown() -> None:
    said = Complaints(ServerAddress("http://host", None), "Request q").failed({"message": f"no{OBEYED}"}, 0)
    assert str(said).isprintable()


@given(
    st.lists(
        st.builds(
            Result,
            st.builds(Question, ANY_TEXT, ANY_TEXT, gold=ANY_TEXT),
            st.sampled_from(Reason),
            st.just(5),
            st.just(3),
            st.floats(),
            text=ANY_TEXT,
            thinking=ANY_TEXT,
            answer=ANY_TEXT | st.none(),
            failure=ANY_TEXT,
        ),
        max_size=4,
    ),
    ANY_TEXT,
)
def test_no_reply_costs_the_others_their_output(
    tmp_path_factory: pytest.TempPathFactory, results: list[Result], model: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.jsonl"
    write_results(results, model, path)
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    assert [kept(result.question.query_id) for result in results] == [json.loads(line)["custom_id"] for line in lines]


def test_payloads_of_an_older_ledger_are_mended() -> None:
    question = Question("q", "?")
    payload = json.loads(
        json.dumps(Result(question, Reason.FINISHED, 5, 3, 0.5, text="\ud83d", answer="\ud83d").payload())
    )
    assert ("�", "�") == ((found := Result.restore(question, payload)).text, found.answer)


def test_messages_tables_and_json_are_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    from rich.table import Table

    say(f"[red]name :smile: {OBEYED}\nerror: spoofed")
    table = Table(title=f"[red]{OBEYED}")
    table.add_column(f"[bold]{OBEYED}")
    table.add_row(f"[/red]{OBEYED}")
    out().print(table)
    out().print(f"plain [red] {OBEYED}")
    print_json({f"key{OBEYED}": f"{OBEYED}\ud83d \U000e0041 ü"})
    said = capsys.readouterr()
    assert all(line.isprintable() for line in (said.out + said.err).split("\n"))
    assert said.err.startswith("[red]name :smile: ")
    assert 1 == said.err.count("\n")
    assert all(mark in said.out for mark in ("[red]", "[bold]", "[/red]"))
    data = json.loads(said.out[said.out.index("{") :])
    assert {f"key{OBEYED}": f"{OBEYED}\ud83d \U000e0041 ü"} == data


def test_names_in_reports_do_not_turn_what_follows() -> None:
    assert "a� b" == _plain("a\u202e b")


def test_a_dataset_that_would_play_with_the_terminal(
    shadowprice: Command, tmp_path: Path, trace_table: Callable[..., pa.Table]
) -> None:
    path = tmp_path / "t.parquet"
    write_traces(trace_table(dataset=[f"d{OBEYED}"] * 3), path)
    questions = tmp_path / f"q{OBEYED[:-1]}.jsonl"
    questions.write_text(json.dumps({"query_id": f"id{OBEYED}", "question": "?", "dataset": f"[red]{OBEYED}"}))
    for command in (
        ("import", path, "-o", tmp_path / f"{OBEYED[:-1]}.parquet"),
        ("allocate", questions, "--policy", "uniform", "--budget", "0"),
        ("allocate", questions, "--policy", "uniform", "--budget", "9", "--json"),
        ("fit", tmp_path / f"none{OBEYED[:-1]}"),
    ):
        said = shadowprice(*command)
        assert said.out + said.err
        assert all(line.isprintable() for line in (said.out + said.err).split("\n")), command
