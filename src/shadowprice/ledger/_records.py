"""What a ledger answers."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple


class Answer(StrEnum):
    """Why a reservation was made or refused."""

    GRANTED = "granted"
    """The request may generate that many tokens."""
    NOTHING_LEFT = "nothing left"
    """The budget is spent or reserved by others; ask again once something has been settled."""
    HELD = "held"
    """Servers may still make what is left, for requests that run; ask again once one of these has ended."""
    ELSEWHERE = "elsewhere"
    """Another process holds this request."""
    SETTLED = "settled"
    """This request has an outcome; it needs no tokens any more."""


class Grant(NamedTuple):
    """The answer to a reservation."""

    tokens: int
    """Tokens that the request may generate in all in this attempt; 0 is a refusal."""
    answer: Answer
    ahead: int = 0
    """Tokens beyond these that its server may make, should nobody stop it in time."""


class State(StrEnum):
    """What became of one attempt."""

    OPEN = "open"
    """Its tokens are reserved; it may be generating."""
    SETTLED = "settled"
    """It gave the request its outcome."""
    CHARGED = "charged"
    """It failed and was paid for; the request may be tried again."""
    RELEASED = "released"
    """It never reached a server and cost nothing."""
    LOST = "lost"
    """Its process died; it is charged at its reservation unless corrected."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one request."""

    request: str
    attempt: int
    """1 is the first."""
    state: State
    reserved: int
    """Tokens it might generate."""
    ahead: int
    """Tokens beyond these that its server may make, while it is open."""
    charged: int | None
    """Tokens it was charged; None while it is open."""
    note: str
    opened: str
    """UTC, ISO 8601."""
    closed: str | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a request ended, once and for all."""

    request: str
    reason: str
    generated: int
    """Tokens of the attempt that gave the outcome."""
    payload: dict[str, Any]
    """The result, as it was given; numbers that are not finite have become None."""
    settled: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class RequestRow:
    """Everything about one request, as it is exported."""

    run: str
    request: str
    state: str
    """`settled` with an outcome, `open` with a reservation, `waiting` between attempts."""
    reason: str | None
    generated: int
    """Tokens of the attempt that gave the outcome."""
    attempts: int
    reserved: int
    """Tokens in its open reservation."""
    charged: int
    """Tokens of all its attempts."""
    lost: int
    """Attempts whose process died."""
    settled: str | None
    """UTC, ISO 8601."""
    payload: str | None
    """JSON text."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Where a run's tokens are."""

    budget: int
    """Tokens of the run."""
    spent: int
    """Tokens charged."""
    reserved: int
    """Tokens in open reservations."""
    ahead: int
    """Tokens beyond these that servers may make, should nobody stop them in time."""
    overrun: int
    """Of the tokens spent, those that a server generated beyond what it was allowed."""
    lost: int
    """Of the tokens spent, those charged to attempts whose process died."""
    open: int
    """Requests with a reservation."""
    reasons: dict[str, int]
    """Outcomes per reason, most frequent first."""

    @property
    def available(self) -> int:
        """Tokens that are neither spent nor reserved; those that are held ahead can be reserved once they come back."""
        return max(0, self.budget - self.spent - self.reserved)

    @property
    def settled(self) -> int:
        """Requests with an outcome."""
        return sum(self.reasons.values())


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run that a ledger holds."""

    name: str
    budget: int
    """Tokens."""
    settings: dict[str, Any]
    """As it was opened, without secrets."""
    fingerprint: str
    """Of the questions."""
    opened: str
    """UTC, ISO 8601."""
    finished: str | None
    """When every request had its outcome; None while that is not so."""
