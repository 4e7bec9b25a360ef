"""Noticing that this program has stood still, while servers went on."""

import asyncio
import time
from typing import Final

_BEAT: Final = 0.05
"""Seconds between two looks at the clock."""
_LATE: Final = 0.25
"""Seconds beyond that after which servers may have made more than what is kept back for it."""
_PAUSE: Final = 1.0
"""Seconds that are worth telling people about."""

# A suspended laptop stops the monotonic clock of Linux, and not its servers.
_CLOCK: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Pulse:
    """Looks at the clock for as long as `beat` runs: a stopped process, a suspended machine, a blocked event loop."""

    def __init__(self) -> None:
        self.pauses = 0
        """How often everything stood still for a second or more."""
        self.seconds = 0.0
        """How long that was, together."""
        self.beyond = 0
        """Tokens that servers had made beyond what was granted before they could be stopped; they are paid for."""
        self._seen = self.now()
        self._late = float("-inf")

    @staticmethod
    def now() -> float:
        """Seconds by a clock that nothing stops."""
        return time.clock_gettime(_CLOCK)

    async def beat(self) -> None:
        """Look at the clock until cancelled."""
        self._seen = self.now()
        while True:
            await asyncio.sleep(_BEAT)
            self._look()

    def was_late(self, since: float) -> bool:
        """Whether anything stood still since then, if only for a moment."""
        self._look()
        return self._late > since

    def _look(self) -> None:
        now = self.now()
        gap, self._seen = now - self._seen, now
        if gap > _BEAT + _LATE:
            self._late = now
        if gap > _PAUSE:
            self.pauses += 1
            self.seconds += gap
