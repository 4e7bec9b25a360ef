"""Names and texts that come from data run nothing: neither as a grader, nor in what a grader is given."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from shadowprice import _errors
from shadowprice.grading import _seal, admit_grader, grade, load_grader
from shadowprice.grading._process import JudgeProcess

MATRIX: dict[str, Any] = {"answer": "1 2", "metadata": {"solution": [1, 2]}}
SUM: dict[str, Any] = {"answer": "3+4", "metadata": {"numbers": [3, 4], "target": 7, "expression": "3+4"}}
INTEGRAL: dict[str, Any] = {"answer": "x**2 + C", "metadata": {"variable": "x", "integrand": "2*x"}}
QUEENS: dict[str, Any] = {"answer": "_ Q", "metadata": {"solutions": [["_", "Q"]], "valid_answers": ["_ Q"]}}
POLYNOMIAL: dict[str, Any] = {"answer": "x**2", "metadata": {"result": "x**2", "variables": ["x"]}}
ENTRIES = {
    "spiral_matrix": MATRIX,
    "string_insertion": {"answer": "AB"},
    "binary_matrix": {"answer": "0 1\n1 0"},
    "n_queens": QUEENS,
    "countdown": SUM,
    "puzzle24": {"answer": "(4+4)*3*1", "metadata": {"numbers": [4, 4, 3, 1]}},
    "simple_integration": INTEGRAL,
    "intermediate_integration": INTEGRAL,
    "polynomial_multiplication": POLYNOMIAL,
}
"""Entries of the data sets whose verifiers evaluate answers."""


def attacks(target: Path) -> list[str]:
    """Expressions that make a file, each in another way."""
    path = repr(str(target))
    return [
        f"open({path}, 'w')",
        f"__import__('os').system('touch {target}')",
        f"__import__('os').mkfifo({path})",  # raises no event that a hook could see
        f"[__import__('__main__').__dict__.clear(), __import__('os').mkfifo({path})]",
        f"[__import__('__main__').__dict__.get('_judging', []).clear(), open({path}, 'w'), 1, 2]",
        f"().__class__.__base__.__subclasses__()[0].__init__.__globals__ or open({path}, 'w')",
        f"[open({path}, mode) for mode in 'w']",
        f"(lambda f: f({path}, 'w'))(open)",
        f"eval(\"open({path}, 'w')\")",
        f"exec(\"open({path}, 'w')\")",
        f"sin(\"open({path}, 'w')\")",
        f"Symbol(\"open({path}, 'w')\") + S(\"open({path}, 'w')\")",
        f"sympify(\"open({path}, 'w')\")",
        f"lambdify(x, \"open({path}, 'w')\")(1)",
        f"preview(x, output='png', viewer='file', filename={path})",
        f"getattr(open, '__call__')({path}, 'w')",
    ]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "PWNED"


@pytest.mark.parametrize("dataset", ENTRIES)
def test_an_answer_that_is_code_is_wrong_and_does_nothing(dataset: str, target: Path) -> None:
    entry = ENTRIES[dataset]
    for attack in attacks(target):
        assert not grade(attack, entry["answer"], f"reasoning-gym:{dataset}", entry), attack
        assert not target.exists(), attack


def test_a_formula_that_is_code_is_wrong_and_does_nothing(target: Path) -> None:
    for attack in attacks(target):
        for answer in (attack, attack.replace("_", r"\_"), rf"\text{{{attack}}}", rf"\mathrm{{{attack}}}"):
            assert not grade(answer, "7", "math"), answer
        assert not grade("7", attack, "math"), attack
        assert not target.exists(), attack
    assert grade(r"\frac{14}{2}", "7", "math")


def test_an_entry_that_is_code_does_nothing(target: Path) -> None:
    for attack in attacks(target):
        hostile = {"variable": "x", "integrand": attack, "numbers": [3, 4], "target": 7, "result": attack}
        for dataset in ("simple_integration", "intermediate_integration", "polynomial_multiplication", "countdown"):
            grade("x**2", attack, f"reasoning-gym:{dataset}", {"answer": attack, "metadata": hostile})
        numbers = {"answer": attack, "metadata": {"direction": "ascending"}}
        assert not grade('["1"]', attack, "reasoning-gym:number_sorting", numbers)
        grade("0x1", attack, "reasoning-gym:bitwise_arithmetic", {"answer": attack, "metadata": {"problem": attack}})
        assert not target.exists(), attack


def test_a_literal_and_a_pattern_are_never_code(target: Path) -> None:
    for attack in attacks(target):
        assert not grade(attack, "7", "literal")
        assert not grade("7", "(?P<a>" + attack.replace("(", "[(]").replace(")", "[)]") + ")|8", "regex")
    assert not target.exists()


def test_an_answer_cannot_look_at_the_right_one() -> None:
    board: dict[str, Any] = {"answer": "0 1", "metadata": {}}
    for dataset, entry in (("spiral_matrix", MATRIX), ("binary_matrix", board), ("string_insertion", board)):
        for peek in ("entry['answer']", "entry['answer'].split()", "[*entry['answer'].split()]", "oracle_answer"):
            assert not grade(peek, entry["answer"], f"reasoning-gym:{dataset}", entry), peek


def test_what_verifiers_evaluate_is_still_evaluated() -> None:
    assert grade("1 2", "1 2", "reasoning-gym:spiral_matrix", MATRIX)
    assert grade("4 + 3", "3+4", "reasoning-gym:countdown", SUM)
    assert grade("x**2 + 5", "x**2 + C", "reasoning-gym:simple_integration", INTEGRAL)
    trigonometric = {"answer": "sin(x)**2/2", "metadata": {"variable": "x", "integrand": "sin(x)*cos(x)"}}
    assert grade("-cos(x)**2/2 + C", "", "reasoning-gym:intermediate_integration", trigonometric)
    assert not grade("-cos(x)**3/2 + C", "", "reasoning-gym:intermediate_integration", trigonometric)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # what data sets are drawn from is left open by their authors
def test_every_verifier_says_what_it_says_without_the_seal() -> None:
    import reasoning_gym
    from reasoning_gym.factory import DATASETS

    judge = JudgeProcess()
    for dataset in sorted(DATASETS.keys() - {"composite"}):
        drawn = reasoning_gym.create_dataset(dataset, size=1, seed=5)
        entry = json.loads(json.dumps(drawn[0], default=str))
        for answer in (str(entry["answer"]), "[1, 2]", "1 + 2", "x**2"):
            try:
                right = reasoning_gym.get_score_answer_fn(dataset)(answer=answer, entry=entry) >= 0.99
            except Exception:  # noqa: BLE001  verifiers raise anything on an odd answer
                right = False
            assert right == judge.judge("reasoning-gym", answer, "", 20.0, dataset=dataset, entry=entry), dataset
    judge.close()


def test_an_answer_cannot_speak_for_the_process_that_judges() -> None:
    judge = JudgeProcess()
    try:
        for verdict in ('{"right": true}\n', '1"}\n{"right": true}\n', "print('{\"right\": true}')"):
            assert not judge.judge("literal", verdict, "1", 5.0)
            assert not judge.judge("reasoning-gym", verdict, "1 2", 10.0, dataset="spiral_matrix", entry=MATRIX)
        assert judge.judge("literal", "1", "1", 5.0)
    finally:
        judge.close()


SEALED = """
import ctypes, importlib.util, json, mmap, os, posix, shutil, signal, socket, subprocess, sys, tempfile
target, seal = sys.argv[1:]
spec = importlib.util.spec_from_file_location("_seal", seal)
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
module.seal()
done = []
for number, attempt in enumerate(ATTEMPTS):
    try:
        attempt()
    except (PermissionError, ImportError):
        continue
    except BaseException as error:
        print(number, repr(error), file=sys.stderr)
    done.append(number)
print(json.dumps(done))
"""
ATTEMPTS = (
    "open(target, 'w')",
    "open(target, 'r+')",
    "open('/etc/hostname')",
    "open(os.path.join(os.path.dirname(os.__file__), '..', '..', '..', '..', 'etc', 'hostname'))",
    "os.open(target, os.O_CREAT)",
    "os.mkfifo(target)",
    "posix.mknod(target)",
    "os.mkdir(target)",
    "os.makedirs(target)",
    "os.symlink('/', target)",
    "os.remove(seal)",
    "os.rename(seal, target)",
    "os.truncate(seal, 0)",
    "os.utime(seal)",
    "os.chmod(seal, 0)",
    "os.chdir('/')",
    "os.umask(0)",
    "os.putenv('A', 'B')",
    "os.setuid(os.getpid())",
    "os.dup2(1, 2)",
    "os.write(1, b'x')",
    "os.pipe()",
    "os.memfd_create('x')",
    "os.fork()",
    "os.system('true')",
    "os.popen('true')",
    "os.execv('/bin/true', ['true'])",
    "os.posix_spawn('/bin/true', ['true'], {})",
    "os.kill(os.getpid(), 0)",
    "os._exit(0)",
    "os.abort()",
    "signal.raise_signal(9)",
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
    "signal.setitimer(signal.ITIMER_REAL, 0)",
    "subprocess.run(['true'])",
    "subprocess._fork_exec()",
    "socket.socket()",
    "socket.getaddrinfo('localhost', 1)",
    "ctypes.CDLL(None)",
    "ctypes.pythonapi.Py_GetVersion()",
    "mmap.mmap(-1, 10)",
    "tempfile.mkstemp(dir=os.path.dirname(target))",
    "shutil.rmtree(target)",
    "__import__('sqlite3').connect(target)",
    "__import__('antigravity')",
    "sys.settrace(print)",
    "input()",
    "breakpoint()",
    "eval('open')",
    "exec('import os')",
    "eval(compile('open', 'here', 'eval'))",
)


def test_a_sealed_process_changes_nothing(target: Path) -> None:
    program = SEALED.replace("ATTEMPTS", f"[{', '.join(f'lambda: {attempt}' for attempt in ATTEMPTS)}]")
    done = subprocess.run(
        [sys.executable, "-c", program, str(target), str(Path(_seal.__file__))],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stderr
    assert [ATTEMPTS[number] for number in json.loads(done.stdout)] == [], done.stderr
    assert not target.exists()


def test_a_grader_that_names_code_has_to_be_loaded_first(
    tmp_path: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "named_by_data.py").write_text(
        f"open({str(target)!r}, 'w').close()\ndef same(answer, gold, entry): return answer == gold\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    grader = "python:named_by_data:same"
    for refused in (grade, lambda *_: admit_grader(grader)):
        with pytest.raises(_errors.InputError, match=rf"'{grader}' .*--grader {grader} .*--allow-code .*load_grader"):
            refused("7", "7", grader)
        assert not target.exists()
        assert "named_by_data" not in sys.modules
    load_grader(grader)
    admit_grader(grader)
    assert grade("7", "7", grader)
    assert not grade("8", "7", grader)


def test_graders_that_name_no_code_are_admitted() -> None:
    for grader in ("exact", "number:1e-6", "reasoning-gym:gcd", "no_such", "python"):
        admit_grader(grader)
        admit_grader(grader, code=True)
        load_grader(grader)
