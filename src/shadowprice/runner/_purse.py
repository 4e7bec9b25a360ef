"""One purse for a run: what the market grants is reserved in the ledger before it is used, and paid once."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

import numpy as np

from shadowprice._types import IntArray
from shadowprice.ledger import Answer
from shadowprice.ledger import Run as LedgerRun
from shadowprice.policies import AbstractMarket
from shadowprice.runner._pocket import Pocket
from shadowprice.runner._results import Reason, Result

_PATIENCE = 0.2
"""Seconds between two looks at what other processes have let go of, for a reply that waits for tokens."""
_DEATHS = 2.0
"""Seconds between two looks at whether other processes are still alive, while something waits for them."""


class Purse:
    """Keeps a market and a ledger in step.

    `spare` tokens of each query that runs are kept off the market: for what an engine makes after it was told to stop,
    and for the ending of a reply that was stopped.

    The market grants a step at a time, and asks nobody to stop in time. What a server may make is another number, the
    cap of its request: a client that stands still cannot stop it before. So what lies between the two is held ahead in
    the ledger, a fair share of what is free, and nobody else can use it before the reply has ended or gone on to it.

    Args:
        market: Freshly opened for n queries.
        names: n request ids.
        ledger: The run's ledger; None keeps the budget in memory, which a crash loses.
        spare: Tokens.
        width: Queries that run at the same time.
        longest: Tokens that no query may exceed; None leaves that to the market.
        ahead: Whether caps may go beyond what is granted.
    """

    def __init__(
        self,
        market: AbstractMarket,
        names: Sequence[str],
        ledger: LedgerRun | None,
        spare: int,
        width: int,
        *,
        longest: int | None = None,
        ahead: bool = True,
    ) -> None:
        self._told_market = market
        self._untold: list[tuple[int, int, bool]] = []
        """Rows that have ended, of which the market has not heard yet."""
        self._names = names
        self._ledger = ledger
        self._books = Pocket(market.unreserved) if ledger is None else ledger
        self._spare = spare
        self._longest = longest
        self._ahead = ahead
        self._cushion = spare * width
        self._running = 0
        self._caps: dict[int, int] = {}
        self._reach: dict[int, int] = {}
        self._waiting: list[asyncio.Future[None]] = []
        self._unwritten: list[tuple[int, Result]] = []
        self.room = width
        """Queries that want to run at the same time; what is free is divided among so many."""
        self.resumes = True
        """Whether a reply that has come to its cap can go on. Otherwise no cap is below the longest reply so far, so
        that fewer run at a time where the budget comes to its end."""
        self.held = False
        """Whether the last ones that wanted to begin must wait, because servers may still make what is left."""
        self._longest_seen = 0
        self._place = {name: row for row, name in enumerate(names)}
        self.elsewhere = 0
        """Requests that other processes hold."""
        self._checked = 0.0
        self.gone: set[int] = set()
        """Rows that other processes have served or are serving."""
        self._aside = 0 if ledger is None else max(0, ledger.totals().available - market.unreserved)
        """Tokens of the ledger's that this market was not opened with."""
        market.adjust(-self._cushion)

    @property
    def awaited(self) -> bool:
        """Whether a reply waits for tokens to go on, which comes before whoever wants to begin."""
        return bool(self._waiting)

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
        """Rows that may begin, and the tokens that each may reach; none while replies wait for tokens to go on."""
        begun: list[tuple[int, int]] = []
        self.held = bool(self._waiting)
        if self.held:
            return begun
        grants = self._market.grant(rows, np.zeros(len(rows), dtype=np.int64))
        reach = self._market.reach(rows)
        if self._longest is not None:
            reach = np.minimum(reach, self._longest)
        self._reach.update(zip(rows.tolist(), reach.tolist(), strict=True))
        for place, (row, limit) in enumerate(zip(rows.tolist(), grants.tolist(), strict=True)):
            if limit == 0:
                continue
            reserved, answer = self._reserve(row, limit)
            if reserved > self._spare:
                self._running += 1
                begun.append((row, reserved - self._spare))
            elif answer in (Answer.ELSEWHERE, Answer.SETTLED):
                self._settle_in_market(row, 0, finished=False)
                self.gone.add(row)
                self.elsewhere += answer is Answer.ELSEWHERE
            elif answer is Answer.HELD:
                self.held = True
                self._market.take_back(rows[place:][grants[place:] > 0])
                break
            else:  # others were faster
                self._market.take_back(np.array([row]))
                if self._ledger is not None:
                    self._align(self._ledger.totals().available)
        return begun

    def withdraw(self, rows: list[int]) -> None:
        """Leave rows to those who serve them."""
        self._market.withdraw(np.array(rows, dtype=np.int64))

    def reach(self, row: int) -> int:
        """Tokens beyond which a row that has begun will certainly not be let."""
        return self._reach[row]

    def cap(self, row: int) -> int:
        """Tokens that the server of a row may be asked for in all, now."""
        return self._caps[row]

    def hold(self, row: int, limit: int) -> None:
        """Raise the cap of a row that has come to it, and has been granted more."""
        self.write()
        wish = self._beyond(row, limit)
        ahead = self._books.hold(self._names[row], wish, among=self._contenders) if wish else 0
        self._caps[row] = limit + ahead

    async def go_on(self, row: int, limit: int, tokens: int) -> int:
        """Ask the market whether a row that has come to its limit, or nearly, may go on.

        Where it may, and servers may still make all that is left for others, this waits until one of them has ended.

        Returns:
            The tokens that it may reach now; at most `limit` if it is to stop.
        """
        self.write()
        granted = int(self._market.grant(np.array([row]), np.array([max(limit, tokens)]))[0])
        while granted > limit:
            now = self._books.extend(self._names[row], granted + self._spare)
            if now.tokens - self._spare > max(limit, tokens) or now.answer is not Answer.HELD:
                return now.tokens - self._spare
            await self._something_ends()
        return granted

    def retry(self, row: int, limit: int, tokens: int, note: str) -> int:
        """Pay for an attempt that failed, and reserve another.

        Returns:
            The tokens that the next attempt may reach; 0 if there are not enough left.
        """
        self.write()
        self._market.adjust(-tokens)
        self._books.charge(self._names[row], tokens, note)
        reserved, _ = self._reserve(row, limit)
        if reserved > self._spare:
            return reserved - self._spare
        self._running -= 1
        self._settle_in_market(row, 0, finished=False)
        self._wake()
        return 0

    def settle(self, row: int, result: Result) -> None:
        """Close a row with its result; one that runs is charged what its last attempt generated.

        The ledger hears of it with `write`, or before anything else is asked of it: what ends together is written in
        one step, which is most of what it costs.
        """
        if result.reason is not Reason.FAILED:
            self._running -= 1
            self._longest_seen = max(self._longest_seen, result.generated)
            self._settle_in_market(row, result.generated, finished=result.reason is Reason.FINISHED)
        self._unwritten.append((row, result))

    @contextmanager
    def step(self) -> Iterator[None]:
        """Write what was settled, and whatever a block begins, in one step; the block must not wait for anything."""
        self._tell()
        written = len(self._unwritten)
        with nullcontext() if self._ledger is None else self._ledger.together():
            for row, result in self._unwritten:
                self.record(row, result)
            yield
        if written:
            del self._unwritten[:written]
            self._wake()

    def write(self) -> None:
        """Write what was settled, and tell the market; it counts from then on."""
        self._tell()
        if self._unwritten:
            with self.step():
                pass

    def record(self, row: int, result: Result) -> None:
        """Write down the outcome of a row that holds nothing in the market."""
        self._books.settle(self._names[row], result.generated, str(result.reason), result.payload())

    def give_up(self, row: int, tokens: int, note: str) -> None:
        """Pay for what an unfinished attempt has generated, and leave the question for another time."""
        self.write()
        self._running -= 1
        self._settle_in_market(row, tokens, finished=False)
        self._books.charge(self._names[row], tokens, note)
        self._wake()

    def sync(self) -> bool:
        """Learn what other processes have done with the budget; whether they did anything."""
        if self._ledger is None:
            return False
        self.write()
        news = self._ledger.news()
        if news is None:
            return False
        self.elsewhere = news.elsewhere
        self._align(news.available)
        self.gone.update(self._place[name] for name in news.settled if name in self._place)
        return True

    def recover(self) -> None:
        """Take back what processes that have died were holding, every now and then; for whoever waits for them."""
        now = time.monotonic()
        if self._ledger is None or now - self._checked < _DEATHS:
            return
        self.write()
        self._checked = now
        if self._ledger.recover().requests:
            self.sync()

    def _align(self, available: int) -> None:
        """Tell the market what is left in the ledger."""
        left = available - self._aside + self._spare * self._running - self._cushion
        if left != self._market.unreserved:
            self._market.adjust(left - self._market.unreserved)

    @property
    def _contenders(self) -> int:
        return max(1, self.room, self._running)

    def _beyond(self, row: int, limit: int) -> int:
        """Tokens beyond its limit that a row could ever use."""
        if not self._ahead:
            return 0
        return max(0, min(self.reach(row) - limit, self._market.unreserved))

    def _reserve(self, row: int, limit: int) -> tuple[int, Answer]:
        tokens, answer, ahead = self._books.reserve(
            self._names[row],
            limit + self._spare,
            least=self._spare + 1,
            ahead=self._beyond(row, limit),
            # Whoever cannot come back for more shares with those who are yet to begin, and leaves nothing over.
            among=self._contenders if self.resumes else max(1, self.room - self._running),
            enough=0 if self.resumes or not self._running else max(0, self._longest_seen - limit),
        )
        self._caps[row] = tokens - self._spare + ahead
        return tokens, answer

    async def _something_ends(self) -> None:
        """Wait until something here has ended, or something elsewhere may have."""
        news = asyncio.get_running_loop().create_future()
        self._waiting.append(news)
        try:
            async with asyncio.timeout(_PATIENCE):
                await news
        except TimeoutError:
            self.recover()
        finally:
            if news in self._waiting:
                self._waiting.remove(news)

    def _wake(self) -> None:
        for news in self._waiting:
            if not news.done():
                news.set_result(None)
        self._waiting.clear()

    def _settle_in_market(self, row: int, tokens: int, *, finished: bool) -> None:
        self._untold.append((row, tokens, finished))

    @property
    def _market(self) -> AbstractMarket:
        """The market, which has heard of all that has ended."""
        self._tell()
        return self._told_market

    def _tell(self) -> None:
        """Tell the market what has ended, many at once: that costs as much as one."""
        if self._untold:
            rows, tokens, finished = zip(*self._untold, strict=True)
            self._untold.clear()
            self._told_market.settle(np.array(rows), np.array(tokens), np.array(finished))
