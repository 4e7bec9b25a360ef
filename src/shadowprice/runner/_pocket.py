"""Books in memory, for a run that shares its budget with nobody and survives no crash."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shadowprice.ledger import Answer, Grant


@dataclass(slots=True)
class _Held:
    """What one request that runs holds."""

    reserved: int
    ahead: int


class Pocket:
    """What `Purse` asks of a ledger, without the file.

    Args:
        budget: Tokens.
    """

    def __init__(self, budget: int) -> None:
        self.available = budget
        """Tokens that are neither spent nor reserved."""
        self._held: dict[str, _Held] = {}

    def reserve(
        self, request: str, tokens: int, *, least: int = 1, ahead: int = 0, among: int = 1, enough: int = 0
    ) -> Grant:
        """See `shadowprice.ledger.Run.reserve`."""
        free = self._free()
        granted = min(tokens, free)
        if granted < min(tokens, least):
            return Grant(0, Answer.HELD if self.available >= least else Answer.NOTHING_LEFT)
        needed = min(ahead, enough)
        if free - granted < needed:
            return Grant(0, Answer.HELD)
        held = min(ahead, max(needed, (free - granted) // among))
        self.available -= granted
        self._held[request] = _Held(granted, held)
        return Grant(granted, Answer.GRANTED, held)

    def extend(self, request: str, tokens: int) -> Grant:
        """See `shadowprice.ledger.Run.extend`."""
        held = self._held[request]
        more = max(0, min(tokens - held.reserved, self._free() + held.ahead))
        held.reserved += more
        held.ahead -= min(more, held.ahead)
        self.available -= more
        short = Answer.HELD if self.available > 0 else Answer.NOTHING_LEFT
        return Grant(held.reserved, short if held.reserved < tokens else Answer.GRANTED, held.ahead)

    def hold(self, request: str, ahead: int, *, among: int = 1) -> int:
        """See `shadowprice.ledger.Run.hold`."""
        held = self._held[request]
        held.ahead += max(0, min(ahead - held.ahead, self._free() // among))
        return held.ahead

    def charge(self, request: str, generated: int, note: str = "") -> None:
        """See `shadowprice.ledger.Run.charge`."""
        del note
        self.available += self._held.pop(request).reserved - generated

    def settle(self, request: str, generated: int, reason: str, payload: Mapping[str, Any] | None = None) -> None:
        """See `shadowprice.ledger.Run.settle`."""
        del reason, payload
        if request in self._held:
            self.charge(request, generated)

    def _free(self) -> int:
        return max(0, self.available - sum(held.ahead for held in self._held.values()))
