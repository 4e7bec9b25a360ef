"""The process that judges, and killing it when it takes too long."""

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Never

from shadowprice._errors import ShadowpriceError

_WORKER: Final = Path(__file__).with_name("_worker.py")
_MEMORY: Final = 2 * 1024**3
_LOAD_SECONDS: Final = 60.0
"""Importing takes a second or two, longer on a busy machine, and is nobody's answer's fault."""
_GRACE_SECONDS: Final = 1.0
_SLOWEST: Final = 5.0
"""Seconds on the clock that a second of computing may take on a busy machine, before it counts as too late."""
_LOADED: Final = ("math", "reasoning-gym")
"""Graders that import something."""
# What an interpreter needs to start; keys and tokens stay here, because answers are judged there.
_ENVIRONMENT: Final = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONHOME",
    "PYTHONPATH",
    "TMPDIR",
    "VIRTUAL_ENV",
)
_ONE_THREAD: Final[dict[str, str]] = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class _DiedError(Exception):
    """The process ended before it answered."""


def _hung_up() -> Never:
    raise ConnectionResetError("the process that grades hung up")


class JudgeProcess:
    """One process that answers one request after the other, from whichever thread.

    It starts with the first request, is killed when an answer takes too long or too much memory, and starts again
    with the next request. It holds no more than `memory` bytes and ends with this process.
    """

    def __init__(self, memory: int = _MEMORY) -> None:
        self._memory = memory
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._sealed = False
        """Whether it has judged, and therefore loads nothing any more."""
        self._wanted: dict[str, None] = {}
        self._loaded: set[str] = set()
        self._known: dict[str, bool] = {}
        os.register_at_fork(after_in_child=self._forget)
        atexit.register(self.close)

    @property
    def pid(self) -> int | None:
        """Number of the process; None while none is running."""
        process = self._process
        return None if process is None or process.poll() is not None else process.pid

    def knows(self, dataset: str) -> bool:
        """Whether reasoning-gym has a verifier of that name.

        Raises:
            ShadowpriceError: It could not be imported.
        """
        with self._lock:
            if dataset not in self._known:
                reply = self._prepare("reasoning-gym", {"task": "knows", "dataset": dataset})
                self._known[dataset] = bool(reply["right"])
            return self._known[dataset]

    def judge(self, grader: str, answer: str, gold: str, seconds: float, **more: Any) -> bool:
        """Judge an answer.

        Args:
            grader: ``"literal"``, ``"regex"``, ``"math"`` or ``"reasoning-gym"``.
            answer: The answer.
            gold: The right answer, or the pattern.
            seconds: Time that it may compute, starting and importing apart. On the clock it may take five times as
                long: a verdict must not depend on what else a machine is at.
            **more: What else the grader needs.

        Returns:
            Whether the answer is right; false if judging it took too long or crashed two processes in a row. The second
            chance is for answers whose process was killed by somebody else, or was full of what earlier ones left.

        Raises:
            ShadowpriceError: The process could not be started.
        """
        request = {"task": "grade", "grader": grader, "answer": answer, "gold": gold, **more}
        with self._lock:
            for _ in range(2):
                self._prepare(grader)
                try:
                    reply = self._ask(request, seconds)
                except TimeoutError:
                    return False
                except _DiedError:
                    continue
                if not reply.get("spent"):
                    return bool(reply["right"])
                self._end()
            return False

    def close(self) -> None:
        """End the process, if it runs; the next request starts another."""
        with self._lock:
            self._end()

    def _prepare(self, grader: str, *more: Mapping[str, Any]) -> dict[str, Any]:
        """Have a process that has loaded what graders need, and ask it more; the last reply."""
        if grader in _LOADED:
            self._wanted[grader] = None
            if self._sealed and grader not in self._loaded:
                self._end()  # what judges loads nothing any more
        for _ in range(2):
            if self._process is None or self._process.poll() is not None:
                self._start()
            # All that was ever wanted, so that graders that take turns do not need a process each time.
            wanted = self._wanted if grader in _LOADED else {}
            missing = [{"task": "load", "grader": name} for name in wanted if name not in self._loaded]
            reply: dict[str, Any] = {}
            try:
                for request in (*missing, *more):
                    reply = self._ask(request, _LOAD_SECONDS)
                    if "error" in reply:
                        raise ShadowpriceError(
                            f"The grader '{request.get('grader', grader)}' could not be loaded ({reply['error']}): "
                            "install it again."
                        )
            except (_DiedError, TimeoutError):
                continue
            self._loaded |= wanted.keys()
            return reply
        raise ShadowpriceError(
            f"The process that grades could not load what '{grader}' needs in {_LOAD_SECONDS:.0f} seconds and "
            f"{self._memory / 1024**3:.1f} GiB: try again with less running on this machine."
        )

    def _start(self) -> None:
        self._end()
        ours, theirs = socket.socketpair()
        environment: dict[str, str] = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", str(_WORKER), str(self._memory)],
                    stdin=theirs.fileno(),
                    stdout=theirs.fileno(),
                    stderr=subprocess.DEVNULL,
                    env=environment | _ONE_THREAD,
                    start_new_session=True,  # Ctrl-C is for us
                )
        except OSError as error:
            ours.close()
            raise ShadowpriceError(
                f"The process that grades could not be started ({error}): is Python still there?"
            ) from error
        self._socket = ours

    def _ask(self, request: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        assert self._socket is not None
        wall = seconds * _SLOWEST
        deadline = time.monotonic() + wall
        self._sealed |= request["task"] != "load"
        limits = {"seconds": seconds, "wall": wall + _GRACE_SECONDS}
        line = json.dumps({**request, **limits}, default=str).encode() + b"\n"
        try:
            self._socket.settimeout(wall)
            self._socket.sendall(line)
            received = b""
            while not received.endswith(b"\n"):
                self._socket.settimeout(max(deadline - time.monotonic(), 1e-3))
                received += self._socket.recv(65536) or _hung_up()
        except ConnectionError as error:
            late = self._ended_by() == -signal.SIGPROF
            self._end()
            raise (TimeoutError if late else _DiedError) from error
        except BaseException:  # too late, or Ctrl-C: the late reply must not be taken for the next one
            self._end()
            raise
        reply: dict[str, Any] = json.loads(received)
        return reply

    def _ended_by(self) -> int | None:
        """How a process that has hung up has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return None if self._process is None else self._process.wait(_GRACE_SECONDS)
        return None

    def _end(self) -> None:
        process, self._process = self._process, None
        channel, self._socket = self._socket, None
        self._loaded.clear()
        self._sealed = False
        if channel is not None:
            channel.close()
        if process is not None:
            process.kill()
            process.wait()

    def _forget(self) -> None:
        """After a fork: the process is our parent's child, and talking to it is our parent's business."""
        self._lock = threading.Lock()
        if self._process is not None:
            self._process.returncode = 0
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
        self._process = self._socket = None
        self._loaded, self._sealed = set(), False


JUDGE: Final = JudgeProcess()
"""The one that `grade` asks."""
