"""Steps of a batch, and what they change of the sums of a run."""

import sqlite3
from types import TracebackType
from typing import Final, NamedTuple, Protocol


class AbstractBatch(Protocol):
    """A transaction that has steps."""

    def begin_part(self) -> sqlite3.Connection:
        """A step begins."""

    def end_part(self, error: BaseException | None) -> None:
        """It ends."""


class Moved(NamedTuple):
    """A change of a run's sums, tokens."""

    spent: int
    reserved: int
    ahead: int
    overrun: int


NOT_MOVED: Final = Moved(0, 0, 0, 0)


class Part:
    """A step of a batch; there are thousands a second, so that it is no generator.

    Args:
        ledger: Whose batch it is.
    """

    __slots__ = ("_ledger",)

    def __init__(self, ledger: AbstractBatch) -> None:
        self._ledger = ledger

    def __enter__(self) -> sqlite3.Connection:
        return self._ledger.begin_part()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ledger.end_part(error)
