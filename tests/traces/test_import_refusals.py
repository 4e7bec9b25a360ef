"""Logs that are not what they should be: one sentence with the place, the field and what to do."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shadowprice._errors import InputError
from shadowprice.traces import AskedQuestion, ImportSettings, import_logs
from shadowprice.traces.importers import _json, _zip

DATA = Path(__file__).parent / "data"
(SAMPLES,) = DATA.glob("samples_*.jsonl")
GOOD = SAMPLES.read_text(encoding="utf-8").splitlines()[0]


def refusal(*paths: Path, format: str | None = None, **settings: Any) -> str:
    with pytest.raises(InputError) as error:
        import_logs(paths, ImportSettings(**settings), format=format)
    message = str(error.value)
    assert "\n" not in message
    assert message.endswith((".", "?"))
    return message.replace(f"{paths[0].parent}/" if paths else "", "")


def jsonl(folder: Path, *lines: str | dict[str, Any]) -> Path:
    path = folder / "s.jsonl"
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def changed(**fields: Any) -> dict[str, Any]:
    return {key: value for key, value in (json.loads(GOOD) | fields).items() if value is not ...}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "s.jsonl, line 2: not JSON at line 1, column 2 (Expecting property name"),
        ("[]", "s.jsonl, line 2: not a JSON object; write it as {...}."),
        ('{"doc_id": ' + "9" * 5000 + "}", "s.jsonl, line 2: a number in it is too long; correct it."),
        ("[" * 100_000, "s.jsonl, line 2: JSON nested too deeply; nest at most"),
        (changed(resps=...), "s.jsonl, line 2, field 'resps': missing; is the log of another version"),
        (changed(resps="x"), "s.jsonl, line 2, field 'resps': input should be a valid list; correct it."),
        (changed(resps=[[1]]), "s.jsonl, line 2, field 'resps': not a list of replies"),
        (changed(arguments=None), "s.jsonl, line 2, field 'arguments': not the arguments of a request"),
        (changed(arguments=[["Q", " A"]]), "s.jsonl, line 2: a task of log-likelihoods, where nothing is written"),
        (changed(doc={"question": "Another?"}), "s.jsonl, line 2: the query id 's/0' stands for another question at"),
    ],
)
def test_lines_of_lm_evaluation_harness(tmp_path: Path, line: Any, complaint: str) -> None:
    assert refusal(jsonl(tmp_path, GOOD, line)).startswith(complaint)


def test_names_that_are_not_in_the_log(tmp_path: Path) -> None:
    path = jsonl(tmp_path, GOOD)
    assert "s.jsonl: there is no filter 'x'; choose --filter from strict-match." == refusal(path, filter="x")
    assert "s.jsonl, line 1: there is no metric 'x'; choose --metric from exact_match." == refusal(path, metric="x")
    assert refusal(path, format="x").startswith("There is no format 'x'; choose from inspect, lm-eval, batch")
    assert refusal(path, grader="x").startswith("There is no grader 'x'")
    assert refusal(DATA / "inspect-sums.eval", metric="x").endswith("choose --metric from match.")


def test_files_that_are_no_logs(tmp_path: Path) -> None:
    def file(name: str, content: bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as other:
        other.writestr("a.txt", "a")
    assert "none: no such file; check the path." == refusal(tmp_path / "none")
    assert "none: no such file; check the path." == refusal(tmp_path / "none", format="inspect")
    assert refusal(tmp_path).endswith("is a folder; give the log files in it.")
    assert "e is empty; give a log with replies in it." == refusal(file("e", b" \n"))
    assert (
        "z: a zip file, but not a log of inspect_ai or outputs of MMLU-Pro; unpack it and give the logs in it."
        == refusal(file("z", archive.getvalue()))
    )
    assert refusal(file("z", b"PK\x03\x04 cut")).startswith("z: not a whole zip file (File is not a zip file)")
    assert refusal(file("p", b"PAR1 cut PAR1")).startswith("p is not a readable Parquet file")
    for content in (b"hello\nworld\n", b"a,b\n1,2\n", b"\xff\xfe\x00", b"{}\n", b'[{"a": 1}]', b'{"x": 1}\n{"y": 2}'):
        assert refusal(file("t", content)).startswith("t: not a log of a known format; give one of inspect_ai")
    assert "t: an empty list; give a log with replies in it." == refusal(file("t", b"[]"))
    assert refusal(file("t", b'{"question": "Why?"}')).startswith("t: questions without replies; give them with --que")
    assert refusal(file("t", b'{"results": {}, "configs": {}}')).startswith("t: the results of lm-evaluation-harness w")
    log = jsonl(tmp_path, GOOD)
    assert "s.jsonl is given twice; give every log once." == refusal(log, log)
    assert "No log was given; give at least one." == refusal()


def test_members_of_a_zip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def log(**members: str) -> Path:
        path = tmp_path / "a.eval"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name.replace("__", "/") + ".json", content)
        return path

    header = '{"eval": {"task": "t", "model": "m"}}'
    assert refusal(log(samples__a="{}")).startswith("a.eval: a zip file without header.json")
    assert refusal(log(header='{"eval": {"task": "t"}}')).startswith(
        "a.eval, member 'header.json', field 'eval.model': missing"
    )
    assert refusal(log(header=header)) == "No reply could be taken from a.eval: they hold none."
    assert refusal(log(header=header, samples__a="{")).startswith("a.eval, member 'samples/a.json': not JSON at line 1")
    assert refusal(log(header=header, samples__a='{"id": 1}')).startswith(
        "a.eval, member 'samples/a.json', field 'input': missing"
    )
    monkeypatch.setattr(_zip, "MAX_MEMBER", 2**20)
    assert "a.eval, member 'samples/a.json': larger than 1 MiB; no sample is." == refusal(
        log(header=header, samples__a="[" + " " * 2**21)
    )


def test_a_zip_whose_members_lie_over_each_other(tmp_path: Path) -> None:
    path = tmp_path / "a.eval"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("header.json", "x" * 1000)
    data = path.read_bytes()
    directory = data.index(b"PK\x01\x02")
    entry = data[directory : data.index(b"PK\x05\x06")]
    twice = b"".join(entry.replace(b"header", b"head%02d" % number) for number in range(9))
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 9, 9, len(twice), directory, 0)
    path.write_bytes(data[:directory] + twice + end)
    assert refusal(path, format="inspect") == "a.eval: its members are larger than the file itself; this is not a log."


def test_json_logs_of_inspect_ai(tmp_path: Path) -> None:
    def log(text: str) -> Path:
        (tmp_path / "a.json").write_text(text)
        return tmp_path / "a.json"

    head = '{"version": 2,\n "eval": {"task": "t", "model": "m"}'
    assert refusal(log(head + "}")).startswith("a.json: the log holds no samples; run inspect_ai without --no-log-sam")
    assert refusal(log(head + ', "samples": [{"id": "a"')).startswith("a.json, sample 0: not JSON at line 2")
    assert refusal(log(head + ', "samples": [{"id": "a"}]}')).startswith("a.json, sample 0, field 'input': missing")
    assert refusal(log(head + ', "samples": []')).startswith("No reply could be taken")
    assert refusal(log(head + ', "x" 1}')).startswith("a.json, field 'x': ':' should follow, but '1' is there")
    assert refusal(log('{"version": 2,\n"eval": 3, "samples": []}')).startswith("a.json, field 'eval': input should be")


def test_batches(tmp_path: Path) -> None:
    request = {"custom_id": "a", "body": {"messages": [{"role": "user", "content": "1 + 1?"}]}}
    output = {"custom_id": "a", "response": {"status_code": 200, "body": {"choices": [{"text": "Answer: 2"}]}}}
    asked, path = tmp_path / "in.jsonl", jsonl(tmp_path, output)
    asked.write_text(json.dumps(request))
    assert refusal(asked).endswith("in.jsonl: requests without replies; give the batch's output as well.")
    assert refusal(path).endswith("1 with no question of this id (give the batch's input as well, or --questions).")
    assert refusal(path, asked).endswith("1 with no reference answer to grade by (give --questions).")
    assert "s.jsonl, line 1: the question has no text; give the questions with --questions." == refusal(
        path, questions={"a": AskedQuestion("", "2")}
    )
    body = {"choices": [{"text": "2"}], "usage": {"completion_tokens": -1}}
    path = jsonl(tmp_path, output | {"response": {"body": body}})
    assert refusal(path, asked).startswith(
        "s.jsonl, line 1, field 'response.body', field 'usage.completion_tokens': inp"
    )


def test_results_of_zeroeval(tmp_path: Path) -> None:
    def results(*items: Any) -> Path:
        (tmp_path / "m.json").write_text(json.dumps(items))
        return tmp_path / "m.json"

    good = {"session_id": "a", "output": ["Answer: 1"], "question": "Q?", "answer": "1"}
    assert refusal(results(good, 1)) == "m.json, item 1: not a JSON object; give an unchanged result file."
    assert refusal(results(good | {"output": {}})).startswith("m.json, item 0, field 'output': input should be")
    assert refusal(results(good | {"question": ""})).startswith("m.json, item 0: neither a question nor a chat_history")
    del good["answer"]
    assert refusal(results(good)).endswith("1 with no reference answer in the results.")


def test_two_models(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(
            json.dumps([{"session_id": "1", "output": "1", "question": "Q?", "answer": "1", "generator": name}])
        )
    paths = [tmp_path / "a.json", tmp_path / "b.json"]
    assert refusal(*paths).startswith(
        "b.json, item 0: the model is 'b', but 'a' at a.json, item 0; import each model's"
    )
    assert 2 == import_logs(paths, ImportSettings(model="c")).table.num_rows


def test_a_line_that_never_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_json, "MAX_PIECE", 2**20)
    path = jsonl(tmp_path, GOOD, changed(doc={"question": "x" * 2**21}))
    assert refusal(path).startswith("s.jsonl, line 2: longer than 1 MiB, no reply is; give a JSONL file")


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf"), 1e9])
def test_characters_per_token(value: float) -> None:
    with pytest.raises(InputError, match="characters cannot be; give between"):
        ImportSettings(chars_per_token=value)


def test_columns_of_traces_that_cannot_be(tmp_path: Path, trace_table: Callable[..., pa.Table]) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(trace_table(question=[{"a": 1}, {"a": 2}, {"a": 1}]), path)
    assert refusal(path).startswith("t.parquet: the column question is struct<a: int64>; it must be string (")
