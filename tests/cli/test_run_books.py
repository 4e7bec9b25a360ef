"""What `run` does with files: nobody's ledger is lost, and what went wrong decides how it ends."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from http_server import Serve, Served, Wire
from shadowprice.ledger import Ledger

Command = Callable[..., Any]
TEXT = "word " * 400


@pytest.fixture
def server(serve: Serve) -> Served:
    async def reply(wire: Wire) -> None:
        if wire.path.endswith("/chat/completions"):
            await wire.begin()
            await wire.piece(TEXT if "long" in wire.body["messages"][-1]["content"] else "Answer: 1")
            await wire.finish(usage=4)
        else:
            await wire.answer({"data": [{"id": "m"}]})

    return serve(reply)


def ask(server: Served, folder: Path, output: str = "a.jsonl", *options: str) -> list[str]:
    questions = folder / "q.jsonl"
    if not questions.exists():
        write(questions, {})
    engine = ["--engine", server.url, "--model", "m", "--policy", "uniform", "--budget", "200"]
    return ["run", str(questions), *engine, "-o", str(folder / output), *options]


def write(path: Path, changed: dict[str, Any]) -> None:
    lines = ({"query_id": f"q{n}", "question": f"What is {n} & {n}?", "gold": "1"} | changed for n in range(3))
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_a_new_run_deletes_no_file(shadowprice: Command, server: Served, tmp_path: Path) -> None:
    kept = ["a.jsonl.ledger.bak", "a.jsonl.ledger-notes.txt"]
    assert 0 == shadowprice(*ask(server, tmp_path)).code
    for name in kept:
        shutil.copy(tmp_path / "a.jsonl.ledger", tmp_path / name)
    assert 0 == shadowprice(*ask(server, tmp_path)).code
    assert all((tmp_path / name).exists() for name in kept)
    # Names are names, whatever a shell would make of them.
    for output in ("a1.jsonl", "a[1].jsonl", "a[1].jsonl"):
        assert 0 == shadowprice(*ask(server, tmp_path, output)).code
    with Ledger(tmp_path / "a1.jsonl.ledger", read_only=True) as ledger:
        assert 3 == ledger.totals().settled


def test_what_was_paid_for_is_kept_when_the_same_is_run_again(
    shadowprice: Command, server: Served, tmp_path: Path
) -> None:
    for _ in range(2):
        assert 0 == shadowprice(*ask(server, tmp_path)).code
    with Ledger(tmp_path / "a.jsonl.ledger", read_only=True) as ledger:
        assert [3, 3] == [ledger.totals(run.name).settled for run in ledger.runs()]
    before = [(tmp_path / name).read_bytes() for name in ("a.jsonl", "a.jsonl.ledger")]
    said = shadowprice(*ask(server, tmp_path, "a.jsonl", "--grader", "foo"))
    assert (2, True) == (said.code, "There is no grader 'foo'" in said.err)
    assert before == [(tmp_path / name).read_bytes() for name in ("a.jsonl", "a.jsonl.ledger")]


@pytest.mark.parametrize("end", ["journal", "wal", "shm"])
def test_files_that_sqlite_would_take_for_its_own_stay(
    shadowprice: Command, server: Served, tmp_path: Path, end: str
) -> None:
    mine = tmp_path / f"a.jsonl.ledger-{end}"
    mine.write_text("precious")
    said = shadowprice(*ask(server, tmp_path))
    assert (2, True, "precious") == (said.code, "move it away" in said.err, mine.read_text())
    mine.unlink()
    assert 0 == shadowprice(*ask(server, tmp_path)).code
    if end == "journal":
        mine.write_text("precious")
        said = shadowprice("ledger", "show", tmp_path / "a.jsonl.ledger")
        assert (2, True, "precious") == (said.code, "SQLite would play it back" in said.err, mine.read_text())
    text = tmp_path / "README"
    text.write_text("A text of some length, which is no ledger.")
    beside = tmp_path / f"README-{end}"
    beside.write_text("precious")
    assert 2 == shadowprice("ledger", "show", text).code
    assert "precious" == beside.read_text()


def test_an_unfinished_run_makes_no_room(shadowprice: Command, server: Served, tmp_path: Path) -> None:
    assert 0 == shadowprice(*ask(server, tmp_path)).code
    with sqlite3.connect(tmp_path / "a.jsonl.ledger") as db:
        db.execute("UPDATE runs SET finished = NULL")
    said = shadowprice(*ask(server, tmp_path))
    assert (2, True) == (said.code, "go on with --resume, or name another ledger." in said.err)
    assert 0 == shadowprice(*ask(server, tmp_path, "a.jsonl", "--resume")).code


@pytest.mark.parametrize(
    "changed",
    [
        {"gold": "2"},
        {"grader": "exact"},
        {"messages": [{"role": "user", "content": "Say 1."}]},
        {"family": "gcd"},
        {"entry": {"answer": "1"}},
    ],
)
def test_what_is_asked_and_how_it_is_judged_stays_as_it_was(
    shadowprice: Command, server: Served, tmp_path: Path, changed: dict[str, Any]
) -> None:
    assert 0 == shadowprice(*ask(server, tmp_path)).code
    asked = len(server.bodies)
    write(tmp_path / "q.jsonl", changed)
    said = shadowprice(*ask(server, tmp_path, "a.jsonl", "--resume"))
    assert (2, True) == (said.code, "was begun with other questions" in said.err)
    assert asked == len(server.bodies)


FULL = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (90_000, 90_000))
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_the_ledgers_error_is_the_one_that_counts(server: Served, tmp_path: Path) -> None:
    lines = ({"query_id": f"q{number}", "question": "Something long?"} for number in range(100))
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    asked = ask(server, tmp_path, "a.jsonl", "--budget", "200k", "--concurrency", "1")
    command = [sys.executable, "-m", "shadowprice", *asked]

    done = subprocess.run([sys.executable, "-c", FULL, *command], capture_output=True, text=True, check=False)
    assert (5, True) == (done.returncode, "a.jsonl.ledger cannot" in done.stderr), done.stderr

    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=False)
    assert 0 == done.returncode, done.stderr
    assert 100 == len((tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines())
