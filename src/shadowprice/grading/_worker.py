"""The program that judges what could hang or crash whoever judges it.

`shadowprice.grading._process` runs this file by its path, with an interpreter of its own, and speaks JSON with it, one
object per line, over standard input and output. It imports nothing of shadowprice, so that it starts quickly.

What models and files write reaches `eval` in math-verify and in some of reasoning-gym's verifiers. What a grader needs
is therefore loaded first; then, before the first answer, the process is sealed for good (`_seal`), and a grader that
needs more modules has to ask for another process.

Nothing that is judged can speak in this program's place: a request is one line of JSON, in which an answer is text
whatever it holds, and standard input and output are closed to what graders call, `input` and `print` among them.
"""

import ast
import contextlib
import importlib
import importlib.util
import json
import os
import re
import resource
import signal
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

_DEEPEST = 50
_RIGHT_SCORE = 0.99
_UNARY = re.compile(r"(?:[-+~][ \t]*+){9}")
_COMPARED = ("gold", "answer")
_CONSTANTS = ("i", "e")
_ARITHMETIC = re.compile(r"[\d\s.,+*/()%$€£¥-]+(?:\s[A-Za-z ]+)?")
_ENTRANCES = {"math": "math_verify", "reasoning-gym": "reasoning_gym"}
"""What has to be imported before the process is sealed, by grader."""

Request = dict[str, Any]


def _literal(request: Request) -> bool:
    right = ast.literal_eval(request["gold"])
    answer, text = request["answer"], request["answer"].strip()
    try:
        given = _literal_value(text)
    except (ValueError, SyntaxError, TypeError):
        return isinstance(right, str) and right in _unquoted(answer)
    same = given == right and isinstance(given, bool) == isinstance(right, bool)
    return bool(same) or (isinstance(right, str) and not isinstance(given, str) and answer == right)


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

    gold, given = ([_value(one) for one in parse(*_parsing(request[name]), parsing_timeout=None)] for name in _COMPARED)
    return bool(gold and given and verify(gold, given, timeout_seconds=None))


def _parsing(text: str) -> tuple[str, Any]:
    """What math-verify is to read, and how: of a text that is all formula no number alone, unless it is arithmetic."""
    from math_verify import ExprExtractionConfig, LatexExtractionConfig

    latex, number = LatexExtractionConfig(), ExprExtractionConfig()
    if "$" in text.replace(r"\$", "") or r"\(" in text or r"\[" in text:
        return text, (latex, number)
    return f"${text}$", (latex, number) if _ARITHMETIC.fullmatch(text) else (latex,)


def _value(formula: Any) -> Any:
    """What stands right of an equals sign where nothing unknown stands left of it, as in ``e = 3`` and ``2 = 3``."""
    if getattr(formula, "rel_op", None) != "==":
        return formula
    return formula.rhs if str(formula.lhs) in _CONSTANTS or not formula.lhs.free_symbols else formula


def _reasoning_gym(request: Request) -> bool:
    score = _verifier(request["dataset"])(answer=request["answer"], entry=request["entry"])
    return bool(score >= _RIGHT_SCORE)


def _verifier(dataset: str) -> Callable[..., float]:
    verifier: Callable[..., float] = importlib.import_module("reasoning_gym").get_score_answer_fn(dataset)
    return verifier


def _load(request: Request) -> bool:
    """Import what a grader needs and use it once."""
    if request["grader"] == "math":
        return _math({"gold": r"\frac{1}{2}", "answer": "0.5"})
    importlib.import_module(_ENTRANCES[request["grader"]])
    return True


def _knows(request: Request) -> bool:
    with contextlib.suppress(ValueError):
        return bool(_verifier(request["dataset"]))
    return False


_GRADERS = {"literal": _literal, "regex": _regex, "math": _math, "reasoning-gym": _reasoning_gym}


def _limit(memory: int) -> None:
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CORE, 0), (resource.RLIMIT_FSIZE, 0)):
        _set_limit(kind, most)


def _set_limit(kind: int, most: int) -> None:
    with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS and refuses to set it
        resource.setrlimit(kind, (most, most))


def _seal() -> None:
    """Run the module beside this file, which is not on Python's path here."""
    _set_limit(resource.RLIMIT_NPROC, 0)
    spec = importlib.util.spec_from_file_location("_seal", Path(__file__).with_name("_seal.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.seal()


def _reply(request: Request, set_alarm: Callable[[int, float], Any] = signal.setitimer) -> Request:
    # The alarms end this process even inside C code, also when whoever asked is no longer there to end it: what it
    # computes for an answer, and what passes on the clock, in which a busy machine may give it little.
    set_alarm(signal.ITIMER_PROF, request["seconds"])
    set_alarm(signal.ITIMER_REAL, request["wall"])
    try:
        return {"right": _TASKS[request["task"]](request)}
    except MemoryError:
        return {"right": False, "spent": True}
    except Exception as error:  # noqa: BLE001  graders parse the answer and may raise anything on an odd one
        return {"right": False, "error": f"{type(error).__name__}: {str(error)[:200]}"}
    finally:
        set_alarm(signal.ITIMER_PROF, 0)
        set_alarm(signal.ITIMER_REAL, 0)


def _grade(request: Request) -> bool:
    return _GRADERS[request["grader"]](request)


_TASKS = {"load": _load, "knows": _knows, "grade": _grade}


def main() -> None:
    """Answer requests until standard input ends."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123  what libraries read and print has no part in this
        os.dup2(nothing.fileno(), 0)
        os.dup2(nothing.fileno(), 1)
    warnings.simplefilter("ignore")
    for alarm in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(alarm, signal.SIG_DFL)
    _limit(int(sys.argv[1]))
    sealed = False
    for line in requests:
        request = json.loads(line)
        if request["task"] != "load" and not sealed:
            _seal()
            sealed = True
        reply = _reply(request)
        replies.write(json.dumps(reply).encode() + b"\n")
        replies.flush()
        if reply.get("spent"):
            break


if __name__ == "__main__":
    main()
