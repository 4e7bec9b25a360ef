"""The market and the ledger in step: what is granted is reserved, what ends is paid, window after window."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from shadowprice._errors import ShadowpriceError
from shadowprice.gateway._account import Account
from shadowprice.gateway._reasons import not_worth_it, out_of_tokens
from shadowprice.gateway._refusals import RefusedRequestError
from shadowprice.gateway._windows import OpenWindow, WindowBudget, open_window
from shadowprice.ledger import Answer, Grant, Ledger
from shadowprice.ledger import Run as LedgerRun
from shadowprice.online import AbstractOnlineMarket, Hopes

_SET_BACK: Final = 1.0
"""Seconds by which a clock may be behind without having been set back."""
_FORGETS: Final = 0.98
"""How much of the most that ran at the same time is remembered a second later."""


@dataclass(slots=True)
class _Arrival:
    """Somebody who waits to be let in."""

    account: Account
    answer: "asyncio.Future[None]"
    until: float
    """Seconds since 1970 until which it waits for tokens that others hold."""


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

    arrivals: deque[_Arrival] = field(default_factory=deque)
    extensions: dict[str, Account] = field(default_factory=dict)
    settled: list[_Settled] = field(default_factory=list)


class Till:
    """Lets generations in, lets them go on, and settles them. To be used in one event loop.

    Whatever happens in one pass of the loop is written in one transaction, at the end of that pass. Only letting in
    waits for it: nothing is sent before its tokens are reserved. Until a settlement is written its reservation stands,
    so that a crash charges more, never less.

    A generation that is under way when its window ends is charged there what it has made by then, and what it may still
    make is reserved in the next one. So the books of a window hold what was made in it. What other gateways at the same
    ledger still hold in an earlier window they will want to take into this one, so nobody else gets that meanwhile.

    Servers may make more than is granted before anybody could stop them, so what lies between is held, and most of it
    comes back. Whoever arrives when the rest is held waits for that a moment, first come first served.

    Args:
        ledger: Open for writing.
        market: Opened for the window that `clock` is in.
        budget: Of each window.
        patience: Seconds that an arrival waits for tokens that others hold.
        clock: Seconds since 1970.
        steady: Seconds of a clock that nobody sets.
        tell: Told what happens, by a name and fields.
    """

    def __init__(
        self,
        ledger: Ledger,
        market: AbstractOnlineMarket,
        budget: WindowBudget,
        *,
        patience: float = 1.0,
        clock: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        tell: Callable[..., None] = lambda event, **fields: None,
    ) -> None:
        self._ledger = ledger
        self._market = market
        self._budget = budget
        self._older: list[LedgerRun] = []
        """Books of earlier windows in which something is reserved all the same."""
        self._patience = patience
        self._clock = clock
        self._tell = tell
        self._pending = _Pending()
        self._accounts: dict[str, Account] = {}
        self._scheduled: asyncio.Handle | None = None
        self._alarm: asyncio.Handle | None = None
        """For the first arrival that waits."""
        self._peak = 1.0
        self._steady = steady
        self._now, self._seen = clock(), steady()
        self.broken = ""
        """Why the ledger cannot be written; empty while it can."""
        self.window: OpenWindow = open_window(ledger, budget, self._now, None)
        self._older = self.window.older
        market.advance(self._now)
        self._free = 0
        """Tokens that are neither spent nor held by anybody."""
        self._align()

    @property
    def left(self) -> int:
        """Tokens of this window that are neither spent nor granted."""
        return self._market.pool

    def now(self) -> float:
        """Seconds since 1970, never less than before. Where the clock is set back, time goes on all the same."""
        wall, steady = self._clock(), self._steady()
        if wall < self._now - _SET_BACK:
            wall = self._now + steady - self._seen
        self._now, self._seen = max(self._now, wall), steady
        return self._now

    def until_renewed(self) -> float:
        """Seconds until the next window."""
        return max(0.0, self.window.end - self.now())

    async def admit(self, account: Account) -> None:
        """Let a generation in, once its tokens are reserved on disk.

        Raises:
            RefusedRequestError: It is not worth its tokens at this price, or none are left, or the ledger is broken.
        """
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pending.arrivals.append(_Arrival(account, answer, self.now() + self._patience))
        self._schedule()
        await answer

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
        charged = max(0, tokens - account.base)
        self._pending.settled.append(_Settled(account, account.run, charged, reason, payload))
        self._market.settle(account.ticket, self.now(), tokens)
        account.run = account.ticket = None
        self._schedule()

    def tick(self) -> None:
        """Let time pass; to be called every second or so."""
        self._ledger.beat()
        self._peak = max(1.0, self._peak * _FORGETS, len(self._accounts))
        now = self.now()
        # Who is broken is asked nothing by balancers, so it finds out by itself when that is over.
        if now >= self.window.end or self._pending.settled or self._pending.arrivals or self.broken:
            self._schedule()
        self._market.advance(now)
        if self.broken:
            return
        try:
            for run in self._older:
                run.recover()  # whoever has died there will take nothing into this window
            if not self._pending.settled and self.window.run.news() is not None:
                self._align()
        except ShadowpriceError as error:
            self._broke(error)

    def close(self) -> None:
        """Write what is pending; nothing may follow."""
        for handle in (self._scheduled, self._alarm):
            if handle is not None:
                handle.cancel()
        self._write()

    def _schedule(self) -> None:
        if self._scheduled is None:
            self._scheduled = asyncio.get_running_loop().call_soon(self._write)

    def _write(self) -> None:
        """Write all that is pending in one transaction."""
        self._scheduled = None
        now = self.now()
        answered: list[tuple[_Arrival, RefusedRequestError | None]] = []
        try:
            if now >= self.window.end:
                self._turn(now)
            with self._ledger.batch():
                self._pay()
                for account in self._pending.extensions.values():
                    self._extend(account)
                self._answer(now, answered)
        except ShadowpriceError as error:
            self._broke(error)
            for account in self._pending.extensions.values():
                account.reserved = 0  # what the ledger really holds for it is asked with the next step
            answered = [(one, self._turn_away(one.account, now)) for one in self._pending.arrivals]
            self._pending.arrivals.clear()
        else:
            if self.broken:
                self.broken = ""
                self._align()
            self._pending.settled.clear()
            self._pending.extensions.clear()
            for _ in answered:
                self._pending.arrivals.popleft()
        for arrival, refusal in answered:
            if not arrival.answer.done():
                arrival.answer.set_result(None) if refusal is None else arrival.answer.set_exception(refusal)

    def _broke(self, error: ShadowpriceError) -> None:
        if not self.broken:
            self._tell("ledger cannot be written", error=str(error))
        self.broken = str(error)

    def _ring(self) -> None:
        self._alarm = None
        self._schedule()

    def _pay(self) -> None:
        """Write what was settled; what it held is free."""
        for one in self._pending.settled:
            one.run.settle(one.account.name, one.tokens, one.reason, one.payload)
            if one.run is self.window.run and one.account.held:
                self._free += one.account.held - one.tokens
                one.account.held = 0

    def _answer(self, now: float, answered: list[tuple[_Arrival, RefusedRequestError | None]]) -> None:
        """Let arrivals in or refuse them, in order, up to the first that waits."""
        arrivals = self._pending.arrivals
        self._peak = max(self._peak, len(self._accounts) + len(arrivals))
        spare = self._kept_for_others() if arrivals else 0
        for arrival in arrivals:
            if arrival.answer.done():  # it has left meanwhile
                answered.append((arrival, None))
                continue
            refusal: RefusedRequestError | None
            # In a window that could never hold what such replies take, one gets as much as there can be.
            arrival.account.enough = min(arrival.account.enough, self.window.budget)
            if self._free - spare >= arrival.account.needed:
                refusal = self._let_in(arrival.account, now, spare)
            elif arrival.account.needed > self.window.budget:
                refusal = out_of_tokens("small", self._free, self.until_renewed())
            elif not self._may_come_back(arrival.account.needed):
                refusal = out_of_tokens("empty", self._free, self.until_renewed())
            elif now >= arrival.until:
                refusal = out_of_tokens("held", self._free, self.until_renewed())
            else:
                if self._alarm is None:
                    self._alarm = asyncio.get_running_loop().call_later(arrival.until - now, self._ring)
                return
            answered.append((arrival, refusal))

    def _may_come_back(self, needed: int) -> bool:
        """Whether what is held may still suffice once it comes back."""
        held = (one.base + one.held - one.generated for one in self._accounts.values() if one.run is self.window.run)
        return self._free + sum(held) >= needed

    def _kept_for_others(self) -> int:
        """Tokens of this window that are wanted for what is still in the books of earlier ones."""
        kept, older = 0, []
        for run in self._older:
            if held := run.held():
                kept += held
                older.append(run)
        self._older = older
        return kept

    def _let_in(self, account: Account, now: float, spare: int) -> RefusedRequestError | None:
        """Ask the market and the ledger for the first step; why not, if not."""
        account.price = self._market.price
        ticket = self._market.admit(now, account.hopes, weight=account.weight, most=account.most)
        if ticket is None:
            if self._market.pool < account.choices:
                return out_of_tokens("empty", self._free, self.until_renewed())
            whole = self._market.price * self.window.budget
            return not_worth_it(account, whole, self._market.reprieve, self.until_renewed())
        granted = max(ticket.granted, account.choices)
        grant = self.window.run.reserve(
            account.name,
            granted,
            least=granted,
            ahead=max(0, account.most - granted),
            among=max(1, round(self._peak)),
            enough=max(0, account.needed - granted),
            spare=spare,
        )
        if grant.tokens < granted:  # other gateways were faster
            self._market.settle(ticket, now, 0)
            why: Literal["empty", "held"] = "empty" if grant.answer is Answer.NOTHING_LEFT else "held"
            return out_of_tokens(why, self._free, self.until_renewed())
        account.ticket, account.run = ticket, self.window.run
        account.granted, account.reserved = granted, grant.tokens
        account.cap = account.held = grant.tokens + grant.ahead
        self._free -= account.held
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
        self._pay()
        self._pending.settled.clear()
        before.run.recover()  # what a gateway held that has died would stay in these books otherwise
        totals = before.run.totals()
        here = [one for one in self._accounts.values() if one.run is before.run]
        made = sum(max(0, one.generated - one.base) for one in here)
        others = max(0, totals.reserved + totals.ahead - sum(one.held for one in here))
        left = totals.budget - totals.spent - made - others
        self.window = open_window(self._ledger, self._budget, now, left, before.run)
        if self.window.run.is_same(before.run):  # nobody had asked anything
            for account in here:
                account.run = self.window.run
        else:
            self._older.append(before.run)
            self._move_all(self.window.run)
            if not before.run.held():
                before.run.finish()
        self._market.advance(now)
        self._align()
        self._tell("window", name=self.window.run.name, budget=self.window.budget, left=self._market.pool)

    def _move_all(self, run: LedgerRun) -> None:
        """Take what is under way into the books of a window; what has no room stays where its tokens are reserved."""
        moved: list[tuple[Account, int, Grant]] = []
        with self._ledger.batch():
            for account in self._accounts.values():
                made = max(account.base, account.generated)
                if account.run is not None and account.run is not run and (grant := _move(account, made, run)):
                    moved.append((account, made, grant))
        for account, made, grant in moved:  # only once it is kept
            account.run, account.base = run, made
            account.reserved, account.held = grant.tokens, grant.tokens + grant.ahead

    def _align(self) -> None:
        """Learn from the ledger what is left, and tell the market."""
        totals = self.window.run.totals()
        left = totals.budget - totals.spent - totals.reserved
        self._free = left - totals.ahead
        here = [one for one in self._accounts.values() if one.run is self.window.run]
        left += sum(max(0, one.base + one.reserved - one.granted) for one in here)
        if left != self._market.pool:
            self._market.adjust(left - self._market.pool)


def _move(account: Account, made: int, run: LedgerRun) -> Grant | None:
    """Settle what was made in one window's books, and reserve the rest in another's; None if that has no room."""
    assert account.run is not None
    rest = max(1, account.granted - made)
    ahead = max(0, account.cap - made - rest)
    grant = run.reserve(account.name, rest, least=rest, ahead=ahead, enough=ahead)
    if not grant.tokens:
        return None
    account.run.settle(account.name, made - account.base, "went on", {"into": run.name})
    return grant
