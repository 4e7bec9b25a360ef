"""The program that runs a reply's code with its tests, in a process of its own that is locked in first.

`_tests` runs this file by its path, twice in one process: first it gives up the network and the rights that it does not
need, then it starts Python anew, gives up files and all else that a test does not need, and runs what it was sent. It
imports nothing of shadowprice. What it gives up, as far as the system has it:

- the network, other processes' shared memory, and all privileges (a user namespace of its own, `no_new_privs`);
- files but those of Python itself, to read, and one empty folder (Landlock); running other programs;
- memory, processor time, size and number of files, processes (limits);
- what Python can say no to: an audit hook refuses processes, sockets, signals, foreign libraries, and changes to files
  outside the folder.
"""

import contextlib
import json
import os
import resource
import sys
import sysconfig
from collections.abc import Callable
from typing import Any

_NEW_USER, _NEW_NET, _NEW_IPC = 0x10000000, 0x40000000, 0x08000000
_NO_NEW_PRIVS = 38
_CREATE, _ADD, _RESTRICT = 444, 445, 446
_READ = (1 << 2) | (1 << 3)
_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1}
_EXECUTE = 1
_FILE_SIZE = 16 * 1024**2

_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/usr/share/zoneinfo")
"""What modules of Python's own, such as `hashlib`, load."""
_QUIET = frozenset(
    {
        *("array.__new__", "builtins.id", "code.__new__", "compile", "exec", "function.__new__", "marshal.loads"),
        *("object.__delattr__", "object.__getattr__", "object.__setattr__", "pickle.find_class", "marshal.load"),
        *("sys._getframe", "sys._getframemodulename", "sys._current_frames", "sys.unraisablehook", "sys.excepthook"),
        *("glob.glob", "glob.glob/2", "os.listdir", "os.scandir", "os.walk", "os.fwalk", "time.sleep", "import"),
        *("tempfile.mkstemp", "tempfile.mkdtemp", "marshal.dumps", "_thread.start_new_thread", "cpython.run_command"),
    }
)
_WITHIN = frozenset(
    {"os.chmod", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.utime", "shutil.rmtree"}
)
"""Events that are allowed within the folder."""
_BARRED = ("ctypes", "_ctypes", "_posixsubprocess", "_testcapi", "_testinternalcapi", "multiprocessing", "resource")


def prepare(held: list[str]) -> None:
    """Give up the network and every privilege, and start anew, which makes that final."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(AttributeError):
        if libc.unshare(_NEW_USER | _NEW_NET | _NEW_IPC) == 0:
            held.append("network")
    with contextlib.suppress(AttributeError):
        libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.execv(sys.executable, [sys.executable, "-I", "-S", os.path.abspath(__file__), "run", *held])  # noqa: PTH100


def run(held: list[str]) -> None:
    """Run one request from standard input, and write the word that says that its tests passed."""
    channel, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    request = json.loads(channel.readline())
    channel.close()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)
    folder = os.path.realpath(os.getcwd())  # noqa: PTH109
    if _lock_files(folder):
        held.append("files")
    _limit(request["memory"], request["seconds"])
    answers.write(json.dumps({"held": held}).encode() + b"\n")
    answers.flush()
    sys.addaudithook(_guard(folder))
    program, tests, word = request["program"], request["tests"], request["word"]
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(program, "<reply>", "exec"), names)
    exec(compile(tests, "<tests>", "exec"), names)
    answers.write(word.encode() + b"\n")
    answers.flush()
    os._exit(0)


def _lock_files(folder: str) -> bool:
    """Leave nothing of the file system but Python's own files, to read, and one folder; whether that could be done."""
    import ctypes

    class Rules(ctypes.Structure):
        _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))

    class Beneath(ctypes.Structure):
        _pack_ = 1
        _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))

    try:
        call = ctypes.CDLL(None, use_errno=True).syscall
    except AttributeError:
        return False
    version = call(_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint32(1))
    if version < 1:
        return False
    files = _FILES[min(version, 3)]
    rules = Rules(files, 3 if version >= 4 else 0, 3 if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    rules_file = call(_CREATE, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))
    if rules_file < 0:
        return False
    roots = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib")} | {"/dev/null", "/dev/urandom", *_LIBRARIES}
    for path, allowed in [*((root, _READ) for root in roots), (folder, files & ~_EXECUTE)]:
        with contextlib.suppress(OSError):
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            if not os.path.isdir(path):  # noqa: PTH112
                allowed &= 1 << 2
            rule = Beneath(allowed, parent)
            call(_ADD, rules_file, ctypes.c_int(1), ctypes.byref(rule), ctypes.c_uint32(0))
            os.close(parent)
    done = bool(call(_RESTRICT, rules_file, ctypes.c_uint32(0)) == 0)
    os.close(rules_file)
    return done


def _limit(memory: int, seconds: float) -> None:
    limits = (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, _FILE_SIZE),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_NPROC, 0),
    )
    for kind, most in limits:
        with contextlib.suppress(ValueError, OSError):  # macOS knows RLIMIT_AS and refuses to set it
            resource.setrlimit(kind, (most, most))


def _guard(folder: str) -> Callable[[str, tuple[Any, ...]], None]:
    """The hook; what it goes by is in its closure. What could undo it is taken from the modules that are loaded."""
    for name in [name for name in sys.modules if name.partition(".")[0] in _BARRED]:
        del sys.modules[name]
    quiet, within, barred = _QUIET, _WITHIN, _BARRED
    roots = tuple(f"{root}{os.sep}" for root in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")})
    real, join = os.path.realpath, os.path.join
    changes = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

    def inside(path: Any) -> bool:
        return isinstance(path, str) and (real(join(folder, path)) + os.sep).startswith(folder + os.sep)

    def refuse(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "import":
            allowed = arguments[0].partition(".")[0] not in barred
        elif event in quiet:
            return
        elif event == "open":
            path, _, flags = arguments
            reads = isinstance(flags, int) and not flags & changes
            own = isinstance(path, str) and (path.startswith(roots) or path in ("/dev/null", "/dev/urandom"))
            allowed = inside(path) or (reads and own and ".." not in path)
        else:
            allowed = event in within and all(inside(path) for path in arguments if isinstance(path, str | bytes))
        if not allowed:
            raise PermissionError(f"tests do not need {event}")

    return refuse


if __name__ == "__main__":
    {"prepare": prepare, "run": run}[sys.argv[1]](sys.argv[2:])
