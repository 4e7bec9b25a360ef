"""TALE-EP as a rival: the model's own estimate in the prompt, first come, first served."""

from typing import ClassVar

import numpy as np

from shadowprice._types import IntArray
from shadowprice.beliefs import AbstractOutlook, Beliefs
from shadowprice.policies._market import RUNNING, WAITING, AbstractPolicy, Knowledge
from shadowprice.policies._steps import AbstractStepMarket
from shadowprice.policies._terms import Terms

_STEPS = np.round(8.0 * 2.0 ** (np.arange(40) / 3.0))


class TaleEp(AbstractPolicy):
    """Ask for an estimate, put it into the prompt, and let the reply run (Han et al. 2025, arXiv 2412.18547).

    TALE-EP has no budget for many queries. Here they are served in the order in which they come, for as long as tokens
    last; a query begins if what it says it needs is still there, beside what the running ones said. Replies end when
    they end, as the estimate is a wish and not a cap. Open it with `Beliefs.certain` of the estimates, the tokens of
    the estimating call included.
    """

    name: ClassVar[str] = "tale-ep"
    knows: ClassVar[Knowledge] = Knowledge.ESTIMATES

    def open(
        self, beliefs: Beliefs, budget: int, *, terms: Terms | None = None, outlook: AbstractOutlook | None = None
    ) -> "TaleMarket":
        """Open a market.

        Raises:
            InputError: The budget is negative, or does not pay for what is guaranteed.
        """
        del outlook
        return TaleMarket(beliefs, budget, Terms(len(beliefs)) if terms is None else terms)


class TaleMarket(AbstractStepMarket):
    """First come, first served, for as long as tokens last."""

    def __init__(self, beliefs: Beliefs, budget: int, terms: Terms) -> None:
        super().__init__(_STEPS, budget, terms)
        self._needs = np.minimum(np.ceil(beliefs.threshold), 2.0**53).astype(np.int64)

    @property
    def price(self) -> float:
        """There is none."""
        return float("nan")

    def _pick(self, ids: IntArray, generated: IntArray) -> IntArray:
        del generated
        running = self._state == RUNNING
        promised = int(np.maximum(self._needs - self._granted, 0)[running].sum())
        waiting = self._state[ids] == WAITING
        wanted = np.cumsum(np.where(waiting, self._needs[ids], 0))
        fits = wanted <= self._pool - self._sure - promised
        if waiting.any() and not running.any():
            fits[np.argmax(waiting)] = True  # the last tokens go to whoever is next, even if they will not do
        return np.flatnonzero(~waiting | fits | (self._owed(ids) > 0))
