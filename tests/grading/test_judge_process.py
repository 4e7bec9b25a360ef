import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from shadowprice.grading import grade
from shadowprice.grading._process import JUDGE, JudgeProcess

SLOW_PATTERN, SLOW_ANSWER = "(a+)+b", 40 * "a"


@pytest.fixture
def judge() -> Iterator[JudgeProcess]:
    process = JudgeProcess()
    yield process
    process.close()


def children() -> set[int]:
    """Processes that this one started and has not waited for, zombies included."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
        except OSError:
            continue
        if int(parent) == os.getpid():
            found.add(int(folder.name))
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system has no /proc")


def test_one_process_answers_again_and_again(judge: JudgeProcess) -> None:
    assert judge.judge("literal", "[1]", "[1]", 2.0)
    first = judge.pid
    assert not judge.judge("literal", "[2]", "[1]", 2.0)
    assert judge.judge("regex", "ab", "a.", 2.0)
    assert first is not None
    assert judge.pid == first


def test_graders_that_take_turns_share_it_in_the_end(judge: JudgeProcess) -> None:
    entry = {"answer": "4", "metadata": {}}

    def turn() -> int | None:
        assert judge.judge("literal", "1", "1", 5.0)
        assert judge.judge("math", "0.5", r"\frac{1}{2}", 20.0)
        assert judge.judge("reasoning-gym", "4", "4", 20.0, dataset="gcd", entry=entry)
        return judge.pid

    assert turn() == turn()
    assert judge.knows("gcd")
    assert not judge.knows("no_such")


def test_what_takes_too_long_is_wrong_and_the_next_answer_is_judged(judge: JudgeProcess) -> None:
    assert judge.judge("regex", "aab", SLOW_PATTERN, 5.0)
    first = judge.pid
    assert not judge.judge("regex", SLOW_ANSWER, SLOW_PATTERN, 0.2)
    assert judge.judge("regex", "aab", SLOW_PATTERN, 5.0)
    assert judge.pid != first


def test_a_process_killed_between_answers_is_started_again(judge: JudgeProcess) -> None:
    assert judge.judge("literal", "1", "1", 2.0)
    for _ in range(3):
        assert judge.pid is not None
        os.kill(judge.pid, signal.SIGKILL)
        assert judge.judge("literal", "1", "1", 2.0)


def test_a_process_killed_while_it_judges_gets_a_second_chance(judge: JudgeProcess) -> None:
    assert judge.judge("literal", "1", "1", 2.0)
    with ThreadPoolExecutor(1) as pool:
        verdict = pool.submit(judge.judge, "regex", 28 * "a" + "b", "(a|aa)+b|(a+)+c|a*b", 20.0)
        if judge.pid is not None:
            os.kill(judge.pid, signal.SIGKILL)
        assert verdict.result()


def test_a_stopped_process_cannot_hold_us_up(judge: JudgeProcess) -> None:
    assert judge.judge("literal", "1", "1", 2.0)
    assert judge.pid is not None
    os.kill(judge.pid, signal.SIGSTOP)
    assert not judge.judge("literal", "1", "1", 0.2)
    assert judge.judge("literal", "1", "1", 2.0)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits the address space of a process")
def test_memory_is_limited_and_an_answer_that_needs_more_is_wrong() -> None:
    small = JudgeProcess(memory=256 * 1024**2)
    try:
        assert not small.judge("regex", 4000 * "a", "(?:(?:a?){4000}){4000}a{4000}b", 5.0)
        assert not small.judge("python-bomb", "", "", 5.0)  # no such grader: an error inside is wrong, not fatal
        assert small.judge("literal", "1", "1", 5.0)
    finally:
        small.close()


def test_threads_share_it(judge: JudgeProcess) -> None:
    with ThreadPoolExecutor(8) as pool:
        verdicts = list(pool.map(lambda n: judge.judge("literal", str(n), str(n - n % 2), 10.0), range(200)))
    assert verdicts == [n % 2 == 0 for n in range(200)]


@needs_proc
def test_nothing_is_left_behind(judge: JudgeProcess) -> None:
    judge.judge("literal", "1", "1", 2.0)
    judge.close()
    processes, files = children(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        assert judge.judge("literal", "1", "1", 2.0)
        assert not judge.judge("regex", SLOW_ANSWER, SLOW_PATTERN, 0.05)
    judge.close()
    assert children() == processes
    assert len(list(Path("/proc/self/fd").iterdir())) == files


def test_it_ends_with_the_program_and_warns_of_nothing() -> None:
    program = (
        "import warnings\n"
        "from shadowprice.grading import grade\n"
        "from shadowprice.grading._process import JUDGE\n"
        "assert grade('[1]', '[1]', 'literal')\n"
        "print(JUDGE.pid)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", program], capture_output=True, text=True, check=True
    )
    assert ended.stderr == ""
    with pytest.raises(ProcessLookupError):
        os.kill(int(ended.stdout), 0)


def test_one_whose_program_was_killed_ends_by_itself() -> None:
    program = (
        "import os, signal, threading, time\n"
        "from shadowprice.grading._process import JUDGE\n"
        "JUDGE.judge('literal', '1', '1', 5.0)\n"
        "print(JUDGE.pid, flush=True)\n"
        "threading.Thread(target=JUDGE.judge, args=('regex', 40 * 'a', '(a+)+b', 0.5), daemon=True).start()\n"
        "time.sleep(0.2)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL
    for _ in range(300):
        try:
            os.kill(int(ended.stdout), 0)
        except ProcessLookupError:
            return
        state = Path(f"/proc/{int(ended.stdout)}/stat")
        if state.exists() and ") Z " in state.read_text():  # dead, and nobody here to wait for it
            return
        time.sleep(0.05)
    pytest.fail("the process that judged is still running")


def test_a_machine_that_is_busy_with_other_things_changes_no_verdict(judge: JudgeProcess) -> None:
    """The limit is what the answer computes: here the process stands still for twice that time."""
    assert judge.judge("literal", "1", "1", 0.5)
    process = judge.pid
    assert process is not None
    os.kill(process, signal.SIGSTOP)
    later = threading.Timer(1.0, os.kill, (process, signal.SIGCONT))
    later.start()
    assert judge.judge("literal", "2", "2", 0.5)
    later.join()
    assert process == judge.pid
    assert not judge.judge("regex", 40 * "a", "(a+)+b", 0.5)  # killed, and not asked a second time


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_starts_its_own() -> None:
    assert grade("1", "1", "literal")
    ours = JUDGE.pid
    child = os.fork()
    if child == 0:
        own = grade("1", "1", "literal") and JUDGE.pid != ours
        JUDGE.close()
        os._exit(0 if own else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert JUDGE.pid == ours
    assert grade("1", "1", "literal")


@needs_proc
def test_secrets_stay_here(judge: JudgeProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    assert judge.judge("literal", "1", "1", 2.0)
    environment = Path(f"/proc/{judge.pid}/environ").read_bytes()
    assert b"PATH=" in environment
    assert b"OPENAI_API_KEY" not in environment


def test_what_models_write_changes_no_file(tmp_path: Path) -> None:
    # This verifier of reasoning-gym passes the answer to eval.
    entry = {"answer": "1 2", "metadata": {"solution": [1, 2]}}
    grader = "reasoning-gym:spiral_matrix"
    assert grade("1 2", "1 2", grader, entry)
    target = tmp_path / "written"
    for attack in (
        f"[open({str(target)!r}, 'w').write('x') and 1, 2]",
        f"[__import__('os').system('touch {target}') and 1, 2]",
        f"[__import__('subprocess').run(['touch', {str(target)!r}]) and 1, 2]",
    ):
        assert not grade(attack, "1 2", grader, entry), attack
        assert not target.exists(), attack
    assert grade("1 2", "1 2", grader, entry)


@pytest.mark.slow
def test_an_answer_that_ends_the_process_is_wrong() -> None:
    entry = {"answer": "1 2", "metadata": {"solution": [1, 2]}}
    grader = "reasoning-gym:spiral_matrix"
    assert not grade("__import__('os')._exit(0)", "1 2", grader, entry)
    assert grade("1 2", "1 2", grader, entry)
