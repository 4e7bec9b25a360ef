"""How often queries come: exponentially weighted counts with the bias of their start divided out."""

import math


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
