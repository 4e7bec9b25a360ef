"""The market and the ledger in step: what is granted is reserved, what ends is paid, window after window."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shadowprice._errors import ShadowpriceError
from shadowprice.gateway._refusals import RefusedRequestError
from shadowprice.gateway._windows import OpenWindow, WindowBudget, open_window
from shadowprice.ledger import Answer, Ledger
from shadowprice.ledger import Run as LedgerRun
from shadowprice.online import AbstractOnlineMarket, Hopes, Ticket

_HELD: Final = 1.0
"""Seconds after which to ask again where servers may still make what is left."""
_DEAR: Final = 10.0
"""Seconds after which to ask again where the price is too high."""
_FORGETS: Final = 0.98
"""How much of the most that ran at the same time is remembered a second later."""


@dataclass(slots=True, eq=False)
class Account:
    """What one generation holds."""

    name: str
    """The request's name in the ledger."""
    hopes: Hopes
    """What is believed of it as it arrives."""
    most: int
    """Tokens that it may reach in all."""
    choices: int = 1
    """Replies among which they are divided."""
    weight: float = 1.0
    """What it is worth beside others."""
    enough: int = 0
    """Tokens below which its cap should not be."""
    granted: int = 0
    """Tokens that the market lets it reach."""
    cap: int = 0
    """Tokens that its server may make in all."""
    price: float = float("nan")
    """The price at which it was let in."""
    generated: int = 0
    """Tokens that it has made, as far as is known."""
    base: int = 0
    """Of these, tokens that earlier windows were charged."""
    reserved: int = 0
    """Tokens beyond `base` that the ledger charges if this process dies."""
    ticket: Ticket | None = None
    run: LedgerRun | None = None
    """The books that it is in; None before it is let in, and after it was settled."""


@dataclass(slots=True)
class _Settled:
    account: Account
    run: LedgerRun
    tokens: int
    reason: str
    payload: Mapping[str, Any]


@dataclass(slots=True)
class _Pending:
    """What waits to be written, all in one transaction."""

    arrivals: list[tuple[Account, asyncio.Future[None]]] = field(default_factory=list)
    extensions: dict[str, Account] = field(default_factory=dict)
    settled: list[_Settled] = field(default_factory=list)


class Till:
    """Lets generations in, lets them go on, and settles them. To be used in one event loop.

    Whatever happens in one pass of the loop is written in one transaction, at the end of that pass. Only letting in
    waits for it: nothing is sent before its tokens are reserved. Until a settlement is written its reservation stands,
    so that a crash charges more, never less.

    A generation that is under way when its window ends is charged there what it has made by then, and what it may still
    make is reserved in the next one. So the books of a window hold what was made in it.

    Args:
        ledger: Open for writing.
        market: Opened for the window that `clock` is in.
        budget: Of each window.
        clock: Seconds since 1970.
        tell: Told what happens, by a name and fields.
    """

    def __init__(
        self,
        ledger: Ledger,
        market: AbstractOnlineMarket,
        budget: WindowBudget,
        *,
        clock: Callable[[], float] = time.time,
        tell: Callable[..., None] = lambda event, **fields: None,
    ) -> None:
        self._ledger = ledger
        self._market = market
        self._budget = budget
        self._clock = clock
        self._tell = tell
        self._pending = _Pending()
        self._accounts: dict[str, Account] = {}
        self._scheduled: asyncio.Handle | None = None
        self._peak = 1.0
        self._now = clock()
        self.broken = ""
        """Why the ledger cannot be written; empty while it can."""
        self.window: OpenWindow = open_window(ledger, budget, self._now, None)
        market.advance(self._now)
        self._align(self.window.available)

    @property
    def price(self) -> float:
        """Utility per token, now."""
        return self._market.price

    @property
    def left(self) -> int:
        """Tokens of this window that are neither spent nor granted."""
        return self._market.pool

    @property
    def running(self) -> int:
        """Generations under way."""
        return len(self._accounts)

    def now(self) -> float:
        """Seconds since 1970, never less than before."""
        self._now = max(self._now, self._clock())
        return self._now

    def until_renewed(self) -> float:
        """Seconds until the next window."""
        return max(0.0, self.window.end - self.now())

    async def admit(self, account: Account) -> None:
        """Let a generation in, once its tokens are reserved on disk.

        Raises:
            RefusedRequestError: It is not worth its tokens at this price, or none are left, or the ledger is broken.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.arrivals.append((account, future))
        self._schedule()
        await future

    def grant(self, account: Account, tokens: int, hopes: Hopes) -> int:
        """Ask the market whether a generation may go on.

        Returns:
            Tokens that it may reach in all; at most `tokens` if it is to stop.
        """
        assert account.ticket is not None
        account.generated = tokens
        granted = min(account.cap, self._market.grant(account.ticket, self.now(), tokens, hopes))
        if granted > tokens:
            account.granted = granted
            if granted > account.base + account.reserved:
                self._pending.extensions[account.name] = account
                self._schedule()
        return granted

    def settle(self, account: Account, tokens: int, reason: str, payload: Mapping[str, Any]) -> None:
        """End a generation: charge what it has made, give back the rest. Once; what was not let in holds nothing."""
        if account.run is None or account.ticket is None:
            return
        self._accounts.pop(account.name, None)
        self._pending.extensions.pop(account.name, None)
        self._pending.settled.append(_Settled(account, account.run, max(0, tokens - account.base), reason, payload))
        self._market.settle(account.ticket, self.now(), tokens)
        account.run = account.ticket = None
        self._schedule()

    def tick(self) -> None:
        """Let time pass; to be called every second or so."""
        self._peak = max(1.0, self._peak * _FORGETS, len(self._accounts))
        now = self.now()
        if now >= self.window.end or self._pending.settled:
            self._schedule()
        self._market.advance(now)
        news = None if self.broken or self._pending.settled else self.window.run.news()
        if news is not None:
            self._align(news.available)

    def close(self) -> None:
        """Write what is pending; nothing may follow."""
        if self._scheduled is not None:
            self._scheduled.cancel()
        self._write()

    def _schedule(self) -> None:
        if self._scheduled is None:
            self._scheduled = asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        """Write all that is pending in one transaction."""
        self._scheduled = None
        now = self.now()
        arrivals, self._pending.arrivals = self._pending.arrivals, []
        answers: list[RefusedRequestError | None] = []
        try:
            if now >= self.window.end:
                self._turn(now)
            with self._ledger.batch():
                for one in self._pending.settled:
                    one.run.settle(one.account.name, one.tokens, one.reason, one.payload)
                for account in self._pending.extensions.values():
                    self._extend(account)
                self._peak = max(self._peak, len(self._accounts) + len(arrivals))
                answers = [None if future.done() else self._let_in(account, now) for account, future in arrivals]
        except ShadowpriceError as error:
            if not self.broken:
                self._tell("ledger cannot be written", error=str(error))
            self.broken = str(error)
            for account in self._pending.extensions.values():
                account.reserved = 0  # what the ledger really holds for it is asked with the next step
            answers = [self._turn_away(account, now) for account, _ in arrivals]
        else:
            self.broken = ""
            self._pending.settled.clear()
            self._pending.extensions.clear()
        for (_, future), answer in zip(arrivals, answers, strict=True):
            if not future.done():
                future.set_result(None) if answer is None else future.set_exception(answer)

    def _let_in(self, account: Account, now: float) -> RefusedRequestError | None:
        """Ask the market and the ledger for the first step; why not, if not."""
        account.price = self._market.price
        ticket = self._market.admit(now, account.hopes, weight=account.weight, most=account.most)
        if ticket is None:
            return self._refused(empty=self._market.pool < account.choices)
        granted = max(ticket.granted, account.choices)
        beyond = max(0, account.most - granted)
        grant = self.window.run.reserve(
            account.name,
            granted,
            least=granted,
            ahead=beyond,
            among=max(1, round(self._peak)),
            enough=max(0, min(account.most, account.enough) - granted),
        )
        if grant.tokens < granted:
            self._market.settle(ticket, now, 0)
            return self._refused(empty=grant.answer is Answer.NOTHING_LEFT, held=grant.answer is Answer.HELD)
        account.ticket, account.run = ticket, self.window.run
        account.granted, account.reserved, account.cap = granted, grant.tokens, grant.tokens + grant.ahead
        self._accounts[account.name] = account
        return None

    def _turn_away(self, account: Account, now: float) -> RefusedRequestError:
        """What a transaction let in that was not kept holds nothing."""
        if account.ticket is not None:
            self._market.settle(account.ticket, now, 0)
            account.ticket = account.run = None
            self._accounts.pop(account.name, None)
        return RefusedRequestError(
            503, "The budget's ledger cannot be written, so nothing is generated; ask again later.", "ledger_broken"
        )

    def _refused(self, *, empty: bool, held: bool = False) -> RefusedRequestError:
        wait = _HELD if held else max(_HELD, self.until_renewed()) if empty else _DEAR
        if empty:
            why, code = "The token budget of this window is used up", "budget_exhausted"
        elif held:
            why, code = "What is left of this window's token budget is held by replies under way", "budget_held"
        else:
            why, code = "This request is worth less than its tokens cost at the current price", "price_too_high"
        return RefusedRequestError(429, f"{why}; ask again in {wait:.0f} s.", code, wait=wait, again=False)

    def _extend(self, account: Account) -> None:
        """Reserve what was granted, and as much again as was made, so that few steps are written."""
        if account.run is None:
            return
        wish = min(account.cap, max(account.granted, 2 * account.generated)) - account.base
        if wish > account.reserved:
            account.reserved = account.run.extend(account.name, wish).tokens

    def _turn(self, now: float) -> None:
        """Go over into the next window: charge what was made by now, and reserve there what may still be made."""
        before = self.window
        for account in self._accounts.values():
            if account.ticket is not None:
                account.ticket.generated = max(account.ticket.generated, account.generated)
        for one in self._pending.settled:
            one.run.settle(one.account.name, one.tokens, one.reason, one.payload)
        self._pending.settled.clear()
        totals = self._ledger.totals(before.run.name)
        made = sum(max(0, account.generated - account.base) for account in self._accounts.values())
        self.window = open_window(self._ledger, self._budget, now, totals.budget - totals.spent - made)
        with self._ledger.batch():
            for account in self._accounts.values():
                if account.run is before.run:
                    self._move(account, self.window.run)
            if not self._ledger.totals(before.run.name).open:
                before.run.finish()
        self._market.advance(now)
        totals = self._ledger.totals(self.window.run.name)
        self._align(totals.budget - totals.spent - totals.reserved)
        self._tell("window", name=self.window.run.name, budget=self.window.budget, left=self._market.pool)

    def _move(self, account: Account, run: LedgerRun) -> None:
        assert account.run is not None
        made = max(account.base, account.generated)
        rest = max(1, account.granted - made)
        ahead = max(0, account.cap - made - rest)
        grant = run.reserve(account.name, rest, least=rest, ahead=ahead, enough=ahead)
        if not grant.tokens:
            return  # the new window has no room for it: it stays where its tokens are reserved
        account.run.settle(account.name, made - account.base, "went on", {"into": run.name})
        account.run, account.base, account.reserved = run, made, grant.tokens

    def _align(self, available: int) -> None:
        """Tell the market what is left in the ledger."""
        here = [one for one in self._accounts.values() if one.run is self.window.run]
        ahead = sum(max(0, one.base + one.reserved - one.granted) for one in here)
        left = available + ahead
        if left != self._market.pool:
            self._market.adjust(left - self._market.pool)
