"""Days of traffic: when queries come, and how hard they are."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from shadowprice._errors import InputError, no_such
from shadowprice._types import FloatArray, IntArray
from shadowprice.traces import TIERS, Traces

HOUR: Final = 3600.0
_SLOTS: Final = 2880
"""Stretches of a day in which nothing changes."""
_EVEN: Final = (1 / 3, 1 / 3, 1 / 3)
_EASY: Final = (0.8, 0.1, 0.1)
_HARD: Final = (0.1, 0.1, 0.8)


@dataclass(frozen=True, slots=True)
class Day:
    """A shape of traffic; time is a share of the day, 0 to 1."""

    name: str
    """What the command line and the tables call it."""
    line: str
    """What happens, for people."""
    rate: Callable[[FloatArray, np.random.Generator], FloatArray]
    """How often queries come at ``(s,)`` moments, in any unit."""
    shares: Callable[[FloatArray], FloatArray]
    """Shares of easy, medium and hard ones, ``(s, 3)``."""


def _steady(at: FloatArray, rng: np.random.Generator) -> FloatArray:
    del rng
    return np.ones(len(at))


def _burst(times: float, begin: float, end: float) -> Callable[[FloatArray, np.random.Generator], FloatArray]:
    def rate(at: FloatArray, rng: np.random.Generator) -> FloatArray:
        del rng
        return np.where((at >= begin) & (at < end), times, 1.0)

    return rate


def _growing(at: FloatArray, rng: np.random.Generator) -> FloatArray:
    del rng
    return 0.5 + at


def _spikes(at: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One of six minutes in every two hours, at any time, of twelve times the traffic."""
    begin = (np.arange(12) + rng.uniform(0.0, 0.95, 12)) / 12.0
    inside = (at[:, np.newaxis] >= begin) & (at[:, np.newaxis] < begin + 0.1 / 24.0)
    return np.where(inside.any(axis=1), 12.0, 1.0)


def _night(at: FloatArray, rng: np.random.Generator) -> FloatArray:
    del rng
    return np.where((at >= 8.0 / 24.0) & (at < 16.0 / 24.0), 0.0, 1.0)


def _mix(shares: tuple[float, float, float]) -> Callable[[FloatArray], FloatArray]:
    return lambda at: np.tile(shares, (len(at), 1))


def _hard_inside(at: FloatArray) -> FloatArray:
    inside = (at >= 1 / 3) & (at < 2 / 3)
    return np.where(inside[:, np.newaxis], _HARD, _EASY)


def _harder(at: FloatArray) -> FloatArray:
    return np.stack([0.65 - 0.5 * at, np.full(len(at), 0.2), 0.15 + 0.5 * at], axis=1)


DAYS: Final[dict[str, Day]] = {
    day.name: day
    for day in (
        Day("stationary", "as many an hour all day, as hard all day", _steady, _mix(_EVEN)),
        Day("easy-hard", "easy, hard, easy again", _steady, _hard_inside),
        Day("burst", "five times as many for two hours", _burst(5.0, 10.5 / 24.0, 12.5 / 24.0), _mix(_EVEN)),
        Day(
            "easy-hard-burst",
            "easy, hard, easy again, and five times as many for two hours of the hard part",
            _burst(5.0, 10.5 / 24.0, 12.5 / 24.0),
            _hard_inside,
        ),
        Day("drift", "ever more, and ever harder", _growing, _harder),
        Day("spikes", "six minutes of twelve times as many, every two hours or so", _spikes, _mix(_EVEN)),
        Day("silence", "nobody for eight hours", _night, _mix(_EVEN)),
        Day("burst-20", "twenty times as many for half an hour", _burst(20.0, 12.25 / 24.0, 12.75 / 24.0), _mix(_EVEN)),
    )
}
"""Every day by name."""


def get_day(name: str) -> Day:
    """The day of that name.

    Raises:
        InputError: There is none.
    """
    if name not in DAYS:
        raise no_such("day", name, DAYS)
    return DAYS[name]


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """A day of n arrivals, each with the recorded reply that it would get."""

    at: FloatArray
    """``(n,)`` when each comes, seconds from the start of the day, rising."""
    rows: IntArray
    """``(n,)`` rows of the traces."""
    correct: np.ndarray
    """``(n,)`` whether the reply is right."""
    answer_tokens: IntArray
    """``(n,)`` tokens at which its answer has appeared."""
    completion_tokens: IntArray
    """``(n,)`` tokens at which it ends."""
    windows: int
    """Windows of the day."""
    length: float
    """Seconds of each."""

    @property
    def window(self) -> IntArray:
        """``(n,)`` the window that each comes in."""
        return np.minimum((self.at // self.length).astype(np.int64), self.windows - 1)

    def budget(self, share: float) -> int:
        """Tokens of a window that are a share of what all replies of the day take that nobody stops, by the window."""
        return max(1, round(share * float(self.completion_tokens.sum()) / self.windows))


class TrafficMaker:
    """Draws days from traces, with replacement: others of the kind come again and again.

    Args:
        traces: Where the questions are from.

    Raises:
        InputError: They have fewer than three tiers to mix.
    """

    def __init__(self, traces: Traces) -> None:
        tiers = np.array(traces.strata)
        self._traces = traces
        self._members = [np.flatnonzero(tiers == tier) for tier in TIERS]
        for tier, members in zip(TIERS, self._members, strict=True):
            if not members.size:
                raise InputError(
                    f"{traces.name} has no questions in the tier '{tier}', of which days are mixed; "
                    "add a column `tier` with easy, medium and hard, or give more questions."
                )

    def draw(self, day: Day, *, arrivals: int, windows: int, seed: int, length: float = HOUR) -> Traffic:
        """A day; equal seeds give equal days.

        Raises:
            InputError: No arrival, or no window.
        """
        if arrivals < 1 or windows < 1:
            raise InputError(f"A day of {arrivals} arrivals in {windows} windows is none; give 1 or more of each.")
        rng = np.random.default_rng([seed, list(DAYS).index(day.name)])
        middle = (np.arange(_SLOTS) + 0.5) / _SLOTS
        many = np.append(0.0, np.cumsum(day.rate(middle, rng)))
        moments = np.interp(np.sort(rng.uniform(0.0, many[-1], arrivals)), many, np.arange(_SLOTS + 1) / _SLOTS)
        shares = day.shares(moments).cumsum(axis=1)
        tier = (rng.uniform(size=arrivals)[:, np.newaxis] >= shares[:, :-1]).sum(axis=1)
        sizes = np.array([len(members) for members in self._members])
        picks = (rng.uniform(size=arrivals) * sizes[tier]).astype(np.int64)
        query = np.array([self._members[kind][pick] for kind, pick in zip(tier, picks, strict=True)])
        traces = self._traces
        rows = traces.first[query] + (rng.uniform(size=arrivals) * traces.samples[query]).astype(np.int64)
        return Traffic(
            moments * windows * length,
            rows,
            traces.correct[rows],
            traces.answer_tokens[rows],
            np.maximum(traces.completion_tokens[rows], 1),
            windows,
            length,
        )
