"""A market over a day of recorded traffic, as `serve` would run it: without a server, and without waiting."""

import heapq
import math
from bisect import bisect_right
from dataclasses import dataclass, field

import numpy as np

from shadowprice._types import FloatArray, IntArray
from shadowprice.bench.traffic._days import Traffic
from shadowprice.online import AbstractOnlineMarket, Hopes, Ticket
from shadowprice.traces import RecordedOutlook

SPEED = 40.0
"""Tokens a second that a reply is written at."""


@dataclass(frozen=True, slots=True, eq=False)
class Served:
    """What a market made of a day."""

    right: IntArray
    """``(w,)`` right answers to the queries that came in each window."""
    begun: int
    """Queries that were let in."""
    limited: int
    """How many of these were worth their price and stopped, as no token was left."""
    used: IntArray
    """``(w,)`` tokens generated in each window."""
    budget: IntArray
    """``(w,)`` tokens that might have been generated in it."""
    over: int
    """The most tokens that any window went over its budget; 0 where none did."""
    at: FloatArray = field(repr=False)
    """``(n,)`` when each query came, seconds."""
    price: FloatArray = field(repr=False)
    """``(n,)`` the price that it met, utility per token."""
    length: float
    """Seconds of a window."""


class _Reply:
    """A reply that is being written."""

    __slots__ = ("began", "query", "ticket", "written")

    def __init__(self, query: int, ticket: Ticket, now: float) -> None:
        self.query, self.ticket = query, ticket
        self.began, self.written = now, 0

    def by(self, now: float) -> int:
        """Tokens written by then."""
        return min(self.written + math.floor((now - self.began) * SPEED + 1e-6), self.ticket.granted)


def serve_day(market: AbstractOnlineMarket, traffic: Traffic, outlook: RecordedOutlook) -> Served:
    """Let a market decide on a day of queries, one after another, as time passes.

    Args:
        market: Its windows are those of the traffic, and begin at 0.
        traffic: n arrivals.
        outlook: What is believed of each of the n replies at any moment, from predictors that have not seen them.
    """
    return _Serving(market, traffic, outlook).served()


class _Serving:
    def __init__(self, market: AbstractOnlineMarket, traffic: Traffic, outlook: RecordedOutlook) -> None:
        self._market, self._traffic, self._outlook = market, traffic, outlook
        self._grid = market.grid.tolist()
        self._lengths = traffic.completion_tokens.tolist()
        self._running: dict[int, _Reply] = {}
        self._events: list[tuple[float, int, int]] = []
        self._used = np.zeros(traffic.windows + 1, dtype=np.int64)
        self._budget = np.full(traffic.windows, market.window.budget, dtype=np.int64)
        self._window = 0
        self._reached = np.zeros(len(traffic.at), dtype=np.int64)
        self._limited = self._begun = 0

    def served(self) -> Served:
        traffic, price = self._traffic, np.zeros(len(self._traffic.at))
        for query, now in enumerate(traffic.at.tolist()):
            self._go_on_until(now)
            ticket = self._market.admit(now, self._hopes(query, -1))
            price[query] = self._market.price
            if ticket is not None:
                self._begun += 1
                self._running[query] = _Reply(query, ticket, now)
                self._wait(self._running[query])
        self._go_on_until(traffic.windows * traffic.length)
        self._go_on_until(math.inf)
        right = traffic.correct & (self._reached >= traffic.answer_tokens)
        used = self._used[:-1]
        return Served(
            np.bincount(traffic.window[right], minlength=traffic.windows),
            self._begun,
            self._limited,
            used,
            self._budget,
            max(0, int((used - self._budget).max())),
            traffic.at,
            price,
            traffic.length,
        )

    def _hopes(self, query: int, moment: int) -> Hopes:
        """Before it begins (−1), or at a moment of the outlook."""
        if moment < 0:
            return Hopes(self._outlook.before.right[query], self._outlook.before.finished[query])
        row = self._outlook.first[query] + min(moment, int(self._outlook.count[query]) - 1)
        return Hopes(self._outlook.right[row], self._outlook.finished[row])

    def _wait(self, reply: _Reply) -> None:
        """Until it has written what it may, or has ended."""
        until = min(reply.ticket.granted, self._lengths[reply.query])
        heapq.heappush(self._events, (reply.began + (until - reply.written) / SPEED, reply.query, until))

    def _go_on_until(self, now: float) -> None:
        while True:
            due = self._events[0][0] if self._events else math.inf
            edge = (self._window + 1) * self._traffic.length
            if edge <= min(due, now) and self._window < self._traffic.windows:
                self._turn(edge)
            elif due <= now and self._events:
                when, query, tokens = heapq.heappop(self._events)
                self._ask(self._running[query], when, tokens)
            else:
                return

    def _turn(self, edge: float) -> None:
        """A window ends: what was written so far is its own."""
        for reply in self._running.values():
            reply.ticket.generated = self._count(reply, min(reply.by(edge), self._lengths[reply.query]))
        self._market.advance(edge)
        self._window += 1
        if self._window < self._traffic.windows:
            self._budget[self._window] = self._market.window.budget

    def _count(self, reply: _Reply, tokens: int) -> int:
        """Count tokens where they were written."""
        self._used[self._window] += tokens - self._reached[reply.query]
        self._reached[reply.query] = tokens
        return tokens

    def _ask(self, reply: _Reply, now: float, tokens: int) -> None:
        self._count(reply, tokens)
        if tokens < self._lengths[reply.query]:
            moment = bisect_right(self._grid, tokens)
            if self._market.grant(reply.ticket, now, tokens, self._hopes(reply.query, moment)) > tokens:
                reply.began, reply.written = now, tokens
                self._wait(reply)
                return
        self._market.settle(reply.ticket, now, tokens)
        self._limited += reply.ticket.limited
        del self._running[reply.query]
