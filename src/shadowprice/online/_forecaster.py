"""Hopes for a request: what its text, its kind and its reply so far say of what may become of it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from shadowprice._types import IntArray
from shadowprice.online._seam import Hopes


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as a forecast needs it."""

    question: str | None = None
    """What was asked; None where nobody may read it."""
    prompt: int = 0
    """Size of the prompt, tokens or whatever is known of it."""
    most: int | None = None
    """Tokens that its reply may reach, at most."""
    own_cap: bool = False
    """Whether the client asked for that cap, so that a reply that comes to it is what it wanted."""
    key: str = ""
    """What requests of one kind have in common: a route, a model, a tenant."""


class AbstractForecaster(ABC):
    """Makes hopes. It is asked before a reply begins, and whenever it has come further."""

    grid: IntArray
    """``(K,)`` token counts of its hopes."""

    @abstractmethod
    def before(self, asked: Asked) -> Hopes:
        """What may become of a request that has just arrived. Nothing is kept of it."""

    @abstractmethod
    def follow(self, asked: Asked, before: Hopes) -> int:
        """A place to follow its reply in, until `forget`."""

    @abstractmethod
    def running(self, place: int, generated: int, text_since: str) -> Hopes:
        """What may become of it now.

        Args:
            place: From `follow`.
            generated: Tokens so far.
            text_since: What it has written since the last call; empty where nobody may read it.
        """

    @abstractmethod
    def forget(self, place: int) -> None:
        """The reply is over: its place is free for others."""

    @abstractmethod
    def learn(self, asked: Asked, generated: int, finished: bool) -> None:
        """A reply is over: it generated so much, and ended by itself or was cut there."""

    @abstractmethod
    def snapshot(self) -> dict[str, Any]:
        """All that it has learnt from traffic, as plain JSON."""

    @abstractmethod
    def restore(self, state: Any) -> None:
        """Go on from a snapshot.

        Raises:
            InputError: It is none.
        """
