"""When to ask again after a failure."""

import random
from dataclasses import dataclass

from shadowprice._errors import EngineError, InputError

_LONGEST = 30.0
"""Seconds to wait before a retry, at most, where the server does not say."""


@dataclass(frozen=True, slots=True)
class Retries:
    """How often, and after what wait, something is asked again.

    Raises:
        InputError: A number is below 0.
    """

    times: int = 5
    """Retries of one question, at most."""
    patience: float = 300.0
    """Longest wait, in seconds, that a server may ask for."""
    backoff: float = 0.5
    """Seconds before the first retry where the server does not say; it doubles with every further one."""

    def __post_init__(self) -> None:
        if self.times < 0:
            raise InputError(f"retries is {self.times}; it must be 0 or more.")
        for name in ("patience", "backoff"):
            if not getattr(self, name) >= 0.0:
                raise InputError(f"{name} is {getattr(self, name)} seconds; it must be 0 or more.")

    def pause(self, error: EngineError, attempt: int, chance: random.Random) -> float | None:
        """Seconds to wait before asking again; None if that is no use.

        Args:
            error: What went wrong.
            attempt: How often it was asked, this time included.
            chance: Spreads the retries of many, so that they do not come all at once.
        """
        if not error.retryable or attempt > self.times:
            return None
        if error.retry_after is not None:
            return error.retry_after if error.retry_after <= self.patience else None
        pause: float = min(_LONGEST, self.backoff * 2.0 ** min(attempt - 1, 60))
        return pause * chance.uniform(0.5, 1.0)
