"""How many are still to come: rates that forget, and how much stretches of time have differed."""

import math
from typing import Final

import numpy as np

from shadowprice._types import FloatArray

_PARTS: Final = 12
"""Parts of a window that arrivals are counted in."""
_KEPT: Final = 24 * _PARTS
"""Parts that are remembered: a day, where windows are hours."""
_FEWEST: Final = 6
"""Parts from which on they say how much traffic varies."""
_FUTURES: Final = 5
"""Futures that are told apart."""


class Rate:
    """Arrivals a second, remembered for about so long; it falls in silence.

    Args:
        memory: Seconds after which an arrival counts 1/e.
        start: When counting began, seconds.
        doubt: Seconds of silence before that to begin with, so that the first arrival is no flood.
    """

    __slots__ = ("count", "doubt", "last", "memory", "start")

    def __init__(self, memory: float, start: float, doubt: float) -> None:
        self.memory, self.start, self.doubt = memory, start, doubt
        self.count, self.last = 0.0, start

    def arrived(self, now: float) -> None:
        """Count an arrival."""
        self.count = self.count * math.exp(-(now - self.last) / self.memory) + 1.0
        self.last = now

    def at(self, now: float) -> float:
        """Arrivals a second, as of now."""
        kept = self.count * math.exp(-(now - self.last) / self.memory)
        seen = -self.memory * math.expm1(-(now - self.start + self.doubt) / self.memory)
        return kept / seen


class Tides:
    """How much traffic varies: arrivals in stretches as long as the rest of the window, against their mean.

    Args:
        length: Seconds of a window.
        start: When counting began, seconds.
    """

    __slots__ = ("counts", "edge", "factors", "part")

    def __init__(self, length: float, start: float) -> None:
        self.part, self.edge = length / _PARTS, start + length / _PARTS
        self.counts: list[int] = [0]
        """Arrivals in each part, the last of which is not over yet."""
        self.factors: FloatArray = np.ones(1)
        """``(f,)`` arrivals in as many equally likely futures, as multiples of what is expected; their mean is 1."""

    def arrived(self) -> None:
        """Count an arrival."""
        self.counts[-1] += 1

    def advance(self, now: float, rest: float) -> None:
        """Let time pass; so many seconds are left of the window."""
        if now < self.edge:
            return
        over = math.floor((now - self.edge) / self.part) + 1
        self.counts = (self.counts + [0] * min(over, _KEPT))[-_KEPT - 1 :]
        self.edge += over * self.part
        self.factors = _factors(np.array(self.counts[:-1], dtype=np.float64), max(1, round(rest / self.part)))


def _factors(counts: FloatArray, stretch: int) -> FloatArray:
    stretch = min(stretch, len(counts) // 2)
    if len(counts) < _FEWEST or not counts.any():
        return np.ones(1)
    before = np.append(0.0, np.cumsum(counts))
    seen = np.sort(before[stretch:] - before[:-stretch])
    futures = np.array([part.mean() for part in np.array_split(seen, min(_FUTURES, len(seen)))])
    mean = float(futures.mean())
    return futures / mean if mean > 0.0 else np.ones(1)
