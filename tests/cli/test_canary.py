"""A file may name a grader that is code: whatever command reads it, that code does not run unless an option says so."""

import csv
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from http_server import Serve, Wire
from shadowprice.traces.importers._zip import ZipLog

Command = Callable[..., Any]

GRADER = "python:timeit:timeit"
"""Runs its second argument, which is the right answer."""
GOLD = "import os;os.system('touch PWNED')"
REFUSED = (
    f"'{GRADER}' is a grader that names code, which data may not run: pass --grader {GRADER} to grade every question "
    "by it, or --allow-code if you trust the graders that the file names (in Python, call `load_grader` first)."
)
NOWHERE = ("--engine", "http://127.0.0.1:9/v1", "--model", "m")
EVAL = Path(__file__).parents[1] / "traces" / "data" / "inspect-sums.eval"
FEW = ("--budgets", "16", "--policies", "uniform", "--streams", "balanced", "--seeds", "1")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def lines(*records: Any) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def questions(kind: str, grader: str = GRADER, gold: str = GOLD) -> Path:
    """Three questions, of which the last names a grader."""
    rows = [{"question": f"What is {n} + 1?", "gold": str(n + 1), "grader": "number"} for n in range(2)]
    rows.append({"question": "What is 7?", "gold": gold, "grader": grader})
    path = Path(f"q.{kind}")
    if kind == "jsonl":
        path.write_text(lines(*rows))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, ["question", "gold", "grader"])
            writer.writeheader()
            writer.writerows(rows)
    return path


def batch(grader: str = GRADER, gold: str = GOLD, **place: str) -> tuple[Path, Path]:
    """Batch output and the input that goes with it."""
    asked = {"messages": [{"role": "user", "content": "What is 7?"}]}
    known = {"grader": grader, "gold": gold}
    request = {"custom_id": "a", "body": asked | ({"metadata": known} if place else {})}
    reply = {"choices": [{"message": {"role": "assistant", "content": "Answer: 7"}, "finish_reason": "stop"}]}
    output, requests = Path("out.jsonl"), Path("in.jsonl")
    output.write_text(lines({"custom_id": "a", "response": {"status_code": 200, "body": reply | {"model": "m"}}}))
    requests.write_text(lines(request if place else request | {"metadata": known}))
    return output, requests


def refuses(said: Any, where: str) -> None:
    assert (2, "", f"error: {where}: {REFUSED}\n") == (said.code, said.out, said.err)
    assert not Path("PWNED").exists()


@pytest.mark.parametrize(("kind", "line"), [("jsonl", 3), ("csv", 4), ("parquet", 3)])
def test_questions_files_run_nothing(shadowprice: Command, kind: str, line: int) -> None:
    path = questions(kind)
    where = f"{path}, line {line}, field 'grader'"
    refuses(shadowprice("run", path, "--budget", "90", "-o", "a.jsonl", *NOWHERE), where)
    refuses(shadowprice("record", path, "-o", "t.parquet", *NOWHERE), where)
    refuses(shadowprice("import", *batch("exact"), "--questions", path, "-o", "t.parquet"), where)
    planned = shadowprice("allocate", path, "--policy", "uniform", "--budget", "90", "-o", "plan.csv")
    assert 0 == planned.code, planned.err
    assert not Path("PWNED").exists()


def test_batch_metadata_runs_nothing(shadowprice: Command) -> None:
    for place in ({}, {"inside": "body"}):
        refuses(shadowprice("import", *batch(**place), "-o", "t.parquet"), "in.jsonl, line 1, field 'metadata.grader'")
    assert 0 == shadowprice("import", *batch(), "--grader", "exact", "-o", "t.parquet").code
    assert not Path("PWNED").exists()


def test_logs_and_traces_run_nothing(shadowprice: Command, sums_file: Path) -> None:
    table = pq.read_table(sums_file)
    for name, value in (("grader", GRADER), ("gold", GOLD), ("metadata", json.dumps({"grader": GRADER}))):
        table = table.append_column(name, pa.array([value] * table.num_rows))
    pq.write_table(table, "traces.parquet")
    with ZipLog(EVAL) as log, zipfile.ZipFile("log.eval", "w") as changed:
        for name in log.names:
            sample = json.loads(log.read(name))
            if isinstance(sample, dict) and "target" in sample:
                sample |= {"target": GOLD, "metadata": {"grader": GRADER}, "grader": GRADER, "scores": None}
            changed.writestr(name, json.dumps(sample))
    asked = [{"question": text, "gold": GOLD, "grader": GRADER} for text in table["question"].unique().to_pylist()]
    Path("all.jsonl").write_text(lines(*asked))
    assert 0 == shadowprice("import", "traces.parquet", "-o", "t.parquet").code
    assert 0 == shadowprice("import", "log.eval", "-o", "e.parquet", "--grader", "exact").code
    assert 0 == shadowprice("bench", "traces.parquet", *FEW).code
    assert "excluded" in shadowprice("fit", "traces.parquet", "--exclude", "all.jsonl").err  # and so none is left
    assert not Path("PWNED").exists()


def grading_module(folder: Path) -> None:
    (folder / "my_canary.py").write_text(
        "def has_seven(answer, gold, entry): return '7' in answer and 'touch' in gold\n"
    )


async def says_seven(wire: Wire) -> None:
    if wire.path.endswith("/models"):
        await wire.answer({"data": [{"id": "m"}]})
    elif wire.path.endswith("/chat/completions"):
        await wire.begin()
        await wire.piece("Answer: 7")
        await wire.finish(usage=4)
    else:
        await wire.answer({}, 404)


def test_an_option_lets_the_graders_of_a_file_run(
    shadowprice: Command, tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    grading_module(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    grader = "python:my_canary:has_seven"
    path = questions("jsonl", grader)
    engine = ("--engine", serve(says_seven).url, "--model", "m", "--json")
    spent = ("run", path, "--budget", "300", "--policy", "uniform", *engine)
    recorded = ("record", path, "--samples", "1", "-o", "t.parquet", *engine)
    imported = ("import", *batch(grader), "-o", "t.parquet", "--json")
    for number, (option, right) in enumerate((("--allow-code", 1), (f"--grader={grader}", 1), ("--grader=exact", 0))):
        for command in ((*spent, "-o", f"a{number}.jsonl"), recorded, imported):
            monkeypatch.setattr("shadowprice.grading._code._loaded", {})
            assert 2 == shadowprice(*command).code
            said = shadowprice(*command, option)
            assert 0 == said.code, said.err
            assert right == json.loads(said.out)["right"], command


@pytest.mark.parametrize("command", ["run", "record", "import"])
def test_a_module_that_is_not_there_is_said(shadowprice: Command, command: str) -> None:
    path = questions("jsonl", "python:no_such_module:f")
    more = {"run": ("--budget", "90", *NOWHERE), "record": NOWHERE, "import": ("--questions", path)}[command]
    said = shadowprice(command, "out.jsonl" if command == "import" else path, "-o", "o", "--allow-code", *more)
    assert 2 == said.code
    assert "q.jsonl, line 3, field 'grader': The grader 'python:no_such_module:f' could not be imported" in said.err
    said = shadowprice(command, path, "-o", "o", "--grader", "python:no_such_module:f", *more)
    assert (2, True) == (said.code, "error: The grader 'python:no_such_module:f' could not be imported" in said.err)
