"""What became of each question."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from shadowprice._text import all_kept
from shadowprice.tasks import Question


class Reason(StrEnum):
    """How a question ended; every question ends in exactly one of these ways."""

    FINISHED = "finished"
    """The model ended its reply by itself."""
    CUT_OFF = "cut off"
    """The reply reached the most tokens that it could ever get."""
    STOPPED = "stopped"
    """Going on was no longer worth its price."""
    ANSWERED = "answered"
    """It was stopped, and then asked for its answer."""
    FELL_BACK = "fell back"
    """It was stopped, and another model was asked."""
    ABANDONED = "abandoned"
    """It was worth less than its tokens cost, and was never asked."""
    FAILED = "failed"
    """The engine failed, for good or too often."""
    INTERRUPTED = "interrupted"
    """The run was stopped before this question was settled; going on with the run asks it."""

    @property
    def replied(self) -> bool:
        """Whether there is a reply, whole or in part."""
        return self in _REPLIED


_REPLIED: Final = (Reason.FINISHED, Reason.CUT_OFF, Reason.STOPPED, Reason.ANSWERED, Reason.FELL_BACK)


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one question."""

    question: Question
    reason: Reason
    granted: int
    """Tokens it was allowed in the end."""
    generated: int
    """Tokens that its reply is charged: the engine's own count, and `past`."""
    price: float
    """Shadow price when it was begun, right answers per token; NaN for a policy without one."""
    text: str = ""
    thinking: str = ""
    """Its reasoning, where the engine tells it apart."""
    answer: str | None = None
    correct: bool | None = None
    """None where no reference answer is known or nothing was asked."""
    position: int = 0
    """Tokens by which the answer had emerged; all of them where there is none."""
    failure: str = ""
    attempts: int = 0
    """Times it was sent to the engine."""
    wasted: int = 0
    """Tokens that failed attempts are charged."""
    explored: bool = False
    """Whether it was asked in order to learn what to believe of others."""
    ended: bool = False
    """Whether what was read of it came to its own end; with `Reason.ANSWERED` that is the answer it was asked for."""
    past: int = 0
    """Of `generated`, tokens that may have been generated after its stream was closed, which nobody has read."""

    @property
    def spent(self) -> int:
        """Tokens that the question is charged in all."""
        return self.generated + self.wasted

    def payload(self) -> dict[str, Any]:
        """Everything but the question, as JSON, for the ledger."""
        kept = {name: getattr(self, name) for name in _KEPT}
        kept["reason"] = str(self.reason)
        if math.isnan(self.price):  # no number in JSON
            kept["price"] = None
        return kept

    @classmethod
    def restore(cls, question: Question, payload: Mapping[str, Any]) -> "Result":
        """The result that `payload` gave."""
        # Ledgers of earlier versions may hold halves of characters.
        kept = all_kept({name: payload[name] for name in _KEPT if name in payload})
        price = kept.get("price")
        return cls(question, **kept | {"reason": Reason(kept["reason"]), "price": _NAN if price is None else price})


_NAN: Final = float("nan")
_KEPT: Final = tuple(field.name for field in fields(Result) if field.name != "question")
