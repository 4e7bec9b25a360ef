"""What a job says while it works: sentences, and how far each piece of its work is."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_LOG: Final = logging.getLogger("shadowprice")


@dataclass(frozen=True, slots=True)
class Step:
    """How far one piece of work is."""

    doing: str
    """What is done: ``"predicting"``, ``"spending"``, ``"fitting"`` …"""
    done: float
    """Steps that are done; tokens where a budget is spent."""
    total: float | None
    """Steps in all; None if nobody knows."""
    lines: Mapping[str, str]
    """What else is known, by its name; under the empty name, what is being done at the moment."""
    ended: bool = False
    """Whether this is the last that is said of it."""


Tell = Callable[[str], None]
"""Who is told what people should know, a sentence each."""
Follow = Callable[[Step], None]
"""Who is told how far the work is."""


def log(sentence: str) -> None:
    """Tell the logger ``shadowprice``, at INFO."""
    _LOG.info("%s", sentence)


def unseen(step: Step) -> None:
    """Show nobody how far the work is."""


class Steps:
    """One piece of work, from its first step to its last.

    Args:
        doing: What is done.
        total: Steps in all; None if nobody knows.
        note: What is being done at the moment.
        follow: Who is told.
    """

    def __init__(self, doing: str, total: float | None, note: str = "", follow: Follow = unseen) -> None:
        self.doing = doing
        self.total = total
        self.done = 0.0
        self.lines: Mapping[str, str] = {"": note} if note else {}
        self._follow = follow

    def advance(self, steps: float = 1.0, note: str | None = None) -> None:
        """Move on, and say something beside it."""
        self.show(self.done + steps, None if note is None else {"": note})

    def show(self, done: float, lines: Mapping[str, str] | None = None, *, ended: bool = False) -> None:
        """Say how many steps are done, and things by their names."""
        self.done = done
        if lines is not None:
            self.lines = lines
        self._follow(Step(self.doing, self.done, self.total, self.lines, ended))


@contextmanager
def steps(follow: Follow, doing: str, total: float | None, note: str = "") -> Iterator[Steps]:
    """Work of which somebody is told when it begins, how far it is, and when it ends, however it does."""
    work = Steps(doing, total, note, follow)
    work.show(0.0)
    try:
        yield work
    finally:
        work.show(work.done, ended=True)
