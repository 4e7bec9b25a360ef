"""What one generation holds, of the market and of the ledger."""

from dataclasses import dataclass

from shadowprice.ledger import Run as LedgerRun
from shadowprice.online import Hopes, Ticket


@dataclass(slots=True, eq=False)
class Account:
    """What one generation holds."""

    name: str
    """The request's name in the ledger."""
    hopes: Hopes
    """What is believed of it as it arrives."""
    most: int
    """Tokens that it may reach in all."""
    choices: int = 1
    """Replies among which they are divided."""
    weight: float = 1.0
    """What it is worth beside others."""
    enough: int = 0
    """Tokens below which its cap should not be."""
    granted: int = 0
    """Tokens that the market lets it reach."""
    cap: int = 0
    """Tokens that its server may make in all."""
    price: float = float("nan")
    """The price at which it was let in."""
    generated: int = 0
    """Tokens that it has made, as far as is known."""
    base: int = 0
    """Of these, tokens that earlier windows were charged."""
    reserved: int = 0
    """Tokens beyond `base` that the ledger charges if this process dies."""
    ticket: Ticket | None = None
    run: LedgerRun | None = None
    """The books that it is in; None before it is let in, and after it was settled."""

    held: int = 0
    """Tokens beyond `base` that nobody else may have while it runs."""

    @property
    def needed(self) -> int:
        """Tokens without which it is not worth beginning."""
        return max(self.choices, min(self.most, self.enough))
