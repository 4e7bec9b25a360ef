"""Markets that are easier than ours, to measure it against."""

import math

from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice.online._pooled import HOUR, AbstractPooledMarket
from shadowprice.online._seam import Hopes, Ticket


class FirstCome(AbstractPooledMarket):
    """No price: whoever comes is served until the window's tokens are gone.

    Args:
        grid: As for every market, like all that is not below.
        budget: Tokens of a window.
        cap: Tokens that nobody goes beyond; the end of the grid by default.
        length: Seconds of a window.
        start: When the first begins.
        carry: Share of the budget that may be carried over.

    Raises:
        InputError: Something is out of range.
    """

    def __init__(
        self,
        grid: ArrayLike,
        budget: int,
        *,
        cap: int | None = None,
        length: float = HOUR,
        start: float = 0.0,
        carry: float = 0.0,
    ) -> None:
        super().__init__(grid, budget, length=length, start=start, carry=carry)
        if cap is not None and cap < 1:
            raise InputError(f"A cap of {cap} tokens lets nobody speak; give 1 or more.")
        self._cap = math.inf if cap is None else cap

    @property
    def price(self) -> float:
        """None: 0."""
        return 0.0

    def _begins(self, ticket: Ticket, hopes: Hopes) -> bool:
        ticket.most = int(min(ticket.most, self._cap))
        return True

    def _goes_on(self, ticket: Ticket, hopes: Hopes) -> bool:
        return ticket.generated < ticket.most
