"""Runs that are killed, and runs that share a budget: real processes, a real server, a real ledger."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from llama_server import llama_server, served_tokens
from shadowprice.ledger import Ledger, State
from shadowprice.tasks import make_questions, write_questions

pytestmark = [pytest.mark.slow, pytest.mark.model, pytest.mark.timeout(1800)]

COUNT = 24
BUDGET = 400


@pytest.fixture(scope="module")
def url(smollm2: Path) -> Iterator[str]:
    with llama_server(smollm2, parallel=8) as served:
        yield served


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sums_file: Path) -> Path:
    """Questions, and a predictor that knows little of them."""
    made = tmp_path_factory.mktemp("crashes")
    write_questions(made / "q.jsonl", make_questions(["times", "plus", "mixed"], COUNT // 3, seed=5))
    subprocess.run([sys.executable, "-m", "shadowprice", "fit", sums_file, "-o", made / "p.shadow"], check=True)
    return made


_STARTED: list[subprocess.Popen[str]] = []


@pytest.fixture(autouse=True)
def nothing_left_running() -> Iterator[None]:
    """A test that fails must not leave its process to the next one."""
    yield
    while _STARTED:
        process = _STARTED.pop()
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()


def start(folder: Path, url: str, output: str, *options: str) -> subprocess.Popen[str]:
    asked = ["run", "q.jsonl", "--predictor", "p.shadow", "--budget", str(BUDGET), "-o", output, "--json"]
    engine = ["--engine", f"llamacpp+{url}", "--concurrency", "4", "--temperature", "0.5"]
    process = subprocess.Popen(
        [sys.executable, "-m", "shadowprice", *asked, *engine, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    _STARTED.append(process)
    return process


def ended(process: subprocess.Popen[str]) -> dict[str, Any]:
    said, complaint = process.communicate(timeout=600)
    assert 0 == process.returncode, complaint
    summary: dict[str, Any] = json.loads(said)
    return summary


def lines_of(path: Path) -> dict[str, Any]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    by_id = {line["custom_id"]: line for line in lines}
    assert len(lines) == len(by_id)
    return by_id


def until_under_way(ledger: Path, closed: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many replies have ended and others are being written, however fast the machine is."""
    query = "SELECT coalesce(sum(state <> 'open'), 0), coalesce(sum(state = 'open'), 0) FROM attempts"
    while process.poll() is None:
        try:
            with closing(sqlite3.connect(f"file:{ledger}?mode=ro", uri=True)) as books:
                closed_by_now, under_way = books.execute(query).fetchone()
        except sqlite3.OperationalError:  # its tables are not made yet
            closed_by_now, under_way = 0, 0
        if closed_by_now >= closed and under_way:
            return
        time.sleep(0.005)


@pytest.mark.parametrize("kills", [2, pytest.param(30, marks=pytest.mark.soak)])
def test_killed_at_any_moment_a_run_goes_on_and_pays_once(folder: Path, url: str, kills: int) -> None:
    began = time.monotonic()
    ended(start(folder, url, f"whole-{kills}.jsonl"))
    duration = time.monotonic() - began
    names = set(lines_of(folder / f"whole-{kills}.jsonl"))
    assert COUNT == len(names)
    moments = random.Random(0)
    lost, asked_again = 0, 0
    for number in range(kills):
        before, output = served_tokens(url), f"killed-{kills}-{number}.jsonl"
        ledger = folder / f"{output}.ledger"
        process = start(folder, url, output)
        while not ledger.exists() and process.poll() is None:
            time.sleep(0.01)
        if number % 2:
            time.sleep(moments.uniform(0.0, 0.8 * duration))
        else:
            until_under_way(ledger, moments.randrange(COUNT // 2), process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()

        # A run that had come to its end before the signal is asked for again from its ledger, and asks nothing.
        summary = ended(start(folder, url, output, "--resume"))

        lines = lines_of(folder / output)
        assert names == set(lines)
        with Ledger(ledger, read_only=True) as books:
            assert [] == books.check()
            totals, attempts = books.totals(), books.attempts()
        assert ("ok",) == sqlite3.connect(ledger).execute("PRAGMA integrity_check").fetchone()
        assert (COUNT, 0, 0, 0) == (totals.settled, totals.open, totals.reserved, totals.overrun)
        assert summary["interrupted"] == summary["failed"] == 0
        assert totals.spent <= BUDGET
        assert totals.spent - totals.lost == sum(line["shadowprice"]["generated"] for line in lines.values())
        states = Counter((one.request, one.state) for one in attempts)
        assert {State.SETTLED, State.LOST} >= {one.state for one in attempts}
        assert {1} == set(states.values())
        time.sleep(0.5)
        assert served_tokens(url) - before <= totals.spent
        lost += totals.lost
        asked_again += sum(one.state == State.LOST for one in attempts)
    print(f"{kills} kills: {asked_again} replies were under way and asked again, charged {lost} tokens.")
    assert asked_again


def test_two_processes_share_one_budget(folder: Path, url: str) -> None:
    before = served_tokens(url)
    both = [start(folder, url, f"{name}.jsonl", "--ledger", "shared.ledger", "--resume") for name in ("one", "two")]
    summaries = [ended(process) for process in both]
    one, two = (lines_of(folder / f"{name}.jsonl") for name in ("one", "two"))
    assert COUNT == len(one)
    assert one == two
    assert summaries[0]["spent"] == summaries[1]["spent"] <= BUDGET
    with Ledger(folder / "shared.ledger", read_only=True) as books:
        assert [] == books.check()
        totals, attempts = books.totals(), books.attempts()
    assert summaries[0]["spent"] == totals.spent
    assert max(Counter(attempt.request for attempt in attempts).values()) == 1
    (holders,) = (
        sqlite3.connect(folder / "shared.ledger").execute("SELECT count(DISTINCT holder) FROM attempts").fetchone()
    )
    assert 2 == holders
    time.sleep(0.5)
    assert served_tokens(url) - before <= totals.spent


def test_control_c_lets_running_replies_end_and_resume_pays_nothing_twice(folder: Path, url: str) -> None:
    process = start(folder, url, "c.jsonl")
    with_outcomes = folder / "c.jsonl.ledger"
    until_under_way(with_outcomes, 2, process)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=120)
    assert 130 == process.returncode
    assert "go on with the same command and --resume." in complaint
    first = lines_of(folder / "c.jsonl")
    summary = ended(start(folder, url, "c.jsonl", "--resume"))
    last = lines_of(folder / "c.jsonl")
    for name, line in first.items():
        if line["shadowprice"]["reason"] != "interrupted":
            assert line == last[name]
    with Ledger(with_outcomes, read_only=True) as books:
        attempts, totals = books.attempts(), books.totals()
    assert {State.SETTLED} == {one.state for one in attempts}
    assert summary["spent"] == totals.spent <= BUDGET
