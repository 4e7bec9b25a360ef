"""Code that a reply holds, judged by running it with tests.

This runs what a model wrote. It is off unless somebody says on purpose that it may run (`_code`), and each answer has
a process of its own, which gives up most of what it could do before it runs a line (`_tests_worker`). Code and tests
share that process: a reply that is written to cheat, by changing what comparisons do, can pass without being right.
"""

import ast
import json
import os
import re
import secrets
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from shadowprice._errors import InputError, ShadowpriceError
from shadowprice.grading._spans import Span

SECONDS: Final = 10.0
"""Wall-clock time for a reply's code and its tests, with starting Python."""
LAYERS: Final = ("network", "files")
"""What a system may be unable to take from a process."""
_WORKER: Final = Path(__file__).with_name("_tests_worker.py")
_MEMORY: Final = 1024**3
_LONGEST: Final = 65_536
_MOST_SAID: Final = 4096
_FENCE: Final = re.compile(r"^[ \t]*(?P<fence>`{3,}|~{3,})[ \t]*(?P<language>[\w+.-]*)[^\r\n`]*$", re.MULTILINE)
_PYTHON: Final = ("", "python", "py", "python3", "Python")
_DEFINES: Final = re.compile(r"^(?:async def|def|class) ", re.MULTILINE)
_BEGINS: Final = re.compile(r"(?:async def|def|class|import|from|@)\s*\w")
_CHECK: Final = re.compile(r"^def check\(", re.MULTILINE)
_CHECKS: Final = re.compile(r"^check\(", re.MULTILINE)
_ENTRY_POINT: Final = re.compile(r"[^\W\d]\w*")


def find_code(text: str, begin: int, *, cut: bool) -> Span | None:
    """Where the code of a reply is: its last fenced block of Python that defines something, or else the last one.

    A reply without a block that begins as code does is its own code. A block that nothing closes counts if the reply
    ended by itself.
    """
    blocks: list[Span] = []
    opened: re.Match[str] | None = None
    for fence in _FENCE.finditer(text, begin):
        if opened is None:
            opened = fence
        elif fence["fence"].startswith(opened["fence"]) and not fence["language"]:
            if opened["language"] in _PYTHON:
                blocks.append((opened.end(), fence.start()))
            opened = None
    if opened is not None and not cut and opened["language"] in _PYTHON:
        blocks.append((opened.end(), len(text)))
    blocks = [block for block in blocks if text[slice(*block)].strip()]
    if not blocks and opened is None and not cut and _BEGINS.match(text[begin:].lstrip()[:200]):
        return begin, len(text)
    defining = [block for block in blocks if _DEFINES.search(text, *block)]
    chosen = defining or blocks
    return chosen[-1] if chosen else None


def passes_tests(code: str, gold: str, entry: Mapping[str, Any] | None, seconds: float | None) -> bool:
    """Whether code passes its tests.

    Args:
        code: What a reply holds.
        gold: Tests: statements with `assert`, a JSON list of them, or HumanEval's function `check`.
        entry: May hold `entry_point`, the function that `check` is given, and `prompt` or `test_setup_code`, which go
            before the code, as HumanEval's and MBPP's do.
        seconds: Wall-clock time; None for the usual one.

    Raises:
        InputError: The tests are no Python.
        ShadowpriceError: The process could not be started.
    """
    tests = _tests(gold)
    if not code.strip() or not gold.strip() or len(code) > _LONGEST:
        return False
    before = "".join(f"{entry[name]}\n" for name in ("test_setup_code",) if entry and isinstance(entry.get(name), str))
    prompt = entry.get("prompt") if entry else None
    if isinstance(prompt, str) and not _DEFINES.search(code):
        before += prompt  # the code goes on with a function that the question has begun
    name = entry.get("entry_point") if entry else None
    if _CHECK.search(tests) and not _CHECKS.search(tests):
        point = name if isinstance(name, str) and _ENTRY_POINT.fullmatch(name) else _last_defined(before + code)
        tests += f"\ncheck({point})\n"
    return _run(before + code, tests, seconds or SECONDS)[0]


@cache
def missing_layers() -> tuple[str, ...]:
    """What this system cannot take from a process that runs code: `network`, `files`, or nothing."""
    held = _run("", "", SECONDS)[1]
    return tuple(layer for layer in LAYERS if layer not in held)


@cache
def _tests(gold: str) -> str:
    tests = gold
    if gold.lstrip().startswith("["):
        try:
            listed = json.loads(gold)
        except ValueError:
            listed = None
        if isinstance(listed, list) and all(isinstance(one, str) for one in listed):
            tests = "\n".join(listed)
    try:
        ast.parse(tests)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        start = " ".join(gold.split())[:60]
        raise InputError(f"The tests '{start}' are no Python ({error}): correct them.") from error
    return tests


def _last_defined(code: str) -> str:
    names = re.findall(r"^(?:async )?def (\w+)", code, re.MULTILINE)
    return names[-1] if names else "None"


def _run(program: str, tests: str, seconds: float) -> tuple[bool, list[str]]:
    """Whether all of it ran to its end, and what was taken from the process."""
    word = secrets.token_hex(16)
    request = {"program": program, "tests": tests, "word": word, "memory": _MEMORY, "seconds": seconds}
    command = [sys.executable, "-I", "-S", str(_WORKER), "prepare"]
    deadline = time.monotonic() + seconds
    with (
        tempfile.TemporaryDirectory(prefix="shadowprice-", ignore_cleanup_errors=True) as folder,
        tempfile.TemporaryFile() as sent,
    ):
        sent.write(json.dumps(request).encode() + b"\n")
        sent.seek(0)
        try:
            process = subprocess.Popen(
                command,
                stdin=sent,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=folder,
                env={"LANG": "C.UTF-8", "HOME": folder, "TMPDIR": folder},
                start_new_session=True,
            )
        except OSError as error:
            raise ShadowpriceError(f"The process that runs tests could not be started ({error}).") from error
        assert process.stdout is not None
        try:
            said = _read(process.stdout.fileno(), deadline)
        finally:
            _end(process)
    first, _, rest = said.partition(b"\n")
    held: list[str] = json.loads(first)["held"] if first.endswith(b"]}") else []
    return rest == f"{word}\n".encode(), held


def _read(pipe: int, deadline: float) -> bytes:
    """What comes until the end or the deadline; more than a few words can only be the reply's doing."""
    said = b""
    while len(said) < _MOST_SAID and (left := deadline - time.monotonic()) > 0:
        if not select.select([pipe], [], [], left)[0]:
            break
        piece = os.read(pipe, _MOST_SAID)
        if not piece:
            break
        said += piece
    return said


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process and what it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    if process.stdout is not None:
        process.stdout.close()
    process.wait()
