"""One purse for a run: what the market grants is reserved in the ledger before it is used, and paid once."""

from collections.abc import Sequence

import numpy as np

from shadowprice._types import IntArray
from shadowprice.ledger import Answer
from shadowprice.ledger import Run as LedgerRun
from shadowprice.policies import AbstractMarket
from shadowprice.runner._results import Reason, Result


class Purse:
    """Keeps a market and a ledger in step.

    `spare` tokens of each query that runs are kept off the market: for what an engine makes after it was told to stop,
    and for the ending of a reply that was stopped.

    Args:
        market: Freshly opened for n queries.
        names: n request ids.
        ledger: The run's ledger; None keeps the budget by the market alone, which a crash loses.
        spare: Tokens.
        width: Queries that run at the same time.
    """

    def __init__(
        self, market: AbstractMarket, names: Sequence[str], ledger: LedgerRun | None, spare: int, width: int
    ) -> None:
        self._market = market
        self._names = names
        self._ledger = ledger
        self._spare = spare
        self._cushion = spare * width
        self._running = 0
        self._place = {name: row for row, name in enumerate(names)}
        self.elsewhere = 0
        """Requests that other processes hold."""
        self.gone: set[int] = set()
        """Rows that other processes have served or are serving."""
        self._aside = 0 if ledger is None else max(0, ledger.totals().available - market.unreserved)
        """Tokens of the ledger's that this market was not opened with."""
        market.adjust(-self._cushion)

    @property
    def price(self) -> float:
        """The current shadow price."""
        return self._market.price

    def narrow(self) -> bool:
        """Let one row run at a time from now on, and spend what was kept for the others; whether that is new."""
        freed = self._cushion - self._spare
        if freed <= 0:
            return False
        self._cushion = self._spare
        self._market.adjust(freed)
        return True

    def funds(self, rows: IntArray) -> IntArray:
        """Those of some waiting rows that would be granted tokens now."""
        return rows[self._market.funds(rows)] if rows.size else rows

    def begin(self, rows: IntArray) -> list[tuple[int, int]]:
        """Rows that may begin, and the tokens that each may reach."""
        begun = []
        grants = self._market.grant(rows, np.zeros(len(rows), dtype=np.int64))
        for row, limit in zip(rows.tolist(), grants.tolist(), strict=True):
            if limit == 0:
                continue
            reserved, answer = self._reserve(row, limit + self._spare)
            if reserved > self._spare:
                self._running += 1
                begun.append((row, reserved - self._spare))
            elif answer in (Answer.ELSEWHERE, Answer.SETTLED):
                self._settle_in_market(row, 0, finished=False)
                self.gone.add(row)
                self.elsewhere += answer is Answer.ELSEWHERE
            else:  # others were faster
                self._market.take_back(np.array([row]))
                if self._ledger is not None:
                    self._align(self._ledger.totals().available)
        return begun

    def withdraw(self, rows: list[int]) -> None:
        """Leave rows to those who serve them."""
        self._market.withdraw(np.array(rows, dtype=np.int64))

    def reach(self, row: int, limit: int) -> int:
        """Tokens beyond which a row that may reach `limit` now will not be let, by the market and by what is left."""
        left = max(0, self._market.unreserved)
        return max(limit, min(int(self._market.reach(np.array([row]))[0]), limit + left))

    def go_on(self, row: int, limit: int, tokens: int) -> int:
        """Ask the market whether a row that has come to its limit, or nearly, may go on.

        Returns:
            The tokens that it may reach now; at most `limit` if it is to stop.
        """
        granted = int(self._market.grant(np.array([row]), np.array([max(limit, tokens)]))[0])
        if granted <= limit or self._ledger is None:
            return granted
        return self._ledger.extend(self._names[row], granted + self._spare) - self._spare

    def retry(self, row: int, limit: int, tokens: int, note: str) -> int:
        """Pay for an attempt that failed, and reserve another.

        Returns:
            The tokens that the next attempt may reach; 0 if there are not enough left.
        """
        self._market.adjust(-tokens)
        if self._ledger is not None:
            self._ledger.charge(self._names[row], tokens, note)
        reserved, _ = self._reserve(row, limit + self._spare)
        if reserved > self._spare:
            return reserved - self._spare
        self._running -= 1
        self._settle_in_market(row, 0, finished=False)
        return 0

    def settle(self, row: int, result: Result) -> None:
        """Close a row that runs with its result, which is charged what its last attempt generated."""
        self._running -= 1
        self._settle_in_market(row, result.generated, finished=result.reason is Reason.FINISHED)
        self.record(row, result)

    def record(self, row: int, result: Result) -> None:
        """Write down the outcome of a row that holds nothing in the market."""
        if self._ledger is not None:
            self._ledger.settle(self._names[row], result.generated, str(result.reason), result.payload())

    def give_up(self, row: int, tokens: int, note: str) -> None:
        """Pay for what an unfinished attempt has generated, and leave the question for another time."""
        self._running -= 1
        self._settle_in_market(row, tokens, finished=False)
        if self._ledger is not None:
            self._ledger.charge(self._names[row], tokens, note)

    def sync(self) -> bool:
        """Learn what other processes have done with the budget; whether they did anything."""
        if self._ledger is None:
            return False
        news = self._ledger.news()
        if news is None:
            return False
        self.elsewhere = news.elsewhere
        self._align(news.available)
        self.gone.update(self._place[name] for name in news.settled if name in self._place)
        return True

    def recover(self) -> None:
        """Take back what processes that have died were holding."""
        if self._ledger is not None and self._ledger.recover().requests:
            self.sync()

    def _align(self, available: int) -> None:
        """Tell the market what is left in the ledger."""
        left = available - self._aside + self._spare * self._running - self._cushion
        if left != self._market.unreserved:
            self._market.adjust(left - self._market.unreserved)

    def _reserve(self, row: int, tokens: int) -> tuple[int, Answer]:
        if self._ledger is None:
            left = self._market.unreserved + self._cushion - self._spare * self._running
            return (tokens, Answer.GRANTED) if left >= 0 else (0, Answer.NOTHING_LEFT)
        return self._ledger.reserve(self._names[row], tokens, least=self._spare + 1)

    def _settle_in_market(self, row: int, tokens: int, *, finished: bool) -> None:
        self._market.settle(np.array([row]), np.array([tokens]), np.array([finished]))
