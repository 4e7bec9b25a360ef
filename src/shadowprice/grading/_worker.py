"""The program that judges what could hang or crash whoever judges it.

`shadowprice.grading._process` runs this file by its path, with an interpreter of its own, and speaks JSON with it, one
object per line, over standard input and output. It imports nothing of shadowprice, so that it starts quickly.

What models write reaches `eval` in some of reasoning-gym's verifiers. An audit hook therefore refuses what no grader
needs: other processes, the network, and changing files. It stops accidents and simple malice; it is no sandbox.
"""

import ast
import contextlib
import importlib
import json
import os
import re
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from typing import Any

_DEEPEST = 50
_RIGHT_SCORE = 0.99
_UNARY = re.compile(r"(?:[-+~][ \t]*+){9}")
_REFUSED = (
    *(
        "os.system",
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.spawn",
        "os.startfile",
        "os.kill",
        "pty.spawn",
    ),
    *("os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown"),
    *("subprocess.", "shutil.", "socket.", "ftplib.", "smtplib.", "urllib.", "http.", "webbrowser.", "ctypes."),
)

_judging: list[bool] = []

Request = dict[str, Any]


def _literal(request: Request) -> bool:
    right = ast.literal_eval(request["gold"])
    answer, text = request["answer"], request["answer"].strip()
    try:
        given = _literal_value(text)
    except (ValueError, SyntaxError, TypeError):
        return isinstance(right, str) and right in _unquoted(answer)
    return bool(given == right) or (isinstance(right, str) and not isinstance(given, str) and answer == right)


def _unquoted(answer: str) -> list[str]:
    """The strings that a text may mean: models leave out the quotes, in JSON above all, or escape nothing."""
    meant = [answer]
    text = answer.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        meant.append(text[1:-1])
    with contextlib.suppress(ValueError, SyntaxError):
        meant.append(ast.literal_eval(f"'''{answer}'''"))
    return meant


def _literal_value(text: str) -> Any:
    depth = deepest = 0
    for character in text:
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST or _UNARY.search(text):
        raise ValueError("nested too deeply")
    return ast.literal_eval(text)


def _regex(request: Request) -> bool:
    return re.fullmatch(request["gold"], request["answer"].strip()) is not None


def _math(request: Request) -> bool:
    from math_verify import parse, verify

    gold, given = (parse(_in_dollars(request[name]), parsing_timeout=None) for name in ("gold", "answer"))
    return bool(gold and given and verify(gold, given, timeout_seconds=None))


def _in_dollars(text: str) -> str:
    delimited = "$" in text.replace(r"\$", "") or r"\(" in text or r"\[" in text
    return text if delimited else f"${text}$"


def _reasoning_gym(request: Request) -> bool:
    score = _verifier(request["dataset"])(answer=request["answer"], entry=request["entry"])
    return bool(score >= _RIGHT_SCORE)


def _verifier(dataset: str) -> Callable[..., float]:
    verifier: Callable[..., float] = importlib.import_module("reasoning_gym").get_score_answer_fn(dataset)
    return verifier


def _load(request: Request) -> bool:
    """Import what a grader needs and use it once; false if there is no such thing."""
    if request["grader"] == "math":
        return _math({"gold": r"\frac{1}{2}", "answer": "0.5"})
    if request["grader"] == "reasoning-gym":
        try:
            _verifier(request["dataset"])
        except ValueError:
            return False
    return True


_GRADERS = {"literal": _literal, "regex": _regex, "math": _math, "reasoning-gym": _reasoning_gym}


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _judging:  # what is imported comes from us
        return
    if event == "open":
        mode, flags = arguments[1], arguments[2]
        changes = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC)
        if changes or (isinstance(mode, str) and set(mode) & set("wax+")):
            raise PermissionError("graders do not change files")
    elif event.startswith(_REFUSED):
        raise PermissionError(f"graders do not need {event}")


def _limit(memory: int) -> None:
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS and refuses to set it
            resource.setrlimit(kind, (most, most))


def _reply(request: Request) -> Request:
    # The alarm ends this process even inside C code, also when whoever asked is no longer there to end it.
    signal.setitimer(signal.ITIMER_REAL, request["seconds"])
    try:
        if request["task"] == "load":
            return {"right": _load(request)}
        _judging.append(True)
        return {"right": _GRADERS[request["grader"]](request)}
    except MemoryError:
        return {"right": False, "spent": True}
    except Exception as error:  # noqa: BLE001  graders parse the answer and may raise anything on an odd one
        return {"right": False, "error": f"{type(error).__name__}: {str(error)[:200]}"}
    finally:
        _judging.clear()
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    """Answer requests until standard input ends."""
    requests = sys.stdin.buffer
    replies = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123  what libraries print must not reach the replies
        os.dup2(nothing.fileno(), 1)
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    _limit(int(sys.argv[1]))
    sys.addaudithook(_refuse)
    for line in requests:
        reply = _reply(json.loads(line))
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()
        if reply.get("spent"):
            break


if __name__ == "__main__":
    main()
