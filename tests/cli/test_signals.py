"""SIGTERM is Ctrl-C, however often it is sent at once."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from counting_server import counting_server, made_tokens
from shadowprice.tasks import Question, write_questions
from shadowprice.traces import read_traces


def start(*arguments: str, folder: Path, background: bool = False) -> subprocess.Popen[str]:
    """Start a command; in the background of a script, where SIGINT is ignored."""
    quiet = [
        "-c",
        "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])",
    ]
    return subprocess.Popen(
        [sys.executable, *([*quiet, sys.executable] if background else []), "-m", "shadowprice", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_running_replies_end_and_nothing_more_begins(number: signal.Signals, tmp_path: Path) -> None:
    write_questions(tmp_path / "q.jsonl", [Question(f"q{n}", f"Write {60 + n} words.", "a") for n in range(12)])
    with counting_server(40) as url:
        asked = ["run", "q.jsonl", "--policy", "uniform", "--budget", "1200", "--engine", f"llamacpp+{url}"]
        process = start(*asked, "--concurrency", "4", "-o", "a.jsonl", "--json", folder=tmp_path)
        while process.poll() is None and made_tokens(url) < 20:
            time.sleep(0.02)
        for _ in range(2):  # `timeout` and Slurm tell the program and its group
            process.send_signal(number)
        out, err = process.communicate()

        again = "Press Ctrl-C again" if number == signal.SIGINT else "Send SIGTERM again"
        told = f"Interrupted: nothing more begins; 4 replies under way may end. {again} to stop them too."
        assert (130, 1) == (process.returncode, err.count(told)), err
        summary = json.loads(out)
        assert (4, 8, 0) == (summary["finished"], summary["interrupted"], summary["wasted"])
        assert made_tokens(url) == summary["spent"]


@pytest.mark.slow
def test_a_second_signal_stops_running_replies_and_what_there_is_is_shown(tmp_path: Path) -> None:
    write_questions(tmp_path / "q.jsonl", [Question(f"q{n}", f"Write {400 + n} words.", "a") for n in range(12)])
    with counting_server(40) as url:
        asked = ["run", "q.jsonl", "--policy", "uniform", "--budget", "6000", "--engine", f"llamacpp+{url}"]
        process = start(*asked, "--concurrency", "4", "-o", "a.jsonl", "--json", folder=tmp_path)
        while process.poll() is None and made_tokens(url) < 20:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        time.sleep(1.2)  # later than signals that mean the same
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        assert (130, True) == (process.returncode, "Not all questions are settled; go on with" in err), err
        summary = json.loads(out)
        assert (0, 12) == (summary["finished"], summary["interrupted"])
        assert 0 < made_tokens(url) <= 4 * 400
    assert 12 == len((tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines())


@pytest.mark.slow
@pytest.mark.parametrize("background", [False, True])
def test_a_recording_keeps_what_it_has(background: bool, tmp_path: Path) -> None:
    write_questions(tmp_path / "q.jsonl", [Question(f"q{n}", f"Write {5 + n} words.", "a") for n in range(12)])
    with counting_server(40) as url:
        asked = ["record", "q.jsonl", "--samples", "1", "--engine", f"llamacpp+{url}", "--concurrency", "2"]
        process = start(*asked, "-o", "t.parquet", folder=tmp_path, background=background)
        while process.poll() is None and made_tokens(url) < 40:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate()
        told = "what is finished is kept in .t.parquet.journal. Go on with the same command and --resume."
        assert (130, True) == (process.returncode, told in err), err
        kept = len((tmp_path / ".t.parquet.journal").read_text(encoding="utf-8").splitlines()) - 1
        assert kept > 0
        process = start(*asked, "-o", "t.parquet", "--resume", "--json", folder=tmp_path)
        process.communicate()
        assert 0 == process.returncode
    assert 12 == len(read_traces(tmp_path / "t.parquet").correct)
