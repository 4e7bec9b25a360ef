"""Ctrl-C, and what Slurm, Kubernetes and `timeout` send instead of it."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from shadowprice.jobs import Session

_ONE_WISH: Final = 1.0
"""Seconds within which signals mean the same: `timeout` and Slurm send theirs to the program and to its group."""


@contextmanager
def terminating_is_interrupting() -> Iterator[None]:
    """Make SIGTERM do what Ctrl-C does, for as long as the block lasts."""
    try:
        before = signal.signal(signal.SIGTERM, _interrupt)
    except ValueError:  # not the main thread, which no signal reaches anyway
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(*_: Any) -> None:
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:  # as of what a script has put into the background
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def end_on_sigterm() -> None:
    """Make SIGTERM end the program at once, with 143, until somebody else hears it.

    For what holds nothing yet that it would have to give back, and cannot be interrupted just anywhere, such as in the
    middle of compiling. To leave it to the system is no way: that spares the first process of a container.
    """
    with suppress(ValueError):  # not the main thread, which no signal reaches anyway
        signal.signal(signal.SIGTERM, lambda number, frame: os._exit(128 + number))


def listen(session: "Session") -> None:
    """Let the first Ctrl-C or SIGTERM begin nothing more, and the next one stop everything; in the event loop."""
    import asyncio  # this module is read for `--version`, too

    first = 0.0

    def interrupt(number: int) -> None:
        nonlocal first
        if session.stopped:
            if time.monotonic() - first > _ONE_WISH:
                session.abort()
            return
        first = time.monotonic()
        from shadowprice.cli._options import say  # draws progress bars, which costs what no signal is worth

        say(_told(session.running, "Press Ctrl-C again" if number == signal.SIGINT else "Send SIGTERM again"))
        session.stop()

    loop = asyncio.get_running_loop()
    try:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, interrupt, number)
    except (NotImplementedError, RuntimeError, ValueError):
        return  # not the main thread, or not a Unix: Ctrl-C stops everything at once


def _told(running: int, again: str) -> str:
    if not running:
        return "Interrupted: nothing more begins, and no reply is under way."
    replies, them = ("1 reply", "it") if running == 1 else (f"{running:,} replies", "them")
    return f"Interrupted: nothing more begins; {replies} under way may end. {again} to stop {them} too."
