"""Every policy on the same days of traffic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from shadowprice._errors import InputError, no_such
from shadowprice._types import FloatArray, IntArray
from shadowprice.bench.traffic._batch import batch_right
from shadowprice.bench.traffic._days import Day, Traffic, TrafficMaker, get_day
from shadowprice.bench.traffic._hindsight import Hindsight
from shadowprice.bench.traffic._serve import Served, serve_day
from shadowprice.online import AbstractOnlineMarket, FirstCome, FixedPrice, MirrorDescent, OnlineMarket, Tuning
from shadowprice.traces import RecordedOutlook, Traces

FIXED: Final = "fixed-price"
BATCH: Final = "batch"
ONLINE: Final = "online"
ENTRANTS: Final = {
    "first-come": "whoever comes, until the window's tokens are gone",
    "static-cap": "the same cap for everybody, the best one in hindsight",
    FIXED: "one price all day, the best one in hindsight",
    "yesterday": "the price that was the best on another day of the kind",
    "mirror-descent": "dual mirror descent from yesterday's price, towards an even pace",
    "mirror-paced": "the same, towards what is left of the window's tokens",
    ONLINE: "the market of `serve`",
    BATCH: "the market of `run`, a batch for each window, which knows who will come",
}
"""The rows of the table, and what each is."""
_RATE: Final = 0.03
_PACED_RATE: Final = 2.0
"""Steps of mirror descent: the best of 0.03 to 10 for each target on four days of a file (0.03 is the smallest that was
tried: the smaller it is, the more it is yesterday's price)."""
_MOST_SHARE: Final = 10.0
_YESTERDAY: Final = 1_000_003
"""What is added to a seed for another day of the kind."""


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What one policy made of one day."""

    policy: str
    """Its name in `ENTRANTS`."""
    day: str
    """The day's name."""
    share: float
    """The budget, as a share of full cost."""
    seed: int
    """Which day of the kind."""
    budget: int
    """Tokens of a window."""
    right: IntArray
    """``(w,)`` right answers to those that came in each window."""
    served: Served | None = field(repr=False)
    """The rest; None for the batch market, for which no time passes."""

    @property
    def total(self) -> int:
        """Right answers in all."""
        return int(self.right.sum())


@dataclass(frozen=True, slots=True, eq=False)
class TrafficResult:
    """All policies on all days."""

    traces: str
    """Where the replies are from."""
    arrivals: int
    """Queries of a day."""
    windows: int
    """Windows of a day."""
    plays: tuple[Played, ...]
    """One for each policy, day, budget and seed."""

    def of(self, policy: str, day: str | None = None, share: float | None = None) -> list[Played]:
        """Those of a policy, on one day or all, in order of day, budget and seed."""
        return [
            play
            for play in self.plays
            if play.policy == policy and day in (None, play.day) and share in (None, play.share)
        ]

    def against(self, policy: str, other: str, day: str | None = None, share: float | None = None) -> FloatArray:
        """Right answers of each day, as a share of what another policy got of it."""
        mine, theirs = self.of(policy, day, share), self.of(other, day, share)
        return np.array([a.total / max(b.total, 1) for a, b in zip(mine, theirs, strict=True)])

    def row(self, policy: str, day: str, share: float) -> dict[str, Any]:
        """The figures of one row of the table: means over seeds; None where there is nothing to compare with."""
        plays, names = self.of(policy, day, share), {play.policy for play in self.plays}
        served = [play.served for play in plays if play.served is not None]
        right = float(np.mean([play.total for play in plays]))
        fixed = None if FIXED not in names else self.against(policy, FIXED, day, share)
        best = float(np.mean([play.total for play in self.of(FIXED, day, share)])) if fixed is not None else None
        return {
            "policy": policy,
            "day": day,
            "budget": share,
            "tokens": float(np.mean([play.budget for play in plays])),
            "right": right,
            "of_fixed": None if fixed is None else 100.0 * float(fixed.mean()),
            "of_batch": 100.0 * float(self.against(policy, BATCH, day, share).mean()) if BATCH in names else None,
            "regret": None if best is None else best - right,
            "used": 100.0 * float(np.mean([one.used.sum() / one.budget.sum() for one in served])) if served else None,
            "limited": 100.0 * float(np.mean([one.limited / max(one.begun, 1) for one in served])) if served else None,
            "over": max((one.over for one in served), default=None),
            "draws": [play.total for play in plays],
        }

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain JSON."""
        places = dict.fromkeys((play.policy, play.day, play.share) for play in self.plays)
        return {
            "traces": self.traces,
            "arrivals": self.arrivals,
            "windows": self.windows,
            "rows": [self.row(*place) for place in places],
        }


def check_traffic(
    traces: Traces, days: Sequence[str], shares: Sequence[float], policies: Sequence[str], carry: float
) -> tuple[TrafficMaker, list[Day], list[str]]:
    """What draws the days, the days, and the rows in the order of the table, before anything is fitted for them.

    Raises:
        InputError: As `compare_traffic`.
    """
    for policy in policies:
        if policy not in ENTRANTS:
            raise no_such("policy", policy, ENTRANTS)
    if not days or not shares:
        raise InputError("There is nothing to play: give a day and a budget.")
    if not all(0.0 < share <= _MOST_SHARE for share in shares):
        raise InputError("A budget is a share of full cost, above 0 % and at most 1,000 %.")
    if not 0.0 <= carry <= 1.0:
        raise InputError(f"What is carried over is a share of the budget, 0 % to 100 %, not {100.0 * carry:g} %.")
    chosen = [name for name in ENTRANTS if not policies or name in policies]
    return TrafficMaker(traces), [get_day(name) for name in days], chosen


def compare_traffic(
    traces: Traces,
    outlook: RecordedOutlook,
    *,
    days: Sequence[str],
    shares: Sequence[float],
    seeds: Sequence[int] = (0,),
    arrivals: int = 4000,
    windows: int = 24,
    policies: Sequence[str] = (),
    carry: float = 0.0,
    tuning: Tuning = Tuning(),  # noqa: B008  # immutable
    advance: Callable[[], None] = lambda: None,
) -> TrafficResult:
    """Play days of traffic with every policy.

    Args:
        traces: Recorded replies.
        outlook: A row for each of them, from predictors that have not seen its question (`Forecasts.outlook`).
        days: Names of days.
        shares: Budgets of a window, as shares of what all replies of the day take, by the window.
        seeds: A day of each kind for each of them.
        arrivals: Queries of a day.
        windows: Windows of a day, an hour each.
        policies: Of `ENTRANTS`; all if empty.
        carry: What may be carried over from window to window, as a share of the budget.
        tuning: Of the online market.
        advance: Called after each play.

    Raises:
        InputError: An unknown name, or nothing to play.
    """
    maker, kinds, chosen = check_traffic(traces, days, shares, policies, carry)
    plays: list[Played] = []
    for day in kinds:
        for seed in seeds:
            arena = _Arena(maker, outlook, day, seed, arrivals, windows)
            for share in shares:
                for policy in chosen:
                    plays.append(arena.play(policy, share, carry, tuning))
                    advance()
    return TrafficResult(traces.name, arrivals, windows, tuple(plays))


class _Arena:
    """One day, and the day before."""

    def __init__(
        self, maker: TrafficMaker, outlook: RecordedOutlook, day: Day, seed: int, arrivals: int, windows: int
    ) -> None:
        self._day, self._seed = day, seed
        self._traffic, self._yesterday = (
            maker.draw(day, arrivals=arrivals, windows=windows, seed=number) for number in (seed, seed + _YESTERDAY)
        )
        self._outlook = outlook.take(self._traffic.rows)
        self._known = Hindsight(self._traffic, self._outlook)
        self._known_before = Hindsight(self._yesterday, outlook.take(self._yesterday.rows))

    def play(self, policy: str, share: float, carry: float, tuning: Tuning) -> Played:
        traffic: Traffic = self._traffic
        budget = traffic.budget(share)
        if policy == BATCH:
            right = batch_right(traffic, self._outlook, budget, self._seed)
            return Played(policy, self._day.name, share, self._seed, budget, right, None)
        served = serve_day(self._market(policy, share, budget, carry, tuning), traffic, self._outlook)
        return Played(policy, self._day.name, share, self._seed, budget, served.right, served)

    def _market(self, policy: str, share: float, budget: int, carry: float, tuning: Tuning) -> AbstractOnlineMarket:
        grid, length = self._outlook.before.tokens, self._traffic.length
        if policy == ONLINE:
            return OnlineMarket(grid, budget, length=length, carry=carry, tuning=tuning)
        if policy == "first-come":
            return FirstCome(grid, budget, length=length, carry=carry)
        if policy == "static-cap":
            return FirstCome(grid, budget, cap=int(self._known.caps(budget)[0]), length=length, carry=carry)
        if policy == FIXED:
            return FixedPrice(grid, budget, price=float(self._known.prices(budget)[0]), length=length, carry=carry)
        price = float(self._known_before.prices(self._yesterday.budget(share))[0])
        if policy == "yesterday":
            return FixedPrice(grid, budget, price=price, length=length, carry=carry)
        paces = policy == "mirror-paced"
        rate = _PACED_RATE if paces else _RATE
        return MirrorDescent(grid, budget, price=price, rate=rate, paces=paces, length=length, carry=carry)
