"""How a run asks, and what it does when a reply is stopped or fails."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Final, get_args

from shadowprice._errors import InputError, no_such
from shadowprice.engines import Effort
from shadowprice.runner._retries import Retries
from shadowprice.tasks import ANSWER


class End(StrEnum):
    """What becomes of a reply that is no longer worth its price."""

    ABANDON = "abandon"
    """It stays as it is, and counts if its answer stands there already."""
    ANSWER = "answer"
    """Its thinking is closed, and the model is asked for the answer; for engines that can go on with a text."""
    FALLBACK = "fallback"
    """Another model is asked."""


_BOUNDS: Final = {
    "seed": (0, 2**32 - 1),
    "concurrency": (1, 100_000),
    "max_tokens": (1, 2**53),
    "thinking_tokens": (0, 2**53),
    "end_tokens": (1, 2**53),
}
CUE: Final = f"\n{ANSWER}"
"""What asks for the answer, in the words of the instruction."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How to ask."""

    temperature: float = 0.0
    """Sampling temperature; 0 is greedy."""
    seed: int = 0
    """Seed of the order of questions; every question's own seed is derived from it and the question's id."""
    concurrency: int = 16
    """Replies generated at the same time, at most; fewer where the budget is small (see `width`)."""
    max_tokens: int | None = None
    """Hard cap on each reply, tokens; None leaves it to the market."""
    thinking_tokens: int | None = None
    """Cap on reasoning tokens of each reply; None leaves it to the model."""
    effort: Effort | None = None
    """How hard the model shall think; None leaves it to the server."""
    exact: bool = False
    """Send every step as a request with a cap of its own, which goes on with the text so far: exact on servers that
    hand tokens out late, for the price of a request for every step; for engines that can go on with a text."""
    end: End = End.ABANDON
    """What becomes of replies that are stopped."""
    end_tokens: int = 16
    """Tokens kept for that of each reply that runs, beyond what the market grants it."""
    exploring: bool = False
    """Whether this is asked in order to learn what to believe of other questions; results are marked with it."""
    retries: Retries = field(default_factory=Retries)
    """When a question is asked again after failures that may pass."""

    def __post_init__(self) -> None:
        for name, (least, most) in _BOUNDS.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} is {value}; it must be {least} or more.")
            if value is not None and value > most:
                raise InputError(f"{name} is {value}; it must be {most} or less.")
        if self.effort is not None and self.effort not in get_args(Effort):
            raise no_such("effort", self.effort, get_args(Effort))
        if not 0.0 <= self.temperature <= 10.0:
            raise InputError(f"The temperature is {self.temperature}; it must be between 0 and 10.")

    @property
    def ending(self) -> int:
        """Tokens that a reply may need after it was stopped."""
        return 0 if self.end is End.ABANDON else self.end_tokens

    def width(self, budget: int, overshoot: int) -> int:
        """Replies to generate at the same time.

        Each needs `overshoot` tokens and those for its ending kept back; all together at most a fiftieth and a
        fifth of the budget.
        """
        width = self.concurrency
        if overshoot:
            width = min(width, budget // (50 * overshoot))
        if self.ending:
            width = min(width, budget // (5 * self.ending))
        return max(1, width)

    def choices(self) -> dict[str, Any]:
        """What decides what is asked, as JSON; a run that goes on must have made the same choices."""
        kept = asdict(self)
        for name in ("concurrency", "exploring", "retries"):
            del kept[name]
        return kept
