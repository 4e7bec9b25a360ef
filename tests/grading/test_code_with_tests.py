"""Code of replies, run with tests: what passes, what does not, and what it cannot do."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from shadowprice._errors import InputError
from shadowprice.grading import _code, admit_grader, find_answer, grade, load_grader, missing_layers

RIGHT = "def f(x):\n    return x + 1\n"
TESTS = "assert f(1) == 2\nassert f(2) == 3\n"
CHECK = "def check(candidate):\n    assert candidate(1) == 2\n"


@pytest.fixture(autouse=True)
def _allowed() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_code, "_runs_replies", False)
        load_grader("tests")
        yield


def right(code: str, gold: str = TESTS, grader: str = "tests:5", **entry: str) -> bool:
    return grade(code, gold, grader, entry)


def test_tests_decide() -> None:
    assert right(RIGHT)
    assert not right("def f(x):\n    return x\n")
    assert not right("def f(x:\n")
    assert not right("")
    assert not grade(RIGHT, "", "tests")
    assert right(RIGHT, json.dumps(TESTS.splitlines()))  # MBPP's list
    assert right(RIGHT, CHECK, entry_point="f")  # HumanEval's
    assert right(RIGHT, CHECK + "\ncheck(f)\n")
    assert right(RIGHT, CHECK)
    assert right("    return x + 1\n", CHECK, entry_point="f", prompt='def f(x):\n    """Add one."""\n')
    assert right(RIGHT, "assert f(limit) == 8", test_setup_code="limit = 7")
    assert right("import math, re, hashlib, json, heapq, random, decimal\nprint('hm')\n" + RIGHT)
    files = "import tempfile\nwith tempfile.TemporaryFile() as file:\n    file.write(b'x')\n"
    assert right(files + RIGHT)
    with pytest.raises(InputError, match="are no Python"):
        grade(RIGHT, "assert f(1 ==", "tests")


@pytest.mark.parametrize(
    ("reply", "cut", "expected"),
    [
        (f"Here:\n```python\n{RIGHT}```\nIt adds.", False, RIGHT),
        (f"```py\n{RIGHT}```\nUse:\n```python\nprint(f(1))\n```", False, RIGHT),
        (f"```python\ndef g(): pass\n```\nBetter:\n```python\n{RIGHT}```", True, RIGHT),
        (f"```python\n{RIGHT}```\n```bash\nls\n```", False, RIGHT),
        (f"```\n{RIGHT}", False, RIGHT),
        (f"```\n{RIGHT}", True, None),
        (RIGHT, False, RIGHT),
        (RIGHT, True, None),
        (f"<think>```python\nx\n```</think>~~~python\n{RIGHT}~~~", False, RIGHT),
        ("I cannot.", False, None),
    ],
)
def test_the_code_of_a_reply(reply: str, cut: bool, expected: str | None) -> None:
    answer = find_answer(reply, "tests", cut=cut)
    assert (None if answer is None else answer.text.strip("\n")) == (None if expected is None else expected.strip("\n"))


def test_what_takes_too_long_or_too_much_is_wrong() -> None:
    started = time.monotonic()
    assert not right("while True:\n    pass", grader="tests:1")
    assert time.monotonic() - started < 5
    assert not right("x = [0] * 10**10\n" + RIGHT)
    assert not right("#" * 70_000 + "\n" + RIGHT)


@pytest.mark.parametrize("leave", ["import os; os._exit(0)", "import sys; sys.exit(0)", "raise SystemExit"])
def test_leaving_early_is_not_passing(leave: str) -> None:
    assert not right(leave)
    assert not right(f"{RIGHT}\n{leave}\n")


def test_what_code_says_is_not_kept_and_does_not_count() -> None:
    write = "try:\n            os.write(number, b'x' * 65536)\n        except OSError:\n            pass\n"
    flood = f"import os\nfor _ in range(10**6):\n    for number in range(3, 20):\n        {write}"
    started = time.monotonic()
    assert not right(flood + RIGHT)
    assert time.monotonic() - started < 4


def test_what_code_cannot_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, made = tmp_path / "secret.txt", tmp_path / "made.txt"
    secret.write_text("key", encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        tried = [
            f"open({str(secret)!r}).read()",
            f"open({str(made)!r}, 'w')",
            f"import os; os.remove({str(secret)!r})",
            f"import os; os.rename({str(secret)!r}, 'x')",
            f"import os; os.mkdir({str(made)!r})",
            f"import os; os.system('touch {made}')",
            f"import subprocess; subprocess.run(['touch', {str(made)!r}])",
            "import os; os.fork()",
            "import os; os.kill(os.getppid(), 9)",
            f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=1)",
            "import ctypes",
            "import sys; sys.modules['ctypes']",
            "import os; os.environ['OPENAI_API_KEY']",
            "open('/etc/passwd').read()",
            "open('../../../../etc/passwd').read()",
        ]
        for code in tried:
            caught = f"try:\n    {code}\nexcept BaseException:\n    tried = True\n{RIGHT}"
            assert right(caught, TESTS + "assert tried"), code
    assert [secret] == list(tmp_path.iterdir())
    assert "key" == secret.read_text(encoding="utf-8")


def test_the_system_holds_what_the_hook_would_not(tmp_path: Path) -> None:
    """Functions that raise no event of Python's are refused by the system, where it can."""
    if missing_layers():
        pytest.skip(f"this system cannot take {missing_layers()} from a process")
    made = tmp_path / "fifo"
    code = f"import os\ntry:\n    os.mkfifo({str(made)!r})\nexcept PermissionError:\n    tried = True\n{RIGHT}"
    assert right(code, TESTS + "assert tried")
    assert not made.exists()


def test_nothing_runs_unless_somebody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_code, "_runs_replies", False)
    for refused in (
        lambda: grade(RIGHT, TESTS, "tests"),
        lambda: load_grader("tests", code=False),
        lambda: admit_grader("tests"),
    ):
        with pytest.raises(InputError, match="add --allow-code if that may be"):
            refused()
    admit_grader("tests", code=True)
    assert grade(RIGHT, TESTS, "tests")
