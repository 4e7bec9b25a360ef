"""What happens, as JSON: a line each, without prompts, replies and keys."""

import asyncio
import json
import logging
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final, TextIO

_WAITS: Final = 0.1
"""Seconds for which lines are gathered, as writing costs the same for one and for many."""
_MOST: Final = 1000
_encode: Final = json.JSONEncoder().encode


class Log:
    """Writes lines.

    Args:
        stream: Where to; stderr if not given.
        requests: Whether every request gets a line, or only what is about all of them.
    """

    def __init__(self, stream: TextIO | None = None, *, requests: bool = True) -> None:
        self._stream = stream or sys.stderr
        self.requests = requests
        self._lines: list[str] = []
        self._handle: asyncio.TimerHandle | None = None

    def tell(self, event: str, **fields: Any) -> None:
        """Something has happened. JSON escapes whatever would break a line or a terminal."""
        second, thousandths = divmod(time.time_ns() // 1_000_000, 1000)
        self._lines.append(_encode({"time": f"{_to_the_second(second)}.{thousandths:03}Z", "event": event, **fields}))
        if len(self._lines) >= _MOST:
            self.flush()
        elif self._handle is None:
            try:
                self._handle = asyncio.get_running_loop().call_later(_WAITS, self.flush)
            except RuntimeError:  # no loop runs yet, or any more
                self.flush()

    def flush(self) -> None:
        """Write what was gathered."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
        lines, self._lines = self._lines, []
        if lines:
            try:
                self._stream.write("\n".join(lines) + "\n")
                self._stream.flush()
            except (OSError, ValueError):  # nobody reads them any more, which must not stop what they are about
                pass


class Errors(logging.Handler):
    """Tells of errors of a library that writes lines of its own, which are no JSON and may hold what was asked.

    Args:
        log: Where to.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.ERROR)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Tell which kind of error it was, and where; of its words only those that are always the same."""
        error = record.exc_info[1] if record.exc_info else None
        kind, place = ("", "") if error is None else (type(error).__name__, where(error))
        self._log.tell("error", kind=kind, said=str(record.msg).strip()[:100], where=place)


def where(error: BaseException) -> str:
    """The last line of our own that an error went through; never what it says, which may hold what was asked."""
    trace, place = error.__traceback__, "?"
    while trace is not None:
        place = f"{trace.tb_frame.f_code.co_name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


@lru_cache(1)
def _to_the_second(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).isoformat().removesuffix("+00:00")
