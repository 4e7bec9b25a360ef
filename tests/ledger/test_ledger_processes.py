"""Real processes on one ledger: together they keep to the budget, and a kill loses nothing that was settled."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from shadowprice.ledger import Answer, Ledger, Run, State

HAMMER = Path(__file__).with_name("hammer.py")


def start(
    path: Path, budget: int, seed: int, name: str, *, most: int, batch: int = 1, together: bool = False
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HAMMER), str(path), str(budget), str(seed), name, str(most), str(batch)],
        stdin=subprocess.PIPE if together else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )


def open_run(ledger: Ledger, budget: int) -> Run:
    return ledger.open_run(budget=budget, settings={}, fingerprint="f", resume=True)


def settled(printed: str) -> dict[str, int]:
    """What a process said that it settled; the last line may have been cut short."""
    lines = printed.split("\n")[:-1]
    return {line.split()[0]: int(line.split()[1]) for line in lines if " " in line}


@pytest.mark.parametrize("budget", [0, 9000, 10**6])
def test_two_processes_never_exceed_the_budget(tmp_path: Path, budget: int) -> None:
    path = tmp_path / "l"
    processes = [start(path, budget, seed, f"p{seed}", most=1000, together=True) for seed in range(2)]
    for process in processes:
        assert process.stdout is not None
        assert "open\n" == process.stdout.readline()
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0] for process in processes]
    assert [0, 0] == [process.returncode for process in processes]
    with Ledger(path, read_only=True) as ledger:
        totals = ledger.totals()
        assert [] == ledger.check()
        outcomes = {outcome.request: outcome.generated for outcome in ledger.outcomes()}
    assert totals.spent <= budget
    assert (0, 0, 0) == (totals.reserved, totals.overrun, totals.lost)
    assert outcomes == settled(said[0]) | settled(said[1])
    assert len(outcomes) == sum(len(settled(text)) for text in said)
    if budget == 9000:
        assert totals.available < 50  # they stopped because it was spent
    assert ["l"] == [file.name for file in tmp_path.iterdir()]


def kill_and_resume(path: Path, seed: int, batch: int) -> None:
    """Kill two processes at random moments, several times, and look at what they left each time."""
    rng = random.Random(seed)
    budget = 200_000
    known: dict[str, int] = {}
    for life in range(5):
        processes = [start(path, budget, seed * 100 + life, f"{life}{name}", most=10**6, batch=batch) for name in "ab"]
        first = rng.choice(processes).stdout
        assert first is not None
        if life % 2 == 0:
            assert "open\n" == first.readline()  # otherwise it may die while it starts
        time.sleep(rng.uniform(0.02, 0.4))
        for process in processes:
            process.send_signal(signal.SIGKILL)
        said = [process.stdout.read() for process in processes if process.stdout is not None]
        for process in processes:
            process.wait()
            assert process.stdout is not None
            process.stdout.close()
        known |= settled(said[0]) | settled(said[1])
        if known:
            with Ledger(path, read_only=True) as ledger:  # what `shadowprice ledger show` does with a crashed ledger
                assert [] == ledger.check()
                assert ledger.totals().spent + ledger.totals().reserved <= budget
        with Ledger(path) as ledger:
            before = {attempt.request for attempt in ledger.attempts(state=State.OPEN)} if ledger.runs() else set()
            run = open_run(ledger, budget)
            assert len(before) == run.recovered.requests
            assert [] == ledger.check()
            totals, outcomes = run.totals(), run.outcomes()
            assert totals.spent <= budget
            assert (0, 0) == (totals.reserved, totals.overrun)
            assert known == {name: outcomes[name].generated for name in known}
            assert not before & outcomes.keys()
            assert all(one.charged == one.reserved for one in ledger.attempts(state=State.LOST))
    assert known
    assert [path.name] == [file.name for file in path.parent.iterdir()]


@pytest.mark.parametrize("batch", [1, 16])
def test_a_kill_loses_nothing(tmp_path: Path, batch: int) -> None:
    kill_and_resume(tmp_path / "l", seed=batch, batch=batch)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_many_kills_lose_nothing(tmp_path: Path, seed: int) -> None:
    kill_and_resume(tmp_path / "l", seed=1000 + seed, batch=(1, 1, 4, 64)[seed % 4])


@pytest.mark.slow
def test_kills_while_the_file_is_made(tmp_path: Path) -> None:
    for number in range(25):
        path = tmp_path / f"l{number}"
        process = start(path, 1000, number, "p", most=50)
        until = time.monotonic() + 30
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.0005)
        time.sleep(number * 0.0004)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        with Ledger(path) as ledger:
            run = open_run(ledger, 1000)
            assert run.totals().spent <= 1000
            assert [] == ledger.check()
            assert Answer.GRANTED == run.reserve("z", 1).answer or run.totals().available == 0


def test_a_living_process_keeps_its_reservations(tmp_path: Path) -> None:
    program = (
        "import sys; from shadowprice.ledger import Ledger; ledger = Ledger(sys.argv[1]);"
        "run = ledger.open_run(budget=100, settings={}, fingerprint='f', resume=True);"
        "run.reserve('a', 60); print('held', flush=True); sys.stdin.read()"
    )
    path = tmp_path / "l"
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert "held\n" == process.stdout.readline()
    with Ledger(path) as ledger:
        run = open_run(ledger, 100)
        assert (0, 60) == (run.recovered.tokens, run.totals().reserved)
        assert Answer.ELSEWHERE == run.reserve("a", 10).answer
        process.send_signal(signal.SIGSTOP)
        assert 0 == run.recover().tokens
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert (1, 60) == run.recover()
        assert 40 == run.reserve("a", 60).tokens


def test_a_forked_child_cannot_use_its_parents_connection(tmp_path: Path) -> None:
    program = """if True:
        import os, sys
        from shadowprice.ledger import Ledger
        ledger = Ledger(sys.argv[1])
        run = ledger.open_run(budget=100, settings={}, fingerprint="f", resume=True)
        if not os.fork():
            try:
                run.reserve("a", 10)
            except Exception as error:
                print(error, flush=True)
            ledger.close()
            os._exit(0)
        os.wait()
        assert 10 == run.reserve("a", 10).tokens
        with Ledger(sys.argv[1]) as other:
            joined = other.open_run(budget=100, settings={}, fingerprint="f", resume=True)
            assert 0 == joined.recovered.tokens, joined.recovered
        """
    path = tmp_path / "l"
    ended = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
    assert (0, "") == (ended.returncode, ended.stderr)
    assert f"{path} was opened before a fork; open it anew in the child process.\n" == ended.stdout


def test_an_orphan_does_not_keep_its_dead_parents_reservations(tmp_path: Path) -> None:
    program = (
        "import os, sys, time; from shadowprice.ledger import Ledger; ledger = Ledger(sys.argv[1]);"
        "run = ledger.open_run(budget=100, settings={}, fingerprint='f', resume=True); run.reserve('a', 60);"
        "child = os.fork();\nif child: print(child, flush=True); os.kill(os.getpid(), 9)\nos.close(1); time.sleep(60)"
    )
    path = tmp_path / "l"
    said = subprocess.run([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True, check=False)
    try:
        time.sleep(0.2)
        with Ledger(path) as ledger:
            assert (1, 60) == open_run(ledger, 100).recovered
    finally:
        os.kill(int(said.stdout), signal.SIGKILL)
