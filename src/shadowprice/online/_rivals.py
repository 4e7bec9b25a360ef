"""Markets that are easier than ours, to measure it against."""

import math

import numpy as np
from numpy.typing import ArrayLike

from shadowprice._errors import InputError
from shadowprice.online._kernels import stairs, weigh
from shadowprice.online._online import PATIENCE
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


class FixedPrice(AbstractPooledMarket):
    """A price that never changes; whoever is worth it begins, and goes on for as long as it is.

    Args:
        grid: As for every market, like all that is not below.
        budget: Tokens of a window.
        price: Utility per token, at least 0.
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
        price: float,
        length: float = HOUR,
        start: float = 0.0,
        carry: float = 0.0,
    ) -> None:
        super().__init__(grid, budget, length=length, start=start, carry=carry)
        if not 0.0 <= price < math.inf:
            raise InputError(f"A price is finite and at least 0, not {price:g}.")
        self._price = price
        self._least, self._expected = np.zeros(len(self.grid)), np.zeros(len(self.grid))

    @property
    def price(self) -> float:
        """The price, utility per token."""
        return self._price

    def _begins(self, ticket: Ticket, hopes: Hopes) -> bool:
        stairs(self.grid, *hopes.rows(), ticket.most, ticket.weight, self._least, self._expected)
        return bool(0.0 < self._least[0] >= self._price)

    def _goes_on(self, ticket: Ticket, hopes: Hopes) -> bool:
        index, _ = weigh(self.grid, *hopes.rows(), ticket.most, ticket.generated, ticket.weight)
        return bool(0.0 < index >= PATIENCE * self._price)


class MirrorDescent(FixedPrice):
    """Dual mirror descent: the price rises where more was taken than the target, and falls where less was.

    Online mirror descent on the dual with the entropy as its mirror map (Balseiro, Lu and Mirrokni 2020, arXiv
    2011.10124): λ ← λ·exp(η·(taken − target) / usual), where the target is ρ tokens a second since the last arrival.

    Args:
        grid: As for every market, like all that is not below.
        budget: Tokens of a window.
        price: To begin with.
        rate: η, the step in log price for what the target gives in `usual` seconds.
        usual: Seconds.
        paces: Whether ρ is the pool by the time left; else it is the budget by the window's length.
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
        price: float,
        rate: float = 1.0,
        usual: float = 600.0,
        paces: bool = False,
        length: float = HOUR,
        start: float = 0.0,
        carry: float = 0.0,
    ) -> None:
        super().__init__(grid, budget, price=price, length=length, start=start, carry=carry)
        self._rate, self._usual, self._paces = rate, usual, paces
        self._last = start

    def _begins(self, ticket: Ticket, hopes: Hopes) -> bool:
        begins = super()._begins(ticket, hopes)
        pace = self._budget / self._length
        if self._paces:
            pace = max(self._pool, 0) / max(self._window.end - self._now, 1.0)
        taken = float(self._expected[self._least >= self._price].sum()) if begins else 0.0
        over = taken - pace * (self._now - self._last)
        self._last = self._now
        step = self._rate * over / max(self._usual * self._budget / self._length, 1.0)
        least = 1.0 / max(self._budget, 1)
        self._price = min(max(self._price * math.exp(min(max(step, -1.0), 1.0)), least), 50.0)
        return begins
