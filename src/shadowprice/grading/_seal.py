"""What the process that judges may still do once it judges.

What models and files write reaches Python's `eval`: four of reasoning-gym's verifiers evaluate an answer as a list,
two evaluate a field of the entry, and sympy's parser, which math-verify and five more verifiers call,
evaluates what it has parsed. `seal` therefore refuses, by default and for the rest of the process's life, what is not
on three short lists:

- **Code from text** may be arithmetic and literals, with single letters, Greek letters and what sympy calls
  expressions, functions or constants as its only names: no attribute, no import, no function of Python's that does
  more than arithmetic. Text that wants more is not run at all, so that it cannot look at the right answer either.
- **Events** (PEP 578) other than importing more of a package that is loaded and reading files of installed packages
  are refused: no file is written, made, removed or read elsewhere, no process, socket, signal or foreign library.
- **Functions of the system** that raise no event, such as `os.mkfifo`, are gone unless they only look.

A refusal is an exception in the code that tried: what it was about is wrong, and nothing has happened.

This guards against text that is evaluated. It does not guard against installed packages, which are trusted, or against
somebody who makes an interpreter or a library written in C run machine code; that needs another user or machine.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import BuiltinFunctionType, CodeType, ModuleType
from typing import Any, Final, NoReturn

_STAR: Final = compile("from sympy import *", "<string>", "exec")
"""What sympy's parser and its module `abc` run to know their own names."""
_GREEK: Final = (
    *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "mu", "nu", "xi"),
    *("omicron", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega"),
)
_PLAIN: Final = frozenset(
    {
        *("abs", "divmod", "max", "min", "pow", "round", "sum", "sqrt", "cbrt", "root", "real_root", "gcd", "lcm"),
        *(*_GREEK, *(letter.capitalize() for letter in _GREEK)),
    }
)
"""Names that need not be sympy's expressions."""
_COMPILED: Final = "monomial_"
"""How the functions begin that sympy writes for its polynomials, from numbers only."""

_QUIET: Final = frozenset(
    {
        *("builtins.id", "array.__new__", "compile"),  # making code is harmless, running it is another event
        *("marshal.loads", "sys._getframe", "sys._getframemodulename", "os.listdir", "os.scandir"),  # importing
        *("object.__getattr__", "object.__setattr__", "object.__delattr__"),  # decorators, in what is imported
    }
)
_LOOKING: Final = frozenset(
    {
        *("close", "cpu_count", "fspath", "fstat", "getcwd", "getpid", "isatty", "listdir", "lseek", "lstat", "open"),
        *("read", "readlink", "scandir", "stat", "strerror", "urandom"),
    }
)
_SYSTEM: Final = ("os", "posix", "nt", "signal", "_signal", "_posixsubprocess", "_winapi")


def seal() -> None:
    """Refuse, until this process ends, what no grader needs; whatever graders import has been imported by now."""
    _take_away()
    sys.dont_write_bytecode = True
    sys.addaudithook(_guard())


def _take_away() -> None:
    """Replace functions of the system in whichever module they have been imported into."""
    changing = {
        id(value)
        for module in (sys.modules[name] for name in _SYSTEM if name in sys.modules)
        for name, value in vars(module).items()
        if isinstance(value, BuiltinFunctionType) and name not in _LOOKING and not name.startswith("_path")
    }
    for module in [module for module in sys.modules.values() if isinstance(module, ModuleType)]:
        for name in [name for name, value in vars(module).items() if id(value) in changing]:
            setattr(module, name, _missing)


def _missing(*_: Any, **__: Any) -> NoReturn:
    raise PermissionError("graders do not need this function of the system")


def _guard() -> Callable[[str, tuple[Any, ...]], None]:
    """The hook; what it goes by is in its closure, where an assignment to a module does not reach it."""
    packages = frozenset(name for name in sys.modules if "." not in name)
    roots = _roots()
    quiet, runs_nothing, reads = _QUIET, _is_arithmetic, _is_reading

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event in quiet:
            return
        if event == "exec":
            code = arguments[0]
            allowed = code.co_filename.startswith(roots) or runs_nothing(code)
        elif event == "import":
            allowed = arguments[0].partition(".")[0] in packages
        else:
            allowed = event == "open" and reads(roots, *arguments)
        if not allowed:
            raise PermissionError(f"graders do not need {event}")

    return refuse


def _roots() -> tuple[str, ...]:
    """Folders of installed packages, each with the separator at its end."""
    files = (getattr(module, "__file__", None) for name, module in sys.modules.items() if "." not in name)
    loaded = {Path(file).absolute().parent for file in files if file}
    found = loaded | {folder.resolve() for folder in loaded} | {Path(folder).absolute() for folder in sys.path}
    return tuple(f"{folder}{os.sep}" for folder in sorted(found) if folder != folder.parent)


def _is_reading(roots: tuple[str, ...], path: Any, mode: Any, flags: Any) -> bool:
    changes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
    if not isinstance(path, str) or not isinstance(flags, int) or flags & changes:
        return False
    return (not isinstance(mode, str) or not set(mode) & set("wax+")) and path.startswith(roots) and ".." not in path


def _is_arithmetic(code: CodeType) -> bool:
    """Whether code computes and does nothing else, by the names of variables and attributes in it."""
    if (code.co_names, code.co_code) == (_STAR.co_names, _STAR.co_code):
        return True
    return all(_is_harmless(name) for name in code.co_names) and all(
        _is_arithmetic(part) for part in code.co_consts if isinstance(part, CodeType)
    )


def _is_harmless(name: str) -> bool:
    if len(name) == 1 or name in _PLAIN or name.startswith(_COMPILED):
        return True
    sympy = sys.modules.get("sympy")
    if sympy is None or name.startswith("_"):
        return False
    found = vars(sympy).get(name)
    return isinstance(found, sympy.Basic) or (isinstance(found, type) and issubclass(found, sympy.Basic))
